# SPDX-License-Identifier: GPL-3.0-or-later
"""POST /v1/rooms, GET and DELETE /v1/rooms/{id or name}."""

import asyncio
import re
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import jwt
import pytest
from api.conftest import assert_error, rooms_of
from harness import tokens
from harness.otter_client import OtterError, Participant, new_instance
from harness.otter_home import token_of
from harness.wait import wait_until
from signaling.shapes import TIME, R, check

ROOM_ID = re.compile(r"rm_[A-Za-z0-9]{20}")
LINK = re.compile(r"https?://[^/#?]+/room/(rm_[A-Za-z0-9]+)#token=[\w-]+\.[\w-]+\.[\w-]{43}")
FIRST_ANSWER = {**R, "id": ROOM_ID, "url": LINK}
LINK_LIFE_S = 48 * 3600
CLOCK_S = 5  # how far the clocks of two looks may be apart


def new_name():
    return f"tea-{new_instance()}"


def post(home, body, **more):
    return home.rest("POST", "/v1/rooms", json=body, **more)


def get(home, id_or_name):
    return home.rest("GET", f"/v1/rooms/{id_or_name}")


def without_url(room):
    return {key: value for key, value in room.items() if key not in ("url", "token")}


def in_seconds(seconds):
    time_then = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return time_then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# What comes back

def test_a_room_that_nobody_described_has_the_defaults(home):
    answer = post(home, {})
    assert answer.status_code == 201
    room = answer.json()
    check(room, FIRST_ANSWER)
    assert without_url(room) == {
        "id": room["id"], "unique_name": None, "status": "open", "max_participants": 4, "participants": 0,
        "privacy": "direct", "lobby": False, "locked": False, "metadata": {}, "created_at": room["created_at"],
        "updated_at": room["created_at"], "expires_at": None, "empty_timeout": 0}
    assert abs(seconds_of(room["created_at"]) - time.time()) < CLOCK_S


def seconds_of(text):
    check(text, TIME)
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_a_room_can_be_made_without_a_body(home):
    answer = home.rest("POST", "/v1/rooms")
    assert answer.status_code == 201
    check(answer.json(), FIRST_ANSWER)


def test_a_room_has_what_was_asked_for_and_get_tells_it_by_id_and_by_name(home):
    wish = {"unique_name": new_name(), "max_participants": 8, "expires_at": in_seconds(3600), "empty_timeout": 60,
            "privacy": "relay", "metadata": {"topic": "tea", "deep": [1, {"a": None}], "Ünï": "🦦"}}
    room = home.create_room(**wish)
    assert {key: room[key] for key in wish} == wish
    for id_or_name in (room["id"], wish["unique_name"]):
        answer = get(home, id_or_name)
        assert answer.status_code == 200
        check(answer.json(), R)
        assert answer.json() == without_url(room)


def test_null_for_a_field_means_the_same_as_leaving_it_out(home):
    room = home.create_room(unique_name=None, max_participants=None, metadata=None, lobby=None, expires_at=None)
    assert (room["unique_name"], room["max_participants"], room["metadata"]) == (None, 4, {})


def test_a_time_of_another_zone_is_told_in_utc(home):
    room = home.create_room(expires_at="2099-06-01T12:00:00.5+02:00")
    assert room["expires_at"] == "2099-06-01T10:00:00.500Z"


def test_the_answer_is_json_that_nobody_stores(home):
    answer = post(home, {})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r"rq_[A-Za-z0-9]+", answer.headers["X-Request-Id"])
    assert "Access-Control-Allow-Origin" not in answer.headers


# The link

def test_the_link_leads_to_the_room_and_its_token_says_what_it_should(home):
    room = home.create_room()
    assert LINK.fullmatch(room["url"])[1] == room["id"]
    assert room["url"].startswith(home.info["web"] + "/room/")
    header, claims = jwt.get_unverified_header(room["token"]), verified(home, room["token"])
    assert header == {"alg": "HS256", "typ": "JWT", "kid": tokens.signer(home).kid}
    assert re.fullmatch(r"sk_[A-Za-z0-9]+", header["kid"])
    assert claims.keys() == {"iss", "aud", "room", "iat", "exp", "jti"}, "no sub: an invite for many; no role: guest"
    assert (claims["iss"], claims["aud"], claims["room"]) == (tokens.signer(home).iss, "otter:join", room["id"])
    assert type(claims["iat"]) is type(claims["exp"]) is int
    assert claims["exp"] == claims["iat"] + LINK_LIFE_S
    assert abs(claims["iat"] - time.time()) < CLOCK_S
    assert re.fullmatch(r"jt_[A-Za-z0-9]{20}", claims["jti"])


