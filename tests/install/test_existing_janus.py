# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/existing-janus.md, done to a copy of Debian's Janus with everything that it brings along."""

import base64
import hashlib
import hmac
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import requests
from harness.otter_home import BAD_LINE
from harness.wait import wait_until
from install.free_ports import free_ports
from install.two_people import make_room, meet

ROOT = Path(__file__).resolve().parents[2]
TEXT = ROOT / "docs" / "existing-janus.md"
LIMIT_S = 300
JOBS = f"-j{os.cpu_count()}"
PLUGIN, TRANSPORT = "janus.plugin.otter", "janus.transport.otter"
NO_SUCH_PLUGIN = 460  # JANUS_ERROR_PLUGIN_NOT_FOUND
UNAUTHORIZED, UNAUTHORIZED_PLUGIN = 403, 405  # JANUS_ERROR_UNAUTHORIZED, JANUS_ERROR_UNAUTHORIZED_PLUGIN
GATE_SECRET = "a-gate-secret-of-this-test"

pytestmark = [pytest.mark.timeout(LIMIT_S),
              pytest.mark.skipif(not Path("/etc/janus/janus.jcfg").exists(), reason="Debian's janus is not installed here")]


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))} failed:\n{done.stdout[-6000:]}"
    return done.stdout


def multiarch():
    return run("gcc", "-print-multiarch", cwd="/").strip()


def documented(heading):
    """The lines of the first sh block below a heading of the text."""
    found = re.search(rf"^## {re.escape(heading)}$.*?^```sh\n(.*?)^```", TEXT.read_text(encoding="utf-8"), re.M | re.S)
    assert found, f"{TEXT} has no block of commands below {heading!r}"
    return found.group(1)


