"""Every page a person comes to, in each state that looks different: who sees it, where, after doing what.

with serving_every_page(folder) as served:
    page = served.shown(browser, EVERY["case"])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from chromium import watched_page
from page_shelf import Shelf, serving, serving_pages
from painted_ball import painted
from plastinate.archive.archive import open_archive
from plastinate.archive.tables import Share
from plastinate.services import people, sharing
from plastinate.services.access import Actor
from plastinate.services.measurements import write_measurements
from plastinate.settings import Settings
from plastinate.web.app import create_app
from viewer_hands import Viewer
from viewer_shelf import add_scene, box_and_ball
from web_stage import PASSWORD

# Before what stands on the server where nobody is yet.
NOBODY = "nobody: "


@dataclass
class Served:
    """A filled server and an empty one, the paths of what is there, and the page of each visitor."""

    shelf: Shelf
    empty_url: str
    paths: dict[str, str]
    pages: dict[str, Any] = field(default_factory=dict)

    def page_of(self, browser: Any, who: str) -> Any:
        """The page of "admin", of "other", who has no case, of a "guest" with a link, or of "nobody"."""
        if who not in self.pages:
            # Content policy: only so that the judge itself can be brought onto the page.
            page = watched_page(browser, [], bypass_csp=True, reduced_motion="reduce")
            if who == "guest":
                page.goto(self.shelf.url + self.paths["link"])
            elif who != "nobody":
                page.goto(f"{self.shelf.url}/sign-in")
                page.fill("#email", f"{who}@example.org")
                page.fill("#password", PASSWORD)
                page.click("main form button")
                page.wait_for_url("**/cases")
            self.pages[who] = page
        return self.pages[who]

    def shown(self, browser: Any, place: Place) -> Any:
        """The page, at a place, light, read from the left and as wide as a desk has it."""
        page = self.page_of(browser, place.who)
        page.unroute_all()
        page.set_viewport_size({"width": 1440, "height": 900})
        page.emulate_media(color_scheme="light", forced_colors="none")
        # An address that differs after # only would not load anew.
        page.goto("about:blank")
        url = self.empty_url if place.path.startswith(NOBODY) else self.shelf.url
        page.goto(f"{url}{self.paths[place.path]}#{place.at}")
        place.then(page)
        return page


@contextmanager
def serving_every_page(folder: Path) -> Iterator[Served]:
    """What the pages of EVERY show."""
    empty = open_archive(Settings(home=folder / "empty", store="memory:///"))
    nobody = create_app(empty, testing=True)
    with serving_pages(folder / "full") as shelf, serving(nobody) as empty_url:
        shelf.app.add_url_rule("/fault", view_func=lambda: 1 // 0, endpoint="fault")
        views = {"box and ball": {}, "without millimetres": {"unit": "px", "with_scan": False}}
        for name, options in views.items():
            add_scene(shelf, name, *box_and_ball(**options), folder / name.replace(" ", "-"))  # type: ignore[arg-type]
        add_scene(shelf, "a ball's picture", painted("px"), None, folder / "picture")
        served = Served(shelf, empty_url, shelf.pages)
        served.paths[f"{NOBODY}first"] = f"/welcome/{people.first_invitation(empty)}"
        _open_doors(served)
        yield served
        for page in served.pages.values():
            page.context.close()
    empty.close()


def _open_doors(served: Served) -> None:
    """An invitation, and a case that is shared with a person and by a link."""
    archive, stage = served.shelf.archive, served.shelf.stage
    admin = Actor(stage.people["admin"], is_admin=True, name="Admin", via="session")
    ready = served.paths["ready"].rpartition("/")[2]
    _, invited = people.invite(archive, admin, email="ida@example.org", name="Ida")
    _, link = sharing.make_link(archive, admin, ready, hours=2, label="For the seminar")
    refused = {"what": "organs", "formats": "glb", "refused": "yes"}
    box_and_ball_build = served.paths["box and ball"].split("/")[-2]
    across = {"id": "a", "kind": "distance", "name": "Across", "points_lps_mm": [[-60, 0, 0], [-10, 0, 0]]}
    write_measurements(archive, admin, box_and_ball_build, items=[across])
    with archive.database.write() as session:
        session.add(Share(case_id=ready, person_id=stage.people["viewer"], role="view"))
    served.paths |= {
        "sign in": "/sign-in",
        f"{NOBODY}sign in": "/sign-in",
        "invited": f"/welcome/{invited}",
        "link": f"/s/{link}",
        "no such link": "/s/nothing",
        "fault": "/fault",
        "build refused": f"{served.paths['ready']}?{urlencode(refused)}",
    }


# --- what is done there first -----------------------------------------------------------------------------


def unfolded(page: Any) -> None:
    """Open whatever can be opened in place."""
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(each => each.open = true)")


def with_menu(selector: str) -> Callable[[Any], None]:
    """Open the menus that hang over the page."""
    return lambda page: page.locator(f"{selector} > summary").first.click()


def sent(button: str, **fields: str) -> Callable[[Any], None]:
    """Fill in a form and send it, past what the browser itself would refuse."""

    def send(page: Any) -> None:
        unfolded(page)
        page.evaluate("document.querySelectorAll('form').forEach(each => each.noValidate = true)")
        press = page.get_by_role("button", name=button, exact=True)
        form = page.locator("main form").filter(has=press)
        for name, value in fields.items():
            form.locator(f"[name={name}]").fill(value)
        with page.expect_navigation():
            press.click()
        unfolded(page)

    return send


def written_meanwhile(page: Any) -> None:
    """Keep what somebody wrote about a case that another has changed since."""
    page.locator("main [name=version]").first.evaluate("each => { each.value = '999'; }")
    sent("Keep", title="Mine", notes="What I wrote.")(page)


def uploading(page: Any) -> None:
    """An upload that comes to a server which does not answer."""
    page.route("**/api/uploads**", lambda route: route.abort())
    page.set_input_files("#files", {"name": "scan.zip", "mimeType": "application/zip", "buffer": b"x" * 9})
    page.locator("#trouble").wait_for()


def out_of_touch(page: Any) -> None:
    """What the line at the foot of the window says of a session that has ended."""
    page.evaluate("document.querySelector('[data-contact=signed-out]').hidden = false")


def in_3d(tab: str, press: str = "") -> Callable[[Any], None]:
    """Wait for the view in 3D, and for its slices where it has some; open a panel, and press something."""

    def begin(page: Any) -> None:
        viewer = Viewer(page)
        if "layout" in page.url:
            page.wait_for_selector(".pane-face canvas[data-painted]", state="attached")
        viewer.tab(tab)
        if press:
            page.locator(press).first.click()
        unfolded(page)

    return begin


def without_models(page: Any) -> None:
    """The models do not arrive."""
    page.route("**/files/view/coarse.bin", lambda route: route.fulfill(status=404, body="gone"))
    page.reload()
    page.wait_for_selector(".notices .message")


def without_webgl(page: Any) -> None:
    """A browser that has no WebGL 2."""
    page.evaluate("sessionStorage.setItem('plain', 'yes')")
    page.add_init_script(
        """if (sessionStorage.getItem("plain")) {
            sessionStorage.removeItem("plain");
            const real = HTMLCanvasElement.prototype.getContext;
            HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
                return kind.startsWith("webgl") ? null : real.call(this, kind, ...more);
            };
        }"""
    )
    page.reload()
    page.wait_for_selector("[data-without-webgl]:visible")


def unreadable(page: Any) -> None:
    """A list of models that nobody can read."""
    page.route("**/files/view/scene.json", lambda route: route.fulfill(body="{}"))
    page.reload()
    page.wait_for_selector("#viewer [role=alert]")


@dataclass(frozen=True)
class Place:
    """The name of a path, who goes there, what is done there, and what stands after # in the address."""

    path: str
    who: str = "admin"
    then: Callable[[Any], None] = unfolded
    at: str = ""


