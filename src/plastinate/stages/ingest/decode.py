"""Frames -> the integers they store, whatever the transfer syntax."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, UnsupportedFile
from plastinate.native.load import thread_count
from plastinate.stages.ingest.codestream import (
    Codestream,
    is_complete,
    is_sound_jpeg2000,
    read_codestream,
)
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.pixel_data import Element, file_bytes, find_pixel_data, frame_spans

_UID = "1.2.840.10008.1.2"
BIG_ENDIAN = f"{_UID}.2"
# Deflated files were inflated, under a cap, when their headers were read.
NATIVE = frozenset({_UID, f"{_UID}.1", BIG_ENDIAN})
RLE = f"{_UID}.5"

# Transfer syntax -> decoders of imagecodecs, tried in order. For lossless JPEG
# libjpeg-turbo is the fastest (1.6 ms for 512 x 512, against 4.7 by jpegsof3,
# which reads some streams that it refuses). liblj92 (2.6 ms) crashed on mutated
# streams, and is not used.
CODECS: dict[str, tuple[str, ...]] = {
    f"{_UID}.4.50": ("jpeg8",),
    f"{_UID}.4.51": ("jpeg8",),
    f"{_UID}.4.57": ("jpeg8", "jpegsof3"),
    f"{_UID}.4.70": ("jpeg8", "jpegsof3"),
    f"{_UID}.4.80": ("jpegls",),
    f"{_UID}.4.81": ("jpegls",),
    f"{_UID}.4.90": ("jpeg2k",),
    f"{_UID}.4.91": ("jpeg2k",),
    f"{_UID}.4.201": ("htj2k", "jpeg2k"),
    f"{_UID}.4.202": ("htj2k", "jpeg2k"),
    f"{_UID}.4.203": ("htj2k", "jpeg2k"),
}
LOSSY = frozenset({f"{_UID}.4.50", f"{_UID}.4.51"})
# These may be lossless or not; the file's own LossyImageCompression decides.
PERHAPS_LOSSY = frozenset({f"{_UID}.4.81", f"{_UID}.4.91", f"{_UID}.4.203"})


@dataclass(frozen=True)
class Words:
    """One plane of pixel cells, and how the stored integer lies in each (PS3.5, 8.1.1).

    Attributes:
        array: (R, C) unsigned words of 1, 2 or 4 bytes; only valid until the
            same thread decodes its next frame.
        is_swapped: True where the other byte order was stored.
        shift: bits below the stored ones.
        bits: bits stored.
        is_signed: True for two's complement.
    """

    array: npt.NDArray[Any]
    is_swapped: bool
    shift: int
    bits: int
    is_signed: bool

    def integers(self) -> npt.NDArray[np.int64]:
        """(R, C) the stored integers, a copy: exact and slow."""
        cells = self.array.byteswap() if self.is_swapped else self.array
        value: npt.NDArray[np.int64] = (cells.astype(np.int64) >> self.shift) & ((1 << self.bits) - 1)
        if self.is_signed:
            value = np.where(value >> (self.bits - 1), value - (1 << self.bits), value)
        return value


Sink = Callable[[int, Words], None]
_scratch = threading.local()


def decode_frames(frames: Sequence[Frame], sink: Sink, *, done: Callable[[int], None] | None = None) -> None:
    """Decode every frame in a pool of threads and hand it on.

    The codecs release the interpreter lock, so the cores share the work.

    Args:
        frames: any frames, of any files.
        sink: gets (position in `frames`, words), in any order, in the thread
            that decoded: the words are scratch memory of that thread.
        done: gets the number of frames done so far, in the calling thread.

    Raises:
        DamagedFile: a frame is cut short or is not what its header says.
        UnsupportedFile: pixels of a kind that is not read.
    """
    for frame in frames:
        _refuse(frame)
    numbered = list(enumerate(frames))
    alone = [item for item in numbered if item[1].frame_count == 1 or item[1].transfer_syntax_uid in NATIVE]
    single = {position for position, _ in alone}
    shared = sorted((item for item in numbered if item[0] not in single), key=_by_file)
    with ThreadPoolExecutor(thread_count()) as pool:
        tasks = [pool.submit(_decode_file, item, sink) for item in alone]
        _wait(tasks, done, before=0)
        finished = len(tasks)
        for _, group in groupby(shared, key=lambda item: item[1].path):
            items = list(group)
            first = items[0][1]
            # Opened and indexed once; the file must stay open until its last frame is done.
            with file_bytes(first.path, name=first.name) as data:
                read = _frame_reader(data, first)
                _wait([pool.submit(_hand_on, item, read, sink) for item in items], done, before=finished)
            finished += len(items)


def _wait(tasks: list[Future[None]], done: Callable[[int], None] | None, *, before: int) -> None:
    """Wait for all; on the first failure drop those not begun and wait for the rest."""
    try:
        for number, task in enumerate(tasks, start=before + 1):
            task.result()
            if done:
                done(number)
    finally:
        for task in tasks:
            task.cancel()
        wait(tasks)


def stored_pixels(frame: Frame) -> npt.NDArray[np.int64]:
    """(R, C) the stored integers of one frame: exact and slow, for checking.

    Raises:
        DamagedFile: the frame is cut short or is not what its header says.
        UnsupportedFile: pixels of a kind that is not read.
    """
    kept: list[npt.NDArray[np.int64]] = []

    decode_frames([frame], lambda _, words: kept.append(words.integers()))
    return kept[0]


def _by_file(item: tuple[int, Frame]) -> tuple[str, int]:
    return str(item[1].path), item[1].frame_index


def _refuse(frame: Frame) -> None:
    """Raise for pixels that no path below reads."""
    if frame.samples_per_pixel != 1:
        raise UnsupportedFile(frame.name, f"it is in colour ({frame.photometric}), not in measured values")
    if frame.bits_allocated not in (8, 16, 32):
        raise UnsupportedFile(frame.name, f"its pixels are packed in {frame.bits_allocated} bits")
    syntax = frame.transfer_syntax_uid
    if syntax not in NATIVE and syntax != RLE and syntax not in CODECS:
        raise UnsupportedFile(frame.name, f"its pixels are coded by transfer syntax {syntax or 'unknown'}")
    if syntax == BIG_ENDIAN and frame.bits_allocated == 8:
        # Bytes in their order under OB, in swapped pairs under OW (PS3.5, 7.3): not worth guessing.
        raise UnsupportedFile(frame.name, "its 8-bit pixels are stored big-endian, a form long retired")
    if not 1 <= frame.bits_stored <= frame.bits_allocated:
        raise DamagedFile(
            frame.name, f"{frame.bits_stored} bits cannot be stored in {frame.bits_allocated} bits"
        )


def _decode_file(item: tuple[int, Frame], sink: Sink) -> None:
    """One frame of a file that needs no index."""
    position, frame = item
    if frame.transfer_syntax_uid in NATIVE:
        sink(position, _read_native(frame))
        return
    with file_bytes(frame.path, name=frame.name) as data:
        _hand_on(item, _frame_reader(data, frame), sink)


def _hand_on(item: tuple[int, Frame], read: Callable[[Frame], Words], sink: Sink) -> None:
    sink(item[0], read(item[1]))


def _frame_reader(data: Any, first: Frame) -> Callable[[Frame], Words]:
    """How to read any frame of an open file of compressed pixels."""
    known = first.tags.get("EncapsulatedOffset")
    # Only the walk meets the extended offset table, which a single frame does not need.
    if known is not None and first.frame_count == 1:
        element = Element(int(known), None)
    else:
        element = find_pixel_data(data, name=first.name)
    if element.length is not None:
        raise DamagedFile(first.name, "it claims to be compressed, and its pixels are not")
    spans = frame_spans(data, element, frames=first.frame_count, name=first.name)

    def read(frame: Frame) -> Words:
        if not 0 <= frame.frame_index < len(spans):
            raise DamagedFile(frame.name, f"frame {frame.frame_index + 1} is not there")
        coded = b"".join([data[start : start + length] for start, length in spans[frame.frame_index]])
        return _decode_rle(coded, frame) if frame.transfer_syntax_uid == RLE else _decode_codec(coded, frame)

    return read


def _buffer(rows: int, columns: int, dtype: Any) -> npt.NDArray[Any]:
    """Scratch memory of this thread, kept from frame to frame: fresh pages cost more than the copy."""
    kept: npt.NDArray[Any] | None = getattr(_scratch, "array", None)
    if kept is None or kept.shape != (rows, columns) or kept.dtype != dtype:
        kept = _scratch.array = np.empty((rows, columns), dtype=dtype)
    return kept


def _read_native(frame: Frame) -> Words:
    offset = frame.pixel_offset
    if offset is None:
        raise DamagedFile(frame.name, "it claims to be uncompressed, and its pixels are not")
    cells = _buffer(frame.rows, frame.columns, np.dtype(f"=u{frame.bits_allocated // 8}"))
    view = memoryview(cells.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
    got = 0
    try:
        descriptor = os.open(frame.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        try:
            while got < len(view):
                count = os.preadv(descriptor, [view[got:]], offset + got)
                if count == 0:
                    break
                got += count
        finally:
            os.close(descriptor)
    except OSError as error:
        raise DamagedFile(frame.name, f"it cannot be read ({error.strerror})") from error
    if got < len(view):
        raise DamagedFile(frame.name, f"it ends after {got:,} of the {len(view):,} bytes of its pixels")
    return _native_words(cells, frame)


def _native_words(cells: npt.NDArray[Any], frame: Frame) -> Words:
    """Pixel cells as they lie in the file; on a little-endian machine, as all that run this are."""
    shift = max(0, frame.high_bit + 1 - frame.bits_stored)
    if shift + frame.bits_stored > frame.bits_allocated:
        shift = 0
    return Words(
        cells, frame.transfer_syntax_uid == BIG_ENDIAN, shift, _bits_in_use(frame, shift), frame.is_signed
    )


def _bits_in_use(frame: Frame, shift: int) -> int:
    """Bits stored; or all allocated ones where the padding value needs them.

    A file whose padding value does not fit its own BitsStored keeps that value
    in the upper bits; masking would turn the padding into bone.
    """
    padding = frame.padding_value
    if padding is None or shift:
        return frame.bits_stored
    reach = 1 << frame.bits_stored
    fits = -reach // 2 <= padding < reach // 2 if frame.is_signed else 0 <= padding < reach
    return frame.bits_stored if fits else frame.bits_allocated


def _decode_rle(coded: bytes, frame: Frame) -> Words:
    """One run-length frame: each segment is one byte of every cell, the highest first (PS3.5, G.2 to G.5).

    imagecodecs' own reader of whole frames leaves zeros where a segment ends
    early, so each segment is decoded by itself and its length compared.
    """
    import imagecodecs

    cells = _buffer(frame.rows, frame.columns, np.dtype(f"=u{frame.bits_allocated // 8}"))
    width, pixels = cells.dtype.itemsize, cells.size
    if len(coded) < 64:
        raise DamagedFile(frame.name, "its run-length code ends before it begins")
    segments, *offsets = struct.unpack_from("<16I", coded)
    if segments != width:
        raise DamagedFile(frame.name, f"{segments} run-length segments for {frame.bits_allocated} bits")
    ends = [*offsets[1:width], len(coded)]
    plane = np.empty(pixels, np.uint8)
    for number, (start, end) in enumerate(zip(offsets, ends, strict=False)):
        if not 64 <= start <= end <= len(coded):
            raise DamagedFile(frame.name, "its run-length segments do not lie one after another")
        try:
            got = len(imagecodecs.packbits_decode(coded[start:end], out=plane))  # type: ignore[arg-type]
        except (RuntimeError, ValueError, IndexError) as error:
            raise DamagedFile(frame.name, "its run-length code cannot be followed") from error
        if got != pixels:
            raise DamagedFile(
                frame.name, f"its run-length code ends after {got:,} of the {pixels:,} bytes of a segment"
            )
        # The cells are little-endian, as every machine that runs this is.
        cells.reshape(-1).view(np.uint8)[width - 1 - number :: width] = plane
    return _native_words(cells, frame)


def _decode_codec(coded: bytes, frame: Frame) -> Words:
    import imagecodecs

    stream = _checked(coded, frame)
    is_wide = stream.precision > 8
    if stream.precision > 16:
        target = None
    else:
        sign = "i" if stream.is_signed else "u"
        target = _buffer(frame.rows, frame.columns, np.dtype(f"={sign}{2 if is_wide else 1}"))
    failure: Exception | None = None
    for codec in CODECS[frame.transfer_syntax_uid]:
        if codec == "htj2k" and not is_sound_jpeg2000(coded):
            continue
        # Threads within a frame would compete with those across frames.
        options = {"numthreads": 1} if codec == "jpeg2k" else {}
        try:
            cells = getattr(imagecodecs, f"{codec}_decode")(coded, out=target, **options)
            break
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            failure = error
    else:
        raise DamagedFile(frame.name, f"its pixels cannot be decoded ({failure})") from failure
    if cells.shape != (frame.rows, frame.columns) or cells.dtype.itemsize not in (1, 2, 4):
        raise DamagedFile(frame.name, f"its pixels decode to {cells.shape} {cells.dtype}")
    return _codec_words(cells, stream, frame)


def _checked(coded: bytes, frame: Frame) -> Codestream:
    """The codestream's header, once it agrees with the file's; before any memory is spent on it."""
    stream = read_codestream(coded)
    if stream is None:
        raise DamagedFile(frame.name, "its compressed pixels do not begin as they should")
    if (stream.rows, stream.columns) != (frame.rows, frame.columns):
        raise DamagedFile(
            frame.name,
            f"it claims {frame.rows} x {frame.columns} pixels, and its compressed pixels claim "
            f"{stream.rows} x {stream.columns}",
        )
    if stream.components != 1:
        raise UnsupportedFile(frame.name, f"its compressed pixels have {stream.components} colours")
    if not is_complete(coded):
        raise DamagedFile(frame.name, "its compressed pixels are cut short")
    return stream


def _codec_words(cells: npt.NDArray[Any], stream: Codestream, frame: Frame) -> Words:
    """What the decoder returned, read as PixelRepresentation and BitsStored say.

    The codestream and the header may disagree about the sign (JPEG-LS and
    lossless JPEG have none at all): the bits are kept and the header decides,
    save for a sign bit that lies beyond the codestream's precision.
    """
    width = 8 * cells.dtype.itemsize
    words = np.ascontiguousarray(cells).view(f"=u{cells.dtype.itemsize}")
    if stream.precision < frame.bits_stored:
        return Words(words, False, 0, width, stream.is_signed)
    return Words(words, False, 0, min(_bits_in_use(frame, 0), width), frame.is_signed)
