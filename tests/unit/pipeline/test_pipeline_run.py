"""Organs come out of a run with their evidence; one that is missing costs only itself."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

import anatomy_phantoms
from plastinate.model.errors import Cancelled, EmptyMask, ParameterError, RecipeFlaw
from plastinate.model.evidence import Finding
from plastinate.model.geometry import Geometry
from plastinate.model.recipe import Recipe, Step, SurfaceStep
from plastinate.model.remarked import Remarked
from plastinate.model.surface import SurfaceSet
from plastinate.pipeline.plan import plan
from plastinate.pipeline.progress import Progress
from plastinate.pipeline.run import UNCOVERED, RunOptions, run_recipe
from plastinate.recipes.load import recipe_for_organs, threshold_recipe
from plastinate.stages import catalog
from plastinate.stages.surface.soft_field import soft_field
from voxel_scenes import ball, volume_of

ONE_LEVEL = RunOptions(levels={"full": None})
SHAPE = (20, 22, 24)
MIDDLE = (10, 11, 12)


@pytest.fixture(scope="module")
def volume():
    """A ball of 500 with a core of 1500, in air."""
    array = np.full(SHAPE, -1000, dtype=np.int16)
    array[ball(SHAPE, MIDDLE, 7)] = 500
    array[ball(SHAPE, MIDDLE, 3)] = 1500
    return volume_of(array)


def threshold(low: float, name: str) -> Step:
    return Step("threshold", {"low": low}, (), (name,), "known", "made so")


def surface(name: str, low: float, *, is_hull: bool = False) -> SurfaceStep:
    return SurfaceStep((name,), "soft-field", {"low": low}, is_hull=is_hull)


def nested(*, is_hull: bool) -> Recipe:
    return Recipe(
        "nested",
        "Nested",
        "CT",
        ("core", "ball"),
        (threshold(1000.0, "core"), threshold(0.0, "ball")),
        (surface("core", 1000.0), surface("ball", 0.0, is_hull=is_hull)),
    )


@pytest.mark.parametrize(("step_mm", "words"), [(80.0, "larger than any person"), (0.1, "smaller than any")])
def test_a_scan_of_no_persons_size_is_refused_before_the_first_step(volume, step_mm, words):
    matrix = volume.geometry.to_lps_mm.copy()
    matrix[:3, :3] *= step_mm / volume.geometry.spacing_mm[0]
    sized = replace(volume, geometry=Geometry(SHAPE, matrix))
    with pytest.raises(EmptyMask, match=f"{words}.*voxel size must be wrong"):
        run_recipe(sized, nested(is_hull=False), options=ONE_LEVEL)
    # A threshold alone may be for a bead or a ship.
    made = run_recipe(sized, threshold_recipe(-250.0, None, name="ball"), options=ONE_LEVEL)
    assert made.surfaces


def test_a_ct_without_hounsfield_units_is_refused_by_recipes_that_go_by_them(volume):
    unknown = replace(volume, quantity="a.u.", modality="CT")
    with pytest.raises(EmptyMask, match="no Hounsfield units"):
        run_recipe(unknown, nested(is_hull=False), options=ONE_LEVEL)
    made = run_recipe(unknown, threshold_recipe(-250.0, None, name="ball"), options=ONE_LEVEL)
    assert made.surfaces


def test_what_is_found_is_measured_and_judged(volume):
    result = run_recipe(volume, threshold_recipe(-250.0, None, name="ball"), options=ONE_LEVEL)
    quality = result.quality["ball"]["full"]
    assert quality.is_closed
    assert quality.volume_ml == pytest.approx(result.labels.volume_ml("ball"), rel=0.05)
    assert result.verdicts["ball"].light == "green"
    assert [step.method for step in result.steps] == [
        "threshold",
        "fill-cavities",
        "merge-labels",
        "soft-field",
    ]
    assert result.findings == ()


def test_without_checks_nothing_is_measured(volume):
    options = RunOptions(levels={"full": None}, check=False)
    result = run_recipe(volume, threshold_recipe(0.0, None, name="ball"), options=options)
    assert (result.quality, result.verdicts) == ({}, {})
    assert "ball" in result.surfaces


def test_preparation_comes_first_and_is_on_record(volume):
    recipe = replace(threshold_recipe(0.0, None, name="ball"), prepare=(Step("median"),))
    assert run_recipe(volume, recipe, options=ONE_LEVEL).steps[0].method == "median"


def test_the_structure_named_first_has_the_voxels_that_two_claim(volume):
    result = run_recipe(volume, nested(is_hull=False), options=ONE_LEVEL)
    core, rest = (int(ball(SHAPE, MIDDLE, radius).sum()) for radius in (3, 7))
    assert result.labels.voxel_count("core") == core
    assert result.labels.voxel_count("ball") == rest - core
    merged = next(step for step in result.steps if step.method == "merge-labels")
    assert merged.parameters["contested_voxels"] == {"ball": core}


@pytest.mark.slow
def test_a_hull_is_surfaced_and_measured_whole(volume):
    hollow = run_recipe(volume, nested(is_hull=False), options=ONE_LEVEL).quality["ball"]["full"]
    whole = run_recipe(volume, nested(is_hull=True), options=ONE_LEVEL).quality["ball"]["full"]
    assert (hollow.pieces, whole.pieces) == (2, 1)
    assert whole.mask_volume_ml == pytest.approx(ball(SHAPE, MIDDLE, 7).sum() / 1000)


def test_a_structure_that_is_not_there_costs_only_itself(volume):
    recipe = Recipe(
        "half",
        "Half",
        "CT",
        ("metal", "ball"),
        (
            threshold(3000.0, "metal"),
            Step("largest-pieces", {"count": 1}, ("metal",), ("metal",)),
            threshold(0.0, "ball"),
        ),
        (surface("metal", 3000.0), surface("ball", 0.0)),
    )
    result = run_recipe(volume, recipe, options=ONE_LEVEL)
    assert list(result.surfaces) == ["ball"]
    assert [finding.code for finding in result.findings] == ["segment.nothing-found"]
    assert result.findings[0].severity == "warning"
    assert result.not_found == {"metal": "no voxel has such a value"}


def test_what_needs_a_part_that_is_not_there_is_not_found_for_the_same_reason(volume):
    recipe = Recipe(
        "chain",
        "Chain",
        "CT",
        ("ball", "screw"),
        (
            threshold(0.0, "ball"),
            threshold(3000.0, "metal"),
            Step("dilate", {"radius_mm": 1.0}, ("metal",), ("screw",)),
        ),
        (surface("ball", 0.0), surface("screw", 3000.0)),
    )
    result = run_recipe(volume, recipe, options=ONE_LEVEL)
    assert result.not_found == {"screw": "no voxel has such a value"}


@pytest.mark.slow
def test_a_part_that_a_step_leaves_empty_is_not_found_either(volume):
    recipe = Recipe(
        "covered",
        "Covered",
        "CT",
        ("ball", "rest"),
        (threshold(0.0, "ball"), Step("union", {}, ("ball",), ("rest",))),
        (surface("ball", 0.0), surface("rest", 0.0)),
    )
    result = run_recipe(volume, recipe, options=ONE_LEVEL)
    assert result.not_found == {"rest": UNCOVERED}
    assert run_recipe(volume, threshold_recipe(0.0, None), options=ONE_LEVEL).not_found == {}


def test_what_a_step_remarks_on_is_found_and_casts_doubt_on_what_it_made_alone(volume):
    recipe = Recipe(
        "two",
        "Two",
        "CT",
        ("core", "ball"),
        (Step("doubtful", {}, (), ("core",)), threshold(0.0, "ball")),
        (surface("core", 1000.0), surface("ball", 0.0, is_hull=True)),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalog.SEGMENT, "doubtful", catalog.Method(f"{__name__}:doubtful"))
        result = run_recipe(volume, recipe, options=ONE_LEVEL)
    assert [finding.code for finding in result.findings] == ["segment.contrast"]
    assert result.verdicts["core"].light == "amber"
    assert "contrast agent" in result.verdicts["core"].reasons[0]
    assert not any("contrast agent" in reason for reason in result.verdicts["ball"].reasons)


def doubtful(volume):
    """What is bright, with a remark."""
    return Remarked((volume.array > 1000,), (Finding("segment.contrast", "warning", "Said."),))


def test_a_run_that_finds_nothing_says_so(volume):
    with pytest.raises(EmptyMask, match="metal") as caught:
        run_recipe(volume, threshold_recipe(3000.0, None, name="metal"), options=ONE_LEVEL)
    assert caught.value.sentence.count("Nothing was found") == 1
    assert caught.value.sentence.count(".") == 1


def test_masks_that_are_all_empty_are_nothing_found(volume):
    recipe = replace(
        threshold_recipe(0.0, None, name="ball"),
        segment=(threshold(0.0, "all"), Step("remove-nothing", {}, ("all",), ("ball",))),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalog.SEGMENT, "remove-nothing", catalog.Method(f"{__name__}:emptied"))
        with pytest.raises(EmptyMask, match=f"'ball': {UNCOVERED}"):
            run_recipe(volume, recipe, options=ONE_LEVEL)


def emptied(volume, mask):
    """Nothing of a mask."""
    del volume
    return np.zeros_like(mask)


def test_a_method_must_make_as_many_masks_as_the_recipe_names(volume):
    recipe = replace(
        threshold_recipe(0.0, None, name="ball"),
        segment=(Step("threshold", {"low": 0.0}, (), ("ball", "spare")),),
    )
    with pytest.raises(RecipeFlaw, match=r"1 masks.*2"):
        run_recipe(volume, recipe, options=ONE_LEVEL)


def test_a_run_can_be_stopped_between_any_two_steps(volume):
    for patience in range(1, 8):
        left = iter([False] * patience + [True] * 100)
        with pytest.raises(Cancelled):
            run_recipe(
                volume,
                threshold_recipe(0.0, None, name="ball"),
                options=ONE_LEVEL,
                progress=Progress(is_cancelled=lambda left=left: next(left)),
            )


def test_progress_never_runs_backwards(volume):
    heard = []
    run_recipe(
        volume,
        nested(is_hull=True),
        options=ONE_LEVEL,
        progress=Progress(say=lambda event: heard.append(event.share_done)),
    )
    assert heard == sorted(heard)
    assert heard[-1] < 1.0


def four_balls(method: str = "soft-field") -> tuple[np.ndarray, Recipe]:
    """Four structures that know nothing of each other, the first a hull, and how to build them."""
    array = np.full((12, 40, 40), -1000, dtype=np.int16)
    names = ("one", "two", "three", "four")
    for number, centre in enumerate([(6, 10, 10), (6, 10, 30), (6, 30, 10), (6, 30, 30)]):
        array[ball(array.shape, centre, 5)] = 100 * (number + 1)
    segment = tuple(
        Step("threshold", {"low": 100.0 * n - 50, "high": 100.0 * n + 50}, (), (name,))
        for n, name in enumerate(names, 1)
    )
    surfaces = tuple(SurfaceStep((name,), method, {}, is_hull=name == "one") for name in names)
    return array, Recipe("balls", "Balls", "CT", names, segment, surfaces)


MEETING = threading.Barrier(2)


def meets_another(volume, labels, *, structures, levels):
    """Surface, once another structure is being surfaced as well."""
    MEETING.wait(20)
    return soft_field(volume, labels, structures=structures, levels=levels)


def fails_for_two_and_three(volume, labels, *, structures, levels):
    """Surface, but not those."""
    if structures[0] in {"two", "three"}:
        raise ParameterError(f"no {structures[0]}")
    return soft_field(volume, labels, structures=structures, levels=levels)


def notes_its_thread(volume, labels, *, structures, levels):
    """Surface, and say where."""
    made = soft_field(volume, labels, structures=structures, levels=levels)
    return SurfaceSet(made.surfaces, (threading.current_thread().name,))


@pytest.fixture
def surfaced_by(monkeypatch):
    """Puts a function in the catalog's place of a surface method, which is then its name."""

    def put(function) -> str:
        monkeypatch.setitem(catalog.SURFACE, "shared-net", catalog.Method(f"{__name__}:{function.__name__}"))
        return "shared-net"

    return put


