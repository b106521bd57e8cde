# SPDX-License-Identifier: GPL-3.0-or-later
"""Where tests leave what a person may want to look at: OTTER_TEST_ARTIFACTS, or tests/artifacts."""

import os
import re
from pathlib import Path

DEFAULT = Path(__file__).resolve().parents[1] / "artifacts"


def artifact(name):
    """A path for a file of that name; the folder is there and git does not see it."""
    folder = Path(os.environ.get("OTTER_TEST_ARTIFACTS", DEFAULT))
    folder.mkdir(parents=True, exist_ok=True)
    if folder == DEFAULT:
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
    return str(folder / re.sub(r"[^\w.-]+", "-", name))
