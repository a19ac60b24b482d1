"""The deployment files name settings and commands that exist, and the programs that read them take them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from plastinate.cli.main import cli
from plastinate.depot.places import CACHE, FETCH, MIRROR
from plastinate.settings import PREFIX, Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = ["Caddyfile", "Dockerfile", "compose.yaml", "env.example", "nginx.conf", "plastinate.service"]
SETTINGS = {PREFIX + setting.name.upper() for setting in fields(Settings)} | {CACHE, FETCH, MIRROR}
SUBSTITUTED = re.compile(r"\$\{(\w+)(:\?|:-)")


def _text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def _services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(_text("compose.yaml"))["services"]
    return services


def _commands() -> list[str]:
    unit = re.findall(r"^ExecStart=\S*/(plastinate .*)$", _text("plastinate.service"), re.M)
    image = [
        " ".join(re.findall(r'"([^"]+)"', words))
        for words in re.findall(r"^CMD \[(.*)\]$", _text("Dockerfile"), re.M)
    ]
    composed = [service["command"] for service in _services().values() if "command" in service]
    return [*unit, *image, *(each for each in composed if each.startswith("plastinate"))]


@pytest.mark.parametrize("name", FILES)
def test_every_variable_of_ours_in_a_deployment_file_is_a_setting(name: str):
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+", _text(name))) <= SETTINGS


def test_every_command_of_ours_in_the_deployment_files_is_understood():
    found = _commands()
    assert len(found) == 3
    for line in found:
        name, *rest = shlex.split(line)[1:]
        cli.commands[name].make_context(name, rest)


def test_what_compose_asks_for_is_in_the_example_and_the_example_asks_for_nothing_else():
    asked = {name for name, _ in SUBSTITUTED.findall(_text("compose.yaml"))}
    assert set(re.findall(r"^(\w+)=", _text("env.example"), re.M)) == asked


def test_only_the_proxy_of_the_composition_can_be_reached_from_outside():
    services = _services()
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    inside = [name for name, service in services.items() if service["networks"] == ["back"]]
    assert inside == ["worker", "scheduler", "database", "store"]
    assert yaml.safe_load(_text("compose.yaml"))["networks"]["back"] == {"internal": True}


def test_web_and_workers_of_the_composition_share_one_archive():
    services = _services()
    shared = {f"{PREFIX}{name}" for name in ("DATABASE", "STORE", "SCHEDULER")}
    web, worker = services["web"]["environment"], services["worker"]["environment"]
    assert {name: web[name] for name in shared} == {name: worker[name] for name in shared}


def test_systemd_takes_the_unit(tmp_path: Path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed here")
    # What it starts is not installed here; everything else of the unit is looked at.
    unit = tmp_path / "plastinate.service"
    unit.write_text(_text("plastinate.service").replace("/opt/plastinate/bin/plastinate", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "plastinate" in line]) == (0, [])


def test_caddy_takes_its_file():
    if shutil.which("caddy") is None:
        pytest.skip("Caddy is not installed here")
    words = ["caddy", "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
