from __future__ import annotations

from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from frame_files import encapsulated, native, texture

from plastinate.model.errors import DamagedFile, GapInSeries
from plastinate.model.geometry import Geometry
from plastinate.stages.ingest.assemble import assemble
from plastinate.stages.ingest.rescale import quantity_of, transform_of
from plastinate.stages.ingest.stack import Lattice, Stack

UNMEASURED = -32768


def lattice(count, *, offsets=None, missing=(), drift=None, tilt=(0.0, 0.0), unit="mm"):
    offsets = np.arange(count) * 2.0 if offsets is None else np.asarray(offsets, dtype=np.float64)
    return Lattice(
        origin_lps_mm=np.zeros(3),
        row_direction=np.array([1.0, 0, 0]),
        column_direction=np.array([0, 1.0, 0]),
        row_spacing_mm=0.9,
        column_spacing_mm=0.5,
        slice_offsets_mm=offsets,
        drift_mm=np.zeros((count, 2)) if drift is None else drift,
        spacing_mm=2.0,
        missing=missing,
        tilt_degrees=tilt,
        unit=unit,
    )


def stack_of(tmp_path, planes, *, on=None, each=lambda index: {}, **facts):
    frames = tuple(
        native(tmp_path / f"{index}", plane, **{**facts, **each(index)}) for index, plane in enumerate(planes)
    )
    return Stack(frames, on or lattice(len(frames)))


def codes(done):
    return [finding.code for finding in done.findings]


def test_a_plain_ct_becomes_hounsfield_units_in_place(tmp_path):
    planes = texture(3 * 6, 5, bits=12).reshape(3, 6, 5)
    handed_out = []

    def out(shape, dtype):
        handed_out.append(np.empty(shape, dtype))
        return handed_out[-1]

    progress = []
    stack = stack_of(tmp_path, planes.astype("<u2"), bits_stored=12, intercept=-1024.0)
    done = assemble(stack, out=out, progress=progress.append)
    assert done.array is handed_out[0]
    assert len(handed_out) == 1
    assert done.array.dtype == np.int16
    assert np.array_equal(done.array, planes - 1024)
    assert (done.quantity, done.unit, done.findings) == ("HU", "mm", ())
    assert progress[-1] == pytest.approx(1.0)
    assert Geometry(done.array.shape, done.to_lps_mm).spacing == pytest.approx((2.0, 0.9, 0.5))
    # Row direction left, column direction posterior: the slice axis points down.
    assert done.to_lps_mm[:3, 0].tolist() == [0, 0, -2.0]


def test_slopes_that_vary_and_are_below_one_are_kept_in_float(tmp_path):
    planes = texture(12, 4, bits=16).reshape(3, 4, 4)
    slopes = [0.25, 0.013, 1.5]
    stack = stack_of(
        tmp_path,
        planes.astype("<u2"),
        modality="PT",
        each=lambda index: {"slope": slopes[index], "intercept": -index / 3},
    )
    done = assemble(stack)
    wanted = planes * np.array(slopes)[:, None, None] - (np.arange(3) / 3)[:, None, None]
    assert done.array.dtype == np.float32
    assert np.allclose(done.array, wanted, rtol=1e-6)
    assert done.quantity == "a.u."
    assert codes(done) == ["ingest.rescale-varies"]


def test_values_beyond_int16_turn_to_float_and_lose_nothing(tmp_path):
    planes = texture(8, 4, bits=16).reshape(2, 4, 4)
    handed_out = []

    def out(shape, dtype):
        handed_out.append(dtype)
        return np.empty(shape, dtype)

    done = assemble(stack_of(tmp_path, planes.astype("<u2"), modality="MR"), out=out)
    assert np.array_equal(done.array, planes)
    assert handed_out == [np.int16, np.float32]
    assert codes(done) == ["ingest.wide-values"]


def test_a_measured_value_never_collides_with_the_unmeasured_one(tmp_path):
    plane = np.array([[-32768, 0], [1, 2]], dtype="<i2")
    done = assemble(stack_of(tmp_path, [plane], is_signed=True, modality="MR"))
    assert done.array.dtype == np.float32
    assert done.array[0, 0, 0] == -32768


@pytest.mark.parametrize("declared", [63536, -2000])
def test_padding_is_marked_whichever_sign_the_writer_gave_it(tmp_path, declared):
    plane = np.array([[-2000, 24], [1024, 0]], dtype="<i2")
    done = assemble(stack_of(tmp_path, [plane], is_signed=True, padding_value=declared, intercept=-24.0))
    assert done.array[0].tolist() == [[UNMEASURED, 0], [1000, -24]]
    assert codes(done) == ["ingest.padding"]


