# SPDX-License-Identifier: GPL-3.0-or-later
"""How ./otter up fails: with one line that says what happened and what to do, and with nothing left running."""

import importlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from harness.disk import SmallDisk, as_root
from harness.otter_home import CHECKOUT

DONE, FAILED, RIGHTS_NEEDED = 0, 1, 4
PATIENCE_S = 100
BUILD_PATIENCE_S = 280  # configure runs too, perhaps beside other builds
ROOMY = "32m"
NOBODY = {"user": "nobody", "group": "nogroup", "extra_groups": []}
COPIED = ("plugin", "transports", "html", "conf", "m4", "scripts", "tests", "build-aux")


def otter(*arguments, checkout=CHECKOUT, env=None, **more):
    environment = {name: value for name, value in os.environ.items() if name != "OTTER_HOME"}
    return subprocess.run([str(checkout / "otter"), *map(str, arguments)], cwd="/", env={**environment, **(env or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          **{"timeout": PATIENCE_S, **more})


@pytest.fixture
def folder():
    """A folder that every user may look into; whatever was started in its homes is stopped at the end."""
    path = Path(tempfile.mkdtemp(prefix="otter-"))
    path.chmod(0o755)
    yield path
    for home in path.glob("*/.otter-home"):
        otter("down", "--home", home.parent)
    shutil.rmtree(path)


def advice(done, code):
    """The one line, which ends what a failed run says; on stdout there is nothing but its JSON."""
    told = f"exit {done.returncode}\n{done.stdout}{done.stderr}"
    assert done.returncode == code, told
    assert "Traceback" not in done.stderr, told
    *progress, last = done.stderr.splitlines()
    assert last.startswith("otter: ") and not [line for line in progress if line.startswith("otter: ")], told
    message = last.removeprefix("otter: ")
    assert json.loads(done.stdout) == {"error": {"message": message, "exit": code}}, told
    return message


def assert_nothing_runs(home):
    state = json.loads(otter("status", "--home", home, "--json").stdout)
    assert state["up"] is False and state["pids"] == {"janus": None, "turn": None}


@pytest.fixture
def small_disk(folder):
    disk = SmallDisk(folder / "disk")
    yield disk
    otter("down", "--home", disk.folder / "home")
    disk.unmount()


# Which file is the first that finds no room: the mark of the home, coturn's database, a configuration, our database.
@as_root
@pytest.mark.parametrize("size", ["4k", "48k", "96k", "128k", "192k"])
def test_a_full_disk_is_named_and_up_works_once_there_is_room(small_disk, size):
    home = small_disk.resize(size) / "home"
    message = advice(otter("up", "--home", home, "--port", 0, "--json"), FAILED)
    assert re.search(rf"the disk is full \({home}\S*\); free some space and run this again$", message), message
    assert_nothing_runs(home)

    small_disk.resize(ROOMY)
    up = otter("up", "--home", home, "--port", 0, "--json")
    assert up.returncode == DONE and json.loads(up.stdout)["up"] is True, up.stderr


def test_what_was_started_is_stopped_though_its_number_was_never_written(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(CHECKOUT / "scripts")
    homes, services = importlib.import_module("otterctl.home"), importlib.import_module("otterctl.service")
    home = homes.Home(tmp_path)
    home.log.mkdir()  # and no folder for the number
    program = services.Service(home, "sleeper", ["sleep", "600"], "600")
    with pytest.raises(OSError):
        program.start()
    try:
        assert program.process.poll() is None and program.pid() == program.process.pid
        assert program.stop() is True
        assert program.process.returncode is not None and program.pid() is None
    finally:
        program.process.kill()


@as_root
def test_a_disk_that_may_only_be_read_is_named(small_disk):
    home = small_disk.resize(ROOMY) / "home"
    small_disk.make_read_only()
    message = advice(otter("up", "--home", home, "--port", 0, "--json"), FAILED)
    assert message == f"the disk of {home} may only be read; make it writable, or name another place with --home"


@as_root
def test_a_place_where_one_may_not_write_is_named(folder):
    readable_or_skip()
    home = folder / "home"
    message = advice(otter("up", "--home", home, "--port", 0, "--json", **NOBODY), RIGHTS_NEEDED)
    assert message == f"no right to use {home}; run this as its owner, or name another place with --home"
    assert not home.exists()


@as_root
def test_a_home_of_somebody_else_is_not_touched(folder):
    readable_or_skip()
    home = folder / "home"
    assert otter("up", "--home", home, "--port", 0, "--json").returncode == DONE
    for verb in ("up", "down"):
        message = advice(otter(verb, "--home", home, "--json", **NOBODY), RIGHTS_NEEDED)
        assert message.startswith(f"no right to use {home}") and "as its owner" in message
    assert otter("status", "--home", home).returncode == DONE


@as_root
def test_without_root_missing_packages_are_an_apt_get_line_to_copy(folder):
    readable_or_skip()
    home = folder / "home"
    home.mkdir()
    shutil.chown(home, NOBODY["user"])
    path = f"{without_package(folder, 'libjwt-dev')}:{os.environ['PATH']}"
    done = otter("up", "--home", home, "--port", 0, "--json", env={"PATH": path}, **NOBODY)
    assert advice(done, RIGHTS_NEEDED) == ("packages are missing; as root run:"
                                           " apt-get install --no-install-recommends libjwt-dev")


def without_package(folder, package):
    """A folder for PATH whose dpkg-query does not know one package: to remove it from the machine would be rude."""
    real = shutil.which("dpkg-query")
    fake = folder / "bin" / "dpkg-query"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{real} \"$@\" | grep -v '^{package} '\n", encoding="ascii")
    fake.chmod(0o755)
    return fake.parent


@pytest.mark.timeout(300)
def test_a_build_that_fails_shows_the_compilers_words_and_names_its_log(folder):
    checkout = folder / "checkout"
    checkout.mkdir()
    for path in CHECKOUT.iterdir():
        if path.is_dir() and path.name in COPIED:
            shutil.copytree(path, checkout / path.name, ignore=shutil.ignore_patterns("artifacts", "__pycache__"))
        elif path.is_file():
            shutil.copy2(path, checkout)
    source = checkout / "plugin" / "core" / "candidate.c"  # among the first that are compiled
    source.write_text(source.read_text(encoding="utf-8") + "\nint broken(void) { return missing; }\n", encoding="utf-8")

    home = folder / "home"
    done = otter("up", "--home", home, "--port", 0, "--json", checkout=checkout, timeout=BUILD_PATIENCE_S)
    assert advice(done, FAILED) == f"make failed; read {home}/log/build.log, mend it, and run this again"
    assert re.search(r"candidate\.c:\d+:\d+: error: .missing. undeclared", done.stderr), done.stderr
    assert "undeclared" in (home / "log" / "build.log").read_text(encoding="utf-8", errors="replace")
    assert_nothing_runs(home)


@as_root
def test_where_nothing_must_be_installed_any_user_may_run_it(folder):
    readable_or_skip()
    home = folder / "place" / "home"
    home.parent.mkdir()
    shutil.chown(home.parent, NOBODY["user"], NOBODY["group"])
    up = otter("up", "--home", home, "--port", 0, "--json", **NOBODY)
    assert up.returncode == DONE, up.stderr
    pids = json.loads(up.stdout)["pids"]
    try:
        assert {Path("/proc", str(pid)).owner() for pid in pids.values()} == {NOBODY["user"]}
        assert otter("status", "--home", home, **NOBODY).returncode == DONE
        assert otter("up", "--home", home, **NOBODY).returncode == DONE, "again"
    finally:
        down = otter("down", "--home", home, "--json", **NOBODY)
    assert down.returncode == DONE and set(json.loads(down.stdout)["stopped"]) == {"janus", "turn"}, down.stderr


def readable_or_skip():
    """Another user can run what is here only where they may read it."""
    stage = os.environ.get("OTTER_STAGE", CHECKOUT)
    for path in (CHECKOUT / "otter", Path(stage)):
        seen = subprocess.run(["test", "-r", path], check=False, **NOBODY)
        if seen.returncode != 0:
            pytest.skip(f"{NOBODY['user']} may not read {path}: put the checkout where every user may, as in /srv")
