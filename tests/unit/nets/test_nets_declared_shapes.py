"""A card of one's own is held against the network that it describes, before anything of it is kept."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from model_shelf import Places, card, network, set_places
from plastinate.depot import card_named, model_file
from plastinate.depot.read_table import CardTable
from plastinate.depot.run_card import read_run_card
from plastinate.model.depot_errors import ModelCardFlaw, ModelNotFound
from plastinate.nets.card_network import CardNetwork
from plastinate.services.models import add_model

FLOAT, HALF, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.INT64


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


def elsewhere() -> Any:
    made = onnx.helper.make_tensor("kept", FLOAT, [1], b"\0\0\0\0", raw=True)
    onnx.external_data_helper.set_external_data(made, "../../etc/passwd")
    return made


def in_an_attribute(made: Any) -> None:
    made.graph.node.append(onnx.helper.make_node("Constant", [], ["c"], value=elsewhere()))


def in_a_branch(made: Any) -> None:
    branch = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["kept"], ["b"])], "b", [], [])
    branch.initializer.append(elsewhere())
    made.graph.node.append(onnx.helper.make_node("If", ["c"], ["d"], then_branch=branch, else_branch=branch))


def in_a_sparse_weight(made: Any) -> None:
    made.graph.sparse_initializer.add().values.CopyFrom(elsewhere())


def in_a_function(made: Any) -> None:
    made.functions.add().node.append(onnx.helper.make_node("Constant", [], ["c"], value=elsewhere()))


def in_what_is_kept_of_training(made: Any) -> None:
    made.training_info.add().initialization.initializer.append(elsewhere())


@pytest.mark.parametrize(
    "put", [in_an_attribute, in_a_branch, in_a_sparse_weight, in_a_function, in_what_is_kept_of_training]
)
def test_numbers_in_another_file_are_refused_wherever_the_network_names_them(
    places: Places, tmp_path: Path, put: Callable[[Any], None]
):
    made = network()
    put(made)

    with pytest.raises(ModelCardFlaw, match="another file"):
        bring(tmp_path, made.SerializeToString())


@pytest.mark.parametrize("loop", ["Loop", "Scan"])
def test_a_network_that_could_go_round_without_end_is_refused(places: Places, tmp_path: Path, loop: str):
    made = network()
    body = onnx.helper.make_graph([], "body", [], [])
    inner = onnx.helper.make_graph([onnx.helper.make_node(loop, ["n"], ["x"], body=body)], "b", [], [])
    made.graph.node.append(onnx.helper.make_node("If", ["c"], ["d"], then_branch=inner, else_branch=inner))

    with pytest.raises(ModelCardFlaw, match=f"a loop .{loop}."):
        bring(tmp_path, made.SerializeToString())


def test_a_network_that_was_laid_into_its_folder_is_looked_at_before_it_is_opened(tmp_path: Path):
    made = network()
    in_an_attribute(made)
    path = tmp_path / "net.onnx"
    path.write_bytes(made.SerializeToString())
    tables = CardTable("tiny", tomllib.loads(card(model__file="net.onnx")))
    run = read_run_card(tables.below("input"), tables.below("output"))

    with pytest.raises(ModelCardFlaw, match="another file"):
        CardNetwork("tiny", run, path)
