# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a running home through its admin socket: no key, all scopes."""

import http.client

from otterctl import query
from otterctl.errors import FAILED, RIGHTS_NEEDED, Failure


def ask(home, method, path, body=None):
    """The answer of one request; a refusal becomes a Failure with the server's words."""
    try:
        status, answer = query.request(home.run / "admin.sock", method, path, body)
    except PermissionError as problem:
        raise Failure(f"no right to use {home.run}/admin.sock; run this as its owner",
                      RIGHTS_NEEDED) from problem
    except (OSError, http.client.HTTPException) as problem:
        raise Failure(f"nothing answers in {home.path}; start it with ./otter up", FAILED) from problem
    if status >= 400:
        raise Failure((answer or {}).get("message") or f"the server answered {status}")
    return answer