@pytest.mark.slow
@pytest.mark.parametrize("cores", ["2", "3", "4"])
def test_organs_made_side_by_side_are_the_same_to_the_last_bit_and_in_the_same_order(monkeypatch, cores):
    array, recipe = four_balls()
    monkeypatch.setenv("PLASTINATE_THREADS", "1")
    alone = run_recipe(volume_of(array), recipe)
    monkeypatch.setenv("PLASTINATE_THREADS", cores)
    together = run_recipe(volume_of(array), recipe)
    assert together.steps == alone.steps
    assert [list(r.surfaces) for r in (together, alone)] == [list(recipe.structures)] * 2
    assert (together.quality, together.verdicts) == (alone.quality, alone.verdicts)
    assert (list(together.quality), list(together.verdicts)) == (list(alone.quality), list(alone.verdicts))
    for name, levels in alone.surfaces.items():
        for level, surface in levels.items():
            other = together.surfaces[name][level]
            assert other.vertices.tobytes() == surface.vertices.tobytes()
            assert other.triangles.tobytes() == surface.triangles.tobytes()


@pytest.mark.slow
def test_organs_are_made_side_by_side_where_there_are_cores(monkeypatch, surfaced_by):
    monkeypatch.setenv("PLASTINATE_THREADS", "2")
    array, recipe = four_balls(surfaced_by(meets_another))
    assert list(run_recipe(volume_of(array), recipe, options=ONE_LEVEL).surfaces) == list(recipe.structures)


