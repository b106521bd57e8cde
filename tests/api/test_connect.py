# SPDX-License-Identifier: GPL-3.0-or-later
"""POST /v1/connect and GET /v1/credentials: the way in, and TURN credentials that really work."""

import asyncio
import re
import time

import pytest
from api.conftest import assert_error
from harness import stun, tokens
from harness.otter_client import Connection, JanusError, Participant
from signaling.shapes import TIME, check

JANUS_TOKEN = re.compile(r"\d+,janus,janus\.plugin\.otter:[A-Za-z0-9+/=]+")
TOKEN_TTL_S, SEAT_TTL_S = 300, 3600
CLOCK_S = 5
ROUTES = [("POST", "/v1/connect"), ("GET", "/v1/credentials")]


def turn_port(home):
    return home.info["ports"]["turn"]


def assert_ice_servers(home, servers, username):
    where = f"127.0.0.1:{turn_port(home)}"
    plain, relay = servers
    assert plain == {"urls": [f"stun:{where}"]}
    check(relay, {"urls": [str], "username": username, "credential": re.compile(r"[A-Za-z0-9+/]{27}=")})
    assert relay["urls"] == [f"turn:{where}?transport=udp", f"turn:{where}?transport=tcp"]


def assert_ttl(answer, ttl):
    assert answer["ttl"] == ttl
    check(answer["expires_at"], TIME)
    name_expiry = int(answer["ice_servers"][-1]["username"].partition(":")[0])
    assert abs(name_expiry - (time.time() + ttl)) < CLOCK_S


def users_of(answers):
    return [answer["ice_servers"][-1]["username"].partition(":")[2] for answer in answers]


def ask(home, method, path, token):
    answer = home.rest(method, path, token=token)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def seated(home):
    """seated(room) -> Participant who has joined and whose socket is gone again; its seat is away."""
    def sit_down(room, token=None, **fields):
        async def join():
            person = Participant(home.api, token or room["token"], room["id"])
            await person.connect()
            await person.join(**fields)
            await person.close()
            return person
        return asyncio.run(join())
    return sit_down


# The answers

def test_a_join_token_is_told_where_signaling_is_and_given_what_it_needs(home, room):
    answer = ask(home, "POST", "/v1/connect", room["token"])
    assert answer.keys() == {"room", "plugin", "signaling", "janus_token", "janus_token_ttl", "ice_servers", "ttl", "expires_at"}
    assert (answer["room"], answer["plugin"]) == (room["id"], "janus.plugin.otter")
    assert answer["signaling"] == [{"url": home.info["signaling"], "protocol": "janus-protocol"}]
    check(answer["janus_token"], JANUS_TOKEN)
    assert answer["janus_token_ttl"] == 86400
    assert_ice_servers(home, answer["ice_servers"], re.compile(r"\d+:j[0-9a-f]{16}-\d+"))
    assert_ttl(answer, TOKEN_TTL_S)


def test_credentials_alone_are_the_same_without_the_way_in(home, room):
    answer = ask(home, "GET", "/v1/credentials", room["token"])
    assert answer.keys() == {"ice_servers", "ttl", "expires_at"}
    assert_ice_servers(home, answer["ice_servers"], re.compile(r"\d+:j[0-9a-f]{16}-\d+"))
    assert_ttl(answer, TOKEN_TTL_S)


@pytest.mark.parametrize("method, path", ROUTES)
def test_a_seat_gets_credentials_for_an_hour_in_its_own_name(home, seated, method, path):
    person = seated(home.create_room())
    answer = ask(home, method, path, person.seat)
    assert users_of([answer]) == [person.me["participant"]]
    assert_ice_servers(home, answer["ice_servers"], re.compile(r"\d+:pt_[A-Za-z0-9]+"))
    assert_ttl(answer, SEAT_TTL_S)


