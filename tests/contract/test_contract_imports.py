"""Who may import whom, and how little `plastinate --help` imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "pydicom", "rich", "SimpleITK", "imagecodecs", "jinja2", "PIL", "highdicom", "DracoPy")


@pytest.mark.slow
def test_water_runs_one_way():
    pytest.importorskip("importlinter")
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["build", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]):
    program = (
        "import sys\n"
        "from plastinate.cli.main import cli\n"
        f"cli.main({arguments!r}, standalone_mode=False)\n"
        f"print('HEAVY', sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.splitlines()[-1] == "HEAVY []"


def test_the_package_imports_nothing_heavy_until_it_is_asked():
    program = (
        "import sys, plastinate\n"
        f"heavy = sorted(set({HEAVY!r}) & set(sys.modules))\n"
        "print(heavy, callable(plastinate.build_model), plastinate.__version__)\n"
        "try:\n    plastinate.nonsense\nexcept AttributeError as error:\n    print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    first, second = ran.stdout.splitlines()
    assert first.startswith("[] True")
    assert "nonsense" in second
