# SPDX-License-Identifier: GPL-3.0-or-later
"""What all routes share: unknown ones, methods, the shape of errors; /v1/config and /healthz."""

import pytest
from api.conftest import assert_error
from harness.otter_client import new_instance
from harness.raw_http import connect
from signaling.shapes import check

CONFIG = {
    "version": str,
    "signaling": [{"url": str, "protocol": {"janus-protocol"}}],
    "stun": [str],
    "max_participants": {8},
    "features": [str],
}


def test_config_tells_what_a_page_may_know_without_a_token(home):
    answer = home.rest("GET", "/v1/config", key=None)
    assert answer.status_code == 200
    config = answer.json()
    check(config, CONFIG)
    assert config["version"] == home.info["version"]
    assert [each["url"] for each in config["signaling"]] == [home.info["signaling"]]
    assert config["stun"] == [f"stun:127.0.0.1:{home.info['ports']['turn']}"]


def test_healthz_answers_without_a_key(home):
    answer = home.rest("GET", "/healthz", key=None)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/", "/v1", "/v2/rooms", "/v1/rooms/", "/v1/rooms/a/b",
                                  "/v1/connect/", "/v1//rooms", "/V1/rooms", "/healthz/", "/nothing"])
@pytest.mark.parametrize("with_key", [True, False])
def test_an_unknown_route_is_not_found(home, nothing_new, path, with_key):
    assert_error(home.rest("GET", path, **({} if with_key else {"key": None})), 404, "not_found")


@pytest.mark.parametrize("method, path, allow", [
    ("PUT", "/v1/rooms", {"GET", "POST"}), ("DELETE", "/v1/rooms", {"GET", "POST"}), ("PATCH", "/v1/rooms", {"GET", "POST"}),
    ("POST", "/v1/rooms/rm_a", {"GET", "PATCH", "DELETE"}), ("PUT", "/v1/rooms/rm_a", {"GET", "PATCH", "DELETE"}),
    ("GET", "/v1/connect", {"POST"}), ("POST", "/v1/credentials", {"GET"}), ("DELETE", "/v1/config", {"GET"}),
    ("POST", "/healthz", {"GET"}), ("POST", "/", {"GET"}), ("DELETE", "/room/rm_a", {"GET"}),
    ("BREW", "/v1/rooms", {"GET", "POST"}), ("TRACE", "/v1/config", {"GET"}), ("OPTIONS", "/v1/rooms", {"GET", "POST"}),
])
def test_a_method_that_a_route_does_not_take_is_refused_with_those_that_it_takes(home, nothing_new, method, path, allow):
    for more in ({}, {"key": None}):
        answer = home.rest(method, path, **more)
        assert_error(answer, 405, "method_not_allowed")
        assert {each.strip() for each in answer.headers["Allow"].split(",")} == allow


@pytest.mark.parametrize("path", ["/", "/v1/config", "/healthz", "/sdk/otter.js", "/room/rm_a"])
def test_head_is_get_without_the_body(home, path):
    got, head = home.rest("GET", path, key=None), home.rest("HEAD", path, key=None)
    assert (head.status_code, head.content) == (200, b"")
    changing = {"Date", "X-Request-Id"}
    assert ({name: value for name, value in head.headers.items() if name not in changing}
            == {name: value for name, value in got.headers.items() if name not in changing})


def test_head_of_what_needs_a_key_needs_it_too(home, room):
    path = f"/v1/rooms/{room['id']}"
    assert home.rest("HEAD", path).status_code == 200
    assert home.rest("HEAD", path, key=None).status_code == 401


def test_every_answer_has_a_request_id_of_its_own_and_ours_not_the_askers(home):
    asked = "rq_" + new_instance()
    answers = [home.rest("GET", "/healthz", key=None, headers={"X-Request-Id": asked}) for _ in range(20)]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == 20 and asked not in ids


# By hand; what is unclear about where a request ends: test_framing.py

RUBBISH = {
    "NUL": b"\0" * 4096,
    "TLS": b"\x16\x03\x01" + b"a" * 500 + b"\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "a version to come": b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n",
    "a line without end": b"GET /" + b"a" * 200_000,
    "a header without end": b"GET /healthz HTTP/1.1\r\nHost: " + b"a" * 200_000,
    "too many headers": b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 50_000 + b"\r\n",
    "a blank before the colon": b"GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n",
}


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_is_not_served_and_the_server_answers_others(home, rubbish):
    with connect(home) as sock:
        try:
            sock.sendall(RUBBISH[rubbish])
            sock.settimeout(0.5)  # it may also wait for the rest, until its patience of 15 s is over
            assert not sock.recv(65536).startswith(b"HTTP/1.1 200")
        except (TimeoutError, ConnectionError):
            pass
        assert home.rest("GET", "/healthz", key=None).status_code == 200
