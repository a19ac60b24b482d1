from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plastinate.stages.ingest.decode import Words
from plastinate.stages.ingest.rescale import (
    OutsideInt16,
    Transform,
    erase_outside_circle,
    erase_outside_circles,
    store,
)

# More than one block of the kernel, and not a whole number of them.
SHAPE = (67, 129)


@st.composite
def layouts(draw):
    size = draw(st.sampled_from([1, 2, 4]))
    bits = draw(st.integers(1, 8 * size))
    shift = draw(st.integers(0, 8 * size - bits))
    is_swapped = draw(st.booleans())
    cells = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 1 << (8 * size), SHAPE)
    return Words(cells.astype(f"=u{size}"), is_swapped, shift, bits, draw(st.booleans()))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    words=layouts(),
    slope=st.integers(-70000, 70000).filter(bool),
    intercept=st.integers(-70000, 70000),
    pads=st.tuples(st.integers(-70000, 70000), st.integers(0, 40000)),
    has_padding=st.booleans(),
)
def test_the_kernel_agrees_with_plain_numpy(words, slope, intercept, pads, has_padding):
    low, high = (pads[0], pads[0] + pads[1]) if has_padding else (1, 0)
    stored = words.integers()
    padded = (stored >= low) & (stored <= high)
    wanted = stored * slope + intercept
    known = wanted[~padded]
    transform = Transform(float(slope), float(intercept), low, high)

    real = np.empty(SHAPE, np.float32)
    extent = store(words, transform, real)
    assert np.array_equal(np.isnan(real), padded)
    assert np.array_equal(real[~padded], known.astype(np.float32))
    assert extent.unmeasured == padded.sum()

    whole = np.empty(SHAPE, np.int16)
    if known.size and (known.min() <= -32768 or known.max() > 32767):
        with pytest.raises(OutsideInt16):
            store(words, transform, whole)
        return
    extent = store(words, transform, whole)
    assert np.array_equal(whole, np.where(padded, -32768, wanted))
    assert extent.unmeasured == padded.sum()
    if known.size:
        assert (extent.lowest, extent.highest) == (known.min(), known.max())
    else:
        assert extent.lowest > extent.highest


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_only_the_corner_constant_is_erased(dtype):
    plane = np.full((6, 6), -1000, dtype=dtype)
    plane[0, 0] = plane[2, 2] = -3024
    plane[3, 3] = -2000
    assert erase_outside_circle(plane, lowest=-3024) == 2
    gone = plane == -32768 if dtype == np.int16 else np.isnan(plane)
    assert np.argwhere(gone).tolist() == [[0, 0], [2, 2]]


def test_nothing_is_erased_without_a_corner_or_above_the_limit():
    plane = np.full((6, 6), -1000, dtype=np.int16)
    plane[2, 2] = -3024
    assert erase_outside_circle(plane, lowest=-3024) == 0
    assert erase_outside_circle(np.full((6, 6), -1100, np.int16), lowest=-1100) == 0


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_whole_volume_loses_its_corners_slice_by_slice(dtype):
    unknown = -32768 if dtype == np.int16 else np.nan
    volume = np.full((3, 6, 6), -1000, dtype=dtype)
    volume[0, 0, 0] = -2048
    volume[1, 5, 5], volume[1, 1, 1] = -3024, unknown
    volume[2] = unknown
    assert erase_outside_circles(volume) == 2
    measured = volume != -32768 if dtype == np.int16 else ~np.isnan(volume)
    assert measured.sum(axis=(1, 2)).tolist() == [35, 34, 0]
