# SPDX-License-Identifier: GPL-3.0-or-later
"""The home of one deployment: its folders, secrets, and files, for its user only.

    conf/     generated configuration     data/  otter.db, turn.db
    secrets/  one secret a file           log/   janus.log, turn.log, build.log
    modules/  links to what Janus loads   run/   ports.json, pid files
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path

from otterctl import checkout
from otterctl.errors import USAGE, Failure

MARKER = ".otter-home"
SETTINGS = "otter.json"  # in conf/: what an operator sets, see settings.py
FOLDERS = ["conf/janus", "secrets", "data", "log", "run", "modules/plugins", "modules/transports",
           "modules/events", "modules/loggers"]
SECRETS = ["admin.secret", "janus_token.secret"]
SECRET_BYTES = 32


class Home:
    """The paths of one home, whether it exists or not."""

    def __init__(self, path):
        self.path = path
        self.conf = path / "conf"
        self.secrets = path / "secrets"
        self.data = path / "data"
        self.log = path / "log"
        self.run = path / "run"
        self.modules = path / "modules"
        self.key_file = self.secrets / "api.key"
        self.admin_secret_file = self.secrets / "admin.secret"

    @classmethod
    def find(cls, asked):
        """The home that was asked for, or OTTER_HOME, or .otter in the checkout."""
        path = asked or os.environ.get("OTTER_HOME") or checkout.ROOT / ".otter"
        return cls(Path(path).expanduser().resolve())

    def exists(self):
        """Whether this is a home; a folder of somebody else is none."""
        return (self.path / MARKER).is_file()

    def create(self):
        """Makes the folder, for its user only; refuses one with other things in it."""
        if self.path.is_dir() and not self.exists() and not self._holds_settings_alone():
            raise Failure(f"{self.path} is a folder with other things in it;"
                          " give an empty or new one with --home", USAGE)
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        self.path.chmod(0o700)
        if not self.exists():
            write(self.path / MARKER, "A home of Otter: `./otter down --purge` removes it.\n")

    def _holds_settings_alone(self):
        """Whether there is nothing, or what an operator prepares: conf/otter.json."""
        files = [path for path in self.path.rglob("*") if path != self.conf]
        return files in ([], [self.conf / SETTINGS])

    def furnish(self):
        """Makes what is missing of the folders and secrets; never changes a secret."""
        for folder in FOLDERS:
            self._folder(Path(folder))
        for name in SECRETS:
            if not (self.secrets / name).exists():
                write(self.secrets / name, secrets.token_hex(SECRET_BYTES) + "\n")

    def _folder(self, relative):
        path = self.path
        for part in relative.parts:
            path = path / part
            path.mkdir(mode=0o700, exist_ok=True)

    def secret(self, name):
        """A secret's text, None when it was not made yet."""
        return read(self.secrets / name)

    def render(self, template, values, target):
        """Writes conf/`target` from a template of conf/home. A line that names a value
        which is None is left out."""
        text = (checkout.TEMPLATES / template).read_text()
        lines = [fill(line, values, quoted=".jcfg" in template)
                 for line in text.splitlines(keepends=True)]
        write(self.conf / target, "".join(line for line in lines if line is not None))

    def link(self, folder, files):
        """Makes modules/`folder` hold links to `files` and nothing else."""
        place = self.modules / folder
        for old in place.iterdir():
            old.unlink()
        for file in files:
            (place / file.name).symlink_to(file)

    def purge(self):
        """Removes the home with everything in it."""
        shutil.rmtree(self.path)

    @contextlib.contextmanager
    def lock(self):
        """One command at a time changes a home."""
        with open(self.path / MARKER, "r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def fill(line, values, quoted):
    """`line` with its @NAME@s replaced; None if one of them has no value."""
    names = re.findall(r"@([A-Z_]+)@", line)
    if any(values[name] is None for name in names):
        return None
    for name in names:
        value = str(values[name])
        if quoted:
            value = value.replace("\\", "\\\\").replace('"', '\\"')
        line = line.replace(f"@{name}@", value)
    return line


def write(path, text):
    """Replaces a file at once, readable by its user alone. An OSError names that file."""
    try:
        _replace(path, text)
    except OSError as problem:
        problem.filename = str(path)  # not the temporary one; and a full disk names none
        raise


def _replace(path, text):
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:  # mkstemp made it 0600
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def read(path):
    """A small file's text without white space around it; None if there is no such file."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_json(path):
    """The object in a JSON file; an empty one if there is no such file or no JSON in it."""
    try:
        return json.loads(read(path) or "{}")
    except ValueError:
        return {}
