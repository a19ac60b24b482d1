"""safetensors file -> arrays by name: a JSON header, and the numbers one after the other."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.depot_errors import ModelDamaged

Weights = dict[str, npt.NDArray[np.float32]]

_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "F64": np.dtype("<f8")}
# The format's own limit.
MOST_HEADER_BYTES = 100_000_000


def read_safetensors(path: Path, *, model: str) -> Weights:
    """Every tensor of floats in the file.

    Args:
        path: the file.
        model: its name, for the error.

    Returns:
        Name -> float32 array, in the header's order.

    Raises:
        ModelDamaged: it is no such file, or a tensor does not fit it.

    Source:
        The safetensors format, github.com/huggingface/safetensors, README, "Format".
    """
    try:
        data = path.read_bytes()
        length = int.from_bytes(data[:8], "little")
        if not 2 <= length <= min(MOST_HEADER_BYTES, len(data) - 8):
            raise ValueError("its header has no length that can be")
        header = json.loads(data[8 : 8 + length])
        body = memoryview(data)[8 + length :]
        return {name: _tensor(entry, body) for name, entry in header.items() if name != "__metadata__"}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelDamaged(model, str(path), f"cannot be read as safetensors ({error})") from error


def _tensor(entry: dict[str, Any], body: memoryview) -> npt.NDArray[np.float32]:
    dtype, shape = _TYPES[entry["dtype"]], entry["shape"]
    start, end = entry["data_offsets"]
    if not isinstance(shape, list) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError("a shape is no list of sizes")
    if not 0 <= start <= end <= len(body) or end - start != math.prod(shape) * dtype.itemsize:
        raise ValueError("a tensor does not lie within the file")
    return np.frombuffer(body[start:end], dtype=dtype).reshape(shape).astype(np.float32)
