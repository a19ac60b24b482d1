"""What a person sees in a shell: bars, tables, traffic lights."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from plastinate.model.series import UNSAID
from plastinate.pipeline.progress import Progress, ProgressEvent

if TYPE_CHECKING:
    from plastinate.model.evidence import Finding, NotFound, VolumeRange
    from plastinate.model.recipe import Recipe
    from plastinate.model.series import Inspection, Series
    from plastinate.pipeline.plan import PlannedStep
    from plastinate.services.build_models import BuildResult
    from plastinate.services.doctor import Check
    from plastinate.services.sample import SampleInfo
    from plastinate.services.sample_sources import Sample

LIGHTS = {"green": "[green]● green[/]", "amber": "[yellow]▲ amber[/]", "red": "[red]■ red[/]"}
SEVERITIES = {
    "note": "[dim]note[/]",
    "repaired": "[green]repaired[/]",
    "warning": "[yellow]warning[/]",
    "problem": "[red]problem[/]",
}

# So many structures that were not found have a line each; of a whole body's a chest holds half.
NOT_FOUND_SINGLY = 8
# A range from here on is told in whole millilitres.
WHOLE_ML = 100

out = Console(highlight=False, soft_wrap=sys.stdout is None or not sys.stdout.isatty())
err = Console(stderr=True, highlight=False)


def _columns() -> tuple[Any, ...]:
    return (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )


@contextmanager
def bar() -> Iterator[Progress]:
    """A progress bar with a time estimate on stderr; plain lines where stderr is not a terminal."""
    if not err.is_terminal:
        yield Progress(say=_plain_lines())
        return
    with RichProgress(*_columns(), console=err, transient=True) as shown:
        task = shown.add_task("starting", total=1.0)
        yield Progress(
            say=lambda event: shown.update(
                task, completed=event.share_done, description=f"{event.doing:<38.38}"
            )
        )


def _plain_lines() -> Callable[[ProgressEvent], None]:
    said: set[str] = set()
    farthest = 0.0

    def say(event: ProgressEvent) -> None:
        nonlocal farthest
        if event.share_done < farthest:
            # Begun anew, or the next of several: its steps are told again.
            said.clear()
        farthest = event.share_done
        if event.doing not in said:
            # A log that is full is no reason to lose the models.
            with suppress(OSError):
                err.print(f"{event.share_done:4.0%}  {escape(event.doing)}")
            said.add(event.doing)

    return say


@contextmanager
def counter(doing: str) -> Iterator[Callable[[int, int, str], None] | None]:
    """A bar for work that counts pieces; silent where stderr is not a terminal."""
    if not err.is_terminal:
        yield None
        return
    with RichProgress(*_columns(), console=err, transient=True) as shown:
        task = shown.add_task(doing, total=None)
        yield lambda done, total, what: shown.update(
            task, completed=done, total=total or None, description=f"{escape(what or doing):<38.38}"
        )


def print_inspection(inspection: Inspection) -> None:
    """The import doctor's table: series first, then findings, then what was set aside."""
    files = "1 file" if inspection.files_looked_at == 1 else f"{inspection.files_looked_at} files"
    out.print(f"[bold]{escape(inspection.path)}[/]: {files} looked at")
    table = Table(box=None, pad_edge=False)
    for heading in ("#", "kind", "description", "slices", "matrix", "voxel mm", "phases", ""):
        table.add_column(heading, overflow="fold")
    for series in inspection.series:
        table.add_row(*_series_row(series))
    if inspection.series:
        out.print(table)
    for series in inspection.series:
        print_findings(series.findings, before=f"series {series.number}: ")
    print_findings(inspection.findings)
    for aside in inspection.set_aside:
        names = ", ".join(aside.files[:3]) + (f" and {aside.count - 3} more" if aside.count > 3 else "")
        where = f"[dim]({escape(names)}) {aside.reason.code}[/]"
        out.print(f"[dim]set aside[/]  {escape(aside.reason.sentence)} {where}")
    usable = [series for series in inspection.series if series.is_usable]
    if usable:
        path = escape(shlex.quote(inspection.path))
        kind = _kind_to_state(usable)
        out.print(f"\nNext: plastinate build {path} -o OUT --recipe NAME{kind}   (plastinate recipes)")


def _kind_to_state(usable: Sequence[Series]) -> str:
    """What has to be said of a scan whose files do not say what it is."""
    if usable[0].modality not in UNSAID:
        return ""
    return f" --modality {usable[0].tags.get('likely_modality') or 'CT'}"


def _series_row(series: Series) -> tuple[str, ...]:
    slices, rows, columns = series.shape
    spacing = "unknown"
    if series.spacing_mm:
        along, down, across = series.spacing_mm
        spacing = f"{across:.3g} × {down:.3g} × {along:.3g}"
    return (
        str(series.number),
        escape(series.modality or f"{series.tags.get('likely_modality', '')}?"),
        escape(series.description or "-"),
        str(slices),
        f"{columns} × {rows}",
        spacing,
        ", ".join(f"{i} {escape(name)}".strip() for i, name in enumerate(series.phases, 1))
        if len(series.phases) > 1
        else "-",
        "" if series.is_usable else "[red]cannot be built[/]",
    )


