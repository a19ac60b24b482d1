"""Networks small enough for a test, with weights made up, and the files they come in."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from itertools import count
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


@dataclass(frozen=True)
class TorchThing:
    """A tensor as PyTorch pickles it: a view of a storage."""

    key: str
    storage: np.ndarray
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def write_torch(path: Path, values, *, as_modules=False) -> Path:
    """Arrays as `torch.save` lays out a state dict, or `torch.jit.save` a tree of modules."""
    path.write_bytes(torch_bytes(_things(values, count()), as_modules=as_modules))
    return path


def _things(values, numbers):
    if isinstance(values, dict):
        return {name: _things(each, numbers) for name, each in values.items()}
    if not isinstance(values, np.ndarray):
        return values
    base = values if values.base is None or values.base.ndim != values.ndim else values.base
    flat = np.ascontiguousarray(base if base.flags.c_contiguous else values)
    strides = values.strides if base.flags.c_contiguous else flat.strides
    steps = tuple(step // values.itemsize for step in strides)
    return TorchThing(str(next(numbers)), flat.ravel(), 0, values.shape, steps)


def torch_bytes(tree, *, as_modules=False) -> bytes:
    """The zip: a pickle in opcodes of its own, for PyTorch is not here to write one, and the storages."""
    storages: dict[str, np.ndarray] = {}
    code = bytearray(b"\x80\x02" + _value(tree, as_modules, storages) + b".")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("net/data.pkl", bytes(code))
        for key, values in storages.items():
            archive.writestr(f"net/data/{key}", values.astype("<f4").tobytes())
    return buffer.getvalue()


def _value(value, as_modules, storages) -> bytes:
    if isinstance(value, TorchThing):
        storages[value.key] = value.storage
        pid = b"(" + _text("storage") + b"ctorch\nFloatStorage\n" + _text(value.key) + _text("cpu")
        pid += _number(value.storage.size) + b"tQ"
        sizes = [b"(" + b"".join(map(_number, each)) + b"t" for each in (value.shape, value.strides)]
        given = pid + _number(value.offset) + sizes[0] + sizes[1] + b"\x89" + b"ccollections\nOrderedDict\n)R"
        return b"ctorch._utils\n_rebuild_tensor_v2\n(" + given + b"tR"
    if isinstance(value, dict):
        items = b"".join(_text(name) + _value(each, as_modules, storages) for name, each in value.items())
        filled = b"}(" + items + b"u"
        # A module of TorchScript is made without arguments, and given its attributes.
        return b"c__torch__.net\nModule\n)\x81" + filled + b"b" if as_modules else filled
    return b"\x88" if value else b"\x89"


def _text(text: str) -> bytes:
    data = text.encode()
    return b"X" + len(data).to_bytes(4, "little") + data


def _number(number: int) -> bytes:
    return b"J" + int(number).to_bytes(4, "little", signed=True)


def deepbet_weights(features=2, seed=0):
    """Random weights of the brain's network, four features at its widest doubling."""
    rng = np.random.default_rng(seed)
    wide = [features * factor for factor in (1, 1, 1, 2, 2)]
    weights = {}

    def add(name, *shape, bias=0):
        weights[f"{name}.weight"] = rng.normal(0, np.prod(shape[1:]) ** -0.5, shape).astype(np.float32)
        if bias:
            weights[f"{name}.bias"] = rng.normal(0, 0.1, bias).astype(np.float32)

    add("init.0", wide[0], 1, 7, 7, 7)
    for stage in range(4):
        given, made = wide[stage], wide[stage + 1]
        add(f"down{stage}.block1.double_conv.0", made, given, 3, 3, 3)
        add(f"down{stage}.block1.double_conv.3", made, made, 3, 3, 3)
        if stage:
            add(f"down{stage}.block1.downsample.0", made, given, 1, 1, 1)
        add(f"down{stage}.block2.double_conv.0", made, made, 3, 3, 3)
        add(f"down{stage}.block2.double_conv.3", made, made, 3, 3, 3)
    for stage, (given, made) in enumerate(zip(wide[:0:-1], wide[-2::-1], strict=True)):
        add(f"up{stage}.conv1.0", 1, given, 1, 1, 1)
        add(f"up{stage}.tp_conv.0", 1, 1, 3, 3, 3)
        add(f"up{stage}.conv2.0", made, 1, 1, 1, 1)
    add("tp_conv1.0", wide[0], 2, 3, 3, 3, bias=2)
    add("conv.0", 2, 2, 3, 3, 3, bias=2)
    add("tp_conv2", 2, 2, 2, 2, 2, bias=2)
    return weights


def mindgrab_weights(channels=3, seed=0):
    """Random weights of the brain's network for any contrast, 3 channels in place of 15."""
    rng = np.random.default_rng(seed)
    shapes = [(channels, 1, 3, 3, 3)] + [(channels, channels, 3, 3, 3)] * 24 + [(2, channels, 1, 1, 1)]
    return {
        f"model.{3 * number}.weight": rng.normal(0, np.prod(shape[1:]) ** -0.5, shape).astype(np.float32)
        for number, shape in enumerate(shapes)
    }


def write_safetensors(path: Path, weights) -> Path:
    """The tensors in a file of that format, one after the other."""
    header, body = {}, b""
    for name, values in weights.items():
        data = values.astype("<f4").tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": offsets}
        body += data
    told = json.dumps(header).encode()
    path.write_bytes(len(told).to_bytes(8, "little") + told + body)
    return path
