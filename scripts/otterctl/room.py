# SPDX-License-Identifier: GPL-3.0-or-later
"""`otter room create|list|close`: rooms of this home, from the command line."""

import urllib.parse

from otterctl import administration, output
from otterctl import home as homes
from otterctl.errors import DONE

PAGE = 100


def add_arguments(parser):
    """Its verbs."""
    verbs = parser.add_subparsers(dest="verb", metavar="create|list|close", required=True)
    create = verbs.add_parser("create", help="make a room, or find the one of this name")
    create.add_argument("name", nargs="?", help="a unique name, for a room that is met again")
    verbs.add_parser("list", help="the rooms that are not closed")
    close = verbs.add_parser("close", help="close a room for good")
    close.add_argument("room", help="its id or unique name")


def run(args):
    """Prints what was asked for."""
    home = homes.Home.find(args.home)
    answer, words = {"create": _create, "list": _list, "close": _close}[args.verb](home, args)
    if args.json:
        output.emit(answer)
    else:
        print(words)
    return DONE


def _create(home, args):
    room = administration.ask(home, "POST", "/v1/rooms",
                              {"unique_name": args.name} if args.name else {})
    return room, room["url"]


def _list(home, _args):
    rooms, after = [], None
    while True:
        query = urllib.parse.urlencode({"limit": PAGE, **({"after": after} if after else {})})
        page = administration.ask(home, "GET", f"/v1/rooms?{query}")
        rooms += [room for room in page["rooms"] if room["status"] != "closed"]
        after = page["next"]
        if after is None:
            return {"rooms": rooms}, "\n".join(map(_line, rooms)) or "There is no room yet."


def _line(room):
    people = f"{room['participants']}/{room['max_participants']}"
    return f"{room['id']}  {room['status']:<8}  {people}  {room['unique_name'] or ''}".rstrip()


def _close(home, args):
    administration.ask(home, "DELETE", f"/v1/rooms/{urllib.parse.quote(args.room, safe='')}")
    return {"closed": args.room}, f"{args.room} is closed."
