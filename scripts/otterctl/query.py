# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to our own servers on loopback: no proxy, no redirect, short patience."""

import http.client
import json
import socket

from otterctl.ports import LOOPBACK

TIMEOUT_S = 5


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=TIMEOUT_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(self.path)


def request(port, method, path, body=None, key=None):
    """(status, answer) of one request to a port, or to a Unix socket (a path); the answer is
    the parsed JSON, or None if it is none. Raises OSError or HTTPException when nobody answers."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    connection = (http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
                  if isinstance(port, int) else _UnixConnection(str(port)))
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    try:
        return response.status, json.loads(text)
    except ValueError:
        return response.status, None


def answers(port, method, path, body=None):
    """The JSON of a request that was answered with 200, else None."""
    try:
        status, answer = request(port, method, path, body)
    except (OSError, http.client.HTTPException):
        return None
    return (answer if answer is not None else {}) if status == 200 else None
