# SPDX-License-Identifier: GPL-3.0-or-later
"""Janus runs the messages of a handle beside its detach and destroy: none of that may crash or leak."""

import asyncio
import os
import random
import time

import pytest
from harness.otter_client import Connection, ConnectionLost, JanusError, new_instance, our_data
from harness.otter_home import OtterHome
from harness.wait import wait_until

CLIENTS = 40
ROOMS = 10
SEED = 1
RESUME_TIMEOUT_S = 3


class Rascal:
    """A client that waits for nothing: it pipelines, then detaches, destroys or aborts at random."""

    def __init__(self, seed, rooms, url, janus_token):
        self.rng = random.Random(seed)
        self.rooms = rooms
        self.url = url
        self.janus_token = janus_token
        self.lives = 0
        self.seats = []

    async def run(self, until):
        while time.monotonic() < until:
            await self.one_life()
            self.lives += 1

    async def one_life(self):
        connection = await Connection.open(self.url, self.janus_token)
        try:
            await connection.create()
            handles = [await connection.attach() for _ in range(self.rng.randint(1, 3))]
            for handle in handles:
                await self.mischief(connection, handle)
            await self.goodbye(connection, handles)
        except (ConnectionLost, JanusError, asyncio.TimeoutError):
            pass
        finally:
            self.seats += [data["seat"] for data in map(our_data, connection.frames) if data and "seat" in data]
            self.seats = self.seats[-20:]
            await (connection.kill() if self.rng.random() < 0.5 else connection.close())

    async def mischief(self, connection, handle):
        instance = new_instance()
        bodies = [self.body(instance) for _ in range(self.rng.randint(1, 20))]
        for number, body in enumerate(bodies):
            await connection.send(connection.envelope(handle, {"id": number, **body}))

    def body(self, instance):
        room = self.rng.choice(self.rooms)
        peer = {"to": "pt_somebody", "from_instance": instance, "to_instance": instance}
        return self.rng.choice([
            {"request": "join", "room": room["id"], "token": room["token"], "instance": instance},
            {"request": "join", "room": room["id"], "token": room["token"], "instance": instance},
            {"request": "resume", "seat": self.rng.choice(self.seats or ["none"]), "instance": instance},
            {"request": "leave"},
            {"request": "ping"},
            {"request": "list"},
            {"request": "update", "hand": True},
            {"request": "credentials"},
            {"request": "signal", **peer, "description": {"type": "offer", "sdp": "v=0"}},
            {"request": "dance"},
        ])

    async def goodbye(self, connection, handles):
        """Ends that overtake the messages still in the pool."""
        for handle in handles:
            if self.rng.random() < 0.5:
                await connection.send({"janus": "detach", "session_id": connection.session, "handle_id": handle,
                                       "transaction": "detach", "token": self.janus_token})
                await self.mischief(connection, handle)
        if self.rng.random() < 0.5:
            await connection.send({"janus": "destroy", "session_id": connection.session,
                                   "transaction": "destroy", "token": self.janus_token})
            await self.mischief(connection, handles[0])


@pytest.fixture
def home():
    """An Otter that does not wait long for who is away."""
    with OtterHome(settings={"general": {"resume_timeout": RESUME_TIMEOUT_S}}) as running:
        yield running


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seconds", [5, pytest.param(20, marks=pytest.mark.deep)])
async def test_rascals_neither_crash_the_server_nor_leave_a_seat_behind(home, people, participants_of, seconds):
    rooms = [home.create_room(max_participants=8) for _ in range(ROOMS)]
    witness = await people.inside(home.create_room())
    access = home.rest("POST", "/v1/connect", token=rooms[0]["token"]).json()
    pid, baseline = home.pids["janus"], len(sessions(home))

    until = time.monotonic() + seconds
    rascals = [Rascal(SEED * 1000 + n, rooms, access["signaling"][0]["url"], access["janus_token"])
               for n in range(CLIENTS)]
    await asyncio.gather(*[rascal.run(until) for rascal in rascals])
    assert sum(rascal.lives for rascal in rascals) > CLIENTS, "hardly anything happened"

    os.kill(pid, 0)
    assert home.rest("GET", "/healthz", key=None).status_code == 200
    await witness.ping()
    assert [one["participant"] for one in await witness.list()] == [witness.me["participant"]]
    patience = witness.joined["resume_timeout_ms"] / 1000 + 5
    await asyncio.to_thread(wait_until, lambda: not any(participants_of(room) for room in rooms), patience,
                            "every seat of the rascals has ended")
    await asyncio.to_thread(wait_until, lambda: len(sessions(home)) == baseline, 10,
                            "Janus has as many sessions as before")
    latecomers = [await people.inside(room) for room in rooms]
    assert all(one.joined["participants"] == [] for one in latecomers)


def sessions(home):
    return home.admin({"janus": "list_sessions"})["sessions"]
