# SPDX-License-Identifier: GPL-3.0-or-later
"""Images built and run by buildah, with its chroot isolation: no engine, no registry, and storage of its own.

Such a container shares the machine's network and processes; what it proves is the image, its entrypoint and its user.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psutil
from harness.wait import wait_until

FROM = "docker.io/library/debian:bookworm-slim"
SUITE = "bookworm"
BUILD_LIMIT_S = 900
RUN_LIMIT_S = 60
STOP_LIMIT_S = 20


def why_not():
    """Why this machine cannot; None when it can."""
    missing = [program for program in ("buildah", "debootstrap") if not shutil.which(program)]
    if missing:
        return f"{' and '.join(missing)} not installed (apt-get install --no-install-recommends buildah debootstrap)"
    if os.geteuid() != 0:
        return "debootstrap and buildah --isolation chroot need root"
    return None


class Builder:
    """Storage with a base image made by debootstrap."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="otter-containers-", dir="/var/tmp"))  # some gigabytes
        (self.folder / "tmp").mkdir()
        self._driver = "overlay"

    def __enter__(self):
        try:
            root = self.folder / "debian"
            self._storage_driver()
            self._run(["debootstrap", "--variant=minbase", SUITE, str(root)], BUILD_LIMIT_S)
            container = self.buildah("from", "scratch")
            self.buildah("add", container, str(root), "/")
            self.buildah("commit", "--rm", container, FROM)
            shutil.rmtree(root)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._run([*self.command(), "rm", "--all"], RUN_LIMIT_S, check=False)
        for place in reversed(self._mounts()):  # the driver keeps its own folder mounted
            self._run(["umount", place], RUN_LIMIT_S, check=False)
        assert not self._mounts(), f"still mounted, so it is not removed: {self._mounts()}"
        shutil.rmtree(self.folder)

    def _mounts(self):
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
        return [place for place in (line.split()[1] for line in lines) if place.startswith(f"{self.folder}/")]

    def command(self):
        return ["buildah", "--root", f"{self.folder}/storage", "--runroot", f"{self.folder}/run", "--storage-driver", self._driver]

    def _storage_driver(self):
        """overlay; where the kernel or the folder does not give it, vfs, which copies every layer."""
        for self._driver in ("overlay", "vfs"):
            probe = self._run([*self.command(), "from", "scratch"], RUN_LIMIT_S, check=self._driver == "vfs")
            if probe.returncode == 0:
                self.buildah("rm", "--all")
                return

    def buildah(self, *arguments, limit=RUN_LIMIT_S):
        """Its output."""
        return self._run([*self.command(), *arguments], limit).stdout.strip()

    def _run(self, command, limit, check=True):
        env = {**os.environ, "TMPDIR": f"{self.folder}/tmp"}
        done = subprocess.run(command, env=env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=limit, check=False)
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done

    def build(self, context, dockerfile, target):
        """An image of that name. In Docker's format: the other has no HEALTHCHECK."""
        self.buildah("bud", "--isolation", "chroot", "--network", "host", "--pull-never", "--format", "docker",
                     "-f", str(dockerfile), "--target", target, "-t", target, str(context), limit=BUILD_LIMIT_S)


class Container:
    """One container of an image; `volumes` {folder here: folder there}."""

    def __init__(self, builder, image, volumes, **environment):
        self.builder = builder
        self.log = builder.folder / f"{image}.log"
        self._image = image
        self.name = builder.buildah("from", "--pull-never", f"localhost/{image}")
        self.config = json.loads(builder.buildah("inspect", "--type", "image", f"localhost/{image}"))["Docker"]["config"]
        self._volumes = [argument for here, there in volumes.items() for argument in ("--volume", f"{here}:{there}")]
        for there in self.config["Volumes"] or {}:  # else buildah mounts a volume of its own there, now above ours, now below
            builder.buildah("config", "--volume", f"{there}-", self.name)
        for name, value in environment.items():
            builder.buildah("config", "--env", f"{name}={value}", self.name)
        self._process = None

    def _command(self, *command):
        return [*self.builder.command(), "run", "--isolation", "chroot", "--network", "host", *self._volumes, self.name, "--", *command]

    def run(self, *command):
        """A command in it, as `docker exec`: (code, output)."""
        done = subprocess.run(self._command(*command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=RUN_LIMIT_S, check=False)
        return done.returncode, done.stdout

    def __enter__(self):
        """Starts what the image starts, until its own health check is content."""
        with open(self.log, "w", encoding="utf-8") as log:
            self._process = subprocess.Popen(self._command(*self.config["Entrypoint"], *self.config["Cmd"]), start_new_session=True,
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self._healthy, 30, f"{self.name} is healthy")
        except BaseException:
            print(self.text())
            self._stop()
            raise
        return self

    def __exit__(self, kind, *_):
        code = self._stop()
        if kind is not None:
            print(self.text())
        else:
            # coturn leaves SIGTERM to the kernel, and buildah says so in words; Janus must end by itself
            by_signal = self._image == "turn" and "exited on terminated" in self.text()
            assert code == 0 or by_signal, f"it ended with {code}\n{self.text()}"

    def _healthy(self):
        assert self._process.poll() is None, f"it ended with {self._process.returncode}"
        return self.healthy()

    def healthy(self):
        """Its HEALTHCHECK, by the image's own words."""
        kind, *check = self.config["Healthcheck"]["Test"]
        assert kind == "CMD"
        return self.run(*check)[0] == 0

    def _stop(self):
        program = self.program()
        if program:  # as an engine does, and buildah, which would take its child down, is left alone
            program.terminate()
        try:
            return self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            return self._process.wait()

    def program(self):
        """What the entrypoint became: the first process below buildah's own. None when it has ended."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if process.status() != psutil.STATUS_ZOMBIE and "buildah" not in Path(process.exe()).name:  # its own run from a memfd
                        return process
        return None

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