def print_findings(findings: Sequence[Finding], *, before: str = "") -> None:
    """Findings, one line each: how bad, what, and what was done."""
    for finding in findings:
        words = escape(" ".join(part for part in (finding.sentence, finding.action) if part))
        out.print(f"{SEVERITIES[finding.severity]}  {before}{words} [dim]{finding.code}[/]")


def print_picture(path: str, described: Mapping[str, Any], findings: Sequence[Finding]) -> None:
    """What one picture is, and what can be made of it."""
    size = f"{described['columns']} × {described['rows']} pixels"
    other = f", and {described['second']['name']}, taken beside it" if described.get("second") else ""
    named = f"[bold]{escape(path)}[/]: one {described['kind']} ({described['format']}), {size}"
    out.print(named + escape(other))
    print_findings(findings)
    # Of two pictures a scene is made, in millimetres where the distance of the cameras is known.
    ways = "--baseline-mm MM" if other else "--as object|scene|lithophane|relief"
    out.print(f"\nNext: plastinate build {escape(shlex.quote(path))} -o OUT {ways}   (an estimate)")


def print_build(result: BuildResult, output: Path) -> None:
    """What was built, how far to trust it, and where it lies."""
    evidence = result.scene.evidence
    print_findings(evidence.findings)
    _print_estimate(result)
    table = Table(box=None, pad_edge=False)
    ranges = evidence.volume_ranges
    between = ["likely between"] if ranges else []
    for heading in (
        *("structure", "volume", *between),
        *("surface to mask, mean / p95", "triangles", "closed", "trust"),
    ):
        table.add_column(heading)
    for node in result.scene.nodes:
        quality = evidence.quality.get(node.id, {}).get("full")
        verdict = evidence.verdicts.get(node.id)
        if quality is None or verdict is None:
            table.add_row(
                escape(node.structure.name),
                "-",
                *("-" for _ in between),
                "-",
                f"{len(node.surfaces['full'].triangles):,}",
                "-",
                "-",
            )
            continue
        volume = "unknown" if quality.volume_ml is None else f"{quality.volume_ml:,.1f} ml"
        if quality.distance_mean_mm is None or quality.distance_p95_mm is None:
            distance = f"{quality.distance_mean_voxel:.2f} / {quality.distance_p95_voxel:.2f} voxel"
        else:
            distance = f"{quality.distance_mean_mm:.2f} / {quality.distance_p95_mm:.2f} mm"
        table.add_row(
            escape(node.structure.name),
            volume,
            *([_between(ranges.get(node.id))] if ranges else []),
            distance,
            f"{quality.triangles:,}",
            "yes" if quality.is_closed else "[red]no[/]",
            LIGHTS[verdict.light],
        )
    if len(evidence.not_found) <= NOT_FOUND_SINGLY:
        for missing in evidence.not_found:
            table.add_row(
                escape(missing.name), "-", *("-" for _ in between), "-", "-", "-", "[yellow]not found[/]"
            )
    out.print(table)
    for line in not_found_lines(evidence.not_found):
        out.print(f"  {escape(line)}")
    for node in result.scene.nodes:
        verdict = evidence.verdicts.get(node.id)
        for reason in verdict.reasons if verdict else ():
            out.print(f"  {escape(node.structure.name)}: {escape(reason)}")
    for model in evidence.inputs.get("models", ()):
        origin = f", from {model['origin']}" if model["origin"] else ""
        out.print(f"  [dim]model[/] {escape(model['name'])}: {escape(model['licence'] + origin)}")
    _print_files(result, output)


def _between(span: VolumeRange | None) -> str:
    if span is None:
        return "-"
    digits = 0 if span.least_ml >= WHOLE_ML else 1
    return f"{span.least_ml:,.{digits}f} and {span.greatest_ml:,.{digits}f} ml"


def not_found_lines(missing: Sequence[NotFound]) -> list[str]:
    """What was not found, and why: one line each, or, of many, one for each reason.

    >>> from plastinate.model.evidence import NotFound
    >>> liver = NotFound("liver", "Liver", "the scan may not cover it")
    >>> not_found_lines([liver])
    ['Liver: not found, the scan may not cover it.']
    >>> not_found_lines([liver] * 9)[0].startswith("9 not found, the scan may not cover it: Liver, Liver")
    True
    """
    if len(missing) <= NOT_FOUND_SINGLY:
        return [f"{each.name}: not found, {each.reason}." for each in missing]
    names: dict[str, list[str]] = {}
    for each in missing:
        names.setdefault(each.reason, []).append(each.name)
    return [f"{len(named)} not found, {reason}: {', '.join(named)}." for reason, named in names.items()]