class DebiansJanus:
    """A copy of it below `root`. Only paths and ports of its configuration are changed, as two of a kind on one machine need it."""

    def __init__(self, root, scratch):
        self.root = root
        self.etc = root / "etc" / "janus"
        self.prefix = root / "usr"
        self.modules = self.prefix / "lib" / multiarch() / "janus"
        self.log = root / "janus.log"
        self.signaling, self.http = free_ports(2)
        self._scratch = scratch
        self._process = None
        for folder in ("etc/janus", f"usr/lib/{multiarch()}/janus", "usr/include/janus", "usr/share/janus"):
            shutil.copytree(Path("/") / folder, root / folder, symlinks=True)
        (self.prefix / "bin").mkdir()
        shutil.copy2("/usr/bin/janus", self.prefix / "bin")
        self._move_ports()
        self._close_the_demo_room()

    def _move_ports(self):
        self.change("janus.jcfg", ('"/etc/janus"', f'"{self.etc}"'), (f'"/usr/lib/{multiarch()}/janus/', f'"{self.modules}/'))
        self.change("janus.transport.http.jcfg", ("\tport = 8088", f'\tip = "127.0.0.1"\n\tport = {self.http}'))
        self.change("janus.transport.websockets.jcfg", ("\tws_port = 8188", f'\tws_ip = "127.0.0.1"\n\tws_port = {self.signaling}'))
        self.change("janus.transport.nanomsg.jcfg", ("ipc:///tmp/", f"ipc://{self._scratch}/"))
        names = ("audioport = 5002", "videoport = 5004", "port = 5102", "port = 5104", "port = 5106")
        ports = free_ports(len(names), socket.SOCK_DGRAM)
        self.change("janus.plugin.streaming.jcfg",
                    *((f"\t{name}", f"\t{name.split()[0]} = {port}") for name, port in zip(names, ports)))

    def _close_the_demo_room(self):
        """Takes AudioBridge's sample room out; the plugin itself stays. With a room Debian's own Janus aborts in some stops, also without ours:
        nobody waits for the room's mixer thread (janus_audiobridge_destroy, Janus 1.1.2), which then frees its memory while main leaves through
        exit(), where sofia-sip (1.12.11, of the SIP plugin) deletes a thread key that it never made (sofia_su_uniqueid_destructor; done_once
        begins as 1, mended by its commit 948e2ea of 2021), and that is key 0, GLib's. So here no thread is left that could fall into it but
        one of ours, and every stop is judged whole."""
        name = "janus.plugin.audiobridge.jcfg"
        rooms = re.findall(r"^room-.*?^}$", (self.etc / name).read_text(encoding="utf-8"), re.M | re.S)
        self.change(name, *((room, "") for room in rooms))
        assert len(rooms) == 1, rooms

    def change(self, name, *changes):
        text = (self.etc / name).read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new)
        (self.etc / name).write_text(text, encoding="utf-8")

    def files(self):
        """What it consists of: path -> digest."""
        return {str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
                for folder in (self.etc, self.prefix) for path in folder.rglob("*") if path.is_file()}

    def configure(self, build, *more):
        """As documented, with the paths of this copy."""
        build.mkdir(exist_ok=True)
        run(ROOT / "configure", f"--prefix={self.prefix}", f"--with-janus={self.prefix}", f"--sysconfdir={self.root}/etc", *more, cwd=build)

    def install(self, build):
        self.configure(build)
        run("make", JOBS, "install", cwd=build)

    def switch_on(self):
        """The lines of the text, below this root."""
        lines = documented("Switch it on")
        assert "/etc/janus" in lines and "/var/lib/janus" in lines
        (self.root / "var" / "lib").mkdir(parents=True)
        run("sh", "-euc", re.sub(r"(?<![\w/])/(etc|var)/", rf"{self.root}/\1/", lines), cwd=self.root)
        port = free_ports(1)[0]
        self.change(f"{PLUGIN}.jcfg", ("/var/lib/janus/", f"{self.root}/var/lib/janus/"), (":8188", f":{self.signaling}"))
        self.change(f"{TRANSPORT}.jcfg", ("port = 8080", f"port = {port}"))
        return f"http://127.0.0.1:{port}"

    def shut_the_gate(self):
        """As the text advises: nobody makes a session without a signed token, and Otter hands them out."""
        file = self.root / "var" / "lib" / "janus" / "janus-token.secret"
        file.touch(0o600)
        file.write_text(GATE_SECRET, encoding="ascii")
        self.change("janus.jcfg", ("#token_auth = true", "token_auth = true"),
                    ('#token_auth_secret = "janus"', f'token_auth_secret = "{GATE_SECRET}"'))
        self.change(f"{PLUGIN}.jcfg", (f'#janus_token_secret_file = "{self.root}/var/lib/janus/janus-token.secret"', f'janus_token_secret_file = "{file}"'))

    # It runs

    def __enter__(self):
        with open(self.log, "w", encoding="utf-8") as log:
            self._process = subprocess.Popen([self.prefix / "bin" / "janus", f"--configs-folder={self.etc}", "--disable-colors"],
                                             cwd=self.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self._answers, 20, "Debian's Janus answers over HTTP", ignoring=requests.ConnectionError)
        except BaseException:
            self._process.kill()
            self._process.wait()
            print(self.text())
            raise
        return self

    def _answers(self):
        assert self._process.poll() is None, f"Janus ended with {self._process.returncode}"
        return self.info()

    def __exit__(self, kind, *_):
        self._process.terminate()
        try:
            code = self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if kind is not None:
            print(self.text())
            return
        bad = [line for line in self.text().splitlines() if BAD_LINE.search(line)]
        assert (code, bad) == (0, []), self.text()
        assert "Bye!" in self.text()

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def request(self, path="", **message):
        return requests.post(f"http://127.0.0.1:{self.http}/janus{path}", json={"transaction": "t", **message}, timeout=10).json()

    def info(self):
        return self.request(janus="info")

    def modules_loaded(self):
        info = self.info()
        return {kind: set(info.get(kind, {})) for kind in ("plugins", "transports", "events", "loggers")}

    def echotest_attaches(self):
        session = self.request(janus="create")["data"]["id"]
        answer = self.request(f"/{session}", janus="attach", plugin="janus.plugin.echotest")
        refused = self.request(f"/{session}", janus="attach", plugin=PLUGIN)
        self.request(f"/{session}", janus="destroy")
        return answer["janus"] == "success", refused.get("error", {}).get("code")


@pytest.fixture
def janus(tmp_path):
    scratch = tempfile.mkdtemp(prefix="otter-")  # short: a socket lives in it
    yield DebiansJanus(tmp_path, scratch)
    shutil.rmtree(scratch, ignore_errors=True)


@pytest.fixture(autouse=True)
def prepared():
    made = ROOT / "configure"
    if not made.exists() or made.stat().st_mtime < (ROOT / "configure.ac").stat().st_mtime:
        run("autoreconf", "-fi", cwd=ROOT)


def test_it_works_in_debians_janus_beside_all_its_modules_and_changes_none_of_its_files(janus, tmp_path):
    with janus:
        stock = janus.modules_loaded()
    assert len(stock["plugins"]) >= 10, stock  # else this would prove little
    before = janus.files()
    janus.install(tmp_path / "build")
    web = janus.switch_on()
    with janus:
        loaded = janus.modules_loaded()
        assert loaded == {**stock, "plugins": stock["plugins"] | {PLUGIN}, "transports": stock["transports"] | {TRANSPORT}}
        assert requests.get(f"{web}/healthz", timeout=10).status_code == 200
        assert "<script" in requests.get(web, timeout=10).text
        assert requests.get(f"{web}/sdk/janus.js", timeout=10).status_code == 200
        key = (janus.root / "var/lib/janus/otter-api.key").read_text(encoding="utf-8").strip()
        room = make_room(f"{web}/v1", key)
        way_in = meet(f"{web}/v1", room)
        assert way_in["signaling"][0]["url"] == f"ws://127.0.0.1:{janus.signaling}"
        assert janus.echotest_attaches() == (True, None)
    after = janus.files()
    assert {path: digest for path, digest in after.items() if path in before} == before
    assert not any(path.startswith("etc") and not re.search(r"otter\.jcfg(\.sample)?$", path) for path in after.keys() - before.keys())


