"""What a run holds at once follows from the shapes of its graph; a patch shrinks until that fits."""

from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from card_networks import above
from plastinate.model.errors import MemoryShort
from plastinate.nets.fit_patch import BESIDE, fitting_patch, run_bytes, smaller_patch


@pytest.fixture
def net(tmp_path):
    def written(data):
        path = tmp_path / "net.onnx"
        path.write_bytes(data)
        return path

    return written


def test_the_input_and_what_a_convolution_makes_of_it_live_side_by_side(net):
    path = net(above(0, 100))
    voxels = 32**3
    # One channel goes in, three come out; what follows lies where its argument lay.
    assert run_bytes(path, (32, 32, 32)) == BESIDE * 4 * voxels * (1 + 3)


def test_an_activation_lives_until_the_last_node_that_reads_it(net):
    nodes = [
        helper.make_node("Exp", ["in"], ["a"]),
        helper.make_node("Exp", ["a"], ["b"]),
        helper.make_node("Exp", ["b"], ["c"]),
        helper.make_node("Concat", ["c", "a"], ["out"], axis=1),
    ]
    free = [1, None, None, None, None]
    graph = helper.make_graph(
        nodes,
        "skip",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, free)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, free)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    # a and c are read by the last node, which makes two more.
    assert run_bytes(net(model.SerializeToString()), (16, 16, 16)) == BESIDE * 4 * 16**3 * 4


def test_a_patch_shrinks_along_its_longest_side_until_its_run_fits(net):
    path = net(above(0))
    assert fitting_patch(path, (96, 64, 64), spare_bytes=10**9) == (96, 64, 64)
    whole = run_bytes(path, (96, 64, 64))
    assert fitting_patch(path, (96, 64, 64), spare_bytes=whole - 1) == (64, 64, 64)
    # A size that can be halved five times stays one that can.
    assert smaller_patch(path, (96, 96, 96)) == (64, 96, 96)
    assert smaller_patch(path, (48, 32, 32)) == (32, 32, 32)
    assert smaller_patch(path, (32, 32, 32)) is None


def test_where_nothing_fits_the_sentence_says_what_is_needed_and_what_is_left(net):
    with pytest.raises(MemoryShort, match=r"32 x 32 x 32 voxels: it takes .* GB, and 0\.0 GB are left"):
        fitting_patch(net(above(0)), (96, 96, 96), spare_bytes=1000)


def test_a_network_of_one_size_never_shrinks(net):
    path = net(above(0, patch=(64, 64, 64)))
    assert smaller_patch(path, (64, 64, 64)) is None
    with pytest.raises(MemoryShort):
        fitting_patch(path, (64, 64, 64), spare_bytes=1000)
