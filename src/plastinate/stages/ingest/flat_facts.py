"""What the header of a DICOM picture says that matters for a model of it, and what has to be told of it."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from plastinate.model.errors import InputError, LimitError
from plastinate.model.evidence import Finding
from plastinate.stages.ingest.archive import Unpacking
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.headers import read_header
from plastinate.stages.ingest.limits import Limits

Shows = Literal["photo", "x-ray", "ultrasound", "slice"]

# What a reader of DICOM raises over bytes that are none.
FAULTS = (
    *(ValueError, RuntimeError, AttributeError, KeyError, NotImplementedError, TypeError, OSError, EOFError),
    *(struct.error, IndexError, OverflowError),
)
# PS3.3, C.7.3.1.1.1: modalities that are a camera's, an echo's or a slice's; the others are shadows.
OF_A_MODALITY: Mapping[str, Shows] = {
    **dict.fromkeys(("XC", "ES", "OP", "GM", "SM", "DMS"), "photo"),
    **dict.fromkeys(("US", "BDUS", "IVUS"), "ultrasound"),
    **dict.fromkeys(("CT", "MR", "PT", "NM"), "slice"),
}
# Photographs of a DICOM world (PS3.4, B.5); the reader of scans sets them aside.
PHOTOGRAPHS = "1.2.840.10008.5.1.4.1.1.77."
# Why a reader of scans sets a file aside that is a picture all the same.
ASIDE_AND_A_PICTURE = ("ingest.colour", "ingest.screen-save")
# Where names are often written into the picture itself (PS3.15, annex E, Clean Pixel Data).
OFTEN_WRITTEN_ON = ("US", "XC", "ES", "OT", "SC", "")
# A thousandth of a millimetre is near the wavelength of light, and ten make a chest of forty pixels.
DETECTOR_PIXEL_MM = (0.001, 10.0)
WANTED = (
    *("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "Modality", "SOPClassUID"),
    *("PhotometricInterpretation", "WindowCenter", "WindowWidth", "VOILUTFunction"),
    *("PixelSpacing", "ImagerPixelSpacing", "PixelSpacingCalibrationType"),
    *("PatientName", "PatientID", "BurnedInAnnotation"),
)


@dataclass(frozen=True)
class DicomFacts:
    """What is read of a DICOM picture's header.

    Attributes:
        rows, columns, samples, frames: of its pixels.
        is_palette: its pixels are numbers of colours.
        modality: as the file has it, "" where it has none.
        sop_class_uid: of the object.
        window: (centre, width, function), None where the file has none that can be used.
        findings: what has to be told.
    """

    rows: int
    columns: int
    samples: int
    frames: int
    is_palette: bool
    modality: str
    sop_class_uid: str
    window: tuple[float, float, str] | None
    findings: tuple[Finding, ...]

    @property
    def shows(self) -> Shows:
        """What it is a picture of."""
        if self.modality in OF_A_MODALITY:
            return OF_A_MODALITY[self.modality]
        is_photo = self.samples == 3 or self.is_palette or self.sop_class_uid.startswith(PHOTOGRAPHS)
        return "photo" if is_photo else "x-ray"


def facts_of(path: Path) -> DicomFacts:
    """Read the header of one DICOM file, up to its pixels.

    Raises:
        OSError, ValueError and others of `FAULTS`: it makes no sense as DICOM.
    """
    import pydicom

    header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(WANTED), force=True)
    modality = str(header.get("Modality") or "").strip().upper()
    return DicomFacts(
        int(header.get("Rows") or 0),
        int(header.get("Columns") or 0),
        int(header.get("SamplesPerPixel") or 1),
        max(int(header.get("NumberOfFrames") or 1), 1),
        str(header.get("PhotometricInterpretation") or "").strip().upper() == "PALETTE COLOR",
        modality,
        str(header.get("SOPClassUID") or ""),
        _window(header),
        (*_identity(header, modality), *_size(header)),
    )


def shown_by(candidate: Candidate, *, workspace: Path, limits: Limits) -> Shows | None:
    """What one DICOM file is a picture of; None where it holds none: a report, a mask, a dose, damage."""
    try:
        header = read_header(candidate, state=Unpacking(workspace, limits))
        facts = facts_of(candidate.path)
    except (InputError, LimitError, *FAULTS):
        return None
    is_photograph = facts.sop_class_uid.startswith(PHOTOGRAPHS) and facts.rows > 0
    is_picture = bool(header.frames) or header.code in ASIDE_AND_A_PICTURE or is_photograph
    return facts.shows if is_picture else None


def _window(header: Any) -> tuple[float, float, str] | None:
    try:
        centre, width = (_first(header.get(name)) for name in ("WindowCenter", "WindowWidth"))
    except FAULTS:
        return None
    function = str(header.get("VOILUTFunction") or "LINEAR").strip().upper()
    if not (math.isfinite(centre) and math.isfinite(width)) or width < 1:
        return None
    return centre, width, function


def _first(value: Any) -> float:
    many = value is not None and not isinstance(value, str) and hasattr(value, "__len__")
    return float(value[0] if many else value)


def _identity(header: Any, modality: str) -> tuple[Finding, ...]:
    said = []
    if str(header.get("PatientName") or "").strip() or str(header.get("PatientID") or "").strip():
        said.append(
            Finding(
                "ingest.picture-identity",
                "note",
                "The file says whose picture it is.",
                "That goes into nothing that is made of it; the file itself still says whose it is.",
            )
        )
    burned = str(header.get("BurnedInAnnotation") or "").strip().upper()
    if burned == "YES" or (burned != "NO" and modality in OFTEN_WRITTEN_ON):
        says = (
            "The file says that words are written into the picture itself, perhaps a name."
            if burned == "YES"
            else "Words may be written into the picture itself, perhaps a name: the file does not say that "
            "none are."
        )
        said.append(
            Finding(
                "ingest.burned-in",
                "warning",
                says,
                "They cannot be removed, and stand on the model too: look before you share it.",
            )
        )
    return tuple(said)


def _size(header: Any) -> tuple[Finding, ...]:
    """That a pixel's size is stated, and why no length is taken from it."""
    try:
        side_mm = _first(header.get("ImagerPixelSpacing"))
    except FAULTS:
        return ()
    if not DETECTOR_PIXEL_MM[0] <= side_mm <= DETECTOR_PIXEL_MM[1]:
        return ()
    calibrated = str(header.get("PixelSpacingCalibrationType") or "").strip()
    if calibrated:
        return ()
    return (
        Finding(
            "ingest.detector-size",
            "note",
            f"The file says how large a pixel is on the detector ({side_mm:g} mm), and not in the body, "
            "whose shadow is larger than itself.",
            "No length was taken from it.",
        ),
    )
