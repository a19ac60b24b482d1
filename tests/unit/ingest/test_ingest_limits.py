from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from plastinate.model.errors import ParameterError
from plastinate.stages.ingest.limits import PREFIX, Limits

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "limits.md"


def test_the_page_lists_every_limit_with_its_default() -> None:
    rows = {
        f"| `{PREFIX}{entry.name.upper()}` | {getattr(Limits(), entry.name)} |" for entry in fields(Limits)
    }
    text = PAGE.read_text()
    assert [row for row in sorted(rows) if row not in text] == []


@pytest.mark.parametrize("text", ["0", "-1", "many", "\u00b2", "9" * 5000])
def test_a_limit_that_is_no_number_is_refused_in_a_short_sentence(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}FILES", text)
    with pytest.raises(ParameterError, match="PLASTINATE_LIMIT_FILES") as caught:
        Limits.from_environment()
    assert len(caught.value.sentence) < 200
