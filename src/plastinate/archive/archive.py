"""Settings -> the archive: a database and a file store that belong together."""

from __future__ import annotations

from dataclasses import dataclass

from plastinate.archive.database import Database, open_database
from plastinate.archive.files import FileStore, open_store
from plastinate.archive.store_faults import store_faults
from plastinate.settings import Settings


@dataclass(frozen=True)
class Archive:
    """What every service works on.

    Attributes:
        settings: how it was opened.
        database: rows; a row is the commit point.
        files: bytes, by content.
    """

    settings: Settings
    database: Database
    files: FileStore

    def close(self) -> None:
        """Close its connections."""
        self.database.dispose()


def open_archive(settings: Settings) -> Archive:
    """Open the archive, made and brought up to date where needed.

    Its folders are for their owner only: scans are people's own.

    Raises:
        SettingFlaw: a URL that cannot be used, or a database of a newer Plastinate.
        StoreFull, StoreFailed, DatabaseFailed: a disk, a store or a database that refuses.
    """
    with store_faults():
        folders = [settings.home, settings.uploads_folder, settings.store_folder]
        for folder in folders:
            if folder is not None:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = open_database(settings.database_url)
    files = open_store(settings.store, settings.store_folder, database)
    try:
        database.migrate()
    except BaseException:
        database.dispose()
        raise
    return Archive(settings, database, files)
