"""Every page, in every width, direction and colours: for all eyes, hands and ears, as WCAG 2.2 AA has it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import template_rendered
from PIL import Image
from werkzeug.routing import Map

from every_page import EVERY, NOBODY, Served, serving_every_page
from viewer_hands import Viewer

AXE = Path(__file__).parents[2] / "viewer" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What colours can break; all else depends on width and direction, and was judged in light.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
WIDTHS = (1440, 768, 320)
DIRECTIONS = ("ltr", "rtl")
COLOURS = ("light", "dark")

# GET routes that show no page of their own.
NO_PAGE = {
    "static": "files",
    "pages.home": "leads to the cases",
    "pages.edit_again": "leads to the case",
    "links.open_shared": "leads to the case; a page only where there is no such link",
    "openapi_file.openapi_file": "a document for programs",
    "security.verify": "does not exist here",
}
# `preload` would fetch every style sheet once more for the one rule that looks into them.
JUDGE = """async rules => {
    const options = {runOnly: rules, preload: false, selectors: false, resultTypes: ["violations"]};
    const {violations} = await axe.run(document, options);
    const why = ({any, all, none}) => [...any, ...all, ...none][0]?.message;
    return violations.flatMap(({id, nodes}) => nodes.map(
        each => `${id}: ${each.html.slice(0, 200)}: ${why(each)}`));
}"""
# What Tab reaches and nobody sees where it is, or what is on the top of it hides it whole.
UNSEEN_FOCUS = """() => {
    const able = "a[href], button, input, select, textarea, summary, [tabindex]";
    const ringed = (each) => {
        const {outlineStyle, outlineWidth} = getComputedStyle(each);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    };
    const lost = [];
    for (const each of document.querySelectorAll(able)) {
        if (each.tabIndex < 0 || each.disabled || !each.checkVisibility({visibilityProperty: true})) continue;
        each.focus({focusVisible: true});
        if (document.activeElement !== each) continue;
        // A card may have the ring of the field or link in it, and a drawing that of the field over it.
        const card = each.closest(".choice, .specimen");
        const said = each.outerHTML.slice(0, 200);
        const hasRing = [each, card, each.nextElementSibling].some(one => one && ringed(one));
        if (!hasRing) lost.push(`no ring: ${said}`);
        each.scrollIntoView({block: "nearest", inline: "nearest"});
        const {left, top, width, height} = each.getBoundingClientRect();
        const spots = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.1], [0.5, 0.9]];
        const isSeen = spots.some(([x, y]) => {
            const there = document.elementFromPoint(left + width * x, top + height * y);
            const label = each.labels?.[0];
            return there && (each.contains(there) || there.contains(each) || label?.contains(there));
        });
        if (!isSeen) lost.push(`hidden: ${said}`);
    }
    return lost;
}"""
STILL_MOVING = """() => document.getAnimations()
    .filter(each => each.playState === "running" && each.effect.getComputedTiming().endTime > 50)
    .map(each => `moves: ${each.effect.target?.outerHTML.slice(0, 200)}`)"""
# As 1.4.12 has it.
SPACED = """*:not(svg *) {
    line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important;
}
p { margin-block-end: 2em !important; }"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_every_page(tmp_path_factory.mktemp("every")) as everything:
        yield everything


def sideways(page: Any) -> list[str]:
    """Whether the page is wider than its window."""
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"wider than the window by {over} pixels"] if over > 0 else []


@pytest.mark.parametrize("name", EVERY)
def test_nobody_is_kept_out_of_any_page(browser: Any, served: Served, name: str):
    page = served.shown(browser, EVERY[name])
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for direction in DIRECTIONS:
            page.evaluate("side => { document.documentElement.dir = side; }", direction)
            for colours in COLOURS:
                page.emulate_media(color_scheme=colours)
                rules = RULES if colours == "light" else COLOUR_RULES
                found[f"{width} {direction} {colours}"] = page.evaluate(JUDGE, rules) + sideways(page)
    for colours in COLOURS:
        page.emulate_media(color_scheme=colours, forced_colors="active")
        page.evaluate("() => new Promise(requestAnimationFrame)")
        found[f"forced {colours}"] = page.evaluate(JUDGE, COLOUR_RULES)
    page.emulate_media(forced_colors="none")
    found["motion"] = page.evaluate(STILL_MOVING)
    page.keyboard.press("Tab")
    found["focus"] = page.evaluate(UNSEEN_FOCUS)
    page.add_style_tag(content=SPACED)
    found["wide spacing"] = sideways(page)
    assert {where: flaws for where, flaws in found.items() if flaws} == {}


def paths_and_people(served: Served) -> Iterator[tuple[str, str]]:
    for place in EVERY.values():
        if not place.path.startswith(NOBODY):
            yield served.paths[place.path].partition("?")[0], place.who


def test_every_route_that_shows_a_page_is_among_those_looked_at(served: Served):
    rules: Map = served.shelf.app.url_map
    shown = {rules.bind("").match(path)[0] for path, _ in paths_and_people(served)}
    routes = {
        rule.endpoint
        for rule in rules.iter_rules()
        if "GET" in rule.methods and not rule.rule.startswith("/api/")
    }
    assert routes - shown == set(NO_PAGE) - shown
    assert shown <= routes


