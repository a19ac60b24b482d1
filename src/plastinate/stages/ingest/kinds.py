"""SOP classes that are no scan, and what each is in words a student understands."""

from __future__ import annotations

DICOMDIR_CLASS = "1.2.840.10008.1.3.10"

_STORAGE = "1.2.840.10008.5.1.4.1.1."
SECONDARY_CAPTURE = tuple(_STORAGE + tail for tail in ("7", "7.1", "7.2", "7.3", "7.4"))

# PS3.6, annex A; the longest prefix wins.
_NOT_A_SCAN = {
    "66": "raw measurement data, not an image",
    "66.1": "a registration between scans, not a scan",
    "66.2": "fiducial points, not a scan",
    "66.3": "a registration between scans, not a scan",
    "66.4": "a segmentation: labels, not a scan",
    "66.5": "a segmentation as a surface, not a scan",
    "66.6": "tract lines, not a scan",
    "66.7": "a segmentation: labels, not a scan",
    "66.8": "a height map, not a scan",
    "67": "a table that maps values, not a scan",
    "88": "a report, not an image",
    "88.67": "a radiation dose report, not an image",
    "481.2": "a radiotherapy dose map, not a scan",
    "481.3": "radiotherapy contours, not a scan",
    "481.5": "a radiotherapy plan, not a scan",
    "481.8": "a radiotherapy plan, not a scan",
    "11": "a presentation state: how to show a scan, not a scan",
    "9": "a waveform, not an image",
    "104.1": "a document, not a scan",
    "104.2": "a document, not a scan",
    "104.3": "a 3D model, not a scan",
    "104.4": "a 3D model, not a scan",
    "104.5": "a 3D model, not a scan",
    "78": "eye measurements, not a scan",
    "77": "a photograph or microscope picture, not slices through a body",
    "30": "a parametric map, not a scan",
}


def not_a_scan(sop_class_uid: str) -> str:
    """What an object of this class is, if it cannot become a volume; else "".

    >>> not_a_scan("1.2.840.10008.5.1.4.1.1.66.4")
    'a segmentation: labels, not a scan'
    """
    if sop_class_uid == DICOMDIR_CLASS:
        return "a table of contents (DICOMDIR), not an image"
    if not sop_class_uid.startswith(_STORAGE):
        return ""
    tail = sop_class_uid[len(_STORAGE) :].split(".")
    for length in (2, 1):
        words = _NOT_A_SCAN.get(".".join(tail[:length]), "")
        if words:
            return words
    return ""
