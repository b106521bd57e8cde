// SPDX-License-Identifier: GPL-3.0-or-later
// A call: who is in the room, a leg to each of them, and what this side sends.

import { Emitter } from './emitter.js';
import { OtterError } from './errors.js';
import { acquire, open as openDevice } from './media.js';
import { Participant, describe } from './participant.js';
import { Leg } from './peer.js';
import { connect } from './rest.js';
import { forgetSeat, holdSeat, keepSeat, recallSeat, seatInUse } from './seat-store.js';
import { Signaling } from './signaling.js';
import { CALL, Machine } from './states.js';

/** With these the seat is no more, or its token proves nothing here: join anew. */
const SEAT_LOST = new Set(['seat_gone', 'unauthorized', 'token_invalid', 'token_expired']);
const RENEW_AT = 0.75; // of the life of TURN credentials
const MAX_TIMER_S = 2_000_000; // setTimeout counts in 31 bits of milliseconds

/**
 * @typedef {import('./participant.js').WireParticipant} WireParticipant
 * @typedef {{participant: Participant, wire: WireParticipant, leg: Leg, gone: boolean}} Other `gone`: without a seat any more, but still heard and seen
 * @typedef {"left"|"denied"|"ejected"|"replaced"|"revoked"|"expired"|"closed"|"failed"} EndReason
 * @typedef {{participant: string, display: string, identity: string | null, admit: () => Promise<void>, deny: () => Promise<void>}} Knock somebody who waits
 */

/**
 * Events:
 * - `participant-joined` (Participant)
 * - `participant-left` (Participant, reason)
 * - `participant-updated` (Participant): anything of it changed, its streams and its state too; also fired for `me`
 * - `knock` (Knock): somebody waits to be let in, and this side is a host; `knock-over` (id): he waits no more
 * - `state` (CallState)
 * - `shared` (key, value, by): a value that the room shares was set, by the participant of this id; null: it is no more
 * - `mute-requested` (kind, Participant | null): a host asks to mute microphone, camera or screen; what the page does is up to it
 * - `draining` (ms): the server will stop in so many ms, and be back; nothing has to be done
 */
export class Call extends Emitter {
  #server;
  #roomGiven;
  #token;
  #options;
  #signaling;
  #machine = new Machine(CALL, 'connecting', (state) => this.emit('state', state));
  /** @type {string | null} */
  #seat;
  /** Ends the answers to duplicated tabs that the seat is in use. */
  #release = () => {};
  /** Of this page, as the server knows it. */
  #instance = '';
  /** @type {WireParticipant | null} */
  #myWire = null;
  /** @type {Participant | null} */
  #me = null;
  /** @type {any} */
  #room = null;
  /** @type {RTCIceServer[]} */
  #iceServers = [];
  /** @type {Promise<RTCIceServer[]> | null} */
  #refreshing = null;
  /** @type {any} */
  #renewTimer = null;
  /** @type {Map<string, Other>} */
  #others = new Map();
  /** @type {{mic: MediaStreamTrack | null, camera: MediaStreamTrack | null}} */
  #tracks = { mic: null, camera: null };
  /** A host has to let us in first. */
  #waits = false;
  /** Who waits at the door, as this host was told. @type {Set<string>} */
  #knocks = new Set();
  /** How many wishes there were for each device: opening one takes time, and the user may change their mind. */
  #wishes = { mic: 0, camera: 0 };

  /**
   * Use Otter.join, which opens the call as well.
   * @param {{server: string, room: string, token: string | null}} address
   * @param {import('./otter.js').JoinOptions} options
   */
  constructor({ server, room, token }, options) {
    super();
    this.#server = server.replace(/\/$/, '');
    this.#roomGiven = room;
    this.#token = token;
    this.#options = { audio: true, video: true, ...options };
    this.#seat = recallSeat(this.#server, room, token);
    /** What this side sends. Show it muted. */
    this.localStream = new MediaStream();
    /** Why the camera or the microphone is missing, if it is: the call goes on without. @type {OtterError | null} */
    this.mediaError = null;
    /** What the room shares: see setShared. Read it. @type {Map<string, any>} */
    this.shared = new Map();
    /** Why the call ended. @type {EndReason | null} */
    this.reason = null;
    /** The failure behind the reasons "failed" and "replaced". @type {OtterError | null} */
    this.error = null;
    this.#signaling = new Signaling({ connect: () => this.#connect(), enter: (request) => this.#enter(request) });
    this.#signaling.on('event', (event) => this.#handle(event));
    this.#signaling.on('lost', () => this.#lost());
    this.#signaling.on('back', () => this.#back());
    this.#signaling.on('failed', (error) => this.#end('failed', error));
  }

