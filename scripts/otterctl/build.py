# SPDX-License-Identifier: GPL-3.0-or-later
"""The build: one folder below build/ for each Janus that is built against.

build/NAME/stage is what it installs into, and where Janus loads it from.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import subprocess

from otterctl import checkout
from otterctl import home as homes
from otterctl.errors import Failure
from otterctl.output import say

SOURCES = ["configure.ac", "Makefile.am", "m4", "plugin", "transports", "html", "conf"]
ERROR = re.compile(r"(: error|: fatal error|^error:|configure: error|\*\*\* |undefined reference)")
ERROR_LINES = 8


def folder():
    """The build folder for the Janus and the sanitizers of this run."""
    name = "-".join(checkout.janus_prefix().parts[1:]) or "root"
    return checkout.ROOT / "build" / (name + ("-sanitize" if checkout.sanitized() else ""))


def stage():
    """Where the build installs to."""
    return folder() / "stage"


def ensure(log):
    """Builds and installs into the stage what has changed since the last time, with its
    output in the file `log`. Returns what it did, in a word."""
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    if _is_built(place):  # another user's build will do
        return "nothing has changed"
    with _lock(checkout.ROOT / "build" / ".lock"):
        if _is_built(place):
            return "built by another run just now"
        with open(log, "w", encoding="utf-8") as out:
            _autoreconf(out)
            _configure(place, out)
            _run(["make", f"-j{os.cpu_count() or 1}"], place, out)
            _run(["make", "install"], place, out)
        (place / ".built").write_text(_fingerprint(place) + "\n", encoding="utf-8")
    return "built"


def _is_built(place):
    """Whether what the last build installed is there, and nothing has changed since."""
    return stage().is_dir() and homes.read(place / ".built") == _fingerprint(place)


@contextlib.contextmanager
def _lock(path):
    """One build at a time in a checkout: they share the files that autoreconf makes."""
    with open(path, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("  waiting for another build in this checkout")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fingerprint(place):
    """Changes when a source file, the Janus or the way to configure changes."""
    digest = hashlib.sha256(repr(_configure_command(place)).encode())
    for path in _source_files():
        entry = path.stat()
        digest.update(f"{path}\0{entry.st_size}\0{entry.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _source_files():
    for source in SOURCES:
        path = checkout.ROOT / source
        found = path.rglob("*") if path.is_dir() else [path]
        yield from sorted(file for file in found if file.is_file())
    janus = checkout.janus_prefix() / "bin" / "janus"
    if janus.exists():
        yield janus


def _autoreconf(out):
    made = [checkout.ROOT / "configure", checkout.ROOT / "Makefile.in"]
    source = [checkout.ROOT / "configure.ac", checkout.ROOT / "Makefile.am"]
    newest = max(path.stat().st_mtime for path in source)
    if all(path.exists() and path.stat().st_mtime >= newest for path in made):
        return
    _run(["autoreconf", "-fi"], checkout.ROOT, out)
    for path in made:  # autoreconf leaves one alone that comes out the same
        os.utime(path)


def _configure_command(place):
    command = [str(checkout.ROOT / "configure"), f"--prefix={place}/stage",
               f"--with-janus={checkout.janus_prefix()}"]
    return command + (["--enable-sanitizers"] if checkout.sanitized() else [])


def _configure(place, out):
    status, made = place / "config.status", checkout.ROOT / "configure"
    command = _configure_command(place)
    if (status.exists() and status.stat().st_mtime >= made.stat().st_mtime
            and homes.read(place / ".configured") == repr(command)):
        return
    _run(command, place, out)
    (place / ".configured").write_text(repr(command), encoding="utf-8")


def _run(command, place, out):
    out.write(f"$ {' '.join(command)}\n")
    out.flush()
    done = subprocess.run(command, cwd=place, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                          env=environment(), check=False)
    if done.returncode != 0:
        for line in _errors(out.name):
            say(f"    {line}")
        raise Failure(f"{os.path.basename(command[0])} failed; read {out.name}, mend it,"
                      " and run this again")


def environment():
    """Ours without what another make or another Janus left in it."""
    return {name: value for name, value in os.environ.items()
            if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "LD_PRELOAD", "PYTHONPATH")}


def _errors(log):
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = [line.rstrip() for line in file if line.strip()]
    return ([line for line in lines if ERROR.search(line)] or lines)[-ERROR_LINES:]
