"""What is seen first: an organ, as soon as there is one; and no waiting for what does not come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from page_shelf import Shelf, signed_in
from viewer_shelf import serving_views

# When the panels came, by the page's own clock.
WATCH = """
new MutationObserver((changes, watcher) => {
    if (!document.querySelector(".viewer:not(.waiting) organ-tree")) return;
    performance.mark("test:panels");
    watcher.disconnect();
}).observe(document, { subtree: true, childList: true, attributes: true });
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with serving_views(tmp_path_factory.mktemp("first")) as served:
        yield served


def timed(page: Any, address: str) -> dict[str, float]:
    """When each mark was set, in milliseconds after the navigation."""
    page.add_init_script(WATCH)
    page.goto(address, wait_until="commit")
    page.wait_for_function("() => performance.getEntriesByName('test:panels').length")
    found: dict[str, float] = page.evaluate(
        "Object.fromEntries(performance.getEntriesByType('mark').map(each => [each.name, each.startTime]))"
    )
    return found


@pytest.mark.slow
def test_an_organ_is_on_the_screen_before_what_stands_around_it(browser: Any, shelf: Shelf):
    page = signed_in(browser, shelf, [], at="")
    marks = timed(page, shelf.url + shelf.pages["box and ball"])
    assert marks["viewer:first-organ"] <= marks["test:panels"]
    page.context.close()


@pytest.mark.slow
def test_panels_come_though_no_organ_does(browser: Any, shelf: Shelf):
    page = signed_in(browser, shelf, [], at="")
    # Neither an answer nor a refusal: the connection hangs.
    page.route("**/view/coarse.bin", lambda _: None)
    marks = timed(page, shelf.url + shelf.pages["box and ball"])
    assert "viewer:first-organ" not in marks
    assert page.is_visible("organ-tree")
    page.context.close()


@pytest.mark.slow
def test_everything_the_script_imports_is_asked_for_with_the_page(browser: Any, shelf: Shelf):
    page = signed_in(browser, shelf, [], at="")
    page.goto(shelf.url + shelf.pages["box and ball"])
    page.wait_for_selector("canvas.scene")
    fetched = page.evaluate(
        """() => performance.getEntriesByType('resource').map(each => each.name.split('/').pop())
            .filter(each => /^(words|measures)-/.test(each))"""
    )
    asked = page.evaluate(
        "[...document.querySelectorAll('link[rel=modulepreload]')].map(each => each.href.split('/').pop())"
    )
    assert fetched
    assert set(fetched) <= set(asked)
    page.context.close()
