# SPDX-License-Identifier: GPL-3.0-or-later
"""ETag, If-Match and If-None-Match on rooms; how long rooms live; what outlives a crash."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from harness.otter_home import OtterHome
from harness.wait import wait_until


def soon(seconds):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


# Conditions

def test_a_change_can_be_made_on_the_condition_that_nobody_was_faster(home):
    made = home.rest("POST", "/v1/rooms", {})
    path, first = f"/v1/rooms/{made.json()['id']}", made.headers["ETag"]
    assert home.rest("GET", path).headers["ETag"] == first
    changed = home.rest("PATCH", path, {"metadata": {"a": 1}}, headers={"If-Match": first})
    assert changed.status_code == 200 and changed.headers["ETag"] != first
    late = home.rest("PATCH", path, {"metadata": {"b": 1}}, headers={"If-Match": first})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert home.rest("GET", path).json()["metadata"] == {"a": 1}
    assert home.rest("DELETE", path, headers={"If-Match": first}).status_code == 412
    assert home.rest("DELETE", path, headers={"If-Match": f'"none", {changed.headers["ETag"]}'}).status_code == 204


def test_of_many_who_change_on_the_same_condition_one_is_first(home):
    made = home.rest("POST", "/v1/rooms", {})
    path, etag = f"/v1/rooms/{made.json()['id']}", made.headers["ETag"]
    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda n: home.rest("PATCH", path, {"metadata": {"n": n}}, headers={"If-Match": etag}).status_code, range(16)))
    assert sorted(codes) == [200] + [412] * 15


def test_create_can_insist_on_a_new_name(home):
    name = f"once-{time.monotonic_ns()}"
    assert home.rest("POST", "/v1/rooms", {"unique_name": name}, headers={"If-None-Match": "*"}).status_code == 201
    again = home.rest("POST", "/v1/rooms", {"unique_name": name}, headers={"If-None-Match": "*"})
    assert (again.status_code, again.json()["code"]) == (412, "precondition_failed")
    assert home.rest("POST", "/v1/rooms", {"unique_name": name}).status_code == 200


def test_two_hundred_who_create_one_name_at_once_make_one_room(home):
    name = f"crowd-{time.monotonic_ns()}"
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: home.rest("POST", "/v1/rooms", {"unique_name": name}), range(200)))
    assert sorted(answer.status_code for answer in answers) == [200] * 199 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


# Lifetimes

def test_if_match_star_is_any_version_however_many_change_it_at_once(home):
    path = f"/v1/rooms/{home.create_room()['id']}"
    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda n: home.rest("PATCH", path, {"metadata": {"n": n}}, headers={"If-Match": "*"}).status_code, range(64)))
    assert codes == [200] * 64


def test_a_closed_room_is_read_by_its_id_for_a_while_and_then_forgotten():
    with OtterHome(settings={"general": {"closed_retention": 0}}) as home:
        kept, gone = home.create_room(), home.create_room()
        home.rest("DELETE", f"/v1/rooms/{gone['id']}")
        assert home.rest("GET", f"/v1/rooms/{gone['id']}").json()["status"] == "closed"
        home.down()
        home.up()  # forgets at its start, and every minute
        wait_until(lambda: home.rest("GET", f"/v1/rooms/{gone['id']}").status_code == 404, 10, "the closed room is forgotten")
        assert home.rest("GET", f"/v1/rooms/{kept['id']}").status_code == 200


def test_a_name_is_free_as_soon_as_its_room_has_expired(home):
    name = f"short-{time.monotonic_ns()}"
    first = home.create_room(unique_name=name, expires_at=soon(1))
    wait_until(lambda: home.rest("GET", f"/v1/rooms/{first['id']}").json()["status"] == "closed", 10, "it expires")
    second = home.rest("POST", "/v1/rooms", {"unique_name": name})
    assert second.status_code == 201 and second.json()["id"] != first["id"]


# Durability

@pytest.mark.deep
@pytest.mark.timeout(1500)
def test_no_answered_write_is_lost_in_a_hundred_crashes():
    """kill -9 under a stream of writes: whatever was answered is there, and the database is whole."""
    with OtterHome() as home:
        answered, closed = set(), set()
        for cycle in range(100):
            stop = threading.Event()

            def write(stop=stop):
                while not stop.is_set():
                    try:
                        made = home.rest("POST", "/v1/rooms", {}, timeout=5)
                        if made.status_code == 201:
                            answered.add(made.json()["id"])
                            if len(answered) % 3 == 0 and home.rest("DELETE", f"/v1/rooms/{made.json()['id']}", timeout=5).status_code == 204:
                                closed.add(made.json()["id"])
                    except OSError:  # the connection died with the server: not answered
                        return

            threads = [threading.Thread(target=write) for _ in range(4)]
            before = len(answered)
            for thread in threads:
                thread.start()
            wait_until(lambda n=before: len(answered) > n + 10 + cycle % 7, 20, "writes are answered")
            home.kill_janus()
            stop.set()
            for thread in threads:
                thread.join()
            home.up()
        store = sqlite3.connect(f"file:{home.home}/data/otter.db?mode=ro", uri=True)
        rows = dict(store.execute("SELECT id, closed_ms FROM room").fetchall())
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store.close()
        assert answered - rows.keys() == set()
        assert [room for room in closed if rows[room] == 0] == []
