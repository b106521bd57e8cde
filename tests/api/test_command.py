# SPDX-License-Identifier: GPL-3.0-or-later
"""./otter up, down and status, as programs outside use them."""

import json
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from harness.otter_home import CHECKOUT, UP_KEYS

DONE, FAILED, USAGE, PORT_TAKEN = 0, 1, 2, 3
SECOND_UP_S = 5
PATIENCE_S = 100


def otter(*arguments, env=None):
    environment = {name: value for name, value in os.environ.items() if name != "OTTER_HOME"}
    return subprocess.run([str(CHECKOUT / "otter"), *map(str, arguments)], cwd="/", env={**environment, **(env or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


@pytest.fixture
def place():
    """A path for a home; whatever was started there is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="otter-") as folder:
        path = Path(folder, "home")
        yield path
        otter("down", "--home", path)


def one_object(done, code=DONE):
    """The one JSON object on stdout, which has nothing else."""
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout)  # refuses anything behind it


def runs(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_up_prints_one_object_whose_every_address_answers(fresh_home):
    info = fresh_home.info
    assert info.keys() == UP_KEYS
    assert info["up"] is True and info["home"] == str(fresh_home.home)
    assert info["ports"].keys() == {"http", "signaling", "admin", "turn"}
    assert info["pids"].keys() == {"janus", "turn"} and all(runs(pid) for pid in info["pids"].values())
    assert info["api"] == info["web"] + "/v1"
    for name, scheme, port in (("web", "http", "http"), ("signaling", "ws", "signaling"), ("admin", "http", "admin")):
        url = urlsplit(info[name])
        assert (url.scheme, url.hostname, url.port) == (scheme, "127.0.0.1", info["ports"][port])
    assert info["key"] == Path(info["key_file"]).read_text(encoding="utf-8").strip()
    assert info["room_url"].startswith(info["web"] + "/room/rm_") and "#token=" in info["room_url"]
    assert fresh_home.rest("POST", "/v1/rooms").status_code == 201
    assert fresh_home.rest("POST", "/v1/connect", token=info["room_url"].partition("#token=")[2]).status_code == 200
    assert "sessions" in fresh_home.admin({"janus": "list_sessions"})


def test_up_again_restarts_nothing_and_is_quick(fresh_home):
    first = fresh_home.info
    started = {name: psutil.Process(pid).create_time() for name, pid in first["pids"].items()}
    since = time.monotonic()
    again = one_object(otter("up", "--home", fresh_home.home, "--json"))
    assert time.monotonic() - since < SECOND_UP_S
    assert again.keys() == UP_KEYS
    same = UP_KEYS - {"room_url"}  # its token is a fresh one
    assert {key: again[key] for key in same} == {key: first[key] for key in same}
    assert again["room_url"].partition("#")[0] == first["room_url"].partition("#")[0]
    assert started == {name: psutil.Process(pid).create_time() for name, pid in again["pids"].items()}


def test_status_says_the_same_as_up_and_changes_nothing(fresh_home):
    state = one_object(otter("status", "--home", fresh_home.home, "--json"))
    assert state == fresh_home.info
    by_environment = one_object(otter("status", "--json", env={"OTTER_HOME": str(fresh_home.home)}))
    assert by_environment == state
    plain = otter("status", "--home", fresh_home.home)
    assert plain.returncode == DONE and state["room_url"] in plain.stdout


def test_status_of_what_is_not_up_fails_with_the_same_keys_and_makes_no_home(place):
    state = one_object(otter("status", "--home", place, "--json"), FAILED)
    assert state.keys() == UP_KEYS
    assert state["up"] is False and state["pids"] == {"janus": None, "turn": None}
    assert not place.exists()


def test_a_home_keeps_its_ports_key_and_rooms_over_down_and_up(fresh_home):
    first, room = fresh_home.info, fresh_home.create_room(unique_name="kept")
    fresh_home.down()
    state = one_object(otter("status", "--home", fresh_home.home, "--json"), FAILED)
    assert state.keys() == UP_KEYS and state["up"] is False
    assert (state["ports"], state["key"]) == (first["ports"], first["key"])
    again = fresh_home.up()
    assert {key: again[key] for key in ("ports", "key", "api")} == {key: first[key] for key in ("ports", "key", "api")}
    assert fresh_home.rest("GET", "/v1/rooms/kept").json()["id"] == room["id"]
    assert fresh_home.rest("POST", "/v1/connect", token=room["token"]).status_code == 200


def test_two_homes_run_side_by_side_and_down_of_one_leaves_the_other_alone(home, place):
    other = one_object(otter("up", "--home", place, "--port", 0, "--json"))
    mine = home.info
    for what in ("ports", "pids"):
        assert not set(mine[what].values()) & set(other[what].values())
    assert mine["key"] != other["key"]
    assert home.rest("POST", "/v1/rooms", key=other["key"]).status_code == 401, "a key is of one deployment"
    link = other["room_url"].partition("#token=")[2]
    assert home.rest("POST", "/v1/connect", token=link).json()["code"] == "token_invalid", "and so is a link"
    answer = one_object(otter("down", "--home", place, "--json"))
    assert (answer["up"], set(answer["stopped"])) == (False, {"janus", "turn"})
    assert not any(runs(pid) for pid in other["pids"].values())
    assert one_object(otter("status", "--home", home.home, "--json"))["pids"] == mine["pids"]
    assert home.rest("GET", "/healthz", key=None).status_code == 200


def test_down_with_purge_leaves_nothing(place):
    info = one_object(otter("up", "--home", place, "--port", 0, "--json"))
    assert one_object(otter("down", "--home", place, "--purge", "--json"))["purged"] is True
    assert list(place.parent.iterdir()) == []
    assert not any(runs(pid) for pid in info["pids"].values())
    for port in info["ports"].values():
        with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
            sock.connect(("127.0.0.1", port))
    left = [process.pid for process in psutil.process_iter() if str(place) in " ".join(_cmdline(process))]
    assert left == []


def _cmdline(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_down_of_what_is_not_up_is_done_already(place):
    assert one_object(otter("down", "--home", place, "--json"))["stopped"] == []
    assert not place.exists()


@pytest.mark.parametrize("option", ["--port", "--ws-port", "--turn-port"])
def test_a_port_that_is_taken_ends_up_with_three_and_leaves_nothing_running(place, option):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = {"--port": 0, option: port}
        done = otter("up", "--home", place, *[word for pair in ports.items() for word in pair], "--json")
    failure = one_object(done, PORT_TAKEN)
    assert failure["error"]["exit"] == PORT_TAKEN
    assert str(port) in failure["error"]["message"] and option in failure["error"]["message"]
    state = one_object(otter("status", "--home", place, "--json"), FAILED)
    assert state["pids"] == {"janus": None, "turn": None}


@pytest.mark.parametrize("arguments", [
    [], ["dance"], ["up", "--dance"], ["up", "--port", "tea"], ["up", "--port", "70000"], ["up", "--port", "-1"],
    ["up", "--public-url", "ftp://a"], ["up", "tea"], ["down", "--port", "1"], ["test", "nothing"]], ids=" ".join)
def test_wrong_usage_ends_with_two_and_touches_nothing(place, arguments):
    done = otter(*arguments, env={"OTTER_HOME": str(place)})
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert done.stderr.strip()
    assert not place.exists()


def test_a_public_url_with_a_path_is_refused_with_the_reason(place):
    done = otter("up", "--home", place, "--public-url", "https://call.example.org/otter/")
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "'https://call.example.org/otter/' has a path" in done.stderr and "a host name of its own" in done.stderr
    assert not place.exists()


@pytest.mark.parametrize("arguments", [["up", "--port", 0], ["down", "--purge"]])
def test_a_folder_with_other_things_in_it_is_no_home(place, arguments):
    place.mkdir()
    precious = place / "letter.txt"
    precious.write_text("dear otter", encoding="utf-8")
    assert otter(arguments[0], "--home", place, *arguments[1:]).returncode == USAGE
    assert [path.name for path in place.iterdir()] == ["letter.txt"]


def test_links_lead_to_the_public_url(place):
    info = one_object(otter("up", "--home", place, "--port", 0, "--public-url", "https://call.example.org/", "--json"))
    assert info["room_url"].startswith("https://call.example.org/room/rm_")
    assert info["web"].startswith("http://127.0.0.1:")


def test_without_json_a_person_reads_where_to_go(home):
    done = otter("up", "--home", home.home)
    assert done.returncode == DONE
    for wanted in (home.info["api"], home.key, home.info["room_url"].partition("#")[0]):
        assert wanted in done.stdout
