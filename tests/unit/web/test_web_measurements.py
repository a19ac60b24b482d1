"""Measurements over the API: the list comes back as it was sent, with values, and a version to hold on to."""

from __future__ import annotations

from typing import Any

import pytest

from web_stage import Scene, Stage

LINE: dict[str, Any] = {
    "id": "m1",
    "kind": "distance",
    "name": "Carina",
    "points_lps_mm": [[0, 0, 0], [3, 4, 0]],
}


def _path(scene: Scene) -> str:
    return f"/api/builds/{scene.build}/measurements"


def test_a_list_comes_back_with_values_and_a_version(stage: Stage, scene: Scene):
    editor = stage.browser("editor")
    assert editor.get(_path(scene)).get_json() == {"measurements": []}
    sent = editor.put(_path(scene), json={"measurements": [LINE]})
    assert sent.get_json() == {
        "measurements": [
            {**LINE, "points_lps_mm": [[0.0, 0.0, 0.0], [3.0, 4.0, 0.0]], "value": 5.0, "unit": "mm"}
        ]
    }
    read = stage.browser("viewer").get(_path(scene))
    assert (read.get_json(), read.headers["ETag"]) == (sent.get_json(), sent.headers["ETag"])


def test_what_was_read_can_be_sent_back_and_a_value_of_its_own_is_passed_over(stage: Stage, scene: Scene):
    editor = stage.browser("editor")
    first = editor.put(_path(scene), json={"measurements": [LINE]})
    read = first.get_json()
    read["measurements"][0]["value"] = 77
    again = editor.put(_path(scene), json=read, headers={"If-Match": first.headers["ETag"]})
    assert again.get_json()["measurements"][0]["value"] == 5


def test_a_change_meant_for_another_version_is_a_conflict(stage: Stage, scene: Scene):
    editor = stage.browser("editor")
    seen = editor.get(_path(scene)).headers["ETag"]
    assert (
        editor.put(_path(scene), json={"measurements": [LINE]}, headers={"If-Match": seen}).status_code == 200
    )
    late = editor.put(_path(scene), json={"measurements": []}, headers={"If-Match": seen})
    assert late.status_code in (409, 412)
    assert late.get_json()["code"] == "request.conflict"
    assert len(editor.get(_path(scene)).get_json()["measurements"]) == 1


def test_a_list_that_was_not_read_is_not_replaced_unless_it_is_said_outright(stage: Stage, scene: Scene):
    editor, path = stage.browser("editor"), _path(scene)
    assert editor.put(path, json={"measurements": [LINE]}).status_code == 200
    blind = editor.put(path, json={"measurements": []})
    told = blind.get_json()
    assert (blind.status_code, told["code"]) == (428, "request.version-needed")
    assert "If-Match" in told["hint"]
    assert len(editor.get(path).get_json()["measurements"]) == 1
    meant = editor.put(path, json={"measurements": []}, headers={"If-Match": "*"})
    assert (meant.status_code, meant.get_json()) == (200, {"measurements": []})


def test_a_name_is_one_line(stage: Stage, scene: Scene):
    sent = stage.browser("editor").put(
        _path(scene), json={"measurements": [{**LINE, "name": "left\r\n\u2028 lung"}]}
    )
    assert sent.get_json()["measurements"][0]["name"] == "left lung"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"kind": "volume"}, "kind"),
        ({"points_lps_mm": [[0, 0, 0]]}, "points_lps_mm"),
        ({"points_lps_mm": [[0, 0, 0]] * 3}, "points_lps_mm"),
        ({"points_lps_mm": [[0, 0, 0], [1e9, 0, 0]]}, "points_lps_mm"),
        ({"points_lps_mm": [[True, 0, 0], [3, 4, 0]]}, "points_lps_mm"),
        ({"points_lps_mm": [["1", 0, 0], [3, 4, 0]]}, "points_lps_mm"),
        ({"colour": "red"}, "colour"),
        ({"id": ""}, "id"),
    ],
)
def test_what_is_no_measurement_is_refused_with_its_field(
    stage: Stage, scene: Scene, change: dict[str, Any], where: str
):
    answer = stage.browser("editor").put(_path(scene), json={"measurements": [{**LINE, **change}]})
    assert answer.status_code in (400, 422)
    assert where in answer.get_json()["where"]
    assert stage.browser("editor").get(_path(scene)).get_json() == {"measurements": []}
