"""A whole application over an archive of its own, with people who own, share and do not know a case.

stage = open_stage(tmp_path)
browser = stage.browser("viewer")      # signed in, with the CSRF token that a page would send
script = stage.script("owner")         # the same person by a token
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from plastinate.archive.archive import Archive, open_archive
from plastinate.archive.tables import (
    ApiToken,
    Build,
    BuildFile,
    Case,
    CaseInput,
    CaseTag,
    Job,
    Person,
    SeriesSlice,
    Share,
    ShareLink,
    now,
)
from plastinate.settings import Settings
from plastinate.web.app import create_app

PEOPLE = ("admin", "owner", "editor", "viewer", "other")
ORIGINAL = b"not much of a scan"
MODEL = bytes(range(256)) * 40
PICTURE = b"\x89PNG\r\n\x1a\n not much of a picture"
STRANGE_NAME = "models/\"ü; X='y'\u202e.stl"
PASSWORD = "correct horse"
# Of PASSWORD, with the least work argon2id takes, so that signing in costs the tests nothing.
PASSWORD_HASH = (
    "$argon2id$v=19$m=8,t=1,p=1$PZ3QliZb1X9FsXgjRwoFpQ$XqTfQptzqKtxBnL3FMwCYiOJyS+9MkadtVcyWg0AY6M"
)
WISH = {"recipe": "ct-chest"}


@dataclass(frozen=True)
class Scene:
    """The ids of one case and of everything that hangs on it; `secret` opens its link."""

    case: str
    job: str
    build: str
    link: str
    secret: str


@dataclass
class Stage:
    """An application, its archive, and the people."""

    app: APIFlask
    archive: Archive
    people: dict[str, str] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def visitor(self) -> FlaskClient:
        """A browser that nobody has signed in with."""
        return self.app.test_client()

    def browser(self, name: str, **session: Any) -> FlaskClient:
        """A browser that somebody has signed in with, on a page that knows the CSRF token."""
        client = self.app.test_client()
        secret = secrets.token_hex(8)
        with client.session_transaction() as cookie:
            cookie.update(_user_id=self.identities[name], _fresh=True, csrf_token=secret, **session)
            cookie.permanent = True
        client.environ_base["HTTP_X_CSRF_TOKEN"] = self.csrf_token(secret)
        return client

    def guest(self, scene: Scene) -> FlaskClient:
        """A browser that has opened the link of a case, on a page that knows the CSRF token."""
        client = self.app.test_client()
        with client.session_transaction() as cookie:
            cookie.update(links=[scene.link], csrf_token="guest")
        client.environ_base["HTTP_X_CSRF_TOKEN"] = self.csrf_token("guest")
        return client

    def script(self, name: str) -> FlaskClient:
        """A script that acts for somebody with a token."""
        client = self.app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {self.tokens[name]}"
        return client

    def csrf_token(self, secret: str) -> str:
        """What a page would carry in its meta element for a session with this secret."""
        signer = URLSafeTimedSerializer(self.app.secret_key or "", salt="wtf-csrf-token")
        return str(signer.dumps(secret))

    def new_scene(self, *, title: str = "Thorax", state: str = "queued") -> Scene:
        """A new case of the owner's, shared with the editor and the viewer, with a job and a build."""
        keep = self.archive.files.keep_bytes
        original, model, picture = keep(ORIGINAL), keep(MODEL), keep(PICTURE)
        secret = secrets.token_urlsafe(16)
        with self.archive.database.write() as session:
            case = Case(owner_id=self.people["owner"], title=title, thumbnail_sha256=picture.sha256)
            case.tags = [CaseTag(tag="chest")]
            case.inputs = [CaseInput(position=0, name="scan.zip", sha256=original.sha256, size=original.size)]
            session.add(case)
            session.flush()
            job = Job(
                case_id=case.id, person_id=self.people["owner"], kind="build", request=WISH, state=state
            )
            job.found, job.glimpse = ["heart"], PICTURE
            build = Build(case_id=case.id, title="Chest", request=WISH, summary={"organs": []})
            build.files = [
                BuildFile(name="scene.glb", sha256=model.sha256, size=model.size),
                BuildFile(name="pictures/preview.png", sha256=picture.sha256, size=picture.size),
                BuildFile(name=STRANGE_NAME, sha256=model.sha256, size=model.size),
            ]
            link = ShareLink(
                case_id=case.id,
                token_sha256=hashlib.sha256(secret.encode()).hexdigest(),
                expires_at=now() + timedelta(hours=1),
            )
            roles = [
                Share(case_id=case.id, person_id=self.people["editor"], role="edit"),
                Share(case_id=case.id, person_id=self.people["viewer"], role="view"),
            ]
            seen = SeriesSlice(case_id=case.id, number=1, sha256=picture.sha256)
            session.add_all([job, build, link, seen, *roles])
            session.flush()
            return Scene(case.id, job.id, build.id, link.id, secret)

    def close(self) -> None:
        """Close the archive."""
        self.archive.close()


def add_view(stage: Stage, scene: Scene) -> None:
    """Give the build of a scene what the viewer reads, as far as a server cares."""
    manifest, pieces = stage.archive.files.keep_bytes(b"{}"), stage.archive.files.keep_bytes(MODEL)
    with stage.archive.database.write() as session:
        session.add_all(
            BuildFile(build_id=scene.build, name=name, sha256=each.sha256, size=each.size)
            for name, each in (("view/scene.json", manifest), ("view/full.bin", pieces))
        )


def open_stage(home: Path, **settings: Any) -> Stage:
    """An application over a new archive in a folder, with the people of PEOPLE."""
    archive = open_archive(Settings(**{"home": home, "store": "memory:///", **settings}))
    stage = Stage(create_app(archive, testing=True), archive)
    with archive.database.write() as session:
        for name in PEOPLE:
            person = Person(email=f"{name}@example.org", name=name.title(), is_admin=name == "admin")
            person.password = PASSWORD_HASH
            session.add(person)
            session.flush()
            secret = f"pl_{name}-{secrets.token_hex(8)}"
            digest = hashlib.sha256(secret.encode()).hexdigest()
            session.add(ApiToken(person_id=person.id, name="test", token_sha256=digest))
            stage.people[name] = person.id
            stage.identities[name] = person.fs_uniquifier
            stage.tokens[name] = secret
    return stage
