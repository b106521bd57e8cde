# SPDX-License-Identifier: GPL-3.0-or-later
"""The Chrome DevTools Protocol over two pipes, and the process at their other end.

Chromium started with --remote-debugging-pipe reads commands from its descriptor 3 and writes
replies and events to 4, as JSON texts that end with NUL. No port is opened, so any number of
browsers run at once and inside network namespaces.
"""

import fcntl
import json
import os
import signal
import threading

from .wait import wait_until

ABOVE_THE_TARGETS = 10  # pipe ends must not be 3 or 4 themselves while they are put there


class CdpError(Exception):
    """The browser refused a command, or is gone."""


class CdpProcess:
    """A browser process in a session of its own, and the conversation with it."""

    def __init__(self, argv, stderr_path, env):
        self._lock = threading.Condition()  # guards all below but the pipes
        self._next_id = 0
        self._replies = {}   # id -> None while awaited, then the reply
        self._listeners = {}  # session id -> function(method, params)
        self._gone = False
        self.stderr_path = stderr_path

        commands_in, commands_out = _high_pipe()
        events_in, events_out = _high_pipe()
        write_only = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            self.pid = os.posix_spawnp(argv[0], argv, env, setsid=True, file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, stderr_path, write_only, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                (os.POSIX_SPAWN_DUP2, commands_in, 3),
                (os.POSIX_SPAWN_DUP2, events_out, 4),
            ])
        except OSError:
            os.close(commands_out)
            os.close(events_in)
            raise
        finally:
            os.close(commands_in)
            os.close(events_out)
        self._commands = os.fdopen(commands_out, "wb")
        self._write_lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, args=(events_in,), daemon=True, name=f"cdp-{self.pid}")
        self._reader.start()

    def send(self, method, params=None, session=None, timeout=30.0):
        """Send a command, return its result. Not to be called from a listener."""
        number = self.post(method, params, session, awaited=True)
        with self._lock:
            answered = self._lock.wait_for(lambda: self._replies[number] is not None or self._gone, timeout)
            reply = self._replies.pop(number)
        if reply is None:
            why = "the browser is gone" if answered else f"no answer within {timeout:g} s"
            raise CdpError(f"{method}: {why}\n{self.stderr_tail() if answered else ''}")
        if "error" in reply:
            raise CdpError(f"{method}: {reply['error'].get('message')}")
        return reply["result"]

    def post(self, method, params=None, session=None, awaited=False):
        """Send a command and do not wait; return its number."""
        with self._lock:
            self._next_id += 1
            number = self._next_id
            if awaited:
                self._replies[number] = None
        message = {"id": number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        try:
            with self._write_lock:
                self._commands.write(json.dumps(message).encode() + b"\0")
                self._commands.flush()
        except (BrokenPipeError, ValueError):
            with self._lock:
                self._gone = True
        return number

    def listen(self, session, listener):
        """Call listener(method, params) for each event of the session, on the reader's thread."""
        with self._lock:
            self._listeners[session] = listener

    def forget(self, session):
        with self._lock:
            self._listeners.pop(session, None)

    @property
    def alive(self):
        with self._lock:
            return not self._gone

    def stderr_tail(self, lines=20):
        try:
            with open(self.stderr_path, encoding="utf-8", errors="replace") as text:
                return "".join(text.readlines()[-lines:])
        except FileNotFoundError:
            return ""

    def end(self, patience=5.0):
        """Ask the browser to close; kill its own process group if it does not."""
        self.post("Browser.close")
        try:
            wait_until(self._reaped, patience, "the browser ends when asked")
        except AssertionError:
            self._kill()
            wait_until(self._reaped, patience, "the browser ends when killed")
        self._kill()  # helpers that outlived it
        self._reader.join(patience)
        try:
            self._commands.close()
        except BrokenPipeError:
            pass

    def _reaped(self):
        try:
            return os.waitpid(self.pid, os.WNOHANG)[0] == self.pid
        except ChildProcessError:
            return True

    def _kill(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def _read(self, descriptor):
        rest = b""
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            while chunk := pipe.read(1 << 16):
                *messages, rest = (rest + chunk).split(b"\0")
                for message in messages:
                    self._dispatch(json.loads(message))
        with self._lock:
            self._gone = True
            self._lock.notify_all()

    def _dispatch(self, message):
        with self._lock:
            if "id" in message:
                if message["id"] in self._replies:
                    self._replies[message["id"]] = message
                    self._lock.notify_all()
                return
            listener = self._listeners.get(message.get("sessionId"))
        if listener:
            listener(message["method"], message["params"])


def _high_pipe():
    """A pipe whose ends are out of the way of descriptors 3 and 4, and are not inherited."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, ABOVE_THE_TARGETS) for end in ends]
    for end in ends:
        os.close(end)
    return high
