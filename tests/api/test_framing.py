# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that two readers could take differently, with another one smuggled behind: refused, and nothing behind is served."""

import json
from uuid import uuid4

import pytest
from harness.raw_http import connect, read_to_end, statuses, talk

# Lines of a head, each with its end; the first is the request line. {smuggled} is what hides in the body.
POST, HOST = b"POST /v1/rooms HTTP/1.1\r\n", b"Host: a\r\n"
GET = b"GET /healthz HTTP/1.1\r\n"
CHUNKED, LENGTH = b"Transfer-Encoding: chunked\r\n", b"Content-Length: 4\r\n"
UNCLEAR = {
    "length and chunked": [POST, HOST, LENGTH, CHUNKED],
    "chunked and length": [POST, HOST, CHUNKED, LENGTH],
    "two lengths": [POST, HOST, b"Content-Length: 2\r\n", LENGTH],
    "two equal lengths": [POST, HOST, LENGTH, LENGTH],
    "two lengths in one line": [POST, HOST, b"Content-Length: 4, 4\r\n"],
    "a signed length": [POST, HOST, b"Content-Length: +4\r\n"],
    "a length in hexadecimal": [POST, HOST, b"Content-Length: 0x4\r\n"],
    "chunked twice": [POST, HOST, CHUNKED, CHUNKED],
    "chunked and more": [POST, HOST, b"Transfer-Encoding: gzip, chunked\r\n"],
    "another encoding": [POST, HOST, b"Transfer-Encoding: identity\r\n"],
    "an encoding that is none": [POST, HOST, b"Transfer-Encoding: xchunked\r\n"],
    "an empty encoding": [POST, HOST, b"Transfer-Encoding:\r\n"],
    "chunked in HTTP/1.0": [b"POST /v1/rooms HTTP/1.0\r\n", HOST, CHUNKED],
    "LF after the request line": [b"POST /v1/rooms HTTP/1.1\n", HOST, LENGTH],
    "LF after a header": [POST, b"Host: a\n", LENGTH],
    "LF after the last header": [POST, HOST, b"Content-Length: 4\n"],
    "LF that hides a length": [POST, HOST, b"X: y\n", LENGTH],
    "LF for the empty line": [POST, HOST, LENGTH, b"\n"],
    "LF for all": [b"POST /v1/rooms HTTP/1.1\n", b"Host: a\n", b"Content-Length: 4\n", b"\n"],
    "CR in a value": [POST, HOST, b"X: a\rContent-Length: 4\r\n"],
    "a folded value": [POST, HOST, b"X: a\r\n b\r\n", LENGTH],
    "a folded length": [POST, HOST, b"Content-Length:\r\n 4\r\n"],
    "a header that is folded into a value": [POST, HOST, b"X: a\r\n Content-Length: 4\r\n"],
    "a folded last line": [POST, HOST, LENGTH, b"X: a\r\n\tb\r\n"],
    "a blank before the colon of Host": [POST, b"Host : a\r\n", LENGTH],
    "a blank before the colon of a length": [POST, HOST, b"Content-Length : 4\r\n"],
    "a tab before the colon of a length": [POST, HOST, b"Content-Length\t: 4\r\n"],
    "a header without a colon": [POST, HOST, b"Content-Length 4\r\n"],
    "a header without a name": [POST, HOST, b": 4\r\n"],
    "no Host": [POST, LENGTH],
    "two Hosts": [POST, HOST, HOST, LENGTH],
    "two Hosts that differ": [POST, HOST, b"host: b\r\n", LENGTH],
    "NUL in a value": [POST, HOST, b"X: a\0b\r\n", LENGTH],
    "NUL before a header": [POST, HOST, b"\0Content-Length: 4\r\n"],
    "a control character in a value": [POST, HOST, b"X: a\x01\r\n", LENGTH],
    "DEL in a value": [POST, HOST, b"X: a\x7f\r\n", LENGTH],
    "a vertical tab before chunked": [POST, HOST, b"Transfer-Encoding: \x0bchunked\r\n"],
    "NUL in the target": [b"POST /v1/rooms\0/x HTTP/1.1\r\n", HOST, LENGTH],
    "a control character in the target": [b"POST /v1/rooms\x01 HTTP/1.1\r\n", HOST, LENGTH],
    "CR in the query": [b"POST /v1/rooms?a\rb HTTP/1.1\r\n", HOST, LENGTH],
    "a control character in a value of the query": [b"POST /v1/rooms?a=b&c=\x01 HTTP/1.1\r\n", HOST, LENGTH],
    "a blank in the target": [b"POST /v1/rooms /x HTTP/1.1\r\n", HOST, LENGTH],
    "two blanks in the request line": [b"POST  /v1/rooms HTTP/1.1\r\n", HOST, LENGTH],
}
# libmicrohttpd 0.9.75 refuses these before we are asked, and sends the head of its answer twice.
REFUSED_BY_THE_LIBRARY = {"two lengths in one line", "a signed length", "a length in hexadecimal"}
WITHOUT_END = {"LF for the empty line", "LF for all"}


