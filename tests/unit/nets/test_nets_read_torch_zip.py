"""PyTorch files give tensors and nothing else, whatever their pickle asks for."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest

from plastinate.model.depot_errors import ModelDamaged
from plastinate.nets.read_torch_zip import read_torch_zip
from tiny_networks import TorchThing, torch_bytes, write_torch

VALUES = {"down.0.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "bias": np.ones(2, np.float32)}


def test_a_state_dict_comes_back_as_it_was_written(tmp_path):
    read = read_torch_zip(write_torch(tmp_path / "net.pth", VALUES), model="net")
    assert list(read) == list(VALUES)
    assert all((read[name] == VALUES[name]).all() for name in VALUES)


def test_a_script_of_modules_comes_back_by_its_paths(tmp_path):
    modules = {"down": {"0": {"weight": VALUES["down.0.weight"], "training": False}}, "bias": VALUES["bias"]}
    read = read_torch_zip(write_torch(tmp_path / "net.pt", modules, as_modules=True), model="net")
    assert set(read) == set(VALUES)


def test_a_transposed_tensor_is_read_by_its_strides(tmp_path):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    path = write_torch(tmp_path / "net.pth", {"w": values.T})
    assert (read_torch_zip(path, model="net")["w"] == values.T).all()


@pytest.mark.parametrize(
    ("module", "name"), [("os", "system"), ("builtins", "eval"), ("torch", "load"), ("numpy", "load")]
)
def test_whatever_else_a_pickle_asks_for_is_refused_and_not_called(tmp_path, module, name):
    touched = tmp_path / "touched"
    call = f"c{module}\n{name}\n(S'touch {touched}'\ntR.".encode()
    path = tmp_path / "net.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", call)
    with pytest.raises(ModelDamaged, match=f"asks for {module}.{name}"):
        read_torch_zip(path, model="net")
    assert not touched.exists()


@pytest.mark.parametrize(
    ("offset", "shape", "strides"), [(0, (9,), (1,)), (5, (4,), (1,)), (0, (2, 2), (1, 99)), (-1, (2,), (1,))]
)
def test_a_tensor_that_reaches_beyond_its_storage_is_refused(tmp_path, offset, shape, strides):
    thing = TorchThing("0", np.zeros(8, np.float32), offset, shape, strides)
    path = tmp_path / "net.pth"
    path.write_bytes(torch_bytes({"w": thing}))
    with pytest.raises(ModelDamaged, match="beyond its storage"):
        read_torch_zip(path, model="net")


@pytest.mark.parametrize("size", [0, 30, 200])
def test_a_cut_file_is_refused(tmp_path, size):
    path = write_torch(tmp_path / "net.pth", VALUES)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ModelDamaged, match="cannot be read as PyTorch weights"):
        read_torch_zip(path, model="net")


def test_a_zip_without_a_pickle_and_a_plain_pickle_are_refused(tmp_path):
    path = tmp_path / "net.pth"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("net/other", b"")
    for content in (buffer.getvalue(), pickle.dumps({"w": 1})):
        path.write_bytes(content)
        with pytest.raises(ModelDamaged):
            read_torch_zip(path, model="net")
