# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: which command, with which options, and how it ends."""

import argparse
import errno
import signal
import sys

from otterctl import down, key, options, output, room, status, testing, up
from otterctl.errors import FAILED, INTERRUPTED, RIGHTS_NEEDED, Failure, disk_full

# A command is a module with add_arguments(parser) and run(args) -> exit code.
COMMANDS = [
    ("up", up, "build and start everything, and print a room's URL", {}),
    ("down", down, "stop it", {}),
    ("status", status, "whether it is up, and where", {}),
    ("room", room, "create, list or close rooms", {}),
    ("key", key, "create, list, rotate or revoke API keys", {}),
    ("test", testing, "run the tests, all or one part", {}),
    ("deploy", up, "another name for up", {}),
    ("destroy", down, "another name for down --purge", {"purge": True}),
]


def main():
    """Runs one command and returns its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    args = _parser().parse_args()
    try:
        return args.run(args)
    except Failure as failure:
        return _fail(args, str(failure), failure.code)
    except OSError as problem:
        return _fail(args, *_explain(problem))
    except KeyboardInterrupt:
        return _fail(args, "interrupted; what it had started is stopped", INTERRUPTED)


def _parser():
    parser = argparse.ArgumentParser(
        prog="otter", description="Private video calls, browser to browser, introduced by Janus.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module, what, defaults in COMMANDS:
        command = commands.add_parser(name, help=what, description=what)
        options.add(command)
        module.add_arguments(command)
        command.set_defaults(run=module.run, **defaults)
    return parser


def _interrupt(_signum, _frame):
    raise KeyboardInterrupt


def _fail(args, message, code):
    output.error(message)
    if args.json:
        output.emit({"error": {"message": message, "exit": code}})
    return code


def _explain(problem):
    where = problem.filename or "a file"
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(where), FAILED
    if problem.errno == errno.EROFS:
        return f"the disk of {where} may only be read; make it writable, or name another place with --home", FAILED
    if problem.errno in (errno.EACCES, errno.EPERM):
        return (f"no right to use {where}; run this as its owner, or name another place with --home",
                RIGHTS_NEEDED)
    if problem.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"{where} is no folder; name another place with --home", FAILED
    return f"{problem.strerror or problem}: {where}", FAILED


if __name__ == "__main__":
    sys.exit(main())
