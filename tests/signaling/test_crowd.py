# SPDX-License-Identifier: GPL-3.0-or-later
"""Five hundred people join a room for eight at once, through Janus; tests/unit/test_crowd.c does so in the core."""

import asyncio

import pytest
from harness.otter_client import Connection, OtterError, new_instance

SOCKETS = 50
HANDLES = 10  # of one socket: each is a connection of its own to us
PLACES = 8
ROUNDS = 50


class Crowd:
    """Everybody's handle: (connection, handle) each."""

    def __init__(self):
        self.everybody = []
        self.connections = []

    async def come(self, url, janus_token):
        self.connections = [await Connection.open(url, janus_token) for _ in range(SOCKETS)]
        for connection in self.connections:
            await connection.create()
        for connection in self.connections:
            self.everybody += [(connection, await connection.attach()) for _ in range(HANDLES)]

    async def join(self, room):
        """All at once; returns ([(handle, reply)] of who is in, in order, codes of the others)."""
        answers = await asyncio.gather(*[
            connection.request(handle, "join", room=room["id"], token=room["token"], instance=new_instance())
            for connection, handle in self.everybody], return_exceptions=True)
        inside = [(who, answer) for who, answer in zip(self.everybody, answers) if isinstance(answer, dict)]
        others = [answer.code if isinstance(answer, OtterError) else answer
                  for answer in answers if not isinstance(answer, dict)]
        return sorted(inside, key=lambda one: one[1]["me"]["order"]), others

    async def go(self):
        for connection in self.connections:
            await connection.close()


async def one_round(home, crowd):
    room = home.create_room(max_participants=PLACES)
    inside, others = await crowd.join(room)
    assert others == ["room_full"] * (SOCKETS * HANDLES - PLACES), others
    people = [reply["me"] for _, reply in inside]
    assert [one["order"] for one in people] == list(range(1, PLACES + 1))
    assert [reply["participants"] for _, reply in inside] == [people[:n] for n in range(PLACES)]
    seen = home.rest("GET", f"/v1/rooms/{room['id']}").json()
    assert (seen["status"], seen["participants"]) == ("full", PLACES)
    for (connection, handle), _ in inside:
        assert (await connection.request(handle, "list"))["participants"] == people
    for (connection, handle), _ in inside:
        await connection.request(handle, "leave")
    seen = home.rest("GET", f"/v1/rooms/{room['id']}").json()
    assert (seen["status"], seen["participants"]) == ("open", 0)


@pytest.mark.timeout(300)
async def test_of_five_hundred_who_join_at_once_eight_get_in_and_the_others_hear_that_it_is_full(home):
    access = home.rest("POST", "/v1/connect", token=home.create_room()["token"]).json()
    crowd = Crowd()
    try:
        await crowd.come(access["signaling"][0]["url"], access["janus_token"])
        for _ in range(ROUNDS):
            await one_round(home, crowd)
    finally:
        await crowd.go()
