from __future__ import annotations

from datetime import timedelta

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Blob, Case, now
from plastinate.services.access import SYSTEM
from plastinate.services.cases import keep_case, trash_case
from plastinate.services.housekeeping import tidy


def test_a_round_empties_the_old_trash_and_sweeps_what_nobody_refers_to(archive: Archive):
    path = archive.settings.home / "scan.dcm"
    path.write_bytes(b"scan")
    thrown, kept = (
        keep_case(archive, owner_id=None, title=name, files=[(name, path)]) for name in ("thrown", "kept")
    )
    stray = archive.files.keep_bytes(b"nobody's")
    trash_case(archive, SYSTEM, thrown.id)
    long_ago = now() - timedelta(days=365)
    with archive.database.write() as session:
        row = session.get(Case, thrown.id)
        assert row is not None
        row.trashed_at = long_ago
        for blob in session.query(Blob):
            blob.touched_at = long_ago
    tidy(archive)
    with archive.database.read() as session:
        assert session.get(Case, thrown.id) is None
        assert session.get(Case, kept.id) is not None
    assert not archive.files.exists(stray.sha256)
    assert archive.files.read(kept.inputs[0].sha256) == b"scan"
