# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages and their files: headers that keep a page to itself, and no way out of the folder."""

import http.client
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from api.conftest import assert_error
from harness.otter_home import CHECKOUT

PAGES = ["/", "/room/rm_x", "/room/a-name.~_"]
TYPES = {
    "/": "text/html; charset=utf-8",
    "/index.html": "text/html; charset=utf-8",
    "/room/x": "text/html; charset=utf-8",
    "/sdk/otter.js": "text/javascript; charset=utf-8",
    "/styles/base.css": "text/css; charset=utf-8",
    "/styles/otter.svg": "image/svg+xml",
    "/sdk/README.md": "text/markdown; charset=utf-8",
}


def get(home, path, **headers):
    return home.rest("GET", path, key=None, headers=headers)


def csp_of(answer):
    directives = [each.split() for each in answer.headers["Content-Security-Policy"].split(";")]
    return {name: values for name, *values in directives}


@pytest.mark.parametrize("path", [*PAGES, "/sdk/otter.js"])
def test_a_page_takes_everything_from_itself_and_gives_nothing_away(home, path):
    answer = get(home, path)
    assert answer.status_code == 200
    csp = csp_of(answer)
    assert csp["default-src"] == ["'none'"]
    assert csp["script-src"] == csp["style-src"] == ["'self'"]
    assert csp["connect-src"] == ["'self'", home.info["signaling"]]
    assert csp["frame-ancestors"] == csp["base-uri"] == csp["form-action"] == ["'none'"]
    everything = {value for values in csp.values() for value in values}
    assert everything <= {"'none'", "'self'", "data:", "blob:", home.info["signaling"]}
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = answer.headers["Permissions-Policy"]
    for allowed in ("camera", "microphone", "display-capture"):
        assert f"{allowed}=(self)" in policy
    assert "geolocation=()" in policy and "*" not in policy
    assert answer.headers.get("Access-Control-Allow-Origin") == ("*" if path.startswith("/sdk/") else None)
    assert "Set-Cookie" not in answer.headers


class Outline(HTMLParser):
    """What a page loads, and what of it a strict policy would block."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.inline = [], []
        self._within = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.loads += [attrs[name] for name in ("src", "href", "action") if attrs.get(name)]
        self.inline += [name for name in attrs if name.startswith("on") or name == "style"]
        self._within = tag if tag in ("script", "style") else None

    def handle_data(self, data):
        if self._within and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag):
        self._within = None


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_only_its_own_files_and_has_nothing_inline(home, path):
    outline = Outline(get(home, path).text)
    assert outline.inline == []
    assert outline.loads
    for link in outline.loads:
        assert re.fullmatch(r"/[\w./-]*", link), link
        assert get(home, link).status_code == 200, link


@pytest.mark.parametrize("path", TYPES)
def test_a_file_has_its_type_and_the_bytes_of_the_file(home, path):
    answer = get(home, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, TYPES[path])
    name = {"/": "index.html", "/room/x": "room.html"}.get(path, path.lstrip("/"))
    assert answer.content == (CHECKOUT / "html" / name).read_bytes()


def test_every_file_of_the_web_app_is_served(home):
    folder = CHECKOUT / "html"
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != "package.json":  # which tells Node, for the tests, what kind of files these are
            answer = get(home, f"/{file.relative_to(folder)}")
            assert (answer.status_code, answer.content) == (200, file.read_bytes()), file


@pytest.mark.parametrize("path", ["/", "/room/x", "/sdk/otter.js"])
def test_who_has_a_file_already_is_told_so_and_asks_each_time(home, path):
    first = get(home, path)
    assert first.headers["Cache-Control"] == "no-cache"
    etag = first.headers["ETag"]
    assert re.fullmatch(r'"[^"]+"', etag)
    again = get(home, path, **{"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    assert get(home, path, **{"If-None-Match": '"another"'}).status_code == 200


def test_a_query_does_not_change_which_file_it_is(home):
    assert get(home, "/sdk/otter.js?v=2").content == get(home, "/sdk/otter.js").content


SECRET = "secrets/api.key"
WAYS_OUT = [
    # out of the folder and in again, to a file that would be served
    "/../html/index.html", "/sdk/../../html/index.html", "/room/../../html/index.html", "/%2e%2e/html/index.html",
    "/..%2fhtml/index.html", "/sdk/..%2f..%2fhtml/index.html", "/./../html/index.html", "/../html/sdk/otter.js",
    f"/../{SECRET}", f"/../../../../../{SECRET}", f"/%2e%2e/{SECRET}", f"/.%2e/{SECRET}",
    f"/%2e%2e%2f{SECRET}", f"/..%2f{SECRET}",
    f"/sdk/../../{SECRET}", f"/sdk/..%5c..%5c{SECRET}", f"/..\\{SECRET}", f"/%252e%252e/{SECRET}",
    f"/%c0%ae%c0%ae/{SECRET}",
    f"/room/../{SECRET}", f"/room/..%2f{SECRET}", "/../../../../../../etc/passwd", "/etc/passwd", "//etc/passwd", "///",
    "//", "/.", "/..", "/./", "/./index.html", "/sdk/../index.html", "/sdk//otter.js", "/.git", "/.git/config",
    "/.htaccess", "/sdk/.hidden.js", "/%00", "/index.html%00", "/index.html%00.js", "/sdk/otter.js%00.md",
    "/sdk/otter.js%20", "/sdk/otter.js/", "/sdk", "/sdk/", "/styles", "/room", "/room/", "/room/a/b", "/room/a%2fb",
    "/room/%00", "/room/..", "/index", "/index.html~", "/INDEX.HTML", "/sdk/otter%2ejs", "/" + "a" * 5000,
    "/" + "a/" * 2000, "/index.html;a", "/sdk/otter.js::$DATA", "/*", "*",
]


@pytest.mark.parametrize("path", WAYS_OUT, ids=lambda path: repr(path[:40]))
def test_there_is_no_way_out_of_the_folder(home, path):
    connection = http.client.HTTPConnection("127.0.0.1", home.info["ports"]["http"], timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    assert 400 <= answer.status < 500, body[:200]
    if answer.status == 404:
        assert b'"code":"not_found"' in body
    for secret in (home.key.encode(), b"root:x:0", b"[core]", Path(CHECKOUT, "html/index.html").read_bytes()[:200]):
        assert secret not in body


def test_an_unknown_page_is_an_error_that_no_browser_takes_for_a_page(home):
    assert_error(get(home, "/<script>alert(1)</script>"), 404, "not_found")
