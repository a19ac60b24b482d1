"""Frames of pixels -> the bytes of each transfer syntax that can be written here."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom.pixels import get_encoder
from pydicom.uid import RLELossless

SYNTAXES = {
    "implicit": "1.2.840.10008.1.2",
    "explicit": "1.2.840.10008.1.2.1",
    "deflated": "1.2.840.10008.1.2.1.99",
    "big-endian": "1.2.840.10008.1.2.2",
    "rle": "1.2.840.10008.1.2.5",
    "jpeg-baseline": "1.2.840.10008.1.2.4.50",
    "jpeg-lossless": "1.2.840.10008.1.2.4.57",
    "jpeg-lossless-sv1": "1.2.840.10008.1.2.4.70",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "jpeg-2000": "1.2.840.10008.1.2.4.90",
    "htj2k": "1.2.840.10008.1.2.4.201",
}
CODECS = frozenset(SYNTAXES) - {"implicit", "explicit", "deflated", "big-endian"}


def encoded(frame: npt.NDArray[Any], syntax: str, *, bits: int) -> bytes:
    """One frame in that syntax; lossless but for jpeg-baseline.

    Args:
        frame: (R, C) uint8, uint16 or int16.
        syntax: a member of CODECS.
        bits: BitsStored.
    """
    if syntax == "rle":
        return _rle(frame)
    if syntax == "jpeg-baseline":
        return imagecodecs.jpeg8_encode(frame, level=100)
    # JPEG and JPEG-LS know no sign: the bit pattern is what is kept.
    pattern = np.ascontiguousarray(frame.view(np.uint16) & np.uint16((1 << bits) - 1))
    if syntax == "jpeg-lossless":
        return imagecodecs.ljpeg_encode(pattern, bitspersample=bits)
    if syntax == "jpeg-lossless-sv1":
        return imagecodecs.jpeg8_encode(pattern, lossless=True, predictor=1, bitspersample=bits)
    if syntax == "jpeg-ls":
        return imagecodecs.jpegls_encode(pattern)
    if syntax == "jpeg-2000":
        return imagecodecs.jpeg2k_encode(
            frame, level=0, reversible=True, codecformat="j2k", bitspersample=bits
        )
    assert syntax == "htj2k"
    return imagecodecs.htj2k_encode(frame, reversible=True)


def _rle(frame: npt.NDArray[Any]) -> bytes:
    return get_encoder(RLELossless).encode(
        frame,
        encoding_plugin="pydicom",
        rows=frame.shape[0],
        columns=frame.shape[1],
        samples_per_pixel=1,
        number_of_frames=1,
        bits_allocated=frame.itemsize * 8,
        bits_stored=frame.itemsize * 8,
        pixel_representation=int(frame.dtype.kind == "i"),
        photometric_interpretation="MONOCHROME2",
    )