def verified(home, token):
    return jwt.decode(token, tokens.signer(home).key, algorithms=["HS256"], audience="otter:join",
                      options={"require": ["exp", "iat", "iss", "aud"]})


def test_a_host_url_comes_when_asked_for_and_makes_a_host(home):
    answer = post(home, {"host_url": True})
    room = answer.json()
    check(room, {**FIRST_ANSWER, "host_url": LINK})
    assert verified(home, token_of(room["host_url"]))["role"] == "host"
    assert "role" not in verified(home, token_of(room["url"]))
    assert "host_url" not in post(home, {"host_url": False}).json()


def test_get_never_gives_a_link(home):
    room = post(home, {"host_url": True}).json()
    answer = get(home, room["id"])
    assert "url" not in answer.json() and "host_url" not in answer.json()
    assert "eyJ" not in answer.text


# Create or fetch

def test_a_unique_name_makes_the_room_once_and_gives_a_fresh_token_each_time(home):
    name = new_name()
    first = post(home, {"unique_name": name, "max_participants": 3, "metadata": {"a": 1}})
    again = post(home, {"unique_name": name, "max_participants": 8, "metadata": {"a": 2}, "privacy": "relay"})
    assert (first.status_code, again.status_code) == (201, 200)
    check(again.json(), FIRST_ANSWER)
    assert without_url(again.json()) == without_url(first.json()), "nothing changed"
    links = [token_of(answer.json()["url"]) for answer in (first, again)]
    assert verified(home, links[0])["jti"] != verified(home, links[1])["jti"]
    for link in links:
        assert home.rest("POST", "/v1/connect", token=link).status_code == 200


def test_a_body_that_is_wrong_is_refused_also_when_the_room_exists(home):
    name = new_name()
    home.create_room(unique_name=name)
    assert_error(post(home, {"unique_name": name, "max_participants": 9}), 400, "invalid_request", "max_participants")


@pytest.mark.parametrize("name", ["a", "A-z_0.9~", "...", "-", "x" * 64, "rm", "RM_a", "rmx_"])
def test_a_unique_name_of_harmless_characters_is_taken_and_found(home, name):
    answer = post(home, {"unique_name": name})
    assert answer.status_code in (200, 201), answer.text
    assert answer.json()["unique_name"] == name
    assert get(home, name).json()["id"] == answer.json()["id"]
    assert home.rest("DELETE", f"/v1/rooms/{answer.json()['id']}").status_code == 204


@pytest.mark.parametrize("name", ["", "x" * 65, "with space", "umläut", "a/b", "a?b", "a#b", "a%20b", "rm_", "rm_tea",
                                  "a\nb", "🦦", "a+b", "a'b", ".", ".."])  # dots: clients take them out of a path
def test_a_unique_name_of_other_characters_is_refused(home, nothing_new, name):
    assert_error(post(home, {"unique_name": name}), 400, "invalid_request", "unique_name")


def test_names_differ_by_case(home):
    name = new_name()
    assert home.create_room(unique_name=name)["id"] != home.create_room(unique_name=name.upper())["id"]


# What is refused

WRONG = [
    ("max_participants", [1, 9, 0, -1, 2.0, 2.5, "4", True, [], 1e30, 2**63 - 1]),
    ("unique_name", [5, [], {}, True]),
    ("expires_at", ["soon", "", 4102444800, "2099-01-01", "2099-13-01T00:00:00Z", "2020-01-01T00:00:00Z",
                    "2099-01-01T00:00:00", True]),
    ("empty_timeout", [-1, "60", 1.5, 2**40, True]),
    ("privacy", ["secret", "", "DIRECT", 5, True]),
    ("lobby", [1, "true", []]),
    ("metadata", ["tea", [], 5, {"a": "x" * 4097}]),
    ("host_url", [1, "true"]),
    ("colour", ["green", None]),
    ("maxParticipants", [4]),
    ("id", ["rm_mine"]),
    ("locked", [True]),
]


@pytest.mark.parametrize("field, value", [(field, value) for field, values in WRONG for value in values],
                         ids=lambda value: repr(value)[:30])
def test_a_wrong_field_is_refused_and_named(home, nothing_new, field, value):
    assert_error(post(home, {field: value}), 400, "invalid_request", field)


def test_metadata_of_four_kilobytes_passes(home):
    metadata = {"a": "x" * (4096 - len('{"a":""}'))}
    assert home.create_room(metadata=metadata)["metadata"] == metadata


