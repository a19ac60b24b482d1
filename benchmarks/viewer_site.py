"""One server for the viewer and for its peers' pages: the program's own, with a folder under /peers.

with serving_site(folder, peers=built_pages, views={"chest": "/a/folder/with/view"}) as site:
    context.add_cookies(site.cookies);  page.goto(site.pages["chest"])
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from plastinate.archive.archive import Archive, open_archive
from plastinate.archive.tables import Build, BuildFile, Case, Person
from plastinate.settings import Settings
from running_server import Visitor
from web_stage import PASSWORD, PASSWORD_HASH

EMAIL = "ada@example.org"


@dataclass(frozen=True)
class Site:
    """A running server; `pages` has the address of each case in 3D, by its name."""

    url: str
    pages: dict[str, str]
    cookies: list[dict[str, Any]]


@contextmanager
def serving_site(folder: Path, *, peers: Path, views: Mapping[str, Path]) -> Iterator[Site]:
    """Keep these builds in a new archive, and serve it with the peers' folder until the block ends."""
    home = folder / "home"
    archive = open_archive(Settings(home=home))
    try:
        paths = _filled(archive, views)
    finally:
        archive.close()
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ready, told = os.pipe()
    command = [sys.executable, __file__, "--socket", listener.fileno(), "--ready", told, "--peers", peers]
    process = subprocess.Popen(
        [str(each) for each in command],
        pass_fds=[listener.fileno(), told],
        env={**os.environ, "PLASTINATE_HOME": str(home)},
    )
    listener.close()
    os.close(told)
    try:
        if not os.read(ready, 1):
            raise RuntimeError("the server did not start")
        visitor = Visitor(url)
        visitor.sign_in(email=EMAIL, password=PASSWORD)
        cookies = [{"name": each.name, "value": each.value or "", "url": url} for each in visitor.cookies]
        yield Site(url, {name: url + path for name, path in paths.items()}, cookies)
    finally:
        os.close(ready)
        process.terminate()
        process.wait(20)


def _filled(archive: Archive, views: Mapping[str, Path]) -> dict[str, str]:
    """One person, who owns a case for each build; the paths of their pages."""
    paths = {}
    for name, folder in views.items():
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        kept = {path.relative_to(folder).as_posix(): archive.files.keep(path) for path in files}
        told = json.loads((folder / "view" / "scene.json").read_text(encoding="utf-8"))
        build = Build(title=told["title"], request={"organs": []}, summary=_summary(told))
        build.files = [
            BuildFile(name=each, sha256=file.sha256, size=file.size) for each, file in kept.items()
        ]
        with archive.database.write() as session:
            person = session.query(Person).filter_by(email=EMAIL).first()
            if person is None:
                person = Person(email=EMAIL, name="Ada Lovelace", is_admin=True)
                person.password = PASSWORD_HASH
                session.add(person)
                session.flush()
            case = Case(owner_id=person.id, title=name)
            session.add(case)
            session.flush()
            build.case_id = case.id
            session.add(build)
            session.flush()
            paths[name] = f"/cases/{case.id}/builds/{build.id}/view"
    return paths


def _summary(told: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("id", "name", "light", "volume_ml", "reasons")
    organs = []
    for each in told["organs"]:
        colour = [int(each["colour"][at : at + 2], 16) for at in (1, 3, 5)]
        organs.append({**{name: each[name] for name in wanted}, "colour": colour})
    return {"organs": organs, "not_found": told["not_found"]}


def main() -> None:
    """Serve, as the program itself does, until a signal says to stop."""
    from werkzeug.middleware.shared_data import SharedDataMiddleware

    from plastinate.web.server import Server

    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--ready", type=int, required=True)
    parser.add_argument("--peers", required=True)
    given = parser.parse_args()
    given.certificate = given.key = None

    class Together(Server):
        def load(self) -> Any:
            """The program's application, and the peers' files beside it."""
            app = super().load()
            app.wsgi_app = SharedDataMiddleware(app.wsgi_app, {"/peers": given.peers})
            return app

    Together(given).run()


if __name__ == "__main__":
    main()
