"""The options of `plastinate build` that concern one picture, and what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from plastinate.model.errors import ParameterError
from plastinate.model.picture_recipe import KINDS
from plastinate.model.reference import Known, known_of, wished

F = TypeVar("F", bound=Callable[..., Any])

# Option -> the number of the recipe's last step that it sets.
SOLID = {
    "back": "back",
    "wall_mm": "wall_mm",
    "width_mm": "width_mm",
    "thinnest_mm": "thinnest_mm",
    "thickest_mm": "thickest_mm",
    "base_mm": "base_mm",
    "frame_mm": "frame_mm",
}
OF_PICTURES = ("no_network", "depth", "agree", "focal_35mm", "second", "baseline_mm", "reference", "print_mm")
OF_ONE_PICTURE = (
    click.option(
        "--as", "as_kind", type=click.Choice(KINDS), help="What to make of one picture; object if not said."
    ),
    click.option("--no-network", is_flag=True, help="Picture: outline and shading alone."),
    click.option("--depth", metavar="MODEL", help="Picture: the network that says how far away things are."),
    click.option("--agree", is_flag=True, help="Picture: I agree to that network's licence; fetch it."),
    click.option(
        "--focal", "focal_35mm", type=float, metavar="MM", help="Picture: its lens, as on 36 x 24 mm."
    ),
    click.option(
        "--reference",
        metavar="X1,Y1,X2,Y2,MM",
        help="Picture: two of its pixels and how far apart they are in truth; or coin:NAME,X,Y, a coin "
        "(1-euro, us-quarter, or its diameter in mm) and a pixel on it; or ruler:MM,X1,Y1,X2,Y2, a line "
        "across its marks and how far apart these are.",
        callback=lambda context, parameter, value: reference(context, parameter, value),
    ),
    click.option("--print-mm", type=float, metavar="MM", help="Picture: how long to print the model."),
    click.option(
        "--back",
        type=click.Choice(["inflated", "mirror", "shell", "flat"]),
        help="The far side: inflated, mirror or flat of an object, shell or flat of a scene.",
    ),
    click.option("--wall-mm", type=float, help="Object: thinnest wall, where a length is known."),
    click.option(
        "--width-mm", type=float, help="Lithophane, relief: longer side of the picture, without frame."
    ),
    click.option("--thinnest-mm", type=float, help="Lithophane, relief: thinnest place."),
    click.option("--thickest-mm", type=float, help="Lithophane, relief: thickest place."),
    click.option("--base-mm", type=float, help="Lithophane, relief: base under all of it."),
    click.option("--frame-mm", type=float, help="Lithophane, relief: width of the frame; 0 for none."),
)
BASELINE = click.option(
    "--baseline-mm", type=float, metavar="MM", help="Scene of two: how far apart they were taken."
)
OF_TWO_PICTURES = (
    click.option(
        "--second",
        type=click.Path(path_type=Path),
        help="Scene: the same seen from a little to the right.",
    ),
    BASELINE,
)
# A case holds both pictures.
OF_A_PAIR = (
    click.option("--pair", is_flag=True, help="Scene of both pictures in PATH, the left one first by name."),
    BASELINE,
)


def picture_options(command: F) -> F:
    """Give a command all these options."""
    for option in reversed((*OF_ONE_PICTURE, *OF_TWO_PICTURES)):
        command = option(command)
    return command


def pushed_picture_options(command: F) -> F:
    """Give a command those of these options that a server takes, where both pictures lie in one case."""
    for option in reversed((*OF_ONE_PICTURE, *OF_A_PAIR)):
        command = option(command)
    return command


def reference(context: click.Context, parameter: click.Parameter, value: str | None) -> Known | None:
    """What says how large the thing is, as people write it.

    Raises:
        click.BadParameter: they are none.
    """
    del context, parameter
    if value is None:
        return None
    try:
        return known_of(value)
    except ParameterError as error:
        hint = "" if error.hint == ParameterError.hint else f" {error.hint}"
        raise click.BadParameter(f"{error.sentence}{hint}") from error


def solid_params(options: dict[str, Any]) -> dict[str, Any]:
    """The numbers that a person chose for the last step."""
    return {name: options[option] for option, name in SOLID.items() if options[option] is not None}


def picture_wish(options: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is to be made of one picture, as the API takes it; None where no option speaks of one."""
    numbers = (*SOLID, "print_mm", "focal_35mm")
    given = {name: options[name] for name in numbers if options[name] is not None}
    if options["no_network"]:
        given["without_network"] = True
    if options["depth"]:
        given |= {"depth": options["depth"], "agreed": options["agree"]}
    known: Known | None = options["reference"]
    if known is not None:
        given["reference"] = wished(known)
    if options["pair"] or options["baseline_mm"] is not None:
        given |= {"is_pair": True, "baseline_mm": options["baseline_mm"]}
    if not given and options["as_kind"] is None:
        return None
    usual = "scene" if "is_pair" in given else "object"
    return {"kind": options["as_kind"] or usual, **given}


