"""Text in a DICOM character set -> text; never an error.

Source: DICOM PS3.3, C.12.1.1.2 (defined terms); PS3.5, section 6.1.2.
"""

from __future__ import annotations

from functools import lru_cache

from plastinate.stages.ingest.words import safe

_CODECS = {
    "ISO_IR 100": "iso8859-1",
    "ISO_IR 101": "iso8859-2",
    "ISO_IR 109": "iso8859-3",
    "ISO_IR 110": "iso8859-4",
    "ISO_IR 144": "iso8859-5",
    "ISO_IR 127": "iso8859-6",
    "ISO_IR 126": "iso8859-7",
    "ISO_IR 138": "iso8859-8",
    "ISO_IR 148": "iso8859-9",
    "ISO_IR 203": "iso8859-15",
    "ISO_IR 166": "iso8859-11",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 192": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO 2022 IR 87": "iso2022_jp",
    "ISO 2022 IR 159": "iso2022_jp_1",
    "ISO 2022 IR 149": "euc_kr",
    "ISO 2022 IR 58": "gb2312",
}


@lru_cache(maxsize=256)
def decoded(raw: bytes, character_sets: str) -> str:
    r"""The text, by the first declared set in which it makes sense, else as Latin-1.

    Files declare wrong sets often enough that a declared one that fails is
    followed by UTF-8 before giving in.

    Args:
        raw: the value.
        character_sets: SpecificCharacterSet, several joined by backslashes.

    >>> decoded(b"Sch\xe4del", "ISO_IR 100")
    'Schädel'
    """
    declared = [name.strip().replace("ISO 2022 IR 6", "") for name in reversed(character_sets.split("\\"))]
    codecs = [_CODECS.get(name) or _CODECS.get(name.replace("ISO 2022 IR", "ISO_IR")) for name in declared]
    for codec in (*codecs, "utf-8"):
        if codec is None:
            continue
        try:
            return safe(_without_escapes(raw, codec).decode(codec))
        except UnicodeDecodeError:
            continue
    return safe(raw.decode("latin-1"))


def _without_escapes(raw: bytes, codec: str) -> bytes:
    """Korean and Chinese text with its code-switching escapes taken out, which their codecs do not know."""
    if codec in ("euc_kr", "gb2312"):
        return raw.replace(b"\x1b$)C", b"").replace(b"\x1b$)A", b"")
    return raw
