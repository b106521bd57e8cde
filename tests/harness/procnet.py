# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sockets a process has, read from /proc: the proof that a server touches no media."""

import os
import re
import socket
import struct
from typing import NamedTuple

UDP_TABLES = ("udp", "udp6", "udplite", "udplite6")
# Raw sockets show their protocol as their port. One for UDP would see everybody's datagrams; the
# two for SCTP (132), which usrsctp opens when Janus starts as root, see none.
RAW_TABLES = ("raw", "raw6")


class UdpSocket(NamedTuple):
    local: tuple
    remote: tuple
    rx_queue: int
    drops: int
    table: str


def socket_inodes(pid):
    """The inodes of all sockets that the process has open now."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:
            continue  # closed between listdir and readlink
        match = re.fullmatch(r"socket:\[(\d+)\]", target)
        if match:
            inodes.add(int(match[1]))
    return inodes


def udp_sockets(pid):
    """The sockets by which a process can receive UDP, in its own network namespace.

    Raises when the process is gone: a dead server must not pass for a silent one.
    """
    if not os.path.exists(f"/proc/{pid}"):
        raise ProcessLookupError(f"process {pid} is gone")
    # The tables are read first: a socket opened in between is seen the next time.
    rows = [row for table in UDP_TABLES for row in _rows(pid, table)]
    rows += [row for table in RAW_TABLES for row in _rows(pid, table) if row[1].local[1] == socket.IPPROTO_UDP]
    inodes = socket_inodes(pid)  # raises when the process went meanwhile
    return [sock for inode, sock in rows if inode in inodes]


def _rows(pid, table):
    try:
        with open(f"/proc/{pid}/net/{table}", encoding="ascii") as lines:
            next(lines)
            return [_row(line.split(), table) for line in lines]
    except FileNotFoundError:
        return []  # the kernel has no IPv6, or no udplite


def _row(field, table):
    # proc_net_udp: sl local remote st tx:rx tr:when retrnsmt uid timeout inode ref pointer drops
    rx_queue = int(field[4].split(":")[1], 16)
    sock = UdpSocket(_address(field[1]), _address(field[2]), rx_queue, int(field[12]), table)
    return int(field[9]), sock


def _address(text):
    host, port = text.split(":")
    # Written as 32 bit words in the byte order of the machine.
    words = struct.pack(f"={len(host) // 8}I", *(int(host[i:i + 8], 16) for i in range(0, len(host), 8)))
    family = socket.AF_INET if len(words) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, words), int(port, 16)
