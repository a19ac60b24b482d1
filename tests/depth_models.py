"""Small networks that take what the better depth networks take and give what they give, with their cards.

Each answers with the red of what it sees, so what comes out is known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model_shelf import sha256
from plastinate.depot import registry

RED_MEAN, RED_DEVIATION = 0.485, 0.229


def red(*, side: int | None, normalised: bool, takes: str, gives: str) -> bytes:
    """1 x 3 x rows x columns in, 1 x rows x columns out, as ONNX: near is red.

    Args:
        side: of the one square that it takes; None takes any size.
        normalised: it is given colours brought to ImageNet's mean and deviation.
        takes, gives: names of its input and output.
    """
    weights = np.zeros((1, 3, 1, 1), dtype=np.float32)
    weights[0, 0] = RED_DEVIATION if normalised else 1.0
    bias = np.array([RED_MEAN if normalised else 0.0], dtype=np.float32)
    rows, columns = ("height", "width") if side is None else (side, side)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", [takes, "red", "none"], ["reds"], kernel_shape=[1, 1]),
            helper.make_node("Squeeze", ["reds", "axis"], [gives]),
        ],
        "red",
        [helper.make_tensor_value_info(takes, TensorProto.FLOAT, [1, 3, rows, columns])],
        [helper.make_tensor_value_info(gives, TensorProto.FLOAT, [1, rows, columns])],
        [
            numpy_helper.from_array(weights, "red"),
            numpy_helper.from_array(bias, "none"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    # As long as takes a few blocks on a line.
    model.doc_string = "red " * 200_000
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def like_depth_anything() -> bytes:
    """Any size, ImageNet's colours, one over the depth."""
    return red(side=None, normalised=True, takes="pixel_values", gives="predicted_depth")


def like_midas() -> bytes:
    """Squares of 256, colours from 0 to 1, one over the depth."""
    return red(side=256, normalised=False, takes="0", gives="797")


def put_in_place(monkeypatch: pytest.MonkeyPatch, networks: dict[str, bytes], folder: Path) -> None:
    """Let the cards that come with Plastinate pin these networks; all else that they say stays."""
    lines: list[str] = []
    of_model, found = "", registry.BUILT_IN.read_text(encoding="utf-8")
    for line in found.splitlines():
        if line.startswith("["):
            of_model = line.strip("[]").partition(".")[0]
        key = line.partition(" = ")[0]
        if of_model in networks and key in ("bytes", "sha256"):
            data = networks[of_model]
            line = f"bytes = {len(data)}" if key == "bytes" else f'sha256 = "{sha256(data)}"'
        lines.append(line)
    (folder / "models.toml").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(registry, "BUILT_IN", folder / "models.toml")
    registry.built_in_cards.cache_clear()


def own_card(name: str = "mine", **values: Any) -> str:
    """The card of a depth network of one's own, its file `mine.onnx` beside it."""
    top = {
        "title": "Depth of a picture, mine",
        "modality": ["picture"],
        "licence": "CC-BY-4.0",
        "trained_on": "drawings",
        "not_for": "anything",
        **{key: value for key, value in values.items() if "__" not in key},
    }
    told = {key: f'"{value}"' if isinstance(value, str) else str(value).lower() for key, value in top.items()}
    told["modality"] = '["picture"]'
    given = {"side": 256, "normalised": False}
    given |= {
        key.removeprefix("input__"): value for key, value in values.items() if key.startswith("input__")
    }
    return "\n".join(
        [
            f'name = "{name}"',
            *(f"{key} = {value}" for key, value in told.items()),
            "[model]",
            'file = "mine.onnx"',
            "[input]",
            *(f"{key} = {str(value).lower()}" for key, value in given.items()),
            "[output]",
            f'kind = "{values.get("output__kind", "inverse-depth")}"',
            "",
        ]
    )
