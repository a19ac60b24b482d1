"""Cases, jobs, builds, people and what is shared, as JSON: the shapes that go in and out of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from plastinate.web.payloads_about import Payload
from plastinate.web.payloads_prompts import PromptAsked

PAGE_MAX = 10_000
PER_PAGE_MAX = 200


def _without_nul(text: str) -> str:
    """PostgreSQL keeps no NUL; a person should see that something stood there."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


Text = Annotated[str, AfterValidator(_without_nul)]
Line = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Label = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=200)]
Tag = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Role = Literal["view", "edit"]
RoleHeld = Literal["view", "edit", "own", "admin"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]


class Asked(BaseModel):
    """The root of what comes in by the query: what is not known there is passed over, as browsers expect."""

    model_config = ConfigDict(extra="ignore")


class PersonNamed(Payload):
    """A person, as others see them."""

    id: str
    name: str
    email: str


class CaseInput(Payload):
    """An original file of a case."""

    id: str
    name: str
    size: int
    sha256: str


class CaseLine(Payload):
    """A case, as lists show it."""

    id: str
    title: str
    tags: list[str]
    role: RoleHeld = Field(description="What the asking person may do: view, edit, or all as its owner.")
    owner: PersonNamed | None = Field(description="Null until the first administrator takes it over.")
    created_at: datetime
    changed_at: datetime
    trashed_at: datetime | None
    version: int = Field(description="Send it in If-Match to change only what you have seen.")
    thumbnail: str | None = Field(description="Address of a picture.")


class CaseWhole(CaseLine):
    """A case with all that is known of it."""

    notes: str
    inputs: list[CaseInput]
    inspection: dict[str, Any] | None = Field(description="What was found in the files; null until looked.")


class CasePage(Payload):
    """A page of a list of cases."""

    cases: list[CaseLine]
    total: int
    page: int
    per_page: int


class CasesAsked(Asked):
    """Which cases."""

    search: Annotated[Text, StringConstraints(max_length=200)] = Field(
        "",
        description="Words; each is in the title, the notes, a tag, or the English name of a built organ.",
    )
    tag: Annotated[Text, StringConstraints(max_length=60)] = ""
    trash: bool = False
    shared: bool = Field(False, description="Only those that others have shared with you.")
    page: int = Field(1, ge=1, le=PAGE_MAX)
    per_page: int = Field(24, ge=1, le=PER_PAGE_MAX)
    order: Literal["newest", "oldest", "changed", "title"] = "newest"


class Tags(Payload):
    """Every tag in use, in order."""

    tags: list[str]


class CaseMade(Payload):
    """A new case, of finished uploads. The same uploads again give the same case again."""

    title: Label = ""
    upload_ids: list[Id] = Field(min_length=1, max_length=1000)


class CaseChanged(Payload):
    """What is to change; what is left out stays."""

    title: Line | None = None
    notes: Annotated[Text, StringConstraints(max_length=20_000)] | None = None
    tags: list[Tag] | None = Field(None, max_length=50)


class DeletionAsked(Asked):
    """How a case is deleted."""

    forever: bool = Field(False, description="For good; only what lies in the trash already.")


class JobFlaw(Payload):
    """Why a job failed."""

    code: str
    sentence: str
    hint: str


class Job(Payload):
    """Work on a case: how far it is, or how it ended."""

    id: str
    case_id: str
    kind: str
    state: JobState
    attempt: int
    attempts_max: int
    share_done: float = Field(ge=0, le=1)
    doing: str
    found: list[str] = Field(description="Ids of the structures found so far, while it runs.")
    glimpse: str | None = Field(description="Address of a picture of them, while it runs.")
    position: int | None = Field(description="In the queue, 1 is next; null when it does not wait.")
    remaining_s: float | None = Field(description="An estimate; null when none can be given.")
    is_cancel_requested: bool
    error: JobFlaw | None
    lost_because: str = Field(description="Why the last attempt was lost, when one was.")
    request: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Jobs(Payload):
    """The jobs of a case, the newest first."""

    jobs: list[Job]


End = Annotated[float, Field(allow_inf_nan=False)] | None
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]


Millimetres = Annotated[float, Field(ge=0, le=2000, strict=True, allow_inf_nan=False)] | None


PixelOrMm = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class CoinAsked(Payload):
    """A coin in a picture: its outline is looked for, and its diameter says how large things are."""

    coin: Name | Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        description='A coin by its name ("1-euro", "us-quarter"), or its diameter in mm.'
    )
    at: Annotated[list[PixelOrMm], Field(min_length=2, max_length=2)] = Field(
        description="[x, y]: a pixel of the picture that lies on it."
    )


class RulerAsked(Payload):
    """A ruler in a picture: the marks along a line are counted."""

    ruler_mm: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        description="From one of the marks that the line crosses to the next, mm."
    )
    line: Annotated[list[PixelOrMm], Field(min_length=4, max_length=4)] = Field(
        description="[x, y, x, y]: the ends of a line across the marks, in the picture's pixels."
    )


