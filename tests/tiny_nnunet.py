"""python tiny_nnunet.py SPEC.json: networks of nnU-Net's own kind, with weights written by hand.

It is run by the Python that has TotalSegmentator, which then finds them as it would find its own. Each gives
a voxel the class whose value in HU is nearest to that of the voxel one further along `tap` (z, y, x; towards
Superior, Anterior, Right): a mask that comes back mirrored, or from a mirrored scan, lies on the wrong side.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

# Added to every value, so that none is negative and the rectifiers between the layers change nothing.
LIFT = 20.0
HU_PER_UNIT = 100.0
PATCH = [16, 16, 16]
RESAMPLED = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}


def main() -> None:
    """Make every network of the list."""
    torch.manual_seed(0)
    for each in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        make(Path(each["folder"]), each["labels"], spacing_mm=each["spacing_mm"], tap=each["tap"])


def make(folder: Path, labels: dict[str, float], *, spacing_mm: float, tap: list[int]) -> None:
    """Write one network's folder, as nnU-Net leaves it after training."""
    (folder / "fold_0").mkdir(parents=True)
    plans = _plans(spacing_mm)
    names = ["background", *labels]
    dataset = {
        "channel_names": {"0": "CT"},
        "labels": {name: number for number, name in enumerate(names)},
        "numTraining": 1,
        "file_ending": ".nii.gz",
    }
    kind = plans["configurations"]["3d_fullres"]["architecture"]
    network = get_network_from_plans(
        kind["network_class_name"],
        kind["arch_kwargs"],
        kind["_kw_requires_import"],
        1,
        len(names),
        deep_supervision=False,
    )
    network.load_state_dict(_weights(network.state_dict(), [0.0, *labels.values()], tap))
    (folder / "plans.json").write_text(json.dumps(plans), encoding="utf-8")
    (folder / "dataset.json").write_text(json.dumps(dataset), encoding="utf-8")
    torch.save(
        {
            "network_weights": network.state_dict(),
            "trainer_name": folder.name.split("__")[0],
            "init_args": {"configuration": "3d_fullres"},
            "inference_allowed_mirroring_axes": None,
        },
        folder / "fold_0" / "checkpoint_final.pth",
    )


def _weights(
    state: dict[str, torch.Tensor], values_hu: list[float], tap: list[int]
) -> dict[str, torch.Tensor]:
    """One channel carries the value through, and the last layer picks the class whose value is nearest."""
    made = {name: torch.zeros_like(old) for name, old in state.items()}
    centres = torch.tensor(values_hu) / HU_PER_UNIT + LIFT
    for name, weight in made.items():
        key = name.removeprefix("decoder.") if name.startswith("decoder.encoder.") else name
        is_kernel = weight.ndim == 5
        if key.startswith("encoder.stages.0."):
            if is_kernel:
                weight[0, 0, 1 + tap[0], 1 + tap[1], 1 + tap[2]] = 1
            else:
                weight[0] = LIFT
        elif key.startswith("decoder.stages.") and is_kernel:
            # Two channels from below, and behind them the two of the same level.
            weight[0, 2, 1, 1, 1] = 1
        elif key.startswith("decoder.seg_layers."):
            # The nearest centre is the one with the largest c x - c²/2.
            weight[:] = (
                centres[:, None, None, None, None] * _first(weight) if is_kernel else -(centres**2) / 2
            )
    return made


def _first(weight: torch.Tensor) -> torch.Tensor:
    """1 for the first channel that comes in, 0 for the others."""
    taken = torch.zeros_like(weight[:1])
    taken[0, 0] = 1
    return taken


def _plans(spacing_mm: float) -> dict[str, Any]:
    spacing = [spacing_mm] * 3
    configuration = {
        "data_identifier": "tiny",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 1,
        "patch_size": PATCH,
        "median_image_size_in_voxels": PATCH,
        "spacing": spacing,
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": {**RESAMPLED, "order": 3},
        "resampling_fn_seg_kwargs": {**RESAMPLED, "is_seg": True},
        "resampling_fn_probabilities_kwargs": RESAMPLED,
        "batch_dice": False,
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": {
                "n_stages": 2,
                "features_per_stage": [2, 2],
                "conv_op": "torch.nn.modules.conv.Conv3d",
                "kernel_sizes": [[3, 3, 3], [3, 3, 3]],
                "strides": [[1, 1, 1], [2, 2, 2]],
                "n_conv_per_stage": [1, 1],
                "n_conv_per_stage_decoder": [1],
                "conv_bias": True,
                "norm_op": None,
                "norm_op_kwargs": {},
                "dropout_op": None,
                "dropout_op_kwargs": None,
                "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
    }
    return {
        "dataset_name": "tiny",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": spacing,
        "original_median_shape_after_transp": PATCH,
        "image_reader_writer": "NibabelIOWithReorient",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {"3d_fullres": configuration},
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        # Clipped to this, then divided by a hundred.
        "foreground_intensity_properties_per_channel": {
            "0": {
                "max": 3000.0,
                "mean": 0.0,
                "median": 0.0,
                "min": -1000.0,
                "percentile_00_5": -1000.0,
                "percentile_99_5": 3000.0,
                "std": HU_PER_UNIT,
            }
        },
    }


if __name__ == "__main__":
    main()
