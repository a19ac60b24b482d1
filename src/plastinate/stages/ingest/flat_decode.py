"""A JPEG, PNG, WebP or TIFF file -> one upright picture in sRGB; runs in the child that may die."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, TooLarge, UnsupportedFile
from plastinate.model.evidence import Finding
from plastinate.stages.ingest.flat_bounds import require_few_pieces, require_few_scans, walk_jpeg
from plastinate.stages.ingest.flat_focal import focal_in_exif
from plastinate.stages.ingest.limits import Limits

# A JPEG that holds several pictures (MPO) opens as JPEG too.
FORMATS = {"jpeg": ("JPEG",), "png": ("PNG",), "webp": ("WEBP",), "tiff": ("TIFF",)}
# Beyond this no viewer shows more, and a graphics card may refuse the texture.
LONGEST_SIDE = 4096
# What is smaller holds no shape: a network that sees 224 pixels would be shown little but its own guess.
SHORTEST_SIDE = 16
# What a decoder raises over bytes that are no picture: 4000 mutated files raised these and no other.
FAULTS = (
    *(OSError, SyntaxError, ValueError, IndexError, EOFError, TypeError, KeyError, AttributeError),
    *(OverflowError, ZeroDivisionError, struct.error, zlib.error),
)
# Of what comes after its pixels a decoder takes up to eight bytes before it has drawn the last.
LOOKED_AHEAD = bytes(16)
# Where a camera wrote its place (CIPA DC-008, section 4.6.3).
GPS_IFD = 0x8825
# What it takes to stand upright (CIPA DC-008, section 4.6.4 A).
ORIENTATION = 0x0112
UPRIGHT = 1
# TIFF 6.0, section 8, PhotometricInterpretation: of grey pictures 0 may be white.
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
TURNS = (
    *("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM"),
    *("TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90"),
)
# Kinds of pixels whose mean is the colour between them.
EASILY_SHRUNK = ("RGB", "RGBA", "L", "LA", "CMYK")
SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")


@dataclass(frozen=True, eq=False)
class FlatPixels:
    """A picture on its way through the wire.

    Attributes:
        rgba: (R, C, 4) uint8.
        grey: (R, C) uint16.
        focal_px: 0 where the file does not say it.
        findings: what was noticed.
        kind: "photo", "x-ray", "ultrasound" or "slice".
        spacing_mm: (row, column), None where none is stated.
        shrunk: pixels of this for one of the file.
    """

    rgba: npt.NDArray[np.uint8]
    grey: npt.NDArray[np.uint16]
    focal_px: float
    findings: tuple[Finding, ...]
    kind: str = "photo"
    spacing_mm: tuple[float, float] | None = None
    shrunk: float = 1.0


def decode_flat(path: Path, *, kind: str, name: str, limits: Limits) -> FlatPixels:
    """Decode one picture, turn it upright, bring it to sRGB; nothing else that the file says is kept.

    Args:
        path: of the file.
        kind: "jpeg", "png", "webp" or "tiff", as its first bytes say.
        name: for sentences.
        limits: the longest side.

    Raises:
        DamagedFile: it ends too early, or its code cannot be followed.
        TooLarge: it declares more pixels, scans or pieces than are allowed; none of them has been touched.
        UnsupportedFile: too small, or of a form that is not read.

    Source: EXIF orientation: CIPA DC-008 (Exif 2.32), section 4.6.4; TIFF 6.0, section 8.
    """
    from PIL import Image, UnidentifiedImageError

    # The size is held against the house's own limit, before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(_looked_over(path, kind, name), formats=FORMATS[kind]) as opened:
            require_size(name, opened.height, opened.width, limits=limits)
            return _decoded(opened, name)
    except UnidentifiedImageError as error:
        raise DamagedFile(name, "its header makes no sense") from error
    except FAULTS as error:
        raise DamagedFile(name, "it is cut short, or its pixels cannot be decoded") from error


def _looked_over(path: Path, kind: str, name: str) -> Path | io.BytesIO:
    """What is given to the decoder, once it will not cost more than any picture does.

    Where the mark of a JPEG's end stands too early, its decoder makes grey of what is missing and says
    nothing. Without that mark it has to find every pixel, or says that the file is cut short.
    """
    if kind not in ("jpeg", "tiff"):
        return path
    data = path.read_bytes()
    if kind == "tiff":
        require_few_pieces(name, data)
        return path
    walk = walk_jpeg(data)
    require_few_scans(name, walk)
    is_told_apart = walk.end is not None and walk.scans == 1 and walk.is_sequential
    return io.BytesIO(data[: walk.end] + LOOKED_AHEAD) if is_told_apart else path


def require_size(name: str, rows: int, columns: int, *, limits: Limits) -> None:
    """Refuse a size before any memory is spent on it.

    Raises:
        TooLarge, UnsupportedFile: more than is allowed, or too small for any shape.
    """
    if max(rows, columns) > limits.rows_or_columns:
        side, cap = max(rows, columns), limits.rows_or_columns
        raise TooLarge(name, "the number of pixels along one side", value=side, cap=cap)
    if rows * columns > limits.picture_pixels:
        raise TooLarge(name, "the number of pixels", value=rows * columns, cap=limits.picture_pixels)
    if min(rows, columns) < SHORTEST_SIDE:
        raise UnsupportedFile(
            name,
            f"its {columns} x {rows} pixels show no shape",
            hint=f"Give a picture of at least {SHORTEST_SIDE} x {SHORTEST_SIDE} pixels.",
        )


def _decoded(opened: Any, name: str) -> FlatPixels:
    findings: list[Finding] = []
    if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":
        opened.seek(0)
        findings.append(_several(opened.n_frames))
    # Sixteen bits a channel of colour become eight; a grey picture keeps them.
    exif = opened.getexif()
    focal_px = focal_in_exif(exif, longest_side=max(opened.size), diagonal=float(np.hypot(*opened.size)))
    with contextlib.suppress(*FAULTS):
        if exif.get_ifd(GPS_IFD):
            findings.append(_placed())
    longest = max(opened.size)
    if opened.format == "JPEG" and longest > LONGEST_SIDE:
        opened.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
    upright = _turned(_shrunk_at_once(opened), exif)
    # Of eight bits and fewer the decoder turns it round itself.
    is_white_zero = opened.format == "TIFF" and opened.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO
    deep = _deep_grey(upright, name, is_white_zero=is_white_zero)
    rgba = _in_srgb(upright, deep, findings)
    if max(rgba.size) > LONGEST_SIDE:
        share = LONGEST_SIDE / max(rgba.size)
        size = (max(1, round(rgba.width * share)), max(1, round(rgba.height * share)))
        from PIL import Image

        rgba = rgba.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
        if deep is not None:
            smaller = Image.fromarray(deep.astype(np.float32)).resize(size, Image.Resampling.BOX)
            deep = np.asarray(smaller).round().astype(np.uint16)
    if max(rgba.size) < longest:
        findings.append(shrunk_to(rgba.size))
    shrunk = max(rgba.size) / longest
    pixels = np.array(rgba, dtype=np.uint8)
    # Colours that the file hides under nothing at all are nobody's business.
    pixels[pixels[:, :, 3] == 0, :3] = 255
    if not pixels[:, :, 3].any():
        raise UnsupportedFile(name, "all of it is transparent", hint="Save it without its transparency.")
    return FlatPixels(
        pixels, _grey_of(pixels) if deep is None else deep, focal_px * shrunk, tuple(findings), shrunk=shrunk
    )


def _shrunk_at_once(opened: Any) -> Any:
    """As small as it will be, before it is copied for its turn and its colours.

    Of 196 million pixels that took 1.1 GB and not 3.4.
    """
    from PIL import Image

    if max(opened.size) <= LONGEST_SIDE or opened.mode not in EASILY_SHRUNK or "transparency" in opened.info:
        return opened
    share = LONGEST_SIDE / max(opened.size)
    size = (max(1, round(opened.width * share)), max(1, round(opened.height * share)))
    return opened.resize(size, Image.Resampling.BOX, reducing_gap=2.0)


def _turned(image: Any, exif: Any) -> Any:
    from PIL import Image

    told = exif.get(ORIENTATION, UPRIGHT)
    is_turned = isinstance(told, int) and UPRIGHT < told <= UPRIGHT + len(TURNS)
    return image.transpose(Image.Transpose[TURNS[told - UPRIGHT - 1]]) if is_turned else image


def _deep_grey(image: Any, name: str, *, is_white_zero: bool) -> npt.NDArray[np.uint16] | None:
    """The brightness of a grey picture of more than eight bits, else None."""
    if image.mode not in SIXTEEN_BITS:
        return None
    if image.mode.startswith("I;16"):
        stored = np.asarray(image).astype(np.uint16)
        return np.asarray(65535 - stored, dtype=np.uint16) if is_white_zero else stored
    values = np.asarray(image).astype(np.float64) * (-1.0 if is_white_zero else 1.0)
    known = np.isfinite(values)
    if not known.any():
        raise UnsupportedFile(name, "none of its pixels is a number")
    low, high = float(values[known].min()), float(values[known].max())
    if image.mode != "F" and low >= 0 and high <= 65535:
        return np.asarray(values, dtype=np.uint16)
    filled = np.where(known, values, low)
    return np.asarray(np.rint((filled - low) * (65535.0 / max(high - low, 1e-30))), dtype=np.uint16)


def _in_srgb(image: Any, deep: npt.NDArray[np.uint16] | None, findings: list[Finding]) -> Any:
    """An RGBA picture in sRGB."""
    from PIL import Image

    if deep is not None:
        # Twelve bits of a sensor lie in the lower part of sixteen: the picture is shown over its own range.
        low, high = float(deep.min()), float(max(deep.max(), 1))
        shown = np.clip((deep - low) * (255.0 / max(high - low, 1.0)), 0, 255).astype(np.uint8)
        return Image.fromarray(shown).convert("RGBA")
    alpha = image.convert("RGBA").getchannel("A") if _has_alpha(image) else None
    flat = image if image.mode in ("RGB", "L", "CMYK") else image.convert("RGBA").convert("RGB")
    profile = image.info.get("icc_profile")
    colour = _through_profile(flat, profile) if profile else None
    if colour is None:
        if profile:
            findings.append(_profile_lost())
        elif flat.mode == "CMYK":
            findings.append(_printing_colours())
        colour = flat.convert("RGB")
    whole = colour.convert("RGBA")
    if alpha is not None:
        whole.putalpha(alpha)
    return whole


def _has_alpha(image: Any) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _through_profile(image: Any, profile: bytes) -> Any:
    from PIL import ImageCms

    with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return None


def _grey_of(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """Luma (ITU-R BT.709) of sRGB bytes at 16 bits, by blocks of rows: at once it would take much memory."""
    grey = np.empty(rgba.shape[:2], dtype=np.uint16)
    weights = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32) * 257.0
    for start in range(0, len(rgba), 256):
        block = rgba[start : start + 256, :, :3].astype(np.float32)
        grey[start : start + 256] = np.rint(block @ weights)
    return grey


def _placed() -> Finding:
    return Finding(
        "ingest.picture-place",
        "note",
        "The file says where the picture was taken.",
        "That goes into nothing that is made of it; the file itself still says it.",
    )


def _several(count: int) -> Finding:
    return Finding(
        "ingest.first-picture",
        "warning",
        f"The file holds {count} pictures.",
        "The first one was taken.",
        {"pictures": count},
    )


def shrunk_to(size: tuple[int, int]) -> Finding:
    """That a picture was taken smaller than it is: at so many columns and rows."""
    return Finding(
        "ingest.picture-shrunk",
        "note",
        f"The picture is larger than {LONGEST_SIDE} pixels along one side.",
        f"It was taken at {size[0]} x {size[1]} pixels.",
    )


def _profile_lost() -> Finding:
    return Finding(
        "ingest.colour-profile",
        "warning",
        "The colour profile of the picture cannot be read.",
        "Its colours were taken for sRGB.",
    )


def _printing_colours() -> Finding:
    return Finding(
        "ingest.printing-colours",
        "warning",
        "The picture is in printing colours (CMYK) and has no profile.",
        "Its colours are an approximation.",
    )
