# SPDX-License-Identifier: GPL-3.0-or-later
"""`otter up`: whatever is missing, from the packages to a room that is ready."""

import argparse
import http.client
import json
import urllib.parse

from otterctl import build, checkout, janus, output, packages, ports, query, report, turn
from otterctl import home as homes
from otterctl.errors import DONE, USAGE, Failure

SAMPLE_ROOM = "sample"
PORT_MAX = 65535


def add_arguments(parser):
    """Its options."""
    for option, what in (("--port", "REST and web (8080)"), ("--ws-port", "signaling (any)"),
                         ("--turn-port", "TURN (any)")):
        parser.add_argument(option, type=_port, metavar="N", help=f"port of {what}; 0 for any")
    parser.add_argument("--public-url", metavar="URL", type=_http_url,
                        help="what the links of rooms start with (signaling stays on 127.0.0.1 in this version)")
    parser.add_argument("--external-ip", metavar="IP",
                        help="not in this version: everything binds to 127.0.0.1")


def _port(text):
    port = int(text)
    if not 0 <= port <= PORT_MAX:
        raise ValueError(text)
    return port


_port.__name__ = "port"  # argparse names it when the value is none


def _http_url(text):
    url = urllib.parse.urlsplit(text)
    if url.scheme not in ("http", "https") or not url.netloc or url.query or url.fragment:
        raise ValueError(text)
    if url.path.strip("/"):
        raise argparse.ArgumentTypeError(f"'{text}' has a path, where no page would find its parts:"
                                         " give Otter a host name of its own")
    return text.rstrip("/")


_http_url.__name__ = "http or https URL"


def run(args):
    """Brings the home up, or says that it is up already."""
    if args.external_ip:
        raise Failure("--external-ip is not in this version: everything binds to 127.0.0.1", USAGE)
    home = homes.Home.find(args.home)
    home.create()
    with home.lock():
        home.furnish()
        _bring_up(home, args)
        state = report.describe(home)
    if args.json:
        output.emit(state)
    else:
        print(report.text(state))
    return DONE


def _bring_up(home, args):
    turn_service, janus_service = turn.service(home), janus.service(home)
    absent = [each for each in (turn_service, janus_service) if each.pid() is None]
    if janus_service in absent:
        _prepare(home)
    options = _options(home, args, janus_service in absent)
    kept = ports.load(home)
    chosen = _ports(kept, args, {each.name for each in absent})
    ports.save(home, chosen)
    started = []
    try:
        if turn_service in absent:
            turn.configure(home, chosen)
            _start(turn_service, turn.ready_checks(chosen), started)
        if janus_service in absent:
            janus.configure(home, chosen, build.stage(), options)
            _start(janus_service, janus.ready_checks(home, chosen), started, janus.environment())
        with output.step("room") as step:
            homes.write(home.run / "room_url", _sample_room(home, chosen["http"]) + "\n")
            step.note = "a room to try is ready"
    except BaseException:
        for service in reversed(started):
            service.stop()
        raise


def _prepare(home):
    with output.step("packages") as step:
        installed = packages.ensure(packages.needed(checkout.debian_janus()))
        step.note = f"{len(installed)} installed" if installed else "nothing is missing"
    log = home.log / "build.log"
    with output.step("build", f"a minute or two at first (log: {log})") as step:
        step.note = build.ensure(log)


def _options(home, args, applies):
    """What the home remembers beside its ports, with what is asked for now."""
    file = home.conf / "options.json"
    kept = homes.read_json(file)
    asked = {"public_url": args.public_url} if args.public_url else {}
    if applies:
        homes.write(file, json.dumps({**kept, **asked}) + "\n")
        return {**kept, **asked}
    if asked and asked != {name: kept.get(name) for name in asked}:
        _no_change("--public-url")
    return kept


def _ports(kept, args, absent):
    """The ports of what is to be started; what runs keeps its own."""
    names = (["http", "signaling", "admin"] if "janus" in absent else []) \
        + (["turn"] if "turn" in absent else [])
    asked = {"http": args.port, "signaling": args.ws_port, "turn": args.turn_port}
    if "turn" in names and "janus" not in absent:  # Janus tells people where coturn is
        if asked["turn"] not in (None, 0, kept["turn"]):
            _no_change("--turn-port")
        asked["turn"] = kept["turn"]
    for name, wish in asked.items():
        if name not in names and wish and wish != kept.get(name):
            _no_change(ports.OPTIONS[name])
    return ports.choose(kept, asked, names)


def _no_change(option):
    output.say(f"  it runs already, so {option} has no effect; run ./otter down first")


def _start(service, checks, started, env=None):
    with output.step(service.name) as step:
        started.append(service)
        service.start(env)
        service.wait_ready(checks)
        step.note = f"answers, pid {service.pid()}"


def _sample_room(home, port):
    """The URL of a room to try; the room is made only if there is none."""
    try:
        status, room = query.request(port, "POST", "/v1/rooms", {"unique_name": SAMPLE_ROOM},
                                     homes.read(home.key_file))
    except (OSError, http.client.HTTPException) as problem:
        raise Failure(f"Janus runs, but the API on port {port} does not answer ({problem});"
                      " run ./otter down, then ./otter up") from problem
    if status not in (200, 201) or not isinstance(room, dict) or "url" not in room:
        raise Failure(f"the API answered {status} when asked for a room: {json.dumps(room)}"
                      f" (read {home.log}/janus.log)")
    return room["url"]
