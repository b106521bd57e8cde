# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place of the tests that sleeps: between two looks at a predicate."""

import asyncio
import time

FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.2


class NotYet:
    """A false value for a predicate to return, which shows in the message what there was instead."""

    def __init__(self, seen):
        self.seen = seen

    def __bool__(self):
        return False

    def __repr__(self):
        return repr(self.seen)


def wait_until(predicate, timeout=10.0, what="the condition", ignoring=()):
    """Return the first true value of predicate(), or raise AssertionError.

    `what` is a sentence that says what was waited for. Exceptions listed in
    `ignoring` count as "not yet"; the message shows the last value or exception.
    """
    deadline = time.monotonic() + timeout
    pause = FIRST_PAUSE_S
    while True:
        try:
            last = predicate()
        except ignoring as err:
            last, value = err, None
        else:
            value = last
        if value:
            return value
        left = deadline - time.monotonic()
        if left <= 0:
            raise AssertionError(f"{what}: not within {timeout:g} s; last: {last!r}")
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE_S)


async def until(predicate, timeout=10.0, what="the condition"):
    """wait_until for a coroutine function, while the loop goes on."""
    deadline = time.monotonic() + timeout
    pause = FIRST_PAUSE_S
    while not (last := await predicate()):
        left = deadline - time.monotonic()
        if left <= 0:
            raise AssertionError(f"{what}: not within {timeout:g} s; last: {last!r}")
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE_S)
    return last
