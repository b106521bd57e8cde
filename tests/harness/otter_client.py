# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of janus.plugin.otter, written from plugin/PROTOCOL.md alone.

It shares no code with the plugin or the SDK, so it proves the text.

Connection   one WebSocket and one Janus session: requests, replies, frames as they come
Participant  one seat: joins, resumes, keeps the roster, and talks to each peer either
             by plain relay (signal) or by a PairStream (send, receive)
"""

import asyncio
import contextlib
import itertools
import json
import secrets
import socket
import struct
from collections import deque

import requests
import websockets

from . import contract
from .pair_stream import PairStream

PLUGIN = "janus.plugin.otter"
SUBPROTOCOL = "janus-protocol"
KEEPALIVE_S = 25
PATIENCE_S = 10  # how long a reply or an event may take before a test calls it missing


class OtterError(Exception):
    """An error reply of the plugin, or of REST."""

    def __init__(self, code, message="", details=None):
        super().__init__(f"{code}: {message} {details or ''}".rstrip())
        self.code = code
        self.message = message
        self.details = details or {}


class JanusError(Exception):
    """Janus' own refusal of a request."""

    def __init__(self, code, reason):
        super().__init__(f"Janus {code}: {reason}")
        self.code = code
        self.reason = reason


class ConnectionLost(Exception):
    """The WebSocket is gone."""


def new_instance():
    return secrets.token_urlsafe(12)


def our_data(frame):
    """What our plugin says in a frame of Janus, or None."""
    if frame.get("janus") not in ("success", "event"):
        return None
    plugindata = frame.get("plugindata", {})
    data = plugindata.get("data")
    if plugindata.get("plugin") != PLUGIN or not isinstance(data, dict):
        return None
    return data if data.get("otter") in ("reply", "event") else None


def result_of(reply):
    """The fields of a reply of ours; an error reply raises OtterError."""
    if not reply["ok"]:
        error = reply["error"]
        raise OtterError(error["code"], error["message"], error.get("details"))
    return {name: value for name, value in reply.items() if name not in ("otter", "id", "ok")}


async def patiently(request):
    """Do request(), and again as long as it is rate_limited: when the server says that it may be done."""
    while True:
        try:
            return await request()
        except OtterError as error:
            if error.code != "rate_limited":
                raise
            await asyncio.sleep(error.details["retry_after_ms"] / 1000)