def test_the_names_of_a_link_are_bounded_so_that_a_quota_holds(home):
    room = home.create_room(max_participants=2)
    names = {name for name in users_of(ask(home, "GET", "/v1/credentials", room["token"]) for _ in range(40))}
    assert len(names) == 4 * 2
    assert len({name.partition("-")[0] for name in names}) == 1, "one link, one hash"
    assert {int(name.partition("-")[2]) for name in names} == set(range(8))
    again = ask(home, "GET", "/v1/credentials", home.create_room(max_participants=2)["token"])
    assert users_of([again])[0].partition("-")[0] != names.pop().partition("-")[0], "another link, another hash"


def test_a_relay_room_offers_no_stun(home):
    room = home.create_room(privacy="relay")
    servers = ask(home, "POST", "/v1/connect", room["token"])["ice_servers"]
    assert [list(server) for server in servers] == [["urls", "username", "credential"]]


def test_connect_never_looks_at_the_capacity(home, seated):
    room = home.create_room(max_participants=2)
    for _ in range(2):
        seated(room)
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["status"] == "full"
    ask(home, "POST", "/v1/connect", room["token"])


def test_connect_changes_nothing(home, room):
    for _ in range(10):
        ask(home, "POST", "/v1/connect", room["token"])
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json() == {
        key: value for key, value in room.items() if key not in ("url", "token")}


def test_the_answer_is_stored_by_nobody_and_read_by_no_other_page(home, room):
    for method, path in ROUTES:
        answer = home.rest(method, path, token=room["token"], headers={"Origin": "https://elsewhere.example"})
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in answer.headers


# Whom it refuses

@pytest.mark.parametrize("method, path", ROUTES)
@pytest.mark.parametrize("forgery", tokens.FORGERIES)
def test_a_forged_token_is_token_invalid(home, room, method, path, forgery):
    token = tokens.FORGERIES[forgery](home, room)
    assert_error(home.rest(method, path, token=token), 401, "token_invalid")


def test_every_algorithm_with_every_kid_and_every_claim_has_its_own_answer(home, room):
    wrong, n = [], 0
    for what, token, code in tokens.combinations(home, room):
        answer = home.rest("GET", "/v1/credentials", token=token)
        n += 1
        if (answer.status_code, answer.json().get("code")) != (401 if code else 200, code):
            wrong.append(f"{what}: {answer.status_code} {answer.text}")
    assert (wrong, n) == ([], len(tokens.ALGORITHMS) * len(tokens.KIDS) * len(tokens.CLAIMS))
    home.assert_alive()


@pytest.mark.parametrize("method, path", ROUTES)
@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": "Bearer "},
                                     {"Authorization": "Basic dGVh"}],
                         ids=["none", "empty", "empty after the scheme", "Basic"])
def test_without_a_token_it_is_unauthorized(home, room, method, path, headers):
    assert_error(home.rest(method, path, key=None, headers=headers), 401, "unauthorized")


def test_connect_takes_no_token_from_the_query(home, room):
    """Otter's own GET /v1/credentials did, and still does: tests/api/test_otters_own_routes.py."""
    assert_error(home.rest("POST", f"/v1/connect?token={room['token']}", key=None), 401, "unauthorized")


@pytest.mark.parametrize("method, path", ROUTES)
def test_an_api_key_is_no_token(home, method, path):
    assert_error(home.rest(method, path), 401, "token_invalid")


@pytest.mark.parametrize("method, path", ROUTES)
def test_a_token_before_and_after_its_time(home, room, method, path):
    late, early = tokens.mint(home, room, ttl=-1), tokens.mint(home, room, not_before=60)
    assert_error(home.rest(method, path, token=late), 401, "token_expired")
    assert_error(home.rest(method, path, token=tokens.bit_flipped(late)), 401, "token_invalid")
    assert_error(home.rest(method, path, token=tokens.mint(home, room, ttl=0)), 401, "token_expired")
    assert_error(home.rest(method, path, token=early), 401, "not_yet_valid")
    ask(home, method, path, tokens.mint(home, room, ttl=5, not_before=0))


