"""Tiny DICOM files and frames for tests of reading: a few pixels each, every attribute open to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset

from plastinate.stages.ingest.frame import Frame

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
ROOT = "1.2.826.0.1.3680043.10.999.7"


def slice_dataset(number: int, **changes: Any) -> Dataset:
    """One axial CT slice of 4 x 6 pixels, 2 mm above the last; None as a value removes the attribute."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CT, f"{ROOT}.3.{number + 1}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT}.1", f"{ROOT}.2"
    dataset.FrameOfReferenceUID, dataset.Modality = f"{ROOT}.4", "CT"
    dataset.ImageType, dataset.SeriesDescription = ["ORIGINAL", "PRIMARY", "AXIAL"], "Tiny"
    dataset.InstanceNumber = number + 1
    dataset.ImagePositionPatient = [-10.0, -20.0, 2.0 * number]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [0.5, 0.75]
    dataset.Rows, dataset.Columns = 4, 6
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    dataset.PixelData = np.full((4, 6), number, dtype="<i2").tobytes()
    for keyword, value in changes.items():
        if value is None:
            if keyword in dataset:
                delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def save(dataset: Dataset, path: Path, *, syntax: str = EXPLICIT) -> Path:
    """Write a dataset as a DICOM file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID") or CT
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID") or "1.2.3"
    meta.TransferSyntaxUID = syntax
    dataset.file_meta = meta
    dataset["PixelData"].VR = "OW"
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def save_series(folder: Path, count: int = 5, **changes: Any) -> Path:
    """Write a straight series of tiny slices."""
    for number in range(count):
        save(slice_dataset(number, **changes), folder / f"{number}.dcm")
    return folder


def frame(z_mm: float, **changes: Any) -> Frame:
    """A frame of an axial stack at that height, without a file behind it."""
    facts: dict[str, Any] = {
        "path": Path(f"/nowhere/{changes.get('sop_instance_uid', z_mm)}"),
        "name": f"{z_mm:g}",
        "frame_index": 0,
        "rows": 4,
        "columns": 6,
        "transfer_syntax_uid": EXPLICIT,
        "samples_per_pixel": 1,
        "photometric": "MONOCHROME2",
        "bits_allocated": 16,
        "bits_stored": 16,
        "high_bit": 15,
        "is_signed": True,
        "sop_instance_uid": f"{ROOT}.{z_mm}",
        "series_uid": f"{ROOT}.2",
        "modality": "CT",
        "position_lps_mm": (0.0, 0.0, z_mm),
        "row_direction": (1.0, 0.0, 0.0),
        "column_direction": (0.0, 1.0, 0.0),
        "row_spacing_mm": 0.5,
        "column_spacing_mm": 0.75,
    }
    return Frame(**{**facts, **changes})
