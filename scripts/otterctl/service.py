# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that outlives the command: started, recognised again, waited for, stopped."""

import os
import re
import resource
import signal
import subprocess
import time
from pathlib import Path

from otterctl import home as homes
from otterctl.errors import Failure, disk_full

FILES = 8192  # descriptors: one for each connection; libwebsockets makes a table of as many
READY_S = 30
STOP_S = 10
POLL_S = 0.02
# How our two servers and the sanitizers mark what went wrong.
SERIOUS = re.compile(r"\b(FATAL|ERR|ERROR|CRITICAL|[Ee]rror|[Cc]annot|AddressSanitizer)\b")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What Janus puts before a message: [Tue Nov 24 04:15:49 2026] [ERR] [file.c:function:107]
STAMP = re.compile(r"^\[\w{3} \w{3} [^]]*\] \[\w+\] (\[[^]]*:\d+\] )?")
DISK_FULL = re.compile(r"disk is full|No space left on device")
# With less a database cannot grow, and a log may have lost the words that say so.
DISK_SPARE_BYTES = 16 * 1024


class Service:
    """One process of a home. `marks` is the argument that no other process has: by it
    the process is told from another one that came by its number. `gave_up` is a pattern: a
    line of its log after which it runs on, but not as we need it."""

    def __init__(self, home, name, argv, marks, gave_up=None):
        self.home = home
        self.name = name
        self.argv = argv
        self.marks = marks
        self.gave_up = gave_up
        self.pid_file = home.run / f"{name}.pid"
        self.log = home.log / f"{name}.log"
        self.process = None  # while it is our child
        self.log_start = 0

    def pid(self):
        """Its number while it runs, else None."""
        if self.process:  # our child is known without its file, which may never have been written
            return self.process.pid if self.process.poll() is None else None
        text = homes.read(self.pid_file) or ""
        if not text.isdigit():
            return None
        try:
            arguments = Path("/proc", text, "cmdline").read_bytes().split(b"\0")
        except OSError:
            return None
        return int(text) if os.fsencode(self.marks) in arguments else None

    def start(self, env=None):
        """Starts it in a session of its own; its output goes to its log."""
        _allow_files()
        with open(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            self.log_start = os.fstat(log.fileno()).st_size
            try:
                self.process = subprocess.Popen(
                    self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, umask=0o077,
                    cwd=self.home.path, env={**os.environ, **(env or {})}, start_new_session=True)
            except OSError as problem:
                raise Failure(f"{self.argv[0]} does not start: {problem.strerror}") from problem
        homes.write(self.pid_file, f"{self.process.pid}\n")

    def wait_ready(self, checks):
        """Waits until each of `checks` {what: function} has been true once."""
        deadline = time.monotonic() + READY_S
        for what, check in checks.items():
            while not check():
                if self.process and self.process.poll() is not None:
                    raise self._failure("ended while it started")
                if self.gave_up and any(self.gave_up.search(line) for line in self._lines()):
                    raise self._failure("could not start all of it")
                if time.monotonic() > deadline:
                    raise self._failure(f"runs, but its {what} does not answer")
                time.sleep(POLL_S)

    def _failure(self, what):
        """Why it did not start, in one line."""
        if self._no_space():
            return Failure(f"{self.name} did not start: {disk_full(self.home.path)}")
        return Failure(f"{self.name} {what}: {self.words()}")

    def _no_space(self):
        disk = os.statvfs(self.home.path)
        return (disk.f_bavail * disk.f_frsize < DISK_SPARE_BYTES
                or any(DISK_FULL.search(line) for line in self._lines()))

    def words(self):
        """What its log says about a failure of this start (the first error is mostly the
        cause, the last one the end), and where to read on."""
        lines = self._lines()
        told = [line for line in lines if self.gave_up and self.gave_up.search(line)]
        serious = [line for line in lines if SERIOUS.search(line)] or told or lines[-1:]
        words = dict.fromkeys(STAMP.sub("", line) for line in [*serious[:1], *(told or serious)[-1:]]) \
            or ["it said nothing"]
        return f"{' | '.join(words)} (read {self.log})"

    def _lines(self):
        """What this start has written to the log so far."""
        with open(self.log, "rb") as log:
            log.seek(self.log_start)
            text = COLOUR.sub("", log.read().decode(errors="replace"))
        return [line.strip() for line in text.splitlines() if re.search(r"\w.*\w.*\w{3}", line)]

    def stop(self):
        """Asks it to end, and after ten seconds makes it. True if it ran."""
        pid = self.pid()
        if pid is not None and not self._end(pid, signal.SIGTERM, STOP_S):
            self._end(pid, signal.SIGKILL, STOP_S)
        self.pid_file.unlink(missing_ok=True)
        return pid is not None

    def _end(self, pid, signum, patience):
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            return True
        except PermissionError as problem:
            raise Failure(f"{self.name} (pid {pid}) belongs to another user;"
                          " run this as that user") from problem
        deadline = time.monotonic() + patience
        while self.pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True


def _allow_files():
    """What we start may open FILES files, if the machine's owner has not said otherwise."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