def takes_pictures(options: dict[str, Any]) -> bool:
    """Whether a build is one of pictures, by what lies at its path; what was found is kept in the options.

    Who asks for organs of DICOM files wants a scan, and hears what is wrong with it as one.
    """
    from plastinate.stages import catalog

    found = catalog.door("find-pictures")(options["path"])
    options["pictures"] = found
    is_dicom = any(each.format == "dicom" for each in found)
    return bool(options["as_kind"] or (found and not (is_dicom and _scan_options(options))))


def build_from_picture(options: dict[str, Any]) -> None:
    """`plastinate build` of one picture, or of two that were taken side by side.

    Raises:
        PlastinateError: see `services/build_picture.py`.
    """
    from plastinate.cli import streams, terminal
    from plastinate.cli.depth_licence import with_word
    from plastinate.cli.models import announce_fetches
    from plastinate.services.build_models import names_in
    from plastinate.services.build_picture import build_picture
    from plastinate.services.output_folder import models_folder
    from plastinate.services.picture_pairs import require_few
    from plastinate.services.picture_request import PICTURE_LEVELS, USUAL_KIND, PictureRequest

    _refuse_scan_options(options)
    found = options["pictures"]
    require_few(options["path"], len(found))
    # Two pictures in a folder are the two of a scene; another model of one is asked for by its own path.
    is_pair = len(found) > 1 and options["second"] is None and options["as_kind"] in (None, "scene")
    output = options["output"] or models_folder(options["path"])
    usual = USUAL_KIND[found[0].shows] if found else "object"
    kind = options["as_kind"] or ("scene" if options["second"] or is_pair else usual)
    _refuse_of_other_kinds(options, kind)
    levels = {} if options["single_level"] else dict(PICTURE_LEVELS)
    levels["full"] = options["triangles"]
    request = PictureRequest(
        path=options["path"],
        output=output,
        kind=kind,
        recipe=options["recipe"],
        without_network=options["no_network"],
        depth=options["depth"],
        focal_35mm=options["focal_35mm"],
        is_pair=is_pair,
        second=options["second"],
        baseline_mm=options["baseline_mm"],
        reference=options["reference"],
        print_mm=options["print_mm"],
        solid=solid_params(options),
        formats=names_in(options["formats"]),
        compression=options["compression"],
        levels=levels,
        check=not options["no_check"],
        with_preview=not options["no_preview"],
    )
    request = with_word(request, is_said=options["agree"])
    with terminal.bar() as progress:
        announce_fetches(progress)
        result = build_picture(request, progress=progress)
    if options["as_json"]:
        report = {"files": dict(result.files), "run": result.run.as_dict(), **result.scene.evidence.as_dict()}
        streams.print_json(report)
    else:
        terminal.print_build(result, output)


def inspect_picture(path: Path, *, as_json: bool) -> bool:
    """`plastinate inspect` of one picture; False where the path is none.

    Raises:
        PlastinateError: it is a picture, and cannot be read.
    """
    from plastinate.cli import streams, terminal
    from plastinate.services.inspect_path import look_at_picture

    seen = look_at_picture(path)
    if seen is None:
        return False
    if as_json:
        said = [finding.as_dict() for finding in seen.findings]
        streams.print_json({"path": str(path), "picture": seen.described, "findings": said})
    else:
        terminal.print_picture(str(path), seen.described, seen.findings)
    return True


def _scan_options(options: dict[str, Any]) -> list[str]:
    """Options that were given and mean something of a scan only."""
    given = {
        "--organ": bool(options["organs"]),
        "--threshold": options["threshold"] is not None,
        "--prompts": options["prompts"] is not None,
        "--series": options["series"] is not None,
        "--phase": options["phase"] is not None,
        "--modality": options["modality"] is not None,
    }
    return [name for name, is_given in given.items() if is_given]


def _refuse_scan_options(options: dict[str, Any]) -> None:
    for name in _scan_options(options):
        raise click.UsageError(f"{name} is for scans, and this is one picture: say --as {'|'.join(KINDS)}.")


def _refuse_of_other_kinds(options: dict[str, Any], kind: str) -> None:
    from plastinate.services.picture_wish import NUMBERS

    for name in SOLID:
        kinds = NUMBERS[name][0] if name in NUMBERS else KINDS
        if options[name] is not None and kind not in kinds:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} is for --as {' or '.join(kinds)}, and this is {kind}.")


def picture_option_of(options: dict[str, Any]) -> str:
    """The first option given that only a picture can have; "" where there is none."""
    given = [name for name in (*SOLID, *OF_PICTURES) if options[name] not in (None, False)]
    names = {"focal_35mm": "focal"}
    return f"--{names.get(given[0], given[0]).replace('_', '-')}" if given else ""
