# SPDX-License-Identifier: GPL-3.0-or-later
"""The coturn of a home: its configuration, its database of secrets, its start."""

import os
import secrets
import shutil
import socket
import sqlite3
import struct
from pathlib import Path

from otterctl.errors import Failure, disk_full
from otterctl.ports import LOOPBACK, RELAY_COUNT
from otterctl.service import Service

REALM = "otter"
SCHEMA = Path("/usr/share/coturn/schema.sql")
SECRET_BYTES = 32
# STUN, RFC 8489 sections 5 and 6
BINDING_REQUEST, BINDING_SUCCESS, MAGIC_COOKIE = 0x0001, 0x0101, 0x2112A442
HEADER = struct.Struct(">HHI12s")
STUN_TIMEOUT_S = 0.2


def service(home):
    """coturn as a service of the home."""
    config = f"{home.conf}/turnserver.conf"
    program = shutil.which("turnserver") or "/usr/bin/turnserver"
    return Service(home, "turn", [program, "-c", config], config)


def configure(home, ports):
    """Writes its configuration, and a first secret into its database."""
    low, high = ports["relay"]
    home.render("turnserver.conf.in", {
        "TURN_PORT": ports["turn"], "RELAY_MIN": low, "RELAY_MAX": high,
        "RELAY_COUNT": RELAY_COUNT, "TURN_REALM": REALM, "DATA": home.data, "RUN": home.run,
    }, "turnserver.conf")
    create_database(home.data / "turn.db")


def create_database(path):
    """The tables that coturn wants, by its own schema, and one secret: once."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    try:
        _fill_database(path)
    except sqlite3.Error as problem:
        if problem.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise Failure(disk_full(path)) from problem
        raise Failure(f"cannot use {path}: {problem}; move it away, and ./otter up makes a new one") \
            from problem


def _fill_database(path):
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("BEGIN IMMEDIATE")
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'turn_secret'").fetchone():
            for statement in _schema().split(";"):
                database.execute(statement)
        if not database.execute("SELECT 1 FROM turn_secret WHERE realm = ?", [REALM]).fetchone():
            database.execute("INSERT INTO turn_secret (realm, value) VALUES (?, ?)",
                             [REALM, secrets.token_hex(SECRET_BYTES)])
        database.execute("COMMIT")
    finally:
        database.close()


def _schema():
    try:
        return SCHEMA.read_text()
    except OSError as problem:
        raise Failure(f"coturn's {SCHEMA} is missing; run: apt-get install --reinstall coturn") \
            from problem


def ready_checks(ports):
    """The real query that it must answer."""
    return {"STUN port": lambda: answers_stun(ports["turn"])}


def answers_stun(port):
    """Whether a binding request over UDP is answered."""
    transaction = secrets.token_bytes(12)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(STUN_TIMEOUT_S)
        try:
            sock.connect((LOOPBACK, port))
            sock.send(HEADER.pack(BINDING_REQUEST, 0, MAGIC_COOKIE, transaction))
            answer = sock.recv(1500)
        except OSError:
            return False
    if len(answer) < HEADER.size:
        return False
    kind, _, _, echoed = HEADER.unpack_from(answer)
    return kind == BINDING_SUCCESS and echoed == transaction
