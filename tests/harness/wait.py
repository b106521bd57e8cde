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
    pauses = _pauses(timeout)
    while True:
        try:
            last = predicate()
        except ignoring as err:
            last, value = err, None
        else:
            value = last
        if value:
            return value
        time.sleep(_next(pauses, timeout, what, last))


async def until(predicate, timeout=10.0, what="the condition"):
    """wait_until for a coroutine function, while the loop goes on."""
    pauses = _pauses(timeout)
    while not (last := await predicate()):
        await asyncio.sleep(_next(pauses, timeout, what, last))
    return last


def _pauses(timeout):
    """How long to pause after each look, until the time is over."""
    deadline = time.monotonic() + timeout
    pause = FIRST_PAUSE_S
    while (left := deadline - time.monotonic()) > 0:
        yield min(pause, left)
        pause = min(pause * 1.5, LONGEST_PAUSE_S)


def _next(pauses, timeout, what, last):
    for pause in pauses:
        return pause
    raise AssertionError(f"{what}: not within {timeout:g} s; last: {last!r}")
