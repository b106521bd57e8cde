# SPDX-License-Identifier: GPL-3.0-or-later
"""REST on a disk that is full, or may not be written: nothing that was answered is lost, reads go on, and it recovers unaided."""

import sqlite3
import tempfile
from pathlib import Path

import pytest
from api.conftest import assert_error, rooms_of
from harness.disk import SmallDisk, as_root, immutable
from harness.otter_home import OtterHome
from harness.wait import wait_until

pytestmark = as_root
LONG = {"metadata": {"filling": "x" * 4000}}


@pytest.fixture
def disk():
    with tempfile.TemporaryDirectory(prefix="otter-") as folder:
        small = SmallDisk(Path(folder, "disk"))
        yield small
        small.unmount()


def assert_reads_and_tokens_go_on(home, room, token):
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["id"] == room["id"]
    assert room["id"] in [each["id"] for each in home.rest("GET", "/v1/rooms").json()["rooms"]]
    assert home.rest("POST", "/v1/connect", token=token).status_code == 200
    assert home.rest("POST", f"/v1/rooms/{room['id']}/tokens", {}).status_code == 201
    assert home.rest("GET", "/readyz", key=None).status_code == 200, "calls go on, so keep sending people here"


def assert_whole(home, answered):
    """Exactly what was answered is there, but for the sample room that `up` makes."""
    store = sqlite3.connect(f"file:{home.home}/data/otter.db?mode=ro", uri=True)
    assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.close()
    assert rooms_of(home) - answered <= {home.info["room_url"].split("/room/")[1].partition("#")[0]}
    assert answered - rooms_of(home) == set()


def test_a_full_disk_is_storage_full_and_loses_nothing(disk):
    folder = disk.resize("32m")
    with OtterHome(home=folder / "home") as home:
        first = home.create_room(unique_name="kept")
        answered = {first["id"]}
        ballast = disk.fill()
        while (answer := home.rest("POST", "/v1/rooms", LONG)).status_code == 201:  # what its files have left over
            answered.add(answer.json()["id"])
        for method, path, body in [("POST", "/v1/rooms", LONG), ("PATCH", f"/v1/rooms/{first['id']}", LONG), ("DELETE", f"/v1/rooms/{first['id']}", None),
                                   ("POST", "/v1/keys", {"name": "late", "scopes": ["rooms:read"]}), ("POST", "/v1/signing-keys/rotate", None)]:
            assert_error(home.rest(method, path, body), 507, "storage_full")
        assert_reads_and_tokens_go_on(home, first, first["token"])

        ballast.unlink()
        for _ in range(20):
            answered.add(home.create_room(**LONG)["id"])
        assert home.rest("PATCH", f"/v1/rooms/{first['id']}", LONG).status_code == 200
        assert len(home.rest("GET", "/v1/keys").json()["keys"]) == 1, "what was refused is not there"
        home.kill_janus()
        home.up()
        assert_whole(home, answered)


def test_a_disk_that_may_not_be_written_is_unavailable_and_loses_nothing():
    with OtterHome() as home:
        first = home.create_room()
        answered = {first["id"]}
        data = Path(home.home, "data")
        with immutable(data, data / "otter.db", data / "otter.db-wal"):  # not -shm, which is mapped: there it would be SIGBUS, as on no disk
            for _ in range(3):
                answer = home.rest("POST", "/v1/rooms", {})
                error = assert_error(answer, 503, "unavailable")
                assert answer.headers["Retry-After"]
                words = f"{error['request_id']} was answered 503"
                wait_until(lambda words=words: words in home.log_tail(), 5, "the log has what the operator is told to look for")
            assert_error(home.rest("DELETE", f"/v1/rooms/{first['id']}"), 503, "unavailable")
            assert_reads_and_tokens_go_on(home, first, first["token"])
        answered.add(home.create_room()["id"])
        home.kill_janus()
        home.up()
        assert_whole(home, answered)
