# SPDX-License-Identifier: GPL-3.0-or-later
"""A wire between a page and a TCP port, which can be cut, or go dead while both ends take it for open.

    with Wire() as wire:
        home = OtterHome(settings={"general": {"signaling_url": wire.url}})
        wire.leads_to(home.ports["signaling"])
        ...
        link = wire.links[-1]          # the newest connection
        link.freeze()                  # nothing passes any more, in neither direction; nobody is told
        wire.refuses = True            # and nobody comes through anew
"""

import contextlib
import socket
import struct
import threading

CHUNK = 65536
BOTH = ("up", "down")


class Wire:
    """Listens on a port of its own, and carries each connection to the port that it leads to."""

    def __init__(self):
        self.links = []  # in the order of their coming, dead ones too
        self.refuses = False
        self._target = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, name="wire")
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def leads_to(self, port):
        self._target = ("127.0.0.1", port)

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # ends the accept
        self._thread.join()
        self._listener.close()
        for link in self.links:
            link.reset()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = None if self.refuses else socket.create_connection(self._target, timeout=5)
            except OSError:
                far = None
            if far is None:
                _reset(near)
            else:
                far.settimeout(None)
                self.links.append(Link(near, far))


class Link:
    """One connection: near is the page, far the server."""

    def __init__(self, near, far):
        self._ends = (near, far)
        self._passes = {direction: threading.Event() for direction in BOTH}
        self._over = False
        for direction, source, sink in (("up", near, far), ("down", far, near)):
            self._passes[direction].set()
            threading.Thread(target=self._carry, args=(direction, source, sink), name=f"wire {direction}", daemon=True).start()

    def freeze(self, *directions):
        """Let nothing pass any more: "up" to the server, "down" to the page; both, if none is named."""
        for direction in directions or BOTH:
            self._passes[direction].clear()

    def reset(self):
        """As by a router that has forgotten it: both ends get a reset."""
        self._end(_reset)

    def _carry(self, direction, source, sink):
        try:
            while data := source.recv(CHUNK):
                self._passes[direction].wait()
                sink.sendall(data)
        except OSError:
            pass
        self._passes[direction].wait()  # a frozen wire does not even tell that an end has gone
        self._end(_close)

    def _end(self, how):
        self._over, was_over = True, self._over
        for passes in self._passes.values():
            passes.set()
        if not was_over:
            for end in self._ends:
                how(end)


def _reset(end):
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    _close(end)


def _close(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RD)  # wakes who reads from it; a shutdown of both would send an end in place of the reset
    end.close()