BODIES = {
    "no JSON": b"{tea",
    "half": b'{"unique_name": "a"',
    "two objects": b"{}{}",
    "a name twice": b'{"max_participants": 4, "max_participants": 4}',
    "a name twice inside": b'{"metadata": {"a": 1, "a": 2}}',
    "an array": b"[]",
    "a text": b'"tea"',
    "null": b"null",
    "no UTF-8": b'{"unique_name": "\xff"}',
    "half a surrogate": b'{"metadata": {"a": "\\ud800"}}',
    "NUL in a name": b'{"metadata": {"a\\u0000b": 1}}',
    "NUL in a text": b'{"unique_name": "a\\u0000b"}',
    "an integer beyond 64 bits": b'{"max_participants": 1180591620717411303424}',
    "deep": b'{"metadata": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}}",
    "not a number": b'{"max_participants": NaN}',
    "a comma too many": b'{"max_participants": 4,}',
    "blank": b" ",
}


@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_is_no_json_object_is_refused(home, nothing_new, body):
    answer = home.rest("POST", "/v1/rooms", data=BODIES[body], headers={"Content-Type": "application/json"})
    assert_error(answer, 400, "invalid_request")


@pytest.mark.parametrize("type_", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx",
                                   "application/json-patch+json", "text/json", ""])
def test_a_body_of_another_type_is_refused(home, nothing_new, type_):
    headers = {} if type_ is None else {"Content-Type": type_}
    assert_error(home.rest("POST", "/v1/rooms", data=b"{}", headers=headers), 415, "unsupported_media_type")


@pytest.mark.parametrize("type_", ["application/json", "application/json; charset=utf-8", "Application/JSON",
                                   "application/json;charset=utf-8"])
def test_a_body_of_our_type_is_taken(home, type_):
    assert home.rest("POST", "/v1/rooms", data=b"{}", headers={"Content-Type": type_}).status_code == 201


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_more_than_64_kilobytes_is_too_large(home, nothing_new, chunked):
    body = b'{"metadata": {"a": "' + b"x" * 66_000 + b'"}}'
    answer = home.rest("POST", "/v1/rooms", data=iter([body]) if chunked else body,
                       headers={"Content-Type": "application/json"})
    assert_error(answer, 413, "too_large")


