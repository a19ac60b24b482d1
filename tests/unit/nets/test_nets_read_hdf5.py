"""Keras files are read, and what is no plain array in one is refused."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from plastinate.model.depot_errors import ModelDamaged
from plastinate.nets.read_hdf5 import read_hdf5
from tiny_networks import liver_weights, write_keras


def test_every_weight_comes_back_as_it_was_written(tmp_path):
    weights = liver_weights()
    read = read_hdf5(write_keras(tmp_path / "w.hdf5", weights), model="liver-ct")
    assert list(read) == list(weights)
    assert all((read[name] == weights[name]).all() for name in weights)


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_cut_file_is_refused(tmp_path, size):
    path = write_keras(tmp_path / "w.hdf5", liver_weights())
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ModelDamaged, match="cannot be read as Keras weights"):
        read_hdf5(path, model="liver-ct")


def changed(path, change):
    with h5py.File(write_keras(path, liver_weights()), "r+") as file:
        layer = file["conv3d_1"]
        del layer["conv3d_1/bias:0"]
        change(layer)
    return path


def link_to_another_file(layer):
    layer["conv3d_1/bias:0"] = h5py.ExternalLink("/etc/hostname", "/x")


def keep_the_values_in_another_file(layer):
    layer.create_dataset("conv3d_1/bias:0", (2,), "f4", external=[("/etc/hostname", 0, 8)])


def put_text(layer):
    layer["conv3d_1/bias:0"] = np.array([b"a", b"b"])


@pytest.mark.parametrize("change", [link_to_another_file, keep_the_values_in_another_file, put_text])
def test_what_is_no_plain_array_in_the_file_is_refused(tmp_path, change):
    with pytest.raises(ModelDamaged):
        read_hdf5(changed(tmp_path / "w.hdf5", change), model="liver-ct")