class Connection:
    """One WebSocket. Every frame that arrives is kept in `frames`, in order of arrival; or the last `keep`."""

    def __init__(self, socket_, janus_token, keep=None):
        self._socket = socket_
        self.janus_token = janus_token
        self.session = None
        self.frames = deque(maxlen=keep)
        self._waiting = []  # (match, future)
        self._on_event = {}  # handle -> callable(event)
        self._ids = itertools.count(1)
        self._transactions = (f"t{n}" for n in itertools.count(1))
        self._reader = asyncio.ensure_future(self._read())
        self._keepalive = None

    @classmethod
    async def open(cls, url, janus_token, keep=None):
        socket_ = await websockets.connect(url, subprotocols=[SUBPROTOCOL], max_size=None, max_queue=None,
                                           compression=None, ping_interval=None, close_timeout=1)
        assert socket_.subprotocol == SUBPROTOCOL, f"the server chose the subprotocol {socket_.subprotocol}"
        return cls(socket_, janus_token, keep)

    # Frames

    async def raw(self, message, match=None, timeout=PATIENCE_S):
        """Send `message` as it is; return the first frame that matches from now on.

        Without `match`: the frame with the same transaction that is no ack of a message.
        """
        def same_transaction(frame):
            return (frame.get("transaction") == message.get("transaction")
                    and not (message.get("janus") == "message" and frame.get("janus") == "ack"))
        future = self._expect(match or same_transaction)
        try:
            await self.send(message)
            return await asyncio.wait_for(future, timeout)
        finally:
            future.cancel()

    async def send(self, message):
        """Send and wait for nothing."""
        try:
            await self._socket.send(json.dumps(message, separators=(",", ":")))
        except websockets.ConnectionClosed as closed:
            raise ConnectionLost(str(closed)) from None

    async def frame(self, match, timeout=PATIENCE_S):
        """The first frame that matches, of those that came or will come."""
        for frame in self.frames:
            if match(frame):
                return frame
        future = self._expect(match)
        try:
            return await asyncio.wait_for(future, timeout)
        finally:
            future.cancel()

    def _expect(self, match):
        """A future of the next frame that matches."""
        if self.lost:
            raise ConnectionLost("the WebSocket is closed")
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((match, future))
        return future

    @property
    def lost(self):
        return self._reader.done()

    async def until_lost(self):
        """Wait for the other side to end the WebSocket."""
        await asyncio.wait({self._reader})  # who stops waiting does not stop the reader

    async def _read(self):
        try:
            async for text in self._socket:
                self._dispatch(json.loads(text))
        except (websockets.ConnectionClosed, OSError):
            pass
        finally:
            for _, future in self._waiting:
                if not future.done():
                    future.set_exception(ConnectionLost("the WebSocket closed"))
                    future.exception()  # somebody may have stopped waiting: that is no news
            self._waiting.clear()

    def _dispatch(self, frame):
        self.frames.append(frame)
        for entry in [entry for entry in self._waiting if entry[1].done() or entry[0](frame)]:
            self._waiting.remove(entry)
            if not entry[1].done():
                entry[1].set_result(frame)
        data = our_data(frame)
        if data and data["otter"] == "event":
            self._on_event.get(frame.get("sender"), lambda event: None)(data)

    # Janus

    async def janus(self, kind, **fields):
        """A request to Janus itself; returns its answer, an error raises JanusError."""
        message = {"janus": kind, "transaction": next(self._transactions), **fields}
        message.setdefault("token", self.janus_token)
        answer = await self.raw(message)
        if answer["janus"] == "error":
            raise JanusError(answer["error"]["code"], answer["error"].get("reason", ""))
        return answer

    async def create(self):
        self.session = (await self.janus("create"))["data"]["id"]
        self._keepalive = asyncio.ensure_future(self._keep_alive())
        return self.session

    async def attach(self, on_event=None):
        """A new handle of our plugin; its events go to on_event."""
        handle = (await self.janus("attach", session_id=self.session, plugin=PLUGIN))["data"]["id"]
        if on_event:
            self._on_event[handle] = on_event
        return handle

    async def keepalive(self):
        return await self.janus("keepalive", session_id=self.session)

    async def detach(self, handle):
        return await self.janus("detach", session_id=self.session, handle_id=handle)

    async def destroy(self):
        return await self.janus("destroy", session_id=self.session)

    async def _keep_alive(self):
        while True:
            await asyncio.sleep(KEEPALIVE_S)
            try:
                await self.keepalive()
            except (ConnectionLost, JanusError):
                return

    # The plugin

    def envelope(self, handle, body, **more):
        """The Janus message that carries `body`."""
        return {"janus": "message", "session_id": self.session, "handle_id": handle,
                "transaction": next(self._transactions), "token": self.janus_token, "body": body, **more}

    async def message(self, handle, body, timeout=PATIENCE_S, at_once=None, **more):
        """Send a body; return our whole reply, matched by id whether it comes as success or event.

        Janus' own refusal has no body, thus no id: it is known by the transaction and raises JanusError.
        at_once(reply) runs before the next frame is looked at.
        """
        message = self.envelope(handle, {"id": next(self._ids), **body}, **more)
        wanted = message["body"]["id"]

        def mine(frame):
            if frame.get("janus") == "error":
                return frame.get("transaction") == message["transaction"]
            data = our_data(frame)
            if not data or frame.get("sender") != handle or data["otter"] != "reply" or data["id"] != wanted:
                return False
            if at_once:
                at_once(data)
            return True
        frame = await self.raw(message, mine, timeout)
        if frame["janus"] == "error":
            raise JanusError(frame["error"]["code"], frame["error"].get("reason", ""))
        return our_data(frame)

    async def request(self, handle, name, at_once=None, **fields):
        """A request of ours; returns the fields of the reply or raises OtterError."""
        return result_of(await self.message(handle, {"request": name, **fields}, at_once=at_once))

    # The end

    async def close(self):
        """Close the WebSocket in order. The session is Janus' to clean up."""
        if self._keepalive:
            self._keepalive.cancel()
        with contextlib.suppress(websockets.ConnectionClosed):  # it goes by itself just now
            await self._socket.close()
        await self._reader

    async def kill(self):
        """Abort the TCP connection: a reset, and no close frame."""
        if self._keepalive:
            self._keepalive.cancel()
        transport = self._socket.transport
        tcp = transport.get_extra_info("socket")
        if tcp is not None and not transport.is_closing():
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await self._reader


