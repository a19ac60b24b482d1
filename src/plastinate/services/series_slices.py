"""The picture of each series of a case, as its first look saw it: which have one, and which file it is."""

from __future__ import annotations

from sqlalchemy import select

from plastinate.archive.archive import Archive
from plastinate.archive.files import StoredFile
from plastinate.archive.tables import Blob, SeriesSlice
from plastinate.model.case_errors import NotThere
from plastinate.services.access import Actor, case_for

# No scan has more series; a larger number is no number of one.
NUMBER_MAX = 1_000_000


def list_slices(archive: Archive, actor: Actor, case_id: str) -> dict[int, str]:
    """Number of a series -> SHA-256 of its picture, of those that have one.

    Raises:
        NotThere: there is no case that this person may know of.
    """
    with archive.database.read() as session:
        case_for(session, actor, case_id, need="view")
        found = select(SeriesSlice.number, SeriesSlice.sha256).where(SeriesSlice.case_id == case_id)
        return {number: sha256 for number, sha256 in session.execute(found)}  # noqa: C416 (rows are no pairs)


def read_slice(archive: Archive, actor: Actor, case_id: str, *, number: int) -> StoredFile:
    """The picture of one series, a PNG.

    Raises:
        NotThere: no such case to this person, or no picture of that series.
    """
    with archive.database.read() as session:
        case_for(session, actor, case_id, need="view")
        row = session.get(SeriesSlice, (case_id, number)) if 0 < number <= NUMBER_MAX else None
        if row is None:
            raise NotThere("picture")
        blob = session.get_one(Blob, row.sha256)
        return StoredFile(blob.sha256, blob.size)
