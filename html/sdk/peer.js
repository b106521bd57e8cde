// SPDX-License-Identifier: GPL-3.0-or-later
// A leg: the connection to one instance of one other participant. What is said, and when, negotiation.js decides; it arrives by
// signal-path.js. Here are the RTCPeerConnection, its tracks and its candidates; and a leg that has no media does not rest.
//
//   offerer   (of the first offer) adds a transceiver for each of mic and camera, whether it has such a track or not, so that devices can come
//             and go later by replaceTrack, without negotiation
//   answerer  adds none; it takes the offered ones over

import { OtterError } from './errors.js';
import { Negotiation } from './negotiation.js';
import { SignalPath } from './signal-path.js';
import { Machine, PEER } from './states.js';

const CANDIDATE_BATCH_MS = 20;
const CANDIDATES_PER_SIGNAL = 64;
const ANSWER_MS = 10_000; // an offer is answered by then, or hangs
const DISCONNECTED_MS = 3_000; // shorter breaks heal by themselves
const YIELD_MS = 2_000; // a broken path is sought anew by one side; by the other only if that one does not
const RETRY_MS = 15_000; // a browser takes up to 16 s to call a path dead
const RETRIES_UNTIL_FAILED = 2;

/** @typedef {"mic"|"camera"} Source */
/** @type {{source: Source, kind: "audio"|"video"}[]} */
const SOURCES = [{ source: 'mic', kind: 'audio' }, { source: 'camera', kind: 'video' }];

export class Leg {
  #pc;
  #path;
  #negotiation;
  #yields;
  #refresh;
  #changed;
  #machine;
  /** @type {Record<Source, MediaStreamTrack | null>} */
  #local;
  /** @type {Map<Source, RTCRtpTransceiver>} */
  #transceivers = new Map();
  /** What the other side said each mid carries. @type {Record<string, string>} */
  #remoteTracks = {};
  /** @type {RTCIceCandidateInit[]} */
  #outgoing = [];
  /** @type {RTCIceCandidateInit[]} */
  #held = [];
  /** @type {any} */
  #batchTimer = null;
  /** @type {any} */
  #answerTimer = null;
  /** @type {any} */
  #mediaTimer = null;
  #retries = 0;

  /**
   * @param {object} of
   * @param {boolean} of.offers whether this side sends the first offer (the higher attach does)
   * @param {boolean} of.polite whether this side yields in glare (the higher order does)
   * @param {RTCConfiguration} of.rtc
   * @param {Record<Source, MediaStreamTrack | null>} of.tracks
   * @param {{request: (name: string, body: object) => Promise<any>, address: {to: string, from_instance: string, to_instance: string}, reachable: boolean}} of.path
   *   the way to the other side; whether it is connected
   * @param {() => Promise<RTCIceServer[]>} of.refresh fetches fresh ICE servers
   * @param {() => void} of.changed called when `state` or the tracks of `stream` changed
   */
  constructor({ offers, polite, rtc, tracks, path, refresh, changed }) {
    this.#negotiation = new Negotiation({ offers, polite });
    this.#yields = !offers;
    this.#refresh = refresh;
    this.#changed = changed;
    this.#local = { ...tracks };
    this.#machine = new Machine(PEER, 'connecting', changed);
    /** What arrives of microphone and camera. */
    this.stream = new MediaStream();
    /** Why the last negotiation failed. @type {OtterError | null} */
    this.error = null;
    this.#path = new SignalPath({ ...path, delivered: (signal) => this.#input({ is: 'signal', signal }), stalled: () => this.#stalled() });
    this.#pc = this.#open(rtc);
    if (offers) for (const { source, kind } of SOURCES) this.#transceivers.set(source, this.#pc.addTransceiver(kind, { direction: 'sendrecv' }));
    for (const { source } of SOURCES) this.#attach(source);
    this.#expectMedia();
  }

  /** @returns {import('./states.js').PeerState} */
  get state() {
    return /** @type {import('./states.js').PeerState} */ (this.#machine.state);
  }

  /** @returns {boolean} */
  get #closed() {
    return this.#machine.state === 'closed';
  }

  /** For diagnostics. */
  get connection() {
    return this.#pc;
  }

  /** @param {RTCConfiguration} rtc */
  #open(rtc) {
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', ...rtc });
    pc.onnegotiationneeded = () => this.#input({ is: 'needed' });
    pc.onicecandidate = ({ candidate }) => { if (candidate?.candidate) this.#gathered(candidate.toJSON()); };
    pc.ontrack = ({ track }) => this.#takeTrack(track);
    pc.onconnectionstatechange = () => this.#follow(pc.connectionState);
    return pc;
  }

