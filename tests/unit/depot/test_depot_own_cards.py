"""A card of one's own is taken at its word only where it holds together, and fits its network."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_shelf import WEIGHTS, Places, card, fetched_card, set_places, sha256
from plastinate.depot import card_named, check_network, model_file
from plastinate.depot.cards import CARD_KEYS, read_card
from plastinate.depot.own_models import add_own_model, remove_model
from plastinate.depot.read_table import CardTable
from plastinate.depot.registry import own_cards, read_own_card
from plastinate.model.depot_errors import (
    LicenceNotAgreed,
    ModelCardFlaw,
    ModelDamaged,
    ModelError,
    ModelNotFound,
)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    return set_places(tmp_path, monkeypatch)


def beside(tmp_path: Path, *, data: bytes = WEIGHTS, **values: Any) -> Path:
    """A card as a person writes it, with its model beside it."""
    folder = tmp_path / "mine"
    folder.mkdir(exist_ok=True)
    (folder / "net.onnx").write_bytes(data)
    text = card(**{"model__file": "net.onnx", **values})
    path = folder / "tiny.toml"
    path.write_text(text)
    return path


def test_a_model_that_was_added_is_known_by_name_and_pinned(places: Places, tmp_path: Path):
    added = add_own_model(beside(tmp_path))

    assert model_file("tiny").read_bytes() == WEIGHTS
    assert added.parts[0].sha256 == sha256(WEIGHTS)
    assert added == card_named("tiny")
    assert model_file("tiny").parent == places.own / "tiny"

    model_file("tiny").write_bytes(WEIGHTS[:-1])
    with pytest.raises(ModelDamaged) as caught:
        model_file("tiny")
    assert "models add" in caught.value.hint


def test_what_the_card_says_comes_out_as_it_was_written(places: Places, tmp_path: Path):
    run = add_own_model(
        beside(
            tmp_path,
            input__axes="SPL",
            input__patch=[32, 64, 64],
            input__overlap=0.25,
            input__padding=-1.0,
            input__scale=None,
            input_scale__kind="clip-and-standardise",
            input_scale__low=-100,
            input_scale__high=300,
            input_scale__mean=80.5,
            input_scale__deviation=140,
            output__kind="sigmoid",
            output_labels__7="spleen",
        )
    ).run

    assert run is not None
    assert (run.axes, run.patch, run.overlap, run.padding) == ("SPL", (32, 64, 64), 0.25, -1.0)
    assert (run.scale.kind, run.scale.low, run.scale.mean, run.scale.deviation) == (
        "clip-and-standardise",
        -100,
        80.5,
        140,
    )
    assert run.labels == {1: "liver", 7: "spleen"}
    assert run.channels == 7


def test_adding_again_replaces_and_a_refusal_changes_nothing(places: Places, tmp_path: Path):
    add_own_model(beside(tmp_path))
    add_own_model(beside(tmp_path, data=b"another network"))
    assert model_file("tiny").read_bytes() == b"another network"

    with pytest.raises(ModelCardFlaw):
        add_own_model(beside(tmp_path, input__patch=[1, 2, 3]))
    assert model_file("tiny").read_bytes() == b"another network"


def test_what_holds_a_card_against_its_network_can_refuse_it(places: Places, tmp_path: Path):
    def look(seen: Any) -> None:
        raise ModelCardFlaw(seen.name, "its network is another one")

    with pytest.raises(ModelCardFlaw, match="another one"):
        add_own_model(beside(tmp_path), look=look)
    with pytest.raises(ModelNotFound):
        card_named("tiny")


def test_a_pinned_card_is_held_to_its_word(places: Places, tmp_path: Path):
    with pytest.raises(ModelCardFlaw, match="SHA-256"):
        add_own_model(beside(tmp_path, model__sha256="0" * 64))


def test_a_removed_model_is_unknown_and_one_of_the_persons_own_making_is_left_alone(
    places: Places, tmp_path: Path
):
    add_own_model(beside(tmp_path))
    remove_model(card_named("tiny"))
    with pytest.raises(ModelNotFound):
        card_named("tiny")

    (places.own / "net.onnx").write_bytes(WEIGHTS)
    places.put_card(card(model__file="net.onnx", model__bytes=len(WEIGHTS), model__sha256=sha256(WEIGHTS)))
    assert model_file("tiny").read_bytes() == WEIGHTS
    with pytest.raises(ModelError, match="models add"):
        remove_model(card_named("tiny"))
    assert (places.own / "net.onnx").exists()


def test_a_removed_model_that_was_fetched_can_be_fetched_again(places: Places):
    places.put_card(fetched_card(places.put_wheel()))
    kept = model_file("tiny")
    older = kept.parent.with_name("tiny-0123456789ab")
    other = kept.parent.with_name("tiny-lungs-0123456789ab")
    for folder in (older, other):
        folder.mkdir()
    (places.cache / ".tiny_weights-1.0-py3-none-any.whl.part").write_bytes(b"half")

    gone = remove_model(card_named("tiny"))

    assert len(gone) == 3
    assert not any(path.exists() for path in gone)
    assert other.exists(), "it belongs to another model"
    assert model_file("tiny").read_bytes() == WEIGHTS


def test_a_licence_against_commerce_needs_a_word_at_the_door(places: Places, tmp_path: Path):
    with pytest.raises(LicenceNotAgreed):
        add_own_model(beside(tmp_path, commercial_use=False))

    add_own_model(beside(tmp_path, commercial_use=False), saying=frozenset({"non-commercial"}))
    assert model_file("tiny").read_bytes() == WEIGHTS


def test_one_bad_card_spoils_no_other_and_is_told_when_asked_for(places: Places):
    places.put_card("name = ", name="broken")
    places.put_card(fetched_card(places.put_wheel()))

    cards, refused = own_cards()

    assert list(cards) == ["tiny"]
    assert "not TOML" in refused[0].sentence
    with pytest.raises(ModelCardFlaw):
        card_named("broken")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"name": "Not A Name"}, "not a name"),
        ({"name": "liver-ct"}, "comes with Plastinate"),
        ({"title": None}, "title: missing"),
        ({"licence": None}, "licence: missing"),
        ({"not_for": ""}, "not_for: must not be empty"),
        ({"modality": ["PET"]}, "modality"),
        ({"commercial_use": "no"}, "true or false"),
        ({"spacing": 1}, "spacing: unknown key"),
        ({"model__file": "../net.onnx"}, "plain file name"),
        ({"model__file": "absent.onnx"}, "there is no absent.onnx"),
        ({"input__axes": "RAR"}, "three letters"),
        ({"input__axes": "RA"}, "three letters"),
        ({"input__spacing_mm": [1.5, 1.5]}, "3 numbers"),
        ({"input__spacing_mm": [1.5, 1.5, 0]}, "does not lie between"),
        ({"input__spacing_mm": [1.5, 1.5, float("nan")]}, "3 numbers"),
        ({"input__patch": [16, 16, 4]}, "does not lie between"),
        ({"input__patch": [16, 16, 16.5]}, "whole numbers"),
        ({"input__patch": [512, 512, 512]}, "more than"),
        ({"input__overlap": 1}, "does not lie between"),
        ({"input_scale__kind": "magic"}, "is none of"),
        ({"input_scale__kind": "window", "input_scale__low": 1, "input_scale__high": 1}, "less than high"),
        ({"input_scale__kind": "window"}, "low: missing"),
        ({"input_scale__kind": "z-score", "input_scale__low": 1}, "unknown key"),
        ({"output__kind": "argmax"}, "is none of"),
        ({"output_labels__0": "air"}, "from 1 to 255"),
        ({"output_labels__2": "liver"}, "same name"),
        ({"output_labels__2": "The Spleen"}, "not a name"),
    ],
)
def test_a_card_that_does_not_hold_together_is_refused_with_its_key(
    places: Places, tmp_path: Path, values: dict[str, Any], told: str
):
    with pytest.raises(ModelCardFlaw, match=told) as caught:
        add_own_model(beside(tmp_path, **values))

    assert "tiny.toml" in caught.value.sentence
    assert not [path for path in places.own.iterdir() if not path.name.startswith(".locks")]


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**400), max_value=10**400)
    | st.floats()
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(key=st.sampled_from(sorted(CARD_KEYS)), inner=st.text(max_size=8) | st.none(), value=ANYTHING)
def test_whatever_a_card_says_it_is_read_or_refused(key: str, inner: str | None, value: Any):
    tables = tomllib.loads(card(model__file="net.onnx", model__bytes=1, model__sha256="0" * 64))
    if inner is not None and isinstance(tables.get(key), dict):
        tables[key][inner if inner not in tables[key] else next(iter(tables[key]))] = value
    else:
        tables[key] = value

    with suppress(ModelCardFlaw):
        table = CardTable("any", tables)
        assert read_card(table.text("name"), table).licence


def test_a_card_without_a_label_is_refused(tmp_path: Path):
    path = tmp_path / "tiny.toml"
    text = card(model__file="net.onnx", model__bytes=1, model__sha256="0" * 64)
    path.write_text(text.replace('1 = "liver"', ""))

    with pytest.raises(ModelCardFlaw, match="no label"):
        read_own_card(path)


@pytest.mark.parametrize(
    ("inputs", "outputs", "told"),
    [
        ([(1, 1, 16, 16, 16)], [(1, 2, 16, 16, 16)], ""),
        ([("batch", 1, None, None, None)], [("batch", 2, "z", "y", "x")], ""),
        ([(1, 1, 16, 16, 24)], [(1, 2, 16, 16, 24)], "takes 1 x 1 x 16 x 16 x 24"),
        ([(1, 3, 16, 16, 16)], [(1, 2, 16, 16, 16)], "takes"),
        ([(1, 1, 16, 16)], [(1, 2, 16, 16)], "takes"),
        ([(1, 1, 16, 16, 16)], [(1, 3, 16, 16, 16)], "gives 1 x 3 x 16 x 16 x 16"),
        ([(1, 1, 16, 16, 16)], [(1, 2, 8, 8, 8)], "gives"),
        ([(1, 1, 16, 16, 16)], [], "gives nothing"),
        ([(1, 1, 16, 16, 16)] * 2, [(1, 2, 16, 16, 16)], "takes 2 inputs"),
    ],
)
def test_a_card_is_held_against_the_shapes_of_its_network(tmp_path: Path, inputs, outputs, told: str):
    path = tmp_path / "tiny.toml"
    path.write_text(card(model__file="net.onnx", model__bytes=1, model__sha256="0" * 64))
    run = read_own_card(path).run
    assert run is not None

    if not told:
        check_network("tiny", run, inputs=inputs, outputs=outputs)
        return
    with pytest.raises(ModelCardFlaw, match=told):
        check_network("tiny", run, inputs=inputs, outputs=outputs)


def test_the_card_in_the_documentation_is_one(places: Places, tmp_path: Path):
    page = (Path(__file__).parents[3] / "docs/reference/models.md").read_text(encoding="utf-8")
    text = page.partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "my-liver.toml").write_text(text)
    (tmp_path / "my-liver.onnx").write_bytes(WEIGHTS)

    run = add_own_model(tmp_path / "my-liver.toml").run

    assert run is not None
    assert run.labels == {1: "liver"}
    assert run.scale.to == (0, 1)


@pytest.mark.parametrize(
    "values",
    [{"name": "t" * 61}, {"name": "t" * 5000}, {"output_labels__1": "l" * 101}, {"output_labels__²": "l"}],
)
def test_a_name_that_no_file_could_bear_is_refused_shortly(tmp_path: Path, values: dict[str, Any]):
    path = tmp_path / "tiny.toml"
    text = card(model__file="net.onnx", model__bytes=1, model__sha256="0" * 64, **values)
    path.write_text(text.replace("\n² =", '\n"²" ='))
    with pytest.raises(ModelCardFlaw, match=r"at most|a label is a whole number") as refused:
        read_own_card(path)
    assert len(refused.value.sentence) < 300
