# SPDX-License-Identifier: GPL-3.0-or-later
"""No amount of nonsense grows the memory of the server, or leaves anything behind."""

import asyncio
import os
import random

import psutil
import pytest
from harness.otter_client import Connection, JanusError, new_instance
from harness.wait import NotYet, wait_until
from signaling.conftest import People

SEED = 20261123
CONNECTIONS = 6
HANDLES = 4  # of each connection: every second one sits down first
LISTENED_TO = 110  # requests of a handle, within its burst
REFUSED = 120  # beyond it, not yet enough to be put out
HAMMERED = 700  # enough for that, by one handle of a round
WARM_UP_ROUNDS, ROUNDS = 5, 20
LEAK = 100  # bytes a request that would be found

OFFER = {"type": "offer", "sdp": "v=0\r\n"}
JUNK = [None, True, 0, -1, 1.5, 2**53, "", "x", "x" * 300, "\u202e", "\u0007", [], [[]], {}, {"a": {"b": []}}, "pt_nobody", "rm_nobody"]
FIELDS = ["room", "token", "display", "instance", "media", "seat", "to", "from", "from_instance", "to_instance", "seq", "ack", "round",
          "description", "candidates", "tracks", "hand", "key", "value", "ttl", "participant", "revoke", "locked", "kind", "unheard_of"]
REQUESTS = ["join", "resume", "leave", "ping", "list", "update", "credentials", "signal", "set", "admit", "deny", "eject", "lock", "mute",
            "promote", "close", "dance", "", None, 7, []]


class Fool:
    """Says whatever comes to mind through one handle; sits in a room while it does, or not."""

    def __init__(self, rng, connection, handle, room):
        self.rng, self.connection, self.handle, self.room = rng, connection, handle, room
        self.instance, self.said = new_instance(), 0

    def junk(self):
        return self.rng.choice(JUNK)

    def candidate(self):
        return {self.rng.choice(["candidate", "sdpMid", "sdpMLineIndex", "usernameFragment", "x"]): self.junk() for _ in range(3)}

    def body(self):
        """A request that is nearly right, or not at all."""
        rng = self.rng
        almost = {
            "join": lambda: {"room": self.room["id"], "token": self.room["token"][:rng.randint(0, 200)], "instance": new_instance()},
            "resume": lambda: {"seat": self.room["token"], "instance": new_instance()},
            "signal": lambda: {"to": "pt_nobody", "from_instance": self.instance, "to_instance": self.instance,
                               rng.choice(["description", "candidates", "ack"]): rng.choice([OFFER, [self.candidate()], 1, self.junk()])},
            "set": lambda: {"key": rng.choice("abcdef"), "value": rng.choice([None, "x" * rng.randint(0, 5000), [[[]]], self.junk()])},
            "update": lambda: {"display": self.junk(), "media": {"audio": self.junk()}},
            "leave": lambda: {"leave": "not yet"},
        }
        request = rng.choice(REQUESTS)
        fields = almost.get(request if isinstance(request, str) else "", dict)()
        for _ in range(rng.randint(0, 3)):
            fields[rng.choice(FIELDS)] = self.junk()
        if request == "leave":
            request = "list"  # who sits goes on doing so
        return {"request": request, "id": rng.choice([1, self.junk()]), **fields}

    async def say(self, times):
        for _ in range(times):
            self.said += 1
            message = self.connection.envelope(self.handle, self.body())
            if self.rng.random() < 0.05:
                message["body"] = self.rng.choice([{}, {"id": 1}, {"request": "ping"}])
            await self.connection.send(message)

    async def one_life(self, sits, beyond):
        if sits:
            await self.connection.message(self.handle, {"request": "join", "room": self.room["id"], "token": self.room["token"],
                                                        "instance": self.instance})
        await self.say(LISTENED_TO)
        await self.connection.message(self.handle, {"request": "leave", "id": 999_999})
        await self.say(beyond)


async def one_round(home, rng, rooms, access):
    """Returns how many requests there were. Nothing is on its way any more when it does."""
    connections = [await Connection.open(access["signaling"][0]["url"], access["janus_token"]) for _ in range(CONNECTIONS)]
    fools = []
    for connection in connections:
        await connection.create()
        fools += [Fool(rng, connection, await connection.attach(), rng.choice(rooms)) for _ in range(HANDLES)]
    await asyncio.gather(*[fool.one_life(n % 2 == 0, HAMMERED if n == 1 else REFUSED) for n, fool in enumerate(fools)])
    for connection in connections:
        await connection.keepalive()
        try:
            await connection.destroy()
        except JanusError:
            pass
        await connection.close()
    return sum(fool.said for fool in fools)


@pytest.mark.timeout(180)
async def test_no_amount_of_nonsense_grows_memory_or_leaves_a_handle_or_a_seat(fresh_home):
    home = fresh_home
    rng = random.Random(SEED)
    rooms = [home.create_room(max_participants=8) for _ in range(4)]
    access = home.rest("POST", "/v1/connect", token=rooms[0]["token"]).json()
    janus = psutil.Process(home.janus_pid)
    people = People(home)
    witness = await people.inside(home.create_room())
    handles = len(home.handles())

    for _ in range(WARM_UP_ROUNDS):
        await one_round(home, rng, rooms, access)
    before, requests = janus.memory_info().rss, 0
    for _ in range(ROUNDS):
        requests += await one_round(home, rng, rooms, access)

    def back_to_where_it_was():
        grown = janus.memory_info().rss - before
        return True if grown < LEAK * requests else NotYet(f"{grown} bytes more after {requests} requests")
    if "OTTER_SANITIZE" not in os.environ:  # which keeps freed memory, to find its use
        await asyncio.to_thread(wait_until, back_to_where_it_was, 20, "the memory is what it was")
    assert len(home.handles()) == handles
    for room in rooms:
        assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"] == 0
    assert await witness.list() == [witness.me]
    home.assert_alive()
    await people.go_home()
    print(f"{requests} requests: {janus.memory_info().rss - before} bytes more than the {before} of before")
