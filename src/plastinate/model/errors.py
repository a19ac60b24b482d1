"""Every error a person can meet. The tree:

    PlastinateError
    ├── InputError       the files are not what the question needs      exit 3
    │   ├── DamagedFile, UnsupportedFile, UnknownFormat, EmptyInput ...
    │   └── GapInSeries, NoMillimetres, AmbiguousSeries ...
    ├── LimitError       the input would cost more than it is allowed   exit 4
    ├── RecipeError      the recipe or its parameters are wrong         exit 5
    ├── ResultError      nothing trustworthy came out                   exit 6
    └── SystemFault      disk, memory, installation, network            exit 7

Leaves are nouns that state the fact; they carry it as attributes, a `code`
that programs may rely on, and a `hint` that says what to do next. Wording may
change, codes may not. Exit status 2 is a wrong command line, 130 Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from plastinate.model.printable import printable


class PlastinateError(Exception):
    """The root: a code, a sentence and a hint."""

    code: ClassVar[str] = "plastinate.error"
    hint: str = "Run again with --debug and report what it prints."
    exit_status: ClassVar[int] = 1

    @property
    def sentence(self) -> str:
        """What happened, in one sentence that only prints."""
        return printable(str(self.args[0])) if self.args else self.code

    def as_dict(self) -> dict[str, str]:
        """The error as plain text fields, for JSON reports and process borders."""
        return {"code": self.code, "sentence": self.sentence, "hint": self.hint}


class InputError(PlastinateError):
    """The files given are not what the question needs."""

    code = "input.error"
    hint = "Look at the files with `plastinate inspect`."
    exit_status = 3


class PathNotFound(InputError):
    """The path given does not exist or cannot be read."""

    code = "input.path-not-found"
    hint = "Check the spelling, and that you may read it."

    def __init__(self, path: str) -> None:
        super().__init__(f"There is nothing readable at {path}.")
        self.path = path


class EmptyInput(InputError):
    """Nothing in the input is an image."""

    code = "input.no-images"
    hint = "Give a folder, zip or file with DICOM, NIfTI, NRRD or MetaImage, or a picture (JPEG, PNG, ...)."

    def __init__(self, path: str, *, looked_at: int = 0) -> None:
        files = "1 file" if looked_at == 1 else f"{looked_at} files"
        super().__init__(f"Neither a scan nor a picture was found in {path} ({files} looked at).")
        self.path = path
        self.looked_at = looked_at


class DamagedFile(InputError):
    """One file is truncated or contradicts itself."""

    code = "input.damaged-file"
    hint = "Export or download the file again; the other files are not affected."

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} is damaged: {reason}.")
        self.path = path
        self.reason = reason


class UnsupportedFile(InputError):
    """A sound file of a kind that cannot become a volume."""

    code = "input.unsupported"
    hint = "See docs/reference/inputs.md for what can be read."

    def __init__(self, path: str, reason: str, *, hint: str | None = None) -> None:
        super().__init__(f"{path} cannot be used: {reason}.")
        self.path = path
        self.reason = reason
        if hint:
            self.hint = hint


class NoUsableSeries(InputError):
    """Images were found, but no group of them makes a volume."""

    code = "input.no-usable-series"
    hint = "Run `plastinate inspect` on it to see what was set aside and why."

    def __init__(self, path: str, reason: str = "") -> None:
        super().__init__(f"No series in {path} can be built into a volume{': ' + reason if reason else ''}.")
        self.path = path


class AmbiguousSeries(InputError):
    """More than one series or phase would answer the question."""

    code = "input.choose-a-series"

    def __init__(self, choices: list[str], *, what: str = "series") -> None:
        super().__init__(f"There are {len(choices)} {what} to choose from: {'; '.join(choices)}.")
        self.choices = choices
        self.hint = f"Pick one with --{what} NUMBER (see `plastinate inspect`)."


class SeriesNotFound(InputError):
    """The chosen series or phase does not exist."""

    code = "input.series-not-found"
    hint = "Run `plastinate inspect` to see the numbers."

    def __init__(self, wanted: str, *, what: str = "series") -> None:
        super().__init__(f"There is no {what} {wanted}.")
        self.wanted = wanted


class ModalityContradicted(InputError):
    """A person says that a scan is of one kind, and its own files say that it is of another."""

    code = "input.modality-contradicted"
    hint = "Leave out --modality; to run a recipe on another kind of scan, pass --any-modality."

    def __init__(self, stated: str, *, said: str) -> None:
        super().__init__(f"The scan was stated to be {stated}, and its files say {said}.")
        self.stated = stated
        self.said = said


class GapInSeries(InputError):
    """Slices are missing, more than may be bridged in silence."""

    code = "input.gap-in-series"
    hint = (
        "Export the whole series again, or pass --allow-gaps to interpolate and mark what was not measured."
    )

    def __init__(self, *, after_slice: int, gap_mm: float, spacing_mm: float, missing_share: float) -> None:
        super().__init__(
            f"{missing_share:.0%} of the slices are missing; the widest gap is {gap_mm:.1f} mm "
            f"after slice {after_slice}, where the spacing is {spacing_mm:.2f} mm."
        )
        self.after_slice = after_slice
        self.gap_mm = gap_mm
        self.spacing_mm = spacing_mm
        self.missing_share = missing_share


class NoMillimetres(InputError):
    """A question in millimetres about a scan that does not say its pixel size."""

    code = "input.no-millimetres"
    hint = "Measure in voxels, or find the original series: the scanner writes PixelSpacing."

    def __init__(self, question: str, *, of: str = "scan") -> None:
        super().__init__(f"The {of} does not say how large a pixel is, so {question} is unknown.")
        self.question = question


class NoDicomSource(InputError):
    """A DICOM object was asked for that must refer to DICOM images, and there are none fit for it."""

    code = "input.no-dicom-source"
    hint = "Read the scan from its DICOM files, or write the labels as nifti or nrrd."

    def __init__(self, reason: str) -> None:
        super().__init__(f"A DICOM segmentation refers to the images it was drawn on, and {reason}.")
        self.reason = reason


class LimitError(PlastinateError):
    """The input would cost more than it is allowed to."""

    code = "limit.exceeded"
    hint = "If you trust the file, raise the limit (see docs/reference/limits.md)."
    exit_status = 4


class TooLarge(LimitError):
    """A declared or measured size is above its cap."""

    code = "limit.too-large"

    def __init__(self, path: str, what: str, *, value: float, cap: float) -> None:
        super().__init__(f"{path}: {what} is {value:,.0f}, more than the {cap:,.0f} allowed.")
        self.path = path
        self.what = what
        self.value = value
        self.cap = cap


class UnsafeArchive(LimitError):
    """A zip that tries something a scan never needs."""

    code = "limit.unsafe-archive"
    hint = "Unpack the archive yourself with a tool you trust, then give the folder."

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} was not unpacked: {reason}.")
        self.path = path
        self.reason = reason


class ParserStopped(LimitError):
    """The child process that reads untrusted files ran out of what it is allowed."""

    code = "limit.parser-stopped"
    hint = "One of the files makes its reader run away; remove it, or raise the limit if you trust it."

    def __init__(self, reason: str) -> None:
        super().__init__(f"Reading was stopped: {reason}.")
        self.reason = reason


class RecipeError(PlastinateError):
    """A recipe, or what was asked of it, does not hold together."""

    code = "recipe.error"
    hint = "List what there is with `plastinate recipes`."
    exit_status = 5


class RecipeNotFound(RecipeError):
    """No recipe, structure or method of that name."""

    code = "recipe.not-found"

    def __init__(self, kind: str, name: str, *, near: list[str] | None = None) -> None:
        guess = f" Did you mean {' or '.join(near)}?" if near else ""
        super().__init__(f"There is no {kind} called {name!r}.{guess}")
        self.kind = kind
        self.name = name


class OrganNotMade(RecipeNotFound):
    """An organ that no recipe finds in this kind of scan."""

    code = "recipe.organ-not-made"

    def __init__(self, organ: str, *, modality: str, elsewhere: str, made: str) -> None:
        super().__init__("organ", organ)
        scans = f"{modality} scans" if modality else "any kind of scan"
        self.args = (f"No recipe finds {organ!r} in {scans}.",)
        self.hint = f"{f'It is found in {elsewhere} scans. ' if elsewhere else ''}What can be built: {made}."


class RecipeFlaw(RecipeError):
    """A recipe file that does not follow the format."""

    code = "recipe.flaw"
    hint = "See docs/how-to/add-an-organ.md for the format."

    def __init__(self, recipe: str, flaw: str) -> None:
        super().__init__(f"Recipe {recipe!r}: {flaw}.")
        self.recipe = recipe
        self.flaw = flaw


class WrongModality(RecipeError):
    """A recipe for one kind of scan, applied to another."""

    code = "recipe.wrong-modality"

    def __init__(self, recipe: str, *, needs: str, got: str, organs: Sequence[str] = ()) -> None:
        # Of organs a recipe was put together that nobody knows by its name.
        what = f"What finds {', '.join(organs)} is" if organs else f"Recipe {recipe!r} is"
        super().__init__(f"{what} for {needs}, and this series is {got or 'of unknown kind'}.")
        self.needs = needs
        self.got = got
        self.hint = "Pick a recipe for this modality (`plastinate recipes`), or pass --any-modality."
        if got in ("", "OT"):
            self.hint = f"The files do not say it. If you know that this is {needs}, pass --modality {needs}."


class ParameterError(RecipeError):
    """A parameter outside its meaning."""

    code = "recipe.parameter"
    hint = "See the method's documentation: `plastinate plan RECIPE` lists every step with its numbers."


class ResultError(PlastinateError):
    """The work ran, and nothing trustworthy came out."""

    code = "result.error"
    exit_status = 6


class EmptyMask(ResultError):
    """A structure of which not one voxel was found."""

    code = "result.empty"

    def __init__(self, structure: str, why: str = "") -> None:
        super().__init__(f"Nothing was found for {structure!r}{': ' + why if why else ''}.")
        self.structure = structure
        self.why = why
        self.hint = "Check that the scan covers it (`plastinate inspect`)."


class SystemFault(PlastinateError):
    """The machine, not the input: disk, memory, installation, network."""

    code = "system.error"
    exit_status = 7


class CannotWrite(SystemFault):
    """The output could not be written; nothing half-written was left."""

    code = "system.cannot-write"
    hint = "Free some space or choose another folder with -o; no partial file was left behind."

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} could not be written: {reason}.")
        self.path = path
        self.reason = reason


class ScratchFull(SystemFault):
    """The disk has no room for what is unpacked while a scan is read."""

    code = "system.scratch-full"
    hint = (
        "Free some space where temporary files lie (TMPDIR), then try again; the scan itself is not at fault."
    )

    def __init__(self) -> None:
        super().__init__("There is no room left on the disk to unpack the scan.")


class KernelsMissing(SystemFault):
    """The compiled part of Plastinate is not there or does not load."""

    code = "system.kernels-missing"
    hint = "Install again (`pip install --force-reinstall plastinate`); in a checkout run `make install`."

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The compiled kernel {name!r} cannot be loaded: {reason}.")
        self.name = name


class PartMissing(SystemFault):
    """A method needs a library that is not installed with the rest."""

    code = "system.part-missing"

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} is not installed, and this needs it.")
        self.library = library
        self.hint = f"Install it: pip install 'plastinate[{extra}]'."


class MemoryShort(SystemFault):
    """Less memory is left than a step needs, however small the pieces in which it works."""

    code = "system.memory-short"
    hint = "Close other programs, or give this one more memory; a crop of the scan needs less as well."

    def __init__(self, what: str) -> None:
        super().__init__(f"There is not enough memory for {what}.")
        self.what = what


class DownloadFailed(SystemFault):
    """A fetch from the package index did not give what was asked."""

    code = "system.download-failed"
    hint = "Check the network and that `pip download` works here; pip's own configuration may name a mirror."

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} could not be fetched: {reason}.")
        self.what = what
        self.reason = reason


class Cancelled(PlastinateError):
    """The person, or the program on their behalf, asked to stop."""

    code = "run.cancelled"
    hint = "Nothing half-written was left; run again when ready."
    exit_status = 130

    def __init__(self) -> None:
        super().__init__("Stopped on request.")
