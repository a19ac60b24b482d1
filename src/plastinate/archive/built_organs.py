"""Whether a build made one of some organs, asked in the database: its summary is one JSON value there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from plastinate.archive.tables import Build


class _MadeOneOf(FunctionElement[bool]):
    """A summary, and the ids of organs."""

    type = Boolean()
    inherit_cache = True


def made_one_of(organ_ids: list[str]) -> ColumnElement[bool]:
    """True for a build with one of these organs; those that were asked for and not found do not count.

    Args:
        organ_ids: of structures, at least one.
    """
    return _MadeOneOf(Build.summary, *(literal(each) for each in organ_ids))


@compiles(_MadeOneOf, "sqlite")
def _in_sqlite(element: _MadeOneOf, compiler: SQLCompiler, **options: Any) -> str:
    summary, ids = _rendered(element, compiler, options)
    return (
        f"EXISTS (SELECT 1 FROM json_tree({summary}, '$.organs') AS organ "  # noqa: S608 (rendered by SQLAlchemy)
        f"WHERE organ.key = 'id' AND organ.value IN ({ids}))"
    )


@compiles(_MadeOneOf, "postgresql")
def _in_postgres(element: _MadeOneOf, compiler: SQLCompiler, **options: Any) -> str:
    summary, ids = _rendered(element, compiler, options)
    return (
        f"EXISTS (SELECT 1 FROM jsonb_path_query({summary}, '$.organs[*].id') AS organ "  # noqa: S608 (as above)
        f"WHERE organ #>> '{{}}' IN ({ids}))"
    )


def _rendered(element: _MadeOneOf, compiler: SQLCompiler, options: Any) -> tuple[str, str]:
    summary, *ids = [compiler.process(each, **options) for each in element.clauses]
    return summary, ", ".join(ids)
