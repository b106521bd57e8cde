// SPDX-License-Identifier: GPL-3.0-or-later
// A leg: the connection to one instance of one other participant. Perfect negotiation (W3C WebRTC, section 10.7) with two rules
// on top: the first offer comes from one side alone, and a leg that has no media does not rest.
//
//   offerer   adds a transceiver for each of mic and camera, whether it has such a track or not, so that devices can come and
//             go later by replaceTrack, without negotiation
//   answerer  adds none; it takes the offered ones over

import { OtterError } from './errors.js';
import { Machine, PEER } from './states.js';

const CANDIDATE_BATCH_MS = 20;
const CANDIDATES_PER_SIGNAL = 64;
const DISCONNECTED_MS = 3_000; // shorter breaks heal by themselves
const RETRY_MS = 15_000; // a browser takes up to 16 s to call a path dead
const RETRIES_UNTIL_FAILED = 2;

/** @typedef {"mic"|"camera"} Source */
/** @type {{source: Source, kind: "audio"|"video"}[]} */
const SOURCES = [{ source: 'mic', kind: 'audio' }, { source: 'camera', kind: 'video' }];

export class Leg {
  #pc;
  #path;
  #polite;
  /** Until media has flowed once, offers come from one side alone; from then on from both. */
  #mayOffer;
  #refresh;
  #changed;
  #machine;
  /** @type {Record<Source, MediaStreamTrack | null>} */
  #local;
  /** @type {Map<Source, RTCRtpTransceiver>} */
  #transceivers = new Map();
  /** What the other side said each mid carries. @type {Record<string, string>} */
  #remoteTracks = {};
  #makingOffer = false;
  #ignoreOffer = false;
  #settingAnswer = false;
  /** Signals are taken one after the other. */
  #queue = Promise.resolve();
  /** @type {RTCIceCandidateInit[]} */
  #outgoing = [];
  /** @type {RTCIceCandidateInit[]} */
  #held = [];
  /** @type {any} */
  #batchTimer = null;
  /** @type {any} */
  #retryTimer = null;
  #retries = 0;

  /**
   * @param {object} of
   * @param {boolean} of.offers whether this side sends the first offer (the higher attach does)
   * @param {boolean} of.polite whether this side yields in glare (the higher order does)
   * @param {RTCConfiguration} of.rtc
   * @param {Record<Source, MediaStreamTrack | null>} of.tracks
   * @param {import('./signal-path.js').SignalPath} of.path
   * @param {() => Promise<RTCIceServer[]>} of.refresh fetches fresh ICE servers
   * @param {() => void} of.changed called when `state` or the tracks of `stream` changed
   */
  constructor({ offers, polite, rtc, tracks, path, refresh, changed }) {
    this.#path = path;
    this.#polite = polite;
    this.#mayOffer = offers;
    this.#refresh = refresh;
    this.#changed = changed;
    this.#local = { ...tracks };
    this.#machine = new Machine(PEER, 'connecting', changed);
    /** What arrives of microphone and camera. */
    this.stream = new MediaStream();
    /** Why the last negotiation failed. @type {OtterError | null} */
    this.error = null;
    this.#pc = this.#open(rtc);
    if (offers) for (const { source, kind } of SOURCES) this.#transceivers.set(source, this.#pc.addTransceiver(kind, { direction: 'sendrecv' }));
    for (const { source } of SOURCES) this.#attach(source);
    this.#expectMedia();
  }

  /** @returns {import('./states.js').PeerState} */
  get state() {
    return /** @type {import('./states.js').PeerState} */ (this.#machine.state);
  }

  /** For diagnostics. */
  get connection() {
    return this.#pc;
  }

  /** @param {RTCConfiguration} rtc */
  #open(rtc) {
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', ...rtc });
    pc.onnegotiationneeded = () => this.#offer();
    pc.onicecandidate = ({ candidate }) => { if (candidate?.candidate) this.#gathered(candidate.toJSON()); };
    pc.ontrack = ({ track }) => { this.stream.addTrack(track); this.#changed(); };
    pc.onconnectionstatechange = () => this.#follow(pc.connectionState);
    return pc;
  }

  /**
   * Takes a signal of the other side.
   * @param {import('./signal-path.js').Signal} signal
   */
  receive(signal) {
    this.#queue = this.#queue.then(() => this.#take(signal)).catch((cause) => {
      if (this.state === 'closed') return;
      this.error = new OtterError('negotiation_failed', String(cause?.message ?? cause), { cause });
      this.#machine.to('failed');
      this.#expectMedia();
    });
  }

