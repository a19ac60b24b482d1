"""The pages tell what the program does: every code, cap, option and recipe, and no command that fails."""

from __future__ import annotations

import importlib
import json
import re
import shlex
from dataclasses import MISSING, fields
from itertools import pairwise
from pathlib import Path

import click
import pytest

from plastinate.cli.main import cli
from plastinate.depot.registry import built_in_cards
from plastinate.model import errors
from plastinate.recipes.load import list_recipes, load_structures
from plastinate.recipes.parse import EXPECT_KEYS, RECIPE_KEYS, STEP_KEYS, SURFACE_KEYS
from plastinate.recipes.structures import KEYS as STRUCTURE_KEYS
from plastinate.settings import PREFIX as SETTING
from plastinate.settings import Settings
from plastinate.stages import catalog
from plastinate.stages.export.formats import FORMATS
from plastinate.stages.ingest.decode import CODECS, NATIVE, RLE
from plastinate.stages.ingest.limits import PREFIX, Limits

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FINDING = re.compile(r'"((?:ingest|mesh|segment)\.[a-z0-9-]+)"')


def _page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def _command_lines() -> list[tuple[str, str]]:
    """Every line of a fenced block, without language, that calls the program, with its page."""
    found = []
    for page in PAGES:
        for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
            if language in ("", "sh", "bash"):
                lines = [line.split("  ")[0].strip() for line in block.splitlines()]
                found += [
                    (str(page.relative_to(ROOT)), line) for line in lines if line.startswith("plastinate ")
                ]
    return found


def _options() -> list[tuple[str, str]]:
    return [
        (name, option)
        for name, command in sorted(cli.commands.items())
        for each in (command, *(command.commands.values() if isinstance(command, click.Group) else ()))
        for parameter in each.params
        if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts)
    ]


def _error_leaves() -> list[type[errors.PlastinateError]]:
    return [
        value
        for path in sorted((ROOT / "src" / "plastinate" / "model").glob("*errors.py"))
        for value in vars(importlib.import_module(f"plastinate.model.{path.stem}")).values()
        if isinstance(value, type) and issubclass(value, errors.PlastinateError)
        if value.__module__ == f"plastinate.model.{path.stem}"
    ]


@pytest.mark.parametrize("leaf", _error_leaves(), ids=lambda leaf: leaf.code)
def test_the_error_page_names_every_code_with_its_exit_status(leaf: type[errors.PlastinateError]):
    assert f"| `{leaf.code}` | {leaf.exit_status} |" in _page("reference/errors.md")


def test_the_error_page_names_every_finding_and_no_other():
    source = "\n".join(path.read_text() for path in (ROOT / "src" / "plastinate").rglob("*.py"))
    listed = set(re.findall(r"^\| `((?:ingest|mesh|segment)\.[^`]+)` \|", _page("reference/errors.md"), re.M))
    assert listed == set(FINDING.findall(source))


def test_the_limits_page_names_every_cap_with_its_default():
    page, caps = _page("reference/limits.md"), Limits()
    for cap in fields(Limits):
        assert f"| `{PREFIX}{cap.name.upper()}` | {getattr(caps, cap.name)} |" in page


def test_the_settings_page_names_every_setting_with_its_default_and_no_other():
    page = _page("reference/settings.md").partition("\nEvery program reads")[0]
    rows = dict(re.findall(rf"^\| `{SETTING}([A-Z_]+)` \| ([^|]*) \|", page, re.M))
    assert sorted(rows) == sorted(setting.name.upper() for setting in fields(Settings))
    for setting in fields(Settings):
        # What is made when the program starts, and what is empty, is put into words.
        if setting.default not in (MISSING, ""):
            assert rows[setting.name.upper()].strip("`") == str(setting.default), setting.name


def test_the_settings_page_names_every_variable_that_the_program_reads():
    sources = [*(ROOT / "src" / "plastinate").rglob("*.py"), ROOT / "build_pages.py"]
    read = {name for path in sources for name in re.findall(rf'"({SETTING}[A-Z_]*[A-Z])"', path.read_text())}
    page = _page("reference/settings.md")
    assert sorted(name for name in read if f"`{name}`" not in page) == []


def test_the_api_page_names_every_operation_and_no_other():
    described = json.loads((ROOT / "src/plastinate/web/openapi.json").read_text(encoding="utf-8"))["paths"]
    methods = {"get", "head", "post", "put", "patch", "delete", "options"}
    there = {(m.upper(), path) for path, item in described.items() for m in item if m in methods}
    rows = re.findall(r"^\| ([A-Z]+) \| `([^`]+)` \|", _page("reference/api.md"), re.M)
    assert {(method, f"/api{path}") for method, path in rows} == there


def test_the_inputs_page_names_every_transfer_syntax():
    page = _page("reference/inputs.md")
    assert [uid for uid in sorted({*CODECS, *NATIVE, RLE}) if f"| {uid} |" not in page] == []


