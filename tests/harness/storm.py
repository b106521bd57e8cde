# SPDX-License-Identifier: GPL-3.0-or-later
"""A storm: hundreds of people who join, talk, lose their sockets, reload, leave and come back, all at random,
while their Janus is killed now and then.

Model   what must be true: each thing that happened is told to it, and it raises Broken when that cannot be
Page    a Participant that numbers what it says, and holds what it hears against the model
Person  does at random what people do
Storm   the rooms, the people, the weather, and what is looked at when it is over
"""

import asyncio
import json
import random
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field

import requests
import websockets

from . import tokens
from .otter_client import ConnectionLost, OtterError, Participant, new_instance
from .wait import NotYet, until

RESUME_TIMEOUT_S = 30
GHOST_S = RESUME_TIMEOUT_S + 15  # a seat that nobody comes for has ended by then, a restart included
LATE_S = RESUME_TIMEOUT_S - 10  # who is out for so long was kept by a slow machine, and notices a loss later than the server
RECONNECT_S = (0.2, 5.0)  # as the SDK does it
UNACKNOWLEDGED_MOST = 20  # who has so much under way to one peer says nothing more for now
DRAIN_S = 60

LOST = (ConnectionLost, OSError, websockets.WebSocketException, requests.RequestException)  # the server is not there


class Broken(AssertionError):
    """Something happened that must not."""


@dataclass
class SeatModel:
    """A seat whose owner is inside, as far as the owner knows."""

    person: "Person"
    order: int
    attach: int
    instance: str
    leaving: bool = False
    unsure: bool = False  # another page may have had it since
    lost_at: float = None  # when its socket was lost; None: it has one

@dataclass
class RoomModel:
    """Who is in a room, and what was given away in it."""

    places: int
    seats: dict = field(default_factory=dict)  # participant -> SeatModel
    entering: int = 0  # joins under way
    orders: set = field(default_factory=set)  # that were given
    attaches: set = field(default_factory=set)
    ghosts: deque = field(default_factory=lambda: deque(maxlen=32))  # when a join or leave got no answer


