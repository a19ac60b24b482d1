from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plastinate.model.errors import GapInSeries
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.lattice import is_too_gappy, lattice_of, refuse_gaps, regular_spacing
from plastinate.stages.ingest.stack import Lattice
from tiny_scans import frame


def stack(heights: list[float], **changes: object) -> list[Frame]:
    return [frame(z, **changes) for z in sorted(heights, reverse=True)]


def codes(frames: list[Frame]) -> list[str]:
    return [finding.code for finding in lattice_of(frames)[1]]


def test_spacing_comes_from_positions_and_never_from_slice_thickness() -> None:
    lattice, findings = lattice_of(stack([0, 2.5, 5, 7.5], tags={"SliceThickness": 9.9}))
    assert lattice.spacing_mm == pytest.approx(2.5)
    assert lattice.is_even
    assert findings == []
    np.testing.assert_allclose(lattice.origin_lps_mm, [0, 0, 7.5])


def test_rows_and_columns_keep_their_own_spacing() -> None:
    lattice, _ = lattice_of(stack([0, 1]))
    assert (lattice.row_spacing_mm, lattice.column_spacing_mm) == (0.5, 0.75)


@given(
    st.floats(0.3, 8.0),
    st.integers(4, 60),
    st.floats(-1.0, 1.0),
    st.integers(0, 2**32 - 1),
)
def test_rounding_noise_below_one_percent_is_no_unevenness(
    spacing: float, count: int, start: float, seed: int
) -> None:
    noise = np.random.default_rng(seed).uniform(-0.004, 0.004, count) * spacing
    offsets = start + np.arange(count) * spacing + noise
    found, counts, is_even = regular_spacing(offsets - offsets[0])
    assert is_even
    assert (counts == 1).all()
    assert found == pytest.approx(spacing, rel=0.01)


@pytest.mark.slow
@given(st.floats(0.3, 8.0), st.integers(12, 60), st.data())
def test_every_missing_slice_is_found(spacing: float, count: int, data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.integers(1, count - 2), min_size=1, max_size=count // 4))
    kept = [n for n in range(count) if n not in gone]
    lattice, _ = lattice_of(stack([n * spacing for n in kept]))
    assert lattice.spacing_mm == pytest.approx(spacing, rel=1e-6)
    assert sum(n for _, n in lattice.missing) == len(gone)


def test_a_stack_with_more_holes_than_neighbours_still_has_its_spacing() -> None:
    spacing, counts, is_even = regular_spacing(np.array([0.0, 2.0, 6.0, 10.0, 14.0]))
    assert (spacing, counts.tolist(), is_even) == (2.0, [1, 2, 2, 2], True)


def test_uneven_slices_are_said_to_be_so() -> None:
    lattice, findings = lattice_of(stack([0, 1, 2.3, 3.1, 4.4]))
    assert not lattice.is_even
    assert [finding.code for finding in findings] == ["ingest.uneven"]


def test_what_is_refused_for_its_gaps_is_not_called_repaired_as_well() -> None:
    places = [*(float(n) for n in range(10)), 20.0, 21.3, 22.1, 23.4, 24.5]
    lattice, findings = lattice_of(stack(places))
    assert not lattice.is_even
    assert {finding.code: finding.severity for finding in findings} == {
        "ingest.gap": "problem",
        "ingest.uneven": "warning",
    }


@pytest.mark.parametrize("degrees", [-30.0, -18.5, 3.0, 30.0])
@pytest.mark.parametrize("axis", [0, 1])
def test_tilt_is_measured_from_positions_in_both_axes(degrees: float, axis: int) -> None:
    lean = math.tan(math.radians(degrees))
    frames = []
    for number in range(10):
        shift = lean * number * 2.0
        place = (0.0, shift, -2.0 * number) if axis == 0 else (shift, 0.0, -2.0 * number)
        frames.append(frame(float(number), position_lps_mm=place))
    lattice, findings = lattice_of(frames)
    assert lattice.tilt_degrees[axis] == pytest.approx(degrees)
    assert lattice.tilt_degrees[1 - axis] == 0.0
    assert lattice.spacing_mm == pytest.approx(2.0)
    assert [finding.code for finding in findings] == ["ingest.tilt"]


def test_images_that_slide_along_their_plane_are_no_stack() -> None:
    frames = [frame(float(n), position_lps_mm=(0.0, 10.0 * n, -1.0 * n)) for n in range(5)]
    assert codes(frames) == ["ingest.not-a-stack"]


def test_slices_that_wander_are_told() -> None:
    frames = [frame(-float(n), position_lps_mm=(0.6 * (n % 2), 0.0, -float(n))) for n in range(9)]
    assert codes(frames) == ["ingest.shifted-slices"]


def test_without_pixel_spacing_there_are_no_millimetres() -> None:
    lattice, findings = lattice_of(stack([0, 3, 6], row_spacing_mm=None, column_spacing_mm=None))
    assert lattice.unit == "px"
    assert (lattice.spacing_mm, lattice.row_spacing_mm) == (1.0, 1.0)
    np.testing.assert_allclose(lattice.slice_offsets_mm, [0, 1, 2])
    assert [finding.code for finding in findings] == ["ingest.no-pixel-spacing"]


def test_without_positions_there_are_no_millimetres_either() -> None:
    lattice, findings = lattice_of([frame(float(n), position_lps_mm=None) for n in range(3)])
    assert lattice.unit == "px"
    assert [finding.code for finding in findings] == ["ingest.no-position"]


def holes(present: list[int]) -> Lattice:
    return lattice_of(stack([float(n) for n in present]))[0]


def test_one_slice_in_ten_may_be_missing_and_no_more() -> None:
    refuse_gaps(holes([n for n in range(20) if n not in (5, 12)]))
    with pytest.raises(GapInSeries) as caught:
        refuse_gaps(holes([n for n in range(20) if n not in (5, 9, 12)]))
    assert caught.value.missing_share == pytest.approx(3 / 20)


def test_a_wide_hole_is_refused_however_long_the_stack() -> None:
    assert not is_too_gappy(holes([n for n in range(100) if n not in (50, 51, 52)]))
    assert is_too_gappy(holes([n for n in range(100) if n not in (50, 51, 52, 53)]))