def test_the_command_page_has_a_part_for_every_command_with_its_options():
    page = _page("reference/command-line.md")
    names = re.findall(r"^## ([a-z]+)$", page, re.M)
    parts = dict(zip(names, re.split(r"^## [a-z]+$", page, flags=re.M)[1:], strict=True))
    assert sorted(parts) == sorted(cli.commands)
    assert [(name, option) for name, option in _options() if f"`{option}`" not in parts[name]] == []
    assert [
        option for part in parts for option in _listed(parts[part]) if (part, option) not in _options()
    ] == []
    assert [name for name in FORMATS if f"`{name}`" not in parts["build"]] == []


def _listed(part: str) -> list[str]:
    """The options that a table of the page has rows for."""
    rows = re.findall(r"^\| ((?:`--?[a-z-]+`(?:, )?)+) \|", part, re.M)
    return [option for row in rows for option in re.findall(r"`(--?[a-z-]+)`", row)]


def test_the_page_on_working_offline_names_every_model_for_which_no_terms_are_asked():
    page = _page("how-to/work-offline.md")
    free = [name for name, card in built_in_cards().items() if not card.must_agree]
    assert free
    assert [name for name in free if f"`{name}`" not in page] == []


def test_the_recipes_page_names_every_recipe_with_what_it_makes():
    page = _page("reference/recipes.md")
    for recipe in list_recipes():
        row = re.search(rf"^\| `{recipe.name}` \| {recipe.modality}[^|]* \| (.*) \|$", page, re.M)
        assert row is not None, recipe.name
        assert re.findall(r"`([^`]+)`", row[1]) == list(recipe.structures), recipe.name
        assert f"\n## {recipe.name}\n" in page


def test_the_organ_page_names_every_key_and_method():
    page = _page("how-to/add-an-organ.md")
    stages = {"prepare", "segment", "surface", "expect"}
    words = {*RECIPE_KEYS, *STEP_KEYS, *SURFACE_KEYS, *EXPECT_KEYS, *STRUCTURE_KEYS} - stages
    words |= {*catalog.PREPARE, *catalog.SEGMENT}
    assert sorted(word for word in words if f"`{word}`" not in page) == []
    assert [stage for stage in stages if f"[{stage}" not in page] == []
    assert [name for name in catalog.SURFACE if f'`"{name}"`' not in page] == []


def test_the_recipe_of_the_organ_page_holds_together(tmp_path: Path):
    from plastinate.pipeline.plan import plan
    from plastinate.recipes.load import load_recipe
    from plastinate.recipes.structures import FILE, read_structures

    recipe, structure = (
        block for language, block in FENCE.findall(_page("how-to/add-an-organ.md")) if language == "toml"
    )
    own = tmp_path / "my-spleen.toml"
    own.write_text(recipe, encoding="utf-8")
    steps = plan(load_recipe(own))
    assert [step.method for step in steps][-1] == "soft-field"
    assert all(step.why for step in steps if step.params)
    added = tmp_path / "structures.toml"
    added.write_text(FILE.read_text(encoding="utf-8") + "\n" + structure, encoding="utf-8")
    assert set(read_structures(added)) - set(load_structures()) == {"thymus"}


def _links() -> list[tuple[Path, str]]:
    """Every link of a page to another file or part of this project."""
    every = [*PAGES, *ROOT.glob("*.md")]
    return [
        (page, link)
        for page in sorted(set(every))
        for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text(encoding="utf-8")))
        if "://" not in link
    ]


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_of_the_pages_leads_somewhere():
    astray = []
    for page, link in _links():
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            astray.append((str(page.relative_to(ROOT)), link))
    assert astray == []


def test_every_decision_is_in_the_index():
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in (DOCS / "decisions").glob("*.md") if page.name not in index] == []


def test_the_pages_hold_commands_to_check():
    assert len(_command_lines()) > 20


@pytest.mark.parametrize(("page", "line"), _command_lines())
def test_every_command_line_of_the_pages_is_understood(page: str, line: str):
    """Parse each as the program would, without running it."""
    name, *rest = shlex.split(line)[1:]
    cli.commands[name].make_context(name, rest)


def test_every_recipe_organ_and_format_the_pages_ask_for_exists():
    made = {recipe.name for recipe in list_recipes()}
    for page, line in _command_lines():
        words = shlex.split(line)
        for option, value in pairwise(words):
            # "own:" stands before a model that the page itself tells how to bring.
            is_own = value.endswith(".toml") or value.startswith("own:")
            if option == "--recipe" and value != "NAME" and not is_own:
                assert value in made, (page, line)
            if option == "--organ":
                assert set(value.split(",")) <= set(load_structures()), (page, line)
            if option == "--format":
                assert set(value.split(",")) <= set(FORMATS), (page, line)