@pytest.mark.slow
def test_one_core_makes_one_organ_after_another_where_it_was_asked(monkeypatch, surfaced_by):
    monkeypatch.setenv("PLASTINATE_THREADS", "1")
    array, recipe = four_balls(surfaced_by(notes_its_thread))
    steps = run_recipe(volume_of(array), recipe, options=ONE_LEVEL).steps
    notes = [note for step in steps if step.stage == "surface" for note in step.notes]
    assert notes == [threading.current_thread().name] * 4


@pytest.mark.parametrize("cores", ["1", "4"])
def test_the_first_organ_that_fails_is_the_one_told_of(monkeypatch, surfaced_by, cores):
    monkeypatch.setenv("PLASTINATE_THREADS", cores)
    array, recipe = four_balls(surfaced_by(fails_for_two_and_three))
    with pytest.raises(ParameterError, match="two"):
        run_recipe(volume_of(array), recipe, options=ONE_LEVEL)


@pytest.mark.slow
def test_a_run_side_by_side_can_be_stopped_and_leaves_nobody_at_work(monkeypatch):
    monkeypatch.setenv("PLASTINATE_THREADS", "4")
    array, recipe = four_balls()
    for patience in range(10, 26, 3):
        asked = iter([False] * patience + [True] * 100)
        with pytest.raises(Cancelled):
            run_recipe(
                volume_of(array),
                recipe,
                options=ONE_LEVEL,
                progress=Progress(is_cancelled=lambda asked=asked: next(asked)),
            )
        assert not [thread for thread in threading.enumerate() if thread.name == "beside"]


