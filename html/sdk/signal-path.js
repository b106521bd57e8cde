// SPDX-License-Identifier: GPL-3.0-or-later
// The way of signals to one instance of one participant, and from it: a PairStream with a clock and the server under it.

import { OtterError } from './errors.js';
import { PairStream } from './pair-stream.js';

/**
 * What one side of a leg says to the other: a description with what each mid carries and the number of the offer that it is, or answers; or candidates.
 * @typedef {object} Signal
 * @property {RTCSessionDescriptionInit} [description]
 * @property {Record<string, string>} [tracks]
 * @property {number} [round]
 * @property {RTCIceCandidateInit[]} [candidates]
 */

/** With these the server says that it will never deliver the message. */
const REFUSED = new Set(['too_large', 'forbidden', 'invalid_request']);

export class SignalPath {
  #request;
  #address;
  #delivered;
  #stalled;
  #stream = new PairStream();
  #told = false;
  /** @type {any} */
  #timer = null;

  /**
   * @param {object} how
   * @param {(name: string, body: object) => Promise<any>} how.request
   * @param {{to: string, from_instance: string, to_instance: string}} how.address
   * @param {boolean} how.reachable whether the peer is connected
   * @param {(signal: Signal) => void} how.delivered takes what the other side said, in order, each once
   * @param {() => void} how.stalled called when something was not acknowledged for 8 s
   */
  constructor({ request, address, reachable, delivered, stalled }) {
    this.#request = request;
    this.#address = address;
    this.#delivered = delivered;
    this.#stalled = stalled;
    if (!reachable) this.#stream.unreachable();
  }

  /** Whether what is sent can arrive: the peer is connected, and we are. */
  get reachable() {
    return !this.#stream.state.away;
  }

  /** Delivers for certain, in order, as long as both instances live. @param {Signal} signal */
  send(signal) {
    this.#stream.send(signal);
    this.#pump();
  }

  /** Takes a signal event of the server. @param {any} event */
  receive(event) {
    const { event: name, otter, from, from_instance, to_instance, ...signal } = event;
    for (const each of this.#stream.received(signal, performance.now())) this.#delivered(each);
    this.#pump();
  }

  /** The peer, or this side, has come back. Again and again is fine: what is not acknowledged is repeated. */
  open() {
    this.#stream.reachable(performance.now());
    this.#pump();
  }

  /** The peer is away, or this side is: nothing is sent, and no time passes. */
  suspend() {
    this.#stream.unreachable();
    clearTimeout(this.#timer);
  }

  close() {
    this.suspend();
    this.#delivered = this.#stalled = () => {};
  }

  #pump() {
    const now = performance.now();
    for (const message of this.#stream.due(now)) this.#post(message);
    const { stalled } = this.#stream;
    const news = stalled && !this.#told;
    this.#told = stalled;
    if (news) this.#stalled();
    clearTimeout(this.#timer);
    const next = this.#stream.wakeup();
    if (next !== null) this.#timer = setTimeout(() => this.#pump(), Math.max(0, next - now));
  }

  /** @param {import('./pair-stream.js').Numbered} message */
  async #post(message) {
    try {
      await this.#request('signal', { ...this.#address, ...message });
    } catch (error) {
      if (!(error instanceof OtterError)) throw error;
      if (error.code === 'rate_limited') this.#stream.limited(performance.now() + (error.details?.retry_after_ms ?? 0));
      else if (message.seq && REFUSED.has(error.code)) this.#stream.refused(message);
      else return; // it is only late: the peer is away or gone, or we are, and an event or a resume is to follow
      console.warn('otter: a signal was refused', error);
      this.#pump();
    }
  }
}
