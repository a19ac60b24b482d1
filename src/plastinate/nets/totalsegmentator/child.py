"""A request as JSON -> TotalSegmentator's own program -> lines of JSON, and the labels in a file.

    python child.py REQUEST.json

It is run by the Python that has TotalSegmentator, which need not have Plastinate: here is nothing but that
package, what it brings, and the standard library. Lines on the standard output are for the parent; whatever
the packages print goes where errors go.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The smaller networks by which the package finds where to look closely, as its own `python_api` takes them.
ROUGH_CT, ROUGH_CT_ROBUST, ROUGH_MR, ROUGH_BODY = 298, 297, 852, 300
VERTEBRA_BODIES = 305


def main() -> int:
    """Do what the request says; the last line is {"done": ...} or {"failed": kind, "reason": words}."""
    tell = _teller()
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    work: dict[str, Callable[[dict[str, Any], Callable[[dict[str, Any]], None]], dict[str, Any]]] = {
        "look": look,
        "fetch": fetch,
        "predict": predict,
    }
    try:
        _limit(request.get("limits", {}))
        answer = work[request["do"]](request, tell)
    except MemoryError:
        tell({"failed": "memory", "reason": ""})
    except ImportError as error:
        tell({"failed": "package", "reason": str(error)})
    except Exception as error:  # whatever the package raises, the parent is to hear of it
        is_memory = "alloc" in str(error).lower() or "out of memory" in str(error).lower()
        tell({"failed": "memory" if is_memory else "package", "reason": _first_line(error)})
        raise
    else:
        tell({"done": answer})
        return 0
    return 1


def look(request: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Which weights a task needs, where they are to lie, and where they come from."""
    del tell
    import importlib.metadata

    from totalsegmentator.map_tasks_config import TASK_ID_WEIGHTS_CONFIGS
    from totalsegmentator.map_to_binary import class_map, commercial_models

    classes = list(class_map[request["task"]].values())
    # Only tasks of the whole body can be run in part.
    is_part = request["task"].startswith("total") and set(request["classes"]) < set(classes)
    is_part = is_part and bool(request["classes"])
    numbers = needed(request["task"], request["mode"], only=request["classes"] if is_part else [])
    licensed = set(commercial_models.values())
    return {
        "version": importlib.metadata.version("TotalSegmentator"),
        "classes": classes,
        "is_part": is_part,
        "weights": [
            {
                "number": number,
                "folder": TASK_ID_WEIGHTS_CONFIGS[number]["foldername"],
                "release": TASK_ID_WEIGHTS_CONFIGS[number].get("version", ""),
                "is_licensed": number in licensed,
            }
            for number in numbers
        ],
    }


def needed(task: str, mode: str, *, only: list[str]) -> list[int]:
    """The numbers of all networks that a task runs, those that look roughly first."""
    from totalsegmentator.map_tasks_config import TASK_CONFIGS

    config = TASK_CONFIGS[task]
    chosen = config["sub_modes"][mode or "default"] if "sub_modes" in config else config
    own = chosen["task_id"] if isinstance(chosen["task_id"], list) else [chosen["task_id"]]
    if only and len(own) > 1:
        own = [number for number in own if set(only) & set(_classes_of(task, number))]
    crop = config.get("crop") or []
    before: list[int] = []
    if config.get("crop_model"):
        before = needed(config["crop_model"], "", only=[])
    elif task.endswith("_mr") and (crop or only):
        before = [ROUGH_MR]
    elif {"body_trunc", "body_extremities"} & set(crop):
        before = [ROUGH_BODY]
    elif crop or only:
        before = [ROUGH_CT_ROBUST if config.get("robust_crop") else ROUGH_CT]
    if task == "vertebrae_pp_refined":
        before = [*before, VERTEBRA_BODIES]
    return list(dict.fromkeys([*before, *own]))


