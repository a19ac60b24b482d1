"""The certificate: one page that needs nothing else, and JSON that is the same twice."""

from __future__ import annotations

import filecmp
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from export_scenes import two_organs
from plastinate.model.errors import CannotWrite
from plastinate.model.evidence import (
    Finding,
    NotFound,
    RunRecord,
    StepRecord,
    SurfaceQuality,
    Verdict,
    VolumeRange,
)
from plastinate.model.scene import Scene, SceneNode
from plastinate.stages.export.certificate import DISCLAIMER, certificate, write_certificate

EVIL = "<script>alert('x')</script>\"&<img src=https://evil.example/x>"
QUALITY = SurfaceQuality(
    1200, 602, True, True, 0, 1, 1234.5, 1240.0, -0.4, 99.0, 0.2, 0.5, 1.1, 0.25, 0.6, 1.4, None
)
PIXEL = bytes.fromhex("89504e470d0a1a0a") + b"not shown"
PICTURES = dict.fromkeys(("preview", "anterior", "left", "inferior", "axial", "coronal", "sagittal"), PIXEL)


def run_record(wall_s: float = 12.3) -> RunRecord:
    return RunRecord("2020-01-02T03:04:05+00:00", wall_s, {"read": 1.0}, 456.7, "0.0", {"system": "Linux"})


def certified(*, name: str = "Heart", unit: str = "mm", quality: SurfaceQuality = QUALITY) -> Scene:
    scene = two_organs(unit=unit)
    first = scene.nodes[0].id
    evidence = replace(
        scene.evidence,
        inputs={
            "sha256": "ab" * 32,
            "files": 40,
            "series": {"modality": "CT", "description": name},
            "geometry": scene.geometry.as_dict(),
            "recipe": {"name": name, "sha256": "cd" * 32},
        },
        findings=(Finding("ingest.gap", "warning", name, name),),
        steps=(StepRecord("segment", "threshold", "0", {"low": name}, (first,), (name,)),),
        quality={first: {"full": quality, "light": quality}},
        verdicts={first: Verdict("red", (name,))},
        not_found=(NotFound("skull", name, "no bone"),),
        outputs={f"models/{first}.stl": "ef" * 32},
    )
    nodes = (
        SceneNode(replace(scene.nodes[0].structure, name=name), scene.nodes[0].surfaces),
        *scene.nodes[1:],
    )
    return replace(scene, title=name, nodes=nodes, evidence=evidence)


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_what_was_not_found_stands_in_the_certificate_with_its_reason(tmp_path):
    write_certificate(certified(name="Heart"), tmp_path, run=run_record(), pictures=PICTURES)
    report = json.loads((tmp_path / "certificate.json").read_text(encoding="utf-8"))
    assert report["not_found"] == [{"id": "skull", "name": "Heart", "reason": "no bone"}]
    assert "Heart was not found: no bone." in (tmp_path / "certificate.html").read_text(encoding="utf-8")


def test_of_much_that_was_not_found_each_reason_has_one_line(tmp_path):
    scene = certified()
    missing = tuple(NotFound(f"rib-{n}", f"Rib {n}", "no bone" if n else "cut off") for n in range(10))
    scene = replace(scene, evidence=replace(scene.evidence, not_found=missing))
    write_certificate(scene, tmp_path, run=run_record(), pictures=PICTURES)
    page = Page((tmp_path / "certificate.html").read_text(encoding="utf-8"))
    assert "9 not found, no bone: Rib 1, Rib 2, Rib 3, Rib 4, Rib 5, Rib 6, Rib 7, Rib 8, Rib 9." in page.text
    assert "1 not found, cut off: Rib 0." in page.text
    assert page.text.count("Rib 1,") == 1


def test_what_names_say_is_text_and_never_a_tag(tmp_path):
    write_certificate(certified(name=EVIL), tmp_path, run=run_record(), pictures=PICTURES)
    page = Page((tmp_path / "certificate.html").read_text(encoding="utf-8"))
    assert "script" not in [tag for tag, _ in page.tags]
    assert all(attrs["src"].startswith("data:image/png;base64,") for tag, attrs in page.tags if tag == "img")
    assert page.text.count("<script>alert('x')</script>") >= 6


def test_the_page_needs_nothing_from_anywhere(tmp_path):
    write_certificate(certified(), tmp_path, run=run_record(), pictures=PICTURES)
    source = (tmp_path / "certificate.html").read_text(encoding="utf-8")
    page = Page(source)
    assert re.search(r"https?://|//[a-z]|url\(|@import", source) is None
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.tags}
    assert all(key[:2] != "on" and key not in ("href", "srcset") for _, attrs in page.tags for key in attrs)
    assert "default-src 'none'" in source