class Participant:
    """One page load of one person. `api` is REST's base, such as http://127.0.0.1:8080/v1."""

    KEEP_FRAMES = None  # of a connection: all

    def __init__(self, api, token, room=None, instance=None):
        self.api = api
        self.token = token
        self.room = room
        self.instance = instance or new_instance()
        self.connection = None
        self.handle = None
        self.joined = None  # the reply of join or resume
        self.seat = None
        self.me = None  # P, as of the last reply
        self.roster = {}  # id -> P of the others
        self.failures = []  # OtterErrors of send() that no repeat can mend
        self.limited = 0  # messages of send() that came too fast; they are repeated
        self.ended = None  # the event that ended the seat: ejected or closed
        self._events = []
        self._news = asyncio.Condition()
        self._streams = {}  # peer -> PairStream
        self._delivered = {}  # peer -> asyncio.Queue
        self._work = asyncio.Event()
        self._tasks = set()
        self._pump = None

    # The connection

    async def connect(self, bearer=None):
        """POST /v1/connect, then a socket, a session and a handle. The old connection stays as it is.

        Who has a seat shows its seat token, everybody else the join token.
        """
        bearer = bearer or self.seat or self.token
        answer = await asyncio.to_thread(requests.post, f"{self.api}/connect", timeout=PATIENCE_S,
                                         headers={"Authorization": f"Bearer {bearer}"})
        contract.check(answer)
        found = answer.json()
        if answer.status_code != 200:
            raise OtterError(found["code"], found["message"], found.get("details"))
        await self.reach(found["signaling"][0]["url"], found["janus_token"])
        return found

    async def reach(self, url, janus_token):
        """A socket, a session and a handle, where the way in is known."""
        connection = await Connection.open(url, janus_token, self.KEEP_FRAMES)
        try:
            await connection.create()
            self.handle = await connection.attach(self._event_of(connection))
        except BaseException:
            await connection.close()
            raise
        self.connection = connection

    def _event_of(self, connection):
        def on_event(event):
            if connection is self.connection:
                self._on_event(event)
        return on_event

    async def kill(self):
        """Lose the socket."""
        await self.connection.kill()

    async def close(self):
        """Stop everything. The seat is not left: that is what leave() is for."""
        for task in [*self._tasks, *([self._pump] if self._pump else [])]:
            task.cancel()
        if self.connection and not self.connection.lost:
            await self.connection.close()

    # Requests

    async def request(self, name, **fields):
        return await self.connection.request(self.handle, name, **fields)

    async def join(self, **fields):
        """Fields left out are those of this participant; display and media are optional."""
        return await self._enter("join", {"room": self.room, "token": self.token, "instance": self.instance, **fields})

    async def resume(self, **fields):
        """Take the seat again, on the connection of now; instance=new_instance() is a reload."""
        return await self._enter("resume", {"seat": self.seat, "instance": self.instance, **fields})

    async def leave(self):
        reply = await self.request("leave")
        self._streams.clear()
        return reply

    async def ping(self):
        return await self.request("ping")

    async def list(self):
        return (await self.request("list"))["participants"]

    async def update(self, **fields):
        return await self.request("update", **fields)

    async def credentials(self):
        return await self.request("credentials")

    async def signal(self, to, **fields):
        """Plain relay of one message. `to` is an id; both instances are filled in unless given."""
        return await self.request("signal", **{"to": to, **self._ends(to), **fields})

    def _ends(self, peer):
        return {"from_instance": self.instance,
                "to_instance": self.roster.get(peer, {}).get("instance", "unknown-instance")}

    async def _enter(self, name, fields):
        def at_once(reply):  # an event right behind the reply must find the new roster
            if reply["ok"] and "me" in reply:
                self._entered(result_of(reply))
        return await self.connection.request(self.handle, name, at_once=at_once, **fields)

    def _entered(self, reply):
        old, self.roster = self.roster, {one["participant"]: one for one in reply["participants"]}
        if self.me is None or reply["me"]["attach"] != self.me["attach"]:  # a new page load forgets everything
            self._streams.clear()
        self.instance = reply["me"]["instance"]
        self.joined, self.me, self.seat, self.room = reply, reply["me"], reply["seat"], reply["room"]["id"]
        for peer in list(self._streams):
            self._follow(peer, old.get(peer))
        if self._pump is None:
            self._pump = asyncio.ensure_future(self._pump_streams())
        self._work.set()

    # Events

    async def event(self, name, timeout=PATIENCE_S, where=lambda event: True):
        """Take the first event of this name that fits out of the queue, or wait for it."""
        def take():
            for event in self._events:
                if event["event"] == name and where(event):
                    self._events.remove(event)
                    return event
            return None
        try:
            return await asyncio.wait_for(self._take(take), timeout)
        except asyncio.TimeoutError:
            came = [event["event"] for event in self._events]
            raise AssertionError(f"no event {name} within {timeout:g} s; there are: {came}") from None

    async def updated(self, participant, timeout=PATIENCE_S, **values):
        """Wait for a participant-updated of `participant` with these values; returns its P."""
        def fits(event):
            one = event["participant"]
            return one["participant"] == participant and all(one[name] == value for name, value in values.items())
        return (await self.event("participant-updated", timeout, fits))["participant"]

    def events_so_far(self, name=None):
        """What is in the queue now, oldest first."""
        return [event for event in self._events if name in (None, event["event"])]

    async def _take(self, take):
        async with self._news:
            while (event := take()) is None:
                await self._news.wait()
            return event

    def _on_event(self, event):
        self._heard(event)
        self._events.append(event)
        self._spawn(self._tell())

    def _heard(self, event):
        """Bring the roster, the streams and the seat in line with an event."""
        name = event["event"]
        if name in ("participant-joined", "participant-updated"):
            self._heard_of(event["participant"])
        elif name == "participant-left":
            self.roster.pop(event["participant"], None)
            self._streams.pop(event["participant"], None)
        elif name == "signal":
            self._signal_came(event)
        elif name in ("ejected", "closed"):
            self.ended = event
            self._streams.clear()

    async def _tell(self):
        async with self._news:
            self._news.notify_all()

    def _spawn(self, work):
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _heard_of(self, one):
        if self.me and one["participant"] == self.me["participant"]:
            self.me = one
            return
        before = self.roster.get(one["participant"])
        self.roster[one["participant"]] = one
        self._follow(one["participant"], before)
        self._work.set()

    # The pairs: PROTOCOL.md, section 6, end-to-end reliability

    def send(self, to, **message):
        """Send description, tracks or candidates reliably and in order; never waits."""
        self._stream(to).send(message)
        self._work.set()

    async def receive(self, peer, timeout=PATIENCE_S):
        """The next signal of `peer`, in order of seq."""
        queue = self._delivered.setdefault(peer, asyncio.Queue())
        try:
            return await asyncio.wait_for(queue.get(), timeout)
        except asyncio.TimeoutError:
            raise AssertionError(f"no signal of {peer} within {timeout:g} s") from None

    def stream(self, peer):
        """The PairStream with a peer, to look at; None if nothing flowed yet."""
        return self._streams.get(peer)

    def _stream(self, peer):
        if peer not in self._streams:
            self._streams[peer] = PairStream()
            if not self.roster.get(peer, {}).get("connected", True):
                self._streams[peer].peer_away()
        return self._streams[peer]

    def _follow(self, peer, before):
        """Bring the stream in line with what the roster says of the peer now."""
        one, stream = self.roster.get(peer), self._streams.get(peer)
        if stream is None:
            return
        if one is None or (before and before["attach"] != one["attach"]):
            del self._streams[peer]
        elif one["connected"]:
            stream.reachable(asyncio.get_running_loop().time())
        else:
            stream.peer_away()

    def _signal_came(self, event):
        peer = self.roster.get(event["from"])
        if peer is None or event["from_instance"] != peer["instance"] or event["to_instance"] != self.instance:
            return  # of another page load; if it is the next one, it will be repeated
        for signal in self._stream(event["from"]).received(event, asyncio.get_running_loop().time()):
            self._deliver(signal)
        self._work.set()

    def _deliver(self, signal):
        self._delivered.setdefault(signal["from"], asyncio.Queue()).put_nowait(signal)

    async def _pump_streams(self):
        loop = asyncio.get_running_loop()
        while True:
            self._work.clear()
            wakeups = []
            if not self.connection.lost:
                for peer, stream in list(self._streams.items()):
                    # Who is meant is decided now: until it is posted the peer may be another instance, with another stream.
                    for message in stream.due(loop.time()):
                        self._spawn(self._post(peer, stream, {**message, **self._ends(peer)}))
                    wakeups.append(stream.wakeup())
            nearest = min((at for at in wakeups if at is not None), default=None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if nearest is None else max(0, nearest - loop.time())):
                    await self._work.wait()  # not by wait_for: it loses a cancellation that comes together with the work

    async def _post(self, peer, stream, message):
        try:
            await self.signal(peer, **message)
        except OtterError as error:
            if error.code == "peer_away":
                # If the roster says connected, its return was announced before this reply came: keep repeating.
                if not self.roster.get(peer, {}).get("connected", False):
                    stream.peer_away()
            elif error.code == "rate_limited":
                self.limited += 1
            else:
                self.failures.append(error)
        except (ConnectionLost, JanusError, asyncio.TimeoutError):
            pass  # it stays unacknowledged
