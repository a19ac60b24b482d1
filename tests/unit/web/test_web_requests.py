"""What stands before every route: the host, the token of the session, and the headers of every answer."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from web_stage import Scene, Stage, open_stage

UNSAFE = [
    ("PATCH", "/api/cases/{case}", {"json": {"title": "Taken over"}}),
    ("DELETE", "/api/cases/{case}", {}),
    ("POST", "/api/cases/{case}/links", {"json": {"hours": 1}}),
    ("POST", "/api/tokens", {"json": {"name": "x"}}),
    ("POST", "/api/uploads", {"headers": {"Tus-Resumable": "1.0.0", "Upload-Length": "1"}}),
    ("POST", "/api/cases/{case}/jobs", {"json": {"recipe": "ct-chest"}}),
]


@pytest.mark.parametrize(("method", "path", "more"), UNSAFE, ids=lambda part: str(part)[:40])
def test_a_browser_without_the_token_of_its_session_changes_nothing(
    stage: Stage, scene: Scene, method: str, path: str, more: dict[str, object]
):
    browser = stage.browser("owner")
    for token in ("", "made-up", stage.csrf_token("of another session")):
        browser.environ_base["HTTP_X_CSRF_TOKEN"] = token
        answer = browser.open(path.format(case=scene.case), method=method, **more)
        assert (answer.status_code, answer.json["code"]) == (403, "request.cross-site")


def test_a_request_from_another_site_is_refused_even_with_a_token(stage: Stage, scene: Scene):
    answer = stage.browser("owner").patch(
        f"/api/cases/{scene.case}", json={"title": "x"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403


def test_a_script_with_a_token_needs_no_token_of_a_session(stage: Stage, scene: Scene):
    answer = stage.script("owner").patch(f"/api/cases/{scene.case}", json={"title": "Renamed"})
    assert (answer.status_code, answer.json["title"]) == (200, "Renamed")


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer pl_unknown", "Basic b3duZXI6eA==", "pl_x", "bearer \x00"]
)
def test_a_token_that_is_not_valid_is_refused_even_where_nobody_has_to_sign_in(stage: Stage, header: str):
    answer = stage.visitor().get("/api/me", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_does_not_borrow_the_rights_of_a_browsers_session(stage: Stage, scene: Scene):
    browser = stage.browser("owner")
    browser.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {stage.tokens['other']}"
    assert browser.get(f"/api/cases/{scene.case}").status_code == 404


def test_every_answer_tells_browsers_what_it_may_do(stage: Stage, scene: Scene):
    browser = stage.browser("owner")
    for path in ("/api/health", f"/api/cases/{scene.case}", "/api/nothing", "/openapi.json", "/sign-in"):
        headers = browser.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in headers


def test_files_for_everybody_may_be_kept_by_anybody_and_carry_nobodys_session(stage: Stage, tmp_path: Path):
    built = tmp_path / "static" / "built" / "assets"
    built.mkdir(parents=True)
    (built / "page-abc123.js").write_text("1")
    stage.app.static_folder = str(tmp_path / "static")
    answer = stage.browser("owner").get("/static/built/assets/page-abc123.js")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    missing = stage.browser("owner").get("/static/built/assets/none.js")
    assert missing.headers.get("Cache-Control") != answer.headers["Cache-Control"]


def test_a_script_comes_gzipped_to_whoever_takes_it_so(stage: Stage, tmp_path: Path):
    built = tmp_path / "static" / "built" / "assets"
    built.mkdir(parents=True)
    script = b"let there = 1;\n" * 100
    (built / "page-abc123.js").write_bytes(script)
    (built / "page-abc123.js.gz").write_bytes(gzip.compress(script))
    stage.app.static_folder = str(tmp_path / "static")
    browser = stage.browser("owner")
    for accepted, encoding in (("gzip, br", "gzip"), ("identity", None), ("gzip;q=0", None)):
        answer = browser.get("/static/built/assets/page-abc123.js", headers={"Accept-Encoding": accepted})
        body = gzip.decompress(answer.data) if encoding else answer.data
        assert (body, answer.headers.get("Content-Encoding")) == (script, encoding)
        assert answer.mimetype == "text/javascript"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert browser.get("/static/built/../../../secret").status_code == 404


def test_under_tls_browsers_are_told_to_stay_with_it(tmp_path: Path):
    stage = open_stage(tmp_path, public_url="https://scans.example.org")
    answer = stage.visitor().get("/sign-in", base_url="https://scans.example.org")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-plastinate=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    stage.close()


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "scans.example.org.evil", "a b", "["]
)
def test_a_host_that_is_not_ours_is_refused(stage: Stage, host: str):
    assert stage.visitor().get("/api/me", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000", "10.1.2.3"])
def test_this_machine_answers_to_its_own_names_and_addresses(stage: Stage, host: str):
    assert stage.visitor().get("/api/me", headers={"Host": host}).status_code == 200


def test_a_public_server_answers_to_its_public_name_only(tmp_path: Path):
    stage = open_stage(tmp_path, public_url="https://scans.example.org")
    ask = stage.visitor().get
    assert ask("/api/me", headers={"Host": "scans.example.org"}).status_code == 200
    assert ask("/api/me", headers={"Host": "SCANS.example.org:443"}).status_code == 200
    for host in ("localhost", "127.0.0.1", "evil.example"):
        assert ask("/api/me", headers={"Host": host}).status_code == 400
    assert ask("/api/health", headers={"Host": "127.0.0.1"}).status_code == 200
    stage.close()


FORWARDED = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "6.6.6.6"}


def test_forwarded_headers_are_not_believed_without_a_stated_proxy(stage: Stage, scene: Scene):
    answer = stage.browser("owner").post(
        f"/api/cases/{scene.case}/links", json={"hours": 1}, headers=FORWARDED
    )
    assert answer.json["url"].startswith("http://localhost/s/")


def test_a_link_bears_the_public_address_whatever_the_request_says(tmp_path: Path):
    stage = open_stage(tmp_path, public_url="https://scans.example.org/", proxies=1)
    scene = stage.new_scene()
    headers = {"X-Forwarded-Host": "scans.example.org", "X-Forwarded-Proto": "https"}
    answer = stage.script("owner").post(f"/api/cases/{scene.case}/links", json={"hours": 1}, headers=headers)
    assert answer.json["url"].startswith("https://scans.example.org/s/")
    stage.close()
