# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys and signing keys over REST, and ./otter key."""

import json
import threading
import time

import pytest
import requests
from harness.wait import wait_until

ALL = ["rooms:read", "rooms:write", "tokens:mint", "keys:admin", "metrics:read"]


def make(home, *scopes, **more):
    answer = home.rest("POST", "/v1/keys", {"name": "ci", "scopes": list(scopes or ALL), **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def works(home, key, path="/v1/rooms"):
    return home.rest("GET", path, key=key).status_code


def test_a_key_is_shown_once_and_lists_never_tell_it(home):
    key = make(home, "rooms:read")
    listed = home.rest("GET", "/v1/keys").json()["keys"]
    assert key["key"] not in json.dumps(listed) and "key" not in home.rest("GET", f"/v1/keys/{key['id']}").json()
    assert key["id"] in [each["id"] for each in listed]
    assert (key["uses"], key["last_used_at"], key["overlap_until"], key["expires_at"]) == (0, None, None, None)
    assert works(home, key["key"]) == 200
    used = home.rest("GET", f"/v1/keys/{key['id']}").json()
    assert used["uses"] == 1 and used["last_used_at"]


@pytest.mark.parametrize("scope, method, path, body", [
    ("rooms:read", "GET", "/v1/rooms", None), ("rooms:write", "DELETE", "/v1/rooms/rm_none", None),
    ("tokens:mint", "POST", "/v1/rooms/rm_none/tokens", {}), ("keys:admin", "GET", "/v1/keys", None),
    ("metrics:read", "GET", "/metrics", None)])
def test_a_key_opens_its_scope_and_no_other(home, scope, method, path, body):
    allowed, other = make(home, scope)["key"], make(home, *[each for each in ALL if each != scope])["key"]
    assert home.rest(method, path, body, key=allowed).status_code in (200, 404)
    refused = home.rest(method, path, body, key=other)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("body, field", [
    ({"scopes": ALL}, "name"), ({"name": "x"}, "scopes"), ({"name": "x", "scopes": []}, "scopes"),
    ({"name": "x", "scopes": ["root"]}, "scopes"), ({"name": "x", "scopes": ["rooms:read", "rooms:read"]}, "scopes"),
    ({"name": "x", "scopes": ALL, "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ({"name": "a\u202eb", "scopes": ALL}, "name"), ({"name": "x", "scopes": ALL, "key": "mine"}, "key")])
def test_a_wrong_wish_is_refused_by_name(home, body, field):
    answer = home.rest("POST", "/v1/keys", body)
    assert (answer.status_code, answer.json()["details"]["field"]) == (400, field)


def test_a_rotated_key_keeps_its_id_and_both_secrets_work_until_the_overlap_is_over(home):
    key = make(home, "rooms:read")
    rotated = home.rest("POST", f"/v1/keys/{key['id']}/rotate")
    assert rotated.status_code == 200 and rotated.json()["id"] == key["id"] and rotated.json()["overlap_until"]
    assert works(home, key["key"]) == works(home, rotated.json()["key"]) == 200
    last = home.rest("POST", f"/v1/keys/{key['id']}/rotate", {"overlap_seconds": 0}).json()
    assert works(home, key["key"]) == works(home, rotated.json()["key"]) == 401
    assert works(home, last["key"]) == 200 and last["overlap_until"] is None


def test_an_overlap_ends_by_the_clock(home):
    key = make(home, "rooms:read")
    home.rest("POST", f"/v1/keys/{key['id']}/rotate", {"overlap_seconds": 1})
    wait_until(lambda: works(home, key["key"]) == 401, 10, "the old secret ends after a second")


def test_a_revoked_key_ends_at_once_and_stays_so_over_a_restart(fresh_home):
    gone, kept = make(fresh_home), make(fresh_home)
    assert fresh_home.rest("DELETE", f"/v1/keys/{gone['id']}").status_code == 204
    assert works(fresh_home, gone["key"]) == 401
    assert fresh_home.rest("DELETE", f"/v1/keys/{gone['id']}").status_code == 404
    fresh_home.kill_janus()
    fresh_home.up()
    assert (works(fresh_home, gone["key"]), works(fresh_home, kept["key"])) == (401, 200)


def test_the_last_administrator_is_not_removed_by_accident(fresh_home):
    (only,) = fresh_home.rest("GET", "/v1/keys").json()["keys"]
    refused = fresh_home.rest("DELETE", f"/v1/keys/{only['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    other = make(fresh_home, "rooms:read")
    assert fresh_home.rest("DELETE", f"/v1/keys/{only['id']}").status_code == 409, "the other one may not administer"
    second = make(fresh_home, "keys:admin")
    gone = []
    threads = [threading.Thread(target=lambda key=key: gone.append(fresh_home.rest("DELETE", f"/v1/keys/{key}").status_code))
               for key in (only["id"], second["id"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 204 in gone and len([code for code in gone if code == 204]) == 1, gone
    assert fresh_home.rest("GET", "/v1/keys", key=other["key"]).status_code == 403
    assert fresh_home.otter("key", "list").stdout, "the machine's own way is still there"


def test_changes_of_a_key_can_be_made_on_a_condition(home):
    key = make(home, "rooms:read")
    etag = home.rest("GET", f"/v1/keys/{key['id']}").headers["ETag"]
    works(home, key["key"])
    assert home.rest("GET", f"/v1/keys/{key['id']}").headers["ETag"] == etag, "a use is no setting"
    rotated = home.rest("POST", f"/v1/keys/{key['id']}/rotate", headers={"If-Match": etag})
    assert rotated.status_code == 200 and rotated.headers["ETag"] != etag
    assert home.rest("DELETE", f"/v1/keys/{key['id']}", headers={"If-Match": etag}).status_code == 412
    assert home.rest("DELETE", f"/v1/keys/{key['id']}", headers={"If-Match": rotated.headers["ETag"]}).status_code == 204


def test_a_list_of_keys_has_pages(home):
    made = {make(home, "rooms:read")["id"] for _ in range(5)}
    seen, after = [], None
    while True:
        page = home.rest("GET", "/v1/keys", params={"limit": 2, **({"after": after} if after else {})}).json()
        seen += [key["id"] for key in page["keys"]]
        after = page["next"]
        if after is None:
            break
    assert made <= set(seen) and len(seen) == len(set(seen))


def test_the_command_makes_lists_rotates_and_revokes(home):
    key = json.loads(home.otter("key", "create", "backend", "--json").stdout)
    assert key["scopes"] == ["rooms:read", "rooms:write", "tokens:mint"] and works(home, key["key"]) == 200
    assert key["id"] in home.otter("key", "list").stdout
    new = home.otter("key", "rotate", key["id"], "--overlap", "0").stdout.strip()
    assert (works(home, key["key"]), works(home, new)) == (401, 200)
    home.otter("key", "revoke", key["id"])
    assert works(home, new) == 401


# Signing keys

def test_links_outlive_a_rotation_of_the_signing_key_unless_told_otherwise(fresh_home):
    old = fresh_home.create_room()
    before = fresh_home.rest("GET", "/v1/signing-keys").json()["signing_keys"]
    rotated = fresh_home.rest("POST", "/v1/signing-keys/rotate")
    assert rotated.status_code == 200 and rotated.json()["status"] == "active"
    after = fresh_home.rest("GET", "/v1/signing-keys").json()["signing_keys"]
    assert [each["status"] for each in after] == ["verify-only", "active"] and after[0]["kid"] == before[0]["kid"]
    young = fresh_home.create_room()

    def connects(room):
        answer = fresh_home.rest("POST", "/v1/connect", token=room["token"])
        return answer.json().get("code", answer.status_code)

    fresh_home.kill_janus()
    fresh_home.up()
    assert connects(old) == connects(young) == 200
    fresh_home.rest("POST", "/v1/signing-keys/rotate", {"overlap_seconds": 0})
    assert connects(old) == connects(young) == "token_invalid"
    assert connects(fresh_home.create_room()) == 200


def test_keys_rotate_under_load_without_one_failure(fresh_home, record_testsuite_property):
    """Two hundred requests a second and more, while the key that they show and the key that signs their tokens are rotated."""
    current = [make(fresh_home)]
    failures, done, stop = [], [], threading.Event()

    def backend():
        with requests.Session() as connection:  # as a backend has it: one connection, which lives on
            def ask(path, bearer, status):
                answer = connection.post(fresh_home.info["api"] + path, headers={"Authorization": f"Bearer {bearer}"}, timeout=10)
                done.append(path)
                if answer.status_code != status:
                    failures.append(f"{path}: {answer.text}")
                return answer.json()

            while not stop.is_set():
                room = ask("/rooms", current[0]["key"], 201)
                ask("/connect", room.get("url", "").partition("#token=")[2], 200)

    threads = [threading.Thread(target=backend) for _ in range(4)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for _ in range(7):  # a key has eight secrets at the most
        seen = len(done)
        rotated = fresh_home.rest("POST", f"/v1/keys/{current[0]['id']}/rotate", {"overlap_seconds": 60})
        assert rotated.status_code == 200, rotated.text
        current[0] = rotated.json()
        assert fresh_home.rest("POST", "/v1/signing-keys/rotate").status_code == 200
        wait_until(lambda n=seen: len(done) > n + 200, 30, "requests went on")
    stop.set()
    for thread in threads:
        thread.join()
    record_testsuite_property("rotation_requests_per_second", round(len(done) / (time.monotonic() - began)))
    assert failures == []
