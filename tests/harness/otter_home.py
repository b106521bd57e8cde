# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Otter of a test's own: `./otter up` in a fresh home, and what must be true when it ends."""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import requests

from . import contract
from .wait import wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
UP_TIMEOUT_S = 100  # shorter than the timeout of a test, so that the reason is what gets printed
DOWN_TIMEOUT_S = 30

# The keys that `up --json` promises to programs outside.
UP_KEYS = {"version", "up", "api", "web", "signaling", "admin", "admin_secret_file", "key", "key_file",
           "room_url", "home", "ports", "pids"}

# A line with one of these makes a test fail, in any log of the home but that of the build.
BAD_LINE = re.compile(
    r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|CRITICAL \*\*|\[FATAL\]|ERROR \*\*")

THE_HOMES_KEY = object()

GONE = (458, 459)  # JANUS_ERROR_SESSION_NOT_FOUND, JANUS_ERROR_HANDLE_NOT_FOUND


class JanusRefused(Exception):
    """Janus' admin API answered with an error, whose number is `code`."""

    def __init__(self, request, reply):
        super().__init__(f"{request.get('janus')}: {reply}")
        self.code = reply.get("error", {}).get("code")


class OtterHome:
    """A running Otter. `info` is the object that `up` printed; its keys are attributes too."""

    def __init__(self, *arguments, home=None, env=None, settings=None):
        """Further arguments go to `otter up`; `env` is added to the environment; `settings`
        ({section: {key: value}}) is what the home's otter.json says."""
        self._made_home = home is None
        self.home = Path(home or tempfile.mkdtemp(prefix="otter-"))  # short: sockets live in it
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("OTTER_HOME")}
        self._env.update(env or {})
        self._arguments = arguments
        if settings:
            (self.home / "conf").mkdir()
            (self.home / "conf" / "otter.json").write_text(json.dumps(settings), encoding="utf-8")
        self._read = {}  # log file -> bytes that an earlier check has seen
        self._processes = {}
        self.info = {}
        self._key = None
        try:
            self.up()
        except BaseException:
            self._otter("down", timeout=DOWN_TIMEOUT_S)
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(failed=kind is not None)

    def __getattr__(self, name):
        try:
            return self.__dict__["info"][name]
        except KeyError:
            raise AttributeError(name) from None

    # The command

    def up(self):
        """Start (again). Ports stay those of the first start."""
        again = bool(self.info)
        arguments = self._arguments if again else ("--port", "0", *self._arguments)
        done = self.otter("up", *arguments, "--json", timeout=UP_TIMEOUT_S)
        try:
            self.info = json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"up --json printed not one JSON object: {done.stdout!r}") from None
        missing = UP_KEYS - self.info.keys()
        assert not missing, f"up --json lacks {sorted(missing)}: {done.stdout}"
        self._key = self.info["key"] or Path(self.info["key_file"]).read_text(encoding="utf-8").strip()
        self._processes = {name: psutil.Process(pid) for name, pid in self.info["pids"].items() if pid}
        assert "janus" in self._processes, f"up --json names no Janus: {self.info['pids']}"
        return self.info

    def down(self):
        """Stop, and assert that everything that was started has ended, in order."""
        self.assert_alive()
        processes, self._processes = self._processes, {}
        self.otter("down", timeout=DOWN_TIMEOUT_S)
        for name, process in processes.items():
            wait_until(lambda p=process: not _runs(p), 5, f"{name} has ended after down\n{self.log_tail()}")
        assert "Bye!" in self._log_text("janus*"), f"Janus did not leave in order\n{self.log_tail()}"
        self.check_logs()

    def kill_janus(self):
        """As a crash would end it; up() brings it back."""
        process = self._processes.pop("janus")
        process.kill()
        wait_until(lambda: not _runs(process), 5, "Janus is gone after SIGKILL")

    def otter(self, *arguments, timeout=30):
        """Run ./otter with this home; its exit must be 0. Returns the CompletedProcess."""
        done = self._otter(*arguments, timeout=timeout)
        assert done.returncode == 0, (f"otter {' '.join(arguments)}: exit {done.returncode}\n"
                                      f"{done.stdout}{done.stderr}\n{self.log_tail()}")
        return done

    def _otter(self, verb, *arguments, timeout):
        argv = [str(CHECKOUT / "otter"), verb, "--home", str(self.home), *arguments]
        # Files, not pipes: a daemon that kept one open would make us wait for it.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen(argv, cwd=CHECKOUT, env=self._env, text=True, start_new_session=True,
                                       stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                err.write(f"\nkilled after {timeout} s\n")
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(argv, process.returncode, out.read(), err.read())

    # REST

    @property
    def key(self):
        """The first API key, which may do everything."""
        return self._key

    def rest(self, method, path, json=None, key=THE_HOMES_KEY, token=None, described=True, **more):
        """A request to a path such as /v1/rooms; with the home's key unless told otherwise.

        key=None sends no Authorization at all. `more` goes to requests. Every answer must be as transports/openapi.yaml
        says; described=False is for a request that libmicrohttpd refuses before it is one of ours.
        """
        bearer = token or (self.key if key is THE_HOMES_KEY else key)
        headers = {**({"Authorization": f"Bearer {bearer}"} if bearer else {}), **more.pop("headers", {})}
        origin = self.info["api"].removesuffix("/v1")
        more.setdefault("timeout", 10)
        answer = requests.request(method, origin + path, json=json, headers=headers, **more)
        if described:
            contract.check(answer)
        return answer

    def create_room(self, **body):
        """A new room, as POST /v1/rooms answers it, with its join token added as "token"."""
        answer = self.rest("POST", "/v1/rooms", json=body)
        assert answer.status_code == 201, f"POST /v1/rooms {body}: {answer.status_code} {answer.text}"
        room = answer.json()
        room["token"] = token_of(room["url"])
        return room

    # Janus

    @property
    def janus_pid(self):
        return self.info["pids"]["janus"]

    def admin(self, request, session=None, handle=None):
        """A request to Janus' admin API; its reply. Raises JanusRefused when it is no success."""
        secret = Path(self.info["admin_secret_file"]).read_text(encoding="utf-8").strip()
        path = "".join(f"/{part}" for part in (session, handle) if part is not None)
        answer = requests.post(self.info["admin"] + path, timeout=10,
                               json={"transaction": "test", "admin_secret": secret, **request})
        reply = answer.json()
        if reply.get("janus") != "success":
            raise JanusRefused(request, reply)
        return reply

    def handles(self, plugin="janus.plugin.otter"):
        """handle_info's "info" of every handle attached to the plugin now."""
        infos = []
        for session in self.admin({"janus": "list_sessions"})["sessions"]:
            try:
                for handle in self.admin({"janus": "list_handles"}, session)["handles"]:
                    infos.append(self.admin({"janus": "handle_info"}, session, handle)["info"])
            except JanusRefused as refused:
                if refused.code not in GONE:  # it may have left since it was listed
                    raise
        return [info for info in infos if info.get("plugin") == plugin]

    # What must hold at the end of a test

    def assert_alive(self):
        for name, process in self._processes.items():
            assert _runs(process), f"{name} has died\n{self.log_tail()}"

    def check_logs(self):
        """No sanitizer report, CRITICAL or FATAL since the last check."""
        bad = []
        for path in self._logs():
            with open(path, "rb") as file:
                file.seek(self._read.get(path, 0))
                new = file.read()
            self._read[path] = self._read.get(path, 0) + len(new)
            bad += [f"{path}: {line}" for line in new.decode(errors="replace").splitlines() if BAD_LINE.search(line)]
        assert not bad, "\n".join(["the log has", *bad, self.log_tail()])

    def log_tail(self, lines=60):
        """The end of each log, for a person who reads why a test failed."""
        parts = []
        for path in self._logs():
            with open(path, encoding="utf-8", errors="replace") as file:
                parts += [f"--- {os.path.basename(path)}\n", *file.readlines()[-lines:]]
        return "".join(parts) or f"(no log in {self.home}/log)"

    def close(self, failed=False):
        """Down with all assertions; the home goes, unless something failed."""
        try:
            if self._processes:
                self.down()
        except BaseException:
            failed = True
            print(f"the home is kept: {self.home}")
            self._otter("down", timeout=DOWN_TIMEOUT_S)
            raise
        finally:
            if self._made_home and not failed:
                shutil.rmtree(self.home, ignore_errors=True)

    def _logs(self):
        return sorted(path for path in glob.glob(f"{self.home}/log/*") if os.path.isfile(path)
                      and os.path.basename(path) != "build.log")

    def _log_text(self, name):
        paths = sorted(glob.glob(f"{self.home}/log/{name}"))
        return "".join(Path(path).read_text(encoding="utf-8", errors="replace") for path in paths)


def token_of(url):
    """The join token in the fragment of a room's URL."""
    tokens = parse_qs(urlsplit(url).fragment).get("token")
    assert tokens, f"the URL carries no token in its fragment: {url.split('#')[0]}"
    return tokens[0]


def _runs(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
