"""structures.toml: names, codes and colours."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pydicom.sr.codedict import codes

from colour_sight import BLINDNESS, lab, simulated
from plastinate.model.errors import RecipeFlaw
from plastinate.recipes.load import list_recipes, load_structures, structure_named
from plastinate.recipes.structures import CATEGORIES, read_structures

# Not in DICOM's own tables, so not in pydicom's: SNOMED CT's "Structure of respiratory system", and what the
# table of TotalSegmentator names and DICOM does not.
BEYOND_DICOM = {
    "20139000": "Respiratory system",
    "65985001": "S1 vertebra",
    "3572006": "Vertebral body",
    "48535007": "First rib",
    "78247007": "Second rib",
    "25888004": "Third rib",
    "25523003": "Fourth rib",
    "15339008": "Fifth rib",
    "59558009": "Sixth rib",
    "24915002": "Seventh rib",
    "5953002": "Eighth rib",
    "22565002": "Ninth rib",
    "77644006": "Tenth rib",
    "58830002": "Eleventh rib",
    "43993008": "Twelfth rib",
    "110765007": "Portal vein and splenic vein",
    "181674001": "Gluteus maximus muscle",
    "78333006": "Gluteus medius muscle",
    "75297007": "Gluteus minimus muscle",
    "244849004": "Deep muscle of back",
    "68455001": "Iliopsoas muscle",
}


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
        assert code.meaning in known.get(code.value, {BEYOND_DICOM.get(code.value)}), code


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