def test_every_template_of_a_page_is_among_those_looked_at(served: Served):
    stage = served.shelf.stage
    rendered: set[str] = set()

    def note(sender: Any, template: Any, **more: Any) -> None:
        rendered.add(template.name)

    with template_rendered.connected_to(note, stage.app):
        for path, who in set(paths_and_people(served)):
            client = stage.visitor() if who in ("nobody", "guest") else stage.browser(who)
            client.get(path, headers={"Accept": "text/html"})
    folder = Path(stage.app.root_path) / "templates"
    pages = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.html")
        if '{% extends "page.html" %}' in path.read_text(encoding="utf-8")
    }
    # Comes only as the answer to a form: "case, edited twice".
    assert pages - rendered == {"case_edit.html"}


def shades(page: Any, selector: str) -> int:
    """How many colours stand on the line through the middle of something."""
    picture = Image.open(io.BytesIO(page.locator(selector).first.screenshot())).convert("RGB")
    middle = np.asarray(picture)[picture.height // 2, 3:-3]
    return len(np.unique(middle // 16, axis=0))


@pytest.mark.parametrize("colours", COLOURS)
def test_what_is_told_by_a_ground_is_still_told_in_the_colours_of_a_system(
    browser: Any, served: Served, colours: str
):
    page = served.shown(browser, EVERY["case, running"])
    page.emulate_media(color_scheme=colours, forced_colors="active")
    assert shades(page, ".job progress") > 1
    assert shades(page, ".job .pulse") == 1
    ground = "each => getComputedStyle(each).backgroundColor"
    under = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page.locator(".job .pulse").evaluate(ground) != under
    page = served.shown(browser, EVERY["in 3D, organs"])
    page.emulate_media(color_scheme=colours, forced_colors="active")
    page.locator(".organ-do button").first.click()
    for selector in ("[role=tab][aria-selected=true]", ".tool[aria-pressed=true]", ".organ-do button"):
        chosen = page.locator(selector).first.evaluate(ground)
        assert chosen not in (under, "rgba(0, 0, 0, 0)"), selector
    page.goto(served.shelf.url + "/people")
    assert page.locator("nav [aria-current]").evaluate(ground) != under


LETTERS = """() => Object.fromEntries([...document.querySelectorAll(".slice-pane")].map(pane => {
    const {left, width} = pane.getBoundingClientRect();
    const places = [...pane.querySelectorAll(".letter")].map(each => {
        const box = each.getBoundingClientRect();
        return [each.textContent, Math.round(box.x + box.width / 2 - left)];
    });
    return [pane.className, [Math.round(width), ...places]];
}))"""


def test_read_from_the_right_the_page_is_mirrored_and_the_patient_is_not(browser: Any, served: Served):
    page = served.shown(browser, EVERY["in 3D, all slices"])
    viewer = Viewer(page)
    seen: dict[str, Any] = {}
    for direction in DIRECTIONS:
        page.evaluate("side => { document.documentElement.dir = side; }", direction)
        page.locator("view-tools").evaluate("each => { each.style.visibility = 'hidden'; }")
        viewer.settle()
        slices = page.locator(".pane-face canvas").evaluate_all("all => all.map(each => each.toDataURL())")
        at = {
            name: page.locator(name).first.bounding_box()["x"]
            for name in (".side", ".stage", "view-tools", "view-menu")
        }
        seen[direction] = (viewer.picture(), slices, page.evaluate(LETTERS), at)
    (model, slices, letters, places), (model_rtl, slices_rtl, letters_rtl, places_rtl) = seen.values()
    assert np.abs(model.astype(int) - model_rtl).mean() < 0.5
    # Compared one by one: pytest would take minutes to show where two of them differ.
    assert [a == b for a, b in zip(slices, slices_rtl, strict=True)] == [True] * 4
    assert letters == letters_rtl
    (_, *axial) = letters["slice-pane pane-axial"]
    assert dict(axial)["R"] < dict(axial)["L"]
    assert places[".side"] < places[".stage"]
    assert places_rtl[".side"] > places_rtl[".stage"]
    assert places["view-tools"] < places["view-menu"]
    assert places_rtl["view-tools"] > places_rtl["view-menu"]


def test_names_stand_on_the_side_from_which_the_page_is_read(browser: Any, served: Served):
    page = served.shown(browser, EVERY["case, strange names"])
    page.evaluate("document.documentElement.dir = 'rtl'")
    page.set_viewport_size({"width": 768, "height": 900})
    far = """each => {
        const range = document.createRange();
        range.selectNodeContents(each);
        const edge = each.getBoundingClientRect().right - parseFloat(getComputedStyle(each).paddingRight);
        return Math.abs(edge - range.getBoundingClientRect().right);
    }"""
    for selector in ("main h1", ".series h3", ".measures dd"):
        assert page.locator(selector).first.evaluate(far) < 2, selector
