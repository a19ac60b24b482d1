from __future__ import annotations

import gzip
import struct

import pytest

from plastinate.stages.ingest.sniff import kind_of
from plastinate.stages.ingest.words import safe


def nifti_head() -> bytes:
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    head[344:348] = b"n+1\0"
    return bytes(head)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0" * 128 + b"DICM", "dicom"),
        (b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100", "dicom"),
        (b"\x08\x00\x00\x00\x04\x00\x00\x00\x10\x01\x00\x00\x08\x00\x01\x00", "dicom"),
        (b"PK\x03\x04rest", "zip"),
        (nifti_head(), "nifti"),
        (gzip.compress(nifti_head(), mtime=0), "nifti"),
        (gzip.compress(b"something else", mtime=0), "gzip"),
        (b"NRRD0005\ntype: short", "nrrd"),
        (b"ObjectType = Image\nNDims = 3\n", "metaimage"),
        (b"Rar!\x1a\x07\x00", "archive"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "other"),
        (b"", "other"),
        (b"A letter to the patient, of some length.", "other"),
    ],
)
def test_content_decides_what_a_file_is(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind


def test_text_from_files_cannot_steer_a_terminal() -> None:
    assert safe("a\x1b]0;title\x07b\u202ec\x00") == "a]0;titlebc"
    assert len(safe("x" * 500)) == 64
