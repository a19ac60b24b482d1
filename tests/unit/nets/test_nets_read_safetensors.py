"""safetensors: a header that tells the truth, or a refusal."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plastinate.model.depot_errors import ModelDamaged
from plastinate.nets.read_safetensors import read_safetensors


def written(path, header, body):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


def test_tensors_come_back_in_float32_whatever_their_width(tmp_path):
    one, two = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([0.5, -2], dtype=np.float16)
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "F16", "shape": [2], "data_offsets": [24, 28]},
    }
    read = read_safetensors(written(tmp_path / "w", header, one.tobytes() + two.tobytes()), model="net")
    assert list(read) == ["a", "b"]
    assert (read["a"] == one).all()
    assert (read["b"] == two).all()
    assert read["b"].dtype == np.float32


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]},
        {"dtype": "Q4", "shape": [2], "data_offsets": [0, 8]},
        {"shape": [2]},
        [],
    ],
)
def test_a_tensor_that_does_not_fit_the_file_is_refused(tmp_path, entry):
    with pytest.raises(ModelDamaged, match="cannot be read as safetensors"):
        read_safetensors(written(tmp_path / "w", {"a": entry}, bytes(8)), model="net")


@pytest.mark.parametrize("content", [b"", b"1234", b"\xff" * 40, (2).to_bytes(8, "little") + b"[]"])
def test_what_has_no_header_is_refused(tmp_path, content):
    path = tmp_path / "w"
    path.write_bytes(content)
    with pytest.raises(ModelDamaged):
        read_safetensors(path, model="net")
