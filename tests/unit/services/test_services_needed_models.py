"""Asking for an organ is asking for its model: fetched before the first step, stated after the last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bead_scans import write_bead
from model_shelf import Places, fetched_card, serving_files, set_places
from plastinate.depot.model_files import is_here
from plastinate.depot.registry import card_named
from plastinate.model.depot_errors import ModelAbsent
from plastinate.model.errors import Cancelled
from plastinate.pipeline.progress import Progress, ProgressEvent
from plastinate.pipeline.run import RunOptions
from plastinate.recipes.load import list_recipes, threshold_recipe
from plastinate.services.build_models import BuildRequest, build_models
from plastinate.services.needed_models import fetch_needed_models, models_needed
from plastinate.stages import catalog


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A method that needs a model, and the model in a mirror."""
    made = set_places(tmp_path, monkeypatch)
    made.put_card(fetched_card(made.put_wheel()))
    needing = replace(catalog.SEGMENT["threshold"], models=("tiny",))
    monkeypatch.setitem(catalog.SEGMENT, "threshold", needing)
    return made


@pytest.mark.slow
def test_a_build_fetches_its_model_tells_so_and_states_it_on_the_certificate(places: Places, tmp_path: Path):
    told: list[str] = []
    request = BuildRequest(
        write_bead(tmp_path / "scan"),
        tmp_path / "out",
        threshold=(0, None),
        formats=("stl",),
        options=RunOptions(levels={"full": None}),
        with_preview=False,
    )

    build_models(request, progress=Progress(say=lambda event: told.append(event.doing)))

    assert "fetch: tiny" in told
    page = (tmp_path / "out" / "certificate.html").read_text()
    assert "Models made by others" in page
    assert card_named("tiny").parts[0].sha256 in page


def test_a_model_that_is_here_is_not_fetched_again(places: Places):
    told: list[str] = []
    progress = Progress(say=lambda event: told.append(event.doing))
    fetch_needed_models(threshold_recipe(0, None), progress=progress)
    assert "fetch: tiny" in told

    told.clear()
    fetch_needed_models(threshold_recipe(0, None), progress=progress)
    assert told == []


@pytest.mark.slow
def test_a_build_without_a_model_says_nothing_of_models(tmp_path: Path):
    result = build_models(
        BuildRequest(
            write_bead(tmp_path / "scan"), None, threshold=(0, None), options=RunOptions(check=False)
        )
    )

    assert "models" not in result.scene.evidence.inputs


def test_a_model_that_may_not_be_fetched_ends_the_build_before_its_first_step(
    places: Places, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PLASTINATE_MODELS_FETCH", "never")
    monkeypatch.delenv("PLASTINATE_MODELS_MIRROR")

    told: list[str] = []

    with pytest.raises(ModelAbsent) as refused:
        fetch_needed_models(
            threshold_recipe(0, None), progress=Progress(say=lambda event: told.append(event.doing))
        )
    assert told == []
    assert "plastinate models fetch tiny --mirror-to FOLDER" in refused.value.hint
    assert "PLASTINATE_MODELS_MIRROR" in refused.value.hint


def test_whoever_stops_the_build_stops_the_fetch(places: Places, monkeypatch: pytest.MonkeyPatch):
    stop = [False]

    def say(event: ProgressEvent) -> None:
        stop[0] = event.doing == "fetch: tiny"

    with serving_files() as shelf:
        monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", shelf.url)
        for path in places.mirror.iterdir():
            shelf.files[f"/{path.name}"] = path.read_bytes()
        with pytest.raises(Cancelled):
            fetch_needed_models(
                threshold_recipe(0, None), progress=Progress(say=say, is_cancelled=lambda: stop[0])
            )

    assert not is_here(card_named("tiny"))


def test_a_method_that_runs_any_model_names_it_in_its_step(places: Places):
    recipe = threshold_recipe(0, None)
    places.put_card(fetched_card(places.put_wheel(), name="chosen"), name="chosen")
    chosen = replace(recipe, segment=(replace(recipe.segment[0], params={"model": "chosen"}),))

    assert [card.name for card in models_needed(chosen)] == ["tiny", "chosen"]


def test_every_model_that_a_recipe_of_ours_needs_has_a_card():
    for recipe in list_recipes():
        assert all(card.licence for card in models_needed(recipe)), recipe.name