  /** Sends another track, or none, from now on. @param {Source} source @param {MediaStreamTrack | null} track */
  setTrack(source, track) {
    this.#local[source] = track;
    this.#attach(source);
  }

  /** @param {RTCIceServer[]} iceServers */
  setIceServers(iceServers) {
    if (this.state !== 'closed') this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers });
  }

  /** The way of signals is open again, on our side or theirs: whatever was said last may be lost. */
  resync() {
    if (this.#pc.signalingState === 'have-local-offer') this.#describe();
    else if (this.state !== 'connected' && this.#pc.localDescription) this.#restart();
  }

  close() {
    if (!this.#machine.to('closed')) return;
    clearTimeout(this.#batchTimer);
    clearTimeout(this.#retryTimer);
    this.#pc.onnegotiationneeded = this.#pc.onicecandidate = this.#pc.ontrack = this.#pc.onconnectionstatechange = null;
    this.#pc.close();
    for (const track of this.stream.getTracks()) this.stream.removeTrack(track);
  }

  // --- negotiation

  async #offer() {
    if (!this.#mayOffer || this.state === 'closed') return;
    try {
      this.#makingOffer = true;
      await this.#pc.setLocalDescription();
      this.#describe();
    } catch (cause) {
      this.error = new OtterError('negotiation_failed', String(cause), { cause }); // the retry timer is running
    } finally {
      this.#makingOffer = false;
    }
  }

  /** Sends the local description as it stands, with the candidates gathered so far. */
  #describe() {
    const description = this.#pc.localDescription;
    if (!description) return;
    /** @type {Record<string, string>} */
    const tracks = {};
    for (const [source, { mid }] of this.#transceivers) if (mid !== null) tracks[mid] = source;
    this.#path.send({ description: { type: description.type, sdp: description.sdp }, tracks });
  }

  /** @param {import('./signal-path.js').Signal} signal */
  async #take({ description, candidates, tracks }) {
    if (this.state === 'closed') return;
    if (description) await this.#takeDescription(description, tracks);
    for (const candidate of candidates ?? []) await this.#takeCandidate(candidate);
  }

  /** @param {RTCSessionDescriptionInit} description @param {Record<string, string>} [tracks] */
  async #takeDescription(description, tracks) {
    const pc = this.#pc;
    const offered = description.type === 'offer';
    if (!offered && pc.signalingState !== 'have-local-offer') return; // the answer to an offer that was repeated
    const ready = !this.#makingOffer && (pc.signalingState === 'stable' || this.#settingAnswer);
    this.#ignoreOffer = offered && !ready && !this.#polite;
    if (this.#ignoreOffer) return;
    Object.assign(this.#remoteTracks, tracks);
    this.#settingAnswer = !offered;
    try {
      await pc.setRemoteDescription(description); // rolls an offer of our own back
    } finally {
      this.#settingAnswer = false;
    }
    this.error = null;
    if (offered) {
      this.#adopt();
      await pc.setLocalDescription();
      this.#describe();
    }
    for (const candidate of this.#held.splice(0)) await this.#takeCandidate(candidate);
  }

  /** Answers the offered transceivers with our own tracks. */
  #adopt() {
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
      if (this.#held.length < CANDIDATES_PER_SIGNAL) this.#held.push(candidate);
      return;
    }
    try {
      await this.#pc.addIceCandidate(candidate);
    } catch (error) {
      if (!this.#ignoreOffer) console.warn('otter: a candidate was refused', error); // one path less, not the call
    }
  }

  // --- staying alive

  /** @param {RTCPeerConnectionState} state */
  #follow(state) {
    if (state === 'connected') {
      clearTimeout(this.#retryTimer);
      this.#retries = 0;
      this.#mayOffer = true;
      this.error = null;
      this.#machine.to('connected');
    } else if (state === 'failed') {
      this.#restart();
    } else if (state === 'disconnected') {
      this.#expectMedia(DISCONNECTED_MS);
    }
  }

  /** If there is no media when the time is over, something is done about it. @param {number} [within] ms */
  #expectMedia(within = RETRY_MS) {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#restart(), within);
  }

  async #restart() {
    if (this.state === 'closed') return;
    this.#expectMedia();
    this.#machine.to(this.#retries++ < RETRIES_UNTIL_FAILED ? 'reconnecting' : 'failed');
    if (!this.#mayOffer) return; // the first offer is theirs, and its repetition too
    if (this.#pc.signalingState === 'have-local-offer') {
      this.#describe();
      return;
    }
    try {
      this.setIceServers(await this.#refresh());
    } catch { /* without a server the old ones have to do */ }
    if (/** @type {string} */ (this.state) !== 'closed') this.#pc.restartIce();
  }
}
