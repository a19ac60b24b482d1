"""`plastinate login`, `logout`, `push` and `pull`: a scan flows to a server, its models come back."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plastinate.cli import streams
from plastinate.cli.organs_option import SeveralOrgans
from plastinate.cli.picture_options import picture_wish, pushed_picture_options
from plastinate.cli.windows import window
from plastinate.model.case_errors import ServerRefused, ServerUnreachable
from plastinate.model.errors import PlastinateError

if TYPE_CHECKING:
    from plastinate.client.connection import Server
    from plastinate.client.stored_zip import Packet


@click.command(short_help="Sign in to a server, for `push` and `pull`.")
@click.argument("url")
@click.option("--email", help="Asked for where it is not given.")
@click.option("--token", help="Keep this API token instead of asking for a password; - reads it from stdin.")
def login(url: str, *, email: str | None, token: str | None) -> None:
    """Sign in to the server at URL, so that `push` and `pull` can talk to it.

    A token is kept for this person on this machine, never the password. Without a
    terminal give a token: what stands on a command line, others on the machine can read.
    """
    from plastinate.client import cases, logins
    from plastinate.client.connection import Server, server_at

    server = server_at(url)
    if token is not None:
        server = Server(server.url, _token_of(token))
    else:
        _require_terminal()
        email = email or click.prompt("E-mail", err=True)
        password = click.prompt("Password", hide_input=True, err=True)
        name = f"plastinate on {platform.node() or 'a machine'}"
        server = cases.sign_in(server, email=str(email), password=password, name=name)
    name = cases.who_am_i(server)
    kept = logins.remember(server, is_given=token is not None)
    click.echo(f"Signed in to {server.url} as {name}. The token lies in {kept}.")


@click.command(short_help="Forget the token for a server.")
@click.argument("url", required=False)
def logout(url: str | None) -> None:
    """Forget the token for the server at URL, or for the one signed in to last.

    A token that `login` made is made void on the server too. One that you brought with
    --token may be in use elsewhere, and is only forgotten here.
    """
    from plastinate.client import cases, logins

    server, is_given = logins.kept_for(url)
    elsewhere = f"It still holds; delete it at {server.url}/account if nothing else uses it."
    if is_given:
        ended = f"You brought that token yourself. {elsewhere}"
    else:
        try:
            is_ended = cases.end_token(server)
            ended = "It is void on the server too." if is_ended else "On the server it was void already."
        except (ServerUnreachable, ServerRefused) as fault:
            ended = f"{fault.sentence} {elsewhere}"
    logins.forget(server.url)
    click.echo(f"The token for {server.url} is forgotten here. {ended}")


@click.command(cls=SeveralOrgans, short_help="Send a scan or a picture to a server, to be built there.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--title",
    default="",
    help="What to call the case; without it as the scan calls itself, else as the folder or file.",
)
@click.option("--recipe", help="Build by this recipe.")
@click.option(
    "--organ",
    "organs",
    multiple=True,
    metavar="ORGAN...",
    help="Build these: heart lung liver; may be repeated.",
)
@click.option(
    "--threshold", callback=window, metavar="LOW:HIGH", help="Build one surface of what lies between."
)
@click.option("--name", help="What to call the surface of --threshold.")
@click.option(
    "--format", "formats", multiple=True, help="Only these formats: glb,stl; without it all that fit."
)
@pushed_picture_options
@click.option("--series", type=int, help="Which series, as the case's page numbers them.")
@click.option("--wait", is_flag=True, help="Wait until everything is done.")
@click.option("--server", "url", help="Which server; without it the one signed in to last.")
@click.option("--json", "as_json", is_flag=True, help="Print the case as JSON for machines.")
def push(path: Path, **options: Any) -> None:
    """Send the scan or the picture in PATH to a server and make a case of it.

    An upload that broke off goes on where it stopped when the same command is given again.
    What the server cannot build is refused before anything is sent.
    """
    from plastinate.client import cases, logins

    wish = _wish(options)
    server = logins.signed_in(options["url"])
    if wish:
        cases.require_possible(server, wish)
    case = _send(server, path, options["title"])
    where = f"{server.url}/cases/{case['id']}"
    try:
        _build(server, case["id"], wish, is_waiting=options["wait"])
    except PlastinateError:
        # What is wrong only now lies in the scan; it need not be sent again to build something else of it.
        streams.say(f"What was sent is on the server: {where}")
        raise
    if options["as_json"]:
        streams.print_json({"url": where, **server.ask("GET", f"/api/cases/{case['id']}")})
    else:
        click.echo(where)


@click.command(short_help="Fetch the newest models of a case.")
@click.argument("case")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder; without it one named by title and id."
)
@click.option("--format", "formats", multiple=True, help="Only these: glb,stl; may be repeated.")
@click.option("--server", "url", help="Which server; without it that of CASE, or the one signed in to last.")
def pull(case: str, *, output: Path | None, formats: tuple[str, ...], url: str | None) -> None:
    """Fetch the newest models of CASE: its id, or the address of its page.

    Every file is checked against its SHA-256. The certificate comes with any choice of formats.
    """
    from plastinate.cli import terminal
    from plastinate.client import cases, logins
    from plastinate.client.answers import said
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
    folder = output or cases.folder_for(cases.read_case(server, case_id), Path())
    with terminal.counter("fetching") as count:
        written = download(server, chosen(build["files"], wanted), folder, progress=count)
    click.echo(f"{len(written)} files of “{said(build['title'])}” are in {folder}.")


def _send(server: Server, path: Path, title: str) -> dict[str, Any]:
    from plastinate.cli import terminal
    from plastinate.client import cases

    packet = _packed(path)
    with terminal.counter("sending") as count:
        return cases.make_case(server, packet, title=title, progress=count)


def _packed(path: Path) -> Packet:
    from plastinate.cli import terminal
    from plastinate.client.stored_zip import pack

    with terminal.counter("reading") as count:
        return pack(path, progress=(lambda done, total: count(done, total, "reading")) if count else None)


def _build(server: Server, case_id: str, wish: dict[str, Any], *, is_waiting: bool) -> None:
    from plastinate.client import cases

    if is_waiting or wish:
        # What can be built is known when the server has looked.
        _wait(lambda progress: cases.wait_for_all(server, case_id, progress=progress))
    if wish:
        job = cases.start_build(server, case_id, wish)
        if is_waiting:
            _wait(lambda progress: cases.wait_for(server, job["id"], progress=progress))


def _wish(options: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be built, as the API takes it; empty where nothing is.

    Raises:
        click.UsageError: words about a build, and none that says of what.
    """
    from plastinate.services.build_models import names_in

    wish = {
        "recipe": options["recipe"],
        "organs": list(names_in(options["organs"])),
        "threshold": options["threshold"] and list(options["threshold"]),
        "name": options["name"],
        "formats": list(names_in(options["formats"])),
        "series": options["series"],
        "picture": picture_wish(options),
    }
    given = {name: value for name, value in wish.items() if value not in (None, [])}
    if given and not given.keys() & {"recipe", "organs", "threshold", "picture"}:
        raise click.UsageError("Say what to build too: --recipe, --organ, --threshold or --as.")
    return given


def _token_of(given: str) -> str:
    token = (sys.stdin.readline() if sys.stdin else "") if given == "-" else given
    if not token.strip():
        raise click.UsageError("The token is empty.")
    return token.strip()


def _require_terminal() -> None:
    from plastinate.model.case_errors import NoTerminal

    if sys.stdin is None or not sys.stdin.isatty():
        raise NoTerminal("the e-mail address and the password")


def _wait(run: Callable[[Callable[[float, str], None]], object]) -> None:
    from plastinate.cli import terminal
    from plastinate.pipeline.progress import ProgressEvent

    with terminal.bar() as progress:
        run(lambda share, doing: progress.say(ProgressEvent(share, doing)))
