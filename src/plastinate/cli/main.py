"""The command `plastinate`: what a person can ask from a shell.

Imports of anything heavier than click happen inside the commands, so that
`plastinate --help` answers at once.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from plastinate import __version__
from plastinate.cli import streams
from plastinate.cli.evaluate import evaluate
from plastinate.cli.models import announce_fetches, models
from plastinate.cli.organs_option import SeveralOrgans
from plastinate.cli.picture_options import (
    build_from_picture,
    inspect_picture,
    picture_option_of,
    picture_options,
    takes_pictures,
)
from plastinate.cli.remote import login, logout, pull, push
from plastinate.cli.serve import serve
from plastinate.cli.stopping import Stopped, stopping_politely
from plastinate.cli.windows import window
from plastinate.cli.worker import worker
from plastinate.model.errors import PlastinateError

# More than any mask of the largest volume allowed could need in a model that anything opens.
TRIANGLES_MAX = 100_000_000
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="plastinate")
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong; may stand anywhere.")
def cli(*, debug: bool) -> None:
    """Turn CT and MR scans into organ models that state how far to trust them.

    For teaching, research and planning aid; not for diagnosis.

    Exit status: 0 done, 1 a flaw of the program, 2 wrong command line, 3 the files,
    4 a safety limit, 5 the recipe, 6 nothing trustworthy came out, 7 the machine,
    8 a server said no, 130 stopped by Ctrl-C (129 or 143 by another signal),
    141 the reader of a pipe left early.
    """
    del debug  # taken off before the words are parsed, see `run`


@cli.command(short_help="Say what is in PATH, and what was set aside, in plain words.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def inspect(path: Path, *, as_json: bool) -> None:
    """Say what is in PATH: series, gaps, tilt, what was set aside, in plain words."""
    from plastinate.cli import terminal
    from plastinate.services.inspect_path import inspect_path

    if inspect_picture(path, as_json=as_json):
        return
    with terminal.counter("looking at the files") as count:
        inspection = inspect_path(path, progress=count)
    if as_json:
        streams.print_json(inspection.as_dict())
    else:
        terminal.print_inspection(inspection)


@cli.command(cls=SeveralOrgans, short_help="Build organ models and a certificate from the scan in PATH.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for the models; without it one here, named as PATH with -models after it.",
)
@click.option(
    "--recipe",
    help="Name of a recipe (see `plastinate recipes`), path of a recipe file, own:MODEL, or"
    " totalsegmentator:TASK.",
)
@click.option(
    "--organ",
    "organs",
    multiple=True,
    metavar="ORGAN...",
    help="One organ or several: heart lung liver; a pair's name means both (see `plastinate recipes`).",
)
@click.option(
    "--by",
    type=click.Choice(["totalsegmentator"]),
    help="Whose networks find the organs, instead of Plastinate's own recipes.",
)
@click.option(
    "--threshold", callback=window, metavar="LOW:HIGH", help="One surface of all that lies between."
)
@click.option(
    "--prompts",
    type=click.Path(path_type=Path),
    help="File of boxes, clicks, scribbles and outlines on slices: a network outlines what they mark.",
)
@click.option("--name", default="surface", show_default=True, help="What to call the surface of --threshold.")
@click.option("--largest", is_flag=True, help="Keep only the largest piece of --threshold.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    help="glb stl obj ply 3mf usdz nifti nrrd seg, or several: glb,stl; may be repeated. seg needs DICOM.",
)
@click.option(
    "--compression",
    type=click.Choice(["meshopt", "draco", "none"]),
    default="meshopt",
    show_default=True,
    help="How GLB files are packed.",
)
@click.option(
    "--triangles",
    type=click.IntRange(min=100, max=TRIANGLES_MAX),
    help="At most so many in the finest surface.",
)
@click.option("--single-level", is_flag=True, help="Only the finest surface, no lighter ones.")
@click.option("--series", type=int, help="Which series, as `inspect` numbers them.")
@click.option("--phase", type=int, help="Which phase of the series, likewise.")
@click.option(
    "--modality",
    type=click.Choice(["CT", "MR"], case_sensitive=False),
    help="What the scan is, where its files do not say (NIfTI, NRRD, MetaImage).",
)
@click.option("--allow-gaps", is_flag=True, help="Interpolate across missing slices; they are marked.")
@click.option("--any-modality", is_flag=True, help="Run the recipe although the scan is of another kind.")
@click.option("--no-check", is_flag=True, help="Skip the measuring: faster, and no certificate.")
@click.option("--no-preview", is_flag=True, help="Skip the pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON for machines.")
@picture_options
def build(**options: Any) -> None:
    """Build organ models from the scan in PATH, with a certificate of how far to trust them.

    Of one picture (JPEG, PNG, WebP, TIFF, or one DICOM picture as of an X-ray) a model is estimated, and
    every file says so. Of two in one folder or zip, taken side by side, one scene is made.
    """
    from plastinate.cli import terminal

    if takes_pictures(options):
        build_from_picture(options)
        return
    _require_something_asked(options)
    from plastinate.pipeline.run import DEFAULT_LEVELS, RunOptions
    from plastinate.services.build_models import DEFAULT_FORMATS, BuildRequest, build_models, names_in
    from plastinate.services.output_folder import models_folder
    from plastinate.services.prompts_file import read_prompts

    output = options["output"] or models_folder(options["path"])
    levels = {} if options["single_level"] else dict(DEFAULT_LEVELS)
    levels["full"] = options["triangles"]
    request = BuildRequest(
        path=options["path"],
        output=output,
        recipe=options["recipe"],
        organs=names_in(options["organs"]),
        by=options["by"] or "",
        threshold=options["threshold"],
        prompts=None if options["prompts"] is None else read_prompts(options["prompts"]),
        name=options["name"],
        largest_only=options["largest"],
        series=options["series"],
        phase=options["phase"],
        modality=options["modality"] or "",
        allow_gaps=options["allow_gaps"],
        any_modality=options["any_modality"],
        formats=names_in(options["formats"]) or DEFAULT_FORMATS,
        compression=options["compression"],
        options=RunOptions(levels=levels, check=not options["no_check"]),
        with_preview=not options["no_preview"],
    )
    with terminal.bar() as progress:
        announce_fetches(progress)
        result = build_models(request, progress=progress)
    if options["as_json"]:
        report = {
            "files": dict(result.files),
            "removed": list(result.removed),
            "run": result.run.as_dict(),
            **result.scene.evidence.as_dict(),
        }
        streams.print_json(report)
    else:
        terminal.print_build(result, output)


def _require_something_asked(options: dict[str, Any]) -> None:
    """Refuse a build of which nothing is asked; where nothing lies to be built, that is said first."""
    is_asked = any(options[name] for name in ("recipe", "organs", "threshold", "prompts"))
    strange = picture_option_of(options)
    if is_asked and not strange:
        return
    from plastinate.services.build_models import not_one_wish
    from plastinate.services.inspect_path import inspect_path

    inspect_path(options["path"])
    if strange:
        raise click.UsageError(f"{strange} is for one picture, and this is none; say --as if it is.")
    error = not_one_wish()
    raise click.UsageError(f"{error.sentence} {error.hint}")


@cli.command(short_help="Convert a mesh or a label map to another format.")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--compression",
    type=click.Choice(["meshopt", "draco", "none"]),
    default="meshopt",
    help="How a GLB is packed.",
)
def convert(source: Path, target: Path, *, compression: str) -> None:
    """Convert a mesh or a label map SOURCE to the format of TARGET (stl obj ply glb 3mf nii.gz seg.nrrd)."""
    from plastinate.cli import terminal
    from plastinate.services.convert_mesh import convert_file

    terminal.print_findings(convert_file(source, target, compression=compression))
    click.echo(f"{target} is written.")


@cli.command(short_help="List what can be built, and for which kind of scan.")
@click.option("--by", type=click.Choice(["totalsegmentator"]), help="What that program's networks find.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def recipes(*, by: str | None, as_json: bool) -> None:
    """List the recipes, what each makes, and for which kind of scan; those of your own models last."""
    from plastinate.cli import terminal
    from plastinate.recipes.load import list_own_recipes, list_recipes, list_totalsegmentator_recipes

    found = list_totalsegmentator_recipes() if by else [*list_recipes(), *list_own_recipes()]
    if as_json:
        rows = [
            {"name": r.name, "title": r.title, "modality": r.modality, "structures": list(r.structures)}
            for r in found
        ]
        streams.print_json(rows)
    else:
        terminal.print_recipes(found)


@cli.command(short_help="Show every step of a recipe, with its numbers and reasons.")
@click.argument("recipe")
def plan(recipe: str) -> None:
    """Show every step of RECIPE with its numbers, its reasons and their sources."""
    from plastinate.cli import terminal
    from plastinate.pipeline.plan import plan as plan_recipe
    from plastinate.recipes.load import load_recipe

    loaded = load_recipe(recipe)
    terminal.print_plan(loaded, plan_recipe(loaded))


@cli.command(short_help="Fetch a sample scan as DICOM, or list the samples.")
@click.argument("name", required=False)
@click.argument("folder", type=click.Path(path_type=Path), required=False)
def sample(name: str | None, folder: Path | None) -> None:
    """Fetch the sample scan NAME and write it as DICOM into FOLDER; with no NAME, list them."""
    from plastinate.cli import terminal
    from plastinate.pipeline.progress import ProgressEvent
    from plastinate.services.sample import fetch_sample
    from plastinate.services.sample_sources import SAMPLES

    if name is None:
        terminal.print_samples(SAMPLES)
        return
    if folder is None:
        raise click.UsageError("Say where to write it: plastinate sample NAME FOLDER")
    with terminal.bar() as progress:
        info = fetch_sample(
            name, folder, progress=lambda doing, share: progress.say(ProgressEvent(share, doing))
        )
    terminal.print_sample(info)


@cli.command(short_help="Check that this installation is sound.")
def doctor() -> None:
    """Check that this installation is sound, piece by piece."""
    from plastinate.cli import terminal
    from plastinate.services.doctor import examine

    checks = examine()
    terminal.print_checks(checks)
    if not all(check.is_sound for check in checks):
        sys.exit(7)


for command in (evaluate, models, serve, worker, login, logout, push, pull):
    cli.add_command(command)


def run(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit status; errors become a sentence, a code and a hint."""
    given = sys.argv[1:] if arguments is None else arguments
    # Wherever it stands: the hint says "run again with --debug", and people add it at the end.
    debug = "--debug" in given
    streams.take_any_stream()
    try:
        status = _attempt([word for word in given if word != "--debug"], debug=debug)
    finally:
        streams.let_go()
    sys.exit(status)