class Model:
    """What must be true: what was answered is so, whatever happens to the server next. `now` is a monotonic clock."""

    def __init__(self, now):
        self.now = now
        self.rooms = {}
        self.kills = []

    def taken(self, room):
        """How many places of a room may be taken at most: by people, by whoever enters just now, and by ghosts."""
        model = self.rooms[room]
        return len(model.seats) + model.entering + sum(map(self._haunts, model.ghosts))

    def _haunts(self, at):
        """Is there still a seat that was given up then? With each restart its time begins anew."""
        for kill in self.kills:
            if at < kill < at + GHOST_S:
                at = kill
        return self.now() < at + GHOST_S

    # What happens

    def joined(self, room, person, me):
        """A join was answered. Who has an identity may have got back the seat of a join without an answer."""
        model = self.rooms[room]
        if me["participant"] in model.seats:
            raise Broken(f"{me['participant']} is in {room} twice")
        self._give(model.orders, "order", me["order"])
        self._give(model.attaches, "attach", me["attach"])
        model.seats[me["participant"]] = SeatModel(person, me["order"], me["attach"], me["instance"])
        inside = [seat for seat in model.seats.values() if not seat.leaving]
        if len(inside) > model.places:
            raise Broken(f"{len(inside)} people are in {room}, which has {model.places} places")

    def resumed(self, room, me):
        """A resume was answered. The same instance keeps its attach, another one gets the next."""
        model = self.rooms[room]
        seat = model.seats.get(me["participant"])
        if seat is None:
            raise Broken(f"{me['participant']} has left {room}, and resumed")
        if me["order"] != seat.order:
            raise Broken(f"the order of {me['participant']} was {seat.order} and is {me['order']}")
        seat.leaving, seat.lost_at = False, None
        undone, seat.unsure = seat.unsure, False
        if me["attach"] == seat.attach and me["instance"] == seat.instance:
            return
        if me["instance"] == seat.instance and not undone:
            raise Broken(f"the same instance of {me['participant']} has attach {seat.attach} and then {me['attach']}")
        if me["attach"] <= seat.attach and not undone:
            raise Broken(f"attach of {me['participant']} went from {seat.attach} to {me['attach']}")
        self._give(model.attaches, "attach", me["attach"])
        seat.attach, seat.instance = me["attach"], me["instance"]

    def lost(self, room, participant):
        """A socket is lost."""
        seat = self.rooms[room].seats.get(participant)
        if seat and seat.lost_at is None:
            seat.lost_at = self.now()

    def late(self, seat):
        """Is its owner out for so long that it may be over?"""
        return seat.lost_at is not None and self.now() - seat.lost_at > LATE_S

    def leaving(self, room, participant):
        """A leave is sent: from now on the seat may end."""
        self.rooms[room].seats[participant].leaving = True

    def left(self, room, participant):
        """The leave was answered."""
        del self.rooms[room].seats[participant]

    def gone(self, room, participant):
        """A resume was answered by seat_gone."""
        seat = self.rooms[room].seats.pop(participant)
        if not seat.leaving and not self.late(seat):
            raise Broken(f"the seat of {participant} in {room} is gone, and nobody left it")

    def resume_unanswered(self, room, participant):
        """A resume by another page was lost with the server: that page may have had the seat."""
        self.rooms[room].seats[participant].unsure = True

    def unanswered(self, room):
        """A join or a leave was lost with the server: there may be a seat that nobody knows of."""
        self.rooms[room].ghosts.append(self.now())

    def seen_leaving(self, room, participant, reason):
        """Somebody hears participant-left."""
        seat = self.rooms[room].seats.get(participant)
        if seat is None or (seat.leaving and reason == "left") or (self.late(seat) and reason == "timeout"):
            return
        raise Broken(f"{participant} was seen leaving {room} ({reason}), and is inside")

    def refused_as_full(self, room, taken):
        """room_full, where at most `taken` places were taken."""
        if taken < self.rooms[room].places:
            raise Broken(f"{room} was full with {taken} of {self.rooms[room].places} places taken")

    def _give(self, given, what, number):
        if number in given:
            raise Broken(f"{what} {number} was given twice")
        given.add(number)


class Page(Participant):
    """A page load of a person. Each message says in which stream it is which: (from, attach, to, attach, number)."""

    KEEP_FRAMES = 0

    def __init__(self, storm, person, seat=None):
        super().__init__(storm.home.api, person.token, person.room)
        self.storm = storm
        self.seat = seat
        self.person = person
        self.over = asyncio.Event()  # it was told that its seat is gone

    async def reach(self, url, janus_token):
        await super().reach(url, janus_token)
        self._spawn(self._note_loss(self.connection))

    async def _note_loss(self, connection):
        await connection.until_lost()
        if self.person.page is self and connection is self.connection:
            self.storm.model.lost(self.room, self.person.participant)

    def key_to(self, peer):
        """The stream to a peer, as both ends know it."""
        return self.me["participant"], self.me["attach"], peer, self.roster[peer]["attach"]

    def say(self, peer):
        """The next number of the stream to a peer."""
        key = self.key_to(peer)
        self.storm.sent[key] += 1
        self.send(peer, description={"type": "offer", "sdp": json.dumps([*key, self.storm.sent[key]])})
        self.storm.count["messages"] += 1

    def busy(self, peer):
        """Is too much under way to a peer?"""
        stream = self.stream(peer)
        return stream is not None and stream.unacknowledged >= UNACKNOWLEDGED_MOST

    def _deliver(self, signal):
        peer = signal["from"]
        key = peer, self.roster[peer]["attach"], self.me["participant"], self.me["attach"]
        self.storm.got[key] += 1
        wanted, came = [*key, self.storm.got[key]], json.loads(signal["description"]["sdp"])
        if came != wanted:
            self.storm.fail(Broken(f"a stream should deliver {wanted} and delivers {came}"))

    def _on_event(self, event):
        if event["event"] == "participant-left":
            try:
                self.storm.model.seen_leaving(self.room, event["participant"], event["reason"])
            except Broken as broken:
                self.storm.fail(broken)
        self._heard(event)
        if self.ended:
            self.over.set()

    @property
    def alive(self):
        """Has it a socket?"""
        return self.connection is not None and not self.connection.lost


