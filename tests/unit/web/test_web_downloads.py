"""Files leave as attachments under their own names, whole or in parts; nothing else leaves."""

from __future__ import annotations

import html
import io
import re
import zipfile
from urllib.parse import quote, unquote

import pytest

from plastinate.archive.tables import Build, BuildFile
from plastinate.web.downloads import MISLEADING, content_disposition
from plastinate.web.file_names import file_name
from web_stage import MODEL, ORIGINAL, PICTURE, STRANGE_NAME, Scene, Stage, add_view


def _file(scene: Scene, name: str = "scene.glb") -> str:
    return f"/api/builds/{scene.build}/files/{quote(name)}"


def test_a_file_is_an_attachment_that_browsers_may_keep(stage: Stage, scene: Scene):
    answer = stage.browser("viewer").get(_file(scene))
    assert (answer.status_code, answer.data, answer.mimetype) == (200, MODEL, "model/gltf-binary")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Thorax-scene.glb"'
    assert answer.headers["Content-Length"] == str(len(MODEL))
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_only_pictures_of_our_own_are_shown_in_place(stage: Stage, scene: Scene):
    browser = stage.browser("viewer")
    picture = browser.get(_file(scene, "pictures/preview.png"))
    assert (picture.data, picture.mimetype) == (PICTURE, "image/png")
    assert picture.headers["Content-Disposition"].startswith("inline")
    assert browser.get(f"/api/cases/{scene.case}/thumbnail").data == PICTURE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=-999999999", 206, slice(None)),
        ("bytes=0-999999999", 206, slice(None)),
        ("bytes=5-5", 206, slice(5, 6)),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
        ("bytes=x", 200, slice(None)),
        ("bytes=9-2", 200, slice(None)),
    ],
)
def test_a_part_can_be_asked_for(stage: Stage, scene: Scene, asked: str, status: int, part: slice):
    answer = stage.browser("viewer").get(_file(scene), headers={"Range": asked})
    assert (answer.status_code, answer.data) == (status, MODEL[part])
    assert answer.headers["Content-Length"] == str(len(MODEL[part]))
    if status == 206:
        start, stop, _ = part.indices(len(MODEL))
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(MODEL)}"


def test_a_part_beyond_the_end_is_refused(stage: Stage, scene: Scene):
    answer = stage.browser("viewer").get(_file(scene), headers={"Range": f"bytes={len(MODEL)}-"})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(MODEL)}")


def test_what_the_browser_has_is_not_sent_again(stage: Stage, scene: Scene):
    browser = stage.browser("viewer")
    etag = browser.get(_file(scene)).headers["ETag"]
    again = browser.get(_file(scene), headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    going_on = {"Range": "bytes=10-", "If-Range": etag}
    assert browser.get(_file(scene), headers=going_on).data == MODEL[10:]
    assert browser.get(_file(scene), headers={**going_on, "If-Range": '"another"'}).data == MODEL


def test_head_tells_the_size_without_the_bytes(stage: Stage, scene: Scene):
    answer = stage.browser("viewer").head(_file(scene))
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(MODEL))


@pytest.mark.parametrize(
    "name",
    [
        "scene.glb/..",
        "../scene.glb",
        "..%2f..%2fplastinate.db",
        "%2e%2e/%2e%2e/secret-key",
        "..%252f..%252fx",
        "%c0%ae%c0%ae/x",
        "scene.glb%00.png",
        "%00",
        "/etc/passwd",
        "C:%5cx",
        "models",
        "pictures/",
        ".",
    ],
)
def test_no_name_leads_out_of_a_build(stage: Stage, scene: Scene, name: str):
    answer = stage.browser("owner").get(f"/api/builds/{scene.build}/files/{name}")
    assert answer.status_code in (404, 308), name
    assert MODEL not in answer.data


@pytest.mark.parametrize(
    "path", ["..%2fapp.py", "../app.py", "%2e%2e/app.py", "..%252fapp.py", "%00", "built/../../app.py"]
)
def test_no_path_leads_out_of_the_static_files(stage: Stage, path: str):
    assert stage.visitor().get(f"/static/{path}").status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        'a"b.stl',
        "a\r\nSet-Cookie: x=y.stl",
        "ü 肺.stl",
        "a\0b.stl",
        "a;b='c'.stl",
        "\u202egpj.stl",
        "%22.stl",
        "a\\b.stl",
        "\ud800.stl",
    ],
)
def test_a_name_never_ends_its_header(name: str):
    header = content_disposition(name)
    assert header.isascii()
    assert not re.search(r"[\x00-\x1f\x7f]", header)
    match = re.fullmatch(
        r"""attachment; filename="([^"\\]*)"(?:; filename\*=UTF-8''([A-Za-z0-9%!#$&+.^_`|~-]+))?""", header
    )
    assert match, header
    shown = unquote(match[2]) if match[2] else match[1]
    assert shown == MISLEADING.sub("_", name.encode("utf-8", "replace").decode())


def test_a_strange_name_arrives_as_it_is(stage: Stage, scene: Scene):
    answer = stage.browser("viewer").get(_file(scene, STRANGE_NAME))
    assert answer.status_code == 200
    kept = answer.headers["Content-Disposition"].partition("filename*=UTF-8''")[2]
    assert unquote(kept) == "Thorax-" + STRANGE_NAME.rpartition("/")[2].replace("\u202e", "_")


