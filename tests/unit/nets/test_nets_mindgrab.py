"""The graph of the brain's network for any contrast against the same network written down with numpy."""

from __future__ import annotations

import numpy as np
import pytest

from plastinate.model.depot_errors import ModelDamaged
from plastinate.nets.mindgrab import DILATIONS, build_mindgrab, mindgrab_graph
from plastinate.nets.session import open_session
from tiny_networks import mindgrab_weights, write_safetensors


def convolved(values, kernel, dilation=1):
    """A sum of the field moved by each offset of the kernel, zeros beyond its edge."""
    reach = dilation * (kernel.shape[2] // 2)
    padded = np.pad(values, ((0, 0), (reach, reach), (reach, reach), (reach, reach)))
    made = np.zeros((len(kernel), *values.shape[1:]))
    for offset in np.ndindex(kernel.shape[2:]):
        places = [
            slice(dilation * o, dilation * o + n) for o, n in zip(offset, values.shape[1:], strict=True)
        ]
        made += np.einsum("oi,iabc->oabc", kernel[:, :, *offset], padded[(slice(None), *places)])
    return made


def reference(weights, values):
    value = values[None].astype(np.float64)
    for number, dilation in enumerate(DILATIONS):
        value = convolved(value, weights[f"model.{3 * number}.weight"], dilation)
        axes = (1, 2, 3)
        value = value - value.mean(axis=axes, keepdims=True)
        value = value / np.sqrt(value.var(axis=axes, keepdims=True) + 1e-5)
        value = value / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (value + 0.044715 * value**3)))
    value = convolved(value, weights["model.75.weight"])
    shown = np.exp(value - value.max(axis=0))
    return shown / shown.sum(axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_the_graph_is_the_network(tmp_path, engine):
    pytest.importorskip(engine)
    weights = mindgrab_weights()
    graph = mindgrab_graph(write_safetensors(tmp_path / "tiny.safetensors", weights))
    values = np.random.default_rng(1).random((20, 17, 22)).astype(np.float32)
    made = open_session(graph, engine=engine, threads=1).run({"in": values[None, None]})
    assert made.shape == (1, 2, *values.shape)
    assert np.abs(made[0] - reference(weights, values)).max() < 1e-3


def test_weights_with_a_layer_missing_are_refused():
    weights = mindgrab_weights()
    del weights["model.36.weight"]
    with pytest.raises(ModelDamaged, match="lacks the layer"):
        build_mindgrab(weights)
