# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of the kernel's choice, for programs that must be told theirs in a file."""

import contextlib
import socket


def free_ports(count, kind=socket.SOCK_STREAM):
    """`count` different ports, free a moment ago."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket(socket.AF_INET, kind)) for _ in range(count)]
        for each in sockets:
            each.bind(("0.0.0.0", 0))
        return [each.getsockname()[1] for each in sockets]
