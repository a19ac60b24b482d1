"""`plastinate serve`: words and options flow in, a running server and its address come out."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plastinate.cli import streams
from plastinate.cli.stopping import Stopped
from plastinate.model.case_errors import PagesMissing

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive

LOCAL, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 (only with --public, which asks for TLS)


@click.command(short_help="Run the whole server on this machine.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Folder of the archive.")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1; with --public every address]")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes any that is free."
)
@click.option("--public", is_flag=True, help="Others may reach it: refuses to start without TLS.")
@click.option("--certificate", type=click.Path(path_type=Path, dir_okay=False), help="TLS: PEM file.")
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="TLS: key of the certificate.")
@click.option("--proxies", type=click.IntRange(0, 8), help="So many reverse proxies stand before it.")
@click.option("--url", help="The address people use, where it is not the one it listens on.")
@click.option("--sample", help="Put this sample scan in, and build its organs (see `plastinate sample`).")
@click.option("--open/--no-open", "opens", default=False, help="Open the browser where there is one.")
def serve(
    *,
    home: Path | None,
    host: str | None,
    port: int,
    public: bool,
    certificate: Path | None,
    key: Path | None,
    proxies: int | None,
    url: str | None,
    sample: str | None,
    opens: bool,
) -> None:
    """Run the whole server on this machine: pages, archive and engine, with nothing to configure.

    The first visitor with the one-time link that is printed becomes the administrator.
    Settings come from PLASTINATE_... variables (docs/reference/settings.md). Ctrl-C stops it.
    """
    from plastinate.settings import read_settings
    from plastinate.web.run_server import Address, run_server

    settings = read_settings(home=home, proxies=proxies, public_url=url)
    address = Address(
        host=host or (EVERYWHERE if public else LOCAL),
        port=port,
        is_public=public,
        certificate=certificate,
        key=key,
    )

    def on_ready(where: str, link: str | None) -> None:
        _tell(where, link)
        if opens:
            _open_browser(link or where)

    try:
        run_server(
            settings,
            address,
            prepare=lambda archive: _put_in(sample, archive) if sample else None,
            on_ready=on_ready,
        )
    except Stopped:
        # To be told to stop is how a server ends well.
        streams.say("Stopped.")


def _tell(where: str, link: str | None) -> None:
    from plastinate.web.built_pages import are_pages_there

    words = [f"Plastinate is at {where}   (Ctrl-C stops it)"]
    is_for_browsers = are_pages_there()
    if not is_for_browsers:
        missing = PagesMissing()
        words += [f"{missing.sentence} {missing.hint} [{missing.code}]"]
    if link and is_for_browsers:
        words += ["Nobody has an account here yet. This link makes its first visitor the administrator:"]
        words += [f"    {link}"]
    elif link:
        words += ["Nobody has an account here yet. A POST of e-mail address, name and password as JSON to"]
        words += [f"    {link.replace('/welcome/', '/api/invitations/')}"]
        words += ["makes the administrator, and answers with a token."]
    # In one piece: a program that reads along sees the link with the address, or knows that there is none.
    click.echo("\n".join(words))


def _put_in(name: str, archive: Archive) -> None:
    """A sample that cannot be had is no reason not to serve."""
    from plastinate.cli import terminal
    from plastinate.cli.models import announce_fetches
    from plastinate.model.errors import SystemFault
    from plastinate.pipeline.progress import ProgressEvent
    from plastinate.services.first_steps import put_sample_in

    def without(organ: str, fault: SystemFault) -> None:
        streams.say(f"warning: {fault.sentence} The sample is built without {organ}. [{fault.code}]")

    try:
        with terminal.bar() as progress:
            announce_fetches(progress)
            put_sample_in(
                archive,
                name,
                progress=lambda doing, share: progress.say(ProgressEvent(share, doing)),
                leaves_out=without,
            )
    except SystemFault as fault:
        streams.say(f"warning: {fault.sentence} The sample is left out. [{fault.code}]")
        streams.say(f"hint:    {fault.hint}")


def _open_browser(where: str) -> None:
    import webbrowser

    # Without a screen, Python would open a text browser in the terminal that shows the server's words.
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(where)
