"""Every setting of the server, typed, with its environment variable; one machine needs none of them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from plastinate.model.case_errors import SettingFlaw

PREFIX = "PLASTINATE_"
HOST = r"(?:\[[0-9a-fA-F:.]+\]|[^\s/:@\[\]?#]+)"
# What the text of a setting has to look like, what it is called where it does not, and what would do.
FORMS = {
    # As Dask writes them, but for those that stay within one process.
    "scheduler": (
        rf"(?:tcp|tls|ws|wss)://{HOST}:\d{{1,5}}",
        "it is not the address of a scheduler",
        "Write it with its port: tls://host:8786, or tcp://host:8786.",
    ),
    "public_url": (
        rf"https?://{HOST}(?::\d{{1,5}})?/?",
        "it is not the address of a server of its own",
        "Write it as people type it, without a path: https://scans.example.org.",
    ),
    "limiter": (
        r"[a-z][a-z0-9+]*://.*",
        "it is not the address of a store of counts",
        "Leave it out, or write redis://host.",
    ),
    "secret_key": (
        r".{32,}",
        "it is shorter than 32 characters",
        "Leave it out and one is made, or take what `openssl rand -hex 32` prints.",
    ),
}


def default_home() -> Path:
    """Where the archive of this person lies: the XDG data folder."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "plastinate"


def home_flaw(home: Path, error: OSError) -> SettingFlaw:
    """What to raise where a home cannot be made or written to."""
    return SettingFlaw(
        f"The home {home}",
        f"it cannot be used ({(error.strerror or str(error)).lower()})",
        hint=f"Choose another folder with --home or {PREFIX}HOME.",
    )


@dataclass(frozen=True)
class Settings:
    """What a server, a worker and a command need to know. Every field NAME is read from PLASTINATE_NAME.

    Attributes:
        home: folder of the archive: database, files, uploads under way, secret key.
        database: SQLAlchemy URL; "" is SQLite in the home.
        store: obstore URL ("s3://bucket/prefix", "memory:///"); "" is a folder in the home.
        scheduler: address of a Dask scheduler ("tcp://host:8786"); "" starts a cluster of this machine's own.
        workers: jobs that run at the same time on this machine.
        job_memory_bytes: address space that one job may take.
        job_seconds: wall time that one job may take.
        lease_seconds: a job whose worker has been silent for so long is given to another.
        attempts: how often a job is tried before it fails.
        upload_bytes: largest upload.
        upload_hours: an unfinished upload is cleared after so long.
        trash_days: a case in the trash is deleted for good after so long.
        public_url: the address people use, behind a proxy; decides links and whether cookies need TLS.
        proxies: how many reverse proxies stand before the server; 0 believes no forwarded header.
        secret_key: signs sessions; "" makes one and keeps it in the home.
        limiter: where sign-in attempts are counted ("memory://", "redis://...").
    """

    home: Path = field(default_factory=default_home)
    database: str = ""
    store: str = ""
    scheduler: str = ""
    workers: int = field(default_factory=lambda: max(1, min(4, os.cpu_count() or 1)))
    job_memory_bytes: int = 12 << 30
    job_seconds: int = 3600
    lease_seconds: int = 15
    attempts: int = 3
    upload_bytes: int = 8 << 30
    upload_hours: int = 48
    trash_days: int = 30
    public_url: str = ""
    proxies: int = 0
    secret_key: str = field(default="", repr=False)
    limiter: str = "memory://"

    @property
    def database_url(self) -> str:
        """The database, wherever it is."""
        return self.database or f"sqlite:///{self.home / 'plastinate.db'}"

    @property
    def store_folder(self) -> Path | None:
        """The folder of the stored files; None where they lie elsewhere."""
        return None if self.store else self.home / "files"

    @property
    def uploads_folder(self) -> Path:
        """Where uploads under way lie, on the machine that receives them."""
        return self.home / "uploads"

    @property
    def is_tls(self) -> bool:
        """Whether people reach the server under https."""
        return self.public_url.startswith("https://")

    def environment(self) -> dict[str, str]:
        """The settings as environment variables, for the processes that the server starts."""
        return {PREFIX + each.name.upper(): str(getattr(self, each.name)) for each in fields(self)}


def read_settings(environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from the environment; what is `given` (and not None) comes first.

    Raises:
        SettingFlaw: a value that cannot be what it should be.
    """
    source = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for each in fields(Settings):
        text = source.get(PREFIX + each.name.upper())
        if text not in (None, ""):
            values[each.name] = _typed(each.name, text or "")
    values.update({name: value for name, value in given.items() if value is not None})
    for name, (form, flaw, hint) in FORMS.items():
        if values.get(name) and not re.fullmatch(form, values[name], re.DOTALL):
            raise SettingFlaw(PREFIX + name.upper(), flaw, hint=hint)
    if "home" in values:
        values["home"] = Path(values["home"]).expanduser().absolute()
    return Settings(**values)


def _typed(name: str, text: str) -> Any:
    kinds = {each.name: each.type for each in fields(Settings)}
    if kinds[name] != "int":
        return text
    try:
        number = int(text)
    except ValueError as error:
        raise SettingFlaw(PREFIX + name.upper(), f"{text!r} is not a whole number") from error
    if number < (0 if name == "proxies" else 1):
        raise SettingFlaw(PREFIX + name.upper(), f"{number} is too small")
    return number
