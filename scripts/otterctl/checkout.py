# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkout that this command belongs to, and what the environment asks of it."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "conf" / "home"


def janus_prefix():
    """Where the Janus lives that we build and run against."""
    return Path(os.environ.get("OTTER_JANUS_PREFIX") or "/usr").resolve()


def debian_janus():
    """Whether that is Debian's own."""
    return janus_prefix() == Path("/usr")


def sanitized():
    """Whether to build and run with the sanitizers."""
    return os.environ.get("OTTER_SANITIZE", "") not in ("", "0")


def version():
    """The version of this checkout, from configure.ac; None where there is none."""
    try:
        text = (ROOT / "configure.ac").read_text()
    except FileNotFoundError:
        return None
    found = re.search(r"AC_INIT\(\s*\[[^]]*\]\s*,\s*\[([^]]*)\]", text)
    return found.group(1) if found else None
