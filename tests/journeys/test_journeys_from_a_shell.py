"""`plastinate login`, `push`, `pull` and `logout` with a real server, as a person uses them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from running_server import EMAIL, PASSWORD, RunningServer, Visitor, counted
from terminals import at_a_terminal

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-m", "plastinate.cli.main"]


def own(home: Path) -> dict[str, str]:
    return {**counted(), "PATH": "/usr/bin:/bin", "HOME": str(home)}


def command(*words: object, home: Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *map(str, words)],
        capture_output=True,
        text=True,
        input=typed,
        cwd=home,
        env=own(home),
        timeout=120,
        check=False,
    )


def signed_in(server: RunningServer, home: Path, *, password: str = PASSWORD) -> tuple[str, int]:
    return at_a_terminal([*PROGRAM, "login", server.url], [EMAIL, password], environment=own(home))


def by_own_token(server: RunningServer, ada: Visitor, home: Path) -> str:
    token = str(ada.post("/api/tokens", json={"name": "brought along"}).json()["token"])
    assert command("login", server.url, "--token", "-", home=home, typed=f"{token}\n").returncode == 0
    return token


def cases_of(visitor: Visitor) -> list[str]:
    return [case["id"] for case in visitor.get("/api/cases?per_page=200").json()["cases"]]


def knows(server: RunningServer, token: str) -> bool:
    return Visitor(server.url).get("/api/me", headers={"Authorization": f"Bearer {token}"}).ok


def kept_token(home: Path, server: RunningServer) -> str:
    text = (home / ".config" / "plastinate" / "servers.json").read_text()
    return str(json.loads(text)["tokens"].get(server.url, ""))


def test_a_script_pushes_a_scan_and_pulls_its_models(
    server: RunningServer, ada: Visitor, scan: Path, tmp_path: Path
):
    said, status = signed_in(server, tmp_path)
    assert (status, "Ada Lovelace" in said) == (0, True), said
    assert PASSWORD not in said
    words = ("--title", "From a / shell", "--organ", "skin", "--format", "stl", "--wait", "--json")
    ran = command("push", scan, *words, home=tmp_path)
    assert ran.returncode == 0, ran.stderr
    case = json.loads(ran.stdout)
    assert case["title"] == "From a / shell"
    ran = command("pull", case["url"], "--format", "stl", home=tmp_path)
    assert ran.returncode == 0, ran.stderr
    folder = tmp_path / f"From-a-shell-{case['id'][:8]}"
    assert folder.name in ran.stdout
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == [
        "certificate.html",
        "certificate.json",
        "skin.stl",
    ]
    [build] = ada.get(f"/api/cases/{case['id']}/builds").json()["builds"]
    assert not [file["name"] for file in build["files"] if file["name"].endswith(".glb")]

    ada.patch(f"/api/cases/{case['id']}", json={"title": "Renamed since"})
    assert folder.name in command("pull", case["id"], "--format", "stl", home=tmp_path).stdout


def test_what_a_server_refuses_is_told_with_its_own_code(server: RunningServer, ada: Visitor, tmp_path: Path):
    said, status = signed_in(server, tmp_path, password="wrong password")
    assert (status, "[request.sign-in]" in said) == (8, True), said
    by_own_token(server, ada, tmp_path)
    ran = command("pull", "a2b3c4d5e6f7g8h9j2k3", home=tmp_path)
    assert (ran.returncode, "[request.not-there]" in ran.stderr) == (8, True), ran.stderr
    (tmp_path / "note.txt").write_text("no scan at all")
    ran = command("push", tmp_path / "note.txt", "--wait", home=tmp_path)
    assert "Traceback" not in ran.stderr
    assert ran.returncode in (0, 6)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--recipe", "nonsense"), "recipe.not-found"),
        (("--organ", "skin,wing"), "recipe.not-found"),
        (("--organ", "skin", "--format", "glb,docx"), "recipe.not-found"),
        (("--organ", "skin", "--recipe", "ct-skin"), "recipe.parameter"),
        (("--threshold", "700:200"), "request.flaw"),
    ],
)
def test_what_cannot_be_built_is_refused_before_anything_is_sent(
    server: RunningServer, ada: Visitor, scan: Path, tmp_path: Path, words: tuple[str, ...], code: str
):
    by_own_token(server, ada, tmp_path)
    before = cases_of(ada)
    ran = command("push", scan, *words, home=tmp_path)
    assert (ran.returncode, f"[{code}]" in ran.stderr) == (8, True), ran.stderr
    assert cases_of(ada) == before
    assert not [path for path in (server.home / "uploads").rglob("*") if path.is_file()]


def test_half_a_wish_is_a_wrong_command(server: RunningServer, ada: Visitor, scan: Path, tmp_path: Path):
    by_own_token(server, ada, tmp_path)
    ran = command("push", scan, "--series", "1", home=tmp_path)
    assert (ran.returncode, "--recipe" in ran.stderr) == (2, True), ran.stderr


def test_what_only_the_scan_shows_is_told_with_the_place_of_the_scan(
    server: RunningServer, ada: Visitor, scan: Path, tmp_path: Path
):
    by_own_token(server, ada, tmp_path)
    ran = command("push", scan, "--recipe", "mr-head", home=tmp_path)
    assert (ran.returncode, "[recipe.wrong-modality]" in ran.stderr) == (8, True), ran.stderr
    assert f"{server.url}/cases/{cases_of(ada)[0]}" in ran.stderr


def test_without_a_terminal_a_token_is_asked_for_and_not_a_password(server: RunningServer, tmp_path: Path):
    ran = command("login", server.url, home=tmp_path, typed=f"{EMAIL}\n{PASSWORD}\n")
    assert (ran.returncode, "[request.no-terminal]" in ran.stderr) == (2, True), ran.stderr
    assert "--token -" in ran.stderr
    ran = command("login", server.url, "--token", "-", home=tmp_path, typed="\n")
    assert (ran.returncode, "empty" in ran.stderr) == (2, True), ran.stderr


def test_who_signs_out_leaves_no_token_behind_here_or_there(
    server: RunningServer, ada: Visitor, tmp_path: Path
):
    signed_in(server, tmp_path)
    token = kept_token(tmp_path, server)
    assert knows(server, token)
    ran = command("logout", home=tmp_path)
    assert (ran.returncode, "void on the server too" in ran.stdout) == (0, True), ran.stderr
    assert kept_token(tmp_path, server) == ""
    assert not knows(server, token)
    ran = command("logout", home=tmp_path)
    assert (ran.returncode, "[request.sign-in]" in ran.stderr) == (8, True), ran.stderr


def test_a_token_that_somebody_brought_is_only_forgotten(server: RunningServer, ada: Visitor, tmp_path: Path):
    token = by_own_token(server, ada, tmp_path)
    ran = command("logout", server.url, home=tmp_path)
    assert (ran.returncode, "still holds" in ran.stdout) == (0, True), ran.stderr
    assert kept_token(tmp_path, server) == ""
    assert knows(server, token)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_script_of_the_api_page_runs(server: RunningServer, ada: Visitor, scan: Path, tmp_path: Path):
    token = by_own_token(server, ada, tmp_path)
    words = ("--threshold", "500:", "--format", "stl", "--wait", "--json")
    ran = command("push", scan, *words, home=tmp_path)
    assert ran.returncode == 0, ran.stderr
    case = json.loads(ran.stdout)["id"]
    [build] = ada.get(f"/api/cases/{case}/builds").json()["builds"]
    page = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    script = page.partition("## A script in five lines")[2].partition("```sh\n")[2].partition("```")[0]
    steps = script.replace("\\\n", " ").strip().splitlines()
    assert len(steps) == 5
    places = {
        "https://scans.example.org": server.url,
        "pl_your_token": token,
        "/CASE/": f"/{case}/",
        "/JOB": f"/{build['job_id']}",
        "/BUILD/": f"/{build['id']}/",
    }
    for place, meant in places.items():
        assert place in script
        steps = [step.replace(place, meant) for step in steps]
    answers = []
    for step in steps[1:]:
        one = f"{steps[0]}\n{step.replace('curl ', 'curl --silent --show-error --fail ', 1)}"
        done = subprocess.run(["bash", "-c", one], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (step, done.stderr)
        answers.append(done.stdout)
    assert case in [each["id"] for each in json.loads(answers[0])["cases"]]
    assert json.loads(answers[1])["request"]["recipe"] == "ct-chest"
    assert json.loads(answers[2])["state"] == "done"
    [packed] = tmp_path.glob("*.zip")
    with zipfile.ZipFile(packed) as opened:
        assert "certificate.html" in opened.namelist()
