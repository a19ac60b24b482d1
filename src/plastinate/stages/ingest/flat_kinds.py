"""The first bytes of a file -> what kind of flat picture it is. Names and suffixes mean nothing."""

from __future__ import annotations

from typing import Literal

from plastinate.stages.ingest.sniff import kind_of

FlatKind = Literal["jpeg", "png", "webp", "tiff", "heic", "avif", "gif", "bmp", "svg", "pdf", "dicom", ""]

# Brands of ISO base media files that hold one still picture (ISO/IEC 23008-12, annex B).
# An SVG begins with its element, perhaps after a line of XML and a remark.
SVG_BYTES = 1024
HEIC_BRANDS = (b"heic", b"heix", b"mif1", b"heim", b"heis")
AVIF_BRANDS = (b"avif", b"avis")


def flat_kind_of(head: bytes) -> FlatKind:
    r"""What a file that begins with these bytes is.

    >>> flat_kind_of(b"\x89PNG\r\n\x1a\n"), flat_kind_of(b"To be, or not to be")
    ('png', '')
    """
    if head[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return "heic"
    if head[4:8] == b"ftyp" and head[8:12] in AVIF_BRANDS:
        return "avif"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return "bmp"
    if head[:5] == b"%PDF-":
        return "pdf"
    if head[:1] in (b"<", b"\xef") and b"<svg" in head[:SVG_BYTES]:
        return "svg"
    return "dicom" if kind_of(head) == "dicom" else ""
