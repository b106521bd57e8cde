# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests here may be coroutines. `people` brings participants in and sends them home at the end."""

import asyncio
import contextlib
import functools
import inspect

import pytest

from harness import tokens
from harness.otter_client import ConnectionLost, JanusError, OtterError, Participant


def pytest_pyfunc_call(pyfuncitem):
    """Run a coroutine test, and close its people in the same loop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}

    async def run():
        try:
            await pyfuncitem.obj(**arguments)
        finally:
            for argument in arguments.values():
                if isinstance(argument, People):
                    await argument.go_home()
    asyncio.run(run())
    return True


class People:
    """Makes participants of one home."""

    def __init__(self, home):
        self.home = home
        self._all = []

    async def at_the_door(self, room, token=None):
        """Somebody with a connection and a handle, who has not joined."""
        person = Participant(self.home.api, token or room["token"], room["id"])
        self._all.append(person)
        await person.connect()
        return person

    async def inside(self, room, token=None, **fields):
        """Somebody who has joined."""
        person = await self.at_the_door(room, token)
        await person.join(**fields)
        return person

    async def pair(self, room, **fields):
        """Two who know each other: (order 1, order 2)."""
        ann = await self.inside(room, display="Ann", **fields)
        bob = await self.inside(room, display="Bob", **fields)
        await ann.event("participant-joined", where=lambda event: is_about(event, bob))
        return ann, bob

    async def go_home(self):
        for person in self._all:
            if person.connection and not person.connection.lost:
                with contextlib.suppress(OtterError, JanusError, ConnectionLost, asyncio.TimeoutError):
                    await person.leave()
            await person.close()


def is_about(event, person):
    return event["participant"]["participant"] == person.me["participant"]


@pytest.fixture
def people(home):
    return People(home)


@pytest.fixture
def mint(home):
    """mint(room, identity=…, role=…, ttl=…): a join token; see harness/tokens.py."""
    return functools.partial(tokens.mint, home)


@pytest.fixture
def participants_of(home):
    """How many seats REST sees in a room."""
    def count(room):
        answer = home.rest("GET", f"/v1/rooms/{room['id']}")
        assert answer.status_code == 200, answer.text
        return answer.json()["participants"]
    return count
