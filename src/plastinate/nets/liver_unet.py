"""Weights of the CT liver network -> its graph: a U-Net that pools by three, with instance norm.

The network: pyliverlesionseg 0.3 (Apache-2.0). Written down here anew from its layers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from plastinate.model.depot_errors import ModelDamaged
from plastinate.nets.graph import Graph, cached_graph
from plastinate.nets.read_hdf5 import Weights, read_hdf5

MODEL = "liver-ct"
VERSION = 1

POOL = 3
LEVELS = 4
SLOPE = 0.01
# The network divides by (deviation + 1e-7), ONNX by sqrt(variance + epsilon): the same within float32 for
# every channel that is not constant. Zero would make NaN of a constant one.
EPSILON = 1e-12

# What each side of the output lacks: linear upsampling by 3 loses 1 voxel of the coarser grid's 3.
RIM = 13
# Sizes of a field are multiples of it.
STEP = POOL ** (LEVELS - 1)


def liver_graph(weights: Path) -> Path:
    """The ONNX file: "in" (1, 1, Z, Y, X) float32, sizes multiples of 27; "out" 13 smaller on each side.

    Args:
        weights: the Keras file.

    Raises:
        ModelDamaged: its layers are others.
    """
    return cached_graph(
        weights, builder="liver", version=VERSION, build=lambda: build_liver(read_hdf5(weights, model=MODEL))
    )


def build_liver(weights: Weights) -> bytes:
    """The graph of these weights; how many features each convolution has is read from them.

    Two convolutions on each level down, two on each level up. A convolution over two joined halves is the
    sum of one over each: so the halves are never copied together, and memory stays near a third.

    Args:
        weights: "conv3d_1/kernel:0", (x, y, z, in, out), and "conv3d_1/bias:0", up to conv3d_15.

    Raises:
        ModelDamaged: a layer is missing or does not fit.
    """
    layers = _layers(weights)
    graph = Graph("liver", ["in"], rank=5)
    value, down = "in", []
    for level in range(LEVELS):
        if level:
            value = graph.add("MaxPool", value, kernel_shape=[POOL] * 3, strides=[POOL] * 3)
        for turn in (0, 1):
            parts = [value]
            is_first = level == 0 and turn == 0
            value = _layer(graph, parts, layers[2 * level + turn], is_bare=is_first)
        down.append(value)
    for level in reversed(range(LEVELS - 1)):
        value = _upsampled(graph, value)
        # Levels farther up lose more: 1 at the first, 4 at the second, 13 at the last.
        lost = sum(POOL**power for power in range(LEVELS - 1 - level))
        value = _layer(graph, [_cropped(graph, down[level], lost), value], layers[12 - 2 * level])
        value = _layer(graph, [value], layers[13 - 2 * level])
    value = _layer(graph, [value], layers[14])
    return graph.written(graph.add("Sigmoid", value))


Layer = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def _layers(weights: Weights) -> list[Layer]:
    layers = []
    for number in range(1, 4 * LEVELS):
        try:
            kernel, bias = weights[f"conv3d_{number}/kernel:0"], weights[f"conv3d_{number}/bias:0"]
        except KeyError as missing:
            raise ModelDamaged(MODEL, "its weight file", f"lacks the layer {missing}") from missing
        if kernel.ndim != 5 or bias.shape != kernel.shape[-1:]:
            raise ModelDamaged(MODEL, "its weight file", f"has a layer {number} of shape {kernel.shape}")
        # Keras: (x, y, z, in, out) over (x, y, z). ONNX: (out, in, z, y, x) over (z, y, x).
        layers.append((np.ascontiguousarray(kernel.transpose(4, 3, 2, 1, 0)), bias))
    return layers


def _layer(graph: Graph, parts: list[str], layer: Layer, *, is_bare: bool = False) -> str:
    kernel, bias = layer
    each = kernel.shape[1] // len(parts)
    total = ""
    for number, value in enumerate(parts):
        if not is_bare:
            value = graph.normalised(value, each, epsilon=EPSILON)
            value = graph.add("LeakyRelu", value, alpha=SLOPE)
        share = np.ascontiguousarray(kernel[:, number * each : (number + 1) * each])
        made = graph.convolution(value, share, bias if number == 0 else None)
        total = graph.add("Add", total, made) if total else made
    return total


def _upsampled(graph: Graph, value: str) -> str:
    """Each voxel three times along each axis, then the mean of each 3x3x3: 3n - 2 of n, linear."""
    scales = graph.constant(np.array([1, 1, POOL, POOL, POOL], dtype=np.float32))
    repeated = graph.add(
        "Resize",
        value,
        "",
        scales,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return graph.add("AveragePool", repeated, kernel_shape=[POOL] * 3, strides=[1, 1, 1])


def _cropped(graph: Graph, value: str, lost: int) -> str:
    ends = graph.constant(np.array([-lost] * 3, dtype=np.int64))
    starts = graph.constant(np.array([lost] * 3, dtype=np.int64))
    axes = graph.constant(np.array([2, 3, 4], dtype=np.int64))
    return graph.add("Slice", value, starts, ends, axes)
