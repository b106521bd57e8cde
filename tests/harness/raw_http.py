# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP by hand, for requests that no library sends."""

import re
import socket


def connect(home, source="127.0.0.1", receive_buffer=None):
    """A socket to the REST port, from an address of 127.0.0.0/8."""
    sock = socket.socket()
    sock.settimeout(10)
    if receive_buffer:  # before it connects, so that the window knows
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.bind((source, 0))
    sock.connect(("127.0.0.1", home.info["ports"]["http"]))
    return sock


def read_to_end(sock):
    """All that comes until the server closes: b"" if it closed at once, or in anger."""
    got = b""
    try:
        while part := sock.recv(65536):
            got += part
    except ConnectionError:
        pass
    return got


def talk(home, text):
    """Send bytes as they are and read until the server closes."""
    with connect(home) as sock:
        sock.sendall(text)
        return read_to_end(sock)


def statuses(answers):
    """The status of each answer in what a server sent."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]