def test_behind_a_gate_only_who_has_a_token_of_a_room_makes_a_session_and_only_ours_is_attached(janus, tmp_path):
    janus.install(tmp_path / "build")
    web = janus.switch_on()
    janus.shut_the_gate()
    with janus:
        assert len(janus.modules_loaded()["plugins"]) >= 10  # else this would prove little
        key = (janus.root / "var/lib/janus/otter-api.key").read_text(encoding="utf-8").strip()
        room = make_room(f"{web}/v1", key)
        for stranger in ({}, {"Authorization": "Bearer tea"}, {"Authorization": f"Bearer {key}"}):
            assert requests.post(f"{web}/v1/connect", headers=stranger, timeout=10).status_code == 401
        token = meet(f"{web}/v1", room)["janus_token"]
        for wrong in ({}, {"token": "tea"}, {"token": room["token"]}, {"token": key}, {"token": forged(token)}, {"token": outdated(token)}):
            assert janus.request(janus="create", **wrong)["error"]["code"] == UNAUTHORIZED, wrong
        session = janus.request(janus="create", token=token)["data"]["id"]
        for plugin in sorted(janus.modules_loaded()["plugins"] - {PLUGIN}):
            answer = janus.request(f"/{session}", janus="attach", plugin=plugin, token=token)
            assert answer["error"]["code"] == UNAUTHORIZED_PLUGIN, (plugin, answer)
        assert janus.request(f"/{session}", janus="attach", plugin=PLUGIN)["error"]["code"] == UNAUTHORIZED
        assert janus.request(f"/{session}", janus="attach", plugin=PLUGIN, token=token)["janus"] == "success"


def forged(token):
    """For all plugins, with the signature for one."""
    claims, _, signature = token.rpartition(":")
    return f"{claims},janus.plugin.echotest:{signature}"


def outdated(token):
    claims = token.rpartition(":")[0].partition(",")[2]
    text = f"{int(time.time()) - 1},{claims}"
    return f"{text}:{base64.b64encode(hmac.digest(GATE_SECRET.encode(), text.encode(), 'sha1')).decode()}"


def test_without_a_configuration_ours_refuses_in_one_line_each_and_janus_goes_on(janus, tmp_path):
    with janus:
        stock = janus.modules_loaded()
    janus.install(tmp_path / "build")
    with janus:
        assert janus.modules_loaded() == stock
        assert janus.echotest_attaches() == (True, NO_SUCH_PLUGIN)
    said = [line for line in janus.text().splitlines() if "[otter]" in line]
    assert len(said) == 2, said
    for line, package in zip(said, (PLUGIN, TRANSPORT)):
        assert line.endswith(f"cannot read {janus.etc}/{package}.jcfg: copy {package}.jcfg.sample there and adapt it."), line


# Where things go

def libdir_of(build):
    return re.search(r"^libdir = (.*)$", (build / "Makefile").read_text(encoding="utf-8"), re.M).group(1)


def test_the_documented_line_installs_into_debians_own_folders(tmp_path):
    line = re.search(r"^\./configure (.*?) &&", documented("Build and install"), re.M)
    build, stage = tmp_path / "build", tmp_path / "stage"
    build.mkdir()
    run(ROOT / "configure", *line.group(1).split(), cwd=build)
    run("make", JOBS, "install", f"DESTDIR={stage}", cwd=build)
    files = {f"/{path.relative_to(stage)}" for path in stage.rglob("*") if path.is_file()}
    lib = f"/usr/lib/{multiarch()}"
    assert {path for path in files if not path.startswith("/usr/share/otter/html/")} == {
        f"{lib}/janus/plugins/libjanus_otter.so", f"{lib}/janus/transports/libjanus_otter_transport.so", f"{lib}/otter/libotter-core.so",
        "/etc/janus/janus.plugin.otter.jcfg.sample", "/etc/janus/janus.transport.otter.jcfg.sample"}
    assert "/usr/share/otter/html/index.html" in files
    owned = subprocess.run(["dpkg", "-S", *sorted(files)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    assert owned == "", f"a Debian package has files of these names:\n{owned}"


def test_a_janus_built_by_hand_and_a_libdir_that_is_given_are_respected(janus, tmp_path):
    janus.configure(tmp_path / "natural")
    assert libdir_of(tmp_path / "natural") == "${exec_prefix}/lib/" + multiarch()
    janus.configure(tmp_path / "given", "--libdir=/elsewhere")
    assert libdir_of(tmp_path / "given") == "/elsewhere"
    janus.modules.rename(janus.prefix / "lib" / "janus")
    janus.configure(tmp_path / "by-hand")
    assert libdir_of(tmp_path / "by-hand") == "${exec_prefix}/lib"