def _print_files(result: BuildResult, output: Path) -> None:
    if result.removed:
        count = "1 file" if len(result.removed) == 1 else f"{len(result.removed)} files"
        out.print(f"\nRemoved: {count} of the former build in {escape(str(output))}")
    out.print(f"\n{len(result.files)} files in {escape(str(output))}, {result.run.wall_s:.1f} s:")
    for name in _worth_naming(result.files):
        out.print(f"  {escape(str(output / name))}")
    for finding in result.scene.evidence.findings:
        if finding.code == "ingest.looks-like-labels":
            out.print(f"\n{escape(finding.sentence)} {escape(finding.action)}")


def _print_estimate(result: BuildResult) -> None:
    if not result.scene.is_estimated:
        return
    out.print("[bold yellow]ESTIMATED[/] from a picture and not measured.")
    for name, reason in result.left_out.items():
        out.print(f"  [dim]no {escape(name)}[/]: {escape(reason)}")


def _worth_naming(files: Mapping[str, str]) -> list[str]:
    first = [
        name for name in ("scene.glb", "certificate.html", "certificate.json", "preview.png") if name in files
    ]
    return first + [name for name in sorted(files) if name not in first]


def print_recipes(recipes: Sequence[Recipe]) -> None:
    """One line for each recipe."""
    table = Table(box=None, pad_edge=False)
    for heading in ("recipe", "scan", "what it is", "structures"):
        table.add_column(heading, overflow="fold")
    for recipe in recipes:
        table.add_row(
            recipe.name, recipe.modality or "any", escape(recipe.title), ", ".join(recipe.structures)
        )
    out.print(table)


def print_plan(recipe: Recipe, steps: Sequence[PlannedStep]) -> None:
    """Every step of a recipe, with its numbers and the reasons for them."""
    out.print(f"[bold]{recipe.name}[/]: {escape(recipe.title)} ({recipe.modality or 'any scan'})\n")
    for number, step in enumerate(steps, 1):
        made = f" [dim]→[/] {', '.join(step.into)}" if step.into else ""
        taken = f"{', '.join(step.inputs)} [dim]→[/] " if step.inputs else ""
        out.print(f"{number:2d}. [dim]{step.stage}[/]  {taken}[bold]{step.method}[/]{made}")
        if step.params:
            out.print("    " + escape(", ".join(f"{name} = {value}" for name, value in step.params.items())))
        if step.why:
            out.print(f"    [dim]why[/] {escape(step.why)}")
        if step.source:
            out.print(f"    [dim]source[/] {escape(step.source)}")


def print_samples(samples: Mapping[str, Sample]) -> None:
    """The samples there are."""
    for name, sample in samples.items():
        out.print(f"[bold]{name}[/]  {escape(sample.title)} [dim]({escape(sample.licence)})[/]")
    out.print("\nFetch one: plastinate sample NAME FOLDER")


def print_sample(info: SampleInfo) -> None:
    """Where a fetched sample lies and where it comes from."""
    out.print(f"{escape(info.sample.title)}: the series is in {escape(str(info.series))}")
    out.print(f"[dim]Origin and licence: {escape(str(info.source))}[/]")


def print_checks(checks: Sequence[Check]) -> None:
    """The doctor's findings about this installation."""
    for check in checks:
        mark = "[green]sound[/] " if check.is_sound else "[red]amiss[/] "
        mark = mark if check.is_there else "[yellow]absent[/]"
        out.print(f"{mark} {escape(check.name)}: {escape(check.sentence)}")
        if not (check.is_sound and check.is_there):
            out.print(f"       {escape(check.hint)}")


def print_scores(report: Mapping[str, Any], output: Path) -> None:
    """Means by organ, what could not be scored, and where the scoreboard lies."""
    from plastinate.stages.export.scoreboard_text import ROLES, spread

    figures = (("dice", 3), ("nsd_1mm", 3), ("nsd_3mm", 3), ("hd95_mm", 1), ("volume_error_percent", 1))
    for role, words in ROLES.items():
        rows = [row for row in report["summary"] if row["role"] == role]
        if not rows:
            continue
        out.print(f"[bold]{words}[/]")
        table = Table(box=None, pad_edge=False)
        for heading in ("organ", "cases", "Dice", "NSD 1 mm", "NSD 3 mm", "HD95 mm", "volume error %"):
            table.add_column(heading, justify="left" if heading == "organ" else "right")
        for row in rows:
            shown = (spread(row["figures"][key], digits) for key, digits in figures)
            table.add_row(escape(row["name"]), str(row["cases"]), *shown)
        out.print(table)
    for case in report["cases"]:
        if "error" in case:
            out.print(f"[yellow]not scored[/]  {escape(case['title'])}: {escape(case['error']['sentence'])}")
            out.print(f"            {escape(case['error']['hint'])} [dim]{case['error']['code']}[/]")
    out.print(f"\nThe scoreboard: {escape(str(output / 'scoreboard.html'))}")
