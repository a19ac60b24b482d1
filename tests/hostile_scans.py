"""Scans made to do harm: bombs below the pixels and in the header, sizes that lie, headers without end."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from hostile_zips import deflated_zeros
from tiny_scans import EXPLICIT, ROOT, slice_dataset

UID = "1.2.840.10008.1.2"
DEFLATED, RLE = f"{UID}.1.99", f"{UID}.5"
JPEG_LS, JPEG_2000, HTJ2K, JPEG = f"{UID}.4.80", f"{UID}.4.90", f"{UID}.4.201", f"{UID}.4.70"


def dicom(dataset: Dataset, syntax: str = EXPLICIT) -> bytes:
    """The bytes of a DICOM file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    dataset.file_meta = meta
    is_native = syntax in (EXPLICIT, DEFLATED)
    dataset["PixelData"].VR = "OW" if is_native else "OB"
    dataset["PixelData"].is_undefined_length = not is_native
    target = io.BytesIO()
    dataset.save_as(target, enforce_file_format=True)
    return target.getvalue()


def slices(
    count: int = 3, *, syntax: str = EXPLICIT, pixels: bytes | None = None, **changes: Any
) -> dict[str, bytes]:
    """A small series of its own, each slice of it as wanted."""
    made = {}
    for number in range(count):
        facts = {"SeriesInstanceUID": f"{ROOT}.66", "SOPInstanceUID": f"{ROOT}.66.{number + 1}", **changes}
        dataset = slice_dataset(number, **facts)
        if pixels is not None:
            dataset.PixelData = pixels if syntax in (EXPLICIT, DEFLATED) else encapsulate([pixels])
        made[f"evil-{number}.dcm"] = dicom(dataset, syntax)
    return made


