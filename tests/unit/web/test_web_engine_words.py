"""What the engine says is said anew on a page, in the reader's language, with its numbers kept."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from flask import Flask

from plastinate.pipeline.run import UNCOVERED
from plastinate.recipes.load import NOT_MADE
from plastinate.stages.segment.head_field import NOTHING
from plastinate.web.engine_sentences import FRAGMENTS, ON_A_PAGE, SENTENCES
from plastinate.web.engine_words import PLACE, reworded, said
from web_stage import Stage

STAGES = Path(__file__).parents[3] / "src" / "plastinate" / "stages"


@pytest.fixture
def app(stage: Stage) -> Flask:
    return stage.app


def spoken(node: ast.expr) -> Iterator[str]:
    """Every text that an expression may give, with 7 for each number or name in it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from spoken(node.body)
        yield from spoken(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        parts = [list(_part(each)) for each in node.values]
        yield from ("".join(chosen) for chosen in product(*parts))


def _part(node: ast.expr) -> Iterator[str]:
    inner = node.value if isinstance(node, ast.FormattedValue) else node
    given = list(spoken(inner)) if isinstance(inner, (ast.Constant, ast.IfExp)) else []
    yield from given or ["7"]


def engine_says() -> Iterator[tuple[str, str]]:
    """Every sentence of a finding and every doubt about a model, as the source writes them."""
    for path in sorted(STAGES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            texts: list[ast.expr] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                texts = node.args[2:4]
            if (
                path.stem in ("plausibility", "blemishes")
                and isinstance(node, ast.Yield)
                and isinstance(node.value, ast.Tuple)
            ):
                texts = node.value.elts[1:]
            yield from ((path.name, each) for text in texts for each in spoken(text))


def reasons_for_nothing() -> Iterator[str]:
    """Every clause that says why a structure was not found."""
    for path in sorted((STAGES / "segment").glob("*.py")):
        names = {}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                names[node.targets[0].id] = node.value
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                at = {"EmptyMask": 1, "found": 2}.get(node.func.id, len(node.args))
                for each in node.args[at : at + 1]:
                    yield from spoken(names.get(each.id, each) if isinstance(each, ast.Name) else each)


@pytest.mark.slow
def test_every_finding_and_every_doubt_of_the_engine_has_a_template(app: Flask):
    heard = sorted(set(engine_says()))
    with app.test_request_context():
        unknown = [text for _, text in heard if reworded(text) is None]
    # Put together from two halves, of which both wholes are known.
    assert unknown == ["7 % of the pixels 7."]
    assert len(heard) > 80


@pytest.mark.slow
def test_every_reason_why_nothing_was_found_is_known_alone_and_in_its_sentence(app: Flask):
    clauses = {UNCOVERED, *reasons_for_nothing()}
    assert {"no bone above 7 HU", NOTHING} < clauses
    with app.test_request_context(headers={"Accept-Language": "de"}):
        for clause in clauses:
            german = reworded(clause)
            assert german is not None, clause
            assert str(reworded(f"Nothing was found for 'skull': {clause}.")).endswith(f": {german}.")
        assert reworded("no bone above 300 HU") == "kein Knochen über 300 HU"


def test_why_an_organ_is_not_made_is_said_on_a_page(app: Flask):
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert str(reworded(NOT_MADE.format(kind="MR"))) == "kein Rezept findet es in MR-Scans"
        assert "TotalSegmentator" in str(reworded("no network of TotalSegmentator finds it in CT scans"))


def test_numbers_names_and_fragments_are_put_where_they_belong(app: Flask):
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert (
            reworded("1,250 ml is larger than the 15 to 150 ml that are usual in adults.")
            == "1.250 ml ist größer als die bei Erwachsenen üblichen 15 bis 150 ml."
        )
        assert (
            reworded("2 slices are missing (12%); the widest gap, 7.5 mm, lies between IM1.dcm and IM2.dcm.")
            == "2 Schichten fehlen (12\N{NO-BREAK SPACE}%); die weiteste Lücke, 7,5 mm, liegt zwischen "
            "IM1.dcm und IM2.dcm."
        )
        assert reworded("2 files: a report, not an image.") == "2 Dateien: ein Bericht, kein Bild."
        assert "kleiner ist als das ihrer Voxel (die Grenze ist 2\N{NO-BREAK SPACE}%" in str(
            reworded(
                "The surface encloses a volume 3.2 % smaller than that of its voxels "
                "(the limit is 2 %; thin walls in coarse voxels often pass it)."
            )
        )


def test_english_stays_as_the_engine_says_it_but_for_what_a_page_does_otherwise(app: Flask):
    with app.test_request_context(headers={"Accept-Language": "en"}):
        for sentence in SENTENCES:
            example = PLACE.sub("7", sentence)
            assert reworded(example) == example
        for sentence, words in ON_A_PAGE.items():
            assert reworded(PLACE.sub("7", sentence)) == words
            assert "--" not in words
            assert "`" not in words


def test_what_is_not_known_is_shown_as_it_is_and_marked_as_english(app: Flask):
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert said("A <b>new</b> sentence.") == (
            '<span lang="en" dir="auto">A &lt;b&gt;new&lt;/b&gt; sentence.</span>'
        )
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert said("A <b>new</b> sentence.") == "A &lt;b&gt;new&lt;/b&gt; sentence."


def test_a_name_in_a_sentence_is_no_markup(app: Flask):
    with app.test_request_context(headers={"Accept-Language": "de"}):
        shown = said("7 values that no scanner gives: 1e+9 in <img src=x>.dcm.")
    assert "<img" not in shown
    assert "&lt;img src=x&gt;" in shown


@pytest.mark.slow
def test_a_long_sentence_that_fits_nothing_is_given_up_at_once(app: Flask):
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert reworded("between " * 4000) is None


def test_every_fragment_is_one_that_the_engine_may_say():
    source = "\n".join(path.read_text(encoding="utf-8") for path in STAGES.rglob("*.py")).replace(
        '"\n            "', ""
    )
    unheard = {each for each in FRAGMENTS if each not in source}
    # Put together from two words, or from a word and a sentence.
    assert {each for each in unheard if each.split()[0] not in ("first", "last", "it")} == set()
