"""structures.toml: names, codes and colours."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pydicom.sr.codedict import codes

from plastinate.model.errors import RecipeFlaw
from plastinate.recipes.load import list_recipes, load_structures, structure_named
from plastinate.recipes.structures import CATEGORIES, read_structures

# SNOMED CT "Structure of respiratory system": not in DICOM's own tables, so not in pydicom's.
BEYOND_DICOM = {"20139000"}


def meanings_of_dicom() -> dict[str, set[str]]:
    table: dict[str, set[str]] = {}
    for keyword in dir(codes.SCT):
        code = getattr(codes.SCT, keyword, None)
        if hasattr(code, "meaning"):
            table.setdefault(code.value, set()).add(code.meaning)
    return table


def test_every_code_means_in_dicom_what_the_file_says():
    known = meanings_of_dicom()
    listed = [structure.code for structure in load_structures().values() if structure.code]
    listed += [category for category in CATEGORIES.values() if category]
    for code in listed:
        if code.value not in BEYOND_DICOM:
            assert code.meaning in known[code.value], code


def test_only_what_is_no_anatomy_goes_without_a_code():
    assert {name for name, structure in load_structures().items() if structure.code is None} == {
        "table",
        "surface",
    }


def test_sides_are_told_by_laterality_and_share_the_organs_code():
    left, right = load_structures()["lung-left"], load_structures()["lung-right"]
    assert (left.laterality, right.laterality) == ("left", "right")
    assert left.code == right.code


def test_what_is_built_together_can_be_told_apart_by_colour_blind_eyes():
    structures = load_structures()
    for recipe in list_recipes():
        for one, other in itertools.combinations(recipe.structures, 2):
            # Trachea and bronchi are one tree and may look it.
            if {one, other} == {"trachea", "airways"}:
                continue
            for blindness in BLINDNESS:
                seen = [lab(simulated(structures[name].colour, blindness)) for name in (one, other)]
                assert np.linalg.norm(seen[0] - seen[1]) > 9, (recipe.name, one, other, blindness)


# Machado, Oliveira & Fernandes 2009, table 1, severity 1.
BLINDNESS = {
    "none": np.eye(3),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ]
    ),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}


def simulated(colour: tuple[int, int, int], blindness: str) -> np.ndarray:
    matrix = BLINDNESS[blindness]
    value = np.array(colour) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.clip(matrix @ linear, 0, 1)


def lab(linear: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    f = np.cbrt(to_xyz @ linear / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_a_name_of_ones_own_becomes_a_structure_without_a_code():
    assert structure_named("liver").code is not None
    own = structure_named("my-window")
    assert (own.id, own.name, own.code) == ("my-window", "My window", None)
    assert own.category == CATEGORIES["region"]


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("[a]\ncolour = [1, 2, 3]\n", "name"),
        ('[a]\nname = "A"\ncolour = [1, 2, 300]\ncode = {value="1", meaning="A"}\n', "colour"),
        ('[a]\nname = "A"\ncolour = [1, 2]\ncode = {value="1", meaning="A"}\n', "colour"),
        ('[a]\nname = "A"\ncolour = [1, 2, 3]\n', "code"),
        ('[a]\nname = "A"\ncolour = [1, 2, 3]\ncode = "1"\n', "code"),
        ('[a]\nname = "A"\ncolour = [1, 2, 3]\ncategory = "object"\ncolor = 1\n', "color: unknown key"),
        ('[a]\nname = "A"\ncolour = [1, 2, 3]\ncategory = "thing"\n', "category"),
        ('[a]\nname = "A"\ncolour = [1, 2, 3]\ncategory = "object"\nopacity = 0\n', "opacity"),
        ('[a]\nname = "A"\ncolour = [1, 2, 3]\ncategory = "object"\nlaterality = "up"\n', "laterality"),
        ('[a]\nname = "A"\ncolour = [1, 2, 3]\ncategory = "object"\nparent = "b"\n', "there is no 'b'"),
        ('[a]\nname = "A"\ncolour = [1, 2, 3]\ncategory = "object"\nparent = "a"\n', "circle"),
        ("a = 1\n", "every entry is a table"),
        ("[a\n", "not TOML"),
    ],
)
def test_a_flaw_in_the_file_names_the_structure_and_the_key(tmp_path, text, flaw):
    path = tmp_path / "structures.toml"
    path.write_text(text)
    with pytest.raises(RecipeFlaw, match=flaw):
        read_structures(path)