def deflated_bomb(megabytes: int, *, count: int = 1) -> dict[str, bytes]:
    """A deflated dataset that goes on and on, and never comes to a pixel."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2", "1.2.3"
    meta.TransferSyntaxUID = DEFLATED
    target = io.BytesIO()
    empty = slice_dataset(0, PixelData=None)
    empty.file_meta = meta
    empty.save_as(target, enforce_file_format=True)
    start = target.getvalue()
    # Behind the meta group everything is one deflated stream.
    length = struct.unpack_from("<I", start, 140)[0]
    content = start[: 144 + length] + deflated_zeros(megabytes)
    return {f"deflated-{number}.dcm": content for number in range(count)}


def run_length_bomb(edge: int = 16000) -> dict[str, bytes]:
    """Few bytes that claim to run to a quarter of a billion pixels."""
    segment = b"\x81\x00" * 200_000
    pixels = struct.pack("<16I", 2, 64, 64 + len(segment), *[0] * 13) + segment + segment
    return slices(syntax=RLE, pixels=pixels, Rows=edge, Columns=edge)


def jpeg_2000_header(edge: int, *, tile: int | None = None) -> bytes:
    """SIZ, COD and QCD of a picture of that size (ITU-T T.800, A.5 and A.6), and no picture."""
    tile = tile or edge
    size = struct.pack(">HHIIIIIIIIHBBB", 41, 0, edge, edge, 0, 0, tile, tile, 0, 0, 1, 15, 1, 1)
    coding = struct.pack(">HBBHBBBBBB", 12, 0, 0, 1, 0, 5, 4, 4, 0, 1)
    quantised = struct.pack(">HB", 19, 0x40) + bytes(16)
    part = struct.pack(">HHIBB", 10, 0, 14, 0, 1)
    marks = ((b"\xff\x51", size), (b"\xff\x52", coding), (b"\xff\x5c", quantised), (b"\xff\x90", part))
    return b"\xff\x4f" + b"".join(mark + body for mark, body in marks) + b"\xff\x93\xff\xd9"


def jpeg_ls_header(edge: int) -> bytes:
    """SOF55 and SOS of a picture of that size (ITU-T T.87, C.2), and next to no picture."""
    frame = b"\xff\xf7" + struct.pack(">HBHHBBBB", 11, 16, edge, edge, 1, 1, 0x11, 0)
    return b"\xff\xd8" + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00" + bytes(40) + b"\xff\xd9"


def lossless_jpeg_header(edge: int) -> bytes:
    """SOF3 and SOS of a picture of that size (ITU-T T.81, B.2), and next to no picture."""
    frame = b"\xff\xc3" + struct.pack(">HBHHBBBB", 11, 16, edge, edge, 1, 1, 0x11, 0)
    table = b"\xff\xc4\x00\x14\x00\x01" + bytes(15) + b"\x00"
    return b"\xff\xd8" + frame + table + b"\xff\xda\x00\x08\x01\x01\x00\x01\x00\x00" + bytes(40) + b"\xff\xd9"


def giant_pictures(edge: int = 16384) -> dict[str, dict[str, bytes]]:
    """A series for each codec whose codestream claims the same giant size as the file."""
    streams = {
        "jpeg-2000": (JPEG_2000, jpeg_2000_header(edge)),
        "jpeg-2000-tiles": (JPEG_2000, jpeg_2000_header(edge, tile=65)),
        "htj2k": (HTJ2K, jpeg_2000_header(edge)),
        "jpeg-ls": (JPEG_LS, jpeg_ls_header(edge)),
        "lossless-jpeg": (JPEG, lossless_jpeg_header(edge)),
    }
    return {
        name: slices(syntax=syntax, pixels=stream, Rows=edge, Columns=edge)
        for name, (syntax, stream) in streams.items()
    }


def absurd_sizes() -> dict[str, bytes]:
    """More rows, columns and frames than anything has."""
    wishes: list[dict[str, Any]] = [
        {"Rows": 65535, "Columns": 65535},
        {"Rows": 16384, "Columns": 16384, "NumberOfFrames": "2147483647"},
        {"Rows": 512, "Columns": 512, "NumberOfFrames": "20000"},
        {"Rows": 0, "Columns": 0},
        {"BitsAllocated": 64, "BitsStored": 64},
        {"NumberOfFrames": "-5"},
        {"PixelSpacing": [1e-300, 1e300]},
        {"ImagePositionPatient": [1e308, -1e308, 1e308]},
        {"RescaleSlope": 1e300, "RescaleIntercept": -1e300},
    ]
    made = {}
    for number, wish in enumerate(wishes):
        (content,) = slices(1, SeriesInstanceUID=f"{ROOT}.67.{number}", **wish).values()
        made[f"absurd-{number}.dcm"] = content
    return made


def nested_sequences(depth: int) -> dict[str, bytes]:
    """A sequence in a sequence in a sequence, of undefined length, in front of the pixels."""
    whole = slices(1)["evil-0.dcm"]
    at = whole.index(struct.pack("<HH", 0x0028, 0x0002))
    begin = struct.pack("<HH2sHI", 0x0020, 0x9221, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    end = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return {
        "nested.dcm": whole[:at] + begin * depth + end * depth + whole[at:],
        "never-closed.dcm": whole[:at] + begin * depth,
    }


def nifti(sizes: tuple[int, ...], *, offset: float = 352.0, datatype: int = 4, body: bytes = b"") -> bytes:
    """A NIfTI-1 file that claims so many voxels (nifti1.h)."""
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, len(sizes), *sizes, *[1] * (7 - len(sizes)))
    struct.pack_into("<2h", head, 70, datatype, 16)
    struct.pack_into("<8f", head, 76, 1, *[1] * 7)
    struct.pack_into("<f", head, 108, offset)
    head[344:348] = b"n+1\0"
    return bytes(head) + body


def lying_pictures() -> dict[str, bytes]:
    """NIfTI, NRRD and MetaImage headers that claim what is not there, or point to what is not theirs."""
    nrrd = "NRRD0004\ntype: short\ndimension: 3\nsizes: {}\nendian: little\nencoding: {}\n{}\n"
    meta = "ObjectType = Image\nNDims = 3\nDimSize = {}\nElementType = MET_SHORT\n{}ElementDataFile = {}\n"
    texts = {
        "huge.nrrd": nrrd.format("30000 30000 30000", "raw", ""),
        "many-digits.nrrd": nrrd.format("9" * 5000 + " 1 1", "raw", ""),
        "negative.nrrd": nrrd.format("-4 -4 -4", "raw", ""),
        "elsewhere.nrrd": nrrd.format("4 4 4", "raw", "data file: /etc/passwd\n"),
        "skip.nrrd": nrrd.format("4 4 4", "raw", "byte skip: 99999999999999999999\n"),
        "huge.mha": meta.format("30000 30000 30000", "", "LOCAL"),
        "elsewhere.mhd": meta.format("4 4 4", "", "/etc/passwd"),
        "above.mhd": meta.format("4 4 4", "", "../../etc/passwd"),
        "list.mhd": meta.format("4 4 4", "", "LIST"),
        "skip.mhd": meta.format("4 4 4", "HeaderSize = 99999999999999999999\n", "LOCAL"),
    }
    made = {name: text.encode() for name, text in texts.items()}
    made["huge.nii"] = nifti((30000, 30000, 30000))
    made["negative.nii"] = nifti((-4, -4, -4))
    made["far.nii"] = nifti((4, 4, 4), offset=2e9)
    made["nowhere.nii"] = nifti((4, 4, 4), offset=float("nan"))
    made["short.nii"] = nifti((400, 400, 400), body=bytes(1000))
    made["short.nii.gz"] = gzip.compress(nifti((400, 400, 400), body=bytes(1000)))
    return made


def voxel_bombs(megabytes: int) -> dict[str, bytes]:
    """Pictures that inflate a thousandfold."""
    edge = 1024
    depth = (megabytes << 20) // (edge * edge * 2)
    head = f"NRRD0004\ntype: short\ndimension: 3\nsizes: {edge} {edge} {depth}\n"
    head += "endian: little\nencoding: gzip\n\n"
    return {
        "bomb.nrrd": head.encode() + deflated_zeros(megabytes, wbits=31),
        "bomb.nii.gz": gzip_behind(nifti((edge, edge, depth)), megabytes),
    }


def gzip_behind(head: bytes, megabytes: int) -> bytes:
    """A gzip of some bytes and then so many zeros."""
    engine = zlib.compressobj(9, wbits=31)
    coded = engine.compress(head)
    return coded + b"".join(engine.compress(bytes(1 << 20)) for _ in range(megabytes)) + engine.flush()


def truncated(good: dict[str, bytes]) -> dict[str, bytes]:
    """Files of a series that end anywhere."""
    cuts = np.linspace(0, 1, len(good), endpoint=False)
    return {
        f"cut-{name}": data[: int(len(data) * cut)]
        for (name, data), cut in zip(good.items(), cuts, strict=True)
    }
