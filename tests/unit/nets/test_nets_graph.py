"""Graphs are kept beside the weights, and never taken for another's."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from plastinate.nets.graph import Graph, cached_graph


def doubled():
    graph = Graph("double", ["in"], rank=3)
    return graph.written(graph.add("Add", "in", "in"))


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"first")
    return path


def test_a_graph_is_built_once_and_runs(weights):
    built = []

    def build():
        built.append(1)
        return doubled()

    first = cached_graph(weights, builder="double", version=1, build=build)
    assert cached_graph(weights, builder="double", version=1, build=build) == first
    assert (len(built), first.parent) == (1, weights.parent)
    values = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    made = onnxruntime.InferenceSession(str(first)).run(["out"], {"in": values})[0]
    assert (made == 2 * values).all()


def test_other_weights_or_another_builder_make_another_graph(weights):
    first = cached_graph(weights, builder="double", version=1, build=doubled)
    second = cached_graph(weights, builder="double", version=2, build=doubled)
    weights.write_bytes(b"second")
    third = cached_graph(weights, builder="double", version=1, build=doubled)
    assert len({first, second, third}) == 3


def test_a_damaged_graph_is_built_anew(weights):
    path = cached_graph(weights, builder="double", version=1, build=doubled)
    sound = path.read_bytes()
    path.write_bytes(sound[:-3] + b"xyz")
    assert cached_graph(weights, builder="double", version=1, build=doubled).read_bytes() == sound


def test_the_same_weights_give_the_same_bytes():
    assert doubled() == doubled()


def test_where_the_folder_cannot_be_written_the_graph_lies_among_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lost = tmp_path / "weights.bin"
    lost.write_bytes(b"weights")

    class Elsewhere(type(lost)):
        @property
        def parent(self):
            return tmp_path / "no" / "such" / "folder"

    path = cached_graph(Elsewhere(lost), builder="double", version=1, build=doubled)
    assert path.parent.parent == tmp_path
    assert path.parent.stat().st_mode & 0o077 == 0