  // --- what an application reads

  /** @returns {import('./states.js').CallState} */
  get state() {
    return /** @type {import('./states.js').CallState} */ (this.#machine.state);
  }

  /** The others, in the order of their coming. @returns {Participant[]} */
  get participants() {
    return [...this.#others.values()].sort((a, b) => a.wire.order - b.wire.order).map(({ participant }) => participant);
  }

  /** Oneself; not before one is in. @returns {Participant} */
  get me() {
    return /** @type {Participant} */ (this.#me);
  }

  /** The room as the server describes it: id, unique_name, max_participants, privacy, metadata … */
  get room() {
    return this.#room;
  }

  /** Participant id to RTCPeerConnection. For diagnostics: to read statistics, not to change anything. @returns {Map<string, RTCPeerConnection>} */
  get connections() {
    return new Map([...this.#others].map(([id, { leg }]) => [id, leg.connection]));
  }

  // --- what an application does

  /**
   * Unmutes or mutes. A muted microphone stays open and sends silence.
   * @param {boolean} on
   * @throws {OtterError} no_camera or permission_denied, if there is no microphone yet and none can be opened
   */
  async setMicrophone(on) {
    if (!await this.#ready('mic', on)) return;
    if (this.#tracks.mic) this.#tracks.mic.enabled = on;
    this.#announce();
  }

  /**
   * Switches the camera. Off, it is released, and its light goes out.
   * @param {boolean} on
   * @throws {OtterError} no_camera or permission_denied
   */
  async setCamera(on) {
    if (!on) this.#takeTrack('camera', null); // at once: what is wished for next finds it closed
    if (!await this.#ready('camera', on)) return;
    this.#announce();
  }

  /**
   * Sets a value that everybody in the room knows, also who comes later. The room forgets it when its last seat ends.
   * @param {string} key up to 64 characters
   * @param {any} value what JSON can say, up to 4096 bytes of it; null takes the key away
   * @param {{ttl?: number}} [how] seconds, after which the key is gone
   * @throws {OtterError} invalid_request, too_large, rate_limited
   */
  async setShared(key, value, { ttl } = {}) {
    await this.#signaling.request('set', { key, value, ttl });
    this.#share({ key, value, by: this.me.id });
  }

  // --- what a host does. Each rejects with forbidden if one is none

  /** Puts somebody out; with `revoke` they cannot come back (by an invite link: they have to knock). @param {string} participant @param {{revoke?: boolean}} [how] */
  async eject(participant, { revoke = false } = {}) {
    await this.#signaling.request('eject', { participant, revoke });
  }

  /** Nobody but hosts gets in any more; or everybody does again. @param {boolean} locked */
  async lock(locked) {
    await this.#signaling.request('lock', { locked });
  }

  /** Asks somebody to mute: their page gets `mute-requested`. @param {string} participant @param {"mic"|"camera"|"screen"|"screen-audio"} kind */
  async askToMute(participant, kind) {
    await this.#signaling.request('mute', { participant, kind });
  }

  /** Makes somebody a host as well. @param {string} participant */
  async promote(participant) {
    await this.#signaling.request('promote', { participant });
  }

  /** Closes the room for good: the call ends for everybody. */
  async endForAll() {
    try {
      await this.#signaling.request('close');
    } catch (error) {
      if (this.reason !== 'closed') throw error; // this side has heard it before the reply
    }
  }

  /** Leaves for good: the seat is given up, every connection closed, every device released. */
  async leave() {
    await this.#end('left', null);
  }

  // --- coming in

  /** Called once, by Otter.join. */
  async open() {
    try {
      if (this.#seat && await seatInUse(this.#seat)) this.#loseSeat(); // we are a duplicated tab: join anew
      this.#hold();
      const way = await this.#connect(); // a dead link is found out before anybody is asked for a camera
      const { audio, video, error } = await acquire({ audio: this.#options.audio, video: this.#options.video });
      this.mediaError = error;
      this.#takeTrack('mic', audio);
      this.#takeTrack('camera', video);
      await this.#signaling.open(way);
      this.#machine.to(this.#waits ? 'waiting' : 'connected');
    } catch (cause) {
      const error = cause instanceof OtterError ? cause : new OtterError('internal', String(cause), { cause });
      await this.#end('failed', error);
      throw error;
    }
  }

  /** Asks for a way to the signaling, with the seat if there is one. */
  async #connect() {
    if (this.#seat) {
      try {
        return await connect(this.#server, this.#seat);
      } catch (error) {
        if (!isSeatLost(error)) throw error;
        this.#loseSeat();
      }
    }
    if (!this.#token) throw new OtterError('unauthorized', 'there is no token in the link');
    return connect(this.#server, this.#token);
  }

  /**
   * Resumes, or joins, over a new link.
   * @param {(name: string, body: object) => Promise<any>} request
   */
  async #enter(request) {
    let reply = null;
    if (!this.#myWire) this.#instance = newInstance(); // one that was never answered may have been spoken to in vain
    if (this.#seat) {
      try {
        reply = await request('resume', { seat: this.#seat, instance: this.#instance });
        if (this.#myWire && reply.me && reply.me.attach !== this.#myWire.attach) throw this.#disown();
      } catch (error) {
        if (!isSeatLost(error)) throw error;
        this.#loseSeat();
      }
    }
    reply ??= await this.#join(request);
    if (this.state === 'ended') return reply; // the link is given up at once, and the seat with it
    this.#waits = reply.waiting === true;
    if (this.#waits) this.#keep(reply.seat);
    else this.#settle(reply);
    if (this.#waits) return reply;
    const wire = /** @type {WireParticipant} */ (this.#myWire);
    if (!sameMedia(wire.media, this.#media())) request('update', { media: this.#media() }).catch(() => {});
    return reply;
  }

  /** @param {(name: string, body: object) => Promise<any>} request */
  async #join(request) {
    if (!this.#token) throw new OtterError('seat_gone', 'the seat is gone, and there is no token to join anew');
    for (const id of [...this.#others.keys()]) this.#remove(id, 'replaced'); // they knew us by the seat that is gone
    this.#instance = newInstance();
    this.#me = null;
    const { display } = this.#options;
    return request('join', { room: this.#roomGiven, token: this.#token, display, instance: this.#instance, media: this.#media() });
  }

  /** Takes over the reply to join or resume. @param {any} reply */
  #settle(reply) {
    this.#keep(reply.seat);
    this.#room = reply.room;
    this.#myWire = reply.me;
    if (this.#me) describe(this.#me, reply.me);
    else this.#me = new Participant(reply.me);
    this.#me.state = 'connected';
    this.#me.streams.camera = this.localStream;
    this.#me.media = this.#media();
    this.#useIceServers(reply);
    for (const id of [...this.#knocks]) this.#knockOver(id); // who still waits is told anew
    this.shared.clear(); // the same
    const here = new Set(reply.participants.map((/** @type {WireParticipant} */ p) => p.participant));
    for (const [id, { gone }] of [...this.#others]) if (!here.has(id) && !gone) this.#remove(id, 'left');
    for (const wire of reply.participants) this.#meet(wire);
  }

  /**
   * Another page had the seat in between, and the others have spoken to it: we have to come anew, as one who has just been loaded. What is under way
   * to who we were is for nobody then.
   * @returns {OtterError} after which the way is dialled again
   */
  #disown() {
    this.#myWire = null; // so it will be by a new instance
    for (const other of this.#others.values()) other.wire = { ...other.wire, attach: 0 };
    return new OtterError('unreachable', 'another page had the seat in between');
  }

  /** @param {string | undefined} seat */
  #keep(seat) {
    this.#seat = seat ?? this.#seat;
    if (this.#seat) keepSeat(this.#server, this.#roomGiven, this.#token, this.#seat);
    this.#hold();
  }

  #hold() {
    this.#release();
    if (this.#seat) this.#release = holdSeat(this.#seat);
  }

  /** A host has let us in. @param {any} event as the reply to join */
  #admitted(event) {
    this.#waits = false;
    this.#settle(event);
    this.#machine.to('connected');
  }

  /** @param {WireParticipant} wire */
  #knocked({ participant, display, identity }) {
    this.#knocks.add(participant);
    this.emit('knock', { participant, display, identity, admit: () => this.#decide('admit', participant), deny: () => this.#decide('deny', participant) });
  }

  /** @param {"admit"|"deny"} what @param {string} participant */
  async #decide(what, participant) {
    try {
      await this.#signaling.request(what, { participant });
    } catch (error) {
      if (error instanceof OtterError && error.code === 'participant_not_found') this.#knockOver(participant); // and no event said so
      throw error;
    }
    this.#knockOver(participant);
  }

  /** Let in, sent away or gone; by whom ever. @param {string} participant */
  #knockOver(participant) {
    if (this.#knocks.delete(participant)) this.emit('knock-over', participant);
  }

  /** Media between browsers goes on; what is said meanwhile is said later. */
  #lost() {
    this.#machine.to('reconnecting');
    for (const { leg } of this.#others.values()) leg.suspend();
  }

  #back() {
    this.#machine.to(this.#waits ? 'waiting' : 'connected');
    for (const { leg, wire } of this.#others.values()) {
      if (!wire.connected) continue; // he does the same when he is back
      leg.resume();
      leg.restart(); // our network may be another one by now
    }
  }

  #loseSeat() {
    this.#release();
    this.#seat = null;
    forgetSeat(this.#server, this.#roomGiven);
  }

  // --- the others

  /** @param {any} event */
  #handle(event) {
    if (this.state === 'ended') return;
    switch (event.event) {
      case 'participant-joined':
      case 'participant-updated': return this.#meet(event.participant);
      case 'participant-left':
        this.#knockOver(event.participant);
        return this.#left(event.participant, event.reason);
      case 'knock': return this.#knocked(event.participant);
      case 'admitted': return this.#admitted(event);
      case 'denied': return void this.#end('denied', null);
      case 'signal': return this.#deliver(event);
      case 'room-updated': this.#room = event.room; return;
      case 'state': return this.#share(event);
      case 'credentials': return void this.#useIceServers(event);
      case 'promoted': return this.#promoted();
      case 'mute-requested': return this.emit('mute-requested', event.kind, this.#others.get(event.by)?.participant ?? null);
      case 'draining': return this.emit('draining', event.after_ms);
      case 'ejected': return void this.#end(event.reason, event.reason === 'replaced' ? new OtterError('replaced', 'the seat is in use elsewhere') : null);
      case 'closed': return void this.#end('closed', null);
    }
  }

  /** @param {{key: string, value: any, by: string}} event */
  #share({ key, value, by }) {
    if (value === null) this.shared.delete(key);
    else this.shared.set(key, value);
    this.emit('shared', key, value, by);
  }

  #promoted() {
    this.me.role = 'host';
    this.emit('participant-updated', this.me);
  }

  /** Somebody came, or changed. A new attach, as each new instance has it, is a new connection. @param {WireParticipant} wire */
  #meet(wire) {
    if (wire.participant === this.#me?.id) {
      describe(this.#me, { ...wire, media: this.#media() });
      this.emit('participant-updated', this.#me);
      return;
    }
    const known = this.#others.get(wire.participant);
    if (!known) {
      this.#knockOver(wire.participant); // another host has let them in
      const other = this.#link(new Participant(wire), wire);
      this.emit('participant-joined', other.participant);
    } else {
      describe(known.participant, wire);
      if (!wire.connected) { // and which instance was there last does not matter: who is back is the same, or another one
        known.wire = { ...wire, instance: known.wire.instance, attach: known.wire.attach };
        known.leg.suspend();
      } else if (known.wire.attach !== wire.attach) {
        known.leg.close();
        this.#link(known.participant, wire);
      } else {
        known.wire = wire;
        known.leg.resume();
      }
      this.emit('participant-updated', known.participant);
    }
  }

  /**
   * Opens a leg to this instance of somebody.
   * @param {Participant} participant
   * @param {WireParticipant} wire
   * @returns {Other}
   */
  #link(participant, wire) {
    const mine = /** @type {WireParticipant} */ (this.#myWire);
    const address = { to: wire.participant, from_instance: this.#instance, to_instance: wire.instance };
    const leg = new Leg({
      offers: mine.attach > wire.attach,
      polite: mine.order > wire.order,
      rtc: { iceServers: this.#iceServers, iceTransportPolicy: this.#policy() },
      tracks: this.#tracks,
      path: { request: (name, body) => this.#signaling.request(name, body), address, reachable: wire.connected },
      refresh: () => this.#refresh(),
      changed: () => {
        if (this.#others.get(wire.participant)?.leg !== leg) return;
        participant.state = leg.state;
        if (other.gone && leg.state !== 'connected') this.#remove(participant.id, 'timeout');
        else this.emit('participant-updated', participant);
      },
    });
    participant.state = leg.state;
    participant.streams.camera = leg.stream;
    const other = { participant, wire, leg, gone: false };
    this.#others.set(wire.participant, other);
    return other;
  }

  /**
   * Whose way to the server is lost for long has no seat any more; as long as media flows he is still in the call.
   * @param {string} id
   * @param {string} reason
   */
  #left(id, reason) {
    const other = this.#others.get(id);
    if (reason !== 'timeout' || other?.leg.state !== 'connected') return this.#remove(id, reason);
    other.gone = true;
    other.participant.reachable = false;
    other.leg.suspend();
    this.emit('participant-updated', other.participant);
  }

  /** @param {string} id @param {string} reason */
  #remove(id, reason) {
    const other = this.#others.get(id);
    if (!other) return;
    this.#others.delete(id);
    other.leg.close();
    other.participant.state = 'closed';
    other.participant.streams.camera = null;
    this.emit('participant-left', other.participant, reason);
  }

  /** The news of who somebody is comes before what he says; what is left is of another page of his, or for another one of ours. @param {any} signal */
  #deliver(signal) {
    const other = this.#others.get(signal.from);
    if (other && other.wire.instance === signal.from_instance && signal.to_instance === this.#instance) other.leg.receive(signal);
  }

  // --- ICE servers

  #policy() {
    return this.#room.privacy === 'relay' ? 'relay' : this.#options.iceTransportPolicy ?? 'all';
  }

  /** Fresh credentials; legs that ask in the same moment share one request. @returns {Promise<RTCIceServer[]>} */
  #refresh() {
    this.#refreshing ??= this.#signaling.request('credentials')
      .then((reply) => this.#useIceServers(reply))
      .finally(() => { this.#refreshing = null; });
    return this.#refreshing;
  }

  /** @param {{ice_servers: RTCIceServer[], ttl: number}} reply @returns {RTCIceServer[]} */
  #useIceServers({ ice_servers: iceServers, ttl }) {
    this.#iceServers = iceServers;
    for (const { leg } of this.#others.values()) leg.setIceServers(iceServers);
    clearTimeout(this.#renewTimer);
    const renew = () => this.#refresh().catch(() => {}); // no server now: the resume brings new ones
    if (ttl > 0 && this.state !== 'ended') this.#renewTimer = setTimeout(renew, Math.min(ttl * RENEW_AT, MAX_TIMER_S) * 1000);
    return iceServers;
  }

  // --- what this side sends

  /** @returns {import('./participant.js').MediaFlags} */
  #media() {
    return { audio: this.#tracks.mic?.enabled ?? false, video: this.#tracks.camera !== null, screen: false };
  }

  /** @param {"mic"|"camera"} source @param {MediaStreamTrack | null} track ours from now on */
  #takeTrack(source, track) {
    if (this.state === 'ended') return track?.stop();
    const old = this.#tracks[source];
    if (old) this.localStream.removeTrack(old);
    old?.stop();
    if (track) this.localStream.addTrack(track);
    this.#tracks[source] = track;
    for (const { leg } of this.#others.values()) leg.setTrack(source, track);
  }

  /**
   * Opens a device that is to be on and is not open.
   * @param {"mic"|"camera"} source
   * @param {boolean} on
   * @returns {Promise<boolean>} whether it is still wished for so: else a later wish is carried out already
   */
  async #ready(source, on) {
    const wish = ++this.#wishes[source];
    if (!on || this.#tracks[source]) return true;
    const { audio, video } = source === 'mic' ? await openDevice(this.#options.audio || true, false) : await openDevice(false, this.#options.video || true);
    if (wish === this.#wishes[source]) this.#takeTrack(source, audio ?? video);
    else (audio ?? video)?.stop();
    return wish === this.#wishes[source];
  }

  /** Tells everybody, oneself too, what is sent now. */
  #announce() {
    if (!this.#me || this.state === 'ended') return;
    this.#me.media = this.#media();
    this.#signaling.request('update', { media: this.#media() }).catch(() => {}); // the next resume says it
    this.emit('participant-updated', this.#me);
  }

  // --- the end

  /** @param {EndReason} reason @param {OtterError | null} error */
  async #end(reason, error) {
    if (this.state === 'ended') return;
    this.reason = reason;
    this.error = error;
    clearTimeout(this.#renewTimer);
    for (const { leg } of this.#others.values()) leg.close();
    this.#takeTrack('mic', null);
    this.#takeTrack('camera', null);
    const keeps = reason === 'replaced' || (reason === 'failed' && error?.retryable); // to take it back, to try again
    if (!keeps) forgetSeat(this.#server, this.#roomGiven);
    this.#release();
    this.#machine.to('ended');
    await this.#signaling.close(reason === 'left');
  }
}

function newInstance() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {unknown} error */
function isSeatLost(error) {
  return error instanceof OtterError && SEAT_LOST.has(error.code);
}

/** @param {any} a @param {any} b */
function sameMedia(a, b) {
  return ['audio', 'video', 'screen'].every((kind) => Boolean(a?.[kind]) === Boolean(b[kind]));
}
