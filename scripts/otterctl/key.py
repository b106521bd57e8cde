# SPDX-License-Identifier: GPL-3.0-or-later
"""`otter key create|list|rotate|revoke`: API keys of this home, from the command line."""

import urllib.parse

from otterctl import administration, options, output

SCOPES = ["rooms:read", "rooms:write", "tokens:mint", "keys:admin", "metrics:read"]
BACKEND = SCOPES[:3]  # what an application's backend needs


def add_arguments(parser):
    """Its verbs."""
    verbs = parser.add_subparsers(dest="verb", metavar="create|list|rotate|revoke", required=True)
    create = verbs.add_parser("create", help="make a key; it is shown once")
    create.add_argument("name", help="whose key it is, for the list")
    create.add_argument("--scope", action="append", choices=SCOPES, metavar="SCOPE",
                        help=f"what it may do, again for each of {', '.join(SCOPES)}"
                             f" ({', '.join(BACKEND)})")
    create.add_argument("--expires", metavar="TIME", help="when it ends, like 2027-01-31T00:00:00Z (never)")
    verbs.add_parser("list", help="the keys, without their secrets")
    rotate = verbs.add_parser("rotate", help="another secret for it; the old one works on for a day")
    rotate.add_argument("key", help="its id")
    rotate.add_argument("--overlap", type=int, metavar="SECONDS",
                        help="how long the old secret works on; 0: not at all (86400)")
    revoke = verbs.add_parser("revoke", help="end it at once")
    revoke.add_argument("key", help="its id")
    revoke.add_argument("--force", action="store_true", help="even if it is the last one that may administer keys")
    options.add_behind(verbs)


def run(args):
    """Prints what was asked for."""
    return administration.run({"create": _create, "list": _list, "rotate": _rotate, "revoke": _revoke}, args)


def _create(home, args):
    wanted = {"name": args.name, "scopes": list(dict.fromkeys(args.scope or BACKEND))}
    if args.expires:
        wanted["expires_at"] = args.expires
    key = administration.ask(home, "POST", "/v1/keys", wanted)
    output.say(f"  key {key['id']}; keep it now, it is not shown again")
    return key, key["key"]


def _list(home, _args):
    keys = administration.all_of(home, "/v1/keys", "keys")
    return {"keys": keys}, "\n".join(map(_line, keys)) or "There is no key."


def _line(key):
    ends = f", ends {key['expires_at'][:10]}" if key["expires_at"] else ""
    used = f"last used {key['last_used_at'][:10]}" if key["last_used_at"] else "never used"
    return f"{key['id']}  {key['name']}  ({', '.join(key['scopes'])}; {used}{ends})"


def _rotate(home, args):
    body = {} if args.overlap is None else {"overlap_seconds": args.overlap}
    key = administration.ask(home, "POST", f"/v1/keys/{_id(args)}/rotate", body)
    ends = f"works on until {key['overlap_until']}" if key["overlap_until"] else "works no more"
    output.say(f"  the old secret {ends}; keep the new one now, it is not shown again")
    return key, key["key"]


def _revoke(home, args):
    force = "?force=true" if args.force else ""
    administration.ask(home, "DELETE", f"/v1/keys/{_id(args)}{force}")
    return {"revoked": args.key}, f"{args.key} is revoked."


def _id(args):
    return urllib.parse.quote(args.key, safe="")
