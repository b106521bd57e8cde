# SPDX-License-Identifier: GPL-3.0-or-later
"""The reliability of a pair, on paper: no server, and time is a number."""

import random

import pytest
from harness.pair_stream import STALLED_AFTER_S, PairStream


def offer(text):
    return {"description": {"type": "offer", "sdp": text}}


def texts(messages):
    return [message["description"]["sdp"] for message in messages]


def numbers(messages):
    return [message["seq"] for message in messages]


def stream_with(*names, now=0.0):
    stream = PairStream()
    for name in names:
        stream.send(offer(name))
    return stream, stream.due(now)


def test_messages_are_numbered_from_one_without_gaps():
    _, sent = stream_with("a", "b", "c")
    assert numbers(sent) == [1, 2, 3]
    assert [message["ack"] for message in sent] == [0, 0, 0]


def test_an_unacknowledged_message_is_repeated_one_two_and_four_seconds_after_it_was_sent():
    stream, sent = stream_with("a", now=10.0)
    for at in (11.0, 12.0, 14.0):
        assert stream.wakeup() == at
        assert stream.due(at - 0.001) == []
        assert stream.due(at) == sent
    assert not stream.stalled


def test_a_message_unacknowledged_for_eight_seconds_stalls_the_stream_and_is_repeated_every_eight():
    stream, sent = stream_with("a")
    for at in (1.0, 2.0, 4.0):
        stream.due(at)
    for at in (STALLED_AFTER_S, 2 * STALLED_AFTER_S, 3 * STALLED_AFTER_S):
        assert stream.wakeup() == at
        assert stream.due(at - 0.001) == []
        assert stream.due(at) == sent
        assert stream.stalled == (at == STALLED_AFTER_S), "once for each message"
        stream.stalled = False


def test_a_number_is_never_given_to_another_message():
    stream, _ = stream_with("a")
    stream.due(STALLED_AFTER_S)
    stream.send(offer("restarted"))
    assert numbers(stream.due(STALLED_AFTER_S)) == [2]
    assert numbers(stream.due(2 * STALLED_AFTER_S)) == [1, 2]


def test_repeats_that_were_slept_through_are_not_made_up_for():
    stream, sent = stream_with("a")
    assert stream.due(100.0) == sent
    assert stream.due(100.0) == []
    assert stream.wakeup() == 104.0
    assert stream.stalled


def test_an_ack_ends_the_repeats_of_everything_up_to_it():
    stream, _ = stream_with("a", "b", "c")
    stream.received({"ack": 2}, 0.5)
    assert numbers(stream.due(1.0)) == [3]
    stream.received({"ack": 3}, 1.5)
    assert stream.unacknowledged == 0
    assert stream.wakeup() is None


def test_an_ack_of_what_was_never_sent_is_ignored():
    stream, _ = stream_with("a")
    stream.received({"ack": 7}, 0.5)
    assert stream.unacknowledged == 1


def test_early_messages_wait_for_the_gap_to_close():
    _, (one, two, three) = stream_with("1", "2", "3")
    receiver = PairStream()
    assert receiver.received(three, 0.0) == []
    assert texts(receiver.received(one, 0.0)) == ["1"]
    assert texts(receiver.received(two, 0.0)) == ["2", "3"]


def test_a_duplicate_is_dropped_and_acknowledged_again():
    _, (one,) = stream_with("1")
    receiver = PairStream()
    receiver.received(one, 0.0)
    assert receiver.due(0.2) == [{"ack": 1}]
    assert receiver.received(one, 1.0) == []
    assert receiver.due(1.2) == [{"ack": 1}]


def test_a_pure_ack_goes_out_within_two_hundred_milliseconds():
    _, (one,) = stream_with("1")
    receiver = PairStream()
    receiver.received(one, 5.0)
    assert receiver.due(5.0) == []
    assert receiver.wakeup() <= 5.2
    assert receiver.due(5.2) == [{"ack": 1}]
    assert receiver.wakeup() is None