def test_a_download_says_of_which_case_it_is_and_of_which_format(stage: Stage, scene: Scene):
    browser = stage.browser("viewer")
    archive = f"/api/builds/{scene.build}/archive"

    def called(address: str) -> str:
        return browser.get(address).headers["Content-Disposition"].partition("filename=")[2].strip('"')

    assert called(_file(scene)) == "Thorax-scene.glb"
    assert called(archive) == "Thorax-Chest.zip"
    assert called(f"{archive}?names=scene.glb") == "Thorax-Chest-GLB.zip"
    assert called(f"{archive}?names=scene.glb,pictures/preview.png") == "Thorax-Chest.zip"


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Chest CT with contrast (sample)", "Chest-CT-with-contrast-sample-scene.glb"),
        ("../../etc/passwd", "etc-passwd-scene.glb"),
        ("Brustkorb für Übung", "Brustkorb-für-Übung-scene.glb"),
        ("फेफड़े", "फेफड़े-scene.glb"),
        ("\u202egpj.<script>", "gpj-script-scene.glb"),
        ("...", "scene.glb"),
        ("x" * 300, "x" * 60 + "-scene.glb"),
    ],
)
def test_a_case_may_be_called_anything_and_its_files_still_have_plain_names(title: str, expected: str):
    assert file_name(title, "scene.glb") == expected


def test_an_obj_and_its_mtl_keep_the_names_by_which_they_find_each_other():
    assert [file_name("Chest", name) for name in ("scene.obj", "scene.mtl")] == ["scene.obj", "scene.mtl"]


def test_every_download_of_a_pictures_model_says_estimated_in_its_name(stage: Stage):
    scene = stage.new_scene(title="My cat")
    kept = stage.archive.files.keep_bytes(MODEL)
    endings = ("glb", "stl", "obj", "mtl", "jpg", "usdz", "ply", "3mf")
    names = [f"object-ESTIMATED.{each}" for each in endings] + [
        "object-confidence-ESTIMATED.glb",
        "certificate.html",
    ]
    with stage.archive.database.write() as session:
        build = session.get_one(Build, scene.build)
        build.title = "ESTIMATED: object from cat.jpg"
        build.summary = {"organs": [], "estimate": {"kind": "object", "unit": "px", "length_from": "unknown"}}
        build.files = [BuildFile(name=name, sha256=kept.sha256, size=kept.size) for name in names]
    browser = stage.browser("viewer")

    def called(address: str) -> str:
        return browser.get(address).headers["Content-Disposition"].partition("filename=")[2].strip('"')

    singles = {name: called(_file(scene, name)) for name in names}
    assert singles["certificate.html"] == "My-cat-certificate-ESTIMATED.html"
    # An OBJ finds its MTL, and that its picture, by name.
    assert [singles[f"object-ESTIMATED.{each}"] for each in ("obj", "mtl", "jpg")] == names[2:5]
    assert all("ESTIMATED" in each for each in singles.values())
    assert browser.get(_file(scene, "object-ESTIMATED.usdz")).mimetype == "model/vnd.usdz+zip"
    page = browser.get(f"/cases/{scene.case}").text
    offered = {html.unescape(each) for each in re.findall(r'href="(/api/builds/[^"]*)" download', page)}
    assert len(offered) > len(names)
    assert all("ESTIMATED" in called(each) for each in offered)
    formats = re.findall(r"<li><a href=[^>]*download><strong>([^<]*)</strong>", page)
    assert formats == ["Certificate", "GLB", "STL", "3MF", "OBJ", "USDZ", "PLY"]
    zipped = browser.get(f"/api/builds/{scene.build}/archive?names=" + ",".join(names[2:5]))
    assert sorted(zipfile.ZipFile(io.BytesIO(zipped.data)).namelist()) == sorted(names[2:5])


def test_several_files_come_as_one_zip(stage: Stage, scene: Scene):
    browser = stage.browser("viewer")
    answer = browser.get(f"/api/builds/{scene.build}/archive?names=scene.glb,pictures/preview.png")
    assert answer.headers["Content-Length"] == str(len(answer.data))
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["pictures/preview.png", "scene.glb"]
        assert archive.read("scene.glb") == MODEL
    assert browser.get(f"/api/builds/{scene.build}/archive?names=nothing").status_code == 404
    whole = browser.get(f"/api/builds/{scene.build}/archive")
    with zipfile.ZipFile(io.BytesIO(whole.data)) as archive:
        assert len(archive.namelist()) == 3


@pytest.mark.slow
def test_what_the_viewer_reads_is_fetched_piece_by_piece_and_offered_to_nobody(stage: Stage, scene: Scene):
    browser = stage.browser("viewer")
    assert browser.get(f"/api/builds/{scene.build}").get_json()["scene_url"] is None
    add_view(stage, scene)
    build = browser.get(f"/api/builds/{scene.build}").get_json()
    assert build["scene_url"].endswith(f"/api/builds/{scene.build}/files/view/scene.json")
    assert len(build["files"]) == 3
    assert not any(each["name"].startswith("view/") for each in build["files"])
    whole = browser.get(f"/api/builds/{scene.build}/archive")
    with zipfile.ZipFile(io.BytesIO(whole.data)) as archive:
        assert len(archive.namelist()) == 3
    part = browser.get(_file(scene, "view/full.bin"), headers={"Range": "bytes=100-163"})
    assert (part.status_code, part.data) == (206, MODEL[100:164])
    assert part.headers["ETag"]
    assert browser.get(build["scene_url"]).mimetype == "application/json"
    case = browser.get(f"/api/cases/{scene.case}/archive")
    with zipfile.ZipFile(io.BytesIO(case.data)) as archive:
        assert sum("/view/" in name for name in archive.namelist()) == 2


def test_a_case_leaves_whole(stage: Stage):
    scene = stage.new_scene(title='Thorax "\r\nX: y')
    answer = stage.browser("viewer").get(f"/api/cases/{scene.case}/archive")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert "\n" not in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert ORIGINAL in [archive.read(name) for name in archive.namelist()]
