from __future__ import annotations

from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.group import group_frames
from tiny_scans import frame


def sizes(frames: list[Frame]) -> list[int]:
    return sorted(len(group.frames) for group in group_frames(frames))


def pile(count: int = 4, **changes: object) -> list[Frame]:
    return [frame(float(z), **changes) for z in range(count)]


def test_what_slices_of_one_stack_must_share_keeps_them_apart() -> None:
    others: list[dict[str, object]] = [
        {"rows": 8},
        {"row_spacing_mm": 0.6},
        {"row_direction": (0.0, 1.0, 0.0), "column_direction": (0.0, 0.0, -1.0)},
        {"frame_of_reference_uid": "9"},
        {"series_uid": "9"},
        {"image_type": ("DERIVED", "SECONDARY", "MPR")},
        {"tags": {"ConvolutionKernel": "BONE"}},
    ]
    for other in others:
        assert sizes(pile() + pile(3, **other)) == [3, 4], other


def test_rounding_of_cosines_and_spacing_keeps_slices_together() -> None:
    wobbly = [
        frame(float(z), row_direction=(1.0, 1e-5 * z, 0.0), row_spacing_mm=0.5 + 1e-6 * z) for z in range(4)
    ]
    assert sizes(wobbly) == [4]


def test_a_torn_series_names_the_tag_that_tore_it() -> None:
    groups = group_frames(pile(tags={"ConvolutionKernel": "SOFT"}) + pile(tags={"ConvolutionKernel": "BONE"}))
    assert [group.findings[0].details["tags"] for group in groups] == [["ConvolutionKernel"]] * 2


def test_magnitude_and_phase_images_stay_together_to_be_split_as_phases() -> None:
    kinds = [("ORIGINAL", "PRIMARY", "M"), ("ORIGINAL", "PRIMARY", "P")]
    assert sizes([one for kind in kinds for one in pile(image_type=kind)]) == [8]


def test_empty_identifiers_group_by_geometry() -> None:
    bare = {"series_uid": "", "study_uid": "", "sop_instance_uid": "", "frame_of_reference_uid": ""}
    assert sizes(pile(4, **bare) + pile(3, rows=8, **bare)) == [3, 4]


def test_two_stacks_side_by_side_are_two() -> None:
    left = pile(5)
    right = [frame(float(z), position_lps_mm=(120.0, 0.0, float(z))) for z in range(5)]
    groups = group_frames(left + right)
    assert [len(group.frames) for group in groups] == [5, 5]
    assert groups[0].findings[0].code == "ingest.side-by-side"


def test_a_tilted_stack_is_not_torn() -> None:
    assert sizes([frame(float(z), position_lps_mm=(0.0, 0.5 * z, float(z))) for z in range(40)]) == [40]