def test_the_page_says_what_a_person_must_know(tmp_path):
    write_certificate(certified(), tmp_path, run=run_record(), pictures=PICTURES)
    page = Page((tmp_path / "certificate.html").read_text(encoding="utf-8"))
    for words in (
        DISCLAIMER,
        "1,234 ml",
        "do not rely on it",
        "0.25 voxel",
        "40 files",
        "12.3 s",
        "457 MB",
        "It was not checked",
    ):
        assert words in page.text, words
    # Every picture says in words what it shows.
    assert all(attrs.get("alt") for tag, attrs in page.tags if tag == "img")


def test_what_is_not_known_is_called_so_and_voxel_units_get_a_banner(tmp_path):
    unknown = replace(
        QUALITY,
        volume_ml=None,
        mask_volume_ml=None,
        area_cm2=None,
        distance_mean_mm=None,
        volume_drift_percent=None,
    )
    write_certificate(certified(unit="px", quality=unknown), tmp_path, run=run_record(), pictures={})
    text = Page((tmp_path / "certificate.html").read_text(encoding="utf-8")).text
    assert "does not say how large a voxel is" in text
    assert "unknown" in text
    assert " mm," not in text


def test_the_json_is_the_same_whatever_the_run_took(tmp_path):
    for name, seconds in (("one", 1.0), ("two", 99.0)):
        (tmp_path / name).mkdir()
        write_certificate(certified(), tmp_path / name, run=run_record(seconds), pictures=PICTURES)
    assert filecmp.cmp(tmp_path / "one/certificate.json", tmp_path / "two/certificate.json", shallow=False)
    assert (tmp_path / "one/run.json").read_bytes() != (tmp_path / "two/run.json").read_bytes()


def test_the_content_can_be_checked_against_its_own_hash():
    report = certificate(certified())
    stated = report.pop("content_sha256")
    del report["format"]
    content = json.dumps(report, indent=2, ensure_ascii=False).encode()
    assert hashlib.sha256(content).hexdigest() == stated


def test_the_files_are_told_with_their_hashes(tmp_path):
    files = write_certificate(certified(), tmp_path, run=run_record(), pictures=PICTURES)
    assert set(files) == {"certificate.json", "certificate.html", "run.json", "preview.png"}
    assert files == {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in files}
    without = write_certificate(certified(), tmp_path, run=run_record(), pictures={})
    assert set(without) == set(files) - {"preview.png"}


def test_half_a_character_does_not_stop_a_certificate(tmp_path):
    write_certificate(certified(name="Herz \udcfc"), tmp_path, run=run_record(), pictures={})
    assert json.loads((tmp_path / "certificate.json").read_bytes())["title"].startswith("Herz")


def test_a_folder_that_is_not_there_is_told_in_words(tmp_path):
    with pytest.raises(CannotWrite, match="does not exist"):
        write_certificate(certified(), tmp_path / "absent", run=run_record(), pictures={})


def test_between_which_volumes_an_organ_lies_is_stated_where_its_method_knows(tmp_path):
    scene = certified()
    first = scene.nodes[0].id
    assert "volume_ranges" not in certificate(scene)
    ranged = replace(scene.evidence, volume_ranges={first: VolumeRange(1100.25, 1400.5)})
    scene = replace(scene, evidence=ranged)
    assert certificate(scene)["volume_ranges"] == {
        first: {
            "least_ml": 1100.25,
            "greatest_ml": 1400.5,
            "least_at_likelihood": 0.9,
            "greatest_at_likelihood": 0.1,
        }
    }
    write_certificate(scene, tmp_path, pictures=PICTURES, run=run_record())
    page = (tmp_path / "certificate.html").read_text(encoding="utf-8")
    assert "<dt>Between, by likelihood</dt><dd>1,100 ml and 1,400 ml</dd>" in page
    assert '<td class="n">1,100 ml and 1,400 ml</td>' in page


def test_the_table_says_what_its_distance_is_and_what_it_cannot_tell(tmp_path):
    write_certificate(certified(), tmp_path, pictures=PICTURES, run=run_record())
    page = Page((tmp_path / "certificate.html").read_text(encoding="utf-8"))
    table = page.text.index("structurevolumesurface to masktrust")
    assert 0 < page.text.index("cannot tell whether the recipe chose the right voxels") < table
    assert "error" not in page.text[:table]