@pytest.mark.slow
def test_progress_of_organs_side_by_side_never_runs_backwards(monkeypatch):
    monkeypatch.setenv("PLASTINATE_THREADS", "4")
    array, recipe = four_balls()
    heard = []
    progress = Progress(say=lambda event: heard.append(event))
    run_recipe(volume_of(array), recipe, options=ONE_LEVEL, progress=progress)
    shares = [event.share_done for event in heard]
    assert shares == sorted(shares)
    assert {f"surface: {name}" for name in recipe.structures} <= {event.doing for event in heard}
    assert {f"check: {name}" for name in recipe.structures} <= set(progress.wall_s)


def counted(volume, *, progress):
    for tile in range(4):
        progress((tile + 1) / 4)
    sure = ball(SHAPE, MIDDLE, 3)
    likelihood = np.where(sure, 0.95, np.where(ball(SHAPE, MIDDLE, 5), 0.6, 0.2)).astype(np.float16)
    return Remarked((likelihood >= 0.5,), (), (likelihood,))


def test_a_method_in_tiles_tells_of_each_and_can_be_stopped_between_them(volume, monkeypatch):
    monkeypatch.setitem(catalog.SEGMENT, "counted", catalog.Method("test_pipeline_run:counted"))
    step = Step("counted", {}, (), ("ball",), "known", "made so")
    recipe = replace(threshold_recipe(0.0, None, name="ball"), segment=(step,))
    told = []
    run_recipe(volume, recipe, options=ONE_LEVEL, progress=Progress(say=told.append))
    within = [event.share_done for event in told if event.doing == "segment: counted"]
    assert len(set(within)) >= 5
    asked = []

    def is_cancelled():
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        run_recipe(volume, recipe, options=ONE_LEVEL, progress=Progress(is_cancelled=is_cancelled))


