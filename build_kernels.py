"""Compiles the C++ kernels of plastinate; runs inside `pip install` (hatch_build.py) and by hand.

Every `src/plastinate/native/NAME.cpp` becomes `native/compiled/NAME.so`: a plain
C interface that Python reaches through ctypes, so no Python headers are needed
and one binary serves every Python version. The system's C++ compiler is used
where there is one; a machine without one gets the `ziglang` wheel, which
carries a whole C++ toolchain, as a requirement of the build alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

NATIVE = Path(__file__).parent / "src" / "plastinate" / "native"
# Not beside the sources: Python would import NAME.so in place of NAME.py.
COMPILED = NATIVE / "compiled"

# -ffp-contract=off: fused multiply-adds differ between compilers, and the same
# scan must give the same bytes whichever compiler built the kernels.
FLAGS = [
    "-std=c++17",
    "-O3",
    "-fPIC",
    "-shared",
    "-ffp-contract=off",
    # Nobody reads errno or floating-point traps, and keeping them keeps square roots and minima out of
    # vector registers. Neither changes a result.
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fvisibility=hidden",
    "-Wall",
    "-pthread",
]


def compiler() -> list[str]:
    """The command that compiles C++ here: $CXX, g++, clang++ or zig's own clang."""
    if os.environ.get("CXX"):
        return os.environ["CXX"].split()
    for name in ("g++", "clang++"):
        if shutil.which(name):
            return [name]
    return [sys.executable, "-m", "ziglang", "c++"]


def build(*, force: bool = False) -> list[Path]:
    """Compile what changed since the last build, two files at a time; return every library."""
    COMPILED.mkdir(exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda source: _compile(source, force=force), sorted(NATIVE.glob("*.cpp"))))


def _compile(source: Path, *, force: bool) -> Path:
    library = COMPILED / f"{source.stem}.so"
    stamp = library.with_suffix(".stamp")
    digest = hashlib.sha256(" ".join([*compiler(), *FLAGS]).encode())
    for part in [source, *sorted(NATIVE.glob("*.hpp"))]:
        digest.update(part.read_bytes())
    if not force and library.exists() and stamp.exists() and stamp.read_text() == digest.hexdigest():
        return library
    fresh = library.with_suffix(f".so.{os.getpid()}")
    done = subprocess.run(
        [*compiler(), *FLAGS, str(source), "-o", str(fresh)], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise SystemExit(f"{source.name} did not compile:\n{done.stderr}")
    fresh.replace(library)  # a running program keeps the old library it has mapped
    stamp.write_text(digest.hexdigest())
    return library


def requirements() -> list[str]:
    """What the build needs from the package index: a compiler, only where the machine has none."""
    return ["ziglang>=0.13"] if "ziglang" in " ".join(compiler()) else []


if __name__ == "__main__":
    for built in build(force="--force" in sys.argv):
        print(built.name)
