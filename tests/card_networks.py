"""Networks of one convolution, whose answer is known, with the cards that describe them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from model_shelf import card
from plastinate.depot.own_models import add_own_model

PATCH = [24, 24, 24]


def convolution(
    kernel: Any,
    bias: Any,
    *,
    after: str = "",
    patch: Any = (None, None, None),
    takes: str = "in",
    tells_channels: bool = True,
) -> bytes:
    """One convolution (out, 1, *odd sizes) that keeps the size, with an operator behind it, as ONNX."""
    weights = np.asarray(kernel, dtype=np.float32)
    pads = [size // 2 for size in weights.shape[2:]]
    nodes = [helper.make_node("Conv", [takes, "kernel", "bias"], ["made"], pads=[*pads, *pads])]
    if after == "ArgMax":
        nodes.append(helper.make_node(after, ["made"], ["numbers"], axis=1, keepdims=1))
        nodes.append(helper.make_node("Cast", ["numbers"], ["out"], to=TensorProto.FLOAT))
    else:
        nodes.append(
            helper.make_node(
                after or "Identity", ["made"], ["out"], **({"axis": 1} if after == "Softmax" else {})
            )
        )
    channels = (1 if after == "ArgMax" else weights.shape[0]) if tells_channels else None
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(takes, TensorProto.FLOAT, [1, 1, *patch])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, channels, *patch])],
        [
            numpy_helper.from_array(weights, "kernel"),
            numpy_helper.from_array(np.asarray(bias, dtype=np.float32), "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def above(*thresholds: float, steep: float = 10.0, **how: Any) -> bytes:
    """A voxel by itself: label n from the n-th threshold to the next, the background below the first.

    The logits cross exactly at the thresholds.
    """
    slopes = [steep * number for number in range(len(thresholds) + 1)]
    biases = [-steep * sum(thresholds[:number]) for number in range(len(thresholds) + 1)]
    return convolution(np.reshape(slopes, (-1, 1, 1, 1, 1)), biases, **how)


def bring(folder: Path, network: bytes, *, name: str = "tiny", **values: Any) -> str:
    """Write a network and its card into the folder, and bring both as a person does; the model's name."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.onnx").write_bytes(network)
    said: dict[str, Any] = {
        "input__patch": PATCH,
        "model__file": f"{name}.onnx",
        "input_scale__kind": "none",
        **values,
    }
    path = folder / f"{name}.toml"
    path.write_text(card(name, **said))
    return add_own_model(path).name
