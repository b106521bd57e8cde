// SPDX-License-Identifier: GPL-3.0-or-later
// One end of a pair: the end-to-end reliability of plugin/PROTOCOL.md, section 6.
//
//   send() --> backlog --> in flight --> due() --> the wire
//                              ^                     |
//                              '--- ack of the peer -'
//   the wire --> received() --> delivered, in order of seq
//                    '--> early: what came before its turn
//
// No I/O and no clock: who uses it says what time it is (`now`, in ms of any monotonic clock), sends what due() answers and asks again
// at wakeup(). A new instance of either side is a new PairStream. All that it knows is in `state`, which is plain data: so its behaviour
// can be explored, copied and compared.

const REPEAT_AFTER_MS = [1_000, 2_000, 4_000]; // after a message was first sent
const STALLED_AFTER_MS = 8_000; // and from then on it is repeated as often
const ACK_AFTER_MS = 100; // of the 200 that are allowed; the rest is for the way
const WINDOW_MESSAGES = 64;
const WINDOW_BYTES = 256 * 1024;

/**
 * @typedef {import('./signal-path.js').Signal} Signal
 * @typedef {Signal & {seq?: number, ack?: number}} Numbered
 * @typedef {{seq: number, message: Signal, size: number, sentAt: number, repeats: number, again: boolean}} InFlight
 *   `again`: to be repeated at once; `repeats`: how often it was by the clock
 */

/** What an end knows before anything was said. */
function unspoken() {
  return {
    away: false,
    /** The peer does not number what it says: there are no acknowledgements, so nothing is kept. */
    plain: false,
    /** Too much was said at once: nothing is sent before. */
    quietUntil: 0,
    nextSeq: 1,
    /** Ascending by seq. @type {InFlight[]} */
    inFlight: [],
    /** @type {Signal[]} */
    backlog: [],
    /** Numbers that were refused for good: the next messages take them. @type {number[]} */
    free: [],
    expected: 1,
    /** @type {Record<number, Numbered>} */
    early: {},
    /** When the peer has to have its acknowledgement. @type {number | null} */
    ackAt: null,
  };
}

export class PairStream {
  constructor(state = unspoken()) {
    this.state = state;
  }

  // --- the sender

  /** Takes a message without seq and ack; due() hands it out, numbered. @param {Signal} message */
  send(message) {
    this.state.backlog.push(message);
  }

  /** The peer cannot be reached, or we cannot: keep everything, send nothing. */
  unreachable() {
    this.state.away = true;
  }

  /** It can be: what is not acknowledged is repeated at once. If it could not for a while, the clock starts anew. @param {number} now */
  reachable(now) {
    const { state } = this;
    for (const entry of state.inFlight) Object.assign(entry, { again: true }, state.away && { sentAt: now, repeats: 0 });
    if (state.away && state.expected > 1) state.ackAt = now;
    state.away = false;
  }

  /** The server refused what was sent now because there was too much of it: it is repeated as if it had been lost. @param {number} until */
  limited(until) {
    this.state.quietUntil = until;
  }

  /** The server refused this message for good: it was not delivered, and the next one gets its number. @param {Numbered} refused */
  refused({ seq, description, candidates }) {
    const at = this.state.inFlight.findIndex((each) => each.seq === seq && each.message.description === description && each.message.candidates === candidates);
    if (at < 0) return; // a second copy of it
    this.state.free.push(this.state.inFlight.splice(at, 1)[0].seq);
  }

  /** Something is not acknowledged although it was repeated for so long: a negotiation that it belongs to had better begin again. */
  get stalled() {
    return this.state.inFlight.some(({ repeats }) => repeats > REPEAT_AFTER_MS.length);
  }

  /** How many messages the peer has not acknowledged, those that wait included. */
  get unacknowledged() {
    return this.state.inFlight.length + this.state.backlog.length;
  }

  /** The highest seq received without a gap: what we acknowledge. */
  get acknowledging() {
    return this.state.expected - 1;
  }

