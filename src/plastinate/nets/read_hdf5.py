"""HDF5 weight file as Keras writes it -> arrays by name. Nothing in it is executed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.depot_errors import ModelDamaged

Weights = dict[str, npt.NDArray[np.float32]]

# A header may claim any size; no network here has an array near it.
MOST_VALUES = 1 << 28


def read_hdf5(path: Path, *, model: str) -> Weights:
    """Every weight of a Keras file, in the order in which the layers are listed.

    Args:
        path: an HDF5 file whose groups carry `layer_names` and `weight_names`.
        model: its name, for the error.

    Returns:
        "conv3d_1/kernel:0" -> float32 array, shaped as Keras shapes it: (x, y, z, in, out).

    Raises:
        ModelDamaged: it is no such file, or holds what is no plain array of floats.

    Source:
        Keras 2.2.4, `save_weights_to_hdf5_group`.
    """
    import h5py

    weights: Weights = {}
    try:
        with h5py.File(path, "r") as file:
            group = file.get("model_weights", file)
            for layer in _texts(group.attrs["layer_names"]):
                for name in _texts(group[layer].attrs["weight_names"]):
                    weights[name] = _plain(group[layer], name)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise ModelDamaged(model, str(path), f"cannot be read as Keras weights ({error})") from error
    return weights


def _plain(layer: Any, name: str) -> npt.NDArray[np.float32]:
    # A soft or external link, or a data set kept in another file, would read what was never checked.
    values = layer[name]
    is_within = values.file.filename == layer.file.filename and not values.external and not values.is_virtual
    if not is_within or values.dtype.kind != "f" or values.size > MOST_VALUES:
        raise ValueError(f"{name!r} is no plain array of floats")
    return np.asarray(values[()], dtype=np.float32)


def _texts(names: npt.NDArray[np.bytes_]) -> list[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
