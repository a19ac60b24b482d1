from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from plastinate.web.payloads import PictureAsked


@pytest.mark.parametrize("said", [True, "1"])
def test_a_length_of_a_picture_is_a_number_and_not_what_could_be_read_as_one(said: Any):
    with pytest.raises(ValidationError):
        PictureAsked.model_validate({"wall_mm": said})
    with pytest.raises(ValidationError):
        PictureAsked.model_validate({"reference": [1, 2, 30, 40, said]})
    assert PictureAsked.model_validate({"wall_mm": 1, "reference": [1, 2, 30, 40, 5]}).wall_mm == 1.0
