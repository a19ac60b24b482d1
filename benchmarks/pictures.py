"""Depth of pictures against a known one, and what a photograph of twelve million pixels costs.

    python benchmarks/pictures.py [FOLDER] [--judge] [--range] [--depth NAME]

FOLDER keeps what pip fetches (see `known_depths.py`); without it a temporary one does. Only with --judge is
the motorcycle looked at, by which nothing may be chosen, and the cost measured. NAME is another network to
ask (`plastinate models list`); of one that answers with one over the depth, that is brought to the truth.
--range measures only how deep views are, and what it costs to put the farthest five times as far away.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from known_depths import BASELINE_MM, FOCAL_PX, JUDGE, OFFSET_PX, Known, cut_to, fetch, to_choose_by
from plastinate.nets.picture_net import resized
from plastinate.stages.depth.depth_net import (
    FARTHEST_NEARNESS,
    SLIPS_PERCENT,
    USUAL,
    card_of_depth,
    depth_net,
    plain_depth,
)
from plastinate.stages.depth.stereo import disparity_px
from plastinate.stages.ingest.flat_read import read_flat_picture

Plane = npt.NDArray[np.floating]
SHAPES = {"16:9": 16 / 9, "3:2": 1.5, "1:1": 1.0, "3:4": 0.75}


def errors(depth: Plane, truth: Plane, model: str) -> Plane:
    """Found over true depth of the known places, after the best factor and shift, less 1."""
    if card_of_depth(model).kind == "inverse-depth":
        both = np.stack([1 / depth, np.ones_like(depth)], axis=1)
        factor, shift = np.linalg.lstsq(both, 1 / truth, rcond=None)[0]
        return 1 / np.maximum(factor / depth + shift, 1e-3) / truth - 1.0
    both = np.stack([depth, np.ones_like(depth)], axis=1)
    factor, shift = np.linalg.lstsq(both, truth, rcond=None)[0]
    return np.maximum(factor * depth + shift, 1e-3) / truth - 1.0


def summed_up(off: Plane) -> tuple[float, float]:
    """Mean relative error, and the share within a factor of 1.25."""
    return float(np.abs(off).mean()), float((np.maximum(1 + off, 1 / (1 + off)) < 1.25).mean())


def compared(known: Known, model: str) -> tuple[tuple[float, float], tuple[float, float], Plane, Plane]:
    """The network alone, what is built; of that the errors and the confidences of the known places."""
    where = known.depth_m > 0
    truth, shape = known.depth_m[where], known.depth_m.shape
    plain = plain_depth(known.picture, model=model, shape=shape)[where].astype(float)
    found = depth_net(known.picture, model=model)
    off = errors(resized(found.depth, shape)[where].astype(float), truth, model)
    return (
        summed_up(errors(plain, truth, model)),
        summed_up(off),
        off,
        resized(found.confidence, shape)[where],
    )


def gain(pictures: dict[str, Known], model: str, *, tell: bool) -> tuple[float, float, int, int]:
    """Error as a share of the network's alone (geometric mean), gain in delta-1, places that gain, places."""
    votes: dict[str, list[tuple[float, float]]] = {}
    for name, known in pictures.items():
        alone, built, _, _ = compared(known, model)
        votes.setdefault(known.place, []).append((np.log(built[0] / alone[0]), built[1] - alone[1]))
        if tell:
            print(
                f"| {name} | {alone[0]:.3f} | {built[0]:.3f} | {alone[1]:.3f} | {built[1]:.3f} |", flush=True
            )
    by_place = np.array([np.mean(each, axis=0) for each in votes.values()])
    better = int((by_place[:, 0] < 0).sum())
    return float(np.exp(by_place[:, 0].mean())), float(by_place[:, 1].mean()), better, len(by_place)


def chosen_by(folder: Path, model: str) -> None:
    pictures = to_choose_by(folder)
    print("| to choose by | error alone | as built | delta-1 alone | as built |\n|---|---|---|---|---|")
    said = "{} of the error, delta-1 {:+.3f}, better in {} of {} places"
    share, more, better, places = gain(pictures, model, tell=True)
    print(said.format(f"{share:.3f}", more, better, places))
    for name, aspect in SHAPES.items():
        cut = {each: cut_to(known, aspect) for each, known in pictures.items()}
        share, more, better, places = gain(cut, model, tell=False)
        print(name, said.format(f"{share:.3f}", more, better, places), flush=True)
    ranked(pictures, model)