  /**
   * What has to be sent now: messages with seq and ack, or one pure ack.
   * @param {number} now
   * @returns {Numbered[]}
   */
  due(now) {
    const { state } = this;
    if (state.away || now < state.quietUntil) return [];
    state.quietUntil = 0;
    if (state.plain) return state.backlog.splice(0);
    const out = [...this.#repeats(now), ...this.#fillWindow(now)];
    if (!out.length && state.ackAt !== null && state.ackAt <= now) out.push({ ack: this.acknowledging });
    if (out.length) state.ackAt = null;
    return out;
  }

  /** When due() has something to say next; null: not before something happens. @returns {number | null} */
  wakeup() {
    const { state } = this;
    if (state.away) return null;
    const times = state.inFlight.map(dueAt);
    if (state.ackAt !== null) times.push(state.ackAt);
    if (state.backlog.length && state.quietUntil) times.push(state.quietUntil);
    return times.length ? Math.max(state.quietUntil, Math.min(...times)) : null;
  }

  /** @param {number} now @returns {Numbered[]} */
  #repeats(now) {
    return this.state.inFlight.filter((entry) => dueAt(entry) <= now).map((entry) => {
      if (entry.again) entry.again = false;
      else entry.repeats++;
      return this.#numbered(entry);
    });
  }

  /** @param {number} now @returns {Numbered[]} */
  #fillWindow(now) {
    const { state } = this;
    const out = [];
    let bytes = state.inFlight.reduce((sum, { size }) => sum + size, 0);
    for (; state.backlog.length && state.inFlight.length < WINDOW_MESSAGES; state.backlog.shift()) {
      const message = state.backlog[0];
      const size = bytesOf(message);
      bytes += size;
      if (bytes > WINDOW_BYTES && state.inFlight.length) break;
      const entry = { seq: state.free.shift() ?? state.nextSeq++, message, size, sentAt: now, repeats: 0, again: false };
      state.inFlight.push(entry);
      state.inFlight.sort((a, b) => a.seq - b.seq);
      out.push(this.#numbered(entry));
    }
    return out;
  }

  /** @param {InFlight} entry @returns {Numbered} */
  #numbered({ message, seq }) {
    return { ...message, seq, ack: this.acknowledging };
  }

  // --- the receiver

  /**
   * Takes a signal of the peer.
   * @param {Numbered} signal
   * @param {number} now
   * @returns {Numbered[]} what may be delivered now, in order
   */
  received(signal, now) {
    const { state } = this;
    this.#acknowledged(signal.ack ?? 0);
    const { seq } = signal;
    if (seq === undefined && !signal.description && !signal.candidates) return []; // a pure ack
    if (seq === undefined) {
      Object.assign(state, { plain: true, inFlight: [] });
      return [signal];
    }
    state.ackAt ??= now + ACK_AFTER_MS; // of a duplicate too: our ack of it may have been lost
    if (seq >= state.expected && seq < state.expected + WINDOW_MESSAGES) state.early[seq] ??= signal;
    const out = [];
    for (; state.early[state.expected]; state.expected++) {
      out.push(state.early[state.expected]);
      delete state.early[state.expected];
    }
    return out;
  }

  /** @param {number} ack */
  #acknowledged(ack) {
    if (ack < this.state.nextSeq) this.state.inFlight = this.state.inFlight.filter(({ seq }) => seq > ack); // else of something never sent
  }
}

/** @param {InFlight} entry */
function dueAt({ sentAt, repeats, again }) {
  if (again) return sentAt;
  return sentAt + (REPEAT_AFTER_MS[repeats] ?? STALLED_AFTER_MS * (repeats - REPEAT_AFTER_MS.length + 1));
}

/** As compact JSON in UTF-8. @param {Signal} message */
function bytesOf(message) {
  return new TextEncoder().encode(JSON.stringify(message)).length;
}
