"""An ONNX file and a patch -> what its run holds at once, and the largest patch that memory allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from plastinate.model.errors import MemoryShort

Patch = tuple[int, int, int]

# Networks halve a patch up to five times; what is left has to be whole.
DIVISOR = 32
SMALLEST = 16
# Operators whose answer may lie where their argument lay.
IN_PLACE = frozenset(
    {"Add", "Clip", "Div", "Dropout", "Elu", "Flatten", "Identity", "LeakyRelu", "Mul", "PRelu", "Relu"}
    | {"Reshape", "Sigmoid", "Squeeze", "Sub", "Tanh", "Unsqueeze"}
)
# What a runtime takes, as a multiple of the activations that have to live at once: layouts of its own, and a
# convolution's rows. Measured on a residual U-Net of 8 to 64 channels at 192 x 192 x 192 voxels: ONNX Runtime
# 2.9, OpenVINO 3.5.
BESIDE = 3.5


def fitting_patch(path: Path, patch: Patch, *, spare_bytes: int) -> Patch:
    """The largest patch, from the one wished downwards, whose run fits into memory.

    Args:
        path: the ONNX file.
        patch: the one wished.
        spare_bytes: memory that the run may take.

    Raises:
        MemoryShort: not even the smallest one fits, or the network takes one size only.
    """
    model, sizes = _loaded(path), patch
    while True:
        needed = _run_bytes(model, sizes)
        if needed is None or needed <= spare_bytes:
            return sizes
        smaller = _smaller(model, sizes)
        if smaller is None:
            raise MemoryShort(
                f"a patch of {' x '.join(map(str, sizes))} voxels: it takes {needed / 1e9:,.1f} GB, "
                f"and {max(spare_bytes, 0) / 1e9:,.1f} GB are left"
            )
        sizes = smaller


def smaller_patch(path: Path, patch: Patch) -> Patch | None:
    """The next smaller patch that the network may take; None where there is none."""
    return _smaller(_loaded(path), patch)


def run_bytes(path: Path, patch: Patch) -> int | None:
    """Bytes that one run on a patch holds at once; None where the file's shapes do not say."""
    return _run_bytes(_loaded(path), patch)


def _loaded(path: Path) -> Any:
    import onnx

    return onnx.load(str(path), load_external_data=False)


def _input(model: Any) -> Any:
    weights = {each.name for each in model.graph.initializer}
    return next(each for each in model.graph.input if each.name not in weights)


def _smaller(model: Any, patch: Patch) -> Patch | None:
    """Half of the longest side, to what the network can still halve as often."""
    declared = _input(model).type.tensor_type.shape.dim[-3:]
    if any(dim.dim_value > 0 for dim in declared):
        return None
    steps = [min(DIVISOR, size & -size) for size in patch]
    halves = [max(step, -(-size // 2 // step) * step) for size, step in zip(patch, steps, strict=True)]
    open_axes = [axis for axis in range(3) if SMALLEST <= halves[axis] < patch[axis]]
    if not open_axes:
        return None
    longest = max(open_axes, key=lambda axis: patch[axis])
    sizes = [halves[axis] if axis == longest else patch[axis] for axis in range(3)]
    return (sizes[0], sizes[1], sizes[2])


def _run_bytes(model: Any, patch: Patch) -> int | None:
    """The most that lives at once: an activation lives from its node to the last one that reads it."""
    sizes = _activation_bytes(model, patch)
    graph = model.graph
    last_use = {name: number for number, node in enumerate(graph.node) for name in node.input}
    last_use.update({each.name: len(graph.node) for each in graph.output})
    sizes[_input(model).name] = live = most = 4 * int(np.prod(patch))
    for number, node in enumerate(graph.node):
        made = [name for name in node.output if name]
        if any(name not in sizes for name in made):
            return None
        freed = sum(sizes.get(name, 0) for name in set(node.input) if last_use[name] == number)
        new = sum(sizes[name] for name in made)
        reused = min(new, freed) if node.op_type in IN_PLACE else 0
        most = max(most, live + new - reused)
        live += new - freed
    return int(BESIDE * most)


def _activation_bytes(model: Any, patch: Patch) -> dict[str, int]:
    """Bytes of every activation whose shape follows from the patch."""
    import onnx

    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    del copied.graph.value_info[:]
    for dim, size in zip(_input(copied).type.tensor_type.shape.dim, (1, 1, *patch), strict=True):
        dim.Clear()
        dim.dim_value = size
    for output in copied.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(copied, data_prop=True)
    except onnx.shape_inference.InferenceError:
        return {}
    found: dict[str, int] = {}
    for value in [*inferred.graph.value_info, *inferred.graph.output]:
        kind = value.type.tensor_type
        dims = [dim.dim_value for dim in kind.shape.dim]
        if kind.HasField("shape") and all(dims):
            width = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)).itemsize
            found[value.name] = int(np.prod(dims, dtype=np.int64)) * width
    return found
