"""A DICOM file -> one Frame for each image in it, or the words why it is set aside.

Only the header is read, under caps, and every value that makes no sense is
treated as absent: names and character sets never stop pixels.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from plastinate.model.errors import DamagedFile, PlastinateError, TooLarge
from plastinate.stages.ingest import elements, functional
from plastinate.stages.ingest.archive import Unpacking, inflated
from plastinate.stages.ingest.dataset import FIRST_PIXEL_TAG, ParsedHeader, parse_header
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.filemeta import DEFLATED_LITTLE, EXPLICIT_LITTLE, read_file_meta
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.framing import WANTED, Source, is_native, plain_frame, with_facts
from plastinate.stages.ingest.kinds import DICOMDIR_CLASS, SECONDARY_CAPTURE, not_a_scan
from plastinate.stages.ingest.limits import RATIO_MATTERS_BYTES, Limits
from plastinate.stages.ingest.words import safe
from plastinate.stages.ingest.workspace import written

PIXEL_DATA = 0x7FE00010
# Bits of pixels that one bit of code can stand for: a run of two bytes is 128 (PS3.5, G.3.1), lossless JPEG
# spends a bit on each pixel, baseline two on each block of 64 (T.81, annexes H and F). The others know runs
# and empty blocks without end.
_UID = "1.2.840.10008.1.2."
_TIGHTEST = {f"{_UID}5": 64, f"{_UID}4.57": 16, f"{_UID}4.70": 16, f"{_UID}4.50": 512, f"{_UID}4.51": 512}


@dataclass(frozen=True)
class Header:
    """What one DICOM file turned out to be.

    Attributes:
        frames: its images; none if it was set aside.
        code, reason: why it was set aside, in words; "" if it was not.
        is_dicomdir: True for a table of contents.
    """

    frames: tuple[Frame, ...] = ()
    code: str = ""
    reason: str = ""
    is_dicomdir: bool = False


def read_header(candidate: Candidate, *, state: Unpacking) -> Header:
    """Read the header of one DICOM file.

    Limits: pixel data is located, not read. A deflated file is first inflated
    into the workspace, counting, and its frames point there; where there are
    none, its room is given back.

    Args:
        candidate: the file.
        state: where inflated copies go, the caps, and what was inflated so far.

    Raises:
        DamagedFile: truncated, or not readable as DICOM at all.
        TooLarge: beyond a cap, before any pixel was touched.
        ScratchFull: the disk has no room for an inflated copy.
    """
    try:
        with candidate.path.open("rb", buffering=1 << 14) as file:
            return _read_open(file, candidate, state=state)
    except (PlastinateError, MemoryError):
        raise
    except OSError as error:
        raise DamagedFile(candidate.name, error.strerror or "it cannot be read") from error
    except zlib.error as error:
        raise DamagedFile(candidate.name, "its deflated part cannot be inflated") from error
    except (ValueError, struct.error) as error:
        raise DamagedFile(candidate.name, f"it makes no sense as DICOM: {safe(str(error))}") from error


def _read_open(file: BinaryIO, candidate: Candidate, *, state: Unpacking) -> Header:
    meta = read_file_meta(file)
    reason = not_a_scan(meta.sop_class_uid)
    if reason:
        return _aside(meta.sop_class_uid, reason)
    source = Source(candidate, meta, candidate.path, os.fstat(file.fileno()).st_size)
    if meta.transfer_syntax_uid == DEFLATED_LITTLE:
        return _read_deflated(file, source, state=state)
    return _frames(source, _parse(file, source), limits=state.limits)


def _read_deflated(file: BinaryIO, source: Source, *, state: Unpacking) -> Header:
    """Read a deflated dataset (PS3.5, A.5) from a plain copy, which stays only if it has images."""
    copy, reached = state.new_file(), state.inflated_bytes
    header = Header()
    try:
        plain = _inflate(file, source, copy, state=state)
        with copy.open("rb") as opened:
            header = _frames(plain, _parse(opened, plain), limits=state.limits)
    finally:
        if not header.frames:
            state.take_back(copy, reached)
    return header


def _inflate(file: BinaryIO, source: Source, copy: Path, *, state: Unpacking) -> Source:
    """Write a deflated dataset out as a plain one, counting every byte."""
    limits, name = state.limits, source.candidate.name
    engine = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    most = min(
        limits.header_bytes + 4 * limits.voxels,
        max(RATIO_MATTERS_BYTES, limits.inflation_ratio * source.file_bytes),
    )
    count = 0
    file.seek(source.meta.dataset_offset)
    with written(copy) as sink:
        while block := file.read(1 << 16):
            for piece in inflated(engine, block):
                count += len(piece)
                state.count(len(piece), name=name)
                if count > most:
                    raise TooLarge(name, "its inflated size in bytes", value=count, cap=most)
                sink(piece)
    meta = replace(source.meta, dataset_offset=0, transfer_syntax_uid=EXPLICIT_LITTLE)
    return Source(source.candidate, meta, copy, count)


def _parse(file: BinaryIO, source: Source) -> ParsedHeader:
    """Read the wanted elements and find where the pixels lie."""
    meta = source.meta
    return parse_header(
        file,
        start=meta.dataset_offset,
        size=source.file_bytes,
        is_implicit=meta.is_implicit,
        is_little_endian=meta.is_little_endian,
        wanted=WANTED,
    )


def _aside(sop_class_uid: str, reason: str) -> Header:
    is_dicomdir = sop_class_uid == DICOMDIR_CLASS
    code = "ingest.dicomdir" if is_dicomdir else "ingest.not-a-scan"
    return Header(code=code, reason=reason, is_dicomdir=is_dicomdir)


def _refusal(parsed: ParsedHeader, sop_class_uid: str) -> Header | None:
    """Why a file with a sound header still cannot give slices, in words."""
    dataset = parsed.dataset
    reason = not_a_scan(sop_class_uid)
    if reason:
        return _aside(sop_class_uid, reason)
    if parsed.pixel_tag in (FIRST_PIXEL_TAG, FIRST_PIXEL_TAG + 1):
        return Header(code="ingest.float-pixels", reason="its pixels are floating-point maps, not a scan")
    if parsed.pixel_tag != PIXEL_DATA:
        return Header(code="ingest.no-pixels", reason="it has a header but no image in it")
    image_type = elements.words(dataset, 0x00080008)
    if "MOSAIC" in image_type:
        return Header(
            code="ingest.mosaic",
            reason="it is a Siemens mosaic, which packs many slices side by side into one picture; "
            "export the series as enhanced MR or as single slices",
        )
    samples = elements.short(dataset, 0x00280002) or 1
    photometric = elements.text(dataset, 0x00280004).upper()
    if samples != 1 or photometric in ("RGB", "PALETTE COLOR") or photometric.startswith("YBR"):
        what = "a screen save in colour" if sop_class_uid in SECONDARY_CAPTURE else "a colour picture"
        return Header(
            code="ingest.colour",
            reason=f"it is {what}, whose values are paint and not measurements of the body",
        )
    has_place = 0x00200032 in dataset or functional.SHARED in dataset or functional.PER_FRAME in dataset
    if sop_class_uid in SECONDARY_CAPTURE and not has_place:
        return Header(code="ingest.screen-save", reason="it is a screen save without a place in the patient")
    return None


def _check_size(
    source: Source, parsed: ParsedHeader, *, rows: int, columns: int, frames: int, bits: int, limits: Limits
) -> None:
    """Hold Rows x Columns x Frames against the caps and the file before anything is decoded."""
    name = source.candidate.name
    if rows < 1 or columns < 1:
        raise DamagedFile(name, "it does not say how many rows and columns its image has")
    if max(rows, columns) > limits.rows_or_columns:
        raise TooLarge(name, "the edge of the image", value=max(rows, columns), cap=limits.rows_or_columns)
    if frames > limits.frames:
        raise TooLarge(name, "the number of images in the file", value=frames, cap=limits.frames)
    if rows * columns * frames > limits.voxels:
        raise TooLarge(name, "the number of voxels", value=rows * columns * frames, cap=limits.voxels)
    if bits not in (8, 16, 32):
        raise DamagedFile(name, f"it stores {bits} bits for a pixel, and only 8, 16 and 32 can be read")
    needed, there = rows * columns * frames * bits // 8, source.file_bytes - parsed.value_offset
    if is_native(source, parsed):
        if there < needed:
            raise DamagedFile(
                name, f"it ends too early, with {max(there, 0):,} of {needed:,} bytes of its pixels"
            )
    elif needed > there * _TIGHTEST.get(source.meta.transfer_syntax_uid, needed):
        raise DamagedFile(
            name, f"it claims {needed:,} bytes of pixels, more than its {max(there, 0):,} can hold"
        )


def _frames(source: Source, parsed: ParsedHeader, *, limits: Limits) -> Header:
    """Turn a parsed header into frames."""
    dataset = parsed.dataset
    sop_class = elements.uid(dataset, 0x00080016) or source.meta.sop_class_uid
    if not dataset.elements:
        raise DamagedFile(source.candidate.name, "it holds nothing that reads as DICOM")
    refused = _refusal(parsed, sop_class)
    if refused is not None:
        return refused
    rows, columns = elements.short(dataset, 0x00280010) or 0, elements.short(dataset, 0x00280011) or 0
    # IS holds at most 31 bits (PS3.5, 6.2): a longer number would only be longer in the refusal.
    count = min(max(elements.whole(dataset, 0x00280008) or 1, 1), 2**31)
    bits = elements.short(dataset, 0x00280100) or 0
    _check_size(source, parsed, rows=rows, columns=columns, frames=count, bits=bits, limits=limits)
    frame = plain_frame(source, parsed, sop_class_uid=sop_class, bits=bits, count=count)
    frame_bytes = rows * columns * bits // 8
    facts = functional.frame_facts(dataset, count)
    if facts is None and count == 1:
        return Header(frames=(frame,))
    frames = []
    for index in range(count):
        offset = None if frame.pixel_offset is None else frame.pixel_offset + index * frame_bytes
        one = replace(frame, frame_index=index, pixel_offset=offset)
        frames.append(one if facts is None else with_facts(one, facts[index]))
    return Header(frames=tuple(frames))
