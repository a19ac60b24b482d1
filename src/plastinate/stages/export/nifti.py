"""A label map in, one NIfTI-1 file out, packed, with the names of the labels in its header."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry, lps_affine_to_ras
from plastinate.model.scene import Scene
from plastinate.stages.export.atomic_write import writing
from plastinate.stages.export.format_options import FormatOptions
from plastinate.stages.export.frame_note import VOXEL_BANNER
from plastinate.stages.export.gzip_blocks import gzip_blocks
from plastinate.stages.export.json_text import json_bytes
from plastinate.stages.export.label_blocks import label_blocks, label_map_of, named_labels

DT_UINT16 = 512
INTENT_LABEL = 1002
XFORM_SCANNER = 1
UNITS_MM = 2
EXTENSION_COMMENT = 6
HEADER_SIZE, WITH_FLAG = 348, 352


def write_nifti(scene: Scene, path: Path) -> str:
    """Write the label map of a scene as .nii.gz in RAS millimetres.

    NIfTI counts axes (column, row, slice) and its world is RAS, not LPS: the
    first two rows of the matrix change sign, and no voxel moves in the file. Both
    sform and qform hold it. A header extension of kind "comment" holds label
    names, codes and colours as JSON.

    Args:
        scene: with a label map.
        path: where to, ending in .nii.gz.

    Returns:
        The SHA-256 of the file.

    Raises:
        EmptyMask: the scene has no label map.
        CannotWrite: the system refused.

    Source: NIfTI-1 data format, nifti1.h.
    """
    label_map = label_map_of(scene)
    names = {str(label): structure.as_dict() for label, structure in named_labels(scene)}
    note = json_bytes({"plastinate": {"labels": names, "evidence": scene.evidence.as_dict()}})
    note += b"\0" * (-(len(note) + 8) % 16)
    extension = struct.pack("<ii", len(note) + 8, EXTENSION_COMMENT) + note
    head = nifti_header(label_map.geometry, data_starts_at=WITH_FLAG + len(extension))
    first = head + b"\1\0\0\0" + extension
    with writing(path) as stream:
        for block in gzip_blocks(itertools.chain([first], label_blocks(label_map))):
            stream.write(block)
    return stream.sha256


def write_nifti_file(scene: Scene, path: Path, options: FormatOptions) -> dict[Path, str]:
    """The NIfTI line of the format table."""
    return {path: write_nifti(scene, path)}


def nifti_header(geometry: Geometry, *, data_starts_at: int) -> bytes:
    """The 348 bytes of a NIfTI-1 header for uint16 labels.

    Without millimetres the unit field stays "unknown", and the description says why.
    """
    affine = lps_affine_to_ras(geometry.to_lps_mm)[:, [2, 1, 0, 3]]
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    b, c, d, handedness = quaternion(affine[:3, :3] / spacing)
    text = "Plastinate labels" if geometry.unit == "mm" else f"Plastinate labels, {VOXEL_BANNER}"
    header = bytearray(HEADER_SIZE)
    struct.pack_into("<i", header, 0, HEADER_SIZE)
    slices, rows, columns = geometry.shape
    struct.pack_into("<8h", header, 40, 3, columns, rows, slices, 1, 1, 1, 1)
    struct.pack_into("<h", header, 68, INTENT_LABEL)
    struct.pack_into("<hh", header, 70, DT_UINT16, 16)
    struct.pack_into("<8f", header, 76, handedness, *spacing, 0, 0, 0, 0)
    struct.pack_into("<fff", header, 108, data_starts_at, 1.0, 0.0)
    header[123] = UNITS_MM if geometry.unit == "mm" else 0
    header[148 : 148 + len(text)] = text.encode("ascii")
    struct.pack_into("<hh", header, 252, XFORM_SCANNER, XFORM_SCANNER)
    struct.pack_into("<6f", header, 256, b, c, d, *affine[:3, 3])
    struct.pack_into("<12f", header, 280, *affine[:3].ravel())
    header[344:348] = b"n+1\0"
    return bytes(header)


def quaternion(directions: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
    """A rotation as NIfTI's quaternion (b, c, d), and -1 if the third axis must be flipped first.

    Args:
        directions: (3, 3) unit columns.

    Source: Bar-Itzhack, "New method for extracting the quaternion from a rotation
    matrix", J. Guidance 23(6), 2000: the leading eigenvector, which has no
    special cases where the plain formulae divide by nearly nothing.
    """
    handedness = 1.0 if np.linalg.det(directions) > 0 else -1.0
    m = directions * np.array([1.0, 1.0, handedness])
    symmetric = np.array(
        [
            [m[0, 0] - m[1, 1] - m[2, 2], 0, 0, 0],
            [m[1, 0] + m[0, 1], m[1, 1] - m[0, 0] - m[2, 2], 0, 0],
            [m[2, 0] + m[0, 2], m[2, 1] + m[1, 2], m[2, 2] - m[0, 0] - m[1, 1], 0],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], m[0, 0] + m[1, 1] + m[2, 2]],
        ]
    )
    b, c, d, a = (float(value) for value in np.linalg.eigh(symmetric, UPLO="L")[1][:, -1])
    if a < 0 or (a == 0 and (b, c, d) < (0, 0, 0)):
        b, c, d = -b, -c, -d
    return b, c, d, handedness
