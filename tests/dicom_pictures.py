"""DICOM files that hold one picture and no slice of a scan: X-rays, ultrasound, photographs, films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from drawn_pictures import coloured

CLASSES = {
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "MG": "1.2.840.10008.5.1.4.1.1.1.2",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "XA": "1.2.840.10008.5.1.4.1.1.12.1",
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "OP": "1.2.840.10008.5.1.4.1.1.77.1.5.1",
}
ROWS, COLUMNS = 48, 64
A_SLICE = {
    "ImagePositionPatient": [0, 0, 0],
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "PixelSpacing": [0.7, 0.7],
}


def ramp(bits: int = 12) -> Any:
    """Dark on the left, bright on the right, over all of so many bits."""
    row = np.linspace(0, (1 << bits) - 1, COLUMNS)
    return np.tile(row.astype(np.uint16 if bits > 8 else np.uint8), (ROWS, 1))


def ybr_full(rgb: Any) -> Any:
    """Source: DICOM PS3.3, C.7.6.3.1.2 (YBR_FULL)."""
    to_ybr = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    return np.rint(rgb.astype(float) @ to_ybr.T + [0, 128, 128]).clip(0, 255).astype(np.uint8)


def dicom_picture(
    path: Path, modality: str = "DX", *, photometric: str = "MONOCHROME2", bits: int = 12, **tags: Any
) -> Path:
    """A file of a ramp in grey, or of the colours of `coloured`; further elements by their keywords."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CLASSES[modality]
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{len(path.name)}.{bits}"
    ds.SeriesInstanceUID, ds.StudyInstanceUID = "1.2.3.7", "1.2.3.8"
    ds.Modality, ds.PatientName, ds.PatientID = modality, "Nobody^Known", "4711"
    ds.Rows, ds.Columns, ds.PixelRepresentation = ROWS, COLUMNS, 0
    ds.PhotometricInterpretation = photometric
    if photometric in ("RGB", "YBR_FULL"):
        bits, ds.SamplesPerPixel, ds.PlanarConfiguration = 8, 3, 0
        pixels = coloured(ROWS, COLUMNS)
        pixels = ybr_full(pixels) if photometric == "YBR_FULL" else pixels
    else:
        ds.SamplesPerPixel, pixels = 1, ramp(bits)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = (16 if bits > 8 else 8), bits, bits - 1
    ds.PixelData = np.stack([pixels] * int(tags.get("NumberOfFrames", 1))).tobytes()
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path