# A link to the view begins with where one looks from: a place, a turn, and how far away.
FROM_THE_FRONT = "camera=0,0,0,0.70711,0,0,0.70711,420"

EVERY: dict[str, Place] = {
    "sign in": Place("sign in", "nobody"),
    "sign in, refused": Place("sign in", "nobody", sent("Sign in", email="who@example.org", password="x")),
    "sign in, nobody is here": Place(f"{NOBODY}sign in", "nobody"),
    "first visit": Place(f"{NOBODY}first", "nobody"),
    "first visit, refused": Place(f"{NOBODY}first", "nobody", sent("Begin", email="x", password="short")),
    "invited": Place("invited", "nobody"),
    "no such link": Place("no such link", "nobody"),
    "cases": Place("cases"),
    "cases, none": Place("cases", "other"),
    "cases, none found": Place("found nothing"),
    "new case": Place("new"),
    "new case, in trouble": Place("new", then=uploading),
    "trash": Place("trash", then=with_menu("main .menu")),
    "trash, empty": Place("trash", "other"),
    "account": Place("account", then=sent("Make a token", name="Nightly")),
    "password": Place("password"),
    "password, refused": Place("password", then=sent("Change it", password="x")),
    "people": Place("people", then=sent("Make the invitation link", email="new@example.org")),
    "people, menu": Place("people", then=with_menu("main .menu")),
    "people, not allowed": Place("people", "other"),
    "no such case": Place("no such case"),
    "fault": Place("fault"),
    "case": Place("ready"),
    "case, by link": Place("ready", "guest"),
    "case, menus and news": Place(
        "ready", then=lambda page: (with_menu("main .menu")(page), out_of_touch(page))
    ),
    "case, fresh link": Place("ready", then=sent("Make the link", label="For Ida")),
    "case, edited twice": Place("ready", then=written_meanwhile),
    "case, build refused": Place("build refused"),
    "case, strange names": Place("strange"),
    "case, running": Place("running"),
    "case, waiting": Place("waiting"),
    "case, failed": Place("failed"),
    "case, in the trash": Place("thrown away"),
    "certificate": Place("ready build"),
    "certificate, by link": Place("ready build", "guest", with_menu("main .more")),
    "in 3D, organs": Place("box and ball", then=in_3d("organs"), at=f"{FROM_THE_FRONT}&chosen=liver"),
    "in 3D, all slices": Place(
        "box and ball",
        then=in_3d("scan"),
        at=f"{FROM_THE_FRONT}&layout=1%2B3&oblique=0.5,0.5,0.7&planes=1&volume=composite,ct-bone",
    ),
    "in 3D, cut": Place(
        "box and ball",
        then=in_3d("cut"),
        at=f"{FROM_THE_FRONT}&cut=0,1,0,5,0:liver&box=-60,-20,-25,50,20,25",
    ),
    "in 3D, measured": Place(
        "box and ball", then=in_3d("measure"), at=f"{FROM_THE_FRONT}&layout=axial&at=0,0,0"
    ),
    "in 3D, take away": Place("box and ball", then=in_3d("take", "view-menu summary")),
    "in 3D, no millimetres": Place("without millimetres", then=in_3d("measure")),
    "in 3D, how sure a picture's depth is": Place("a ball's picture", then=in_3d("organs", "[data-do=sure]")),
    "in 3D, models missing": Place("box and ball", then=without_models),
    "in 3D, unreadable": Place("box and ball", then=unreadable),
    "in 3D, no WebGL": Place("box and ball", then=without_webgl),
    "in 3D, built long ago": Place("older in 3D"),
}
