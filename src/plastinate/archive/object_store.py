"""Stored files in an object store (S3, Google, Azure, memory), through obstore; a put is whole or not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plastinate.archive.folder_store import Way
from plastinate.model.case_errors import SettingFlaw

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Bucket

SETTING = "PLASTINATE_STORE"
SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "memory")
BLOCK_BYTES = 1 << 20
PART_BYTES = 8 << 20
PARTS_AT_ONCE = 4
# A long file is read in pieces that each arrive within a request's time, over a slow line too.
ASK_BYTES = 64 << 20
REQUEST_SECONDS = 120


@dataclass(frozen=True)
class ObjectStore:
    """Keys become object names."""

    bucket: Bucket

    def put(self, key: str, source: Path, *, way: Way) -> None:
        """Store a file; with `move` it is gone from where it was."""
        import obstore

        obstore.put(self.bucket, key, source, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
        if way == "move":
            source.unlink(missing_ok=True)

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store bytes."""
        import obstore

        obstore.put(self.bucket, key, data)

    def size(self, key: str) -> int | None:
        """Bytes stored under a key; None where there is nothing."""
        import obstore
        from obstore.exceptions import NotFoundError

        try:
            return int(obstore.head(self.bucket, key)["size"])
        except (NotFoundError, FileNotFoundError):
            return None

    def blocks(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from start up to end, which is not included; asked for at once."""
        import obstore

        def ask(first: int) -> obstore.GetResult:
            return obstore.get(self.bucket, key, options={"range": (first, min(first + ASK_BYTES, end))})

        def read(found: obstore.GetResult) -> Iterator[bytes]:
            for first in range(start, end, ASK_BYTES):
                if first > start:
                    found = ask(first)
                for block in found.stream(min_chunk_size=BLOCK_BYTES):
                    yield bytes(block)

        return read(ask(start))

    def fetch(self, key: str, target: Path) -> bool:
        """An object cannot be lent: it has to be downloaded."""
        del key, target
        return False

    def delete(self, key: str) -> None:
        """Remove an object; nothing there is fine."""
        import obstore
        from obstore.exceptions import NotFoundError

        try:
            obstore.delete(self.bucket, key)
        except (NotFoundError, FileNotFoundError):
            return

    def clear_parts(self, *, older_than_s: float) -> None:
        """Unfinished multipart uploads are the bucket's own to clear, by its lifecycle rule."""
        del older_than_s


def open_bucket(url: str, *, patience_seconds: float = 60) -> ObjectStore:
    """The object store at a URL; its credentials come from the environment (AWS_*, GOOGLE_*, AZURE_*).

    Args:
        url: "s3://BUCKET/PREFIX" and the like.
        patience_seconds: how long a store that is away is asked again.

    Raises:
        SettingFlaw: not a URL of a store that is known here.
    """
    from obstore.exceptions import BaseError
    from obstore.store import MemoryStore, from_url

    scheme = url.partition("://")[0]
    if scheme not in SCHEMES:
        raise SettingFlaw(SETTING, f"{scheme or 'it'} is no store that is known here ({', '.join(SCHEMES)})")
    if scheme == "memory":
        return ObjectStore(MemoryStore())
    patience: dict[str, Any] = {
        "client_options": {
            "timeout": timedelta(seconds=REQUEST_SECONDS),
            "connect_timeout": timedelta(seconds=5),
            # Options given here hide what the environment says of them.
            "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true", "yes"),
        },
        "retry_config": {"max_retries": 6, "retry_timeout": timedelta(seconds=patience_seconds)},
    }
    try:
        return ObjectStore(from_url(url, **patience))
    except (BaseError, ValueError) as error:
        raise SettingFlaw(SETTING, str(error).splitlines()[0][:200]) from error
