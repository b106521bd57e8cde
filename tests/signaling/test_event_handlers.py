# SPDX-License-Identifier: GPL-3.0-or-later
"""What Janus' event handlers are told of our rooms: a stock handler posts it to a server of the test's own."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from harness.wait import wait_until
from signaling.conftest import People

HANDLER = "libjanus_sampleevh.so"
PLUGIN_EVENT = 64  # JANUS_EVENT_TYPE_PLUGIN


class Backend:
    """Where the handler posts: `told` is what our plugin had to say, in order; `all` every body as it came."""

    def __init__(self):
        self.told, self.all = [], []
        backend = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                backend.all.append(text)
                events = json.loads(text)
                for event in events if isinstance(events, list) else [events]:
                    if event["type"] == PLUGIN_EVENT and event["event"]["plugin"] == "janus.plugin.otter":
                        backend.told.append(event["event"]["data"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def backend():
    running = Backend()
    yield running
    running.close()


@pytest.fixture
def observed_home(fresh_home, backend):
    """A home with the handler linked into it, as an operator does it."""
    prefix = Path(os.environ.get("OTTER_JANUS_PREFIX") or "/usr")
    found = [*prefix.glob(f"lib/*/janus/events/{HANDLER}"), *prefix.glob(f"lib/janus/events/{HANDLER}")]
    if not found:
        pytest.skip(f"the Janus in {prefix} has no {HANDLER}")
    fresh_home.down()
    (fresh_home.home / "modules" / "events" / HANDLER).symlink_to(found[0])
    (fresh_home.home / "conf" / "janus" / "janus.eventhandler.sampleevh.jcfg").write_text(
        f'general: {{\n\tenabled = true\n\tevents = "plugins"\n\tgrouping = false\n\tbackend = "{backend.url}"\n}}\n',
        encoding="utf-8")
    fresh_home.up()
    return fresh_home


async def test_an_event_handler_hears_who_comes_and_goes_and_what_hosts_do(observed_home, backend):
    people = People(observed_home)
    room = observed_home.create_room(host_url=True)
    host = await people.inside(room, room["host_url"].partition("#token=")[2], display="Hal Xavier")
    ann, bob = await people.pair(room)
    ids = [person.me["participant"] for person in (host, ann, bob)]
    await host.request("promote", participant=ids[1])
    await ann.leave()
    await host.request("eject", participant=ids[2])
    await host.request("lock", locked=True)
    await host.request("close")

    def event(name, **more):
        return {"event": name, "room": room["id"], **more}
    wanted = [event("joined", participant=ids[0], role="host"), event("joined", participant=ids[1], role="guest"),
              event("joined", participant=ids[2], role="guest"), event("promoted", participant=ids[1]),
              event("left", participant=ids[1], reason="left"), event("left", participant=ids[2], reason="ejected"),
              event("locked", locked=True), event("closed", reason="host")]
    wait_until(lambda: len(backend.told) >= len(wanted), 10, "the backend was told everything")
    assert backend.told == wanted
    text = "".join(backend.all)
    for secret in ("Xavier", room["token"], host.seat, ann.seat, "credential"):
        assert secret not in text
    await people.go_home()


async def test_a_home_without_an_event_handler_does_not_make_events(fresh_home):
    assert "broadcast = false" in (fresh_home.home / "conf" / "janus" / "janus.jcfg").read_text(encoding="utf-8")
