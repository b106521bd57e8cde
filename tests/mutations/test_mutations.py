# SPDX-License-Identifier: GPL-3.0-or-later
"""Each of the mutations has to make a test fail, and without any they pass: so the tests can tell."""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess

import pytest

from mutations.mutations import EXPLORER, IN_NODE, MUTATIONS

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARIES = ["glib-2.0", "jansson", "libjwt", "sqlite3"]
LIMIT_S = 120
FIXTURE = ["tests/unit/fixture.c"]


def run(*command, cwd=None):
    return subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=LIMIT_S, check=False)


def must(*command, cwd=None):
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}"
    return done.stdout


class Core:
    """The core's objects, to link unit tests with; one of them at a time made anew from another text."""

    def __init__(self, folder):
        self.folder = folder
        self.compile_flags = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-I", str(ROOT), "-I", str(ROOT / "plugin"),
                              *must("pkg-config", "--cflags", *LIBRARIES).split()]
        self.link_flags = [*must("pkg-config", "--libs", *LIBRARIES).split(), "-lpthread"]
        self.sources = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "plugin/core").glob("*.c"))] + FIXTURE
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            self.objects = dict(zip(self.sources, pool.map(self.compile, self.sources)))

    def compile(self, source, text=None):
        """The object of a source of the checkout, or of `text` in its place."""
        stem = source.replace("/", "_") + (".mutated" if text else "")
        path = ROOT / source
        if text:
            path = self.folder / f"{stem}.c"
            path.write_text(text, encoding="utf-8")
        made = self.folder / f"{stem}.o"
        must("gcc", *self.compile_flags, "-I", str((ROOT / source).parent), "-c", str(path), "-o", str(made))
        return str(made)

    def outcome(self, test, mutated=None, text=None):
        """How the unit test ends with this source mutated."""
        objects = {**self.objects, **({mutated: self.compile(mutated, text)} if mutated else {})}
        program = self.folder / test
        must("gcc", *self.compile_flags, str(ROOT / f"tests/unit/{test}.c"), *objects.values(), "-o", str(program), *self.link_flags)
        return run(str(program), cwd=self.folder)


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    return Core(tmp_path_factory.mktemp("core"))


@pytest.fixture
def model(tmp_path):
    """The SDK and its model in a folder of their own: outcome(script, file, text)."""
    for folder in ("html/sdk", "tests/model"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "html/package.json", tmp_path / "html")

    def outcome(script, file, text):
        (tmp_path / file).write_text(text, encoding="utf-8")
        return run("node", str(tmp_path / "tests/model" / script))
    return outcome


def mutated(mutation):
    text = (ROOT / mutation.file).read_text(encoding="utf-8")
    assert text.count(mutation.old) == 1, f"{mutation.file} has {text.count(mutation.old)} times: {mutation.old}"
    return text.replace(mutation.old, mutation.new)


def cases(in_node):
    return [pytest.param(each, id=each.name, marks=[] if each.daily else [pytest.mark.deep])
            for each in MUTATIONS if (each.by in IN_NODE) == in_node]


@pytest.mark.timeout(LIMIT_S)
@pytest.mark.parametrize("mutation", cases(in_node=True))
def test_the_model_notices_that(model, mutation):
    done = model(mutation.by, mutation.file, mutated(mutation))
    assert done.returncode == 1, done.stdout[-2000:]
    assert "NOT TO ITS END" not in done.stdout, done.stdout[-2000:]


@pytest.mark.timeout(2 * LIMIT_S)
@pytest.mark.parametrize("mutation", cases(in_node=False))
def test_a_unit_test_notices_that(core, mutation):
    done = core.outcome(mutation.by, mutation.file, mutated(mutation))
    assert done.returncode != 0, done.stdout[-2000:]


@pytest.mark.timeout(2 * LIMIT_S)
@pytest.mark.parametrize("test", sorted({each.by for each in MUTATIONS if each.by not in IN_NODE}))
def test_without_a_mutation_the_unit_test_passes(core, test):
    done = core.outcome(test)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.timeout(2 * LIMIT_S)
@pytest.mark.parametrize("script", [pytest.param(each, marks=[pytest.mark.deep] if each == EXPLORER else []) for each in IN_NODE])
def test_without_a_mutation_the_model_is_content(model, script):
    text = (ROOT / MUTATIONS[0].file).read_text(encoding="utf-8")
    done = model(script, MUTATIONS[0].file, text)
    assert done.returncode == 0, done.stdout[-2000:]
