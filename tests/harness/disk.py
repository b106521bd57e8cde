# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that are full, or may not be written, on command. Only root may."""

import contextlib
import os
import subprocess

import pytest

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk, or make files immutable, or become another user")


class SmallDisk:
    """A file system of its own, in memory, on a folder."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def resize(self, size):
        """To a size such as "48k": mounted if it is not yet. Returns its folder."""
        options = f"remount,size={size}" if os.path.ismount(self.folder) else f"size={size}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "otter-test", self.folder], check=True)
        return self.folder

    def make_read_only(self):
        subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)

    def fill(self):
        """Leave no room. Returns the file that takes it."""
        ballast = self.folder / "ballast"
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass
        return ballast

    def unmount(self):
        if os.path.ismount(self.folder):
            subprocess.run(["umount", self.folder], check=True)


@contextlib.contextmanager
def immutable(*paths):
    """Nobody may write these files and folders meanwhile, not even who has them open."""
    done = subprocess.run(["chattr", "+i", *paths], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"files cannot be made immutable here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *paths], check=True)
