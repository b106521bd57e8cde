# SPDX-License-Identifier: GPL-3.0-or-later
"""One end of a pair: the end-to-end reliability of PROTOCOL.md, section 6.

    send() --> backlog --> in flight --> due() --> the wire
                               ^                     |
                               '-- ack of the peer --'
    the wire --> received() --> delivered, in order of seq
                     '--> early: what came before its turn

No I/O and no clock: the caller says what time it is (`now`, seconds of any
monotonic clock), sends what due() answers and asks again at wakeup(). A new
instance of either side is a new PairStream.
"""

import json
from collections import deque
from dataclasses import dataclass

REPEAT_AFTER_S = (1.0, 2.0, 4.0)  # after the message was first sent
STALLED_AFTER_S = 8.0  # after the message was first sent; from then on it is repeated as often
ACK_AFTER_S = 0.1  # of the 200 ms allowed; the rest is for the way
WINDOW_MESSAGES = 64
WINDOW_BYTES = 256 * 1024


def message_bytes(message):
    """How many bytes `message` takes as compact JSON in UTF-8."""
    return len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())


@dataclass
class InFlight:
    """A message that was sent and is not acknowledged."""

    message: dict
    size: int
    sent_at: float
    repeats: int = 0
    repeat_now: bool = False

    def due_at(self):
        if self.repeat_now:
            return self.sent_at
        if self.repeats < len(REPEAT_AFTER_S):
            return self.sent_at + REPEAT_AFTER_S[self.repeats]
        return self.sent_at + STALLED_AFTER_S * (1 + self.repeats - len(REPEAT_AFTER_S))

    def repeated(self, now):
        """Plan the next repeat, and leave out those whose time is over too; is it stalled now, and was not?"""
        before = self.repeats
        while self.due_at() <= now:
            self.repeats += 1
        return before <= len(REPEAT_AFTER_S) < self.repeats


class PairStream:
    """What one participant knows of its two streams with one peer."""

    def __init__(self):
        self.stalled = False  # a message stayed unacknowledged: restart the negotiation, and take this back
        self.away = False
        self._next_seq = 1
        self._in_flight = {}  # seq -> InFlight, ascending
        self._backlog = deque()
        self._expected = 1
        self._early = {}  # seq -> message
        self._ack_at = None

    # -- the sender

    def send(self, message):
        """Takes a message without seq and ack; due() hands it out, numbered."""
        self._backlog.append(message)

    def peer_away(self):
        """The peer cannot be reached: keep everything, send nothing."""
        self.away = True

    def reachable(self, now):
        """The peer is back, or we are: repeat at once what is unacknowledged."""
        self.away = False
        for entry in self._in_flight.values():
            entry.sent_at, entry.repeats, entry.repeat_now = now, 0, True
        if self._expected > 1:
            self._ack_at = now

    @property
    def unacknowledged(self):
        """How many messages the peer has not acknowledged, the backlog included."""
        return len(self._in_flight) + len(self._backlog)

    @property
    def acknowledged_up_to(self):
        """The highest seq received without a gap: what we acknowledge."""
        return self._expected - 1

    def due(self, now):
        """What has to be sent now: messages with seq and ack, or one pure ack."""
        if self.away:
            return []
        out = self._repeats(now) + self._fill_window(now)
        if not out and self._ack_at is not None and self._ack_at <= now:
            out = [{"ack": self.acknowledged_up_to}]
        if out:
            self._ack_at = None
        return out

    def wakeup(self):
        """When due() has something to say next, or None."""
        if self.away:
            return None
        times = [entry.due_at() for entry in self._in_flight.values()]
        if self._ack_at is not None:
            times.append(self._ack_at)
        return min(times, default=None)

    def _repeats(self, now):
        out = []
        for seq, entry in self._in_flight.items():
            if entry.due_at() > now:
                continue
            if entry.repeat_now:
                entry.repeat_now = False
            elif entry.repeated(now):
                self.stalled = True
            out.append(self._numbered(seq, entry.message))
        return out

    def _fill_window(self, now):
        out = []
        while self._backlog and self._fits(message_bytes(self._backlog[0])):
            message = self._backlog.popleft()
            self._in_flight[self._next_seq] = InFlight(message, message_bytes(message), now)
            out.append(self._numbered(self._next_seq, message))
            self._next_seq += 1
        return out

    def _fits(self, size):
        in_flight = sum(entry.size for entry in self._in_flight.values())
        return len(self._in_flight) < WINDOW_MESSAGES and in_flight + size <= WINDOW_BYTES

    def _numbered(self, seq, message):
        return {**message, "seq": seq, "ack": self.acknowledged_up_to}

    # -- the receiver

    def received(self, signal, now):
        """Takes a signal of the peer; returns what may be delivered now, in order."""
        self._acknowledge(signal.get("ack", 0))
        seq = signal.get("seq")
        if seq is None:
            pure_ack = "description" not in signal and "candidates" not in signal
            return [] if pure_ack else [signal]
        if self._ack_at is None:  # a duplicate too: our ack of it may have been lost
            self._ack_at = now + ACK_AFTER_S
        if self._expected <= seq < self._expected + WINDOW_MESSAGES:
            self._early.setdefault(seq, signal)
        return self._take_in_order()

    def _take_in_order(self):
        out = []
        while self._expected in self._early:
            out.append(self._early.pop(self._expected))
            self._expected += 1
        return out

    def _acknowledge(self, ack):
        if ack >= self._next_seq:  # of something never sent
            return
        for seq in [seq for seq in self._in_flight if seq <= ack]:
            del self._in_flight[seq]