def _classes_of(task: str, number: int) -> list[str]:
    """What one of several networks of a task labels."""
    from totalsegmentator import map_to_binary

    parts, names = {
        "total": (map_to_binary.class_map_5_parts, map_to_binary.map_taskid_to_partname_ct),
        "total_v3": (map_to_binary.class_map_5_parts_total_v3, map_to_binary.map_taskid_to_partname_ct_v3),
        "total_mr": (map_to_binary.class_map_parts_mr, map_to_binary.map_taskid_to_partname_mr),
    }[task]
    return list(parts[names[number]].values())


def fetch(request: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Have the package fetch what is missing, by its own download."""
    import totalsegmentator.libs as libs

    libs.tqdm = _counter(libs.tqdm, tell, unit="bytes")
    for number in request["numbers"]:
        libs.download_pretrained_weights(number)
    return {}


def predict(request: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Label a scan; the labels, along its own axes, are written as .npy.

    "array" is a .npy of (slice, row, column) voxels, "to_ras_mm" the (4, 4) matrix from (column, row, slice)
    to RAS millimetres.
    """
    import nibabel
    import numpy
    import torch
    from totalsegmentator import config, python_api

    # nnU-Net reads its folders when it is imported, and the package changes nnU-Net when that is.
    config.setup_nnunet()
    import nnunetv2.inference.predict_from_raw_data as predictor
    import totalsegmentator.nnunet  # noqa: F401

    # All that is needed has been fetched before, and nobody is told that there was a run.
    python_api.download_pretrained_weights = lambda number: None
    python_api.send_usage_stats = lambda config, params: None
    predictor.tqdm = _counter(predictor.tqdm, tell, unit="patches")
    predictor.nnUNetPredictor.predict_from_files = _in_this_process
    if request["device"] == "cpu":
        torch.set_num_threads(request["threads"])
    voxels = numpy.load(request["array"], mmap_mode="r")
    image = nibabel.Nifti1Image(voxels.transpose(2, 1, 0), numpy.array(request["to_ras_mm"]))
    labelled = python_api.totalsegmentator(
        image,
        None,
        ml=True,
        nr_thr_resamp=1,
        nr_thr_saving=1,
        fast=request["mode"] == "fast",
        fastest=request["mode"] == "fastest",
        task=request["task"],
        roi_subset=request["classes"] or None,
        quiet=False,
        device=request["device"],
    )
    numbers = numpy.asarray(labelled.dataobj).astype(numpy.uint8).transpose(2, 1, 0)
    if numbers.shape != voxels.shape:
        raise ValueError(f"the labels are {numbers.shape}, the scan {voxels.shape}")
    numpy.save(request["labels"], numpy.ascontiguousarray(numbers))
    from totalsegmentator.map_to_binary import class_map

    return {"classes": {name: number for number, name in class_map[request["task"]].items()}}


def _in_this_process(predictor: Any, source: Any, target: Any, **options: Any) -> Any:
    """nnU-Net's own way without further processes: there is one scan, and whoever ends this ends all."""
    names = ("save_probabilities", "overwrite", "folder_with_segs_from_prev_stage")
    return predictor.predict_from_files_sequential(
        source, target, **{name: options[name] for name in names if name in options}
    )


def _limit(limits: dict[str, int]) -> None:
    names = {"data": resource.RLIMIT_DATA, "cpu": resource.RLIMIT_CPU, "file": resource.RLIMIT_FSIZE}
    for name, most in limits.items():
        resource.setrlimit(names[name], (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _teller() -> Callable[[dict[str, Any]], None]:
    """What writes a line to the parent; from now on whatever else is printed goes with the errors."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(message: dict[str, Any]) -> None:
        lines.write(json.dumps(message) + "\n")
        lines.flush()

    return tell


def _counter(bar: Any, tell: Callable[[dict[str, Any]], None], *, unit: str) -> Any:
    """A progress bar that draws nothing and tells the parent how far it is."""

    class Counter(bar):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            self._done = 0.0
            self._all = options.get("total") or 0
            super().__init__(*arguments, **{**options, "disable": True})

        def update(self, n: float = 1) -> None:
            self._done += n
            # "Collecting results" counts files and no patches.
            if self._all > 1:
                tell({"unit": unit, "at": self._done, "of": self._all})

    return Counter


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]


if __name__ == "__main__":
    sys.exit(main())