class PictureAsked(Payload):
    """What to make of a case that is one picture, or two; what is left out is as the recipe has it."""

    kind: Literal["object", "scene", "lithophane", "relief"] = "object"
    back: Literal["inflated", "mirror", "flat", "shell"] | None = Field(
        None, description="The far side: inflated, mirror or flat of an object, shell or flat of a scene."
    )
    without_network: bool = Field(False, description="By outline, light and shadow alone.")
    depth: Name | None = Field(
        None,
        description="Of an object or scene: the model that is asked how far away things are "
        "(GET /api/depth-networks); null for the usual one.",
    )
    agreed: bool = Field(
        False, description="The licence of that model has been read and agreed to; only then is it fetched."
    )
    is_pair: bool = Field(False, description="A scene of both pictures of a case that has two.")
    which: Literal[1, 2] | None = Field(
        None, description="Of two pictures the one that is taken; with is_pair the left one."
    )
    baseline_mm: Annotated[float, Field(ge=0.1, le=100_000, allow_inf_nan=False)] | None = Field(
        None, description="With is_pair: how far apart the two were taken; null leaves pixels."
    )
    wall_mm: Millimetres = Field(None, description="Of an object: its thinnest wall.")
    width_mm: Millimetres = Field(
        None, description="Of a lithophane or relief: the longer side of its picture, frame not counted."
    )
    thinnest_mm: Millimetres = None
    thickest_mm: Millimetres = None
    base_mm: Millimetres = None
    frame_mm: Millimetres = None
    print_mm: Millimetres = Field(None, description="Of an object or scene: how long it is to be printed.")
    focal_35mm: Annotated[float, Field(ge=1, le=5000, allow_inf_nan=False)] | None = Field(
        None, description="The lens, as its equivalent on 36 x 24 mm; null believes the file."
    )
    reference: (
        Annotated[list[PixelOrMm], Field(min_length=5, max_length=5)] | CoinAsked | RulerAsked | None
    ) = Field(
        None,
        description="[x, y, x, y, mm]: two of the picture's pixels, and how far apart they are in truth; "
        "or a coin or a ruler, to be found where it is said to lie.",
    )


class BuildAsked(Payload):
    """What to build: a recipe, organs, a threshold, prompts or a picture, and only one of them."""

    recipe: Name | None = None
    organs: list[Name] = Field(
        [], max_length=200, description='Ids of structures, or names of pairs: "kidney" is both kidneys.'
    )
    threshold: Annotated[list[End], Field(min_length=2, max_length=2)] | None = Field(
        None, description="[low, high] in the scan's own quantity; null leaves an end open."
    )
    prompts: dict[Name, list[PromptAsked]] | None = Field(
        None,
        description="What was drawn on slices, by structure. A request is 1 MiB at most: some 20 000 points.",
    )
    picture: PictureAsked | None = Field(None, description="Of a case that is one picture.")
    name: Label = Field("", description="What to call the surface of a threshold.")
    largest_only: bool = Field(False, description="Keep only the largest piece of a threshold.")
    series: int | None = Field(None, ge=1, le=100_000, description="As the inspection numbers them.")
    phase: int | None = Field(None, ge=1, le=100_000)
    modality: Literal["CT", "MR"] | None = Field(
        None, description="What you know the scan to be, where its files do not say; the certificate says so."
    )
    allow_gaps: bool = False
    any_modality: bool = False
    formats: list[Name] = Field([], max_length=20, description="Left out: all that fit the scan.")
    compression: Literal["meshopt", "draco", "none"] = "meshopt"
    triangles: int | None = Field(None, ge=100, le=100_000_000, description="Of each organ, at most.")
    single_level: bool = Field(False, description="Without the lighter versions.")


class BuildFile(Payload):
    """A file of a build."""

    name: str
    size: int
    sha256: str
    url: str


class Build(Payload):
    """What a build job made."""

    id: str
    case_id: str
    job_id: str | None
    title: str
    created_at: datetime
    request: dict[str, Any]
    summary: dict[str, Any] = Field(
        description="organs: with colour, verdict and volume; "
        "not_found: what was asked for and is not there, each with id, name and reason; findings."
    )
    result_key: str
    files: list[BuildFile]
    scene_url: str | None = Field(
        None, description="What the viewer reads first; its other files lie beside it. Null: built without."
    )


class Builds(Payload):
    """The builds of a case, the newest first."""

    builds: list[Build]


Coordinate = Annotated[float, Field(strict=True, ge=-100_000, le=100_000, allow_inf_nan=False)]
Point = Annotated[list[Coordinate], Field(min_length=3, max_length=3)]


class MeasurementAsked(Payload):
    """Something measured on a build; its value follows from its points."""

    id: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    kind: Literal["distance", "angle"]
    name: Label = ""
    points_lps_mm: list[Point] = Field(
        min_length=2, max_length=3, description="Two for a distance, three for an angle: LPS millimetres."
    )
    value: float | None = Field(None, description="Passed over: it is calculated from the points.")
    unit: Literal["mm", "px", "deg"] | None = None


class Measurement(Payload):
    """Something measured on a build, with its value."""

    id: str
    kind: Literal["distance", "angle"]
    name: str
    points_lps_mm: list[Point]
    value: float
    unit: Literal["mm", "px", "deg"] = Field(
        description="px on the model of a picture in which no length is known."
    )


class MeasurementsAsked(Payload):
    """Every measurement of a build; those left out are deleted."""

    measurements: list[MeasurementAsked] = Field(max_length=500)


class Measurements(Payload):
    """Every measurement of a build, in the order they were sent."""

    measurements: list[Measurement]


class FilesAsked(Asked):
    """Which files of a build."""

    names: Annotated[str, StringConstraints(max_length=20_000)] = Field(
        "", description="Names separated by commas; empty: all of them."
    )
