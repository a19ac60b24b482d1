"""A case that is carried away and brought back is the same case; what was meddled with is refused."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Build, BuildFile, Case, Measurements, now
from plastinate.model.case_errors import ArchiveFlaw, NotThere
from plastinate.services import cases
from plastinate.services.access import NOBODY, SYSTEM, Actor
from plastinate.services.case_archive import (
    case_entries,
    export_case,
    export_length,
    is_case_archive,
    publish_case_archive,
    read_case_archive,
)
from plastinate.services.case_manifest import is_safe_path, parse_manifest
from plastinate.services.measurements import checked, in_unit, measured_of
from plastinate.stages.ingest.limits import Limits
from servers import EVERY_STORE, new_person

ORGAN = {
    "id": "lung-left",
    "name": "Left lung",
    "colour": "#aabbcc",
    "light": "green",
    "reasons": ["It is closed."],
    "volume_ml": 1500.25,
    "triangles": 1200,
    "distance_mean_mm": None,
    "distance_p95_mm": 0.31,
}
SUMMARY = {
    "organs": [ORGAN],
    "not_found": [{"id": "airways", "name": "Airways", "reason": "the scan may not cover it"}],
    "findings": [
        {"code": "ingest.gap", "severity": "note", "sentence": "S.", "action": "", "details": {"a": 1}}
    ],
    "formats_left_out": {"seg": "The scan is no DICOM."},
    "wall_s": 3.5,
}
ANGLE = {"id": "a1", "kind": "angle", "name": "Bend", "points_lps_mm": [[1, 0, 0], [0, 0, 0], [0, 1.5, 0]]}
BOX = {"kind": "box", "points_index": [[4, 1, 1], [4, 9, 8]]}
NAMES = ("scan <script>.zip", "scan <script>.zip", "a/../../b\\c:.dcm", "\u202eevil\r\n", "con.")


def filled(archive: Archive, tmp_path: Path, actor: Actor = SYSTEM) -> Case:
    """A case with originals of every name, two builds and a picture."""
    files = []
    for number, name in enumerate(NAMES):
        path = tmp_path / f"original-{number}"
        path.write_bytes(f"{number}".encode() * (1 + number * 70_000))
        files.append((name, path))
    case = cases.keep_case(archive, owner_id=actor.person_id, title="CT: chest / 1", files=files)
    model, picture = archive.files.keep_bytes(b"glTF" * 999), archive.files.keep_bytes(b"\x89PNG")
    with archive.database.write() as session:
        for title in ("Lungs", "Lungs"):
            made = [("scene.glb", model), ("models/lung-left.stl", model), ("preview.png", picture)]
            made.append(("view/scene.json", model))
            session.add(
                Build(
                    case_id=case.id,
                    title=title,
                    request={"recipe": "ct-lungs", "organs": [], "threshold": [None, 3]},
                    summary=SUMMARY,
                    result_key="k",
                    files=[BuildFile(name=name, sha256=each.sha256, size=each.size) for name, each in made],
                )
            )
            session.flush()
        first = session.query(Build).filter_by(case_id=case.id).order_by(Build.created_at).first()
        session.add(Measurements(build_id=first.id, items=checked([ANGLE])))
        cases.set_thumbnail(session, case.id, sha256=picture.sha256)
        cases.set_inspection(session, case.id, inspection={"series": [{"number": 1}]})
    return cases.change_case(archive, SYSTEM, case.id, notes="Two\nlines", tags=["b", "a"])


def exported(archive: Archive, case: Case, path: Path) -> Path:
    path.write_bytes(b"".join(export_case(archive, SYSTEM, case.id)))
    return path


def imported(archive: Archive, path: Path, out: Path) -> Case:
    """What the job of an uploaded archive does."""
    case = cases.keep_case(archive, owner_id=None, title="upload.zip", files=[("upload.zip", path)])
    described = json.loads(json.dumps(read_case_archive(path, out)))
    kept = {
        each.relative_to(out).as_posix(): archive.files.keep(each, move=True)
        for each in sorted(out.rglob("*"))
        if each.is_file()
    }
    with archive.database.write() as session:
        publish_case_archive(session, case.id, described=described, files=kept)
    return cases.read_case(archive, SYSTEM, case.id)


def builds_of(archive: Archive, case: Case) -> list[dict[str, Any]]:
    with archive.database.read() as session:
        return [
            {
                "title": build.title,
                "request": build.request,
                "made": build.created_at,
                "organs": build.summary["organs"],
                "not_found": build.summary["not_found"],
                "left_out": build.summary["formats_left_out"],
                "sentences": [found["sentence"] for found in build.summary["findings"]],
                "files": [(file.name, file.sha256, file.size) for file in build.files],
                "measured": measured_of(session, build.id).items,
            }
            for build in session.query(Build).filter_by(case_id=case.id).order_by(Build.created_at)
        ]


@pytest.mark.parametrize("archive", [*EVERY_STORE, "postgres+folder"], indirect=True)
def test_a_case_that_comes_back_is_the_case_that_went(archive: Archive, tmp_path: Path):
    case = filled(archive, tmp_path)
    length = export_length(archive, SYSTEM, case.id)
    path = exported(archive, case, tmp_path / "case.zip")
    assert path.stat().st_size == length
    assert is_case_archive(path)
    back = imported(archive, path, tmp_path / "out")
    assert (back.title, back.notes, [tag.tag for tag in back.tags]) == (case.title, case.notes, ["a", "b"])
    assert [(each.name, each.sha256, each.size) for each in back.inputs] == [
        (each.name, each.sha256, each.size) for each in cases.read_case(archive, SYSTEM, case.id).inputs
    ]
    assert back.thumbnail_sha256 == cases.read_case(archive, SYSTEM, case.id).thumbnail_sha256
    assert builds_of(archive, back) == builds_of(archive, case)
    with archive.database.read() as session:
        made = session.query(Build).filter_by(case_id=back.id).all()
    assert [(build.result_key, build.job_id, build.summary["imported"]) for build in made] == [
        ("", None, True)
    ] * 2
    assert back.inspection is None
    assert back.version == 2
    again = [(each.name, each.size) for each in case_entries(archive, SYSTEM, back.id)][1:]
    assert again == [(each.name, each.size) for each in case_entries(archive, SYSTEM, case.id)][1:]


def test_a_pictures_model_and_what_was_drawn_come_back_as_what_they_are(archive: Archive, tmp_path: Path):
    case = filled(archive, tmp_path)
    words = {"kind": "scene", "invented": "the far side", "length_from": "unknown"}
    estimate = {**words, "unit": "px", "pictures": 2}
    picture = {"kind": "object", "reference": [1, 2, 30, 4, 50.0], "without_network": True}
    line = {"id": "d", "kind": "distance", "name": "", "points_lps_mm": [[0, 0, 0], [3, 4, 0]]}
    with archive.database.write() as session:
        first, second = session.query(Build).filter_by(case_id=case.id).order_by(Build.created_at)
        first.summary, first.request = {**SUMMARY, "estimate": estimate}, {"picture": picture}
        session.get_one(Measurements, first.id).items = in_unit(checked([line]), "px")
        second.request = {"prompts": {"liver": [BOX]}}
    path = exported(archive, case, tmp_path / "case.zip")
    back = imported(archive, path, tmp_path / "out")
    assert builds_of(archive, back) == builds_of(archive, case)
    with archive.database.read() as session:
        kept = session.query(Build).filter_by(case_id=back.id).order_by(Build.created_at).first()
        assert kept.summary["estimate"] == estimate
    assert builds_of(archive, back)[0]["measured"][0]["unit"] == "px"


def test_an_archive_is_read_without_us(archive: Archive, tmp_path: Path):
    path = exported(archive, filled(archive, tmp_path), tmp_path / "case.zip")
    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        manifest = json.loads(opened.read("manifest.json"))
    assert names[0] == "manifest.json"
    assert {name.split("/")[0] for name in names[1:]} == {"originals", "builds", "thumbnail.png"}
    assert "builds/02 Lungs/models/lung-left.stl" in names
    assert all(is_safe_path(name) and not set('<>:"|?*\\\r\n') & set(name) for name in names)
    assert len({name.lower() for name in names}) == len(names)
    assert manifest["case"]["inspection"] == {"series": [{"number": 1}]}
    assert [file["name"] for file in manifest["inputs"]] == list(NAMES)


def test_originals_get_harmless_names_of_their_own(archive: Archive, tmp_path: Path):
    path = exported(archive, filled(archive, tmp_path), tmp_path / "case.zip")
    described = read_case_archive(path, tmp_path / "out")
    assert described["originals"] == "originals"
    assert sorted(each.name for each in (tmp_path / "out" / "originals").iterdir()) == [
        "2-scan _script_.zip",
        "c_.dcm",
        "con",
        "scan _script_.zip",
        "\u202eevil__",
    ]


def test_one_original_is_told_by_its_own_place(archive: Archive, tmp_path: Path):
    (tmp_path / "a").write_bytes(b"scan")
    case = cases.keep_case(archive, owner_id=None, title="x", files=[("a.zip", tmp_path / "a")])
    described = read_case_archive(exported(archive, case, tmp_path / "case.zip"), tmp_path / "out")
    assert (tmp_path / "out" / described["originals"]).read_bytes() == b"scan"


def test_whoever_may_not_see_a_case_cannot_carry_it_away(archive: Archive, tmp_path: Path):
    ada, bo = new_person(archive, "ada@example.org"), new_person(archive, "bo@example.org")
    case = filled(archive, tmp_path, ada)
    assert next(export_case(archive, ada, case.id)).startswith(b"PK")
    for actor in (bo, NOBODY):
        with pytest.raises(NotThere):
            export_case(archive, actor, case.id)


def test_other_zips_are_no_case_archives(tmp_path: Path):
    def made(**files: bytes) -> Path:
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w") as opened:
            for name, data in files.items():
                opened.writestr(name.replace("_", "."), data)
        return path

    assert not is_case_archive(made(a_dcm=b"x"))
    for content in (b"", b"[]", b'{"format": "other"}', b"\xff", b"[" * 100_000):
        assert not is_case_archive(made(manifest_json=content))
    assert not is_case_archive(tmp_path / "nothing.zip")
    (tmp_path / "b").write_bytes(b"PK\x03\x04 not a zip")
    assert not is_case_archive(tmp_path / "b")


Change = Callable[[dict[str, Any], dict[str, bytes]], None]


def _changed(*path: str | int, to: Any) -> Change:
    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        del members
        place: Any = manifest
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def _member(name: str, data: bytes | None) -> Change:
    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        del manifest
        if data is None:
            del members[name]
        else:
            members[name] = data

    return change


def _escaping(path: str) -> Change:
    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        members[path] = members.pop(manifest["inputs"][0]["path"])
        manifest["inputs"][0]["path"] = path

    return change


FIRST = "originals/scan _script_.zip"
ORGAN_AT = ("builds", 0, "summary", "organs", 0)
MEDDLED: dict[str, Change] = {
    "a byte changed": _member(FIRST, b"1"),
    "a byte more": _member(FIRST, b"00"),
    "a byte less": _member(FIRST, b""),
    "a file missing": _member(FIRST, None),
    "a file too many": _member("originals/more", b"x"),
    "no manifest": lambda manifest, members: manifest.clear(),
    "a newer format": _changed("format_version", to=2),
    "no scan": _changed("inputs", to=[]),
    "inputs of another kind": _changed("inputs", to={"a": 1}),
    "a size that lies": _changed("inputs", 1, "size", to=5),
    "a size that is none": _changed("inputs", 0, "size", to=-1),
    "a claim as size": _changed("inputs", 0, "size", to=True),
    "a hash that lies": _changed("inputs", 0, "sha256", to="0" * 64),
    "a hash that is none": _changed("inputs", 0, "sha256", to="../" * 21 + "a"),
    "two in one place": _changed("inputs", 1, "path", to=FIRST),
    "the manifest as a file": _changed("inputs", 0, "path", to="manifest.json"),
    "up and out": _escaping("../evil"),
    "in the middle": _escaping("originals/../../evil"),
    "from the root": _escaping("/tmp/evil"),
    "of a drive": _escaping("C:/evil"),
    "a name of nothing": _escaping("originals//evil"),
    "a build's file up and out": _changed("builds", 0, "files", 0, "name", to="../../evil"),
    "a build's file twice": _changed("builds", 0, "files", 2, "name", to="preview.png"),
    "no title": _changed("case", "title", to=" "),
    "a title of another kind": _changed("case", "title", to=["x"]),
    "a title too long": _changed("case", "title", to="x" * 301),
    "no case": _changed("case", to=None),
    "tags of another kind": _changed("case", "tags", to=[{}]),
    "a moment that is none": _changed("case", "created_at", to="yesterday"),
    "a moment without zone": _changed("builds", 0, "created_at", to="2026-01-01T00:00:00"),
    "a light of no colour": _changed(*ORGAN_AT, "light", to="<script>"),
    "a colour that is a style": _changed(*ORGAN_AT, "colour", to="red;}"),
    "a volume in words": _changed(*ORGAN_AT, "volume_ml", to="much"),
    "a volume beyond all": _changed(*ORGAN_AT, "volume_ml", to=1e99),
    "reasons of another kind": _changed(*ORGAN_AT, "reasons", to=[{"a": 1}]),
    "an organ of another kind": _changed(*ORGAN_AT, to="lung"),
    "a reason that is a list": _changed("builds", 0, "summary", "not_found", 0, "reason", to=["x"]),
    "a request with depths": _changed("builds", 0, "request", to={"a": {"b": 1}}),
    "a request with what is no number": _changed("builds", 0, "request", to={"a": float("nan")}),
    "a request for a number of organs": _changed("builds", 0, "request", to={"organs": 5}),
    "a request for formats by number": _changed("builds", 0, "request", to={"formats": [1]}),
    "a request from word to word": _changed("builds", 0, "request", to={"threshold": ["a", "b"]}),
    "a request beyond all numbers": _changed("builds", 0, "request", to={"threshold": [10**400, None]}),
    "a request for half a series": _changed("builds", 0, "request", to={"series": 1.5}),
    "a request without end": _changed("builds", 0, "request", to={"a": "x" * 70_000}),
    "more builds than anyone made": lambda manifest, members: manifest["builds"].extend(
        [{**manifest["builds"][0], "files": []}] * 1000
    ),
    "more findings than fit a page": lambda manifest, members: manifest["builds"][0]["summary"].update(
        findings=manifest["builds"][0]["summary"]["findings"] * 10_000
    ),
    "more originals than uploads make": lambda manifest, members: manifest["inputs"].extend(
        manifest["inputs"] * 300
    ),
    "a measurement of another kind": _changed("builds", 0, "measurements", to=["long"]),
    "a measurement without its points": _changed("builds", 0, "measurements", 0, "points_lps_mm", to=[]),
    "measurements without end": lambda manifest, members: manifest["builds"][0].update(
        measurements=[{**ANGLE, "id": str(number)} for number in range(501)]
    ),
    "a severity of its own": _changed("builds", 0, "summary", "findings", 0, "severity", to="doom"),
}


def rewritten(path: Path, change: Change, *, deflate: bool = False) -> Path:
    with zipfile.ZipFile(path) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    change(manifest, members)
    out = path.with_name("meddled.zip")
    how = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", how) as opened:
        if manifest:
            opened.writestr("manifest.json", json.dumps(manifest))
        for name, data in members.items():
            opened.writestr(name, data)
    return out


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from servers import archive_at

    folder = tmp_path_factory.mktemp("whole")
    with archive_at("sqlite+folder", folder / "home") as archive:
        return exported(archive, filled(archive, folder), folder / "case.zip")


def test_a_zip_that_another_program_packed_again_is_taken(whole: Path, tmp_path: Path):
    packed = rewritten(whole, lambda manifest, members: None, deflate=True)
    assert read_case_archive(packed, tmp_path / "out")["case"]["title"] == "CT: chest / 1"


@pytest.mark.parametrize("name", MEDDLED)
def test_what_was_meddled_with_is_refused(whole: Path, tmp_path: Path, name: str):
    meddled = rewritten(whole, MEDDLED[name])
    with pytest.raises(ArchiveFlaw):
        read_case_archive(meddled, tmp_path / "deep" / "out")
    assert [each.name for each in tmp_path.iterdir()] == ["deep"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_a_link_or_a_device_in_the_zip_is_refused(whole: Path, tmp_path: Path, kind: int):
    out = tmp_path / "a.zip"
    with zipfile.ZipFile(whole) as opened, zipfile.ZipFile(out, "w") as sink:
        for member in opened.infolist():
            data = opened.read(member)
            if member.filename == FIRST:
                member.external_attr = (kind | 0o777) << 16
            sink.writestr(member, data)
    with pytest.raises(ArchiveFlaw, match="link"):
        read_case_archive(out, tmp_path / "out")


def test_an_encrypted_member_is_refused(whole: Path, tmp_path: Path):
    data = bytearray(whole.read_bytes())
    directory = data.find(b"PK\x01\x02")
    data[directory + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(ArchiveFlaw, match="encrypted"):
        read_case_archive(tmp_path / "a.zip", tmp_path / "out")


def test_a_zip_with_one_name_twice_is_refused(whole: Path, tmp_path: Path):
    out = tmp_path / "a.zip"
    out.write_bytes(whole.read_bytes())
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(out, "a") as opened:
        opened.writestr(FIRST, b"0")
    with pytest.raises(ArchiveFlaw, match="one place"):
        read_case_archive(out, tmp_path / "out")


@pytest.mark.slow
def test_a_bomb_is_refused_before_it_is_unpacked(whole: Path, tmp_path: Path):
    def blown_up(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        members[FIRST] = bytes(80 << 20)
        manifest["inputs"][0]["size"] = 80 << 20

    bomb = rewritten(whole, blown_up, deflate=True)
    with pytest.raises(ArchiveFlaw, match="200 times"):
        read_case_archive(bomb, tmp_path / "out")
    with pytest.raises(ArchiveFlaw, match="more than 1,000 bytes"):
        read_case_archive(whole, tmp_path / "b", limits=Limits(inflated_bytes=1000))
    with pytest.raises(ArchiveFlaw, match="more than 3 files"):
        read_case_archive(whole, tmp_path / "c", limits=Limits(zip_members=3))
    assert sum(each.stat().st_size for each in tmp_path.rglob("*") if each.is_file()) == 0


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99, 0.999])
def test_a_zip_that_ends_early_is_refused(whole: Path, tmp_path: Path, share: float):
    data = whole.read_bytes()
    (tmp_path / "a.zip").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ArchiveFlaw):
        read_case_archive(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.slow
def test_bytes_changed_anywhere_are_refused_or_harmless(whole: Path, tmp_path: Path):
    data = whole.read_bytes()
    honest = read_case_archive(whole, tmp_path / "honest")
    for number, at in enumerate(range(0, len(data), len(data) // 150)):
        changed = bytearray(data)
        changed[at] ^= 0x55
        path = tmp_path / "a.zip"
        path.write_bytes(changed)
        try:
            found = read_case_archive(path, tmp_path / str(number))
        except ArchiveFlaw:
            continue
        # Only words of the manifest are without a hash of their own.
        assert found["inputs"] == honest["inputs"] or found["case"] == honest["case"]


def test_a_made_up_moment_of_the_future_is_now(whole: Path, tmp_path: Path):
    later = rewritten(whole, _changed("builds", 0, "created_at", to="2999-01-01T00:00:00+00:00"))
    found = read_case_archive(later, tmp_path / "out")
    assert found["builds"][0]["created_at"] <= now().isoformat()


def test_a_measurement_that_lies_about_its_value_is_calculated_anew(whole: Path, tmp_path: Path):
    lying = rewritten(whole, _changed("builds", 0, "measurements", 0, "value", to=12.0))
    described = read_case_archive(lying, tmp_path / "out")
    assert [each["value"] for each in described["builds"][0]["measurements"]] == [90.0]


def test_an_archive_made_before_anything_could_be_measured_is_taken(whole: Path, tmp_path: Path):
    older = rewritten(whole, lambda manifest, members: manifest["builds"][0].pop("measurements"))
    assert read_case_archive(older, tmp_path / "out")["builds"][0]["measurements"] == []


def test_a_file_that_was_not_kept_is_not_referred_to(archive: Archive, whole: Path, tmp_path: Path):
    described = read_case_archive(whole, tmp_path / "out")
    with archive.database.write() as session:
        case = Case(title="x")
        session.add(case)
    with pytest.raises(ArchiveFlaw), archive.database.write() as session:
        publish_case_archive(session, case.id, described=described, files={})
    assert cases.read_case(archive, SYSTEM, case.id).title == "x"


def test_a_manifest_that_is_too_long_or_no_json_is_refused():
    for data in (b" " * ((32 << 20) + 1), b"\xff\xfe", b"[" * 200_000, b"null", b'{"format": "x"}'):
        with pytest.raises(ArchiveFlaw):
            parse_manifest(data)


def test_an_export_of_nothing_but_a_case_is_small(archive: Archive):
    with archive.database.write() as session:
        case = Case(title="x")
        session.add(case)
    with zipfile.ZipFile(io.BytesIO(b"".join(export_case(archive, SYSTEM, case.id)))) as opened:
        assert opened.namelist() == ["manifest.json"]
