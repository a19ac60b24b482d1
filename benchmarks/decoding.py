"""Compressed series -> Volume, whole process, against bare imagecodecs in two threads on the same frames."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pydicom
from pydicom.encaps import encapsulate

from measure import side_by_side
from scans import CACHE, chest_400

SLICES = 200
SYNTAXES = {
    "JPEG lossless": ("1.2.840.10008.1.2.4.70", "ljpeg"),
    "JPEG-LS": ("1.2.840.10008.1.2.4.80", "jpegls"),
    "JPEG 2000": ("1.2.840.10008.1.2.4.90", "jpeg2k"),
    "HTJ2K": ("1.2.840.10008.1.2.4.201", "htj2k"),
}
OURS = """
import sys
from pathlib import Path
from plastinate.stages.ingest.read import read_volume
read_volume(Path(sys.argv[1]))
"""
BARE = """
import sys, threading, numpy, pydicom, imagecodecs
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from pydicom.encaps import generate_frames
decode = getattr(imagecodecs, sys.argv[2] + "_decode")
images = [pydicom.dcmread(path) for path in sorted(Path(sys.argv[1]).iterdir())]
volume = numpy.empty((len(images), images[0].Rows, images[0].Columns), numpy.int16)
def one(index):
    frame = next(generate_frames(images[index].PixelData, number_of_frames=1))
    volume[index] = decode(frame).view(numpy.int16)
with ThreadPoolExecutor(2) as pool:
    list(pool.map(one, range(len(images))))
"""


def compressed(name: str) -> Path:
    """The benchmark series in another transfer syntax, unsigned so that every codec holds it."""
    import imagecodecs

    uid, codec = SYNTAXES[name]
    folder = CACHE / f"chest-{codec}"
    if folder.exists():
        return folder
    folder.mkdir(parents=True)
    for path in sorted(path for path in chest_400().rglob("*") if path.is_file())[:SLICES]:
        image = pydicom.dcmread(path)
        stored = np.clip(image.pixel_array.astype(np.int32) + 1024, 0, 4095).astype(np.uint16)
        image.PixelRepresentation, image.BitsStored, image.HighBit = 0, 12, 11
        image.RescaleIntercept, image.RescaleSlope = -1024, 1
        for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
            if keyword in image:
                delattr(image, keyword)
        options = {"jpeg2k": {"level": 0, "codecformat": "j2k", "reversible": True}}.get(codec, {})
        image.PixelData = encapsulate([getattr(imagecodecs, f"{codec}_encode")(stored, **options)])
        image["PixelData"].is_undefined_length = True
        image.file_meta.TransferSyntaxUID = uid
        image.save_as(folder / path.name)
    return folder


def main(*, runs: int = 3) -> list[str]:
    """Measure and return the rows of the table."""
    rows = ["| transfer syntax | ours s | bare imagecodecs s | ratio |", "|---|---|---|---|"]
    for name, (_, codec) in SYNTAXES.items():
        folder = compressed(name)
        measured = side_by_side(
            {
                "ours": [sys.executable, "-c", OURS, str(folder)],
                "bare": [sys.executable, "-c", BARE, str(folder), codec],
            },
            runs=runs,
        )
        ours, bare = measured["ours"].wall_s, measured["bare"].wall_s
        rows.append(f"| {name} | {ours:.2f} | {bare:.2f} | {ours / bare:.2f} |")
    return rows


if __name__ == "__main__":
    print("\n".join(main()))
