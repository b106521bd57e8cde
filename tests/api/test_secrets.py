# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets stay where they belong: not in a log, not in a command line, not readable by others."""

import asyncio
import sqlite3
import stat
from pathlib import Path

import psutil
import pytest
from api.conftest import assert_error
from harness import tokens
from harness.otter_client import OtterError, Participant
from harness.otter_home import token_of


def secrets_of(home):
    """Every secret of a deployment: {what: text}."""
    folder = Path(home.home, "secrets")
    found = {file.name: file.read_text(encoding="utf-8").strip() for file in folder.iterdir()}
    assert found.keys() == {"api.key", "admin.secret", "janus_token.secret", "signing.secret"}
    found["api.key, its secret part"] = found["api.key"].split("_")[2]
    found["derived signing key"] = tokens.signer(home).key.hex()
    store = sqlite3.connect(f"file:{home.home}/data/turn.db?mode=ro", uri=True)
    for number, (value,) in enumerate(store.execute("SELECT value FROM turn_secret")):
        found[f"TURN secret {number}"] = value
    store.close()
    assert "TURN secret 0" in found and all(len(value) >= 32 for value in found.values())
    return found


def busy_day(home):
    """A bit of everything, granted and refused; returns the credentials that were used: {what: text}."""
    room = home.rest("POST", "/v1/rooms", json={"host_url": True, "unique_name": "a-busy-day"}).json()
    token, host = token_of(room["url"]), token_of(room["host_url"])
    late, forged = tokens.mint(home, room, ttl=-1), tokens.bit_flipped(token)
    access = home.rest("POST", "/v1/connect", token=token).json()
    for each in (token, host, late, forged):
        home.rest("GET", "/v1/credentials", token=each)
        home.rest("POST", f"/v1/connect?token={each}", key=None)
        home.rest("GET", f"/room/{room['id']}?token={each}", key=None)
        home.rest("GET", f"/otter-meet/{room['id']}?token={each}", key=None)
        home.rest("GET", f"/v1/nothing/{each}?token={each}", key=None)
    home.rest("POST", "/v1/rooms", json={"unique_name": token, "colour": home.key})
    home.rest("POST", "/v1/rooms", data="{" + home.key, headers={"Content-Type": "application/json"})
    home.rest("GET", f"/v1/rooms/{home.key}", key=home.key[:-1] + "_")
    person = asyncio.run(signal_something(home, room, [token, late, forged, host]))
    key = home.rest("POST", "/v1/keys", json={"name": "busy", "scopes": ["metrics:read"]}).json()
    rotated = home.rest("POST", f"/v1/keys/{key['id']}/rotate").json()
    minted = home.rest("POST", f"/v1/rooms/{room['id']}/tokens", json={"identity": "ann"}).json()
    for each in (key["key"], rotated["key"]):
        assert home.rest("GET", "/metrics", key=each).status_code == 200
        home.rest("GET", "/v1/rooms", key=each)
    home.rest("DELETE", f"/v1/rooms/{room['id']}/tokens/{minted['jti']}?inside=out")
    home.rest("POST", "/v1/connect", token=minted["token"])
    home.rest("POST", "/v1/signing-keys/rotate")
    home.rest("DELETE", f"/v1/rooms/{room['id']}")
    return {"key": key["key"], "its secret part": key["key"].split("_")[2], "rotated key": rotated["key"],
            "its secret part, rotated": rotated["key"].split("_")[2], "minted token": minted["token"],
            "signing key of now": tokens.signer(home).key.hex(), "link": token, "host link": host, "expired token": late, "forged token": forged, "seat": person.seat,
            "janus_token": access["janus_token"], "its signature": access["janus_token"].rpartition(":")[2],
            "TURN credential": access["ice_servers"][1]["credential"],
            "its SDP": "v=0 this-is-a-private-description"}


async def signal_something(home, room, all_tokens):
    person = Participant(home.api, all_tokens[0], room["id"])
    await person.connect()
    for token in reversed(all_tokens):
        try:
            await person.join(token=token)
            await person.leave()
        except OtterError:
            pass
    await person.join(token=all_tokens[0])
    try:
        await person.signal("pt_nobody", description={"type": "offer", "sdp": "v=0 this-is-a-private-description"})
    except OtterError:
        pass
    await person.close()
    return person


def test_no_secret_and_no_token_is_in_a_log_a_metric_or_a_command_line(fresh_home):
    hidden = {**secrets_of(fresh_home), **busy_day(fresh_home)}
    logs = {file.name: file.read_text(encoding="utf-8", errors="replace")
            for file in Path(fresh_home.home, "log").iterdir()}
    assert {"janus.log", "turn.log"} <= logs.keys() and all(logs.values())
    for name, pid in fresh_home.info["pids"].items():
        logs[f"command line of {name}"] = " ".join(psutil.Process(pid).cmdline())
        logs[f"environment of {name}"] = " ".join(psutil.Process(pid).environ().values())
        logs[f"threads of {name}"] = " ".join(path.read_text(encoding="utf-8") for path in Path(f"/proc/{pid}/task").glob("*/comm"))
    for path in ("/metrics", "/v1/keys", "/v1/signing-keys", "/v1/issuers", "/v1/rooms", "/v1/config"):
        logs[path] = fresh_home.rest("GET", path).text
    found = [f"{what} is in {where}" for where, text in logs.items() for what, secret in hidden.items() if secret in text]
    assert found == []
    bodies = [where for where, text in logs.items() if "." + hidden["link"].split(".")[1] in text]
    assert bodies == [], "not even the claims of a token"


def test_the_home_is_its_users_alone(fresh_home):
    busy_day(fresh_home)
    home = Path(fresh_home.home)
    open_to_others = {str(path.relative_to(home)): oct(stat.S_IMODE(path.lstat().st_mode))
                      for path in [home, *home.rglob("*")]
                      if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) & 0o077}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for path in Path(home, "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert open_to_others == {}


def test_the_store_has_no_key_in_clear_and_no_token(fresh_home):
    hidden = {**secrets_of(fresh_home), **busy_day(fresh_home)}
    for file in Path(fresh_home.home, "data").glob("otter.db*"):
        content = file.read_bytes()
        assert [what for what, secret in hidden.items() if secret.encode() in content] == []
        assert tokens.signer(fresh_home).key not in content


@pytest.mark.parametrize("method, path", [("POST", "/v1/rooms"), ("GET", "/v1/rooms/rm_a"), ("POST", "/v1/connect")])
def test_an_error_does_not_repeat_the_credential(home, method, path):
    wrong = home.key[:-1] + "_"
    answer = home.rest(method, path, key=wrong)
    assert answer.status_code == 401
    assert wrong[:20] not in answer.text and wrong not in str(answer.headers)


def test_what_is_repeated_of_a_request_in_an_error_is_harmless(home):
    answer = home.rest("POST", "/v1/rooms", json={"<script>alert(1)</script>": 1})
    assert_error(answer, 400, "invalid_request", "<script>alert(1)</script>")
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", ["x" * 5000, "ü" * 5000, "a" + "ü" * 5000, "🦦" * 20, "a" + "🦦" * 20],
                         ids=["1 byte", "2 bytes", "2 bytes, odd", "4 bytes", "4 bytes, odd"])
def test_a_long_name_is_repeated_in_part_and_whole_characters(home, name):
    answer = home.rest("POST", "/v1/rooms", json={name: 1})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert len(answer.content) < 1000
    field = answer.json()["details"]["field"]
    assert field and name.startswith(field)
