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
from typing import TYPE_CHECKING, BinaryIO

from plastinate.model.errors import DamagedFile, PlastinateError, TooLarge
from plastinate.stages.ingest import elements, functional
from plastinate.stages.ingest.archive import inflated
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.filemeta import DEFLATED_LITTLE, EXPLICIT_LITTLE, NATIVE, read_file_meta
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.framing import UNDEFINED_LENGTH, WANTED, Source, plain_frame, with_facts
from plastinate.stages.ingest.kinds import DICOMDIR_CLASS, SECONDARY_CAPTURE, not_a_scan
from plastinate.stages.ingest.limits import Limits

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

FIRST_PIXEL_TAG = 0x7FE00008  # float pixel data, double float pixel data, pixel data
PIXEL_DATA = 0x7FE00010


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


def read_header(candidate: Candidate, *, workspace: Path, limits: Limits) -> Header:
    """Read the header of one DICOM file.

    Limits: pixel data is located, not read. A deflated file is first inflated
    into the workspace, counting, and its frames point there.

    Args:
        candidate: the file.
        workspace: private folder for inflated copies.
        limits: caps on images and bytes.

    Raises:
        DamagedFile: truncated, or not readable as DICOM at all.
        TooLarge: beyond a cap, before any pixel was touched.
    """
    try:
        with candidate.path.open("rb", buffering=1 << 14) as file:
            return _read_open(file, candidate, workspace=workspace, limits=limits)
    except (PlastinateError, MemoryError):
        raise
    except RecursionError as error:
        raise DamagedFile(candidate.name, "its contents are nested without end") from error
    except OSError as error:
        raise DamagedFile(candidate.name, error.strerror or "it cannot be read") from error
    # pydicom meets broken bytes with whatever its parser trips over: the list is
    # what fuzzing raised, and each of them means that the file makes no sense.
    except (
        AttributeError, ArithmeticError, AssertionError, EOFError, LookupError,
        NotImplementedError, TypeError, ValueError, struct.error, zlib.error,
    ) as error:  # fmt: skip
        raise DamagedFile(candidate.name, f"it makes no sense as DICOM ({type(error).__name__})") from error


def _read_open(file: BinaryIO, candidate: Candidate, *, workspace: Path, limits: Limits) -> Header:
    meta = read_file_meta(file)
    reason = not_a_scan(meta.sop_class_uid)
    if reason:
        return _aside(meta.sop_class_uid, reason)
    source = Source(candidate, meta, candidate.path, os.fstat(file.fileno()).st_size)
    if meta.transfer_syntax_uid == DEFLATED_LITTLE:
        source = _inflate(file, source, workspace=workspace, limits=limits)
        with source.path.open("rb") as plain:
            dataset = _parse(plain, source, limits=limits)
    else:
        dataset = _parse(file, source, limits=limits)
    return _frames(dataset, source, limits=limits)


def _inflate(file: BinaryIO, source: Source, *, workspace: Path, limits: Limits) -> Source:
    """Write a deflated dataset out as a plain one (PS3.5, A.5), counting every byte."""
    plain = workspace / f"inflated-{sum(1 for _ in workspace.iterdir()):06d}"
    engine = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    most = min(limits.inflated_bytes, limits.header_bytes + 4 * limits.voxels)
    written = 0
    file.seek(source.meta.dataset_offset)
    with plain.open("xb") as sink:
        while block := file.read(1 << 16):
            for piece in inflated(engine, block):
                written += len(piece)
                if written > most or written > max(64 << 20, limits.inflation_ratio * source.file_bytes):
                    raise TooLarge(
                        source.candidate.name, "its inflated size in bytes", value=written, cap=most
                    )
                sink.write(piece)
    meta = replace(source.meta, dataset_offset=0, transfer_syntax_uid=EXPLICIT_LITTLE)
    return Source(source.candidate, meta, plain, written)


def _parse(file: BinaryIO, source: Source, *, limits: Limits) -> Dataset:
    """Read the wanted elements and find where the pixels lie."""
    from pydicom.filereader import read_dataset

    meta = source.meta
    file.seek(meta.dataset_offset)
    dataset = read_dataset(
        file,
        is_implicit_VR=meta.is_implicit,
        is_little_endian=meta.is_little_endian,
        stop_when=lambda tag, vr, length: tag >= FIRST_PIXEL_TAG,
        specific_tags=WANTED,
    )
    start = file.tell()
    if start > limits.header_bytes and start > source.file_bytes:
        raise DamagedFile(source.candidate.name, "an element claims to be longer than the file")
    head = file.read(12)
    if len(head) >= 8:
        order = "<" if meta.is_little_endian else ">"
        group, element, length = struct.unpack_from(order + "HHI", head)
        value = start + 8
        if not dataset.original_encoding[0] and len(head) == 12:
            length, value = struct.unpack_from(order + "I", head, 8)[0], start + 12
        source.pixel_tag, source.value_length, source.value_offset = group << 16 | element, length, value
    return dataset


def _aside(sop_class_uid: str, reason: str) -> Header:
    is_dicomdir = sop_class_uid == DICOMDIR_CLASS
    code = "ingest.dicomdir" if is_dicomdir else "ingest.not-a-scan"
    return Header(code=code, reason=reason, is_dicomdir=is_dicomdir)


def _refusal(dataset: Dataset, source: Source, sop_class_uid: str) -> Header | None:
    """Why a file with a sound header still cannot give slices, in words."""
    reason = not_a_scan(sop_class_uid)
    if reason:
        return _aside(sop_class_uid, reason)
    if source.pixel_tag in (FIRST_PIXEL_TAG, FIRST_PIXEL_TAG + 1):
        return Header(code="ingest.float-pixels", reason="its pixels are floating-point maps, not a scan")
    if source.pixel_tag != PIXEL_DATA:
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


def _check_size(source: Source, *, rows: int, columns: int, frames: int, bits: int, limits: Limits) -> None:
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
    if source.meta.transfer_syntax_uid in NATIVE and source.value_length != UNDEFINED_LENGTH:
        needed, there = rows * columns * frames * bits // 8, source.file_bytes - source.value_offset
        if there < needed:
            raise DamagedFile(
                name, f"it ends too early, with {max(there, 0):,} of {needed:,} bytes of its pixels"
            )


def _frames(dataset: Dataset, source: Source, *, limits: Limits) -> Header:
    """Turn a parsed header into frames."""
    sop_class = elements.uid(dataset, 0x00080016) or source.meta.sop_class_uid
    if len(dataset) == 0:
        raise DamagedFile(source.candidate.name, "it holds nothing that reads as DICOM")
    refused = _refusal(dataset, source, sop_class)
    if refused is not None:
        return refused
    rows, columns = elements.short(dataset, 0x00280010) or 0, elements.short(dataset, 0x00280011) or 0
    count = max(elements.whole(dataset, 0x00280008) or 1, 1)
    bits = elements.short(dataset, 0x00280100) or 0
    _check_size(source, rows=rows, columns=columns, frames=count, bits=bits, limits=limits)
    frame = plain_frame(dataset, source, sop_class_uid=sop_class, bits=bits, count=count)
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
