"""Opens a compiled kernel library and types its functions.

A kernel is `NAME.cpp` in this folder, compiled by `build_kernels.py` into
`compiled/NAME.so` with plain C functions. ctypes releases the interpreter lock during a
call, so kernels may also be run from several Python threads.
"""

from __future__ import annotations

import ctypes
import os
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import KernelsMissing, ParameterError
from plastinate.native.lanes import LANES

FOLDER = Path(__file__).parent / "compiled"
# Beyond this, threads cost more memory and starting time than they save.
THREADS_MAX = 256


class _Library(ctypes.CDLL):
    """A library that makes one function object for each name, however many threads ask for it first.

    Two would each have a `restype` of their own, and a handle cut to 32 bits crashes.
    """

    _lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            return self.__dict__[name] if name in self.__dict__ else super().__getattr__(name)


@cache
def library(name: str) -> ctypes.CDLL:
    """The kernel library of that name.

    Raises:
        KernelsMissing: it was never compiled, or not for this machine.
    """
    path = FOLDER / f"{name}.so"
    if not path.exists():
        raise KernelsMissing(name, f"{path.name} is not there")
    try:
        return _Library(str(path))
    except OSError as error:
        raise KernelsMissing(name, str(error)) from error


def pointer(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    """The address of a C-contiguous array.

    Raises:
        ValueError: the array is not contiguous, so its address would mean nothing.
    """
    if not array.flags.c_contiguous:
        raise ValueError("a kernel needs a C-contiguous array")
    address = ctypes.c_void_p(array.ctypes.data)
    # The pointer keeps its array alive: `pointer(integers(1, 2))` inside a call would dangle without.
    address.array = array  # type: ignore[attr-defined]
    return address


def integers(*values: int) -> npt.NDArray[np.int64]:
    """A small int64 array for kernel arguments such as shapes."""
    return np.array(values, dtype=np.int64)


def thread_count() -> int:
    """Threads a kernel may use: the calling thread's share of `core_count`, all where none is beside it.

    Raises:
        ParameterError: as `core_count`.
        GivenUp: the calling thread works beside others, and nobody waits for it any more.
    """
    return LANES.share_of(core_count())


def core_count() -> int:
    """Threads that may work at once: $PLASTINATE_THREADS, else the cores this process may run on.

    Raises:
        ParameterError: the variable is no whole number from 1 to THREADS_MAX.
    """
    asked = os.environ.get("PLASTINATE_THREADS", "").strip()
    if asked:
        is_number = asked.isascii() and asked.isdigit() and len(asked) <= len(str(THREADS_MAX))
        if not is_number or not 1 <= int(asked) <= THREADS_MAX:
            raise ParameterError(
                f"PLASTINATE_THREADS is {asked[:20]!r}, not a whole number from 1 to {THREADS_MAX}."
            )
        return int(asked)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, THREADS_MAX)
