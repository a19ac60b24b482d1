"""Small closed shapes and scenes that the tests of compose and export share."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from plastinate.model.evidence import Evidence, Finding
from plastinate.model.geometry import Geometry
from plastinate.model.labels import LabelMap
from plastinate.model.scene import Scene, SceneNode
from plastinate.model.structure import Code, Structure
from plastinate.model.surface import Surface

# An F whose foot is thicker than its arms: no mirror or turn maps it onto itself.
LETTER = np.zeros((3, 6, 4), dtype=bool)
LETTER[0, :, 0] = True
LETTER[0, 0, :] = True
LETTER[0, 2, :3] = True
LETTER[:, 5, 0] = True

FACES = {  # direction of the neighbour -> corners of the face, counter-clockwise from outside
    (1, 0, 0): [(1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 0, 1)],
    (-1, 0, 0): [(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0)],
    (0, 1, 0): [(0, 1, 0), (0, 1, 1), (1, 1, 1), (1, 1, 0)],
    (0, -1, 0): [(0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1)],
    (0, 0, 1): [(0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)],
    (0, 0, -1): [(0, 0, 0), (0, 1, 0), (1, 1, 0), (1, 0, 0)],
}


def block_surface(mask, structure, *, geometry=None):
    """The faces of a (S, R, C) mask as a closed surface in the patient."""
    padded = np.pad(mask, 1)
    corners, triangles, number = [], [], {}
    for direction, face in FACES.items():
        outside = np.roll(padded, [-d for d in direction], axis=(0, 1, 2))
        for voxel in np.argwhere(padded & ~outside) - 1:
            ids = []
            for corner in face:
                place = tuple(int(v) for v in voxel + corner)
                if place not in number:
                    number[place] = len(corners)
                    corners.append(place)
                ids.append(number[place])
            triangles += [(ids[0], ids[1], ids[2]), (ids[0], ids[2], ids[3])]
    index = np.array(corners, dtype=float) - 0.5
    places = (geometry or grid()).index_to_lps(index)
    return Surface(places, np.array(triangles), structure)


def grid(shape=(12, 14, 16), *, unit="mm"):
    """An axial grid with three different spacings, far from the origin."""
    matrix = np.array(
        [[0, 0, 0.7, -120.25], [0, 0.8, 0, -33.5], [-2.5, 0, 0, 841.125], [0, 0, 0, 1]], dtype=float
    )
    return Geometry(shape, matrix, unit)


LUNG = Structure(
    "lung-left", "Left lung", Code("44029006", "SCT", "Left lung"), (190, 120, 110), "left", parent="lungs"
)
HEART = Structure("heart", "Heart «é»", Code("80891009", "SCT", "Heart"), (200, 30, 40), opacity=0.5)
LUNGS = Structure("lungs", "Lungs", Code("39607008", "SCT", "Lung"), (190, 120, 110), parent="chest")
CHEST = Structure("chest", "Chest", None, (200, 200, 200))
TABLE = {structure.id: structure for structure in (LUNG, HEART, LUNGS, CHEST)}


def two_organs(*, unit="mm"):
    """A scene of a letter and a block that touches it, with label map and evidence."""
    geometry = grid(unit=unit)
    labels = np.zeros(geometry.shape, dtype=np.uint16)
    labels[2:5, 3:9, 5:9][LETTER] = 1
    labels[2, 3:9, 3:5] = 2
    label_map = LabelMap(geometry, labels, {1: "lung-left", 2: "heart"})
    surfaces = {name: block_surface(labels == label, name) for label, name in label_map.structures.items()}
    evidence = Evidence(
        inputs={"sha256": "ab" * 32, "odd": float("nan")},
        findings=(Finding("ingest.gap", "warning", "Slices are missing – 3 of 40."),),
    )
    nodes = tuple(SceneNode(TABLE[name], {"full": surface}) for name, surface in surfaces.items())
    return Scene("Chest", geometry, nodes, (CHEST, LUNGS), evidence, label_map)


def close_to(first, second, *, tolerance_mm):
    """True if the same triangles, with the same winding, lie within a tolerance."""
    if len(first.triangles) != len(second.triangles):
        return False

    def middles_and_areas(surface):
        corners = surface.vertices[surface.triangles].astype(float)
        area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        return np.concatenate([corners.mean(axis=1), area], axis=1)

    distance, partner = cKDTree(middles_and_areas(first)).query(middles_and_areas(second))
    return bool(distance.max() <= 10 * tolerance_mm and len(set(partner.tolist())) == len(partner))
