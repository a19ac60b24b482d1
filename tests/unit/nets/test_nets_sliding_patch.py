"""A patch slides over a volume: the answer is the network's own, whatever the patches."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from plastinate.model.errors import Cancelled
from plastinate.nets.session import open_session
from plastinate.nets.sliding_patch import Patches, patch_count, slabs_of_answer, whole_answer

# Float32 sums in another order: what is left between two ways to cover the same volume.
TOLERANCE = 1e-5


def _two_channels(given):
    return np.stack([2 * given[0, 0] + 1, -given[0, 0]])


def _noise(*shape):
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def convolution(tmp_path_factory):
    """One convolution of 3x3x3 voxels: it sees one voxel beyond each side, and no further."""
    kernel = numpy_helper.from_array(_noise(2, 1, 3, 3, 3) / 5, "kernel")
    sizes = [None, 1, None, None, None]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["in", "kernel"], ["out"], pads=[1] * 6)],
        "local",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, 2, None, None, None])],
        [kernel],
    )
    path = tmp_path_factory.mktemp("net") / "local.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    session = open_session(path)
    return lambda given: session.run({"in": given})[0]


@pytest.mark.parametrize(
    "patches",
    [
        Patches((16, 16, 16)),
        Patches((64, 16, 20), 0.25),
        Patches((7, 9, 64), 0.9),
        Patches((16, 16, 16), 0.0),
        Patches((16, 12, 16), mirrored=(0, 1, 2)),
        Patches((96, 96, 96)),
    ],
    ids=str,
)
def test_a_network_that_looks_at_one_voxel_gives_the_same_under_any_patches(patches):
    values = _noise(50, 33, 40)
    answer = whole_answer(_two_channels, values, patches=patches)
    assert np.abs(answer - _two_channels(values[None, None])).max() < TOLERANCE


@pytest.mark.slow
def test_a_convolution_gives_the_same_under_any_patches_to_a_hundredth_of_its_spread(convolution):
    values = _noise(44, 40, 36)
    whole = convolution(values[None, None])
    for patches in (Patches((16, 16, 16), 0.5), Patches((24, 20, 16), 0.75), Patches((32, 32, 32), 0.5)):
        away = np.abs(whole_answer(convolution, values, patches=patches) - whole) / whole.std()
        assert away.mean() < 0.001
        assert away[:, 8:-8, 8:-8, 8:-8].max() < 0.01
        # The last voxel of a patch sees padding. Its bell is 1/1800 of the middle's; it shows most where the
        # volume is little longer than the patch, and two patches nearly lie on each other.
        assert away.max() < 0.15


def test_slabs_follow_each_other_and_hold_no_more_than_a_patch_is_high():
    seen, planes = 0, []
    patches = Patches((10, 8, 8), 0.5)
    for where, answer in slabs_of_answer(_two_channels, _noise(41, 9, 8), patches=patches):
        assert where.start == seen
        assert answer.shape == (2, where.stop - where.start, 9, 8)
        seen = where.stop
        planes.append(answer.shape[1])
    assert seen == 41
    assert max(planes) <= 10


def test_what_lies_beyond_the_volume_is_padding_and_not_scaled():
    given = []

    def network(patch):
        given.append(patch.copy())
        return patch[0]

    values = np.full((4, 8, 8), 7, np.int16)
    whole_answer(network, values, patches=Patches((8, 8, 8), padding=-3), scale=lambda v: v + np.float32(0.5))
    assert given[0].dtype == np.float32
    assert sorted(np.unique(given[0])) == [-3, 7.5]
    assert (given[0][0, 0, 2:6] == 7.5).all()


def test_mirror_images_are_turned_back_and_averaged():
    def leans(patch):
        """Answers with the place along the last axis: another answer for the mirror image."""
        del patch
        return np.broadcast_to(np.arange(8, dtype=np.float32), (1, 8, 8, 8)).copy()

    answer = whole_answer(leans, _noise(8, 8, 8), patches=Patches((8, 8, 8), mirrored=(2,)))
    assert np.allclose(answer, 3.5)


def test_progress_counts_patches_and_ends_the_work_between_two_of_them():
    told, asked = [], []

    def network(patch):
        asked.append(1)
        return patch[0]

    def progress(share):
        told.append(share)
        if len(asked) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        whole_answer(network, _noise(16, 16, 16), patches=Patches((8, 8, 8), 0.0), progress=progress)
    assert told == [0.0, 1 / 8, 2 / 8, 3 / 8]


def test_patches_are_counted_as_they_are_asked():
    asked = []
    patches = Patches((8, 8, 8), 0.3)
    whole_answer(lambda patch: asked.append(1) or patch[0], _noise(20, 8, 31), patches=patches)
    assert patch_count((20, 8, 31), patches) == len(asked)


@pytest.mark.parametrize("wrong", [{"overlap": 1.0}, {"overlap": -0.1}, {"mirrored": (3,)}])
def test_patches_that_cover_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="cannot be covered"):
        Patches((8, 8, 8), **wrong)
