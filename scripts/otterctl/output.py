# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read: progress on stderr, results on stdout."""

import contextlib
import json
import sys
import time


def say(line):
    """One line of progress or advice, on stderr."""
    print(line, file=sys.stderr, flush=True)


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
def step(name):
    """Reports on stderr that a step is done, and the time it took."""
    current = Step(name)
    started = time.monotonic()
    live = sys.stderr.isatty()
    if live:
        print(f"  {name:<10} …", end="", file=sys.stderr, flush=True)
    try:
        yield current
    except BaseException:
        if live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        raise
    took = time.monotonic() - started
    erase = "\r\033[K" if live else ""
    say(f"{erase}  {name:<10} {current.note:<46} {took:6.1f} s")
