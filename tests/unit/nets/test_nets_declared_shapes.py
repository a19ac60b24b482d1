"""A card of one's own is held against the network that it describes, before anything of it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from model_shelf import Places, card, network, set_places
from plastinate.depot import card_named, model_file
from plastinate.model.depot_errors import ModelCardFlaw, ModelNotFound
from plastinate.services.models import add_model

HALF, INT64 = onnx.TensorProto.FLOAT16, onnx.TensorProto.INT64


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    return set_places(tmp_path, monkeypatch)


def bring(tmp_path: Path, data: bytes, **values: Any) -> None:
    (tmp_path / "net.onnx").write_bytes(data)
    (tmp_path / "tiny.toml").write_text(card(**{"model__file": "net.onnx", **values}))
    add_model(tmp_path / "tiny.toml")


def test_a_network_that_does_as_its_card_says_is_taken(places: Places, tmp_path: Path):
    bring(tmp_path, network().SerializeToString())

    assert model_file("tiny").is_file()


@pytest.mark.parametrize(
    ("made", "values", "told"),
    [
        ({"takes": (1, 1, 32, 32, 32)}, {}, "takes 1 x 1 x 32"),
        ({"gives": (1, 5, 16, 16, 16)}, {}, "gives 1 x 5"),
        ({}, {"output_labels__4": "spleen"}, "the card says 1 x 5"),
        ({"number": HALF}, {}, "takes float16"),
        ({"made": INT64}, {}, "gives int64"),
    ],
)
def test_a_card_that_says_something_else_than_its_network_is_refused(
    places: Places, tmp_path: Path, made: dict[str, Any], values: dict[str, Any], told: str
):
    with pytest.raises(ModelCardFlaw, match=told):
        bring(tmp_path, network(**made).SerializeToString(), **values)
    with pytest.raises(ModelNotFound):
        card_named("tiny")


def test_whole_label_numbers_are_possible_where_the_card_says_so(places: Places, tmp_path: Path):
    made = network(made=INT64, gives=(1, 1, 16, 16, 16))
    bring(tmp_path, made.SerializeToString(), output__kind="labels", output__gives_logits=False)

    assert model_file("tiny").is_file()


@pytest.mark.parametrize("data", [b"no network at all", bytes(range(256)) * 40])
def test_what_is_no_onnx_file_is_refused(places: Places, tmp_path: Path, data: bytes):
    with pytest.raises(ModelCardFlaw, match="no ONNX file"):
        bring(tmp_path, data)


def test_weights_in_another_file_are_not_fetched_from_wherever_the_network_says(
    places: Places, tmp_path: Path
):
    made = network()
    onnx.external_data_helper.set_external_data(made.graph.initializer[0], "../../etc/passwd")

    with pytest.raises(ModelCardFlaw, match="another file"):
        bring(tmp_path, made.SerializeToString())
