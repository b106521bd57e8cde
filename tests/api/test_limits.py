# SPDX-License-Identifier: GPL-3.0-or-later
"""How much one client may take: time, connections, guesses, depth; and who counts as one client."""

import time
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone

import pytest
from api.conftest import assert_error
from harness import tokens
from harness.otter_home import OtterHome
from harness.raw_http import connect, read_to_end, statuses
from harness.wait import NotYet, wait_until

REQUEST_S = 2
LATE_S = REQUEST_S + 3  # the clock looks once a second, and the machine may be busy
PER_ADDRESS, IN_ALL = 12, 20
FAILURES, WINDOW_S = 10, 1800

SETTINGS = {
    "general": {"trusted_proxies": ["127.0.0.2", "10.0.0.0/8"]},
    "limits": {"request_seconds": REQUEST_S, "connections_per_address": PER_ADDRESS, "connections": IN_ALL},
}
HEAD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
GOOD = HEAD + b"\r\n"


@pytest.fixture(scope="module")
def tight_home():
    """An Otter with little patience and room for few."""
    with OtterHome(settings=SETTINGS) as running:
        yield running


@pytest.fixture
def tight(tight_home):
    wait_until(lambda: serves(tight_home), 10, "the connections of the test before have ended")
    yield tight_home
    tight_home.assert_alive()
    tight_home.check_logs()


def from_address(home, address):
    """A socket whose own address is one of 127.0.0.0/8."""
    return connect(home, source=address)


def serves(home, address="127.0.0.1"):
    """Whether a new connection from there is served: otherwise it is closed without a word."""
    with from_address(home, address) as sock:
        try:
            sock.sendall(HEAD + b"Connection: close\r\n\r\n")
        except ConnectionError:
            return False
        return statuses(read_to_end(sock)) == [200]


# Time

def drip(socks, parts):
    """Send each its part again and again until the server has ended all; returns the seconds that each was open."""
    began = time.monotonic()
    lasted = {}

    def has_ended(sock, part):
        try:
            sock.sendall(part)
            sock.settimeout(0.02)
            return sock.recv(65536) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True

    def all_have():
        for case in socks.keys() - lasted.keys():
            if has_ended(socks[case], parts[case]):
                lasted[case] = time.monotonic() - began
        return lasted.keys() == socks.keys() or NotYet(socks.keys() - lasted.keys())
    wait_until(all_have, 3 * LATE_S, "the server ends the connections")
    return lasted


