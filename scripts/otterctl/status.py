# SPDX-License-Identifier: GPL-3.0-or-later
"""`otter status`: whether this home is up, and where everything is."""

from otterctl import output, report
from otterctl import home as homes
from otterctl.errors import DONE, FAILED


def add_arguments(_parser):
    """It has none of its own."""


def run(args):
    """Exit code 0 when it is up, 1 when not."""
    state = report.describe(homes.Home.find(args.home))
    if args.json:
        output.emit(state)
    else:
        print(report.text(state))
    return DONE if state["up"] else FAILED
