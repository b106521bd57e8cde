# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation is for: a room made by REST, and two people in it who hear each other."""

import asyncio

import requests
from harness.otter_client import Participant
from harness.otter_home import token_of

ROUNDS = 20
OFFER = {"type": "offer", "sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\n"}
TIMEOUT_S = 10


def make_room(api, key):
    """A new room, with its join token as "token". `api` is REST's base, such as http://127.0.0.1:8080/v1."""
    answer = requests.post(f"{api}/rooms", json={}, headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT_S)
    assert answer.status_code == 201, f"{answer.status_code}: {answer.text}"
    room = answer.json()
    return {**room, "token": token_of(room["url"])}


def meet(api, room):
    """Two people join over the signaling URL that REST names, and send each other signals, which come in order."""
    return asyncio.run(_meet(api, room))


async def _meet(api, room):
    ann, bob = (Participant(api, room["token"], room["id"]) for _ in range(2))
    try:
        way_in = await ann.connect()
        await ann.join(display="Ann")
        await bob.connect()
        await bob.join(display="Bob")
        await ann.event("participant-joined")
        await _talk(bob, ann, OFFER)
        await _talk(ann, bob, {**OFFER, "type": "answer"})
        assert ann.failures == bob.failures == []
        await bob.leave()
        await ann.event("participant-left")
        await ann.leave()
        return way_in
    finally:
        await asyncio.gather(ann.close(), bob.close())


async def _talk(speaker, listener, description):
    """The description, and then ROUNDS candidates at once."""
    sent = [{"description": description}] + [{"candidates": [_candidate(n)]} for n in range(ROUNDS)]
    for signal in sent:
        speaker.send(listener.me["participant"], **signal)
    for signal in sent:
        heard = await listener.receive(speaker.me["participant"])
        assert {name: heard[name] for name in signal} == signal


def _candidate(number):
    return {"candidate": f"candidate:1 1 udp 2122260223 192.0.2.7 {50000 + number} typ host", "sdpMid": "0"}