def test_a_padding_range_covers_both_ends(tmp_path):
    plane = np.array([[0, 1, 2], [3, 4, 500]], dtype="<u2")
    done = assemble(stack_of(tmp_path, [plane], modality="MR", padding_value=3, padding_limit=1, slope=0.5))
    assert np.array_equal(np.isnan(done.array[0]), [[False, True, True], [True, False, False]])


def test_a_padding_value_that_means_tissue_is_not_believed(tmp_path):
    plane = np.array([[0, 1064], [1024, 0]], dtype="<u2")
    done = assemble(stack_of(tmp_path, [plane], padding_value=1064, intercept=-1024.0))
    assert done.array[0].tolist() == [[-1024, 40], [0, -1024]]
    assert codes(done) == ["ingest.false-padding"]


@pytest.mark.parametrize("slope", [1.0, 0.5])
def test_padding_that_means_air_is_believed_only_where_it_runs_in_from_the_edge(tmp_path, slope):
    plane = np.full((16, 16), round(1024 / slope), dtype="<u2")
    r, c = np.indices(plane.shape) - 7.5
    circle = r**2 + c**2 > 60
    plane[circle] = 0
    plane[7:9, 7:9] = 0  # clipped air in the windpipe
    done = assemble(stack_of(tmp_path, [plane], padding_value=0, slope=slope, intercept=-1024.0))
    unmeasured = done.array[0] == UNMEASURED if slope == 1 else np.isnan(done.array[0])
    assert np.array_equal(unmeasured, circle)
    assert (done.array[0, 7:9, 7:9] == -1024).all()
    assert codes(done) == ["ingest.padding"]


@pytest.mark.parametrize("outside", [-2000, -2048, -3024])
def test_the_constant_outside_the_circle_is_unmeasured(tmp_path, outside):
    plane = np.full((16, 16), -1000, dtype="<i2")
    r, c = np.indices(plane.shape) - 7.5
    plane[r**2 + c**2 > 60] = outside
    plane[8, 8] = -1600  # beside metal
    done = assemble(stack_of(tmp_path, [plane], is_signed=True))
    assert np.array_equal(done.array[0] == UNMEASURED, plane == outside)
    assert codes(done) == ["ingest.outside-circle"]


def test_air_and_dark_streaks_stay_measured(tmp_path):
    plane = np.full((8, 8), -1024, dtype="<i2")
    plane[4, 3:6] = -2000
    done = assemble(stack_of(tmp_path, [plane], is_signed=True))
    assert np.array_equal(done.array[0], plane)


def test_a_ct_is_never_inverted(tmp_path):
    plane = texture(4, 4, bits=12).astype("<u2")
    done = assemble(stack_of(tmp_path, [plane], photometric="MONOCHROME1", bits_stored=12, intercept=-1024.0))
    assert np.array_equal(done.array[0], plane.astype(int) - 1024)
    assert codes(done) == ["ingest.monochrome1-ct"]


@pytest.mark.parametrize("is_signed", [False, True])
def test_inverted_pictures_without_a_unit_are_turned_round(tmp_path, is_signed):
    values = texture(4, 4, bits=12, is_signed=is_signed)
    stack = stack_of(
        tmp_path,
        [(values & 0xFFF).astype("<u2")],
        photometric="MONOCHROME1",
        bits_stored=12,
        is_signed=is_signed,
        modality="XA",
    )
    done = assemble(stack)
    assert np.array_equal(done.array[0], values.max() + values.min() - values)
    assert codes(done) == ["ingest.inverted"]


def test_a_modality_table_takes_the_place_of_slope_and_intercept(tmp_path):
    plane = np.array([[8, 10], [11, 99]], dtype="<u2")
    tags = {"ModalityLUT": (5, 7, 9), "ModalityLUTFirst": 10}
    done = assemble(stack_of(tmp_path, [plane], modality="MR", tags=tags, padding_value=99))
    assert done.array[0].tolist() == [[5, 5], [7, UNMEASURED]]


def test_an_unsigned_ct_that_says_nothing_is_not_in_hounsfield_units(tmp_path):
    done = assemble(stack_of(tmp_path, [np.ones((2, 2), "<u2")]))
    assert done.quantity == "a.u."
    assert codes(done) == ["ingest.not-hounsfield"]


def test_what_counts_as_hounsfield_units(tmp_path):
    frame = native(tmp_path / "a", np.ones((2, 2), "<i2"), is_signed=True)
    assert quantity_of([frame]) == "HU"
    assert quantity_of([replace(frame, modality="MR")]) == "a.u."
    assert quantity_of([replace(frame, tags={"RescaleType": "MGML"})]) == "a.u."
    assert quantity_of([replace(frame, is_signed=False, intercept=-1024.0)]) == "HU"