  /** Takes a signal event of the other side. @param {any} event */
  receive(event) {
    this.#path.receive(event);
  }

  /** The other side, or this one, is away: nothing can be said, and no time passes. */
  suspend() {
    this.#path.suspend();
  }

  /** It is back. */
  resume() {
    const { reachable } = this.#path;
    this.#path.open();
    if (!reachable && this.#negotiation.state.offering) this.#watch(true); // from now on
  }

  /** Seeks the path anew, while media flows on the old one, if there is one. Set fresh ICE servers before. */
  restart() {
    if (this.#negotiation.state.begun) this.#input({ is: 'restart' });
  }

  /** Sends another track, or none, from now on. @param {Source} source @param {MediaStreamTrack | null} track */
  setTrack(source, track) {
    this.#local[source] = track;
    this.#attach(source);
  }

  /** @param {RTCIceServer[]} iceServers */
  setIceServers(iceServers) {
    if (!this.#closed) this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers });
  }

  close() {
    if (!this.#machine.to('closed')) return;
    this.#path.close();
    for (const timer of [this.#batchTimer, this.#answerTimer, this.#mediaTimer]) clearTimeout(timer);
    this.#pc.onnegotiationneeded = this.#pc.onicecandidate = this.#pc.ontrack = this.#pc.onconnectionstatechange = null;
    this.#pc.close();
    for (const track of this.stream.getTracks()) this.stream.removeTrack(track);
  }

  // --- negotiation

  /** @param {import('./negotiation.js').Input} input */
  #input(input) {
    if (this.#closed) return;
    for (const action of this.#negotiation.step(input)) if (!this.#closed) this.#act(action); // a listener may end the call
  }

  /** @param {import('./negotiation.js').Action} action */
  #act(action) {
    switch (action.do) {
      case 'send': return this.#path.send(action.signal);
      case 'watch': return this.#watch(action.on);
      case 'failed': return this.#negotiationFailed(action.error);
      default: return void this.#perform(action);
    }
  }

  /** @param {import('./negotiation.js').Action} action */
  async #perform(action) {
    /** @type {any} */
    let outcome;
    try {
      outcome = { signal: await this.#carryOut(action) };
    } catch (error) {
      outcome = { error };
    }
    this.#input({ is: 'done', signaling: this.#pc.signalingState, ...outcome });
  }

  /** @param {any} action @returns {Promise<import('./signal-path.js').Signal | undefined>} the description that was made */
  async #carryOut({ do: what, restart, signal }) {
    const pc = this.#pc;
    switch (what) {
      case 'offer':
        await pc.setLocalDescription(await pc.createOffer({ iceRestart: restart }));
        return this.#described();
      case 'answer':
        await pc.setLocalDescription();
        return this.#described();
      case 'remote':
        await this.#takeDescription(signal);
        return undefined;
      case 'candidates':
        for (const candidate of signal.candidates) await this.#takeCandidate(candidate);
        return undefined;
      case 'rollback':
        await pc.setRemoteDescription({ type: 'rollback' });
    }
    return undefined;
  }

  /** The local description as it stands, with the candidates gathered so far. */
  #described() {
    const { type, sdp } = /** @type {RTCSessionDescription} */ (this.#pc.localDescription);
    /** @type {Record<string, string>} */
    const tracks = {};
    for (const [source, { mid }] of this.#transceivers) if (mid !== null) tracks[mid] = source;
    return { description: { type, sdp }, tracks };
  }

  /** @param {import('./signal-path.js').Signal} signal */
  async #takeDescription({ description, tracks }) {
    Object.assign(this.#remoteTracks, tracks);
    await this.#pc.setRemoteDescription(/** @type {RTCSessionDescriptionInit} */ (description)); // an offer rolls one of our own back
    this.error = null;
    if (description?.type === 'offer') {
      this.#adopt();
      if (this.state !== 'connected') this.#expectMedia(); // they seek the path anew: give it its time
    }
    for (const candidate of this.#held.splice(0)) await this.#takeCandidate(candidate);
  }

  /** @param {boolean} on */
  #watch(on) {
    clearTimeout(this.#answerTimer);
    if (on && !this.#closed) this.#answerTimer = setTimeout(() => (this.#path.reachable ? this.#input({ is: 'hung' }) : this.#watch(true)), ANSWER_MS);
  }

  #stalled() {
    if (this.#negotiation.state.offering) this.#input({ is: 'hung' });
    else this.#seek(() => true);
  }

  /** @param {any} cause */
  #negotiationFailed(cause) {
    this.error = new OtterError('negotiation_failed', String(cause?.message ?? cause), { cause });
    if (this.state !== 'connected') this.#machine.to('failed');
    this.#expectMedia();
  }

  /** What arrives; what had arrived by an offer that was rolled back is of no use any more. @param {MediaStreamTrack} track */
  #takeTrack(track) {
    for (const each of this.stream.getTracks()) if (each.readyState === 'ended') this.stream.removeTrack(each);
    this.stream.addTrack(track);
    this.#changed();
  }

  /** Answers the offered transceivers with our own tracks. */
  #adopt() {
    const alive = new Set(this.#pc.getTransceivers());
    for (const [source, transceiver] of this.#transceivers) if (!alive.has(transceiver)) this.#transceivers.delete(source); // gone with an offer that was rolled back
    const known = new Set(this.#transceivers.values());
    for (const transceiver of this.#pc.getTransceivers()) {
      if (known.has(transceiver) || transceiver.mid === null) continue;
      const named = this.#remoteTracks[transceiver.mid];
      const match = SOURCES.find(({ source, kind }) => (named ? named === source : kind === transceiver.receiver.track.kind));
      if (!match || this.#transceivers.has(match.source)) continue;
      transceiver.direction = 'sendrecv';
      this.#transceivers.set(match.source, transceiver);
      this.#attach(match.source);
    }
  }

  /** @param {Source} source */
  #attach(source) {
    this.#transceivers.get(source)?.sender.replaceTrack(this.#local[source]).catch(() => {}); // rejects if closed meanwhile
  }

  // --- candidates

  /** @param {RTCIceCandidateInit} candidate */
  #gathered(candidate) {
    this.#outgoing.push(candidate);
    this.#batchTimer ??= setTimeout(() => {
      this.#batchTimer = null;
      while (this.#outgoing.length) this.#path.send({ candidates: this.#outgoing.splice(0, CANDIDATES_PER_SIGNAL) });
    }, CANDIDATE_BATCH_MS);
  }

  /** @param {RTCIceCandidateInit} candidate */
  async #takeCandidate(candidate) {
    const remote = this.#pc.remoteDescription?.sdp;
    const ufrag = candidate.usernameFragment;
    const early = !remote || (ufrag && !remote.includes(`a=ice-ufrag:${ufrag}\r`));
    if (early) {
      this.#held.push(candidate);
      if (this.#held.length > CANDIDATES_PER_SIGNAL) this.#held.shift(); // of an offer that nobody took
      return;
    }
    try {
      await this.#pc.addIceCandidate(candidate);
    } catch (error) {
      console.warn('otter: a candidate was refused', error); // one path less, not the call
    }
  }

  // --- staying alive

  /** @param {RTCPeerConnectionState} state */
  #follow(state) {
    if (state === 'connected') {
      clearTimeout(this.#mediaTimer);
      this.#retries = 0;
      this.error = null;
      this.#machine.to('connected');
    } else if (state === 'failed') {
      this.#expectMedia(this.#yields ? YIELD_MS : 0);
    } else if (state === 'disconnected') {
      this.#expectMedia(DISCONNECTED_MS + (this.#yields ? YIELD_MS : 0));
    }
  }

  /** If there is no media when the time is over, or no agreement, something is done about it. @param {number} [within] ms */
  #expectMedia(within = RETRY_MS) {
    clearTimeout(this.#mediaTimer);
    if (this.#closed) return;
    this.#mediaTimer = setTimeout(() => { if (this.#pc.connectionState !== 'connected' || this.error) this.#restart(); }, within);
  }

  /** There is no media, or no agreement. */
  async #restart() {
    const { reachable } = this.#path; // else there is nobody to agree with, and no attempt
    if (this.#pc.connectionState !== 'connected') {
      if (reachable) this.#retries++;
      this.#machine.to(this.#retries <= RETRIES_UNTIL_FAILED ? 'reconnecting' : 'failed');
    }
    this.#expectMedia(reachable ? RETRY_MS : DISCONNECTED_MS);
    if (reachable) await this.#seek(() => this.#pc.connectionState !== 'connected' || this.error !== null);
  }

  /** Seeks the path anew, with fresh credentials. @param {() => boolean} wanted whether it is still to be done when these are there */
  async #seek(wanted) {
    try {
      this.setIceServers(await this.#refresh());
    } catch { /* without a server the old ones have to do */ }
    if (wanted()) this.#input({ is: 'restart' });
  }
}