def _attempt(words: list[str], *, debug: bool) -> int:
    printed_to = sys.stdout
    try:
        with stopping_politely():
            cli.main(args=words, standalone_mode=False)
        sys.stdout.flush()
        status = 0
    except SystemExit as leaving:
        # Click and rich end the process themselves when the reader of a pipe has gone.
        # Rich does it where it met the error; click has put another stream into the place of stdout.
        is_pipe = isinstance(leaving.__context__, BrokenPipeError) or sys.stdout is not printed_to
        status = streams.BROKEN_PIPE_STATUS if is_pipe else int(leaving.code or 0)
    except BrokenPipeError:
        status = streams.BROKEN_PIPE_STATUS
    except click.exceptions.Exit as leaving:
        status = leaving.exit_code
    except click.ClickException as wrong:
        with contextlib.suppress(OSError):
            wrong.show()
        status = wrong.exit_code
    except (click.Abort, KeyboardInterrupt) as stopped:
        # Click hides a KeyboardInterrupt behind its own Abort.
        cause = stopped if isinstance(stopped, Stopped) else stopped.__cause__ or stopped.__context__
        # What is kept all the same says so itself.
        left = "; ".join(getattr(cause, "__notes__", ())) or "nothing half-written was left"
        streams.say(f"Stopped on request; {left}.")
        status = 128 + (cause.number if isinstance(cause, Stopped) else signal.SIGINT)
    except PlastinateError as error:
        if debug:
            raise
        status = _explain(error)
    except MemoryError:
        streams.say("error: This machine ran out of memory. [system.out-of-memory]")
        streams.say("hint:  Close other programs, or build fewer organs at a time.")
        status = 7
    except Exception as error:  # the one catch-all of this door: no traceback reaches a person unasked
        if debug:
            raise
        if isinstance(error, OSError) and (fault := streams.print_fault(error)):
            return _explain(fault)
        streams.say(
            f"error: Something unforeseen happened: {type(error).__name__}: {error} [plastinate.error]"
        )
        streams.say(f"hint:  {PlastinateError.hint}")
        status = 1
    return status


def _explain(error: PlastinateError) -> int:
    # What a server calls it, where a server said it: the same row of the table as in the browser.
    code = getattr(error, "remote_code", "") or error.code
    streams.say(f"error: {error.sentence} [{code}]")
    streams.say(f"hint:  {error.hint}")
    return error.exit_status


if __name__ == "__main__":
    run()
