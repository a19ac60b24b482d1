"""Cases for the viewer with known answers: a box and a ball of exact size in a scan of known values.

with serving_views(tmp_path) as shelf:
    page = signed_in(browser, shelf, complaints);  page.goto(shelf.url + shelf.pages["box and ball"])
"""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from page_shelf import Shelf, serving_app
from plastinate.archive.tables import Build, BuildFile, Case
from plastinate.model.evidence import Evidence, NotFound
from plastinate.model.geometry import Geometry
from plastinate.model.labels import LabelMap
from plastinate.model.scene import Scene, SceneNode
from plastinate.model.structure import Code, Structure
from plastinate.model.surface import Surface
from plastinate.model.volume import Volume
from plastinate.stages.export.formats import write_formats
from plastinate.stages.surface.decimate import decimate

# The box: LPS mm.
LOW, HIGH = np.array([-60.0, -20.0, -25.0]), np.array([-10.0, 20.0, 25.0])
# The ball: with its middle at the patient's left, a little in front of the box's middle.
CENTRE, RADIUS_MM = np.array([40.0, -5.0, 5.0]), 20.0
BOX_HU, BALL_HU, AROUND_HU = 110, 60, -900
SPACING_MM = 2.0

BOX = Structure("liver", "Liver", Code("10200004", "SCT", "Liver"), (150, 70, 60))
BALL = Structure("kidney-left", "Left kidney", Code("18639004", "SCT", "Left kidney"), (70, 120, 190), "left")
STRANGE = "<b>Milz</b> {{7*7}} \u202etfel " + "lang " * 60


def box_surface(structure: str, low: npt.NDArray[Any] = LOW, high: npt.NDArray[Any] = HIGH) -> Surface:
    """Twelve triangles, outward."""
    corners = np.array(
        [[(low, high)[bit][axis] for axis, bit in enumerate(bits)] for bits in np.ndindex(2, 2, 2)]
    )
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [each for a, b, c, d in quads for each in ((a, b, c), (a, c, d))]
    return Surface(corners, np.array(triangles), structure)


def ball_surface(
    structure: str, *, centre: npt.NDArray[Any] = CENTRE, radius_mm: float = RADIUS_MM, rings: int = 60
) -> Surface:
    """Rings and sectors: every vertex on the ball, every triangle within 0.03 mm of it at a radius of 20."""
    sectors = 2 * rings
    down = np.linspace(0, np.pi, rings + 1)[1:-1, None]
    around = np.linspace(0, 2 * np.pi, sectors, endpoint=False)[None]
    unit = np.stack(
        np.broadcast_arrays(np.sin(down) * np.cos(around), np.sin(down) * np.sin(around), np.cos(down)), -1
    )
    vertices = centre + radius_mm * np.concatenate([unit.reshape(-1, 3), [[0, 0, 1], [0, 0, -1]]])
    at = np.arange((rings - 1) * sectors).reshape(rings - 1, sectors)
    right = np.roll(at, -1, axis=1)
    bands = [np.stack([at[:-1], at[1:], right[1:]], -1), np.stack([at[:-1], right[1:], right[:-1]], -1)]
    top, bottom = at.size, at.size + 1
    caps = [
        np.stack([np.full(sectors, top), at[0], right[0]], -1),
        np.stack([np.full(sectors, bottom), right[-1], at[-1]], -1),
    ]
    return Surface(vertices, np.concatenate([each.reshape(-1, 3) for each in (*bands, *caps)]), structure)


def geometry(*, unit: str = "mm") -> Geometry:
    """Voxels of 2 mm from (-79, -39, -39): 80 columns, 40 rows, 40 slices."""
    low = np.array([-79.0, -39.0, -39.0])
    matrix = np.array(
        [[0, 0, SPACING_MM, low[0]], [0, SPACING_MM, 0, low[1]], [SPACING_MM, 0, 0, low[2]], [0, 0, 0, 1]],
        float,
    )
    # Slices, rows and columns have to be right-handed: head first, as most scans come.
    matrix[2, 0], matrix[2, 3] = -SPACING_MM, low[2] + 39 * SPACING_MM
    return Geometry((40, 40, 80), matrix, unit)


