"""What goes wrong with a model is said on a page in the reader's language, with a heading of its own."""

from __future__ import annotations

import pytest

from plastinate.model import depot_errors
from plastinate.model.depot_errors import LicenceNotAgreed, ModelAbsent, ModelDamaged, ModelError
from plastinate.model.errors import DownloadFailed, PlastinateError
from plastinate.web.engine_words import reworded
from plastinate.web.wording_errors import ERRORS
from web_stage import Stage

SAID = [
    ModelAbsent("liver-ct", "fetching is switched off (PLASTINATE_MODELS_FETCH=never)"),
    ModelAbsent("liver-ct", "models are fetched by command only (PLASTINATE_MODELS_FETCH=command)"),
    ModelDamaged("liver-ct", "/cache/liver.hdf5", "has other bytes than its card says (SHA-256 differs)"),
    LicenceNotAgreed(
        "it", "CC-BY-NC-4.0", asks="which forbids commercial use", if_so="so", option="--non-commercial"
    ),
    LicenceNotAgreed(
        "it",
        "a licence of its own",
        asks="and nobody here has agreed to it yet",
        if_so="so",
        option="--agree",
    ),
    DownloadFailed("deepbet-1.0.2-py3-none-any.whl", "the server answers 404 (Not Found)"),
]


@pytest.mark.parametrize("error", SAID, ids=lambda error: error.sentence[:60])
def test_a_sentence_about_a_model_is_known_in_german(stage: Stage, error: PlastinateError):
    with stage.app.test_request_context(headers={"Accept-Language": "de"}):
        said = reworded(error.sentence)

    assert said is not None
    assert said != error.sentence


def test_every_error_about_a_model_has_a_heading():
    codes = {
        kind.code
        for kind in vars(depot_errors).values()
        if isinstance(kind, type) and issubclass(kind, ModelError)
    }

    assert codes <= set(ERRORS)