def ranges(folder: Path) -> None:
    """How many times as far the farthest is as the nearest; what the assumption costs a perfect network."""
    by_place: dict[str, list[tuple[float, float]]] = {}
    for known in to_choose_by(folder).values():
        truth = known.depth_m[known.depth_m > 0]
        near, far = np.percentile(truth, (SLIPS_PERCENT, 100 - SLIPS_PERCENT))
        nearness = np.clip((1 / truth - 1 / far) / (1 / near - 1 / far), 0, 1)
        found = 1 / (FARTHEST_NEARNESS + (1 - FARTHEST_NEARNESS) * nearness)
        off = np.abs(found * np.median(truth / found) / truth - 1).mean()
        by_place.setdefault(known.place, []).append((np.log(far / near), float(off)))
    means = np.array([np.mean(each, axis=0) for each in by_place.values()])
    times, off = np.sort(np.exp(means[:, 0])), means[:, 1]
    span = f"{times[0]:.1f} to {times[-1]:.1f}, median {np.median(times):.1f}"
    print(f"{len(times)} places: the farthest over the nearest is {span}")
    print(f"the assumption alone costs {off.mean():.3f} of the depth, {off.min():.3f} to {off.max():.3f}")


def ranked(pictures: dict[str, Known], model: str) -> None:
    """Does confidence know where the errors are? Every picture has as many places in it."""
    rng = np.random.default_rng(0)
    sure, off = [], []
    for known in pictures.values():
        _, _, errors_here, confidence = compared(known, model)
        some = rng.choice(len(errors_here), 3000, replace=False)
        sure.append(confidence[some])
        off.append(np.abs(errors_here[some]))
    fifth = np.argsort(np.argsort(-np.concatenate(sure))) * 5 // (3000 * len(sure))
    means = [np.concatenate(off)[fifth == number].mean() for number in range(5)]
    print("mean error by fifths of confidence, surest first:", " ".join(f"{each:.3f}" for each in means))
    within = [_rank_correlation(-each, other) for each, other in zip(sure, off, strict=True)]
    print(f"rank correlation of doubt and error: {np.mean(within):.2f} within a picture,", end=" ")
    print(f"{_rank_correlation(-np.concatenate(sure), np.concatenate(off)):.2f} over all")


def _rank_correlation(first: Plane, second: Plane) -> float:
    return float(np.corrcoef(*(np.argsort(np.argsort(each)) for each in (first, second)))[0, 1])


def judged(folder: Path, model: str) -> None:
    left, right = (read_flat_picture(folder / name).picture for name in JUDGE[:2])
    archive = np.load(folder / JUDGE[2])
    disparity = archive[archive.files[0]]
    known = np.isfinite(disparity) & (disparity > 0)
    depth = np.where(known, BASELINE_MM * FOCAL_PX / (np.where(known, disparity, 1) + OFFSET_PX) / 1000, 0.0)
    alone, built, off, confidence = compared(Known(left.rgb, depth, "motorcycle"), model)
    print("| the motorcycle | mean relative error | delta-1 |\n|---|---|---|")
    for name, (error, share) in (("the network alone", alone), ("as built here", built)):
        print(f"| {name} | {error:.4f} | {share:.4f} |")
    fifth = np.argsort(np.argsort(-confidence)) * 5 // len(confidence)
    means = " ".join(f"{np.abs(off[fifth == number]).mean():.3f}" for number in range(5))
    print("mean error by fifths of confidence, surest first:", means)
    apart = np.abs(disparity_px(left, right) - disparity)[known]
    bad = 100 * (apart > 3).mean()
    print(f"\ntwo pictures: {apart.mean():.2f} px mean error, {bad:.1f} % off by more than 3 px")


def cost(folder: Path, kind: str, model: str) -> None:
    picture = Image.open(folder / JUDGE[0]).convert("RGB").resize((4000, 3000), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=92)
    (folder / "twelve.jpg").write_bytes(stream.getvalue())
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    command = [sys.executable, "-m", "plastinate.cli.main", "build", folder / "twelve.jpg"]
    subprocess.run(
        [*command, "--as", kind, "--depth", model, "-o", folder / kind, "--format", "glb"],
        check=True,
        capture_output=True,
    )
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    memory = json.loads((folder / kind / "run.json").read_text())["peak_memory_mb"]
    print(f"12 MP to textured GLB, {kind}: {wall:.1f} s, {busy:.1f} s of processor, {memory:.0f} MB")


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path, nargs="?")
    asked.add_argument("--judge", action="store_true")
    asked.add_argument("--range", action="store_true")
    asked.add_argument("--depth", default=USUAL)
    said = asked.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = said.folder or Path(place)
        fetch(folder)
        if said.range:
            ranges(folder)
            return
        chosen_by(folder, said.depth)
        if said.judge:
            judged(folder, said.depth)
            for kind in ("object", "scene"):
                cost(folder, kind, said.depth)


if __name__ == "__main__":
    main()
