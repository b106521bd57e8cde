# SPDX-License-Identifier: GPL-3.0-or-later
"""What `up` and `status` tell of a home: the same keys, for people and for programs."""

import base64
import json
import shlex
import time

from otterctl import checkout, janus, ports, query, turn
from otterctl import home as homes


def describe(home):
    """The object of --json. `up` is true when both processes run and answer."""
    kept = ports.load(home)
    pids = {"janus": janus.service(home).pid(), "turn": turn.service(home).pid()}
    config = query.answers(kept.get("http"), "GET", "/v1/config") if pids["janus"] else None
    turn_answers = pids["turn"] is not None and turn.answers_stun(kept.get("turn"))
    web = _url("http", kept.get("http"))
    return {
        "version": (config or {}).get("version") or checkout.version(),
        "up": config is not None and turn_answers,
        "api": web and f"{web}/v1",
        "web": web,
        "signaling": _url("ws", kept.get("signaling")),
        "admin": _url("http", kept.get("admin"), "/admin"),
        "admin_secret_file": str(home.admin_secret_file),
        "key": homes.read(home.key_file),
        "key_file": str(home.key_file),
        "room_url": _valid(homes.read(home.run / "room_url")),
        "home": str(home.path),
        "ports": {name: kept.get(name) for name in ports.NAMES},
        "pids": pids,
    }


def _url(scheme, port, path=""):
    return f"{scheme}://{ports.LOOPBACK}:{port}{path}" if port else None


def _valid(url):
    """The room's URL, unless the token in it has run out."""
    try:
        payload = url.partition("#token=")[2].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return url if claims["exp"] > time.time() else None
    except (AttributeError, IndexError, KeyError, ValueError):
        return None


def text(state):
    """The same for people."""
    if not state["up"]:
        return _down_text(state)
    return f"""
Otter {state["version"]} is up.

  API        {state["api"]}
  API key    {state["key"]}
  Room       {state["room_url"] or "its link has run out; ./otter up makes a new one"}

Open the room in two browser windows, and you are in a call. To create a room:

  curl -X POST {state["api"]}/rooms \\
       -H 'Authorization: Bearer {state["key"]}' \\
       -H 'Content-Type: application/json' -d '{{}}'

The answer's "url" is the link to share.

  Logs       {state["home"]}/log
  Stop       {_command(state, "down")}
"""


def _command(state, verb):
    """`./otter verb`, as it must be typed for this home."""
    usual = str(homes.Home.find(None).path) == state["home"]
    return f"./otter {verb}" + ("" if usual else f" --home {shlex.quote(state['home'])}")


def _down_text(state):
    running = [f"{name} (pid {pid})" for name, pid in state["pids"].items() if pid]
    if not running:
        return f"Otter is down. Start it: {_command(state, 'up')}\nHome: {state['home']}"
    return (f"Otter is not whole: only {' and '.join(running)} runs or answers."
            f" Mend it: {_command(state, 'up')}\nLogs: {state['home']}/log")
