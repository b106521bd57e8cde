# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of a home: asked for, or from the kernel; kept over restarts.

HOME/run/ports.json: {"http", "signaling", "admin", "turn", "relay": [min, max],
"asked": [names of ports that somebody asked for]}
"""

import contextlib
import json
import os
import random
import socket
from pathlib import Path

from otterctl import home as homes
from otterctl.errors import PORT_TAKEN, RIGHTS_NEEDED, Failure
from otterctl.output import say

LOOPBACK = "127.0.0.1"
HTTP_DEFAULT = 8080
NAMES = ["http", "signaling", "admin", "turn"]
OPTIONS = {"http": "--port", "signaling": "--ws-port", "turn": "--turn-port"}
UDP_TOO = {"turn"}
# One allocation takes one port: eight people with 24 each. Below the ports that the
# kernel gives to others (net.ipv4.ip_local_port_range).
RELAY_COUNT = 200
RELAY_LOW, RELAY_HIGH = 10000, 32000
TRIES = 50
LISTEN = "0A"  # the state in /proc/net/tcp


def load(home):
    """The ports that the home has; an empty object before its first start."""
    return homes.read_json(home.run / "ports.json")


def save(home, ports):
    """Keeps them for the next start."""
    homes.write(home.run / "ports.json", json.dumps(ports) + "\n")


def choose(kept, asked, names):
    """The home's ports with those of `names` made sure of: `kept` from the last start,
    `asked` {name: port, 0 for any, None for no wish}. Names left out stay as they are."""
    ports = dict(kept)
    wished = set(kept.get("asked", []))
    with contextlib.ExitStack() as held:  # so that no two of them become the same
        for name in names:
            ports[name] = _one(name, kept.get(name), asked.get(name), name in wished, held)
        if "turn" in names and "relay" not in ports:
            ports["relay"] = _relay_range()
    wished |= {name for name in names if asked.get(name)}
    wished -= {name for name in names if asked.get(name) == 0}
    ports["asked"] = sorted(wished)
    return ports


def _one(name, kept, asked, was_asked, held):
    """One port. It is firm when somebody asked for it, now or before; http's always is,
    for links that were given away lead there."""
    firm = asked or (asked is None and (was_asked or name == "http"))
    default = HTTP_DEFAULT if name == "http" and asked is None else 0
    port = asked or kept or default
    got = hold(port, name in UDP_TOO, held)
    if got is None and firm:
        raise Failure(taken(name, port), PORT_TAKEN)
    if got is None:
        say(f"  port {port} ({name}) is taken by now; another one was chosen")
        got = hold(0, name in UDP_TOO, held)
    if got is None:
        raise Failure(f"the kernel has no free port for {name}")
    return got


def hold(port, udp_too, held):
    """Binds a port of loopback until `held` ends, and returns its number: `port`, or any
    if that is 0. None if somebody has it."""
    for _ in range(TRIES if port == 0 else 1):
        with contextlib.ExitStack() as attempt:
            try:
                got = _bind(socket.SOCK_STREAM, port, attempt)
                if udp_too:
                    _bind(socket.SOCK_DGRAM, got, attempt)
            except PermissionError as problem:
                raise Failure(f"port {port} is for root only; choose one above 1023",
                              RIGHTS_NEEDED) from problem
            except OSError:
                continue
            held.push(attempt.pop_all())
            return got
    return None


def _bind(kind, port, held):
    sock = held.enter_context(socket.socket(socket.AF_INET, kind))
    if kind == socket.SOCK_STREAM:  # a port in TIME_WAIT is free
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((LOOPBACK, port))
    if kind == socket.SOCK_STREAM:
        sock.listen(1)
    return sock.getsockname()[1]


def _relay_range():
    """A range of UDP ports that are all free now; coturn passes over one that is taken later."""
    for _ in range(TRIES):
        low = random.randrange(RELAY_LOW, RELAY_HIGH - RELAY_COUNT)
        with contextlib.ExitStack() as held:
            try:
                for port in range(low, low + RELAY_COUNT):
                    _bind(socket.SOCK_DGRAM, port, held)
            except OSError:
                continue
        return [low, low + RELAY_COUNT - 1]
    raise Failure(f"no {RELAY_COUNT} UDP ports in a row are free between {RELAY_LOW} and"
                  f" {RELAY_HIGH}; stop what uses them")


def taken(name, port):
    """What to say when a port is in use by somebody else."""
    who = holder(port)
    by = f" by {who}" if who else ""
    option = OPTIONS.get(name)
    advice = (f"choose another with {option} N, or {option} 0 for any" if option
              else "stop that program")
    return f"port {port} ({name}) is taken{by}; {advice}"


def holder(port):
    """Who listens on a TCP port, "name (pid N)"; None if it cannot be told."""
    sockets = {f"socket:[{inode}]" for inode in _listeners(port)}
    for entry in os.scandir("/proc") if sockets else []:
        if entry.name.isdigit() and _holds(entry.path, sockets):
            name = homes.read(Path(entry.path, "comm")) or "a program"
            return f"{name} (pid {entry.name})"
    return None


def _listeners(port):
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError), open(table, encoding="ascii") as lines:
            for line in list(lines)[1:]:
                field = line.split()
                if int(field[1].rpartition(":")[2], 16) == port and field[3] == LISTEN:
                    yield field[9]


def _holds(process, sockets):
    with contextlib.suppress(OSError):
        for descriptor in os.scandir(process + "/fd"):
            with contextlib.suppress(OSError):
                if os.readlink(descriptor.path) in sockets:
                    return True
    return False
