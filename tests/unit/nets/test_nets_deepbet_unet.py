"""The brain's graph against the same network written down with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from plastinate.model.depot_errors import ModelDamaged
from plastinate.nets.deepbet_unet import STEP, build_deepbet, deepbet_graph
from plastinate.nets.session import open_session
from tiny_networks import deepbet_weights, write_torch


def convolved(values, kernel, bias=None, stride=1):
    made = np.stack(
        [
            sum(
                ndimage.correlate(values[i], kernel[o, i].astype(np.float64), mode="constant")
                for i in range(len(values))
            )
            for o in range(len(kernel))
        ]
    )
    made = made if bias is None else made + bias[:, None, None, None]
    return made[:, ::stride, ::stride, ::stride]


def spread(values, kernel, bias, stride):
    """Transposed convolution: each voxel adds its kernel around where it lands; odd kernels centre there."""
    size, pad = kernel.shape[2], (kernel.shape[2] - 1) // 2
    shape = [stride * n for n in values.shape[1:]]
    made = np.zeros((kernel.shape[1], *(n + 2 * size for n in shape)))
    for i, channel in enumerate(values):
        for offset in np.ndindex(size, size, size):
            places = [
                slice(size + o - pad, size + o - pad + stride * n, stride)
                for o, n in zip(offset, channel.shape, strict=True)
            ]
            made[(slice(None), *places)] += kernel[i, :, *offset][:, None, None, None] * channel
    made = made[:, size:-size, size:-size, size:-size]
    return made if bias is None else made + bias[:, None, None, None]


def normed(values):
    axes = (1, 2, 3)
    mean, variance = values.mean(axis=axes, keepdims=True), values.var(axis=axes, keepdims=True)
    return (values - mean) / np.sqrt(variance + 1e-5)


def relu(values):
    return np.maximum(values, 0)


def reference(w, values):
    def layer(value, name, stride=1):
        return relu(normed(convolved(value, w[f"{name}.weight"], w.get(f"{name}.bias"), stride)))

    def up(value, name, stride):
        return relu(normed(spread(value, w[f"{name}.weight"], w.get(f"{name}.bias"), stride)))

    def block(value, name, stride=1):
        made = layer(value, f"{name}.double_conv.0", stride)
        made = normed(convolved(made, w[f"{name}.double_conv.3.weight"]))
        if stride > 1:
            value = normed(convolved(value, w[f"{name}.downsample.0.weight"], None, stride))
        return relu(made + value)

    value = layer(values[None].astype(np.float64), "init.0", 2)
    pooled = np.stack([ndimage.maximum_filter(each, 3, mode="nearest")[::2, ::2, ::2] for each in value])
    kept = [pooled]
    for stage in range(4):
        value = block(kept[-1], f"down{stage}.block1", 2 if stage else 1)
        kept.append(block(value, f"down{stage}.block2"))
    value = kept.pop()
    for stage in range(4):
        value = layer(value, f"up{stage}.conv1.0")
        value = up(value, f"up{stage}.tp_conv.0", 1 if stage == 3 else 2)
        value = layer(value, f"up{stage}.conv2.0") + kept.pop()
    value = layer(up(value, "tp_conv1.0", 2), "conv.0")
    value = spread(value, w["tp_conv2.weight"], w["tp_conv2.bias"], 2)
    shown = np.exp(value - value.max(axis=0))
    return shown / shown.sum(axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_the_graph_is_the_network(tmp_path, engine):
    pytest.importorskip(engine)
    weights = deepbet_weights()
    graph = deepbet_graph(write_torch(tmp_path / "tiny.pt", weights))
    values = np.random.default_rng(1).normal(0.4, 0.2, (2 * STEP, 2 * STEP, 2 * STEP)).astype(np.float32)
    made = open_session(graph, engine=engine, threads=1).run({"in": values[None, None]})
    wanted = reference(weights, values)
    assert made.shape == (1, 2, *values.shape)
    assert np.abs(made[0] - wanted).max() < 1e-3


def test_weights_with_a_layer_missing_are_refused():
    weights = deepbet_weights()
    del weights["up2.conv2.0.weight"]
    with pytest.raises(ModelDamaged, match="lacks the layer"):
        build_deepbet(weights)
