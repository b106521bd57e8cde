# SPDX-License-Identifier: GPL-3.0-or-later
"""Before a container's program starts: its folders, secrets and configuration, by the code of `./otter up`.

The environment, all of it optional:

OTTER_PUBLIC_URL      where people reach the web app (http://127.0.0.1:8080)
OTTER_SIGNALING_URL   where browsers reach the WebSocket (ws://, the same host, port 8188; with an https URL it must be given)
OTTER_TRUSTED_PROXIES the proxies in front, as this container sees them: addresses and networks, with commas between. Without it all who
                      come through a proxy are one client to the limits
OTTER_ALLOWED_ORIGINS the pages of others that may use this server and show its pages in a frame: origins, with commas between
OTTER_TURN_HOST       where people reach coturn; none: no TURN
OTTER_EXTERNAL_IP     coturn's public IPv4 address, when its own is another
OTTER_RELAY_PORTS     the UDP ports that coturn relays through (49160-49359)
OTTER_HTTP_PORT 8080, OTTER_SIGNALING_PORT 8188, OTTER_ADMIN_PORT 7088 (loopback only), OTTER_TURN_PORT 3478
"""

import os
import re
import socket
import sys
import urllib.parse
from pathlib import Path

from otterctl import janus, query, settings, turn
from otterctl.errors import Failure
from otterctl.home import Home

OTTER = Path("/var/lib/otter")
TURN = Path("/var/lib/otter-turn")
TURN_DB = TURN / "turn.db"
TEMPLATES = Path(__file__).resolve().parent / "conf"
INSTALLED = Path("/usr")
PORTS = {"http": 8080, "signaling": 8188, "admin": 7088, "turn": 3478}
RELAY_PORTS = "49160-49359"
SOMEWHERE = ("192.0.2.1", 9)  # no packet goes there: it only tells which address would send it


def setting(name, default=None):
    """A variable of the environment; an empty one is none."""
    return os.environ.get(f"OTTER_{name}") or default


def listed(name):
    """The parts of a variable that holds several."""
    return [part.strip() for part in setting(name, "").split(",") if part.strip()]


def ports():
    """The ports that the programs listen on."""
    return {name: number(f"{name.upper()}_PORT", port) for name, port in PORTS.items()}


def number(name, default):
    text = str(setting(name, default))
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Failure(f"OTTER_{name} is '{text}': write a port")
    return int(text)


def furnish_otter():
    """The home of Janus; the secrets that it has stay."""
    chosen, public = ports(), setting("PUBLIC_URL", "http://127.0.0.1:8080").rstrip("/")
    turn_host = setting("TURN_HOST")
    if turn_host and not TURN_DB.exists():
        raise Failure(f"OTTER_TURN_HOST is set, but there is no {TURN_DB}: mount coturn's volume, and start coturn first")
    home = Home(OTTER)
    home.create()
    home.furnish()
    janus.configure(home, chosen, INSTALLED, {"public_url": public})
    values = {
        "DATA": home.data, "RUN": home.run, "SECRETS": home.secrets, "STATIC": INSTALLED / "share/otter/html",
        "PUBLIC_URL": public, "SIGNALING_URL": signaling_url(public, chosen["signaling"]),
        "HTTP_PORT": chosen["http"], "SIGNALING_PORT": chosen["signaling"],
        "TURN_DB": TURN_DB if turn_host else None, "TURN_REALM": turn.REALM,
        "TURN_URL": f"turn:{turn_host}:{chosen['turn']}" if turn_host else None,
    }
    for template in sorted(TEMPLATES.glob("*.jcfg.in")):  # what must be otherwise than on loopback
        home.render(str(template), values, f"janus/{template.stem}")
    general = {"trusted_proxies": listed("TRUSTED_PROXIES"), "allowed_origins": listed("ALLOWED_ORIGINS")}
    settings.lay(home, {"general": {key: value for key, value in general.items() if value}}, "the environment")
    settings.apply(home)


def signaling_url(public, port):
    """Where browsers find the WebSocket."""
    given, url = setting("SIGNALING_URL"), urllib.parse.urlsplit(public)
    if given:
        return given
    if url.scheme != "http" or not url.hostname:
        raise Failure(f"OTTER_PUBLIC_URL is '{public}': with TLS set OTTER_SIGNALING_URL too,"
                      f" the wss:// URL that your proxy passes to port {port}")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"ws://{host}:{port}"


def furnish_turn():
    """coturn's configuration, and its database with a first secret, which Otter reads."""
    relay = re.fullmatch(r"(\d+)-(\d+)", setting("RELAY_PORTS", RELAY_PORTS))
    low, high = (int(port) for port in relay.groups()) if relay else (1, 0)
    if not 1023 < low <= high < 65536:
        raise Failure(f"OTTER_RELAY_PORTS is '{setting('RELAY_PORTS')}': write a range like {RELAY_PORTS}")
    home = Home(TURN)
    home.create()
    home.conf.mkdir(mode=0o700, exist_ok=True)
    turn.create_database(TURN_DB)
    address = own_address()
    external = setting("EXTERNAL_IP")
    home.render(str(TEMPLATES / "turnserver.conf.in"), {
        "TURN_PORT": ports()["turn"], "ADDRESS": address, "RELAY_MIN": low, "RELAY_MAX": high,
        "RELAY_COUNT": high - low + 1, "TURN_REALM": turn.REALM, "TURN_DB": TURN_DB, "FOLDER": TURN,
        "EXTERNAL_IP": f"{external}/{address}" if external and external != address else None,
    }, "turnserver.conf")


def own_address():
    """The IPv4 address of this container's way out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(SOMEWHERE)
        except OSError as problem:
            raise Failure(f"this container has no way out ({problem}): coturn needs a default route") from problem
        return sock.getsockname()[0]


def healthy(role):
    """Whether the container's program answers a real request."""
    if role == "turn":
        return turn.answers_stun(ports()["turn"])
    return query.answers(ports()["http"], "GET", "/healthz") is not None


def main(verb, *arguments):
    """Its exit code."""
    if verb == "healthy":
        return 0 if healthy(*arguments) else 1
    try:
        {"otter": furnish_otter, "turn": furnish_turn}[verb]()
    except (Failure, OSError) as problem:
        print(f"otter: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
