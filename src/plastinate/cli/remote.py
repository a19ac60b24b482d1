"""`plastinate login`, `push` and `pull`: a scan flows to a server, its models come back."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plastinate.cli import streams

if TYPE_CHECKING:
    from plastinate.client.connection import Server
    from plastinate.client.stored_zip import Packet


@click.command()
@click.argument("url")
@click.option("--email", help="Asked for where it is not given.")
@click.option("--token", help="Keep this API token instead of asking for a password.")
def login(url: str, *, email: str | None, token: str | None) -> None:
    """Sign in to the server at URL, so that `push` and `pull` can talk to it.

    A token is kept for this person on this machine, never the password.
    """
    from plastinate.client import cases, logins
    from plastinate.client.connection import Server, server_at

    server = server_at(url)
    if token:
        server = Server(server.url, token)
    else:
        email = email or click.prompt("E-mail", err=True)
        password = click.prompt("Password", hide_input=True, err=True)
        name = f"plastinate on {platform.node() or 'a machine'}"
        server = cases.sign_in(server, email=str(email), password=password, name=name)
    name = cases.who_am_i(server)
    kept = logins.remember(server)
    click.echo(f"Signed in to {server.url} as {name}. The token lies in {kept}.")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--title", default="", help="What to call the case; without it the name of the folder or file.")
@click.option("--recipe", help="Build by this recipe.")
@click.option("--organ", "organs", multiple=True, help="Build these: lung-left,lung-right; may be repeated.")
@click.option("--series", type=int, help="Which series, as the case's page numbers them.")
@click.option("--wait", is_flag=True, help="Wait until everything is done.")
@click.option("--server", "url", help="Which server; without it the one signed in to last.")
@click.option("--json", "as_json", is_flag=True, help="Print the case as JSON for machines.")
def push(
    path: Path,
    *,
    title: str,
    recipe: str | None,
    organs: tuple[str, ...],
    series: int | None,
    wait: bool,
    url: str | None,
    as_json: bool,
) -> None:
    """Send the scan in PATH to a server and make a case of it.

    An upload that broke off goes on where it stopped when the same command is given again.
    """
    from plastinate.client import cases, logins

    server = logins.signed_in(url)
    case = _send(server, path, title)
    wish = _wish(recipe, organs, series)
    if wait or wish:
        # What can be built is known when the server has looked.
        _wait(lambda progress: cases.wait_for_all(server, case["id"], progress=progress))
    if wish:
        job = cases.start_build(server, case["id"], wish)
        if wait:
            _wait(lambda progress: cases.wait_for(server, job["id"], progress=progress))
    where = f"{server.url}/cases/{case['id']}"
    if as_json:
        streams.print_json({"url": where, **server.ask("GET", f"/api/cases/{case['id']}")})
    else:
        click.echo(where)


@click.command()
@click.argument("case")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder; without it one named CASE.")
@click.option("--format", "formats", multiple=True, help="Only these: glb,stl; may be repeated.")
@click.option("--server", "url", help="Which server; without it that of CASE, or the one signed in to last.")
def pull(case: str, *, output: Path | None, formats: tuple[str, ...], url: str | None) -> None:
    """Fetch the newest models of CASE: its id, or the address of its page.

    Every file is checked against its SHA-256. The certificate comes with any choice of formats.
    """
    from plastinate.cli import terminal
    from plastinate.client import cases, logins
    from plastinate.client.download import chosen, download
    from plastinate.model.errors import RecipeNotFound
    from plastinate.services.build_models import names_in
    from plastinate.stages.export.formats import FORMATS

    wanted = names_in(formats)
    for name in wanted:
        if name not in FORMATS:
            raise RecipeNotFound("format", name, near=sorted(FORMATS))
    named_server, case_id = cases.case_named(case)
    server = logins.signed_in(url or named_server)
    build = cases.newest_build(server, case_id)
    folder = output or Path(case_id)
    with terminal.counter("fetching") as count:
        written = download(server, chosen(build["files"], wanted), folder, progress=count)
    click.echo(f"{len(written)} files of “{build['title']}” are in {folder}.")


def _send(server: Server, path: Path, title: str) -> dict[str, Any]:
    from plastinate.cli import terminal
    from plastinate.client import cases

    packet = _packed(path)
    with terminal.counter("sending") as count:
        return cases.make_case(server, packet, title=title or path.resolve().stem, progress=count)


def _packed(path: Path) -> Packet:
    from plastinate.cli import terminal
    from plastinate.client.stored_zip import pack

    with terminal.counter("reading") as count:
        return pack(path, progress=(lambda done, total: count(done, total, "reading")) if count else None)


def _wish(recipe: str | None, organs: tuple[str, ...], series: int | None) -> dict[str, Any]:
    from plastinate.services.build_models import names_in

    names = list(names_in(organs))
    if not recipe and not names:
        return {}
    wish: dict[str, Any] = {"recipe": recipe, "organs": names}
    return wish if series is None else {**wish, "series": series}


def _wait(run: Callable[[Callable[[float, str], None]], object]) -> None:
    from plastinate.cli import terminal
    from plastinate.pipeline.progress import ProgressEvent

    with terminal.bar() as progress:
        run(lambda share, doing: progress.say(ProgressEvent(share, doing)))
