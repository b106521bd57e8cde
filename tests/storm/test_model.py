# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a storm on paper: what it lets pass, and what it does not."""

import pytest
from harness.storm import GHOST_S, LATE_S, Broken, Model, RoomModel


class Clock:
    """Time is a number."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def model(clock):
    made = Model(clock)
    made.rooms["rm"] = RoomModel(places=2)
    made.joined("rm", None, me("ann", 1, 1))
    return made


def me(participant, order, attach, instance="page-1"):
    return {"participant": participant, "order": order, "attach": attach, "instance": instance}


def test_an_order_or_an_attach_that_is_given_twice_is_broken(model):
    with pytest.raises(Broken, match="order 1 was given twice"):
        model.joined("rm", None, me("bob", 1, 2))
    with pytest.raises(Broken, match="attach 1 was given twice"):
        model.joined("rm", None, me("bob", 2, 1))


def test_more_people_than_places_are_broken(model):
    model.joined("rm", None, me("bob", 2, 2))
    with pytest.raises(Broken, match="3 people"):
        model.joined("rm", None, me("eve", 3, 3))


def test_who_may_have_left_leaves_a_place(model):
    model.joined("rm", None, me("bob", 2, 2))
    model.leaving("rm", "ann")
    model.joined("rm", None, me("eve", 3, 3))


def test_the_same_instance_keeps_its_attach_and_another_one_gets_a_higher_one(model):
    model.resumed("rm", me("ann", 1, 1))
    model.resumed("rm", me("ann", 1, 2, "page-2"))
    with pytest.raises(Broken, match="the same instance"):
        model.resumed("rm", me("ann", 1, 3, "page-2"))
    with pytest.raises(Broken, match="went from 2 to 1"):
        model.resumed("rm", me("ann", 1, 1, "page-3"))
    with pytest.raises(Broken, match="order"):
        model.resumed("rm", me("ann", 2, 3, "page-4"))


def test_an_attach_is_another_one_after_another_page_alone(model, clock):
    model.resume_unanswered("rm", "ann")
    model.resumed("rm", me("ann", 1, 3))
    model.kills.append(clock.now)
    with pytest.raises(Broken, match="the same instance"):
        model.resumed("rm", me("ann", 1, 4))


def test_who_is_inside_is_not_seen_leaving(model):
    with pytest.raises(Broken, match="was seen leaving"):
        model.seen_leaving("rm", "ann", "timeout")
    model.leaving("rm", "ann")
    model.seen_leaving("rm", "ann", "left")
    with pytest.raises(Broken, match="was seen leaving"):
        model.seen_leaving("rm", "ann", "timeout")


def test_who_lost_the_socket_is_seen_leaving_only_when_out_for_long(model, clock):
    model.lost("rm", "ann")
    clock.now += LATE_S
    with pytest.raises(Broken, match="was seen leaving"):
        model.seen_leaving("rm", "ann", "timeout")
    clock.now += 1
    model.lost("rm", "ann")
    model.seen_leaving("rm", "ann", "timeout")
    model.resumed("rm", me("ann", 1, 1))
    with pytest.raises(Broken, match="was seen leaving"):
        model.seen_leaving("rm", "ann", "timeout")


def test_a_seat_is_gone_by_a_leave_alone_not_by_a_kill(model, clock):
    model.joined("rm", None, me("bob", 2, 2))
    model.kills.append(clock.now)
    with pytest.raises(Broken, match="nobody left it"):
        model.gone("rm", "bob")


def test_a_room_is_full_of_people_of_who_enters_and_of_ghosts_for_their_time(model, clock):
    with pytest.raises(Broken, match="was full with 1 of 2"):
        model.refused_as_full("rm", model.taken("rm"))
    model.unanswered("rm")
    model.refused_as_full("rm", model.taken("rm"))
    clock.now += GHOST_S - 1
    model.kills.append(clock.now)
    clock.now += GHOST_S - 1
    model.refused_as_full("rm", model.taken("rm"))
    clock.now += 1
    assert model.taken("rm") == 1
    model.rooms["rm"].entering += 1
    model.refused_as_full("rm", model.taken("rm"))
