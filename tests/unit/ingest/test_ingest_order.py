from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plastinate.stages.ingest.archive import Unpacking
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.headers import read_header
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.order import Phase, arrange, slice_axis
from tiny_scans import frame, save, slice_dataset

DOWN = slice_axis(frame(0.0))


def heights(phase: Phase) -> list[float]:
    return [one.position_lps_mm[2] for one in phase.frames if one.position_lps_mm]


def on_disk(tmp_path: Path, *datasets: object) -> list[Frame]:
    frames = []
    for number, dataset in enumerate(datasets):
        path = save(dataset, tmp_path / f"{number}.dcm")  # type: ignore[arg-type]
        frames += read_header(Candidate(path, path.name, "dicom"), state=Unpacking(tmp_path, Limits())).frames
    return frames


def test_the_slice_axis_of_an_axial_scan_points_to_the_feet() -> None:
    np.testing.assert_array_equal(DOWN, [0, 0, -1])


@given(st.permutations(range(8)))
def test_position_orders_and_not_instance_number_or_name(shuffled: list[int]) -> None:
    frames = [frame(3.0 * z, instance_number=z * 5 % 8, name=f"{z * 3 % 8}") for z in shuffled]
    phases, findings = arrange(frames, axis=DOWN)
    assert [heights(phase) for phase in phases] == [[21.0, 18.0, 15.0, 12.0, 9.0, 6.0, 3.0, 0.0]]
    assert findings == []


def test_instance_number_orders_where_nothing_says_where_the_images_lie() -> None:
    frames = [frame(0.0, instance_number=n, sop_instance_uid=f"1.{n}") for n in (3, 1, 2)]
    phases, _ = arrange(frames, axis=None)
    assert [one.instance_number for one in phases[0].frames] == [1, 2, 3]


def test_the_same_identifier_twice_is_one_image() -> None:
    frames = [frame(z) for z in (0.0, 2.0, 4.0)]
    phases, findings = arrange([*frames, frames[1]], axis=DOWN)
    assert len(phases[0].frames) == 3
    assert [finding.code for finding in findings] == ["ingest.duplicates"]


def test_one_identifier_for_all_images_is_not_believed() -> None:
    phases, findings = arrange([frame(float(z), sop_instance_uid="1.2.3") for z in range(4)], axis=DOWN)
    assert [len(phase.frames) for phase in phases] == [4]
    assert findings == []


def test_equal_pixels_at_one_place_under_new_identifiers_are_one_image(tmp_path: Path) -> None:
    datasets = [slice_dataset(n) for n in range(4)]
    copies = [slice_dataset(n, SOPInstanceUID=f"1.9.{n}") for n in range(4)]
    phases, findings = arrange(on_disk(tmp_path, *datasets, *copies), axis=DOWN)
    assert [len(phase.frames) for phase in phases] == [4]
    assert findings[0].details["dropped"] == 4


def test_two_phases_may_share_an_empty_slice(tmp_path: Path) -> None:
    first = [slice_dataset(n, EchoTime=2.3) for n in range(3)]
    second = [slice_dataset(n, EchoTime=5.1, SOPInstanceUID=f"1.9.{n}") for n in range(3)]
    for dataset in second[1:]:
        dataset.PixelData = bytes(reversed(dataset.PixelData))
    phases, findings = arrange(on_disk(tmp_path, *first, *second), axis=DOWN)
    assert [(phase.name, len(phase.frames)) for phase in phases] == [("echo 2.3 ms", 3), ("echo 5.1 ms", 3)]
    assert [finding.code for finding in findings] == ["ingest.phases"]


def test_equal_pixels_with_another_scale_are_not_duplicates(tmp_path: Path) -> None:
    first = [slice_dataset(n, AcquisitionNumber=1) for n in range(3)]
    second = [
        slice_dataset(n, AcquisitionNumber=2, RescaleSlope=2, SOPInstanceUID=f"1.9.{n}") for n in range(3)
    ]
    phases, _ = arrange(on_disk(tmp_path, *first, *second), axis=DOWN)
    assert [phase.name for phase in phases] == ["acquisition 1", "acquisition 2"]


def phased(**values: list[object]) -> list[Phase]:
    ((keyword, series),) = values.items()
    frames = [
        frame(
            z, tags={keyword: value}, sop_instance_uid=f"1.{z}.{index}", instance_number=index * 10 + int(z)
        )
        for index, value in enumerate(series)
        for z in (0.0, 1.0, 2.0)
    ]
    return arrange(frames, axis=DOWN)[0]


def test_phases_are_named_by_what_tells_them_apart_in_ascending_order() -> None:
    assert [phase.name for phase in phased(EchoTime=[9.2, 4.6])] == ["echo 4.6 ms", "echo 9.2 ms"]
    assert [phase.name for phase in phased(TriggerTime=[0.0, 50.0])] == ["trigger 0 ms", "trigger 50 ms"]
    assert [phase.name for phase in phased(DiffusionBValue=[1000.0, 0.0])] == ["b 0 s/mm²", "b 1000 s/mm²"]


def test_times_that_run_on_from_slice_to_slice_split_by_rank() -> None:
    frames = [
        frame(float(z), tags={"TriggerTime": 100.0 * t + z}, sop_instance_uid=f"1.{z}.{t}")
        for z in range(4)
        for t in range(3)
    ]
    phases, _ = arrange(frames, axis=DOWN)
    assert [phase.name for phase in phases] == ["1 of 3", "2 of 3", "3 of 3"]
    assert [one.tags["TriggerTime"] for one in phases[1].frames] == [103.0, 102.0, 101.0, 100.0]


def test_two_tags_that_cross_split_twice() -> None:
    frames = [
        frame(
            float(z), tags={"EchoTime": e, "TemporalPositionIdentifier": t}, sop_instance_uid=f"1.{z}.{e}.{t}"
        )
        for z in range(3)
        for e in (1.0, 2.0)
        for t in (1.0, 2.0)
    ]
    phases, findings = arrange(frames, axis=DOWN)
    assert [phase.name for phase in phases] == [
        "time 1, echo 1 ms", "time 1, echo 2 ms", "time 2, echo 1 ms", "time 2, echo 2 ms",
    ]  # fmt: skip
    assert findings[0].details["tag"] == "TemporalPositionIdentifier and EchoTime"


def test_blocks_that_overlap_in_part_come_apart_by_acquisition() -> None:
    frames = [frame(float(z), tags={"AcquisitionNumber": 1.0}, sop_instance_uid=f"1.{z}") for z in range(6)]
    frames += [
        frame(float(z), tags={"AcquisitionNumber": 2.0}, sop_instance_uid=f"2.{z}") for z in range(4, 9)
    ]
    phases, _ = arrange(frames, axis=DOWN)
    assert [(phase.name, len(phase.frames)) for phase in phases] == [
        ("acquisition 1", 6),
        ("acquisition 2", 5),
    ]


def test_a_muddle_is_called_one() -> None:
    frames = [frame(float(z), sop_instance_uid=f"1.{z}", instance_number=z) for z in range(5)]
    frames += [frame(2.0, sop_instance_uid="9.1", instance_number=77), frame(3.0, sop_instance_uid="9.2")]
    phases, findings = arrange(frames, axis=DOWN)
    assert [len(phase.frames) for phase in phases] == [5, 2]
    assert [finding.code for finding in findings] == ["ingest.unclear-phases"]
