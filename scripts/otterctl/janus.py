# SPDX-License-Identifier: GPL-3.0-or-later
"""The Janus of a home, with our plugin and our transport in it."""

import os
import re
import secrets
import socket
import subprocess

from otterctl import checkout, query, settings, turn
from otterctl.errors import Failure
from otterctl.ports import LOOPBACK
from otterctl.service import Service

CONFIGURATION = ["janus.jcfg", "janus.transport.websockets.jcfg", "janus.transport.http.jcfg",
                 "janus.plugin.otter.jcfg", "janus.transport.otter.jcfg"]
PLUGIN = "libjanus_otter.so"
TRANSPORT = "libjanus_otter_transport.so"
# Janus runs on without a module that fails.
GAVE_UP = re.compile(r"could not be initialized|Couldn't load (transport )?plugin")
STOCK_TRANSPORTS = ["libjanus_websockets.so", "libjanus_http.so"]


def service(home):
    """Janus as a service of the home."""
    program = f"{checkout.janus_prefix()}/bin/janus"
    config = f"--configs-folder={home.conf}/janus"
    return Service(home, "janus", [program, config], config, GAVE_UP)


def configure(home, ports, stage, options):
    """Writes its configuration and links the modules that it is to load."""
    values = {
        "CONF": home.conf, "MODULES": home.modules, "SECRETS": home.secrets,
        "DATA": home.data, "RUN": home.run,
        "ADMIN_SECRET": home.secret("admin.secret"),
        "JANUS_TOKEN_SECRET": home.secret("janus_token.secret"),
        "STORE": f"sqlite:{home.data}/otter.db", "PUBLIC_URL": options.get("public_url"),
        "STATIC": stage / "share" / "otter" / "html", "TURN_REALM": turn.REALM,
        "HTTP_PORT": ports["http"], "SIGNALING_PORT": ports["signaling"],
        "EVENT_HANDLERS": "true" if any((home.modules / "events").iterdir()) else "false",
        "ADMIN_PORT": ports["admin"], "TURN_PORT": ports["turn"],
    }
    for name in CONFIGURATION:
        home.render(f"{name}.in", values, f"janus/{name}")
    settings.apply(home)
    home.link("plugins", [_ours(stage, PLUGIN)])
    home.link("transports", [_ours(stage, TRANSPORT), *map(_stock, STOCK_TRANSPORTS)])


def _ours(stage, name):
    return _first(stage.glob(f"lib/**/{name}"), f"the build made no {name}; see the build's log")


def _stock(name):
    prefix = checkout.janus_prefix()
    found = [*prefix.glob(f"lib/*/janus/transports/{name}"),
             *prefix.glob(f"lib/janus/transports/{name}")]
    return _first(found, f"the Janus in {prefix} has no {name}; build it with"
                         " libwebsockets and libmicrohttpd, or set OTTER_JANUS_PREFIX")


def _first(found, otherwise):
    for path in found:
        return path
    raise Failure(otherwise)


def environment():
    """What Janus finds in its environment beyond ours: the sanitizer's library."""
    preload = [os.environ[name] for name in ("OTTER_JANUS_PRELOAD", "LD_PRELOAD")
               if os.environ.get(name)]
    if not checkout.sanitized():
        return {"LD_PRELOAD": ":".join(preload)} if preload else {}
    preload.insert(0, _library("libasan.so"))
    asan = "detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", "")
    ubsan = "print_stacktrace=1:" + os.environ.get("UBSAN_OPTIONS", "")
    return {"LD_PRELOAD": ":".join(preload), "ASAN_OPTIONS": asan.rstrip(":"),
            "UBSAN_OPTIONS": ubsan.rstrip(":")}


def _library(name):
    answer = subprocess.run(["gcc", f"-print-file-name={name}"], stdout=subprocess.PIPE,
                            text=True, check=True)
    return answer.stdout.strip()


def ready_checks(home, ports):
    """The real queries that it must answer."""
    return {
        "admin API": lambda: admin(home, ports["admin"], "get_status") is not None,
        "signaling port": lambda: _accepts(ports["signaling"]),
        "/healthz": lambda: query.answers(ports["http"], "GET", "/healthz") is not None,
        "/v1/config": lambda: query.answers(ports["http"], "GET", "/v1/config") is not None,
    }


def admin(home, port, what):
    """The answer of the admin API to a request that takes our secret; None without one.
    So another Janus on that port is not taken for ours."""
    answer = query.answers(port, "POST", "/admin", {
        "janus": what, "transaction": secrets.token_hex(8),
        "admin_secret": home.secret("admin.secret")})
    return answer if answer and answer.get("janus") == "success" else None


def _accepts(port):
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True