def test_an_ack_rides_on_the_next_message_and_no_pure_ack_follows():
    _, (one,) = stream_with("1")
    receiver = PairStream()
    receiver.received(one, 0.0)
    receiver.send(offer("answer"))
    assert receiver.due(0.01) == [{**offer("answer"), "seq": 1, "ack": 1}]
    assert receiver.due(0.2) == []


def test_a_pure_ack_is_neither_delivered_nor_acknowledged():
    receiver = PairStream()
    assert receiver.received({"ack": 0}, 0.0) == []
    assert receiver.wakeup() is None


def test_a_signal_without_seq_is_plain_relay_and_delivered_at_once():
    receiver = PairStream()
    assert receiver.received(offer("plain"), 0.0) == [offer("plain")]
    assert receiver.wakeup() is None


def test_sixty_four_messages_at_most_are_in_flight():
    stream, sent = stream_with(*[str(n) for n in range(70)])
    assert numbers(sent) == list(range(1, 65))
    stream.received({"ack": 3}, 0.1)
    assert numbers(stream.due(0.1)) == [65, 66, 67]


def test_two_hundred_and_fifty_six_kilobytes_at_most_are_in_flight():
    stream, sent = stream_with(*["x" * 60_000] * 6)
    assert numbers(sent) == [1, 2, 3, 4]
    stream.received({"ack": 1}, 0.1)
    assert numbers(stream.due(0.1)) == [5]


def test_a_receiver_holds_no_more_than_a_window():
    receiver = PairStream()
    assert receiver.received({**offer("far"), "seq": 65}, 0.0) == []
    for seq in range(1, 65):
        receiver.received({**offer(str(seq)), "seq": seq}, 0.0)
    assert receiver.acknowledged_up_to == 64


def test_nothing_is_sent_to_a_peer_that_is_away_and_nothing_is_lost():
    stream, sent = stream_with("a", "b")
    stream.peer_away()
    stream.send(offer("c"))
    assert stream.due(100.0) == []
    assert stream.wakeup() is None
    stream.reachable(100.0)
    assert numbers(stream.due(100.0)) == [1, 2, 3]
    assert numbers(stream.due(101.0)) == [1, 2, 3], "the repeats start anew"
    assert not stream.stalled


def test_what_was_received_is_acknowledged_again_after_a_resume():
    _, (one,) = stream_with("1")
    receiver = PairStream()
    receiver.received(one, 0.0)
    receiver.due(0.2)
    receiver.peer_away()
    receiver.reachable(9.0)
    assert receiver.due(9.0) == [{"ack": 1}]


class Wire:
    """Loses, doubles and reorders what two streams tell each other; its clock jumps."""

    def __init__(self, rng):
        self.rng = rng
        self.ends = PairStream(), PairStream()
        self.got = [], []
        self.now = 0.0
        self.under_way = []  # (arrives at, tie breaker, receiving end, message)
        self.sent = 0

    def run(self):
        while any(end.unacknowledged for end in self.ends):
            for side, end in enumerate(self.ends):
                for message in end.due(self.now):
                    self.carry(message, 1 - side)
            moments = [end.wakeup() for end in self.ends] + [entry[0] for entry in self.under_way]
            self.now = max(self.now, min(moment for moment in moments if moment is not None))
            self.arrive()

    def carry(self, message, to):
        for _ in range(self.rng.choices((0, 1, 2), weights=(1, 17, 2))[0]):
            self.sent += 1
            self.under_way.append((self.now + self.rng.uniform(0, 0.2), self.sent, to, message))

    def arrive(self):
        for entry in sorted(entry for entry in self.under_way if entry[0] <= self.now):
            self.under_way.remove(entry)
            _, _, to, message = entry
            self.got[to].extend(texts(self.ends[to].received(message, self.now)))


@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_messages_each_way_survive_loss_duplication_and_disorder(seed):
    wire = Wire(random.Random(seed))
    wanted = [str(n) for n in range(200)]
    for end in wire.ends:
        for text in wanted:
            end.send(offer(text))
    wire.run()
    assert wire.got == (wanted, wanted)
