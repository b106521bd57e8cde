# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of other origins: which may read answers, which may show ours in a frame, and that keys are for no page."""

import pytest
from api.conftest import assert_error
from harness.otter_home import OtterHome

ALLOWED, ALSO_ALLOWED = "https://app.example.org", "http://localhost:3000"
PUBLIC_URL = "https://calls.example.org"
STRANGERS = ["https://evil.example", "https://app.example.org.evil.example", "https://app.example.or", "http://app.example.org",
             "https://app.example.org:8443", "https://APP.example.org", "https://app.example.org/", "null", "*", "", "https://calls.example.org/x"]
TOKEN_ROUTES = [("POST", "/v1/connect"), ("GET", "/v1/credentials"), ("GET", "/v1/config"), ("GET", "/v1/room/rm_a")]
KEY_ROUTES = [("POST", "/v1/rooms"), ("GET", "/v1/rooms"), ("GET", "/v1/rooms/rm_a"), ("PATCH", "/v1/rooms/rm_a"), ("DELETE", "/v1/rooms/rm_a"),
              ("GET", "/v1/rooms/rm_a/participants"), ("DELETE", "/v1/rooms/rm_a/participants/pt_a"), ("POST", "/v1/createRoom")]
CORS = "access-control-"


@pytest.fixture(scope="module")
def open_home():
    """An Otter that two pages of others may use."""
    settings = {"general": {"allowed_origins": [ALLOWED, ALSO_ALLOWED]}, "limits": {"login_failures": 1000}}
    with OtterHome("--public-url", PUBLIC_URL, settings=settings) as running:
        yield running


@pytest.fixture
def shop(open_home):
    yield open_home
    open_home.assert_alive()
    open_home.check_logs()


def cors_of(answer):
    return {name.lower(): value for name, value in answer.headers.items() if name.lower().startswith(CORS)}


def ask(home, method, path, origin, **more):
    headers = {**({"Origin": origin} if origin is not None else {}), **more.pop("headers", {})}
    return home.rest(method, path, headers=headers, **more)


def preflight(home, path, method, origin, headers="authorization,content-type"):
    return ask(home, "OPTIONS", path, origin, key=None,
               headers={"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers})


@pytest.mark.parametrize("method, path", TOKEN_ROUTES)
def test_an_allowed_page_reads_what_a_token_gets_errors_too(shop, method, path):
    own = shop.info["web"]
    for origin in (ALLOWED, ALSO_ALLOWED, PUBLIC_URL, own):
        for more in ({"key": None}, {"key": None, "token": "wrong"}):
            answer = ask(shop, method, path, origin, **more)
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After, X-Request-Id"
            assert answer.headers["Vary"] == "Origin" and "Access-Control-Allow-Credentials" not in answer.headers


def test_an_allowed_page_connects_with_a_link(shop):
    room = shop.create_room()
    assert preflight(shop, "/v1/connect", "POST", ALLOWED).status_code == 204
    answer = ask(shop, "POST", "/v1/connect", ALLOWED, token=room["token"])
    assert answer.status_code == 200 and answer.headers["Access-Control-Allow-Origin"] == ALLOWED


@pytest.mark.parametrize("method, path", TOKEN_ROUTES)
def test_the_page_of_a_stranger_reads_nothing_and_a_cache_knows(shop, method, path):
    for origin in [*STRANGERS, None]:
        answer = ask(shop, method, path, origin, key=None)
        assert cors_of(answer) == {} and answer.headers["Vary"] == "Origin", origin
        asked = preflight(shop, path, method, origin)
        assert cors_of(asked) == {} and asked.status_code == 405, origin


@pytest.mark.parametrize("method, path", TOKEN_ROUTES)
def test_a_browser_is_told_what_an_allowed_page_may_send(shop, method, path):
    answer = preflight(shop, path, method, ALLOWED)
    assert (answer.status_code, answer.content) == (204, b"")
    assert cors_of(answer) == {
        "access-control-allow-origin": ALLOWED, "access-control-allow-methods": method,
        "access-control-allow-headers": "Authorization, Content-Type", "access-control-max-age": "600",
        "access-control-expose-headers": "Retry-After, X-Request-Id"}
    assert answer.headers["Vary"] == "Origin"


def test_options_that_is_no_question_of_a_browser_is_a_method_like_others(shop):
    answer = ask(shop, "OPTIONS", "/v1/connect", ALLOWED, key=None)
    assert_error(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("method, path", KEY_ROUTES)
def test_no_page_reads_what_a_key_gets_an_allowed_one_neither(shop, method, path):
    for origin in (ALLOWED, PUBLIC_URL, shop.info["web"], STRANGERS[0]):
        assert cors_of(ask(shop, method, path, origin)) == {}
        asked = preflight(shop, path, method, origin)
        assert cors_of(asked) == {} and asked.status_code == 405
    for room in shop.rest("GET", "/v1/rooms").json()["rooms"]:
        assert shop.rest("DELETE", f"/v1/rooms/{room['id']}").status_code == 204


def test_the_sdk_is_for_all_and_pages_are_not(shop):
    for path in ("/sdk/otter.js", "/sdk/janus.js", "/sdk/README.md"):
        for origin in (ALLOWED, STRANGERS[0], None):
            assert cors_of(ask(shop, "GET", path, origin, key=None)) == {"access-control-allow-origin": "*"}
    for path in ("/", "/room/rm_a", "/styles/base.css", "/sdk/nothing.js", "/components/room-page.js"):
        assert cors_of(ask(shop, "GET", path, ALLOWED, key=None)) == {}


def test_allowed_pages_may_show_ours_in_a_frame(shop, home):
    def ancestors(one):
        policy = one.rest("GET", "/room/rm_a", key=None).headers["Content-Security-Policy"]
        return [each.split()[1:] for each in policy.split("; ") if each.startswith("frame-ancestors ")]
    assert ancestors(shop) == [[ALLOWED, ALSO_ALLOWED]]
    assert ancestors(home) == [["'none'"]]


def test_without_a_list_the_page_itself_is_allowed_and_nobody_else(home):
    assert ask(home, "GET", "/v1/config", home.info["web"], key=None).headers["Access-Control-Allow-Origin"] == home.info["web"]
    assert cors_of(ask(home, "GET", "/v1/config", ALLOWED, key=None)) == {}