@pytest.mark.parametrize("slope", [0.0, float("nan"), float("inf")])
def test_a_slope_without_meaning_is_damage(tmp_path, slope):
    frame = native(tmp_path / "a", np.ones((2, 2), "<i2"), slope=slope)
    with pytest.raises(DamagedFile, match="slope"):
        transform_of(frame, quantity="HU")


def test_holes_are_refused_above_the_limit_and_bridged_on_request(tmp_path):
    planes = [np.full((2, 2), value, "<i2") for value in (0, 100, 600)]
    gappy = lattice(3, offsets=[0, 2, 12], missing=((1, 4),))
    stack = stack_of(tmp_path, planes, on=gappy, is_signed=True)
    with pytest.raises(GapInSeries) as refused:
        assemble(stack)
    assert refused.value.gap_mm == pytest.approx(10.0)
    done = assemble(stack, allow_gaps=True)
    assert done.array[:, 0, 0].tolist() == [0, 100, 200, 300, 400, 500, 600]
    assert np.flatnonzero(done.filled_slices).tolist() == [2, 3, 4, 5]
    assert codes(done) == ["ingest.filled"]


def test_a_leaning_stack_is_straightened_with_its_padding(tmp_path):
    offsets = np.arange(4) * 2.0
    drift = np.outer(offsets, [0.9, 0.0])
    planes = [np.full((6, 4), -1000, "<i2") for _ in offsets]
    planes[1][0] = -2000
    stack = stack_of(
        tmp_path, planes, on=lattice(4, drift=drift, tilt=(24.2, 0.0)), is_signed=True, padding_value=-2000
    )
    done = assemble(stack)
    assert done.array.shape == (4, 12, 4)
    # Two rows of drift to a slice: the padding row is marked where it moved to, and so is the new margin.
    assert (done.array[1, :3] == UNMEASURED).all()
    assert (done.array[1, 3:8] == -1000).all()
    assert (done.array[1, 8:] == UNMEASURED).all()


def test_lossy_pixels_are_flagged_and_their_circle_still_found(tmp_path):
    plane = np.full((64, 64), 1000, np.uint16)
    r, c = np.indices(plane.shape) - 31.5
    plane[r**2 + c**2 > 31**2] = 0
    coded = bytes(imagecodecs.jpeg8_encode(plane, level=90, bitspersample=12))
    frame = encapsulated(
        tmp_path / "a.dcm", [coded], plane.shape, "1.2.840.10008.1.2.4.51", bits_stored=12, intercept=-2000.0
    )
    done = assemble(Stack((frame,), lattice(1)))
    assert codes(done) == ["ingest.lossy", "ingest.outside-circle"]
    assert (done.array[0][[0, 0, -1, -1], [0, -1, 0, -1]] == UNMEASURED).all()
    assert done.array[0, 32, 32] == pytest.approx(-1000, abs=30)


def test_the_same_stack_gives_the_same_bytes_on_any_number_of_threads(tmp_path, monkeypatch):
    planes = texture(40, 8, bits=12).reshape(5, 8, 8).astype("<u2")
    drift = np.outer(np.arange(5), [0.31, -0.17])
    stack = stack_of(tmp_path, planes, on=lattice(5, drift=drift, tilt=(8.8, -4.9)), intercept=-1024.0)
    results = []
    for threads in ("1", "4"):
        monkeypatch.setenv("PLASTINATE_THREADS", threads)
        results.append(assemble(stack).array.tobytes())
    assert results[0] == results[1]


def test_what_progress_raises_stops_the_work(tmp_path):
    planes = [np.ones((2, 2), "<i2") for _ in range(6)]

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        assemble(stack_of(tmp_path, planes, is_signed=True), progress=stop)


@pytest.mark.parametrize(("slope", "modality"), [(1e3, "CT"), (2e6, "CT"), (1e30, "MR"), (1e300, "MR")])
def test_a_slice_of_values_that_no_scanner_gives_is_named(tmp_path, slope, modality):
    planes = np.full((3, 4, 4), 1000, "<i2")
    stack = stack_of(
        tmp_path,
        planes,
        is_signed=True,
        modality=modality,
        each=lambda index: {"slope": slope if index == 1 else 1.0, "intercept": -1024.0},
    )
    (odd,) = [finding for finding in assemble(stack).findings if finding.code == "ingest.absurd-values"]
    assert odd.details["file"] == "1"
    assert odd.severity == "warning"


def test_the_values_of_metal_and_of_a_pet_are_not_absurd(tmp_path):
    planes = np.full((2, 4, 4), 32767, "<i2")
    for facts in ({"slope": 2.0, "intercept": -1024.0}, {"slope": 3e4, "modality": "PT"}):
        assert "ingest.absurd-values" not in codes(
            assemble(stack_of(tmp_path, planes, is_signed=True, **facts))
        )
