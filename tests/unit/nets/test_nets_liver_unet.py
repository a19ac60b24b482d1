"""The liver's graph against the same network written down with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from plastinate.model.depot_errors import ModelDamaged
from plastinate.nets.liver_unet import RIM, STEP, build_liver, liver_graph
from plastinate.nets.session import open_session
from tiny_networks import liver_weights, write_keras


def convolved(values, kernel, bias):
    """(in, x, y, z) by a Keras kernel (x, y, z, in, out), zeros beyond the edge."""
    made = [
        sum(
            ndimage.correlate(values[i], kernel[..., i, o], mode="constant", output=np.float64)
            for i in range(kernel.shape[3])
        )
        + bias[o]
        for o in range(kernel.shape[4])
    ]
    return np.stack(made)


def activated(values):
    axes = (1, 2, 3)
    spread = values.std(axis=axes, keepdims=True) + 1e-7
    values = (values - values.mean(axis=axes, keepdims=True)) / spread
    return np.where(values > 0, values, 0.01 * values)


def pooled(values):
    c, x, y, z = values.shape
    return values.reshape(c, x // 3, 3, y // 3, 3, z // 3, 3).max(axis=(2, 4, 6))


def upsampled(values):
    for axis in (1, 2, 3):
        values = np.repeat(values, 3, axis=axis)
    mean = np.stack([ndimage.uniform_filter(channel, 3) for channel in values])
    return mean[:, 1:-1, 1:-1, 1:-1]


def reference(weights, values):
    """As the makers' code has it: x, y, z, concatenated halves, one convolution over both."""
    layer = {n: (weights[f"conv3d_{n}/kernel:0"], weights[f"conv3d_{n}/bias:0"]) for n in range(1, 16)}
    value, down = convolved(values[None].astype(np.float64), *layer[1]), []
    for level in range(4):
        if level:
            value = convolved(activated(pooled(value)), *layer[2 * level + 1])
        value = convolved(activated(value), *layer[2 * level + 2])
        down.append(value)
    for number, level in enumerate((2, 1, 0)):
        value = upsampled(value)
        lost = (down[level].shape[1] - value.shape[1]) // 2
        value = np.concatenate([down[level][:, lost:-lost, lost:-lost, lost:-lost], value])
        value = convolved(activated(value), *layer[9 + 2 * number])
        value = convolved(activated(value), *layer[10 + 2 * number])
    return 1 / (1 + np.exp(-convolved(activated(value), *layer[15])))[0]


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    return liver_graph(write_keras(tmp_path_factory.mktemp("liver") / "tiny.hdf5", liver_weights()))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_the_graph_is_the_network_turned_to_slices_first(graph, engine):
    pytest.importorskip(engine)
    values = np.random.default_rng(1).normal(0, 0.2, (2 * STEP, 3 * STEP, 2 * STEP)).astype(np.float32)
    wanted = reference(liver_weights(), values.transpose(2, 1, 0)).transpose(2, 1, 0)
    made = open_session(graph, engine=engine, threads=1).run({"in": values[None, None]})
    assert made.shape == (1, 1, *(size - 2 * RIM for size in values.shape))
    assert np.abs(made[0, 0] - wanted).max() < 1e-4


def test_weights_with_a_layer_missing_or_of_another_shape_are_refused():
    weights = liver_weights()
    del weights["conv3d_7/bias:0"]
    with pytest.raises(ModelDamaged, match="lacks the layer"):
        build_liver(weights)
    weights = liver_weights()
    weights["conv3d_7/bias:0"] = np.zeros(9, dtype=np.float32)
    with pytest.raises(ModelDamaged, match="layer 7"):
        build_liver(weights)
