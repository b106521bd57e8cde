# SPDX-License-Identifier: GPL-3.0-or-later
"""Python clients beside the browsers."""

import asyncio
import threading

import pytest

from harness.otter_client import Participant

PATIENCE_S = 20


class InTheBackground:
    """An event loop in a thread of its own, so that a test can talk to a page and to coroutines in turn."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="clients")
        self.thread.start()

    def __call__(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE_S)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def do():
    background = InTheBackground()
    yield background
    background.close()


@pytest.fixture
def python(do, home):
    """Brings a Python client into a room."""
    clients = []

    def join(room, kind=Participant, **fields):
        client = kind(home.api, room["token"], room["id"])
        clients.append(client)
        do(client.connect())
        do(client.join(**fields))
        return client
    yield join
    for client in clients:
        do(client.close())
