"""Weights of a T1 brain network -> its graph: a LinkNet in three dimensions, with instance norm.

The network: deepbet 1.0.2 (MIT), two of one shape: one finds the box, one the brain in it. Written down here
anew from its layers.
"""

from __future__ import annotations

from pathlib import Path

from plastinate.model.depot_errors import ModelDamaged
from plastinate.nets.graph import Graph, cached_graph
from plastinate.nets.read_torch_zip import Weights, read_torch_zip

MODEL = "brain-t1"
VERSION = 1

EPSILON = 1e-5
STAGES = 4
# Sizes of a field are multiples of it: five steps halve it.
STEP = 32


def deepbet_graph(weights: Path) -> Path:
    """The ONNX file: "in" (1, 1, X, Y, Z), sizes multiples of 32; "out" (1, 2, X, Y, Z), not brain and brain.

    Args:
        weights: the TorchScript file.

    Raises:
        ModelDamaged: its layers are others.
    """
    return cached_graph(
        weights,
        builder="deepbet",
        version=VERSION,
        build=lambda: build_deepbet(read_torch_zip(weights, model=MODEL)),
    )


def build_deepbet(weights: Weights) -> bytes:
    """The graph of these weights; how many features each convolution has is read from them.

    Args:
        weights: "init.0.weight" and so on, as the TorchScript file names them.

    Raises:
        ModelDamaged: a layer is missing.
    """
    net = _Net(Graph("deepbet", ["in"], rank=5), weights)
    try:
        value = net.layer("in", "init.0", stride=2)
        skips = [net.graph.add("MaxPool", value, kernel_shape=[3] * 3, strides=[2] * 3, pads=[1] * 6)]
        for stage in range(STAGES):
            stride = 1 if stage == 0 else 2
            value = net.residual(skips[-1], f"down{stage}.block1", stride=stride)
            skips.append(net.residual(value, f"down{stage}.block2"))
        value = skips.pop()
        for stage in range(STAGES):
            name, stride = f"up{stage}", 1 if stage == STAGES - 1 else 2
            value = net.layer(value, f"{name}.conv1.0")
            value = net.layer(value, f"{name}.tp_conv.0", stride=stride, is_transposed=True)
            value = net.layer(value, f"{name}.conv2.0")
            value = net.graph.add("Add", value, skips.pop())
        value = net.layer(value, "tp_conv1.0", stride=2, is_transposed=True)
        value = net.layer(value, "conv.0")
        value = net.convolution(value, "tp_conv2", stride=2, is_transposed=True)
    except KeyError as missing:
        raise ModelDamaged(MODEL, "its weight file", f"lacks the layer {missing}") from missing
    return net.graph.written(net.graph.add("Softmax", value, axis=1))


class _Net:
    def __init__(self, graph: Graph, weights: Weights) -> None:
        self.graph, self.weights = graph, weights

    def convolution(self, value: str, name: str, *, stride: int = 1, is_transposed: bool = False) -> str:
        kernel, bias = self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias")
        size = kernel.shape[2]
        pad = (size - 1) // 2
        inputs = [value, self.graph.constant(kernel)]
        if bias is not None:
            inputs.append(self.graph.constant(bias))
        more = {}
        if is_transposed:
            # Twice the size exactly: an even kernel does so by itself, an odd one lacks a voxel at the end.
            more = {"output_padding": [stride - 1 if size % 2 else 0] * 3}
        return self.graph.add(
            "ConvTranspose" if is_transposed else "Conv",
            *inputs,
            kernel_shape=[size] * 3,
            strides=[stride] * 3,
            pads=[pad] * 6,
            **more,
        )

    def normalised(self, value: str, name: str, *, is_transposed: bool = False) -> str:
        channels = self.weights[f"{name}.weight"].shape[1 if is_transposed else 0]
        return self.graph.normalised(value, channels, epsilon=EPSILON)

    def layer(self, value: str, name: str, *, stride: int = 1, is_transposed: bool = False) -> str:
        made = self.convolution(value, name, stride=stride, is_transposed=is_transposed)
        return self.graph.add("Relu", self.normalised(made, name, is_transposed=is_transposed))

    def residual(self, value: str, name: str, *, stride: int = 1) -> str:
        made = self.layer(value, f"{name}.double_conv.0", stride=stride)
        made = self.normalised(self.convolution(made, f"{name}.double_conv.3"), f"{name}.double_conv.3")
        beside = value
        if stride > 1:
            short = f"{name}.downsample.0"
            beside = self.normalised(self.convolution(value, short, stride=stride), short)
        return self.graph.add("Relu", self.graph.add("Add", made, beside))
