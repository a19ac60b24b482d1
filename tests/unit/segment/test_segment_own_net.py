"""A network of one's own on a scan: masks where the answer is known, and no card is believed."""

from __future__ import annotations

import numpy as np
import pytest

from anatomy_phantoms import dice, grid, positions
from card_networks import PATCH, above, bring, convolution
from model_shelf import set_places
from plastinate.depot import card_named, model_file
from plastinate.model.depot_errors import ModelCardFlaw, NetworkUnsound
from plastinate.model.errors import Cancelled, EmptyMask, MemoryShort, NoMillimetres, ParameterError
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.nets import fit_patch
from plastinate.nets.card_network import CardNetwork
from plastinate.nets.session import Session
from plastinate.stages.segment import own_net as method
from plastinate.stages.segment.own_net import own_net
from voxel_scenes import volume_of

LABELS = {"output_labels__1": "liver", "output_labels__2": "spleen"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    set_places(tmp_path, monkeypatch)
    return tmp_path / "mine"


def scene(*, feet_first=False, spacing_mm=3.0):
    """Fat with a ball of 100 HU on the right and, higher up, a smaller one of 200 HU on the left."""
    geometry = grid((26, 30, 34), spacing_mm, feet_first=feet_first)
    x, y, z = positions(geometry)
    values = np.full(geometry.shape, -100, np.int16)
    low = (x + 18) ** 2 + y**2 + (z + 9) ** 2 <= 18**2
    high = (x - 24) ** 2 + (y - 9) ** 2 + (z - 15) ** 2 <= 12**2
    values[low], values[high] = 100, 200
    return Volume(geometry, values, "HU", "CT"), low, high


@pytest.mark.slow
@pytest.mark.parametrize("axes", ["RAS", "SPL", "PIR"])
@pytest.mark.parametrize("feet_first", [False, True])
def test_masks_lie_where_the_voxels_are_whatever_the_axes_and_the_spacing(here, axes, feet_first):
    model = bring(here, above(0), input__axes=axes, input__spacing_mm=[2.5, 2.0, 2.2], input__padding=-100)
    volume, low, high = scene(feet_first=feet_first)
    volume.array[high] = 100
    mask = own_net(volume, model=model).masks[0]
    assert dice(mask, low | high) > 0.95
    # Each in its own place, and not in that of the other.
    assert (mask & low).sum() > 0.9 * low.sum()
    assert (mask & high).sum() > 0.9 * high.sum()


def test_on_the_scan_s_own_voxels_the_masks_are_exact(here):
    model = bring(here, above(0, 150), input__spacing_mm=[3, 3, 3], input__padding=-100, **LABELS)
    volume, low, high = scene()
    made = own_net(volume, model=model, labels=["spleen", "liver"])
    assert (made.masks[0] == high).all()
    assert (made.masks[1] == low).all()
    assert made.findings == ()


def test_a_network_is_shown_the_axes_that_the_card_names(here):
    """It answers where the next voxel along its last axis is darker: the upper side, if that axis is S."""
    kernel = np.zeros((2, 1, 1, 1, 3))
    kernel[1, 0, 0, 0] = [0, 1, -1]
    model = bring(here, convolution(kernel, [0, -50]), input__spacing_mm=[3, 3, 3], input__padding=-100)
    volume, low, _ = scene()
    volume.array[volume.array == 200] = -100
    made = own_net(volume, model=model).masks[0]
    z = positions(volume.geometry)[2]
    assert made.sum() == low.any(axis=0).sum()
    assert (z[made] >= -9).all()


@pytest.mark.parametrize(
    ("network", "values"),
    [
        (above(0, 150), {"output__kind": "softmax"}),
        (above(0, 150, after="Softmax"), {"output__kind": "softmax", "output__gives_logits": False}),
        (above(0, 150, after="ArgMax"), {"output__kind": "labels"}),
        (convolution([[[[[1]]]], [[[[1]]]]], [0, -150]), {"output__kind": "sigmoid"}),
    ],
    ids=["logits", "likelihoods", "label numbers", "sigmoid"],
)
def test_each_kind_of_answer_is_read_as_the_card_says(here, network, values):
    model = bring(here, network, input__spacing_mm=[3, 3, 3], input__padding=-100, **LABELS, **values)
    volume, low, high = scene()
    made = own_net(volume, model=model)
    assert (made.masks[1] == high).all()
    # Labels of a sigmoid do not exclude each other: what is above the second threshold is above the first.
    assert (made.masks[0] == (low | high if values["output__kind"] == "sigmoid" else low)).all()


def test_likelihoods_agree_with_the_masks_about_every_voxel(here):
    model = bring(here, above(0, 150, steep=0.02), input__padding=-100, **LABELS)
    made = own_net(scene()[0], model=model)
    for mask, likelihood in zip(made.masks, made.likelihoods, strict=True):
        assert likelihood.dtype == np.float16
        assert likelihood[mask].min() >= 0.5
        assert likelihood[~mask].max() < 0.5
        assert np.unique(likelihood).size > 3


def test_more_labels_than_memory_should_hold_come_without_likelihoods(here):
    thresholds = tuple(range(0, 90, 10))
    labels = {f"output_labels__{number}": f"part-{number}" for number in range(1, 10)}
    model = bring(here, above(*thresholds), input__spacing_mm=[3, 3, 3], **labels)
    made = own_net(scene()[0], model=model)
    assert len(made.masks) == 9
    assert made.likelihoods == ()
    assert len(own_net(scene()[0], model=model, labels=["part-9"]).likelihoods) == 1


def test_a_label_that_is_nowhere_has_an_empty_mask_and_none_at_all_is_no_model(here):
    model = bring(here, above(0, 500), input__padding=-100, **LABELS)
    volume = scene()[0]
    assert [mask.any() for mask in own_net(volume, model=model).masks] == [True, False]
    with pytest.raises(EmptyMask, match="recognises none"):
        own_net(volume, model=model, labels=["spleen"])


def test_what_was_not_measured_belongs_to_nothing_and_is_shown_as_padding(here):
    model = bring(here, above(0), input__spacing_mm=[3, 3, 3], input__padding=500)
    volume, low, high = scene()
    hidden = np.zeros_like(low)
    hidden[:, :, :17] = True
    volume.array[hidden] = UNMEASURED_INT16
    mask = own_net(volume, model=model).masks[0]
    assert (mask == ((low | high) & ~hidden)).all()


@pytest.mark.parametrize(
    ("scale", "threshold"),
    [
        ({"kind": "window", "low": -100, "high": 300, "to": [-1, 1]}, -0.5),
        ({"kind": "clip-and-standardise", "low": -90, "high": 190, "mean": 50, "deviation": 25}, -2.0),
        ({"kind": "percentiles", "low_percent": 0, "high_percent": 100, "to": [0, 3]}, 1.0),
    ],
    ids=lambda value: str(value["kind"] if isinstance(value, dict) else ""),
)
def test_the_network_sees_numbers_scaled_as_its_card_says(here, scale, threshold):
    # Each threshold is 0 HU; voxels of the scene lie well on either side of it.
    said = {f"input_scale__{key}": value for key, value in scale.items()}
    model = bring(here, above(threshold), input__spacing_mm=[3, 3, 3], input__padding=-9, **said)
    volume, low, high = scene()
    assert (own_net(volume, model=model).masks[0] == (low | high)).all()


def test_a_scan_is_standardised_by_its_own_mean_and_deviation(here):
    model = bring(
        here,
        above(2.0),
        modality=["MR"],
        input__spacing_mm=[1, 1, 1],
        input_scale__kind="z-score",
        input__padding=-9,
    )
    values = np.random.default_rng(3).normal(400, 30, (20, 22, 24)).astype(np.float32)
    expected = values > values.mean() + 2 * values.std()
    assert (own_net(volume_of(values, quantity="a.u."), model=model).masks[0] == expected).all()


def test_another_modality_is_refused_in_words(here):
    model = bring(here, above(0))
    values = np.full((20, 20, 20), 100, np.float32)
    with pytest.raises(EmptyMask, match="made for CT"):
        own_net(volume_of(values, quantity="a.u."), model=model)


def test_a_scan_without_millimetres_is_refused(here):
    model = bring(here, above(0))
    with pytest.raises(NoMillimetres):
        own_net(volume_of(np.full((20, 20, 20), 100, np.int16), unit="px"), model=model)


@pytest.mark.parametrize(
    ("network", "values", "words"),
    [
        (above(0), {"output_labels__2": "spleen"}, "gives 1 x 2 x .* the card says 1 x 3"),
        (above(0, after="Softmax"), {}, "gives_logits = false"),
        (above(0), {"output__gives_logits": False}, "have to lie from 0 to 1"),
        (convolution([[[[[0.001]]]]], [0.5]), {"output__kind": "sigmoid"}, "gives_logits = false"),
        (
            above(0, 150, after="ArgMax"),
            {"output__kind": "labels"},
            "the label 2, which the card does not name",
        ),
    ],
    ids=["number of labels", "likelihoods", "logits", "sigmoids", "unknown label"],
)
def test_a_card_that_lies_is_refused_at_the_first_answer_that_shows_it(
    here, network, values, words, monkeypatch
):
    # Brought without a look at the declared shapes: what a file declares may lie as well.
    model = bring(here, network, **values)
    with pytest.raises(ModelCardFlaw, match=words):
        own_net(scene()[0], model=model)


def test_a_network_that_answers_with_no_number_is_refused(here):
    model = bring(here, convolution([[[[[np.nan]]]], [[[[1]]]]], [0, 0]))
    with pytest.raises(NetworkUnsound, match="NaN"):
        own_net(scene()[0], model=model)


CONVERSION = """Exception from src/inference/src/cpp/core.cpp:84:
Check 'false' failed at src/frontends/common_translators/src/unconverted_ops_report.cpp:151:
FrontEnd API failed with OpConversionFailure:
Model wasn't fully converted.
Summary:
-- No conversion rule found for operations: Nonsense-28

"""
RESHAPE = """Check 'is_possible' failed at src/core/reshape_shape_inference.hpp:360:
While validating node 'opset1::Reshape out'
Requested output shape [1,2,7] is incompatible with input shape
"""


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (CONVERSION, "No conversion rule found for operations: Nonsense-28"),
        (RESHAPE, "Requested output shape [1,2,7] is incompatible with input shape"),
        ("[ONNXRuntimeError] : 1 : FAIL : Incompatible dimensions.\nmore", "Incompatible dimensions"),
        ("Exception from src/inference/core.cpp:84:", "Exception from src/inference/core.cpp:84:"),
        ("", "RuntimeError"),
    ],
)
def test_what_a_runtime_reports_is_told_by_the_line_that_says_why(here, report, why):
    def fails(inputs):
        raise RuntimeError(report)

    card = card_named(bring(here, above(0)))
    asked = CardNetwork("tiny", card.run, here, session=Session(fails, "openvino"))
    with pytest.raises(NetworkUnsound) as refused:
        asked(np.zeros((1, 1, 8, 8, 8), np.float32))
    assert refused.value.sentence.endswith(f"{why}).")