def test_likelihoods_become_a_range_of_volumes(volume, monkeypatch):
    monkeypatch.setitem(catalog.SEGMENT, "counted", catalog.Method("test_pipeline_run:counted"))
    step = Step("counted", {}, (), ("ball",), "known", "made so")
    recipe = replace(threshold_recipe(0.0, None, name="ball"), segment=(step,))
    found = run_recipe(volume, recipe, options=ONE_LEVEL).volume_ranges["ball"]
    ml = volume.geometry.voxel_ml
    assert found.least_ml == pytest.approx(ball(SHAPE, MIDDLE, 3).sum() * ml)
    assert found.greatest_ml == pytest.approx(np.prod(SHAPE) * ml)
    # A later step that makes the structure without knowing likelihoods takes the range away.
    later = replace(recipe, segment=(step, threshold(0.0, "ball")))
    assert run_recipe(volume, later, options=ONE_LEVEL).volume_ranges == {}


def test_a_recipe_cannot_say_whom_progress_is_told(monkeypatch):
    monkeypatch.setitem(catalog.SEGMENT, "counted", catalog.Method("test_pipeline_run:counted"))
    step = Step("counted", {"progress": 1}, (), ("ball",), "known", "made so")
    with pytest.raises(RecipeFlaw, match="progress"):
        plan(replace(threshold_recipe(0.0, None, name="ball"), segment=(step,)))


def test_each_structure_is_told_of_once_as_soon_as_its_voxels_are_known(volume):
    told: list[tuple[str, int, tuple[str, ...]]] = []
    progress = Progress()
    progress.found = lambda name, mask, geometry: told.append(
        (name, np.count_nonzero(mask), (*progress.wall_s, str(geometry == volume.geometry)))
    )
    shrink = Step("erode", {"radius_mm": 1}, ("shell",), ("shell",), "known", "made so")
    recipe = Recipe(
        "nested",
        "Nested",
        "CT",
        ("core", "shell"),
        (threshold(400, "shell"), threshold(1000, "core"), threshold(2000, "none"), shrink),
        (surface("core", 1000), surface("shell", 400)),
    )
    result = run_recipe(volume, recipe, options=ONE_LEVEL, progress=progress)
    assert [name for name, _, _ in told] == ["core", "shell"]
    # The core before the step that shrinks the shell, the shell only after it, and both before any surface.
    assert told[0][2] == ("segment: threshold", "True")
    assert told[1][2] == ("segment: threshold", "segment: erode", "True")
    assert told[0][1] == np.count_nonzero(result.labels.mask("core"))
    assert told[1][1] < np.count_nonzero(volume.array >= 400)


@pytest.mark.slow
def test_organs_built_together_are_those_built_alone_less_what_an_earlier_one_claims():
    chest = anatomy_phantoms.chest().volume
    wanted = ("airways", "lung-left", "lung-right", "skeleton", "skin")

    def built(*organs: str) -> dict[str, np.ndarray]:
        options = RunOptions(levels={"light": 2000}, check=False)
        labels = run_recipe(chest, recipe_for_organs(organs, "CT"), options=options).labels
        return {name: labels.mask(name) for name in labels.structures.values()}

    together = built(*wanted)
    claimed = np.zeros(chest.array.shape, dtype=bool)
    for name, mask in together.items():
        if name in ("lung-left", "skin"):
            alone = built(name)[name]
            assert np.array_equal(mask, alone & ~claimed)
            assert (name == "skin") == bool((alone & claimed).any())
        claimed |= mask