def box_and_ball(*, unit: str = "mm", with_scan: bool = True, named: str = "") -> tuple[Scene, Volume | None]:
    """The scene, and its scan."""
    grid = geometry(unit=unit)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), -1).reshape(-1, 3)
    places = grid.index_to_lps(index).reshape(*grid.shape, 3)
    in_box = ((places > LOW) & (places < HIGH)).all(-1)
    in_ball = np.linalg.norm(places - CENTRE, axis=-1) < RADIUS_MM
    labels = (in_box * 1 + in_ball * 2).astype(np.uint16)
    grey = np.full(grid.shape, AROUND_HU, np.int16)
    grey[in_box], grey[in_ball] = BOX_HU, BALL_HU
    box = Structure("spleen", named, None, (150, 70, 60)) if named else BOX
    label_map = LabelMap(grid, labels, {1: box.id, 2: BALL.id})
    nodes = (
        SceneNode(box, {"full": box_surface(box.id)}),
        SceneNode(BALL, {"full": ball_surface(BALL.id)}),
    )
    missing = () if named else (NotFound("spleen", "Spleen", "nothing looks like one"),)
    scene = Scene("Box and ball", grid, nodes, (), Evidence(not_found=missing), label_map)
    return scene, Volume(grid, grey, "HU") if with_scan else None


# What the viewer's coarse level admits of each of a hundred organs.
LIGHT_RINGS = 17


def many_balls(count: int, *, rings: int = 12) -> Scene:
    """So many organs, in rows; fine ones bring a light level with them, so that none has to be calculated."""
    side = int(np.ceil(count ** (1 / 3)))
    nodes = []
    for number in range(count):
        place = np.array([number % side, number // side % side, number // side**2]) * 22.0
        colour = tuple(int(each) for each in np.random.default_rng(number).integers(70, 230, 3))
        structure = Structure(f"organ-{number}", f"Organ {number}", None, colour)  # type: ignore[arg-type]
        levels = {"full": rings, "light": min(rings, LIGHT_RINGS)}
        surfaces = {
            level: ball_surface(structure.id, centre=place, radius_mm=10.0, rings=count)
            for level, count in levels.items()
        }
        nodes.append(SceneNode(structure, surfaces))
    return Scene("Many", geometry(), tuple(nodes), (), Evidence(), None)


@contextmanager
def serving_views(folder: Path) -> Iterator[Shelf]:
    """A served application with the cases below; everything belongs to the administrator."""
    with serving_app(folder) as shelf:
        for name, (title, written) in _written().items():
            _keep(shelf, name, title, written)
        yield shelf


@functools.cache
def _written() -> dict[str, tuple[str, Path]]:
    """The cases' titles and folders, the same for every module of this process."""
    scenes = {
        "box and ball": box_and_ball(),
        "mesh only": box_and_ball(with_scan=False),
        "without millimetres": box_and_ball(unit="px", with_scan=False),
        "strange": box_and_ball(with_scan=False, named=STRANGE),
    }
    folder = Path(tempfile.mkdtemp(prefix="plastinate-views-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, (scene, volume) in scenes.items():
        write_formats(scene, folder / name, ["viewer"], volume=volume, lighten=decimate)
    return {name: (scene.title, folder / name) for name, (scene, _) in scenes.items()}


def add_scene(shelf: Shelf, name: str, scene: Scene, volume: Volume | None, folder: Path) -> None:
    """Write a scene for the viewer and keep it as the build of a new case; its page gets the name."""
    write_formats(scene, folder, ["viewer"], volume=volume, lighten=decimate)
    _keep(shelf, name, scene.title, folder)


def _keep(shelf: Shelf, name: str, title: str, folder: Path) -> None:
    keep = shelf.archive.files.keep
    kept = {
        path.relative_to(folder).as_posix(): keep(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    told = json.loads((folder / "view" / "scene.json").read_text(encoding="utf-8"))
    organs = [
        {
            "id": each["id"],
            "name": each["name"],
            "colour": [int(each["colour"][at : at + 2], 16) for at in (1, 3, 5)],
            "light": each["light"],
            "volume_ml": each["volume_ml"],
            "reasons": each["reasons"],
        }
        for each in told["organs"]
    ]
    with shelf.archive.database.write() as session:
        case = Case(owner_id=shelf.stage.people["admin"], title=f"Case of {name}")
        session.add(case)
        session.flush()
        build = Build(
            case_id=case.id,
            title=title,
            request={"organs": []},
            summary={
                "organs": organs,
                "not_found": told["not_found"],
                **({"estimate": {**told["estimate"], "unit": told["unit"]}} if "estimate" in told else {}),
            },
        )
        build.files = [
            BuildFile(name=each, sha256=file.sha256, size=file.size) for each, file in kept.items()
        ]
        session.add(build)
        session.flush()
        shelf.pages[name] = f"/cases/{case.id}/builds/{build.id}/view"
