"""ONNX file and name -> a session; every failure is told as the model's own, with the runtime's reason."""

from __future__ import annotations

from pathlib import Path

from plastinate.model.depot_errors import ModelCardFlaw, NetworkUnsound
from plastinate.model.errors import MemoryShort
from plastinate.nets.declared_shapes import read_onnx
from plastinate.nets.session import Floats, Session, open_session

# How runtimes word it that the memory did not reach.
MEMORY_WORDS = ("alloc", "out of memory", "not enough memory")
# How OpenVINO begins the lines of its reports that give no reason.
WHERE_IT_WAS_NOTICED = (
    *("Exception from ", "Check '", "FrontEnd API failed", "Model wasn't fully converted", "Summary:"),
    *("While validating ", "Conversion is failed for"),
)


def opened(name: str, path: Path, *, engine: str = "", is_pinned_here: bool = True) -> Session:
    """Load a network.

    Args:
        name: of the model, for messages.
        path: its ONNX file.
        engine: see `open_session`.
        is_pinned_here: Plastinate itself knows its bytes; any other is looked through first, whoever put it
            here: a card may have been laid into its folder, or name a file to fetch.

    Raises:
        NetworkUnsound: no runtime here can load it.
        ModelCardFlaw: it keeps numbers in another file, or holds a loop.
    """
    try:
        if not is_pinned_here:
            read_onnx(name, path)
        return open_session(path, engine=engine)
    except ModelCardFlaw:
        raise
    except Exception as error:  # each runtime has errors of its own, and they share no ancestor
        raise NetworkUnsound(name, f"cannot be loaded ({runtimes_reason(error)})") from error


def asked(name: str, session: Session, given: Floats, *, what: str) -> Floats:
    """The answer of a network with one input.

    Args:
        name: of the model, for messages.
        session: the network.
        given: what it sees.
        what: what that is, for a message about memory: "a patch of the network".

    Raises:
        NetworkUnsound: it fails.
        MemoryShort: there was not enough memory for this.
    """
    try:
        return session.run({session.inputs[0]: given})
    except MemoryError as error:
        raise MemoryShort(what) from error
    except Exception as error:  # as above
        if any(word in str(error).lower() for word in MEMORY_WORDS):
            raise MemoryShort(what) from error
        raise NetworkUnsound(name, f"cannot be run ({runtimes_reason(error)})") from error


def runtimes_reason(error: Exception) -> str:
    """The line that says why: OpenVINO puts around it where in its own source it was noticed."""
    lines = [line.strip().removeprefix("-- ") for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(WHERE_IT_WAS_NOTICED)]
    if telling == lines:
        telling = lines[:1]
    return (telling or lines or [type(error).__name__])[-1][:200].rstrip(".")
