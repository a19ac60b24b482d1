"""A file that anybody may have written is read, or refused in words, whatever stands in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from plastinate.depot.registry import read_own_card
from plastinate.model.errors import PlastinateError
from plastinate.model.foreign_toml import toml_tables
from plastinate.recipes.parse import read_table
from plastinate.services.evaluation_cases import read_cases

DEEP = b"a = " + b"[" * 100_000
STRANGE = [
    (DEEP, "nested too deep"),
    (b"a = " + b"{a=" * 100_000, "nested too deep"),
    (b"a = " + b"9" * 5000, "it is not TOML"),
    (b"\xff\xfe", "it is not TOML"),
    (b"a = ", "it is not TOML"),
    (b"#" * ((1 << 20) + 1), "larger than 1 MB"),
]


@pytest.mark.parametrize(("data", "words"), STRANGE[:-1])
def test_what_is_no_toml_is_a_reason_in_words(data: bytes, words: str):
    with pytest.raises(ValueError, match=words):
        toml_tables(data)


@pytest.mark.parametrize(("data", "words"), STRANGE)
@pytest.mark.parametrize("read", [read_own_card, read_cases, read_table])
def test_cards_cases_and_recipes_refuse_it_alike(
    read: Callable[[Path], object], data: bytes, words: str, tmp_path: Path
):
    path = tmp_path / "deep.toml"
    path.write_bytes(data)
    with pytest.raises(PlastinateError) as refused:
        read(path)
    assert words in refused.value.sentence
