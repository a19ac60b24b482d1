"""A volume flows in, a folder of single-frame CT or MR files comes out.

Only what is known is written: dates, doses and names that nobody measured stay
empty, and every file says that it is derived.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import CannotWrite
from plastinate.model.volume import UNMEASURED_INT16, Volume

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
IMPLEMENTATION_NAME = "PLASTINATE"

# Value 2 stays PRIMARY: many readers set SECONDARY aside as a screen save or a
# reformat, and this is the only image of its series. Value 1 tells the truth.
CT_IMAGE_TYPE = ["DERIVED", "PRIMARY", "AXIAL"]
MR_IMAGE_TYPE = ["DERIVED", "PRIMARY", "OTHER"]

_STORED_LOW, _STORED_HIGH = -32767, 32767


def write_dicom_series(
    volume: Volume,
    folder: Path,
    *,
    description: str,
    patient_name: str = "Anonymous^Sample",
    patient_id: str = "SAMPLE",
    body_part: str = "",
    manufacturer: str = "Plastinate",
    derivation: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write a volume as a DICOM series of single-frame files, explicit VR little endian.

    The same volume and words give the same bytes: UIDs are made from a SHA-256
    of the content, dates stay empty. The folder appears whole or not at all.
    Whole numbers that fit 16 bits are stored as they are; other values get a
    slope and an intercept for each slice, exact to half a 65534th of the
    slice's range. Voxels that were never measured hold PixelPaddingValue.

    Args:
        volume: any orientation; "HU" becomes CT Image Storage, the rest MR Image Storage.
        folder: must not exist yet, or be empty.
        description: SeriesDescription and StudyDescription, 64 characters at most are kept.
        patient_name: in DICOM's Family^Given form.
        patient_id: PatientID.
        body_part: a defined term of BodyPartExamined, "CHEST"; left out where empty.
        manufacturer: who made these files; the scanner's maker is not known.
        derivation: what the pixels were derived from, for DerivationDescription and ImageComments.
        progress: called with (slices written, slices in all).

    Returns:
        The files, in the order of the slice axis.

    Raises:
        NoMillimetres: DICOM wants PixelSpacing, and the volume never said it.
        CannotWrite: the folder holds something already, or the disk refuses.

    Source:
        DICOM PS3.3, A.3 (CT Image IOD), A.4 (MR Image IOD), C.7.6.2 (Image Plane);
        PS3.5, B.2 (UIDs from UUIDs).
    """
    volume.geometry.require_mm("the PixelSpacing of a DICOM series")
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CannotWrite(str(folder), "it exists already and is not empty")
    words = _Words(description, patient_name, patient_id, body_part, manufacturer, derivation)
    digest = _digest(volume, words)
    dataset = _constant_attributes(volume, digest)
    _add_words(dataset, words)
    count = volume.geometry.shape[0]
    names = [f"{number + 1:0{max(4, len(str(count)))}d}.dcm" for number in range(count)]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for number, name in enumerate(names):
                _set_slice(dataset, volume, number, digest)
                _write(dataset, staging / name)
                if progress is not None:
                    progress(number + 1, count)
            staging.chmod(0o755)
            # POSIX lets a rename replace an empty folder, never a filled one.
            staging.replace(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise CannotWrite(str(folder), error.strerror or str(error)) from error
    return [folder / name for name in names]


def uid_from(*parts: str | bytes) -> str:
    """A UID that depends on nothing but its parts (PS3.5, B.2: 2.25 and a UUID, here of version 8).

    >>> uid_from("a") == uid_from("a"), len(uid_from("a")) <= 64, uid_from("a")[:5]
    (True, True, '2.25.')
    """
    sha = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        sha.update(len(data).to_bytes(8, "little") + data)
    value = int.from_bytes(sha.digest()[:16], "big")
    value = value & ~(0xF << 76) | (8 << 76)
    value = value & ~(0x3 << 62) | (2 << 62)
    return f"2.25.{value}"


def stored_values(
    values: npt.NDArray[Any], *, padding: int = int(UNMEASURED_INT16)
) -> tuple[npt.NDArray[np.int16], float, float]:
    """One slice as int16 with the slope and intercept that bring its values back.

    Args:
        values: (R, C) int16, or float32 with NaN where nothing was measured.
        padding: stored where nothing was measured.

    Returns:
        Stored values, slope, intercept; slope and intercept are already rounded
        as a decimal string of 16 characters holds them.

    >>> stored, slope, intercept = stored_values(np.array([[0.0, 0.5, np.nan]], dtype=np.float32))
    >>> np.abs(stored[0, :2] * slope + intercept - [0.0, 0.5]).max() < 1e-4, int(stored[0, 2])
    (np.True_, -32768)
    """
    if values.dtype == np.int16:
        return values, 1.0, 0.0
    is_measured = np.isfinite(values)
    known = values[is_measured].astype(np.float64)
    stored = np.full(values.shape, padding, dtype=np.int16)
    if known.size == 0:
        return stored, 1.0, 0.0
    low, high = float(known.min()), float(known.max())
    if low >= _STORED_LOW and high <= _STORED_HIGH and bool((known == np.rint(known)).all()):
        stored[is_measured] = known.astype(np.int16)
        return stored, 1.0, 0.0
    slope = _as_decimal((high - low) / (_STORED_HIGH - _STORED_LOW)) or 1.0
    intercept = _as_decimal((high + low) / 2.0)
    counts = np.clip(np.rint((known - intercept) / slope), _STORED_LOW, _STORED_HIGH)
    stored[is_measured] = counts.astype(np.int16)
    return stored, slope, intercept


def _as_decimal(value: float) -> float:
    from pydicom.valuerep import format_number_as_ds

    return float(format_number_as_ds(value))


def _decimals(values: npt.ArrayLike) -> list[str]:
    """Decimal strings of at most 16 characters; -0 becomes 0."""
    from pydicom.valuerep import format_number_as_ds

    return [format_number_as_ds(float(value) + 0.0) for value in np.atleast_1d(np.asarray(values, float))]


class _Words(NamedTuple):
    description: str
    patient_name: str
    patient_id: str
    body_part: str
    manufacturer: str
    derivation: str


def _digest(volume: Volume, words: _Words) -> bytes:
    sha = hashlib.sha256()
    sha.update("\0".join((volume.quantity, volume.modality, str(volume.array.dtype), *words)).encode())
    sha.update(np.ascontiguousarray(volume.geometry.to_lps_mm, dtype="<f8").tobytes())
    for plane in volume.array:
        sha.update(np.ascontiguousarray(plane).data)
    return sha.digest()


def _constant_attributes(volume: Volume, digest: bytes) -> Dataset:
    """What every file of the series shares: all type 1 and type 2 attributes of the IOD."""
    from pydicom.dataset import Dataset

    is_ct = volume.quantity == "HU"
    dataset = Dataset()
    dataset.ImageType = CT_IMAGE_TYPE if is_ct else MR_IMAGE_TYPE
    dataset.SOPClassUID = CT_IMAGE_STORAGE if is_ct else MR_IMAGE_STORAGE
    dataset.Modality = "CT" if is_ct else "MR"
    for keyword in (
        *("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID"),
        *("PatientBirthDate", "PatientSex", "PatientPosition", "PositionReferenceIndicator"),
        *(("KVP",) if is_ct else ("ScanOptions", "EchoTime", "EchoTrainLength", "MRAcquisitionType")),
    ):
        setattr(dataset, keyword, None)
    if not is_ct:
        dataset.ScanningSequence, dataset.SequenceVariant = "RM", "NONE"
        dataset.RepetitionTime = None
    dataset.StudyInstanceUID = uid_from("study", digest)
    dataset.SeriesInstanceUID = uid_from("series", digest)
    dataset.FrameOfReferenceUID = uid_from("frame of reference", digest)
    dataset.SeriesNumber, dataset.AcquisitionNumber = 1, 1
    dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"

    geometry = volume.geometry
    slice_mm, row_mm, column_mm = geometry.spacing_mm
    axes = geometry.to_lps_mm[:3, :3]
    dataset.ImageOrientationPatient = _decimals(np.concatenate([axes[:, 2] / column_mm, axes[:, 1] / row_mm]))
    dataset.PixelSpacing = _decimals([row_mm, column_mm])
    dataset.SliceThickness = _decimals(slice_mm)[0]
    if not is_ct:
        dataset.SpacingBetweenSlices = _decimals(slice_mm)[0]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = geometry.shape[1:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.RescaleType = "HU" if is_ct else "US"
    if _has_unmeasured(volume):
        dataset.PixelPaddingValue = int(UNMEASURED_INT16)
    centre, width = (40.0, 400.0) if is_ct else _display_window(volume)
    dataset.WindowCenter, dataset.WindowWidth = _decimals(centre)[0], _decimals(width)[0]
    return dataset


def _add_words(dataset: Dataset, words: _Words) -> None:
    """Names and sentences; text that ASCII cannot hold makes the file say UTF-8."""
    text = "".join((words.description, words.patient_name, words.patient_id, words.derivation))
    if not text.isascii():
        dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SeriesDescription = dataset.StudyDescription = _fit(words.description, 64)
    dataset.PatientName, dataset.PatientID = words.patient_name, _fit(words.patient_id, 64)
    dataset.Manufacturer = _fit(words.manufacturer, 64)
    if words.body_part:
        dataset.BodyPartExamined = words.body_part
    said = words.derivation or "Written from a volume, not by a scanner"
    dataset.DerivationDescription = _fit(said, 1024)
    dataset.ImageComments = _fit(f"Derived image. {said}", 10240)


def _fit(text: str, length: int) -> str:
    """Text as a single DICOM value: no backslash, no control characters, cut to length."""
    clean = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text.replace("\\", "/"))
    return clean[:length].strip()


def _has_unmeasured(volume: Volume) -> bool:
    if volume.array.dtype == np.int16:
        return any(bool((plane == UNMEASURED_INT16).any()) for plane in volume.array)
    return any(bool(np.isnan(plane).any()) for plane in volume.array)


def _display_window(volume: Volume) -> tuple[float, float]:
    """Centre and width for showing: from the 1st to the 99th percentile of a coarse sample."""
    coarse = volume.array[::4, ::4, ::4]
    known = coarse[coarse != UNMEASURED_INT16] if coarse.dtype == np.int16 else coarse[np.isfinite(coarse)]
    if known.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(known, (1, 99)))
    return round((low + high) / 2, 3), max(round(high - low, 3), 1.0)


def _set_slice(dataset: Dataset, volume: Volume, number: int, digest: bytes) -> None:
    position = volume.geometry.index_to_lps(np.array([number, 0, 0]))
    normal = volume.geometry.to_lps_mm[:3, 0] / volume.geometry.spacing_mm[0]
    stored, slope, intercept = stored_values(volume.array[number])
    dataset.SOPInstanceUID = uid_from("instance", digest, str(number))
    dataset.InstanceNumber = number + 1
    dataset.ImagePositionPatient = _decimals(position)
    dataset.SliceLocation = _decimals(position @ normal)[0]
    dataset.RescaleSlope, dataset.RescaleIntercept = _decimals(slope)[0], _decimals(intercept)[0]
    dataset.PixelData = np.ascontiguousarray(stored, dtype="<i2").tobytes()


def _write(dataset: Dataset, path: Path) -> None:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(uid_from("implementation", IMPLEMENTATION_NAME))
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    dataset.file_meta = meta
    with path.open("wb") as file:
        dataset.save_as(file, enforce_file_format=True)
        file.flush()
        os.fsync(file.fileno())