@pytest.mark.parametrize("method, path", ROUTES)
def test_a_seat_that_never_was_and_one_of_another_room_are_gone(home, seated, method, path):
    room = home.create_room()
    never = tokens.mint_seat(home, room, "pt_" + "0" * 20)
    assert_error(home.rest(method, path, token=never), 409, "seat_gone")
    person = seated(home.create_room())
    moved = tokens.mint_seat(home, room, person.me["participant"])
    assert_error(home.rest(method, path, token=moved), 409, "seat_gone")
    assert_error(home.rest(method, path, token=tokens.bit_flipped(person.seat)), 401, "token_invalid")
    nobodys = tokens.mint_seat(home, room, None)
    assert_error(home.rest(method, path, token=nobodys), 401, "token_invalid")


@pytest.mark.parametrize("method, path", ROUTES)
def test_a_token_of_a_closed_room_and_of_one_that_never_was(home, seated, method, path):
    closed = home.create_room()
    person = seated(closed)
    home.rest("DELETE", f"/v1/rooms/{closed['id']}")
    for token in (closed["token"], person.seat):
        assert_error(home.rest(method, path, token=token), 410, "room_closed")
    assert_error(home.rest(method, path, token=tokens.mint(home, "rm_doesnotexist")), 404, "room_not_found")


def test_twelve_megabytes_of_token_end_at_the_door(home):
    try:
        assert 400 <= home.rest("POST", "/v1/connect", token="A" * 12_000_000, described=False).status_code < 500
    except OSError:
        pass  # the connection was closed on us
    assert home.rest("GET", "/healthz", key=None).status_code == 200
    home.assert_alive()


# TURN, for real

@pytest.mark.parametrize("method, path", ROUTES)
def test_the_turn_credential_allocates_and_a_wrong_one_does_not(home, room, method, path):
    server = ask(home, method, path, room["token"])["ice_servers"][1]
    address = ("127.0.0.1", turn_port(home))
    assert stun.allocate(address, server["username"], server["credential"]) > 0
    expiry, name = server["username"].split(":")
    for username, credential in ((server["username"], "wrong"), (f"{expiry}:another", server["credential"]),
                                 (f"{int(expiry) + 3600}:{name}", server["credential"])):
        with pytest.raises(stun.Refused) as refused:
            stun.allocate(address, username, credential)
        assert refused.value.code == 401


def test_a_seats_turn_credential_allocates(home, seated):
    person = seated(home.create_room())
    for answer in (person.joined, ask(home, "GET", "/v1/credentials", person.seat)):
        server = answer["ice_servers"][1]
        assert stun.allocate(("127.0.0.1", turn_port(home)), server["username"], server["credential"]) > 0


# Janus, for real

def test_the_janus_token_opens_a_session_with_our_plugin_and_nothing_does_so_without(home, room):
    access = ask(home, "POST", "/v1/connect", room["token"])

    async def knock(janus_token):
        connection = await Connection.open(access["signaling"][0]["url"], janus_token)
        try:
            await connection.create()
            return await connection.attach()
        finally:
            await connection.close()

    assert asyncio.run(knock(access["janus_token"])) > 0
    expiry, rest = access["janus_token"].split(",", 1)
    for wrong in (None, "", "tea", room["token"], f"{int(expiry) + 3600},{rest}", access["janus_token"][:-4] + "AAA="):
        with pytest.raises(JanusError) as refused:
            asyncio.run(knock(wrong))
        assert refused.value.code == 403, wrong


def test_janus_has_no_plugin_but_ours(home, room):
    access = ask(home, "POST", "/v1/connect", room["token"])

    async def attach_echotest():
        connection = await Connection.open(access["signaling"][0]["url"], access["janus_token"])
        try:
            await connection.create()
            info = await connection.janus("info")
            with pytest.raises(JanusError):
                await connection.janus("attach", session_id=connection.session, plugin="janus.plugin.echotest")
            return info
        finally:
            await connection.close()

    assert list(asyncio.run(attach_echotest())["plugins"]) == ["janus.plugin.otter"]
