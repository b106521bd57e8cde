# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of REST share: what a refusal looks like, and that it leaves nothing behind."""

import sqlite3

import pytest
from signaling.shapes import check

ERROR = {"code": str, "message": lambda text: isinstance(text, str) and text, "request_id": str}


def rooms_of(home):
    """The ids of all rooms in the store of a home."""
    store = sqlite3.connect(f"file:{home.home}/data/otter.db?mode=ro", uri=True)
    try:
        return {id_ for (id_,) in store.execute("SELECT id FROM room")}
    finally:
        store.close()


def assert_error(answer, status, code, field=None):
    """An error in the one shape that errors have; returns its object."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    check(body, {**ERROR, **({"details": {"field": {field}}} if field else {})})
    assert body["code"] == code, body
    assert body["request_id"] == answer.headers["X-Request-Id"]
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    return body


@pytest.fixture
def nothing_new(home):
    """No room is made while this test runs, but those that it says it made, and nobody sits in them."""
    before = rooms_of(home)
    own = []
    yield own
    assert rooms_of(home) - before == {room["id"] for room in own}
    for room in own:
        assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"] == 0


@pytest.fixture
def room(home, nothing_new):
    """A room of the test's own, the only one that may be new at its end, with nobody in it."""
    made = home.create_room()
    nothing_new.append(made)
    return made
