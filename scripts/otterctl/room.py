# SPDX-License-Identifier: GPL-3.0-or-later
"""`otter room create|list|close`: rooms of this home, from the command line."""

import urllib.parse

from otterctl import administration, options


def add_arguments(parser):
    """Its verbs."""
    verbs = parser.add_subparsers(dest="verb", metavar="create|list|close", required=True)
    create = verbs.add_parser("create", help="make a room, or find the one of this name")
    create.add_argument("name", nargs="?", help="a unique name, for a room that is met again")
    verbs.add_parser("list", help="the rooms that are not closed")
    close = verbs.add_parser("close", help="close a room for good")
    close.add_argument("room", help="its id or unique name")
    options.add_behind(verbs)


def run(args):
    """Prints what was asked for."""
    return administration.run({"create": _create, "list": _list, "close": _close}, args)


def _create(home, args):
    room = administration.ask(home, "POST", "/v1/rooms",
                              {"unique_name": args.name} if args.name else {})
    return room, room["url"]


def _list(home, _args):
    rooms = [room for room in administration.all_of(home, "/v1/rooms", "rooms") if room["status"] != "closed"]
    return {"rooms": rooms}, "\n".join(map(_line, rooms)) or "There is no room yet."


def _line(room):
    people = f"{room['participants']}/{room['max_participants']}"
    return f"{room['id']}  {room['status']:<8}  {people}  {room['unique_name'] or ''}".rstrip()


def _close(home, args):
    administration.ask(home, "DELETE", f"/v1/rooms/{urllib.parse.quote(args.room, safe='')}")
    return {"closed": args.room}, f"{args.room} is closed."
