# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every command has, before and behind its verb."""

import argparse


def add(parser):
    """--home and --json."""
    _add(parser, None, False)


def add_behind(verbs):
    """The same for each verb of a command: what stands before the verb holds unless it is said again."""
    for parser in verbs.choices.values():
        _add(parser, argparse.SUPPRESS, argparse.SUPPRESS)


def _add(parser, home, json):
    parser.add_argument("--home", metavar="DIR", default=home,
                        help="where it keeps everything (OTTER_HOME, or .otter in the checkout)")
    parser.add_argument("--json", action="store_true", default=json, help="print one JSON object")
