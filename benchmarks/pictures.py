"""Depth of pictures against a known one, and what a photograph of twelve million pixels costs.

    python benchmarks/pictures.py [FOLDER]

FOLDER holds motorcycle_left.png, motorcycle_right.png and motorcycle_disp.npz; without it they are taken out
of the wheel of scikit-image 0.16.2, which pip fetches.
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from plastinate.nets.picture_net import resized
from plastinate.stages.depth.depth_net import depth_net, plain_depth
from plastinate.stages.depth.stereo import disparity_px
from plastinate.stages.ingest.flat_read import read_flat_picture

# Of the pair at this size (calib.txt of the data set): pixels, mm, pixels.
FOCAL_PX, BASELINE_MM, OFFSET_PX = 994.978, 193.001, 31.086
FILES = ("motorcycle_left.png", "motorcycle_right.png", "motorcycle_disp.npz")


def fetched(folder: Path) -> Path:
    wish = ["scikit-image==0.16.2", "--no-deps", "--only-binary=:all:", "--python-version=3.8"]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--platform=manylinux1_x86_64", *wish, "-d", folder],
        check=True,
    )
    with zipfile.ZipFile(next(folder.glob("scikit_image*.whl"))) as wheel:
        for name in FILES:
            (folder / name).write_bytes(wheel.read(f"skimage/data/{name}"))
    return folder


def aligned(depth: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Mean relative error and share within a factor of 1.25, after the best factor and shift."""
    both = np.stack([depth, np.ones_like(depth)], axis=1)
    factor, shift = np.linalg.lstsq(both, truth, rcond=None)[0]
    found = np.maximum(factor * depth + shift, 1e-3)
    ratio = np.maximum(found / truth, truth / found)
    return float(np.mean(np.abs(found - truth) / truth)), float(np.mean(ratio < 1.25))


def depths(folder: Path) -> None:
    left, right = (read_flat_picture(folder / name).picture for name in FILES[:2])
    archive = np.load(folder / FILES[2])
    disparity = archive[archive.files[0]]
    known = np.isfinite(disparity) & (disparity > 0)
    truth = (BASELINE_MM * FOCAL_PX / (disparity + OFFSET_PX) / 1000)[known].astype(float)
    print("| one picture | mean relative error | delta-1 |\n|---|---|---|")
    plain = plain_depth(left, shape=left.shape)[known].astype(float)
    ours = resized(depth_net(left).depth, left.shape)[known].astype(float)
    for name, found in (("the network alone", plain), ("as built here", ours)):
        error, share = aligned(found, truth)
        print(f"| {name} | {error:.4f} | {share:.4f} |")
    off = np.abs(disparity_px(left, right) - disparity)[known]
    bad = 100 * (off > 3).mean()
    print(f"\ntwo pictures: {off.mean():.2f} px mean error, {bad:.1f} % off by more than 3 px")


def cost(folder: Path, kind: str) -> None:
    picture = Image.open(folder / FILES[0]).convert("RGB").resize((4000, 3000), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=92)
    (folder / "twelve.jpg").write_bytes(stream.getvalue())
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "plastinate.cli.main",
        "build",
        folder / "twelve.jpg",
        "-o",
        folder / kind,
    ]
    subprocess.run([*command, "-o", folder / kind, "--format", "glb"], check=True, capture_output=True)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    memory = json.loads((folder / kind / "run.json").read_text())["peak_memory_mb"]
    print(f"12 MP to textured GLB, {kind}: {wall:.1f} s, {busy:.1f} s of processor, {memory:.0f} MB")


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if len(sys.argv) > 1:
            for name in FILES:
                (folder / name).write_bytes((Path(sys.argv[1]) / name).read_bytes())
        else:
            fetched(folder)
        depths(folder)
        for kind in ("object", "scene"):
            cost(folder, kind)


if __name__ == "__main__":
    main()
