"""Weights of a brain network for any contrast -> its graph: dilated convolutions, one after the other.

The network: MindGrab of brainchop 0.1.16 (MIT): five rounds of convolutions with growing detail, each channel
normalised over the whole field, nothing halved and nothing skipped. Written down here anew from its layers.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from plastinate.model.depot_errors import ModelDamaged
from plastinate.nets.graph import Graph, cached_graph
from plastinate.nets.read_safetensors import Weights, read_safetensors

MODEL = "brain-mr"
VERSION = 1

EPSILON = 1e-5
# Voxels between neighbours of a kernel, coarse first; five rounds of it.
DILATIONS = (16, 8, 4, 2, 1) * 5
# The makers number a convolution, its normalisation and its nonlinearity one after the other.
PARTS_OF_A_LAYER = 3
# GELU as its authors approximate it with tanh.
GELU_SLOPE, GELU_CUBE = math.sqrt(2 / math.pi), 0.044715


def mindgrab_graph(weights: Path) -> Path:
    """The ONNX file: "in" (1, 1, L, I, A), at 1 mm; "out" (1, 2, L, I, A), not brain and brain.

    Args:
        weights: the safetensors file.

    Raises:
        ModelDamaged: its layers are others.
    """
    return cached_graph(
        weights,
        builder="mindgrab",
        version=VERSION,
        build=lambda: build_mindgrab(read_safetensors(weights, model=MODEL)),
    )


def build_mindgrab(weights: Weights) -> bytes:
    """The graph of these weights; how many channels a layer has is read from them.

    Args:
        weights: "model.0.weight" and so on, as the file names them.

    Raises:
        ModelDamaged: a layer is missing.
    """
    graph = Graph("mindgrab", ["in"], rank=5)
    value = "in"
    try:
        for number, dilation in enumerate(DILATIONS):
            kernel = weights[f"model.{PARTS_OF_A_LAYER * number}.weight"]
            made = graph.convolution(value, kernel, dilation=dilation)
            value = _gelu(graph, graph.normalised(made, kernel.shape[0], epsilon=EPSILON))
        value = graph.convolution(value, weights[f"model.{PARTS_OF_A_LAYER * len(DILATIONS)}.weight"])
    except KeyError as missing:
        raise ModelDamaged(MODEL, "its weight file", f"lacks the layer {missing}") from missing
    return graph.written(graph.add("Softmax", value, axis=1))


def _gelu(graph: Graph, value: str) -> str:
    def times(one: str, other: str | float) -> str:
        return graph.add("Mul", one, other if isinstance(other, str) else number(other))

    def number(scalar: float) -> str:
        return graph.constant(np.array(scalar, dtype=np.float32))

    cube = times(value, times(value, value))
    bent = graph.add("Tanh", times(graph.add("Add", value, times(cube, GELU_CUBE)), GELU_SLOPE))
    return times(times(value, 0.5), graph.add("Add", bent, number(1.0)))
