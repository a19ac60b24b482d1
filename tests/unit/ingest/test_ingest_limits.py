from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from plastinate.stages.ingest.limits import PREFIX, Limits

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "limits.md"


def test_the_page_lists_every_limit_with_its_default() -> None:
    rows = {
        f"| `{PREFIX}{entry.name.upper()}` | {getattr(Limits(), entry.name)} |" for entry in fields(Limits)
    }
    text = PAGE.read_text()
    assert [row for row in sorted(rows) if row not in text] == []
