"""What lies about -> nothing: uploads given up, cases long in the trash, ended sessions, files of nobody."""

from __future__ import annotations

from plastinate.archive.archive import Archive
from plastinate.services.cases import empty_old_trash
from plastinate.services.sign_in import forget_ended_sessions
from plastinate.services.uploads import clear_old_uploads


def tidy(archive: Archive) -> None:
    """One round. Safe beside everything else, and in several processes at once.

    Raises:
        SystemFault: the database or the store refuses; what is done is done.
    """
    clear_old_uploads(archive)
    empty_old_trash(archive)
    forget_ended_sessions(archive)
    archive.files.sweep()