def room_request(home, name):
    """A request that makes a room of that name."""
    body = json.dumps({"unique_name": name}).encode()
    return (POST + HOST + b"Authorization: Bearer " + home.key.encode() + b"\r\nContent-Type: application/json\r\n"
            + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def unclear_request(home, case):
    first, *rest = UNCLEAR[case]
    more = b"Authorization: Bearer " + home.key.encode() + b"\r\nContent-Type: application/json\r\n"
    return first + more + b"".join(rest) + (b"" if case in WITHOUT_END else b"\r\n")


@pytest.mark.parametrize("case", UNCLEAR)
@pytest.mark.parametrize("body", [b"0\r\n\r\n", b"{}  ", b""])
def test_an_unclear_request_is_refused_and_what_is_smuggled_behind_it_is_never_served(home, nothing_new, case, body):
    name = f"smuggled-{uuid4()}"
    answers = talk(home, unclear_request(home, case) + body + room_request(home, name))
    if case in REFUSED_BY_THE_LIBRARY:
        assert set(statuses(answers)) == {400}, answers
    else:
        assert statuses(answers) == [400], answers
    assert home.rest("GET", f"/v1/rooms/{name}").status_code == 404


UNSEEN_ENDS = {"LF colon any LF": b"\n:x\n", "LF colon CR LF": b"\n:\r\n", "CR LF colon LF": b"\r\n:\n", "NUL LF": b"\r\n\0\n"}


@pytest.mark.parametrize("end", UNSEEN_ENDS)
@pytest.mark.parametrize("key", [True, False])
def test_behind_a_head_whose_end_may_be_none_nothing_is_served(home, nothing_new, end, key):
    """libmicrohttpd takes these for the empty line, and what a proxy sees as more headers for the body."""
    name = f"smuggled-{uuid4()}"
    more = b"Z: aaaa"
    lines = [b"Content-Type: application/json\r\n", *([b"Authorization: Bearer " + home.key.encode() + b"\r\n"] if key else [])]
    head = POST + HOST + b"".join(lines) + b"Content-Length: %d\r\nX: y" % len(more) + UNSEEN_ENDS[end]
    assert statuses(talk(home, head + more + room_request(home, name))) in ([400], [401])
    assert home.rest("GET", f"/v1/rooms/{name}").status_code == 404
    for next_header in (b"Z: /v1/config HTTP/1.1\r\n", b"Z:/v1/config /v1/config HTTP/1.1\r\n"):
        answers = talk(home, GET + HOST + b"X: y" + UNSEEN_ENDS[end] + next_header + HOST + b"\r\n" + room_request(home, name))
        assert statuses(answers) == [200, 400], answers
    assert home.rest("GET", f"/v1/rooms/{name}").status_code == 404


@pytest.mark.parametrize("path", ["/v1/rooms", "/v1/connect", "/healthz", "/v1/nothing", "/"])
@pytest.mark.parametrize("body", [b"4\r\n\r\n{}  ", b"5\r\n\r\nZ: aa", b"2\r\n\r\n[]"])
def test_behind_a_body_nothing_is_read_unless_it_was_read_as_json(home, nothing_new, path, body):
    head = b"POST " + path.encode() + b" HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: "
    answers = talk(home, head + body + GET + HOST + b"\r\n")
    assert len(statuses(answers)) == 1 and b"\r\nConnection: close\r\n" in answers


def test_behind_json_the_next_request_is_served(home, nothing_new):
    one = POST + HOST + b"Authorization: Bearer " + home.key.encode() + b"\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
    last = GET + HOST + b"Connection: close\r\n\r\n"
    assert statuses(talk(home, one + b'{"privacy":"x"}' + one + b'{"privacy":"y"}' + last)) == [400, 400, 200]


def test_what_would_have_been_smuggled_is_served_when_it_comes_by_itself(home, nothing_new):
    """Otherwise the test above could not fail."""
    name = f"plain-{uuid4()}"
    one, two = room_request(home, name), b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert statuses(talk(home, one + two)) == [201, 200]
    nothing_new.append(home.rest("GET", f"/v1/rooms/{name}").json())


@pytest.mark.parametrize("case", ["length and chunked", "LF after a header", "another encoding", "two Hosts"])
def test_a_refused_connection_is_closed_though_its_sender_holds_it_open(home, case):
    with connect(home) as sock:
        sock.sendall(unclear_request(home, case))
        answers = read_to_end(sock)
    assert statuses(answers) == [400] and b"\r\nConnection: close\r\n" in answers, answers


LEGAL = {
    "blanks around values": [GET, b"Host: \t a \t \r\n", b"X:  \t  y \t\r\n"],
    "no blanks": [GET, b"Host:a\r\n", b"X:y\r\n"],
    "lower case": [GET, b"host: a\r\n", b"accept: */*\r\n"],
    "upper case": [GET, b"HOST: a\r\n", b"CONNECTION: CLOSE\r\n"],
    "empty values": [GET, b"Host:\r\n", b"X:\r\n", b"Y: \r\n"],
    "colons and quotes in a value": [GET, HOST, b'X: a:b::"c;d"\r\n'],
    "bytes beyond ASCII in a value": [GET, HOST, "X: café\r\n".encode()],
    "a tab in a value": [GET, HOST, b"X: a\tb\r\n"],
    "empty lines before": [b"\r\n\r\n", GET, HOST],
    "a query": [b"GET /healthz?a=b&c&d= HTTP/1.1\r\n", HOST],
    "an empty query": [b"GET /healthz? HTTP/1.1\r\n", HOST],
    "a query without a name": [b"GET /healthz?=x HTTP/1.1\r\n", HOST],
    "escapes in a query": [b"GET /healthz?a=%00%20+b HTTP/1.1\r\n", HOST],
    "cookies": [GET, HOST, b"Cookie: a=b; c=\"d\"; e\r\n", b"X: y\r\n"],
    "one name often": [GET, HOST, *[b"X-Forwarded-For: 10.0.0.1\r\n"] * 20],
    "a length of nothing": [GET, HOST, b"Content-Length: 0\r\n"],
    "many headers": [GET, HOST, *[b"X-%d: y\r\n" % number for number in range(100)]],
    "a long header": [GET, HOST, b"X: " + b"y" * 20_000 + b"\r\n", b"Y: z\r\n"],
    "long ones": [GET, HOST, *[b"X: " + b"y" * 5000 + b"\r\n"] * 4],
    "HTTP/1.0": [b"GET /healthz HTTP/1.0\r\n"],
}


@pytest.mark.parametrize("case", LEGAL)
def test_what_is_legal_is_served_however_unusual(home, case):
    last = b"" if case == "HTTP/1.0" else b"Connection: close\r\n"
    assert statuses(talk(home, b"".join(LEGAL[case]) + last + b"\r\n")) == [200]


@pytest.mark.parametrize("case", LEGAL)
def test_what_is_legal_is_served_when_it_comes_byte_by_byte(home, case):
    with connect(home) as sock:
        for byte in b"".join(LEGAL[case])[:600]:
            sock.sendall(bytes([byte]))
        sock.sendall(b"".join(LEGAL[case])[600:] + (b"" if case == "HTTP/1.0" else b"Connection: close\r\n") + b"\r\n")
        assert statuses(read_to_end(sock)) == [200]


@pytest.mark.parametrize("chunks", [[b'{"max_participants": 2}'], [b'{"max_', b'participants"', b": 2}"], [bytes([byte]) for byte in b'{"max_participants": 2}']])
def test_a_chunked_body_is_read_and_what_follows_it_is_served(home, nothing_new, chunks):
    head = POST + HOST + b"Authorization: Bearer  " + home.key.encode() + b" \r\nContent-Type: application/json\r\n" + CHUNKED + b"\r\n"
    body = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nX-Trailer: a\r\n\r\n"
    answers = talk(home, head + body + GET + HOST + b"Connection: close\r\n\r\n")
    assert statuses(answers) == [201, 200]
    room = json.loads(answers.split(b"\r\n\r\n")[1].split(b"HTTP/1.1")[0])
    assert room["max_participants"] == 2
    nothing_new.append(room)


def test_requests_in_one_packet_are_answered_one_after_the_other(home):
    one = GET + HOST + b"\r\n"
    last = GET + HOST + b"Connection: close\r\n\r\n"
    assert statuses(talk(home, one * 20 + last)) == [200] * 21


def test_an_unclear_request_after_good_ones_ends_the_connection_there(home):
    good = GET + HOST + b"\r\n"
    assert statuses(talk(home, good * 3 + GET + b"Host: a\n\r\n" + good)) == [200, 200, 200, 400]
