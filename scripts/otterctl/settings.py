# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator wants otherwise than `up` writes it: HOME/conf/otter.json.

    {"general": {"allowed_origins": ["https://app.example.org"]}, "limits": {"connections": 500}}

Section, key, value, as conf/janus.plugin.otter.jcfg.sample has them; each goes into the
generated janus.plugin.otter.jcfg, in the place of what is there. Read at each start of Janus.
What stands below "janus" goes into janus.jcfg in the same way: {"janus": {"general": {"event_loops": 4}}}.
"""

import json
import re

from otterctl import home as homes
from otterctl.errors import Failure

TARGET = "janus/janus.plugin.otter.jcfg"
JANUS, JANUS_TARGET = "janus", "janus/janus.jcfg"
NAME = re.compile(r"[a-z][a-z0-9_]*")
INT_MAX = 2 ** 31 - 1  # of libconfig, without a mark behind the number


def apply(home):
    """Lays otter.json, if there is one, over the configuration of the plugin and of Janus."""
    origin = home.conf / homes.SETTINGS
    wanted = _load(origin)
    of_janus = wanted.pop(JANUS, {})
    lay(home, _sections(wanted, origin), origin)
    lay(home, _sections(of_janus, origin), f"{origin}: {JANUS}", JANUS_TARGET)


def lay(home, wanted, origin, target=TARGET):
    """Lays {section: {key: value}} over the configuration of the plugin, or another. `origin` is
    where it comes from, for the words about a value that cannot be written."""
    if not wanted:
        return
    text = homes.read(home.conf / target) + "\n"
    for section, values in wanted.items():
        for key, value in values.items():
            text = put(text, section, key, _written(f"{origin}: {section}.{key}", value))
    homes.write(home.conf / target, text)


def _load(path):
    """The object in the file; empty if there is none."""
    try:
        wanted = json.loads(homes.read(path) or "{}")
    except ValueError as problem:
        raise Failure(f"{path} is not JSON: {problem}") from problem
    return wanted if isinstance(wanted, dict) else _sections(wanted, path)


def _sections(wanted, path):
    """`wanted`, if it is {section: {key: value}}."""
    if not isinstance(wanted, dict) or not all(isinstance(each, dict) for each in wanted.values()):
        raise Failure(f'{path} must be like {{"limits": {{"connections": 500}}}}: sections with keys')
    for name in [*wanted, *(key for values in wanted.values() for key in values)]:
        if not NAME.fullmatch(name):
            raise Failure(f"{path}: {name!r} is no name of a section or key")
    return wanted


def _written(where, value):
    """A value as libconfig reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) <= INT_MAX else f"{value}L"
    if isinstance(value, str):
        return '"' + re.sub(r'[\\"]', r"\\\g<0>", value) + '"'
    if isinstance(value, list):
        return "(" + ", ".join(_written(where, each) for each in value) + ")"
    if isinstance(value, dict):
        return "{ " + "; ".join(f"{key} = {_written(where, each)}" for key, each in value.items()) + " }"
    raise Failure(f"{where} must be a whole number, a text, true, false, or a list of these")


def put(text, section, key, value):
    """The text of a .jcfg, with one key of one section set: each key on a line of its own."""
    lines = text.splitlines(keepends=True)
    begins = [at for at, line in enumerate(lines) if re.match(rf"{section}\s*:\s*{{", line)]
    if not begins:
        return f"{text}{section}: {{\n\t{key} = {value}\n}}\n"
    end = next(at for at in range(begins[0], len(lines)) if lines[at].startswith("}"))
    old = [at for at in range(begins[0], end) if re.match(rf"\s*{key}\s*=", lines[at])]
    lines[old[0] if old else end:(old[0] + 1) if old else end] = [f"\t{key} = {value}\n"]
    return "".join(lines)
