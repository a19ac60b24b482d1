"""Is this installation sound? Each part is tried, not only looked for."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import plastinate
from plastinate import __version__
from plastinate.archive.archive import open_archive
from plastinate.depot.places import cache_folder
from plastinate.model.case_errors import PagesMissing
from plastinate.model.depot_errors import ModelCardFlaw
from plastinate.model.errors import PlastinateError
from plastinate.native.load import FOLDER, library, thread_count
from plastinate.nets import session
from plastinate.nets.totalsegmentator.program import is_offered, python_with_it
from plastinate.nets.totalsegmentator.weights import look
from plastinate.recipes.load import list_recipes
from plastinate.services.models import list_models, refused_cards
from plastinate.settings import Settings
from plastinate.stages import catalog

LIBRARIES = (
    "numpy",
    "pydicom",
    "imagecodecs",
    "SimpleITK",
    "meshopt",
    "DracoPy",
    "highdicom",
    "PIL",
    "jinja2",
    "flask",
    "flask_security",
    "sqlalchemy",
    "obstore",
    "distributed",
)
PIP_NAMES = {"PIL": "pillow", "flask_security": "flask-security"}


@dataclass(frozen=True)
class Check:
    """One part of the installation and whether it works.

    Attributes:
        name: the part.
        is_sound: whether it does what it should.
        sentence: what was seen.
        hint: what to do where it is not sound, or not there.
        is_there: whether it is a part of this installation at all; some may be left out.
    """

    name: str
    is_sound: bool
    sentence: str
    hint: str = ""
    is_there: bool = True


def examine() -> tuple[Check, ...]:
    """Try every part that a build or the server may need; never raises."""
    return (
        _try("plastinate", _versions, "Unset PLASTINATE_THREADS, or set it to a number of cores."),
        _try("kernels", _kernels, "Install again with a C++ compiler at hand, or let pip fetch one."),
        *(
            _try(name, partial(_library, name), f"pip install {PIP_NAMES.get(name, name)}")
            for name in LIBRARIES
        ),
        _try("recipes", _recipes, "Install plastinate again."),
        _try("methods", _methods, "Install plastinate again."),
        _try(
            "child process",
            _child,
            "Reading needs to start a process: check ulimits and the sandbox you run in.",
        ),
        _try("temporary folder", _temporary, "Set TMPDIR to a folder with free space."),
        _try("archive", _archive, "Install plastinate again."),
        _pages(),
        _try("networks", _networks, "pip install onnxruntime"),
        _models(),
        *(
            [_try("TotalSegmentator", _totalsegmentator, "docs/how-to/use-totalsegmentator.md")]
            if is_offered()
            else []
        ),
    )


def _try(name: str, look: Callable[[], str], hint: str) -> Check:
    try:
        return Check(name, True, look())
    except PlastinateError as error:
        return Check(name, False, error.sentence, error.hint)
    except Exception as error:  # whatever a broken installation throws, the doctor only reports it
        return Check(name, False, f"{type(error).__name__}: {error}", hint)


def _versions() -> str:
    return f"{__version__}, Python {platform.python_version()}, {thread_count()} threads"


def _kernels() -> str:
    names = sorted(path.stem for path in FOLDER.glob("*.cpp")) or sorted(
        path.stem for path in FOLDER.glob("*.so")
    )
    for name in names:
        library(name)
    return f"{len(names)} compiled kernels load ({', '.join(names)})"


def _library(name: str) -> str:
    importlib.import_module(name)
    return importlib.metadata.version(PIP_NAMES.get(name, name))


def _recipes() -> str:
    return f"{len(list_recipes())} recipes load"


def _methods() -> str:
    tables = (catalog.PREPARE, catalog.SEGMENT, catalog.SURFACE, catalog.DOORS)
    for table in tables:
        for method in table.values():
            method.load()
    return f"{sum(len(table) for table in tables)} methods import"


def _child() -> str:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "note.txt").write_text("not a scan")
        try:
            catalog.door("inspect-input")(Path(folder))
        except PlastinateError as expected:
            if not expected.code.startswith("input."):
                raise
    return f"starts and answers ({sys.executable})"


def _temporary() -> str:
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"plastinate")
        return f"{Path(file.name).parent} is writable"


def _archive() -> str:
    with tempfile.TemporaryDirectory() as folder:
        archive = open_archive(Settings(home=Path(folder)))
        try:
            kept = archive.files.keep_bytes(b"plastinate")
            if archive.files.read(kept.sha256) != b"plastinate":
                raise OSError("a file came back changed")
        finally:
            archive.close()
    return "a database is made, and a file is kept and read"


def _pages() -> Check:
    """Whoever uses the engine alone may have left them out, and nothing is amiss."""
    built = Path(plastinate.__file__).parent / "web" / "static" / "built" / "manifest.json"
    if built.is_file():
        return Check("pages", True, "the browser's scripts and styles are there")
    missing = PagesMissing()
    return Check("pages", True, "left out: a server here answers programs only", missing.hint, is_there=False)


def _networks() -> str:
    """What runs them here; where OpenVINO is installed and may not work, why not."""
    engine = session.engine_name()
    version = importlib.metadata.version(engine)
    has_openvino = importlib.util.find_spec("openvino") is not None
    is_held_back = has_openvino and not session.may_make_code()
    without = ": OpenVINO is here, and this process may not make machine code" if is_held_back else ""
    return f"run by {'OpenVINO' if engine == 'openvino' else 'ONNX Runtime'} {version}{without}"


def _totalsegmentator() -> str:
    """Somebody has set it up, so it has to answer; its weights need not be here."""
    looked = look("total", mode="fast")
    state = "not here yet" if looked.missing else "here"
    return f"{looked.version}, by {python_with_it()}; the weights of its task total-fast are {state}"


def _models() -> Check:
    """None need be here; what is here has to be sound."""
    try:
        rows = list_models(read_them=True)
    except PlastinateError as error:
        return Check("models", False, error.sentence, error.hint)
    here = [row.card.name for row in rows if row.state == "here"]
    damaged = [row.card.name for row in rows if row.state == "damaged"]
    refused = [flaw.sentence for flaw in refused_cards()]
    if damaged or refused:
        words = [f"damaged: {', '.join(damaged)}"] if damaged else []
        hint = f"`plastinate models fetch {' '.join(damaged)}`" if damaged else ModelCardFlaw.hint
        return Check("models", False, "; ".join([*words, *refused]), hint)
    told = f"{', '.join(here)} of {len(rows)}" if here else f"none of {len(rows)} is here yet"
    return Check("models", True, f"{told}, in {cache_folder()}")
