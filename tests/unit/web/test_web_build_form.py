"""The form that asks for a build: what it offers, and how it comes back when it was refused."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from found_series import let_be_found, series
from plastinate.archive.tables import Build, Job
from plastinate.web import build_form, case_page
from plastinate.web.build_form import Choices
from web_stage import Scene, Stage

CHEST = {"what": "recipe", "recipe": "ct-chest", "formats": ["glb", "stl"], "compression": "none"}


def inspected(stage: Stage, *found: dict[str, Any]) -> Scene:
    """A case whose scan holds these series."""
    scene = stage.new_scene(state="done")
    let_be_found(stage.archive, scene.case, *found)
    return scene


def sent(browser: FlaskClient, scene: Scene, **form: Any) -> TestResponse:
    """The page that answers the form."""
    return browser.post(f"/cases/{scene.case}/build", data=form, follow_redirects=True)


def queued(stage: Stage, scene: Scene) -> dict[str, Any] | None:
    with stage.archive.database.read() as session:
        job = session.query(Job).filter_by(case_id=scene.case, state="queued", kind="build").one_or_none()
        return None if job is None else job.request


def control(page: str, name: str, value: str | None = None) -> str:
    """The element of a field, or of one of its choices."""
    which = "" if value is None else f'[^>]*value="{re.escape(value)}"'
    found = re.search(rf'<input[^>]*name="{name}"{which}[^>]*>', page)
    assert found, name
    return found[0]


def chosen(page: str, name: str) -> list[str]:
    inputs = re.findall(rf'<input[^>]*name="{name}"[^>]*>', page)
    return [re.search(r'value="([^"]*)"', each)[1] for each in inputs if " checked" in each]  # type: ignore[index]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("low", "high", "field", "english", "german"),
    [
        ("much", "", "low", "“much” is no number", "„much“ ist keine Zahl"),
        ("", "", "low", "Give a lower value, an upper value, or both", "mindestens einen der beiden Werte"),
        ("300", "200", "high", "larger than the lower value", "größer sein als der untere"),
        ("1", "inf", "high", "“inf” is no number", "„inf“ ist keine Zahl"),
        ("1", "1e999", "high", "“1e999” is no number", "„1e999“ ist keine Zahl"),
    ],
)
def test_a_value_that_cannot_be_is_told_beside_its_field_in_the_readers_language(
    stage: Stage, low: str, high: str, field: str, english: str, german: str
):
    scene = inspected(stage, series(1, "CT"))
    browser = stage.browser("owner")
    form = {"what": "threshold", "low": low, "high": high, "formats": "glb"}
    for language, sentence in (("en", english), ("de", german)):
        browser.set_cookie("language", language)
        page = sent(browser, scene, **form).text
        element = control(page, field)
        assert 'aria-invalid="true"' in element
        assert f'aria-describedby="{field}-flaw"' in element
        flaw = re.search(rf'id="{field}-flaw">(.*?)</p>', page, re.S)
        assert flaw
        assert sentence in html.unescape(flaw[1])
        assert f'<a href="#{field}">' in page, "the summary leads to it"
        assert "request.flaw" not in page
        assert "null" not in page
    assert queued(stage, scene) is None


@pytest.mark.slow
def test_a_refused_form_comes_back_as_it_was_sent_at_an_address_that_can_be_loaded_again(stage: Stage):
    scene = inspected(stage, series(1, "CT"), series(2, "CT", phases=["early", "late"]))
    browser = stage.browser("owner")
    form = {
        "series": "2",
        "phase-2": "2",
        "what": "threshold",
        "low": "12,5",
        "high": "x",
        "name": "Wax & <b>",
        "largest_only": "yes",
        "organs": ["skin", "lung-left"],
        "recipe": "ct-lungs",
        "formats": ["glb", "3mf"],
        "compression": "draco",
        "allow_gaps": "yes",
    }
    answer = browser.post(f"/cases/{scene.case}/build", data=form)
    assert answer.status_code == 303
    address = answer.headers["Location"]
    assert address.endswith("#refused")
    for page in (browser.get(address).text, browser.get(address).text):
        assert chosen(page, "series") == ["2"]
        assert '<option value="2" dir="auto" selected>' in page
        assert chosen(page, "what") == ["threshold"]
        assert [control(page, name).count(f'value="{value}"') for name, value in
                (("low", "12,5"), ("high", "x"), ("name", "Wax &amp; &lt;b&gt;"))] == [1, 1, 1]  # fmt: skip
        assert sorted(chosen(page, "organs")) == ["lung-left", "skin"]
        assert chosen(page, "recipe") == ["ct-lungs"]
        assert sorted(chosen(page, "formats")) == ["3mf", "glb"]
        assert chosen(page, "compression") == ["draco"]
        assert chosen(page, "largest_only") == chosen(page, "allow_gaps") == ["yes"]
    assert browser.get(address.partition("?")[0]).text.count('id="refused"') == 0


@pytest.mark.slow
def test_nothing_looks_filled_in_that_is_not(stage: Stage):
    page = stage.browser("owner").get(f"/cases/{inspected(stage, series(1, 'CT')).case}").text
    form = page[page.index("data-build") : page.index("</form>", page.index("data-build"))]
    assert "placeholder" not in form


@pytest.mark.slow
def test_what_is_sent_from_panes_out_of_sight_is_passed_over(stage: Stage):
    scene = inspected(stage, series(1, "CT"))
    form = {**CHEST, "low": "nonsense", "high": "-1", "organs": "brain", "name": "Wax"}
    sent(stage.browser("owner"), scene, **form)
    wish = queued(stage, scene)
    assert wish
    assert (wish["recipe"], wish["organs"], wish["threshold"]) == ("ct-chest", [], None)


@pytest.mark.slow
def test_a_number_may_be_written_with_a_comma(stage: Stage):
    scene = inspected(stage, series(1, "CT"))
    form = {"what": "threshold", "low": "\N{MINUS SIGN}10,5", "high": "", "name": "Wax", "formats": "stl"}
    sent(stage.browser("owner"), scene, **form)
    wish = queued(stage, scene)
    assert wish
    assert (wish["threshold"], wish["name"]) == ([-10.5, None], "Wax")


@pytest.mark.slow
def test_models_come_for_the_screen_and_the_printer_unless_more_is_asked_for(stage: Stage):
    scene = inspected(stage, series(1, "CT"))
    browser = stage.browser("owner")
    page = browser.get(f"/cases/{scene.case}").text
    assert chosen(page, "formats") == ["glb", "stl"]
    assert chosen(page, "compression") == ["none"]
    form = {"what": "recipe", "recipe": chosen(page, "recipe"), "formats": chosen(page, "formats")}
    sent(browser, scene, **form)
    wish = queued(stage, scene)
    assert wish
    assert (wish["formats"], wish["compression"]) == (["glb", "stl"], "none")


@pytest.mark.slow
def test_without_any_format_nothing_is_built(stage: Stage):
    scene = inspected(stage, series(1, "CT"))
    page = sent(stage.browser("owner"), scene, what="recipe", recipe="ct-chest").text
    assert "Choose at least one format." in page
    assert chosen(page, "formats") == []
    assert queued(stage, scene) is None


@pytest.mark.slow
def test_each_series_is_offered_what_is_made_for_its_kind(stage: Stage):
    scene = inspected(stage, series(1, "CT", "Thorax"), series(2, "MR", "Head"))
    browser = stage.browser("owner")
    page = browser.get(f"/cases/{scene.case}").text
    assert "disabled" in control(page, "recipe", "mr-head")
    assert chosen(page, "recipe") == ["ct-chest"]
    assert "disabled" not in control(page, "organs", "lung-left")
    # Without a script a button asks for what fits.
    page = sent(browser, scene, **{**CHEST, "series": "2", "show": "fitting"}).text
    assert chosen(page, "recipe") == ["mr-head"]
    assert "disabled" in control(page, "recipe", "ct-chest")
    assert "disabled" in control(page, "organs", "lung-left")
    assert 'id="refused"' not in page
    assert queued(stage, scene) is None


@pytest.mark.slow
def test_a_set_for_another_kind_of_scan_is_refused_with_those_that_fit(stage: Stage):
    scene = inspected(stage, series(1, "CT"), series(2, "MR"))
    page = sent(stage.browser("owner"), scene, **{**CHEST, "series": "2"}).text
    assert "for another kind of scan (Computed tomography)" in page
    assert chosen(page, "series") == ["2"]
    assert chosen(page, "recipe") == ["mr-head"]
    assert queued(stage, scene) is None


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["", "OT"])
def test_a_scan_that_does_not_say_what_it_is_is_asked_for_once_and_built_as_what_was_said(
    stage: Stage, modality: str
):
    scene = inspected(stage, series(1, modality))
    browser = stage.browser("owner")
    page = browser.get(f"/cases/{scene.case}").text
    assert "CT or MR?" in page
    assert chosen(page, "modality") == chosen(page, "recipe") == []
    page = sent(browser, scene, what="organs", organs="brain", formats="glb").text
    assert "Say which of the two the scan is: the file does not." in page
    assert chosen(page, "organs") == ["brain"]
    # Without a script: the answer alone brings what fits.
    page = sent(browser, scene, what="recipe", modality="MR", show="fitting", formats="glb").text
    assert chosen(page, "recipe") == ["mr-head"]
    sent(browser, scene, what="organs", organs="brain", modality="MR", formats="glb")
    wish = queued(stage, scene)
    assert wish
    assert (wish["modality"], wish["organs"], wish["any_modality"]) == ("MR", ["brain"], False)


@pytest.mark.slow
def test_what_the_values_of_a_scan_look_like_is_chosen_beforehand(stage: Stage):
    scene = inspected(stage, series(1, "", tags={"likely_modality": "CT"}))
    page = stage.browser("owner").get(f"/cases/{scene.case}").text
    assert chosen(page, "modality") == ["CT"]
    assert "Its values look like those of a CT." in page
    assert chosen(page, "recipe") == ["ct-body"]


@pytest.mark.slow
def test_a_range_of_intensities_needs_no_kind(stage: Stage):
    scene = inspected(stage, series(1, ""))
    sent(stage.browser("owner"), scene, what="threshold", low="7", formats="glb")
    assert queued(stage, scene) is not None


@pytest.mark.slow
def test_what_a_file_says_is_not_overruled_by_a_choice_out_of_sight(stage: Stage):
    scene = inspected(stage, series(1, "CT"), series(2, ""))
    sent(stage.browser("owner"), scene, **CHEST, series="1", modality="MR")
    wish = queued(stage, scene)
    assert wish
    assert wish["modality"] is None


@pytest.mark.slow
def test_a_kind_of_scan_that_no_recipe_is_for_is_offered_a_range_of_intensities(stage: Stage):
    page = stage.browser("owner").get(f"/cases/{inspected(stage, series(1, 'PT')).case}").text
    assert chosen(page, "what") == ["threshold"]
    assert "No set of organs is made for this kind of scan." in page


@pytest.mark.slow
def test_an_address_that_somebody_made_up_shows_a_form_all_the_same(stage: Stage):
    scene = inspected(stage, series(1, "CT"))
    browser = stage.browser("owner")
    for query in (
        "what=<b>&series=99&recipe=../x&formats=exe&compression=zip&organs=" + "a," * 500,
        "what=threshold&low=" + "9" * 500 + "&refused=yes",
        "what=recipe&recipe=%00&phase=-1&series=x&refused=yes",
        "what=organs&organs=no-such-organ&formats=glb&refused=yes",
        "what=recipe&recipe=/etc/passwd&formats=glb,exe&refused=yes",
    ):
        answer = browser.get(f"/cases/{scene.case}?{query}")
        assert answer.status_code == 200, query
        assert len(chosen(answer.text, "what")) == 1
        assert chosen(answer.text, "recipe") == [build_form.form_of(  # type: ignore[index]
            case_page.found_in({"series": [series(1, "CT")]}), None, flaws={})["chosen"].recipe]  # fmt: skip


@pytest.mark.slow
def test_a_build_can_be_asked_for_again_with_another_format(stage: Stage):
    scene = inspected(stage, series(1, "CT"))
    wish = {"threshold": [None, -400.0], "name": "Air", "formats": ["glb"], "compression": "meshopt"}
    with stage.archive.database.write() as session:
        build = session.get(Build, scene.build)
        assert build
        build.request = wish
    browser = stage.browser("owner")
    link = re.search(r'<a href="([^"]+)">Ask for other formats', browser.get(f"/cases/{scene.case}").text)
    assert link
    page = browser.get(html.unescape(link[1])).text
    assert (chosen(page, "what"), chosen(page, "formats")) == (["threshold"], ["glb"])
    assert ['value=""' in control(page, "low"), 'value="-400"' in control(page, "high")] == [True, True]
    assert 'value="Air"' in control(page, "name")
    assert chosen(page, "compression") == ["meshopt"]


def test_a_scan_that_cannot_be_built_offers_nothing_to_build(stage: Stage):
    with stage.app.test_request_context():
        assert build_form.form_of(case_page.found_in(None), None, flaws={}) is None
        assert build_form.form_of({"series": []}, None, flaws={}) is None


def test_the_recipe_that_the_series_is_named_after_is_chosen_beforehand(stage: Stage):
    with stage.app.test_request_context():
        found = case_page.found_in({"series": [series(1, "CT", "Thorax 1 mm")]})
        plan = build_form.form_of(found, None, flaws={})
        assert plan is not None
        assert plan["chosen"].recipe == "ct-chest"
        assert {each["modality"] for each in plan["recipes"]} == {"CT"}


@pytest.mark.parametrize(
    ("description", "body_part", "recipe"),
    [("", "HEAD", "ct-head"), ("Axial 1 mm", "CHEST", "ct-chest"), ("Thorax", "HEAD", "ct-chest")],
)
def test_the_body_part_chooses_where_the_series_is_called_after_none(
    stage: Stage, description: str, body_part: str, recipe: str
):
    with stage.app.test_request_context():
        found = case_page.found_in({"series": [series(1, "CT", description, tags={"body_part": body_part})]})
        plan = build_form.form_of(found, None, flaws={})
        assert plan is not None
        assert plan["chosen"].recipe == recipe


def test_a_form_begins_with_what_was_asked_for_last_where_the_scan_still_has_it(stage: Stage):
    with stage.app.test_request_context():
        inspection = {"series": [series(1, "CT", "Thorax")]}
        begun = build_form.choices_after({"recipe": "ct-head"}, inspection)
        assert begun is not None
        assert (begun.recipe, begun.formats) == ("ct-head", build_form.USUAL_FORMATS)
        assert build_form.choices_after({"recipe": "mr-head"}, inspection) is None
        assert build_form.choices_after({"recipe": "ct-head", "series": 2}, inspection) is None
        assert build_form.choices_after(None, inspection) is None


def test_every_choice_survives_the_way_through_an_address():
    from urllib.parse import parse_qsl, urlencode

    from werkzeug.datastructures import MultiDict

    made = Choices("2", "1", "MR", "organs", "mr-head", ("a", "b"), "-1", "2,5", "Wäx & co", "yes", ("glb",),
                   "draco", "yes")  # fmt: skip
    assert build_form.choices_in(MultiDict(parse_qsl(urlencode(made.as_query())))) == made


@pytest.mark.slow
def test_both_sides_of_a_pair_are_one_tick_and_each_may_be_had_alone(stage: Stage):
    scene = inspected(stage, series(1, "CT"))
    browser = stage.browser("owner")
    sent(browser, scene, what="organs", organs=["heart", "lung", "kidney-left"], formats="glb")
    wish = queued(stage, scene)
    assert wish is not None
    assert wish["organs"] == ["heart", "lung-left", "lung-right", "kidney-left"]
    again = browser.get(
        f"/cases/{scene.case}?what=organs&organs=lung-left,lung-right,kidney-left&formats=glb"
    ).text
    assert chosen(again, "organs") == ["lung", "kidney-left"]


@pytest.mark.slow
def test_the_organs_that_people_look_for_stand_first(stage: Stage):
    scene = inspected(stage, series(1, "CT"))
    page = stage.browser("owner").get(f"/cases/{scene.case}").text
    whole = re.findall(r'name="organs" value="([a-z-]+)"(?! aria-label)', page)
    assert whole[:5] == ["heart", "lung", "liver", "kidney", "brain"]
    assert len(whole) == len(set(whole))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("here", "english", "german"),
    [
        (False, "fetched once: 27.5 MB, licence Apache-2.0", "einmal geholt wird: 27,5"),
        (True, "By a network that is here; its licence: Apache-2.0", "Durch ein Netz, das hier liegt"),
    ],
)
def test_an_organ_says_what_is_fetched_for_it_before_it_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, here: bool, english: str, german: str
):
    from plastinate.depot import card_named
    from plastinate.depot.model_files import model_folder

    monkeypatch.setenv("PLASTINATE_CACHE", str(tmp_path))
    if here:
        card = card_named("liver-ct")
        model_folder(card).mkdir(parents=True)
        for part in card.parts:
            (model_folder(card) / part.file).touch()
    scene = inspected(stage, series(1, "CT"))
    browser = stage.browser("owner")
    for language, words in (("en", english), ("de", german)):
        page = browser.get(f"/cases/{scene.case}", headers={"Accept-Language": language}).text
        told = re.findall(r'id="fetches-([a-z-]+)"><p class="hint" data-modalities="CT">([^<]*)', page)
        assert [name for name, _ in told] == ["liver"]
        assert words in html.unescape(told[0][1])


def test_every_pair_that_can_be_built_has_a_name_of_its_own():
    from plastinate.recipes.load import list_recipes, organ_groups
    from plastinate.web.wording import PAIRS

    made = {name for recipe in list_recipes() for name in recipe.structures}
    assert {name for name, sides in organ_groups().items() if made & set(sides)} == set(PAIRS)


@pytest.mark.slow
def test_what_is_chosen_beforehand_fetches_nothing(stage: Stage):
    from plastinate.recipes.load import load_recipe
    from plastinate.services.needed_models import names_of_models

    for kind in ("CT", "MR"):
        scene = inspected(stage, series(1, kind, description="no region"))
        page = stage.browser("owner").get(f"/cases/{scene.case}").text
        [recipe] = chosen(page, "recipe")
        assert names_of_models(load_recipe(recipe)) == []
