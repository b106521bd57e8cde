# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends that a person can act upon, and the exit codes of the command."""

DONE = 0
FAILED = 1
USAGE = 2
PORT_TAKEN = 3
RIGHTS_NEEDED = 4
INTERRUPTED = 130


class Failure(Exception):
    """What happened and what to do, in one line, and the code to exit with."""

    def __init__(self, message, code=FAILED):
        super().__init__(message)
        self.code = code


def disk_full(where):
    """What to say when nothing more can be written to a place."""
    return f"the disk is full ({where}); free some space and run this again"
