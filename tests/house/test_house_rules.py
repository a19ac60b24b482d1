"""The rules of the house that no other tool checks."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "plastinate").rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base", "core"}
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_file_says_what_it_contains(path: Path):
    assert path.stem not in FORBIDDEN_NAMES
    assert len(path.read_text().splitlines()) <= FILE_LINES_MAX
    assert ast.get_docstring(ast.parse(path.read_text())), "a module opens with what flows through it"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_functions_fit_on_a_screen(path: Path):
    def length(node: ast.FunctionDef) -> int:
        first = node.body[0]
        is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        documented = (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0
        return (node.end_lineno or 0) - node.lineno + 1 - documented

    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    assert {f.name: length(f) for f in functions if length(f) > FUNCTION_LINES_MAX} == {}


def test_kernel_sources_open_with_what_flows_through_them():
    for path in (ROOT / "src" / "plastinate" / "native").glob("*.[ch]pp"):
        assert path.read_text().startswith("//"), path.name


def test_only_geometry_knows_the_frame_matrices():
    turned = re.compile(r"diag\(\s*\[?\s*-1(\.0)?\s*,\s*-1(\.0)?\s*,\s*1")
    guilty = [
        _name(path) for path in SOURCES if path.name != "geometry.py" and turned.search(path.read_text())
    ]
    assert guilty == []


def test_no_scan_and_no_weights_are_committed():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    data = {".dcm", ".nii", ".gz", ".nrrd", ".mha", ".npy", ".pt", ".onnx", ".hdf5", ".so", ".whl"}
    assert [name for name in listed.stdout.splitlines() if Path(name).suffix in data] == []


def test_architecture_names_every_room():
    page = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = [
        path.name
        for path in (ROOT / "src" / "plastinate" / "stages").iterdir()
        if (path / "__init__.py").exists()
    ]
    assert [room for room in rooms if f"`{room}/`" not in page] == []


def test_every_link_in_the_pages_leads_somewhere():
    broken: list[str] = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]:
        targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", page.read_text())
        broken.extend(f"{_name(page)}: {target}" for target in targets if not (page.parent / target).exists())
    assert broken == []


def test_every_catalog_line_leads_to_a_documented_function():
    from plastinate.stages import catalog

    for table in (catalog.PREPARE, catalog.SEGMENT, catalog.SURFACE, catalog.DOORS):
        for name, method in table.items():
            assert (method.load().__doc__ or "").strip(), name


def test_every_error_has_its_own_code_and_a_hint():
    from plastinate.model.errors import PlastinateError

    modules = sorted((ROOT / "src" / "plastinate" / "model").glob("*errors.py"))
    leaves = {
        value
        for path in modules
        for value in vars(importlib.import_module(f"plastinate.model.{path.stem}")).values()
        if isinstance(value, type) and issubclass(value, PlastinateError)
    }
    codes = [leaf.code for leaf in leaves]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(\.[a-z-]+)+", code) for code in codes)