def test_a_file_that_no_runtime_loads_is_refused_in_a_sentence(here):
    model = bring(here, b"no network at all")
    with pytest.raises(NetworkUnsound, match="cannot be loaded"):
        own_net(scene()[0], model=model)


def test_labels_that_the_card_does_not_have_are_refused(here):
    model = bring(here, above(0))
    with pytest.raises(ParameterError, match="no label 'spleen'; it has liver"):
        own_net(scene()[0], model=model, labels=["spleen"])
    with pytest.raises(ParameterError, match="twice"):
        own_net(scene()[0], model=model, labels=["liver", "liver"])
    with pytest.raises(ParameterError, match="method of its own"):
        own_net(scene()[0], model="liver-ct")


def test_the_work_can_be_stopped_between_two_patches(here):
    model = bring(here, above(0))

    def stop(share):
        if share > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        own_net(scene()[0], model=model, progress=stop)


def test_mirror_images_do_not_move_what_a_network_finds(here):
    model = bring(here, above(0, 150), input__spacing_mm=[3, 3, 3], input__padding=-100, **LABELS)
    volume, low, high = scene()
    made = own_net(volume, model=model, mirrored=True)
    assert (made.masks[0] == low).all()
    assert (made.masks[1] == high).all()


def test_short_of_memory_the_patches_become_smaller_and_the_finding_says_so(here, monkeypatch):
    model = bring(here, above(0), input__patch=[64, 64, 64], input__spacing_mm=[3, 3, 3], input__padding=-100)
    needed = fit_patch.run_bytes(model_file(model), (64, 64, 64))
    monkeypatch.setattr(method, "_require_room", lambda *_: None)
    monkeypatch.setattr(method, "spare_memory_bytes", lambda: needed // 3)
    volume, low, high = scene()
    made = own_net(volume, model=model)
    assert (made.masks[0] == (low | high)).all()
    assert [each.code for each in made.findings] == ["segment.smaller-patches"]
    assert made.findings[0].details == {"wished": [64, 64, 64], "taken": [32, 32, 64]}


def test_a_network_of_one_size_says_how_much_memory_it_lacks(here, monkeypatch):
    model = bring(here, above(0, patch=PATCH))
    monkeypatch.setattr(method, "_require_room", lambda *_: None)
    monkeypatch.setattr(method, "spare_memory_bytes", lambda: 1000)
    with pytest.raises(MemoryShort, match="24 x 24 x 24 voxels: it takes"):
        own_net(scene()[0], model=model)


def test_a_field_that_memory_cannot_hold_is_refused_before_any_work(here, monkeypatch):
    model = bring(here, above(0), input__spacing_mm=[0.05, 0.05, 0.05])
    with pytest.raises(MemoryShort, match="voxels of the network"):
        own_net(scene()[0], model=model)
