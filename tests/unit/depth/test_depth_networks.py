"""A better depth network is asked as its makers ask it; one that answers otherwise is told of in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from depth_models import like_depth_anything, like_midas, own_card, put_in_place
from drawn_pictures import tilted_plane
from model_shelf import Places, set_places
from plastinate.depot import registry
from plastinate.depot.model_files import bring
from plastinate.depot.registry import card_named
from plastinate.model.depot_errors import LicenceNotAgreed, ModelCardFlaw, NetworkUnsound
from plastinate.model.errors import ParameterError, RecipeNotFound
from plastinate.model.picture import Picture
from plastinate.nets.picture_net import PictureNet, resized
from plastinate.recipes.load import load_recipe
from plastinate.services import depth_choice
from plastinate.services.models import add_model
from plastinate.stages import catalog
from plastinate.stages.depth.depth_net import USUAL, depth_net, network_of, plain_depth

BETTER = {"depth-anything-v2-small": like_depth_anything(), "midas-v21-small": like_midas()}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    """A mirror that holds a small network under the name of each better one."""
    made = set_places(tmp_path, monkeypatch)
    put_in_place(monkeypatch, BETTER, tmp_path)
    for name, data in BETTER.items():
        (made.mirror / f"{name}.onnx").write_bytes(data)
    yield made
    monkeypatch.undo()
    registry.built_in_cards.cache_clear()


def agreed(name: str) -> None:
    bring(card_named(name), saying=frozenset({"agree"}))


@pytest.mark.slow
@pytest.mark.parametrize("name", BETTER)
def test_the_depth_of_a_plane_that_is_redder_where_it_is_nearer_comes_out(places: Places, name: str):
    drawn = tilted_plane((96, 128))
    agreed(name)

    found = depth_net(drawn.picture, model=name, side_px=96)

    nearness = resized(drawn.rgb[..., 0] / np.float32(255), found.depth.shape)
    low, high = np.percentile(nearness, (0.5, 99.5))
    truth = 1 / (0.2 + 0.8 * np.clip((nearness - low) / (high - low), 0, 1))
    inner = slice(4, -4)
    assert np.abs(found.depth / truth - 1)[inner, inner].max() < 0.06
    assert found.confidence.mean() > 0.9
    plain = plain_depth(drawn.picture, model=name, shape=found.depth.shape)
    assert np.corrcoef(plain.ravel(), truth.ravel())[0, 1] > 0.99


@pytest.mark.slow
def test_a_network_of_any_size_sees_the_picture_in_its_own_proportions_and_in_whole_patches(places: Places):
    agreed("depth-anything-v2-small")
    network = network_of("depth-anything-v2-small")

    seen = {shape: network.answer(np.zeros((*shape, 3), np.uint8)).shape for shape in ((30, 40), (40, 30))}
    long = network.answer(np.zeros((10, 4000, 3), np.uint8)).shape
    half = network.answer(np.zeros((40, 40, 3), np.uint8), share=0.5).shape

    assert seen == {(30, 40): (518, 686), (40, 30): (686, 518)}
    assert all(length % 14 == 0 for length in (*long, *half))
    assert half == (252, 252)
    # Of a strip no more is seen than its height bears.
    assert (long[0], long[1] / long[0]) == (518, pytest.approx(2.5, abs=0.03))


@pytest.mark.slow
def test_one_over_the_depth_that_is_the_same_everywhere_is_flat(places: Places):
    agreed("midas-v21-small")
    even = Picture(np.full((64, 64, 3), 90, np.uint8), None, np.full((64, 64), 90, np.uint16))

    assert np.ptp(depth_net(even, model="midas-v21-small", side_px=64).depth) == 0


@pytest.mark.parametrize("name", BETTER)
def test_no_network_that_asks_for_agreement_is_opened_without_it(places: Places, name: str):
    with pytest.raises(LicenceNotAgreed, match="nobody here has agreed"):
        depth_net(tilted_plane((32, 48)).picture, model=name)
    assert not places.cache.exists()


def network(answer: Any, *, ask: tuple[Any, ...] = (1, 3, 256, 256)) -> bytes:
    """A network that always gives the same."""
    value = np.asarray(answer, dtype=np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceSum", ["in"], ["sum"], keepdims=0),
            helper.make_node("Mul", ["sum", "nought"], ["none"]),
            helper.make_node("Add", ["none", "answer"], ["out"]),
        ],
        "always",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, ask)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, value.shape)],
        [numpy_helper.from_array(value, "answer"), numpy_helper.from_array(np.float32(0), "nought")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (network(np.zeros((1, 2, 16, 16))), "gives 1 x 2 x 16 x 16, and one plane"),
        (network(np.zeros(1000)), "gives 1000, and one plane"),
        (network(np.full((1, 16, 16), np.nan)), "no number"),
        (network(np.zeros((1, 16, 16)), ask=(1, 4, 256, 256)), "cannot be run"),
        (b"this is no network", "cannot be loaded"),
    ],
    ids=["two planes", "a list", "not a number", "four colours", "words"],
)
def test_a_network_that_answers_otherwise_than_with_a_plane_is_told_of_in_words(
    tmp_path: Path, data: bytes, words: str
):
    (tmp_path / "net.onnx").write_bytes(data)
    with pytest.raises(NetworkUnsound, match=words) as caught:
        PictureNet(
            tmp_path / "net.onnx", side=256, normalised=False, name="mine", engine="onnxruntime"
        ).answer(np.zeros((20, 30, 3), np.uint8))
    assert "'mine'" in caught.value.sentence


def brought(tmp_path: Path, data: bytes, *, saying: frozenset[str] = frozenset(), **values: Any) -> Any:
    folder = tmp_path / "mine"
    folder.mkdir(exist_ok=True)
    (folder / "mine.onnx").write_bytes(data)
    (folder / "mine.toml").write_text(own_card(**values))
    return add_model(folder / "mine.toml", saying=saying)


def test_a_depth_network_of_ones_own_is_asked_as_its_card_says(places: Places, tmp_path: Path):
    card = brought(tmp_path, like_midas()).card
    assert card.sees is not None
    assert (card.sees.side, card.sees.tiles, card.sees.kind) == (256, 0, "inverse-depth")

    drawn = tilted_plane((48, 64))
    near, far = depth_net(drawn.picture, model="mine", side_px=64).depth[[4, -4]].mean(axis=1)
    assert near < 0.7 * far

    with pytest.raises(RecipeNotFound) as caught:
        load_recipe("own:mine")
    assert "--depth mine" in caught.value.hint


def test_a_depth_network_of_ones_own_that_forbids_commerce_waits_for_the_word(places: Places, tmp_path: Path):
    with pytest.raises(LicenceNotAgreed, match="forbids commercial use"):
        brought(tmp_path, like_midas(), commercial_use=False)
    assert brought(tmp_path, like_midas(), commercial_use=False, saying=frozenset({"non-commercial"}))
    assert depth_net(tilted_plane((48, 64)).picture, model="mine", side_px=64).depth.shape == (48, 64)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"input__side": 224}, "takes 1 x 3 x 256 x 256, and the card says 1 x 3 x 224 x 224"),
        ({"input__patch": 14}, "multiples of 14"),
        ({"input__side": 8}, "does not lie between"),
        ({"input__mirror_share": 0.5}, "at one size"),
        ({"input__axes": 3}, "unknown key"),
        ({"output__kind": "labels"}, "none of depth, inverse-depth"),
    ],
    ids=str,
)
def test_a_card_that_does_not_fit_its_depth_network_is_refused(
    places: Places, tmp_path: Path, values: dict[str, Any], words: str
):
    with pytest.raises(ModelCardFlaw, match=words):
        brought(tmp_path, like_midas(), **values)


def test_a_network_of_ones_own_that_names_another_file_is_never_opened(places: Places, tmp_path: Path):
    brought(tmp_path, like_midas())
    lying = onnx.load_from_string(like_midas())
    lying.graph.initializer[0].data_location = TensorProto.EXTERNAL
    kept = places.own / "mine" / "mine.onnx"
    kept.write_bytes(lying.SerializeToString())
    with pytest.raises(ModelCardFlaw, match="another file"):
        PictureNet(kept, side=256, normalised=False, is_pinned_here=False)


def test_a_model_that_knows_no_depth_is_not_asked_about_it(places: Places):
    with pytest.raises(ParameterError, match="does not say how far"):
        depth_net(tilted_plane((32, 48)).picture, model="foreground")


def test_the_usual_network_is_the_same_for_recipes_forms_and_the_method_itself():
    assert depth_choice.USUAL == USUAL == catalog.DEPTH["depth-net"].models[0]
    assert not card_named(USUAL).must_agree
    first, *better = depth_choice.depth_networks()
    assert first.name == USUAL
    assert {card.name for card in better} >= set(BETTER)
