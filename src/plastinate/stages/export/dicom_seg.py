"""A label map and the DICOM files behind it in, one DICOM Segmentation out."""

from __future__ import annotations

import hashlib
import io
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from plastinate import __version__
from plastinate.model.errors import DamagedFile, EmptyMask, NoDicomSource, TooLarge
from plastinate.model.labels import LabelMap
from plastinate.model.scene import Scene
from plastinate.model.structure import Code, Structure
from plastinate.stages.export.atomic_write import write_bytes
from plastinate.stages.export.dicom_series import uid_from
from plastinate.stages.export.format_options import FormatOptions
from plastinate.stages.export.frame_note import ascii_text, one_line
from plastinate.stages.export.label_blocks import label_blocks, label_map_of, named_labels

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

ANATOMICAL_STRUCTURE = Code("123037004", "SCT", "Anatomical Structure")
TISSUE = Code("85756007", "SCT", "Tissue")
DEFLATED = "1.2.840.10008.1.2.1.99"
# A header beyond this is no header; deflate packs zeros a thousandfold, so the file's own size says little.
INFLATED_MAX = 256 << 20
SERIES_NUMBER = 900
# Type 2 of the Patient and General Study modules (PS3.3, C.7.1.1 and C.7.2.1): an object has them, if
# empty. Anonymisers delete them all the same, and highdicom asks for each.
MAY_BE_EMPTY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
# Type 1 of the modules that a segmentation shares with its images: without them it would belong nowhere.
MUST_BE_THERE = (
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "Modality",
)


def write_dicom_seg(scene: Scene, path: Path, *, source_files: Sequence[Path]) -> str:
    """Write the label map of a scene as a binary DICOM Segmentation.

    Frames lie where the voxels of the label map lie. Where that is also where a
    source image lies, the frame refers to it; where the grid was resampled (tilt
    undone, gaps filled), the object refers to the series as a whole and says so.
    Every segment has a frame on every slice between the first and the last that
    holds any label, empty or not: readers that stack frames one after the other
    would otherwise close the holes.

    The same labels and source give the same bytes: UIDs come from a SHA-256, the
    date is that of the study.

    Args:
        scene: with a label map, in millimetres.
        path: where to.
        source_files: the DICOM files of the series; only their headers are read.

    Returns:
        The SHA-256 of the file.

    Raises:
        NoDicomSource: no source files, or they lack what a segmentation must repeat.
        NoMillimetres: DICOM wants a pixel size, and the scan never said it.
        EmptyMask: no label map, or no labelled voxel.
        CannotWrite: the system refused.

    Source: DICOM PS3.3, A.51 (Segmentation IOD), C.8.20.
    """
    label_map = label_map_of(scene)
    label_map.geometry.require_mm("the pixel size that a DICOM segmentation must state")
    if not source_files:
        raise NoDicomSource("this scan was not read from loose DICOM files")
    labels = [
        (label, structure)
        for label, structure in named_labels(scene)
        if label_map.voxel_count(label_map.structures[label])
    ]
    if not labels:
        raise EmptyMask("label map", "no voxel has a label")
    sources = fit_sources(source_files)
    _fill_thickness(sources, float(label_map.geometry.spacing_mm[0]))
    dataset = _segmentation(scene.title, label_map, labels, sources)
    # pydicom goes back in what it writes, so the file (a bit for each voxel) is made in memory.
    whole = io.BytesIO()
    dataset.save_as(whole, enforce_file_format=True)
    return write_bytes(path, whole.getbuffer())


def fit_sources(source_files: Sequence[Path]) -> list[Dataset]:
    """The headers of a series that a segmentation can refer to, in the order of their identity.

    Raises:
        NoDicomSource: they lack what a segmentation must repeat; named.
        DamagedFile: a header cannot be read again.
    """
    headers = [_header_of(Path(source)) for source in source_files]
    for header in headers:
        if not header.get("FrameOfReferenceUID"):
            raise NoDicomSource("they name no frame of reference (it was removed with other identifiers)")
        for keyword in MUST_BE_THERE:
            if not header.get(keyword):
                raise NoDicomSource(f"they lack {keyword}, which it must repeat")
    # By their own identity: renaming the files of a scan must not give its segmentation another.
    return sorted(headers, key=lambda one: str(one.SOPInstanceUID))


