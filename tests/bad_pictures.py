"""Files that look like pictures, and of which no model or an odd one comes; and what is said of each."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from drawn_pictures import coloured, encoded, png_of_size


@dataclass(frozen=True)
class BadPicture:
    """A file, and what has to be said of it.

    Attributes:
        name: of the file.
        data: its bytes.
        code: of the error; its first word decides the exit status.
        words: in the sentence.
    """

    name: str
    data: bytes
    code: str
    words: str


def _noise() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (90, 120, 3), dtype=np.uint8)


def _saved(image: Image.Image, kind: str, **more: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **more)
    return stream.getvalue()


def _transparent() -> bytes:
    return encoded(np.dstack([coloured(), np.zeros((48, 64), np.uint8)]))


SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
BAD_PICTURES = (
    BadPicture("cut.jpg", encoded(_noise(), "JPEG")[:3000], "input.damaged-file", "cut short"),
    BadPicture("cut.png", encoded(_noise())[:3000], "input.damaged-file", "cut short"),
    BadPicture("cut.webp", encoded(_noise(), "WEBP")[:700], "input.damaged-file", "cut short"),
    BadPicture("cut.tif", encoded(_noise(), "TIFF")[:3000], "input.damaged-file", "damaged"),
    BadPicture("bomb.png", png_of_size(100_000, 100_000), "limit.too-large", "100,000"),
    BadPicture("point.png", encoded(coloured()[:1, :1]), "input.unsupported", "1 x 1 pixels"),
    BadPicture("line.png", encoded(coloured()[:1]), "input.unsupported", "64 x 1 pixels"),
    BadPicture("moving.gif", encoded(coloured(), "GIF"), "input.unsupported", "kind GIF"),
    BadPicture("old.bmp", encoded(coloured(), "BMP"), "input.unsupported", "kind BMP"),
    BadPicture("phone.heic", b"\0\0\0\x18ftypheic" + bytes(64), "input.unsupported", "kind HEIC"),
    BadPicture("letter.jpg", b"%PDF-1.7\n%\xe2\xe3\n", "input.unsupported", "kind PDF"),
    BadPicture("drawing.svg", SVG, "input.unsupported", "kind SVG"),
    BadPicture("glass.png", _transparent(), "input.unsupported", "all of it is transparent"),
    BadPicture("poem.png", b"Once upon a time.\n", "input.no-images", "Neither a scan nor a picture"),
    BadPicture("nothing.png", b"", "input.no-images", "Neither a scan nor a picture"),
)


def odd_pictures() -> dict[str, bytes]:
    """Files that are odd, and of which a model can be made all the same: each shows `coloured`."""
    image = Image.fromarray(coloured())
    other = Image.fromarray(coloured()[::-1])
    deep = (np.tile(np.linspace(0, 65535, 64), (48, 1))).astype(np.uint16)
    profile = b"no profile at all" * 9
    return {
        "moving.png": _saved(image, "PNG", save_all=True, append_images=[other]),
        "moving.webp": _saved(image, "WEBP", lossless=True, save_all=True, append_images=[other]),
        "pages.tif": _saved(image, "TIFF", save_all=True, append_images=[other, image]),
        "print.jpg": _saved(image.convert("CMYK"), "JPEG", quality=95),
        "print-profile.jpg": _saved(image.convert("CMYK"), "JPEG", quality=95, icc_profile=profile),
        "wrong-profile.png": _saved(image, "PNG", icc_profile=profile),
        "palette.png": _saved(image.quantize(64), "PNG", transparency=0),
        "deep.tif": _saved(Image.fromarray(deep), "TIFF"),
        "one-bit.png": _saved(image.convert("1"), "PNG"),
        "grey-and-glass.png": _saved(image.convert("LA"), "PNG"),
    }
