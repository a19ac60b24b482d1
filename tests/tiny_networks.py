"""Networks small enough for a test, with weights made up, and the files they come in."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

# (kernel, in, out) of the fifteen layers of the liver's network, with 2 to 4 features in place of 20 to 160.
LIVER_LAYERS = (
    ((3, 3, 1), 1, 2),
    ((3, 3, 3), 2, 2),
    ((3, 3, 1), 2, 2),
    ((3, 3, 3), 2, 3),
    ((3, 3, 1), 3, 3),
    ((3, 3, 3), 3, 4),
    ((3, 3, 3), 4, 4),
    ((3, 3, 3), 4, 4),
    ((3, 3, 3), 8, 4),
    ((3, 3, 1), 4, 3),
    ((3, 3, 3), 6, 3),
    ((3, 3, 1), 3, 2),
    ((3, 3, 3), 4, 2),
    ((3, 3, 1), 2, 2),
    ((1, 1, 1), 2, 1),
)


def liver_weights(seed=0):
    """Random weights by name, as the reader gives them."""
    rng = np.random.default_rng(seed)
    weights = {}
    for number, (kernel, given, made) in enumerate(LIVER_LAYERS, 1):
        scale = (np.prod(kernel) * given) ** -0.5
        values = rng.normal(0, scale, (*kernel, given, made)).astype(np.float32)
        weights[f"conv3d_{number}/kernel:0"] = values
        weights[f"conv3d_{number}/bias:0"] = rng.normal(0, 0.1, made).astype(np.float32)
    return weights


def write_keras(path: Path, weights) -> Path:
    """The weights as Keras 2 lays them out in HDF5, a layer without weights among them."""
    with h5py.File(path, "w") as file:
        layers = list(dict.fromkeys(name.split("/")[0] for name in weights))
        file.attrs["layer_names"] = np.array([*layers, "input_1"], dtype="S")
        file.create_group("input_1").attrs["weight_names"] = np.array([], dtype="S1")
        for layer in layers:
            names = [name for name in weights if name.startswith(layer + "/")]
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array(names, dtype="S")
            for name in names:
                group[name] = weights[name]
    return path