def write_dicom_seg_file(scene: Scene, path: Path, options: FormatOptions) -> dict[Path, str]:
    """The DICOM SEG line of the format table."""
    return {path: write_dicom_seg(scene, path, source_files=options.source_files)}


def _header_of(path: Path) -> Dataset:
    """Everything before the pixels, of one file."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        meta = pydicom.filereader.read_file_meta_info(path)
        if meta.get("TransferSyntaxUID") == DEFLATED:
            _refuse_bomb(path)
        with warnings.catch_warnings():
            # Odd values in other people's headers are reported at ingest already.
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, stop_before_pixels=True)
    except (InvalidDicomError, OSError, ValueError, EOFError) as error:
        raise DamagedFile(path.name, f"its header cannot be read again ({one_line(str(error))})") from error
    for keyword in MAY_BE_EMPTY:
        if keyword not in header:
            setattr(header, keyword, None)
    _without_nonsense(header)
    return header


def _without_nonsense(header: Dataset) -> None:
    """Empty what may be empty and holds no value of its kind: copied on, it would make a wrong object."""
    from pydicom.valuerep import DA, TM

    for keyword, kind in (
        ("PatientBirthDate", DA),
        ("StudyDate", DA),
        ("SeriesDate", DA),
        ("StudyTime", TM),
    ):
        try:
            kind(str(header.get(keyword) or ""))
        except ValueError:
            setattr(header, keyword, None)
    if header.PatientSex not in ("M", "F", "O"):
        header.PatientSex = None


def _fill_thickness(sources: list[Dataset], thickness_mm: float) -> None:
    """Where the images leave it out or empty (type 2 in C.7.6.2): frames as thick as the grid is fine."""
    for source in sources:
        groups = source.get("SharedFunctionalGroupsSequence") or []
        measures = [item for group in groups for item in group.get("PixelMeasuresSequence") or []]
        for item in measures if groups else [source]:
            if not item.get("SliceThickness"):
                item.SliceThickness = f"{thickness_mm:.10g}"


def _refuse_bomb(path: Path) -> None:
    """Inflate a deflated file and count, keeping nothing: pydicom would inflate all of it at once."""
    packed = path.read_bytes()
    # The deflated part starts behind the meta information: 132 bytes, then its group length.
    start = 144 + int.from_bytes(packed[140:144], "little")
    inflater, count, rest = zlib.decompressobj(-15), 0, packed[start:]
    while rest and not inflater.eof:
        count += len(inflater.decompress(rest, 1 << 20))
        rest = inflater.unconsumed_tail
        if count > INFLATED_MAX:
            raise TooLarge(path.name, "its inflated size in bytes", value=count, cap=INFLATED_MAX)


def _segmentation(
    title: str, label_map: LabelMap, labels: list[tuple[int, Structure]], sources: list[Dataset]
) -> Dataset:
    import highdicom as hd

    first, voxels = _numbered_slices(label_map, [label for label, _ in labels])
    geometry = label_map.geometry.crop((first, 0, 0), voxels.shape)
    digest = _digest(label_map, sources)
    study = sources[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made: Dataset = hd.seg.Segmentation(
                source_images=sources,
                pixel_array=hd.Volume(
                    voxels, geometry.to_lps_mm, "PATIENT", frame_of_reference_uid=study.FrameOfReferenceUID
                ),
                segmentation_type="BINARY",
                segment_descriptions=[_described(n, s) for n, (_, s) in enumerate(labels, 1)],
                series_instance_uid=uid_from("series", digest),
                series_number=SERIES_NUMBER,
                sop_instance_uid=uid_from("instance", digest),
                instance_number=1,
                manufacturer="Plastinate",
                manufacturer_model_name="Plastinate",
                software_versions=__version__,
                device_serial_number=digest[:16],
                content_description=_content(title, label_map, study),
                content_label="ORGANS",
                omit_empty_frames=False,
                series_description="Organs by Plastinate",
            )
    except AttributeError as error:
        missing = error.name or f"a part ({one_line(str(error))})"
        raise NoDicomSource(f"they lack {missing}, which it must repeat") from error
    except (ValueError, TypeError, KeyError) as error:
        raise NoDicomSource(f"they lack what it must repeat ({one_line(str(error))})") from error
    _without_the_clock(made, study, digest)
    return made


def _numbered_slices(label_map: LabelMap, labels: list[int]) -> tuple[int, npt.NDArray[Any]]:
    """The slices that hold labels, with the labels renumbered 1, 2, 3 ... as DICOM wants."""
    used = np.flatnonzero([part.any() for part in label_map.array])
    first, last = int(used[0]), int(used[-1])
    number_of = np.zeros(max(labels) + 1, dtype=np.uint8 if len(labels) < 256 else np.uint16)
    number_of[labels] = np.arange(1, len(labels) + 1)
    return first, number_of[label_map.array[first : last + 1]]


def _described(number: int, structure: Structure) -> Any:
    import highdicom as hd
    from pydicom.sr.coding import Code as DicomCode

    def coded(code: Code) -> DicomCode:
        return DicomCode(code.value, code.scheme, one_line(code.meaning)[:64])

    # What has no anatomical name is still something: tissue (CID 7150 and 7151).
    category = structure.category or (ANATOMICAL_STRUCTURE if structure.code else TISSUE)
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=one_line(structure.name)[:64] or structure.id[:64],
        segmented_property_category=coded(category),
        segmented_property_type=coded(structure.code or TISSUE),
        algorithm_type="AUTOMATIC",
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name="Plastinate",
            # The nearest family of CID 7162 to thresholds, components and morphology.
            family=DicomCode("123104", "DCM", "Morphological Operations"),
            version=__version__,
        ),
        tracking_uid=uid_from("structure", structure.id),
        tracking_id=ascii_text(structure.id)[:64],
        display_color=hd.color.CIELabColor.from_rgb(*structure.colour),
    )


def _content(title: str, label_map: LabelMap, study: Dataset) -> str:
    """ContentDescription, 64 characters at most: the title, and whether the grid is the source's own."""
    position, rows, columns = study.get("ImagePositionPatient"), study.get("Rows"), study.get("Columns")
    is_own_grid = False
    if position is not None and (rows, columns) == label_map.geometry.shape[1:]:
        index = label_map.geometry.lps_to_index(np.array(position, dtype=np.float64))
        is_own_grid = bool(np.abs(index - np.rint(index)).max() < 0.01)
    note = "" if is_own_grid else " (resampled grid)"
    return f"{ascii_text(title)[: 64 - len(note)]}{note}"