class Person:
    """Comes, talks, has bad luck, goes. `page` and `participant` are None outside."""

    def __init__(self, storm, room, token, seed):
        self.storm = storm
        self.model = storm.model
        self.room = room
        self.token = token
        self.rng = random.Random(seed)
        self.page = None
        self.participant = None

    async def live(self):
        """What one does until the storm is over."""
        while not self.storm.over:
            await self.storm.pause(self.rng.uniform(0.5, 1.5) * self.storm.pace_s)
            if self.storm.over:
                return
            if self.page is None:
                await self.enter()
            elif not self.page.alive or self.page.ended:
                await self.come_back()
            else:
                await self.anything()

    async def anything(self):
        """One thing that people do."""
        does, = self.rng.choices((self.talk, self.lose, self.reload, self.twins, self.leave), (82, 6, 5, 3, 4))
        await does()

    # Coming and going

    async def enter(self):
        """Join as somebody new, if there is a place."""
        page, model = Page(self.storm, self), self.model.rooms[self.room]
        taken = self.model.taken(self.room)
        model.entering += 1
        sent = False
        try:
            await self.reach(page)
            sent = True
            await page.join()
            self.model.joined(self.room, self, page.me)
            self.page, self.participant = page, page.me["participant"]
            self.storm.count["joins"] += 1
        except OtterError as refused:
            if refused.code != "room_full":
                raise
            model.entering -= 1
            self.model.refused_as_full(self.room, max(taken, self.model.taken(self.room)))
            model.entering += 1
            self.storm.count["refused as full"] += 1
        except LOST:
            if sent:
                self.model.unanswered(self.room)
        finally:
            model.entering -= 1
            if self.page is not page:
                await page.close()

    async def leave(self):
        """Leave; without an answer nobody knows whether one has."""
        self.model.leaving(self.room, self.participant)
        try:
            await self.page.leave()
        except LOST:
            return
        self.model.left(self.room, self.participant)
        self.storm.count["leaves"] += 1
        await self.outside()

    async def outside(self):
        """One is outside."""
        page, self.page, self.participant = self.page, None, None
        await page.close()

    # Bad luck

    async def lose(self):
        """The network goes, and comes back."""
        await self.page.kill()
        self.storm.count["sockets lost"] += 1
        await self.come_back()

    async def come_back(self):
        """Resume with the page that one has, as often as it takes. A page that was told that another one has its seat
        is at its end (the other one's socket was lost with the server, before it knew): then with a new one."""
        while self.page is not None and (not self.page.alive or self.page.ended):
            if self.page.ended:
                old, self.page = self.page, Page(self.storm, self, self.page.seat)
                await old.close()
            await self.storm.pause(self.rng.uniform(*RECONNECT_S))
            await self.try_resume(self.page)

    async def try_resume(self, page, by_rest=False):
        """One try: True when the page has the seat."""
        try:
            await self.reach(page, by_rest)
            await page.resume()
        except OtterError as refused:
            if refused.code == "unavailable":  # of REST: the server is just starting or stopping
                return False
            if refused.code != "seat_gone":
                raise
            self.model.gone(self.room, self.participant)
            self.storm.count["seats gone"] += 1
            await self.outside()
            return False
        except LOST:
            if page is not self.page:
                self.model.resume_unanswered(self.room, self.participant)
            return False
        self.storm.count["resumes"] += 1
        self.model.resumed(self.room, page.me)
        return True

    async def reload(self):
        """A new page load with the same seat, while the old socket goes, or still stands."""
        old, page = self.page, Page(self.storm, self, self.page.seat)
        if self.rng.random() < 0.5:
            await old.kill()
        self.storm.count["reloads"] += 1
        if not await self.try_resume(page, by_rest=True):
            await page.close()  # the old one goes on
            return
        self.page = page
        await self.dismissed(old)

    async def twins(self):
        """Two page loads resume with the same seat at once; the latest has it."""
        old = self.page
        twins = [Page(self.storm, self, old.seat) for _ in range(2)]
        self.storm.count["twins"] += 1
        try:
            for twin in twins:
                await self.reach(twin)
        except LOST:
            twins = [twin for twin in twins if twin.alive]
        answers = await asyncio.gather(*[twin.resume() for twin in twins], return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, LOST):
                raise answer
        seated = sorted((twin for twin in twins if twin.me), key=lambda twin: twin.me["attach"])
        for twin in seated:
            self.storm.count["resumes"] += 1
            self.model.resumed(self.room, twin.me)
        if len(seated) < len(twins):
            self.model.resume_unanswered(self.room, self.participant)
        if seated:
            self.page = seated[-1]
        for loser in [old, *twins]:
            if loser is not self.page:
                await self.dismissed(loser)

    async def dismissed(self, page):
        """A page whose seat another one has: it was told so, unless its socket went."""
        if page.alive and page.me:
            over, lost = asyncio.ensure_future(page.over.wait()), asyncio.ensure_future(page.connection.until_lost())
            done, others = await asyncio.wait({over, lost}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            for other in others:
                other.cancel()
            if not done:
                raise Broken(f"{page.me['participant']} has another page, and the older one was not told")
            if page.ended and page.ended.get("reason") != "replaced":
                raise Broken(f"the older page of {page.me['participant']} was told {page.ended}")
        await page.close()

    # Talking

    async def talk(self):
        """A few messages to one of the others, be they connected or away."""
        peers = [peer for peer in self.page.roster if not self.page.busy(peer)]
        if peers:
            peer = self.rng.choice(peers)
            for _ in range(self.rng.randint(1, 5)):
                self.page.say(peer)

    async def reach(self, page, by_rest=False):
        """Connect a page: by POST /v1/connect, or by the way in that is known."""
        await (page.connect() if by_rest else page.reach(*self.storm.way_in))


class Storm:
    """A home in which it storms."""

    def __init__(self, home, seed, rooms=200, pace_s=1.2):
        self.home = home
        self.rng = random.Random(seed)
        self.pace_s = pace_s
        self.model = Model(lambda: asyncio.get_running_loop().time())
        self.people = []
        self.rooms = []
        self.sent, self.got = defaultdict(int), defaultdict(int)  # stream -> how many messages
        self.count = Counter()
        self.over = False
        self.way_in = None
        self._failure = None
        self._wake = None
        for _ in range(rooms):
            self._furnish()

    def _furnish(self):
        """A room, and people for it: sometimes one more than it has places. Every fourth has an identity."""
        places, = self.rng.choices((2, 3, 4), (60, 25, 15))
        room = self.home.create_room(max_participants=places)
        self.rooms.append(room)
        self.model.rooms[room["id"]] = RoomModel(places)
        for n in range(places + (self.rng.random() < 0.15)):
            token = tokens.mint(self.home, room, identity=f"person-{n}") if self.rng.random() < 0.25 else room["token"]
            self.people.append(Person(self, room["id"], token, self.rng.random()))

    def fail(self, broken):
        """Something is broken: the storm ends. The first one counts."""
        self._failure = self._failure or broken
        self.calm()

    def calm(self):
        """No more of it: who does something ends that."""
        self.over = True
        self._wake.set()

    async def pause(self, seconds):
        """Some time, or until the storm is over; who comes back when it is over still waits a little."""
        if self.over:
            await asyncio.sleep(seconds / 5)
            return
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    # The weather

    async def rage(self, seconds, kill_every_s=None):
        """Everybody does at random what people do; afterwards everything must be right again."""
        self.over, self._wake = False, asyncio.Event()
        self.way_in = await asyncio.to_thread(self._ask_the_way)
        lives = [asyncio.ensure_future(person.live()) for person in self.people]
        for life in lives:
            life.add_done_callback(self._life_ended)
        await self._weather(seconds, kill_every_s)
        self.calm()
        await asyncio.gather(*lives, return_exceptions=True)
        self._raise()
        await self._come_to_rest()

    def _life_ended(self, life):
        if not life.cancelled() and life.exception():
            self.fail(life.exception())

    def _raise(self):
        if self._failure:
            raise self._failure

    def _ask_the_way(self):
        access = self.home.rest("POST", "/v1/connect", token=self.rooms[0]["token"]).json()
        return access["signaling"][0]["url"], access["janus_token"]

    async def _weather(self, seconds, kill_every_s):
        until_s = self.model.now() + seconds
        while not self.over and (left := until_s - self.model.now()) > 0:
            if kill_every_s is None or left < 1.5 * kill_every_s:  # the last kill leaves time for what it did
                await self.pause(left)
                return
            await self.pause(kill_every_s * self.rng.uniform(0.8, 1.2))
            await self._kill()

    async def _kill(self):
        self.model.kills.append(self.model.now())
        self.count["kills"] += 1
        await asyncio.to_thread(self.home.kill_janus)
        await asyncio.to_thread(self.home.up)

    # When it is over

    @property
    def inside(self):
        return [person for person in self.people if person.page is not None]

    async def _come_to_rest(self):
        await asyncio.gather(*[person.come_back() for person in self.inside])
        await until(self._drained, DRAIN_S, "every stream has delivered what was sent")
        await until(self._rosters_agree, GHOST_S + 5, "everybody agrees on who is where")
        self._raise()
        self._check_pages()

    async def _drained(self):
        """No message is under way, and every stream between two pages of now has delivered all."""
        self._raise()
        for person in self.inside:
            for peer in person.page.roster:
                key, stream = person.page.key_to(peer), person.page.stream(peer)
                if (stream and stream.unacknowledged) or self.sent[key] != self.got[key]:
                    return NotYet((key, self.sent[key], self.got[key], stream and vars(stream)))
        return True

    async def _rosters_agree(self):
        """Each one's own picture, `list`, REST and the model are the same."""
        self._raise()
        lists = await asyncio.gather(*[person.page.list() for person in self.inside])
        by_rest = await asyncio.to_thread(self._participants_by_rest)
        for person, listed in zip(self.inside, lists):
            page = person.page
            own = sorted([page.me, *page.roster.values()], key=lambda one: one["order"])
            if not own == listed == by_rest[person.room]:
                return NotYet((own, listed, by_rest[person.room]))
        for room, model in self.model.rooms.items():
            if not self._as_modelled(room, by_rest[room]):
                return NotYet((by_rest[room], model.seats))
        return True

    def _participants_by_rest(self):
        return {room["id"]: self.home.rest("GET", f"/v1/rooms/{room['id']}/participants").json()["participants"]
                for room in self.rooms}

    def _as_modelled(self, room, seen):
        seats = self.model.rooms[room].seats
        identities = [one["identity"] for one in seen if one["identity"]]
        if len(set(identities)) < len(identities):
            raise Broken(f"an identity has two seats in {room}: {identities}")
        return ({one["participant"]: (one["order"], one["attach"], one["instance"], one["connected"]) for one in seen}
                == {id_: (seat.order, seat.attach, seat.instance, True) for id_, seat in seats.items()})

    def _check_pages(self):
        """Nobody has two seats, was refused a signal, or sent too fast."""
        seats = Counter(person.page.me["participant"] for person in self.inside)
        assert not [id_ for id_, times in seats.items() if times > 1], "a participant is in two seats"
        failures = [failure for person in self.inside for failure in person.page.failures
                    if failure.code != "participant_not_found"]  # who was just leaving
        assert not failures, f"signals were refused: {failures[:5]}"
        assert not sum(person.page.limited for person in self.inside), "signals came too fast"

    async def everybody_leaves(self):
        """All go, and nothing of them stays."""
        self.over = False
        await asyncio.gather(*[person.leave() for person in self.inside])
        assert not self.inside, "somebody could not leave"
        await until(self._no_handle, 15, "Janus has no handle left")
        taken = await asyncio.to_thread(self._participants_by_rest)
        assert not any(taken.values()), f"seats are left: {taken}"

    async def _no_handle(self):
        return not await asyncio.to_thread(self.home.handles)
