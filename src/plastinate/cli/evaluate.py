"""`plastinate evaluate`: a file of cases flows in, a scoreboard comes out, and its means on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from plastinate.cli import streams


@click.command(short_help="Score what is built against references, and write a scoreboard.")
@click.argument("cases", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the scoreboard."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder that the paths in CASES are below.  [default: the folder of CASES]",
)
@click.option("--case", "only", multiple=True, help="Only this case, or several: a,b; may be repeated.")
@click.option("--fresh", is_flag=True, help="Score all anew, also what lies in the folder already.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON for machines.")
def evaluate(
    cases: Path, *, output: Path, data: Path | None, only: tuple[str, ...], fresh: bool, as_json: bool
) -> None:
    """Build the organs of every case in the file CASES and score them against its references.

    The folder then holds scoreboard.html with the worst slices, scoreboard.md, scores.csv and
    scoreboard.json. Stopped, it goes on where it was. Exit status 6 if not one case could be scored.
    """
    from plastinate.cli import terminal
    from plastinate.services.build_models import names_in
    from plastinate.services.evaluate import EvaluationRequest
    from plastinate.services.evaluate import evaluate as run_evaluation

    request = EvaluationRequest(cases, output, data=data, only=names_in(only), is_fresh=fresh)
    with terminal.bar() as progress:
        report = run_evaluation(request, progress=progress)
    if as_json:
        streams.print_json(report)
    else:
        terminal.print_scores(report, output)
    if not any("scores" in case for case in report["cases"]):
        sys.exit(6)
