"""A file of a build -> which format it is of, and what it is called on the reader's machine.

Every build has a `scene.glb`: in a folder of downloads its name has to say of which case it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from plastinate.web.wording import FORMATS

# Which files are of which format: the ending decides, the longest first.
ENDINGS = {
    ".nii.gz": "nifti",
    ".seg.nrrd": "nrrd",
    ".glb": "glb",
    ".stl": "stl",
    ".obj": "obj",
    ".mtl": "obj",
    ".jpg": "obj",
    ".ply": "ply",
    ".3mf": "3mf",
    ".usdz": "usdz",
    ".dcm": "seg",
}
# An OBJ names the MTL that lies beside it, and that its texture: renamed, they would not find each other.
KEEP_THEIR_NAMES = frozenset({".obj", ".mtl", ".jpg"})
TITLE_MAX = 60
# In the name of whatever was made of a picture: it outlives every page that says so.
ESTIMATED = "ESTIMATED"


def format_of(name: str) -> str:
    """The format of a build's file; "" where it is of none.

    >>> format_of("models/lung-left.stl"), format_of("labels.nii.gz"), format_of("run.json")
    ('stl', 'nifti', '')
    """
    return next((ENDINGS[ending] for ending in ENDINGS if name.endswith(ending)), "")


def file_name(case_title: str, name: str, *, is_estimated: bool = False) -> str:
    """What one file of a build is called.

    >>> file_name("Chest CT (2024)", "models/lung-left.stl"), file_name("Chest", "scene.obj")
    ('Chest-CT-2024-lung-left.stl', 'scene.obj')
    >>> file_name("Cat", "object-ESTIMATED.glb", is_estimated=True)
    'Cat-object-ESTIMATED.glb'
    >>> file_name("Cat", "certificate.html", is_estimated=True)
    'Cat-certificate-ESTIMATED.html'
    """
    last = PurePosixPath(name)
    if last.suffix in KEEP_THEIR_NAMES:
        return last.name
    if is_estimated and ESTIMATED not in last.name:
        last = PurePosixPath(f"{last.stem}-{ESTIMATED}{last.suffix}")
    return _joined(case_title, last.name)


def zip_name(case_title: str, build_title: str, names: Iterable[str], *, is_estimated: bool = False) -> str:
    """What a zip of several files is called: with their format, where they are of one.

    Args:
        case_title: what the case is called.
        build_title: what was built.
        names: the files asked for; none for all of them.
        is_estimated: it was made of a picture.

    >>> zip_name("Chest CT", "Both lungs", ["a.stl", "b.stl"]), zip_name("Chest CT", "Both lungs", [])
    ('Chest-CT-Both-lungs-STL.zip', 'Chest-CT-Both-lungs.zip')
    >>> zip_name("Cat", "Object", [], is_estimated=True)
    'Cat-Object-ESTIMATED.zip'
    """
    formats = {format_of(name) for name in names}
    only = formats.pop() if len(formats) == 1 else ""
    is_to_say = is_estimated and ESTIMATED not in _hyphened(build_title)
    words = [
        case_title,
        build_title,
        *([ESTIMATED] if is_to_say else []),
        *([FORMATS[only][0]] if only else []),
    ]
    return f"{_joined(*map(_hyphened, words))}.zip"


def _joined(title: str, *rest: str) -> str:
    return "-".join(each for each in (_hyphened(title), *rest) if each)


def _hyphened(text: str) -> str:
    """A title as a part of a name: letters and numbers of any script, hyphens for all between them."""
    kept = "".join("-" if unicodedata.category(each)[0] in "PSZC" else each for each in text)
    return "-".join(part for part in kept.split("-") if part)[:TITLE_MAX].rstrip("-")
