# SPDX-License-Identifier: GPL-3.0-or-later
"""REST under load, beside its physical limit and beside what people write today; `./otter test bench`.

Interleaved rounds, medians: wrk posts at 1, 8 and 64 connections to
  mint      our POST /v1/rooms/{id}/tokens
  create    our POST /v1/rooms: each answered when it is on disk
  bare      a handler on the same HTTP library that does nothing; `bare + hmac` signs as well
  express   Express with jsonwebtoken and a TURN credential
CPU is that of the server's process for each answered request.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from harness.otter_home import OtterHome  # noqa: E402

CONNECTIONS = (1, 8, 64)
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "3"))
UNITS = {"us": 1e-3, "ms": 1, "s": 1e3}


class Server:
    """A process of ours that prints its port."""

    def __init__(self, *argv, cwd=None):
        self.process = subprocess.Popen(argv, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def bare_handler(folder):
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libmicrohttpd", "glib-2.0"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    subprocess.run(["gcc", "-O2", "-o", f"{folder}/bare", str(HERE / "bare_handler.c"), *flags], check=True)
    return f"{folder}/bare"


def express(folder):
    """The folder with Express in it; None, and why, where npm is not."""
    if not shutil.which("npm"):
        return None, "npm is not here"
    shutil.copy(HERE / "express_server.js", folder)
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "express@4", "jsonwebtoken@9"], cwd=folder, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    return (folder, "") if done.returncode == 0 else (None, done.stdout[-300:])


def wrk(pid, url, key, body, connections):
    """One run: (requests a second, p99 in ms, CPU in us a request)."""
    before = psutil.Process(pid).cpu_times()
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", str(HERE / "post.lua"), url], check=True,
                          stdout=subprocess.PIPE, text=True, env={**os.environ, "BENCH_KEY": key, "BENCH_BODY": json.dumps(body)}).stdout
    after = psutil.Process(pid).cpu_times()
    assert "Non-2xx" not in done and "Socket errors" not in done, done
    count = int(re.search(r"(\d+) requests in", done).group(1))
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", done).groups()
    used = after.user + after.system - before.user - before.system
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done).group(1)), float(value) * UNITS[unit], used / count * 1e6


def main():
    rows = {}
    with tempfile.TemporaryDirectory(prefix="otter-bench-") as folder, OtterHome() as home:
        room = home.create_room()
        program = bare_handler(folder)
        servers = {"bare": Server(program), "bare + hmac": Server(program, "hmac")}
        where, why = express(folder)
        if where:
            servers["express"] = Server("node", "express_server.js", home.key, cwd=where)
        else:
            print(f"Express is left out: {why}", file=sys.stderr)
        mint, path = {"identity": "ann"}, f"/v1/rooms/{room['id']}/tokens"
        cases = {"mint": (home.janus_pid, home.info["web"] + path, mint), "create": (home.janus_pid, home.info["api"] + "/rooms", {})}
        cases.update({name: (server.process.pid, f"http://127.0.0.1:{server.port}{path}", mint) for name, server in servers.items()})
        for _ in range(ROUNDS):
            for name, (pid, url, body) in cases.items():
                for connections in CONNECTIONS:
                    rows.setdefault((name, connections), []).append(wrk(pid, url, home.key, body, connections))
        for server in servers.values():
            server.close()
    print(f"\nmedians of {ROUNDS} rounds of {SECONDS} s, {os.cpu_count()} cores, wrk on the same machine\n")
    print(f"{'':<14}{'connections':>12}{'a second':>12}{'p99, ms':>10}{'CPU, us':>10}")
    for (name, connections), runs in rows.items():
        rate, p99, cpu = (statistics.median(values) for values in zip(*runs))
        print(f"{name:<14}{connections:>12}{rate:>12.0f}{p99:>10.2f}{cpu:>10.1f}")


if __name__ == "__main__":
    main()
