# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to our own servers on loopback: no proxy, no redirect, short patience."""

import http.client
import json

from otterctl.ports import LOOPBACK

TIMEOUT_S = 5


def request(port, method, path, body=None, key=None):
    """(status, answer) of one request; the answer is the parsed JSON, or None if it is
    none. Raises OSError or HTTPException when nobody answers."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
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
