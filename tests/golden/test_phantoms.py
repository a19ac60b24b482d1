"""Every way a scanner can write a known shape must give that shape back, from the STL and from the GLB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judge import as_json, judge
from phantom_codecs import SYNTAXES
from phantom_grid import Scan
from phantom_series import write_series
from phantoms import ALL, WINDOW
from plastinate.api import build_model
from plastinate.model.errors import EmptyMask

SPHERE_SCANS: dict[str, Scan] = {
    "plain": Scan(),
    "double-oblique": Scan(plane="double-oblique"),
    "tilt": Scan(tilt_degrees=(18.0, 0.0)),
    "enhanced-ct": Scan(enhanced=True),
}

SHAPE_SCANS: dict[str, Scan] = {
    "axial": Scan(),
    "double-oblique": Scan(plane="double-oblique"),
    "fine": Scan(spacing_mm=(0.8, 0.7, 0.7)),
}

LETTER_SCANS: dict[str, Scan] = {
    **{
        f"{plane}{'-turned' if turned else ''}{'-reverse' if reverse else ''}": Scan(
            plane=plane, turned=turned, reverse=reverse
        )
        for plane in ("axial", "coronal", "sagittal", "oblique", "double-oblique")
        for turned in (False, True)
        for reverse in (False, True)
    },
    "enhanced": Scan(plane="oblique", enhanced=True),
    "non-square": Scan(plane="coronal", spacing_mm=(1.0, 0.6, 1.1)),
    "tilt": Scan(tilt_degrees=(-12.0, 9.0)),
}

ODD_SCANS: dict[str, Scan] = {
    "tilt+30": Scan(tilt_degrees=(30.0, 0.0)),
    "tilt-30": Scan(tilt_degrees=(-30.0, 0.0)),
    "tilt-sideways+30": Scan(tilt_degrees=(0.0, 30.0)),
    "tilt-sideways-30": Scan(tilt_degrees=(0.0, -30.0)),
    "tilt-both-coronal": Scan(plane="coronal", tilt_degrees=(17.0, -11.0)),
    "non-square": Scan(spacing_mm=(1.0, 0.6, 1.1)),
    "thick-slices": Scan(spacing_mm=(2.0, 0.8, 0.8)),
    "varying-slopes": Scan(slopes="varying", bits_stored=16),
    "slopes-below-one": Scan(slopes="below-one", bits_stored=16),
    "signed": Scan(signed=True),
    "signed-16": Scan(signed=True, bits_stored=16),
    "dirty-high-bits": Scan(dirty_high_bits=True),
    "dirty-high-bits-signed": Scan(dirty_high_bits=True, signed=True),
    "padding": Scan(padding="declared", signed=True),
    "padding-bright": Scan(padding="declared", modality="MR", bits_stored=16),
    "padding-bright-signed": Scan(padding="declared", modality="MR", signed=True, bits_stored=16),
    "padding-bright-range": Scan(padding="range", modality="MR", bits_stored=16),
    "outside-circle": Scan(padding="undeclared", signed=True),
    "missing-slice": Scan(missing=(15,)),
    "missing-slices": Scan(missing=(12, 13, 30)),
    "uneven": Scan(uneven=0.1),
    "duplicates": Scan(duplicates=5),
    "phases": Scan(phases=3),
    "phases-by-trigger": Scan(phases=2, phase_tag="TriggerTime"),
    "phases-by-acquisition": Scan(phases=2, phase_tag="AcquisitionNumber"),
    "phases-by-echo": Scan(phases=2, modality="MR", phase_tag="EchoTime"),
    "localiser": Scan(localiser=True),
    "enhanced-mr": Scan(enhanced=True, modality="MR"),
    "enhanced-tilted": Scan(enhanced=True, tilt_degrees=(14.0, 0.0)),
    "enhanced-varying-slopes": Scan(enhanced=True, slopes="varying", bits_stored=16),
    "enhanced-phases": Scan(enhanced=True, phases=2),
    "monochrome1": Scan(monochrome1=True),
    "mr": Scan(modality="MR"),
    "shuffled-names": Scan(shuffled_names=True, reverse=True),
    **{f"syntax-{name}": Scan(transfer_syntax=name) for name in SYNTAXES if name != "explicit"},
    "syntax-jpeg-2000-signed": Scan(transfer_syntax="jpeg-2000", signed=True, bits_stored=16),
    "syntax-jpeg-ls-signed": Scan(transfer_syntax="jpeg-ls", signed=True, bits_stored=16),
    "syntax-rle-enhanced": Scan(transfer_syntax="rle", enhanced=True),
    "syntax-jpeg-ls-enhanced": Scan(transfer_syntax="jpeg-ls", enhanced=True),
}


def build_and_judge(shape: str, scan: Scan, folder: Path, **options: Any) -> None:
    """Write the scan, build it, and hold the STL and the GLB to the bounds the project promises."""
    phantom = ALL[shape]()
    grid = write_series(phantom, folder / "scan", scan)
    build_model(
        folder / "scan",
        threshold=WINDOW,
        name="phantom",
        output=folder / "out",
        phase=1 if scan.phases > 1 else None,
        allow_gaps=bool(scan.missing),
        **{"check": False, "preview": False, **options},
    )
    for name in ("models/phantom.stl", "scene.glb"):
        found = judge(phantom, folder / "out" / name, voxel_axes_mm=grid.voxel_axes_mm)
        assert found.faults() == [], f"{shape}, {name}: {as_json(found)}"
        if phantom.pieces:
            assert found.pieces == phantom.pieces, f"{shape}, {name}: {as_json(found)}"


@pytest.mark.parametrize("scan", SPHERE_SCANS)
def test_a_sphere_comes_back(scan: str, tmp_path: Path) -> None:
    build_and_judge("sphere", SPHERE_SCANS[scan], tmp_path)


def test_letters_come_back_unmirrored(tmp_path: Path) -> None:
    build_and_judge("letters", Scan(plane="sagittal", turned=True, reverse=True), tmp_path)


def test_the_same_series_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    for name in ("first", "second"):
        build_and_judge("sphere", Scan(), tmp_path / name, check=True)
    first, second = (
        {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}
        for out in (tmp_path / "first" / "out", tmp_path / "second" / "out")
    )

    assert sorted(first) == sorted(second)
    # Seconds and the date are facts of a run, not of the models.
    assert {name for name in first if first[name] != second[name]} <= {"run.json", "certificate.html"}


def test_lighter_levels_stay_closed_and_unmirrored(tmp_path: Path) -> None:
    phantom = ALL["letters"]()
    grid = write_series(phantom, tmp_path / "scan", Scan())
    levels = {"full": None, "medium": 1600, "light": 700}
    build_model(
        tmp_path / "scan", threshold=WINDOW, output=tmp_path, levels=levels, check=False, preview=False
    )

    for name, most in (("scene-medium", 1600), ("scene-light", 700)):
        found = judge(phantom, tmp_path / f"{name}.glb", voxel_axes_mm=grid.voxel_axes_mm)
        assert found.triangles <= most
        assert found.is_closed
        assert found.is_outward
        assert found.pose == "+x+y+z"
        assert abs(found.volume_error_percent) < 1.0


@pytest.mark.parametrize("padding", ["declared", "range", "undeclared"])
def test_what_was_not_measured_matches_no_window(padding: str, tmp_path: Path) -> None:
    write_series(ALL["sphere"](), tmp_path / "scan", Scan(padding=padding, signed=True))

    with pytest.raises(EmptyMask):
        build_model(tmp_path / "scan", threshold=(None, -1500.0), preview=False)


@pytest.mark.slow
@pytest.mark.parametrize("scan", SHAPE_SCANS)
@pytest.mark.parametrize("shape", [shape for shape in ALL if shape != "letters"])
def test_every_shape_comes_back(shape: str, scan: str, tmp_path: Path) -> None:
    build_and_judge(shape, SHAPE_SCANS[scan], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("scan", LETTER_SCANS)
def test_letters_come_back_from_every_plane_and_direction(scan: str, tmp_path: Path) -> None:
    build_and_judge("letters", LETTER_SCANS[scan], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("scan", ODD_SCANS)
def test_a_sphere_comes_back_from_every_oddity(scan: str, tmp_path: Path) -> None:
    build_and_judge("sphere", ODD_SCANS[scan], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("compression", ["draco", "none"])
def test_every_compression_keeps_the_size(compression: str, tmp_path: Path) -> None:
    build_and_judge("letters", Scan(), tmp_path, compression=compression)