def test_a_body_of_just_64_kilobytes_is_read(home):
    body = b"{}".ljust(64 * 1024)
    answer = home.rest("POST", "/v1/rooms", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201


# The end of a room

def test_a_room_that_is_not_there_is_room_not_found(home, nothing_new):
    for path in ("rm_doesnotexist", "no-such-name", "x" * 65, "a%20b", "%00", "a%2fb"):
        for method in ("GET", "DELETE"):
            assert_error(home.rest(method, f"/v1/rooms/{path}"), 404, "room_not_found")


@pytest.mark.parametrize("by", ["id", "unique_name"])
def test_a_deleted_room_is_closed_and_its_name_is_free(home, by):
    room = home.create_room(unique_name=new_name())
    answer = home.rest("DELETE", f"/v1/rooms/{room[by]}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Type" not in answer.headers
    assert_error(home.rest("POST", "/v1/connect", token=room["token"]), 410, "room_closed")
    assert_error(home.rest("GET", "/v1/credentials", token=room["token"]), 410, "room_closed")
    assert refusal_of_join(home, room) == "room_closed"
    assert_error(get(home, room["unique_name"]), 404, "room_not_found")
    closed = get(home, room["id"]).json()
    check(closed, R)
    assert (closed["status"], closed["participants"]) == ("closed", 0)
    assert closed["updated_at"] > room["updated_at"]
    assert_successor(home, room)


def refusal_of_join(home, room):
    """What a join is told, by somebody whose connection was let in by another room."""
    async def knock():
        person = Participant(home.api, home.create_room()["token"])
        await person.connect()
        try:
            await person.join(room=room["id"], token=room["token"])
        except OtterError as refused:
            return refused.code
        finally:
            await person.close()
    return asyncio.run(knock())


def assert_successor(home, room):
    """The name makes another room, and the old link does not lead there."""
    heir = home.create_room(unique_name=room["unique_name"])
    assert heir["id"] != room["id"]
    assert get(home, room["unique_name"]).json()["id"] == heir["id"]
    assert home.rest("POST", "/v1/connect", token=heir["token"]).json()["room"] == heir["id"]
    assert_error(home.rest("POST", "/v1/connect", token=room["token"]), 410, "room_closed")


def test_to_delete_a_room_again_changes_nothing(home):
    room = home.create_room()
    path = f"/v1/rooms/{room['id']}"
    assert home.rest("DELETE", path).status_code == 204
    closed = get(home, room["id"]).json()
    assert home.rest("DELETE", path).status_code == 204
    assert get(home, room["id"]).json() == closed


def test_a_room_whose_time_has_passed_is_closed_and_its_name_is_free(home):
    room = home.create_room(unique_name=new_name(), expires_at=in_seconds(1))
    assert home.rest("POST", "/v1/connect", token=room["token"]).status_code == 200
    wait_until(lambda: home.rest("POST", "/v1/connect", token=room["token"]).status_code != 200, 5, "it has expired")
    assert_error(home.rest("POST", "/v1/connect", token=room["token"]), 410, "room_closed")
    assert refusal_of_join(home, room) == "room_closed"
    assert get(home, room["id"]).json()["status"] == "closed"
    assert_successor(home, room)


# Keys

def mistyped(key):
    return key[:-1] + ("a" if key[-1] != "a" else "b")


BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def with_checksum(text):
    """A key as it would be written: the checksum tells a typing mistake from a guess."""
    crc, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        crc, digit = divmod(crc, 62)
        digits = BASE62[digit] + digits
    return f"{text}_{digits}"


def test_the_checksum_of_a_key_is_the_one_we_make_here(home):
    assert with_checksum(home.key.rpartition("_")[0]) == home.key


KEYS = {
    "none": lambda home: {},
    "empty": lambda home: {"Authorization": ""},
    "no scheme": lambda home: {"Authorization": home.key},
    "empty after the scheme": lambda home: {"Authorization": "Bearer "},
    "Basic": lambda home: {"Authorization": f"Basic {home.key}"},
    "mistyped": lambda home: {"Authorization": f"Bearer {mistyped(home.key)}"},
    "short": lambda home: {"Authorization": f"Bearer {home.key[:-1]}"},
    "long": lambda home: {"Authorization": f"Bearer {home.key}a"},
    "upper case": lambda home: {"Authorization": f"Bearer {home.key.upper()}"},
    "unknown": lambda home: {"Authorization": "Bearer " + with_checksum("otk_000000000000_" + "0" * 43)},
    "of a known id, guessed": lambda home: {
        "Authorization": "Bearer " + with_checksum("_".join(home.key.split("_")[:2]) + "_" + "0" * 43)},
    "a join token": lambda home: {"Authorization": f"Bearer {token_of(home.info['room_url'])}"},
    "the admin secret": lambda home: {"Authorization": f"Bearer {open(home.info['admin_secret_file']).read().strip()}"},
    "very long": lambda home: {"Authorization": f"Bearer {'x' * 10_000}"},
    "in the query only": lambda home: {},
}


@pytest.mark.parametrize("key", KEYS)
def test_without_a_known_key_no_room_is_made_seen_or_closed(home, room, key):
    query = f"?key={home.key}&token={home.key}" if key == "in the query only" else ""
    headers = KEYS[key](home)
    for method, path in (("POST", "/v1/rooms"), ("GET", f"/v1/rooms/{room['id']}"), ("DELETE", f"/v1/rooms/{room['id']}"),
                         ("GET", "/v1/rooms/rm_doesnotexist")):
        body = {} if method == "POST" else None
        assert_error(home.rest(method, path + query, json=body, key=None, headers=headers), 401, "unauthorized")
    assert get(home, room["id"]).json()["status"] == "open"


def test_without_a_key_one_does_not_learn_whether_a_body_is_right(home, nothing_new):
    assert_error(post(home, {"lobby": 1}, key=None), 401, "unauthorized")
    assert_error(home.rest("POST", "/v1/rooms", data=b"{tea", key=None), 401, "unauthorized")


@pytest.mark.parametrize("name", ["a%20b", "x" * 65])
def test_the_key_is_judged_before_the_name_of_a_room(home, name):
    assert_error(home.rest("GET", f"/v1/rooms/{name}", key=None), 401, "unauthorized")


def test_the_scheme_of_a_key_may_be_written_in_any_case(home):
    for scheme in ("bearer", "BEARER"):
        assert post(home, {}, key=None, headers={"Authorization": f"{scheme} {home.key}"}).status_code == 201


def test_a_hundred_who_ask_for_one_name_at_once_get_one_room(home):
    name = new_name()
    before = rooms_of(home)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(home, {"unique_name": name}), range(100)))
    assert sorted(answer.status_code for answer in answers) == [200] * 99 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.json()["url"] for answer in answers}) == 100
    assert len(rooms_of(home) - before) == 1
