"""Who starts a server for the first time finds a case to look at; it is put in once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Case, Job
from plastinate.model.errors import RecipeNotFound
from plastinate.recipes.load import recipe_for_organs
from plastinate.services import people
from plastinate.services.access import Actor
from plastinate.services.cases import purge_case, trash_case
from plastinate.services.first_steps import put_sample_in
from plastinate.services.sample_sources import SAMPLES, Sample


def put_in(archive: Archive, shop: Sample, recipe: str = "") -> str | None:
    table = {"small": Sample(**{**vars(shop), "recipe": recipe})}
    return put_sample_in(archive, "small", samples=table)


def first_administrator(archive: Archive) -> Actor:
    token = people.first_invitation(archive)
    assert token
    person = people.accept_invitation(archive, token, email="a@example.org", name="Ada", password_hash="x")
    return Actor(person.id, is_admin=True, name="Ada", via="session")


@pytest.mark.slow
def test_a_case_waits_for_the_first_administrator_and_is_theirs_then(archive: Archive, shop: Sample):
    case_id = put_in(archive, shop, "ct-chest")
    with archive.database.read() as session:
        case = session.get_one(Case, case_id)
        assert (case.title, case.owner_id) == ("A small scan", None)
        assert shop.licence in case.notes
        assert sorted(session.scalars(select(Job.kind))) == ["build", "inspect"]
        assert archive.files.exists(case.inputs[0].sha256)
    owner = first_administrator(archive)
    with archive.database.read() as session:
        assert session.get_one(Case, case_id).owner_id == owner.person_id


@pytest.mark.slow
def test_every_later_start_finds_the_same_case(archive: Archive, shop: Sample):
    case_id = put_in(archive, shop)
    assert put_in(archive, shop) == case_id
    first_administrator(archive)
    assert put_in(archive, shop) == case_id
    (archive.settings.home / "sample-small").unlink()
    assert put_in(archive, shop) == case_id
    assert [path.name for path in archive.settings.home.glob("sample-*")] == ["sample-small"]


@pytest.mark.slow
def test_whoever_deletes_it_is_not_shown_it_again(archive: Archive, shop: Sample):
    case_id = put_in(archive, shop)
    owner = first_administrator(archive)
    trash_case(archive, owner, str(case_id))
    purge_case(archive, owner, str(case_id))
    assert put_in(archive, shop) is None


@pytest.mark.slow
def test_asked_for_later_it_belongs_to_the_first_administrator(archive: Archive, shop: Sample):
    owner = first_administrator(archive)
    case_id = put_in(archive, shop)
    with archive.database.read() as session:
        assert session.get_one(Case, case_id).owner_id == owner.person_id


def test_an_unknown_sample_leaves_nothing(archive: Archive):
    with pytest.raises(RecipeNotFound):
        put_sample_in(archive, "chest-mr")
    assert list(archive.settings.home.glob("sample*")) == []


def test_the_recipe_of_every_sample_exists():
    from plastinate.recipes.load import load_recipe

    for sample in SAMPLES.values():
        recipe = load_recipe(sample.recipe) if sample.recipe else recipe_for_organs(sample.organs, "")
        assert recipe.modality == sample.modality


def test_the_chest_is_shown_with_the_organs_that_people_look_for():
    made = set(recipe_for_organs(SAMPLES["chest-ct"].organs, "CT").structures)
    assert made >= {"heart", "liver", *("lung-left", "lung-right"), *("kidney-left", "kidney-right")}


@pytest.mark.slow
def test_an_organ_whose_model_cannot_be_had_is_told_of_and_costs_only_itself(archive: Archive, shop: Sample):
    # The shop has the scan, and no model.
    told: list[tuple[str, str]] = []
    case_id = put_sample_in(
        archive,
        "small",
        samples={"small": replace(shop, organs=("liver", "lung"))},
        leaves_out=lambda organ, fault: told.append((organ, fault.code)),
    )
    assert told == [("liver", "system.download-failed")]
    with archive.database.read() as session:
        asked = session.scalar(select(Job.request).where(Job.case_id == case_id, Job.kind == "build"))
    assert asked["organs"] == ["lung-left", "lung-right"]
