# SPDX-License-Identifier: GPL-3.0-or-later
"""`otter down`: stops what `up` started in this home, and nothing else."""

from otterctl import janus, output, turn
from otterctl import home as homes
from otterctl.errors import DONE, USAGE, Failure


def add_arguments(parser):
    """Its options."""
    parser.add_argument("--purge", action="store_true",
                        help="remove the home too: rooms, keys, secrets, logs")


def run(args):
    """Stops both; with --purge removes the home."""
    home = homes.Home.find(args.home)
    stopped = []
    if home.exists():
        with home.lock():
            stopped = [each.name for each in (janus.service(home), turn.service(home))
                       if _stop(each)]
            if args.purge:
                home.purge()
    elif args.purge and home.path.exists():
        raise Failure(f"{home.path} is no home of Otter; nothing was removed", USAGE)
    if args.json:
        output.emit({"up": False, "home": str(home.path), "stopped": stopped,
                     "purged": args.purge})
    else:
        print("Otter is down." if stopped else "Otter was not up.")
    return DONE


def _stop(service):
    if service.pid() is None:
        return service.stop()
    with output.step(service.name) as step:
        step.note = "stopped"
        return service.stop()
