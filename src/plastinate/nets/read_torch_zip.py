"""PyTorch weight file, of a state dict or of TorchScript -> arrays by name. Nothing in it is executed.

A PyTorch file is a zip with a pickle in it, and a pickle may call anything that Python can. This reader
lets it make tensors, ordered dictionaries and records without behaviour, and refuses the rest.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.depot_errors import ModelDamaged

Weights = dict[str, npt.NDArray[np.float32]]

# No network here comes near; a header may claim anything.
MOST_BYTES = 1 << 30
MOST_NESTED = 64

_FLOATS = {
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "DoubleStorage": np.dtype("<f8"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "BoolStorage": np.dtype("?"),
}


class _Record:
    """What TorchScript calls a module: attributes by name, and nothing that it could do."""

    def __init__(self, *given: Any) -> None:
        self.attributes: Mapping[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.attributes = state


class _Reader(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        self._archive, self._root = archive, root
        super().__init__(archive.open(f"{root}/data.pkl"))

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch._utils" and name == "_rebuild_tensor_v2":
            return _tensor
        if module == "torch" and name in _FLOATS:
            return _FLOATS[name]
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module.split(".")[0] == "__torch__":
            return _Record
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> npt.NDArray[Any]:
        kind, dtype, key, _device, count = pid
        if kind != "storage" or not isinstance(dtype, np.dtype) or not str(key).isalnum():
            raise pickle.UnpicklingError("it asks for what is no storage")
        with self._archive.open(f"{self._root}/data/{key}") as file:
            data = file.read(int(count) * dtype.itemsize + 1)
        return np.frombuffer(data, dtype=dtype, count=int(count))


def _tensor(
    storage: npt.NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_rest: Any
) -> npt.NDArray[Any]:
    last = offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
    if min((offset, *shape, *strides), default=0) < 0 or last >= max(storage.size, 1):
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    view = np.lib.stride_tricks.as_strided(
        storage[offset:], shape, [step * storage.itemsize for step in strides], writeable=False
    )
    return np.array(view)


def read_torch_zip(path: Path, *, model: str) -> Weights:
    """Every tensor of floats in the file.

    Args:
        path: as `torch.save` of a state dict or `torch.jit.save` writes it since PyTorch 1.6.
        model: its name, for the error.

    Returns:
        "down0.block1.conv.weight" -> float32 array, shaped as PyTorch shapes it.

    Raises:
        ModelDamaged: it is no such file, or asks for anything but tensors.

    Source:
        `torch/csrc/jit/docs/serialization.md` of PyTorch.
    """
    weights: Weights = {}
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
                raise ValueError("it unpacks to more than a network of this kind can have")
            pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise ValueError("it holds no data.pkl")
            _collect(_Reader(archive, pickles[0].removesuffix("/data.pkl")).load(), "", weights, 0)
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        EOFError,
        RecursionError,
        NotImplementedError,
        zipfile.BadZipFile,
        pickle.UnpicklingError,
    ) as error:
        raise ModelDamaged(model, str(path), f"cannot be read as PyTorch weights ({error})") from error
    return weights


def _collect(value: Any, name: str, into: Weights, depth: int) -> None:
    if depth > MOST_NESTED:
        raise ValueError("it is nested too deeply")
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f":
            into[name] = np.asarray(value, dtype=np.float32)
        return
    inner = value.attributes if isinstance(value, _Record) else value
    if isinstance(inner, Mapping):
        for key, each in inner.items():
            _collect(each, f"{name}.{key}" if name else str(key), into, depth + 1)
