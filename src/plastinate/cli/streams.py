"""What is printed reaches stdout and stderr, or fails in words, whatever these are connected to."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from plastinate.model.errors import CannotWrite
from plastinate.model.printable import printable_lines
from plastinate.stages.export.atomic_write import reason_of

# 128 + SIGPIPE: what a shell reports of any tool whose reader has gone.
BROKEN_PIPE_STATUS = 141
DISK_REFUSES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def take_any_stream() -> None:
    """Make the standard streams take any letter, and put a sink where one is closed (`>&-`)."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Takes the free file number too: the next output file would get it, and stray prints with it.
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def print_json(data: Any) -> None:
    """Print JSON that stays JSON on a terminal of few letters."""
    is_unicode = (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
    click.echo(json.dumps(data, indent=2, ensure_ascii=not is_unicode))


def say(text: str) -> None:
    """Print to stderr, whoever chose the words; a stderr that refuses is no reason to fail."""
    with contextlib.suppress(OSError):
        click.echo(printable_lines(text), err=True)


def print_fault(error: OSError) -> CannotWrite | None:
    """The coded error behind a refused print; None where it was something else that failed.

    Files of Plastinate's own raise CannotWrite themselves, so a bare "disk full" comes from a stream.
    """
    if error.filename is None and error.errno in DISK_REFUSES:
        return CannotWrite("What was to be printed", reason_of(error))
    return None


def let_go() -> None:
    """Drop what a stream refused: Python would try again on its way out, and fail there with a trace."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError, ValueError):
                sink = os.open(os.devnull, os.O_WRONLY)
                os.dup2(sink, stream.fileno())
                os.close(sink)
