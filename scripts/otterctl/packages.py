# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Debian packages Otter needs, which are missing, and their installation."""

import contextlib
import os
import shutil
import subprocess
import tempfile

from otterctl.errors import RIGHTS_NEEDED, Failure
from otterctl.output import say

BUILD = ("build-essential autoconf automake libtool pkg-config libglib2.0-dev libjansson-dev"
         " libjwt-dev libsqlite3-dev libmicrohttpd-dev libjs-janus-gateway").split()
RUN = ["coturn"]
JANUS = ["janus", "janus-dev"]
TEST = ("python3-pytest python3-pytest-timeout python3-pytest-xdist python3-requests"
        " python3-websockets python3-psutil python3-jwt python3-cryptography python3-hypothesis python3-jsonschema"
        " python3-yaml chromium clang clang-format docker-compose nodejs").split()
DEEP = ["buildah", "debootstrap"]  # containers: 70 MB, and of use to root alone
BENCH = ["wrk"]

# Their Debian packages start a service of their own, which Otter does not use.
SERVICES = ["janus", "coturn"]
POLICY = "/usr/sbin/policy-rc.d"


def needed(debian_janus, more=()):
    """The packages for a build and a run, and `more`; `debian_janus`: against Debian's own Janus."""
    return BUILD + RUN + (JANUS if debian_janus else []) + list(more)


def missing(names):
    """Those of `names` that are not installed. Without dpkg nobody can tell: none."""
    if not shutil.which("dpkg-query"):
        return []
    answer = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    installed = {line.split()[0] for line in answer.stdout.splitlines()
                 if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def ensure(names):
    """Installs what is missing of `names`, as root only. Returns what it installed."""
    absent = missing(names)
    if not absent:
        return []
    command = ["apt-get", "install", "--no-install-recommends", *absent]
    if os.geteuid() != 0:
        raise Failure("packages are missing; as root run: " + " ".join(command), RIGHTS_NEEDED)
    say("  installing " + " ".join(absent))
    with _no_services(), tempfile.TemporaryFile("w+") as log:
        _apt(["apt-get", "update", "-qq"], log)
        if _apt([*command[:2], "-qq", "-y", *command[2:]], log) != 0:
            raise Failure(f"apt-get could not install the packages ({_reason(log)});"
                          " mend that, or run: " + " ".join(command))
    _keep_off([name for name in SERVICES if name in absent])
    return absent


def _apt(command, log):
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                          env=env, check=False).returncode


def _reason(log):
    log.seek(0)
    errors = [line[2:].strip() for line in log if line.startswith("E:")]
    return errors[0] if errors else "it gave no reason"


@contextlib.contextmanager
def _no_services():
    """Keeps package scripts from starting services meanwhile, and leaves no trace."""
    try:
        policy = os.open(POLICY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    except FileExistsError:  # the machine has its own policy
        yield
        return
    try:
        os.write(policy, b"#!/bin/sh\nexit 101\n")
        os.close(policy)
        yield
    finally:
        os.unlink(POLICY)


def _keep_off(services):
    """Services that came with our packages do not start at the next boot either."""
    for service in services:
        subprocess.run(["update-rc.d", service, "disable"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