DRIPS = {
    "nothing": (b"", b""),
    "a request line": (b"", b"G"),
    "empty lines": (b"", b"\r\n"),
    "a header": (HEAD + b"X: ", b"y"),
    "headers": (HEAD, b"X: y\r\n"),
    "a body": (b"POST /v1/rooms HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n", b" "),
    "a body that is too large": (b"POST /v1/rooms HTTP/1.1\r\nHost: a\r\nContent-Length: 6000000000\r\n\r\n", b" "),
    "chunks": (b"POST /v1/rooms HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a chunk's size": (b"POST /v1/rooms HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "a trailer": (b"POST /v1/rooms HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
}


def test_a_request_that_trickles_in_holds_its_connection_no_longer_than_the_limit(tight):
    with ExitStack() as stack:
        socks = {case: stack.enter_context(connect(tight)) for case in DRIPS}
        for case, (begin, _) in DRIPS.items():
            socks[case].sendall(begin)
        for case, seconds in drip(socks, {case: part for case, (_, part) in DRIPS.items()}).items():
            assert REQUEST_S - 0.5 < seconds < LATE_S, case


def test_an_answer_that_is_not_read_holds_its_connection_no_longer_than_the_limit(tight):
    """What is asked for again and again is more than all buffers between us hold."""
    with connect(tight, receive_buffer=4096) as sock:
        sock.setblocking(False)
        began = time.monotonic()

        def refused():
            try:
                while True:
                    sock.send(b"GET /sdk/janus.js HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
            except BlockingIOError:
                return NotYet(f"open after {time.monotonic() - began:.1f} s")
            except ConnectionError:
                return True
        wait_until(refused, 3 * LATE_S, "the server ends the connection")
        assert time.monotonic() - began > REQUEST_S - 0.5


def test_a_connection_is_kept_between_requests_and_each_has_the_whole_time(tight):
    with connect(tight) as sock:
        began = time.monotonic()
        sent = 0

        def long_enough():
            nonlocal sent
            sock.sendall(GOOD)
            assert statuses(sock.recv(65536)) == [200]
            sent += 1
            return time.monotonic() - began > 2 * REQUEST_S + 1
        wait_until(long_enough, 10 * LATE_S, "more time than one request has is over")
        assert sent > 5
        assert REQUEST_S - 0.5 < drip({"idle": sock}, {"idle": b""})["idle"] < LATE_S


def test_many_slow_ones_end_and_keep_nobody_out_meanwhile(tight):
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(tight)) for _ in range(PER_ADDRESS - 1)]
        for sock in slow:
            sock.sendall(HEAD)
        assert serves(tight)
        for sock in slow:
            assert read_to_end(sock) == b""


# Connections

def fill(stack, home, address, number):
    """Connections that the server has taken."""
    socks = [stack.enter_context(from_address(home, address)) for _ in range(number)]
    for sock in socks:
        sock.sendall(GOOD)
        assert statuses(sock.recv(65536)) == [200]
    return socks


def test_one_address_has_its_share_of_connections_and_others_are_served(tight):
    with ExitStack() as stack:
        socks = fill(stack, tight, "127.0.0.1", PER_ADDRESS)
        assert not serves(tight)
        assert serves(tight, "127.0.0.3")
        socks[0].close()
        wait_until(lambda: serves(tight), 5, "the place of one that left is free")


def test_all_together_have_their_share(tight):
    with ExitStack() as stack:
        fill(stack, tight, "127.0.0.1", PER_ADDRESS)
        socks = fill(stack, tight, "127.0.0.3", IN_ALL - PER_ADDRESS)
        assert not serves(tight, "127.0.0.4")
        socks[0].close()
        wait_until(lambda: serves(tight, "127.0.0.4"), 5, "the place of one that left is free")


def test_a_trusted_proxy_stands_for_many(tight):
    with ExitStack() as stack:
        fill(stack, tight, "127.0.0.2", PER_ADDRESS + 3)
        assert serves(tight, "127.0.0.2") and serves(tight)


def test_the_admin_socket_is_open_when_all_places_are_taken(tight):
    with ExitStack() as stack:
        fill(stack, tight, "127.0.0.1", PER_ADDRESS)
        fill(stack, tight, "127.0.0.3", IN_ALL - PER_ADDRESS)
        tight.otter("room", "list")


# Guesses

WRONG = "otk_000000000000_" + "0" * 43


@pytest.fixture
def guarded_home(request):
    with OtterHome(settings={"general": {"trusted_proxies": ["127.0.0.0/8"]}}) as running:
        yield running


def through_proxy(client):
    return {"headers": {"X-Forwarded-For": client}}


def assert_told_to_wait(answer):
    assert_error(answer, 429, "rate_limited")
    assert WINDOW_S - 120 < int(answer.headers["Retry-After"]) <= WINDOW_S


def test_who_guesses_is_told_to_wait_and_a_valid_credential_is_served_all_the_same(guarded_home):
    home, guesser = guarded_home, through_proxy("203.0.113.9")
    room = home.create_room()
    forged, late, early = tokens.bit_flipped(room["token"]), tokens.mint(home, room, ttl=-1), tokens.mint(home, room, nbf=4102444800)
    harmless = [("token_expired", late), ("not_yet_valid", early)]
    for _ in range(FAILURES):  # these are no guesses
        assert_error(home.rest("GET", "/v1/rooms", key=None, **guesser), 401, "unauthorized")
        for code, token in harmless:
            assert_error(home.rest("POST", "/v1/connect", token=token, **guesser), 401, code)
    guesses = [("GET", "/v1/rooms", WRONG, "unauthorized"), ("POST", "/v1/connect", forged, "token_invalid"),
               ("GET", "/v1/credentials", "nonsense", "token_invalid")]
    for number in range(FAILURES):
        method, path, credential, code = guesses[number % len(guesses)]
        assert_error(home.rest(method, path, key=credential, **guesser), 401, code)

    for method, path, credential, _ in guesses:
        assert_told_to_wait(home.rest(method, path, key=credential, **guesser))
    assert_told_to_wait(home.rest("GET", f"/v1/room/{room['id']}?token={forged}", key=None, **guesser))
    assert_told_to_wait(home.rest("POST", "/v1/createRoom", key=None,
                                  headers={**guesser["headers"], "Authorization": WRONG}))

    assert home.rest("GET", "/v1/rooms", **guesser).status_code == 200
    assert home.rest("POST", "/v1/connect", token=room["token"], **guesser).status_code == 200
    assert_error(home.rest("GET", "/v1/rooms", key=None, **guesser), 401, "unauthorized")
    for code, token in harmless:
        assert_error(home.rest("POST", "/v1/connect", token=token, **guesser), 401, code)
    assert_error(home.rest("GET", "/v1/rooms", key=WRONG, **through_proxy("203.0.113.10")), 401, "unauthorized")
    home.otter("room", "list")


def test_an_ipv6_network_guesses_as_one_and_what_a_client_writes_itself_is_not_believed(guarded_home):
    def guess(forwarded_for):
        return home.rest("GET", "/v1/rooms", key=WRONG, headers={"X-Forwarded-For": forwarded_for})
    home = guarded_home
    for number in range(FAILURES):
        assert_error(guess(f"2001:db8:0:7::{number:x}"), 401, "unauthorized")
    assert_told_to_wait(guess("2001:db8:0:7:ffff::1"))
    assert_told_to_wait(guess("192.0.2.77, 2001:db8:0:7::1"))  # the left one is the client's own
    assert_error(guess("2001:db8:0:8::1"), 401, "unauthorized")


def test_the_header_of_a_stranger_changes_nothing():
    with OtterHome() as home:
        for number in range(FAILURES):
            answer = home.rest("GET", "/v1/rooms", key=WRONG, headers={"X-Forwarded-For": f"192.0.2.{number}"})
            assert_error(answer, 401, "unauthorized")
        assert_told_to_wait(home.rest("GET", "/v1/rooms", key=WRONG, headers={"X-Forwarded-For": "192.0.2.99"}))


def test_several_forwarding_lines_are_one_list(guarded_home):
    """Of two lines the last is the proxy's: who reads the first believes the client."""
    def guess(home, first):
        with connect(home) as sock:
            sock.sendall(b"GET /v1/rooms HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer x\r\nX-Forwarded-For: "
                         + first.encode() + b"\r\nX-Forwarded-For: 203.0.113.50\r\n\r\n")
            return statuses(read_to_end(sock))
    for number in range(FAILURES):
        assert guess(guarded_home, f"192.0.2.{number}") == [401]
    assert guess(guarded_home, "192.0.2.99") == [429]


# JSON

def nested(levels):
    return '{"metadata":' + '{"a":' * (levels - 2) + "{}" + "}" * (levels - 1)


@pytest.mark.parametrize("body", [nested(33), nested(2000), "[" * 33 + "]" * 33, "[" * 30_000, '{"a":' * 10_000],
                         ids=["objects", "many objects", "arrays", "arrays without end", "objects without end"])
def test_json_that_is_too_deep_is_refused(home, nothing_new, body):
    answer = home.rest("POST", "/v1/rooms", data=body, headers={"Content-Type": "application/json"})
    assert_error(answer, 400, "invalid_request")


def test_json_of_some_depth_is_served(home, nothing_new):
    answer = home.rest("POST", "/v1/rooms", data=nested(32), headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    nothing_new.append(answer.json())


@pytest.mark.parametrize("size, status", [(65536, 201), (65537, 413), (1_000_000, 413)])
def test_a_body_has_at_most_64_kib(home, nothing_new, size, status):
    body = b"{" + b" " * (size - 2) + b"}"
    answer = home.rest("POST", "/v1/rooms", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    if status == 201:
        nothing_new.append(answer.json())
    else:
        assert_error(answer, 413, "too_large")


def test_an_api_key_that_has_expired_is_no_guess_and_hears_why(guarded_home):
    """Its owner has to learn the cause, not that somebody guesses from this address."""
    soon = datetime.now(timezone.utc) + timedelta(seconds=1)
    key = guarded_home.rest("POST", "/v1/keys", {"name": "old", "scopes": ["rooms:read"], "expires_at": soon.isoformat()}).json()["key"]
    headers = {"X-Forwarded-For": "198.51.100.77"}
    wait_until(lambda: guarded_home.rest("GET", "/v1/rooms", key=key, headers=headers).status_code == 401, 5, "the key has expired")
    codes = []
    while "rate_limited" not in codes:
        codes.append(guarded_home.rest("GET", "/v1/rooms", key=WRONG, headers=headers).json()["code"])
        assert len(codes) < 50
    for _ in range(20):
        answer = guarded_home.rest("GET", "/v1/rooms", key=key, headers=headers)
        assert_error(answer, 401, "unauthorized")
        assert "has expired" in answer.json()["message"]


# Rate

def test_a_key_has_so_many_requests_a_second_and_is_told_when_to_go_on():
    with OtterHome(settings={"limits": {"key_requests_per_second": 5}}) as home:
        answers = [home.rest("GET", "/v1/rooms") for _ in range(30)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert answers[0].status_code == 200 and refused
        for answer in refused:
            assert_error(answer, 429, "rate_limited")
            assert answer.headers["Retry-After"] == "1"
        wait_until(lambda: home.rest("GET", "/v1/rooms").status_code == 200, 5, "a second later it is served again")
