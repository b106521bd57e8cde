# SPDX-License-Identifier: GPL-3.0-or-later
"""The build as a packager or a newcomer runs it, each in a folder of its own."""

import importlib
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
JOBS = f"-j{os.cpu_count()}"
LIMIT_S = 600


def run(*command, cwd, **environment):
    """Runs a command to its end; its output is the message of a failure."""
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout[-6000:]}"
    return done.stdout


def installed(stage):
    return {str(path.relative_to(stage)) for path in stage.rglob("*") if path.is_file()}


@pytest.fixture(scope="module", autouse=True)
def prepared():
    if not (ROOT / "configure").exists():
        run("autoreconf", "-fi", cwd=ROOT)


@pytest.mark.timeout(LIMIT_S)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_it_builds_without_a_warning(tmp_path, compiler):
    assert shutil.which(compiler), f"{compiler} is not installed"
    run(str(ROOT / "configure"), "--enable-werror", cwd=tmp_path, CC=compiler)
    run("make", JOBS, cwd=tmp_path)


@pytest.mark.timeout(LIMIT_S)
def test_a_release_builds_checks_installs_and_leaves_nothing_behind(tmp_path):
    run(str(ROOT / "configure"), cwd=tmp_path)
    run("make", JOBS, "distcheck", "DISTCHECK_CONFIGURE_FLAGS=--enable-werror", cwd=tmp_path)


@pytest.mark.timeout(LIMIT_S)
def test_an_installation_has_modules_core_web_app_and_samples_and_touches_no_configuration(tmp_path):
    stage = tmp_path / "stage"
    mine = stage / "etc/janus/janus.plugin.otter.jcfg"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", encoding="utf-8")
    run(str(ROOT / "configure"), f"--prefix={stage}", cwd=tmp_path)
    run("make", JOBS, "install", cwd=tmp_path)
    files = installed(stage)
    assert {"lib/otter/libotter-core.so", "lib/janus/plugins/libjanus_otter.so", "lib/janus/transports/libjanus_otter_transport.so",
            "etc/janus/janus.plugin.otter.jcfg.sample", "etc/janus/janus.transport.otter.jcfg.sample",
            "share/otter/html/index.html", "share/otter/html/sdk/otter.js", "share/otter/html/sdk/janus.js",
            "share/otter/html/v1/openapi.yaml"} <= files
    assert mine.read_text(encoding="utf-8") == "mine"
    assert f"{stage}/share/otter/html" in (stage / "etc/janus/janus.transport.otter.jcfg.sample").read_text(encoding="utf-8")


def test_what_was_built_is_built_again_when_its_installation_is_gone(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    build, checkout = importlib.import_module("otterctl.build"), importlib.import_module("otterctl.checkout")
    monkeypatch.setattr(checkout, "ROOT", tmp_path)  # nothing is in it but these: what is run is only noted
    (tmp_path / "configure.ac").touch()
    ran = []
    for step in ("_autoreconf", "_configure"):
        monkeypatch.setattr(build, step, lambda *_: None)
    monkeypatch.setattr(build, "_run", lambda command, *_: (ran.append(command), build.stage().mkdir(exist_ok=True)))
    monkeypatch.setattr(build, "SOURCES", ["configure.ac"])

    log = tmp_path / "build.log"
    assert (build.ensure(log), len(ran)) == ("built", 2)
    assert (build.ensure(log), len(ran)) == ("nothing has changed", 2)
    build.stage().rmdir()
    assert (build.ensure(log), len(ran)) == ("built", 4)


def test_every_file_of_the_web_app_is_installed(tmp_path):
    """Makefile.am lists them by hand: a file that is forgotten there would be missing on every server."""
    makefile = (ROOT / "Makefile.am").read_text(encoding="utf-8")
    forgotten = [str(path.relative_to(ROOT)) for path in (ROOT / "html").rglob("*")
                 if path.is_file() and str(path.relative_to(ROOT)) not in makefile]
    assert forgotten == []
