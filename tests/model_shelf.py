"""Small models in packages of every kind, their cards, and a server that can be told to misbehave."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

WEIGHTS = bytes(range(256)) * 2000
MEMBER = "tiny/assets/net.bin"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel(*, name: str = "tiny_weights", version: str = "1.0", weights: bytes = WEIGHTS) -> bytes:
    """A wheel that may only be opened: importing it ends the process."""
    about = f"{name}-{version}.dist-info"
    files = {
        MEMBER: weights,
        "tiny/__init__.py": b"raise SystemExit('a fetched package must never be imported')\n",
        f"{about}/METADATA": (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: <3.7\n"
            "Requires-Dist: absent\n"
        ).encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": b"",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return packed.getvalue()


def tarball(files: dict[str, bytes], *, links: dict[str, str] | None = None) -> bytes:
    """A .tgz of files, and of symbolic links."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, target in (links or {}).items():
            link = tarfile.TarInfo(path)
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def card(name: str = "tiny", *, extra: str = "", **values: Any) -> str:
    """An own card in TOML; `values` replace what it says, None leaves a key out."""
    top: dict[str, Any] = {
        "name": name,
        "title": "A tiny model",
        "modality": ["CT"],
        "licence": "MIT",
        "trained_on": "numbers",
        "not_for": "anything",
    }
    tables: dict[str, dict[str, Any]] = {
        "input": {"axes": "RAS", "spacing_mm": [1.5, 1.5, 1.5], "patch": [16, 16, 16]},
        "output": {"kind": "softmax"},
        "output.labels": {"1": "liver"},
    }
    for key, value in values.items():
        table, _, inner = key.partition("__")
        if inner:
            tables.setdefault(table.replace("_", "."), {})[inner] = value
        else:
            top[table] = value
    lines = _lines(top)
    for heading, table in tables.items():
        lines += [f"[{heading}]", *_lines(table)]
    return "\n".join([*lines, extra, ""])


def _lines(table: dict[str, Any]) -> list[str]:
    # What is JSON of these kinds is TOML as well, but for the spelling of NaN.
    return [
        f"{key} = {json.dumps(value).replace('NaN', 'nan')}"
        for key, value in table.items()
        if value is not None
    ]


def fetched_card(
    archive: bytes,
    *,
    name: str = "tiny",
    file: str = "tiny_weights-1.0-py3-none-any.whl",
    member: str = MEMBER,
    weights: bytes = WEIGHTS,
    source: dict[str, Any] | None = None,
    **values: Any,
) -> str:
    """The card of a model that lies in an archive elsewhere."""
    origin = source or {"kind": "pypi", "package": "tiny-weights", "version": "1.0"}
    pinned = {**origin, "file": file, "bytes": len(archive), "sha256": sha256(archive)}
    part = {
        "name": "net",
        "member": member,
        "file": "net.bin",
        "bytes": len(weights),
        "sha256": sha256(weights),
    }
    extra = "\n".join(["[source]", *_lines(pinned), "[[part]]", *_lines(part)])
    return card(name, extra=extra, **values)


def network(
    *,
    takes: Any = ("batch", 1, "z", "y", "x"),
    gives: Any = ("batch", 2, "z", "y", "x"),
    number: int = 1,
    made: int = 1,
) -> Any:
    """An ONNX network that multiplies by a weight for each channel, whatever it declares.

    Args:
        takes, gives: shapes. number, made: kinds of numbers; 1 is 32-bit floating point.
    """
    import numpy as np
    import onnx

    helper = onnx.helper
    weight = onnx.numpy_helper.from_array(np.ones((1, 2, 1, 1, 1), np.float32), "weight")
    return helper.make_model(
        helper.make_graph(
            [helper.make_node("Mul", ["in", "weight"], ["out"])],
            "tiny",
            [helper.make_tensor_value_info("in", number, takes)],
            [helper.make_tensor_value_info("out", made, gives)],
            [weight],
        )
    )


@dataclass
class Places:
    """Folders of one test, which the settings name."""

    cache: Path
    own: Path
    mirror: Path

    def put_card(self, text: str, *, name: str = "tiny") -> Path:
        self.own.mkdir(exist_ok=True)
        path = self.own / f"{name}.toml"
        path.write_text(text)
        return path

    def put_wheel(self, data: bytes | None = None) -> bytes:
        """A model in a wheel that the mirror holds."""
        made = wheel() if data is None else data
        (self.mirror / "tiny_weights-1.0-py3-none-any.whl").write_bytes(made)
        return made


def set_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """An empty cache, no cards, and a mirror that is a folder; no index is in reach."""
    places = Places(tmp_path / "cache", tmp_path / "own", tmp_path / "mirror")
    places.mirror.mkdir()
    monkeypatch.setenv("PLASTINATE_CACHE", str(places.cache))
    monkeypatch.setenv("PLASTINATE_MODELS", str(places.own))
    monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", str(places.mirror))
    monkeypatch.delenv("PLASTINATE_MODELS_FETCH", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(places.mirror))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return places


@dataclass
class Shelf:
    """A server of files; what it is told to do wrong it does once each.

    Attributes:
        files: path -> bytes. asked: (path, Range, Authorization) of every request, in order.
        cut_after: so many bytes are sent of the next answers, one number for each, before the line drops.
        hold_after: so many bytes are sent, and the rest when it is None.
        knows_ranges: whether it answers them. moved: path -> where it points instead.
    """

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    cut_after: list[int] = field(default_factory=list)
    hold_after: int | None = None
    knows_ranges: bool = True
    moved: dict[str, str] = field(default_factory=dict)


@contextmanager
def serving_files() -> Iterator[Shelf]:
    """A server of files on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range") or ""
            shelf.asked.append((self.path, asked, self.headers.get("Authorization") or ""))
            if self.path in shelf.moved:
                self.send_response(302)
                self.send_header("Location", shelf.moved[self.path])
                self.end_headers()
                return
            data = shelf.files.get(self.path)
            if data is None:
                self.send_error(404)
                return
            begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and shelf.knows_ranges else 0
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - begin))
            self.end_headers()
            cut = begin + (shelf.cut_after.pop(0) if shelf.cut_after else len(data))
            held = cut if shelf.hold_after is None else min(cut, shelf.hold_after)
            self.wfile.write(data[begin:held])
            while shelf.hold_after is not None:
                time.sleep(0.01)
            with suppress(OSError):  # nobody waits for it any more
                self.wfile.write(data[held:cut])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shelf = Shelf(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield shelf
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