def _digest(label_map: LabelMap, sources: list[Dataset]) -> str:
    sha = hashlib.sha256(__version__.encode())
    sha.update(repr(sorted(label_map.structures.items())).encode())
    sha.update(label_map.geometry.to_lps_mm.tobytes())
    for source in sources:
        sha.update(str(source.get("SOPInstanceUID", "")).encode())
    for block in label_blocks(label_map):
        sha.update(block)
    return sha.hexdigest()


def _without_the_clock(made: Dataset, study: Dataset, digest: str) -> None:
    """Replace what depends on the moment of writing by what depends on the study."""
    date = str(study.get("StudyDate") or study.get("SeriesDate") or "19700101")
    for keyword, value in (
        ("ContentDate", date),
        ("ContentTime", "000000"),
        ("SeriesDate", date),
        ("SeriesTime", "000000"),
        ("InstanceCreationDate", date),
        ("InstanceCreationTime", "000000"),
    ):
        if keyword in made:
            setattr(made, keyword, value)
    for equipment in made.get("ContributingEquipmentSequence", []):
        # Optional (PS3.3, C.12.1.1.5), and nothing but the moment of writing.
        if "ContributionDateTime" in equipment:
            del equipment.ContributionDateTime
    organisation = uid_from("dimensions", digest)
    for item in made.DimensionOrganizationSequence:
        item.DimensionOrganizationUID = organisation
    for item in made.DimensionIndexSequence:
        item.DimensionOrganizationUID = organisation
