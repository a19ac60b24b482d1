import io

import numpy as np
import trimesh

from export_scenes import LETTER, block_surface, close_to
from plastinate.model.surface import Surface
from plastinate.stages.export.stl import header, write_stl


def test_a_letter_comes_back_unmirrored_in_its_place(tmp_path):
    letter = block_surface(LETTER, "letter")
    write_stl(letter, tmp_path / "a.stl", name="Letter")
    read = trimesh.load(tmp_path / "a.stl")
    assert read.is_watertight
    assert read.volume > 0
    assert close_to(letter, Surface(read.vertices, read.faces, "x"), tolerance_mm=1e-4)
    assert np.allclose(read.bounds, letter.bounds_lps_mm, atol=1e-4)


def test_stored_normals_are_unit_and_agree_with_the_winding(tmp_path):
    letter = block_surface(LETTER, "letter")
    write_stl(letter, tmp_path / "a.stl", name="Letter")
    data = (tmp_path / "a.stl").read_bytes()
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")])
    read = np.frombuffer(data[84:], record)
    assert len(data) == 84 + 50 * len(letter.triangles)
    crossed = np.cross(
        read["corners"][:, 1] - read["corners"][:, 0], read["corners"][:, 2] - read["corners"][:, 0]
    )
    assert np.allclose(np.linalg.norm(read["normal"], axis=1), 1, atol=1e-5)
    assert ((crossed * read["normal"]).sum(axis=1) > 0).all()


def test_the_header_names_frame_and_unit_and_never_starts_with_solid():
    for name in ("solid", "Éà" * 60, "心臓", ""):
        for unit in ("mm", "px"):
            text = header(name, unit)
            assert len(text) == 80
            assert not text.lower().startswith(b"solid")
            assert b"LPS" in text
            assert (b"NOT mm" in text) == (unit == "px")


def test_a_triangle_without_area_gets_a_zero_normal_not_a_nan(tmp_path):
    flat = Surface([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]], "flat")
    write_stl(flat, tmp_path / "a.stl", name="flat")
    assert np.isfinite(np.frombuffer((tmp_path / "a.stl").read_bytes()[84:132], "<f4")).all()


def test_the_same_surface_gives_the_same_bytes(tmp_path):
    letter = block_surface(LETTER, "letter")
    assert write_stl(letter, tmp_path / "a.stl", name="x") == write_stl(letter, tmp_path / "b.stl", name="x")
    assert io.BytesIO((tmp_path / "a.stl").read_bytes()).read(10) == b"Plastinate"
