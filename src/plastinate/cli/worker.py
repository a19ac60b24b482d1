"""`plastinate worker`: options flow in, a process that does jobs for a scheduler runs until it is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from plastinate.cli import streams


def _resources(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, float]:
    del context, parameter
    found: dict[str, float] = {}
    for value in values:
        name, equals, amount = value.partition("=")
        try:
            found[name.strip()] = float(amount)
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            raise click.BadParameter(f"{value!r} is not NAME=AMOUNT, for example GPU=1")
    return found


@click.command(short_help="Do jobs of a server that another machine runs.")
@click.option("--scheduler", help="Address of the Dask scheduler: tcp://HOST:8786.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), help="Jobs at the same time.  [default: cores, at most 4]"
)
@click.option("--name", help="What the scheduler calls it.  [default: its address]")
@click.option(
    "--resource",
    "resources",
    multiple=True,
    callback=_resources,
    metavar="NAME=AMOUNT",
    help="GPU=1; repeatable.",
)
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Folder for files under work.")
def worker(
    *, scheduler: str | None, jobs: int | None, name: str | None, resources: Any, home: Path | None
) -> None:
    """Join a Dask scheduler and do its jobs, where one machine is too small for a server.

    It needs the archive of the server: PLASTINATE_DATABASE and PLASTINATE_STORE as they are there.
    TERM or Ctrl-C ends it; what it was doing is given back and done by another.
    """
    from plastinate.archive.archive import open_archive
    from plastinate.engine.worker import run_worker, take_environment
    from plastinate.settings import home_flaw, read_settings

    settings = read_settings(scheduler=scheduler, workers=jobs, home=home)
    if not settings.scheduler:
        raise click.UsageError("Say which scheduler: --scheduler tcp://HOST:8786, or PLASTINATE_SCHEDULER.")
    if not settings.database:
        streams.say(f"warning: PLASTINATE_DATABASE is not set: only jobs of the archive in {settings.home}.")
    try:
        (settings.home / "scratch").mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise home_flaw(settings.home, error) from error
    take_environment(settings)
    open_archive(settings).close()
    run_worker(settings, name=name, resources=resources, say=streams.say)
