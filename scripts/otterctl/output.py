# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read: progress on stderr, results on stdout."""

import contextlib
import json
import sys
import time


ERASE = "\r\033[K"  # a terminal's line


def say(line):
    """One line of progress or advice, on stderr; on a terminal in the place of a step's."""
    print((ERASE if sys.stderr.isatty() else "") + line, file=sys.stderr, flush=True)


def error(message):
    """The last line of a run that failed."""
    say(f"otter: {message}")


def emit(result):
    """The one JSON object of --json."""
    print(json.dumps(result, indent=2), flush=True)


class Step:
    """One step of a longer work; `note` becomes what its line says."""

    def __init__(self, name):
        self.name = name
        self.note = ""


@contextlib.contextmanager
def step(name, hint=""):
    """Reports on stderr that a step is done, and the time it took. A terminal shows the step
    while it lasts too, with a hint for whom it takes long."""
    current = Step(name)
    started = time.monotonic()
    live = sys.stderr.isatty()
    if live:
        print(f"  {name:<10} … {hint}", end="", file=sys.stderr, flush=True)
    try:
        yield current
    except BaseException:
        if live:
            print(ERASE, end="", file=sys.stderr, flush=True)
        raise
    say(f"  {name:<10} {current.note:<46} {time.monotonic() - started:6.1f} s")
