# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a running home through its admin socket: no key, all scopes."""

import http.client
import urllib.parse

from otterctl import home as homes
from otterctl import output, query
from otterctl.errors import DONE, FAILED, RIGHTS_NEEDED, Failure

PAGE = 100  # the most that a list answers at once


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


def all_of(home, path, field):
    """Every row of a list, page by page."""
    rows, after = [], None
    while True:
        wanted = urllib.parse.urlencode({"limit": PAGE, **({"after": after} if after else {})})
        page = ask(home, "GET", f"{path}?{wanted}")
        rows += page[field]
        after = page["next"]
        if after is None:
            return rows


def run(verbs, args):
    """Does the verb that was asked for, a function(home, args) -> (object, words), and prints one of the two."""
    answer, words = verbs[args.verb](homes.Home.find(args.home), args)
    if args.json:
        output.emit(answer)
    else:
        print(words)
    return DONE
