// SPDX-License-Identifier: GPL-3.0-or-later
// The negotiation of a leg: perfect negotiation (W3C WebRTC, section 10.7) as a machine without a connection and without a clock. It is told
// what happens, and answers what is to be done; so one thing is done at a time, and every order of events can be explored.
//
//                 needed, restart, signal, hung                     do: offer, remote, answer, rollback, candidates
//   the leg  ------------------------------------->  step()  --------------------------------------------------->  the connection
//                                                      ^                                                                |
//                                                      '---------------------------- done ------------------------------'
//
//   glare     of two offers that cross the polite side gives its own up and offers again later; the impolite one does not look at the other's
//   the first offer comes from one side alone (the higher attach): both at once hang some browsers
//   round     each offer has a number, and its answer names it: so the answer to an offer that was given up is not taken for that of the next
//   hung      an offer without an answer is said again, under the same number, and the path is sought anew behind its answer. (It is not rolled
//             back: the other side may have taken it, and would not take the next one, whose lines have other mids.)
//
// All that it knows is in `state`, which is plain data.

/**
 * What happens. `needed`: what the local side sends has changed; `restart`: the path is to be sought anew; `signal`: the other side said something;
 * `hung`: the answer has not come in time; `done`: what was to be done is done (with the description that was made), or failed.
 *
 * What is to be done. The first five one at a time: `done` has to follow. `watch`: whether an answer is awaited; `failed`: of this negotiation
 * nothing came, and what comes next mends it.
 *
 * @typedef {import('./signal-path.js').Signal} Signal
 * @typedef {{is: "needed"} | {is: "restart"} | {is: "hung"} | {is: "signal", signal: Signal} | Done} Input
 * @typedef {{is: "done", signaling: RTCSignalingState, signal?: Signal, error?: unknown}} Done
 * @typedef {{do: "offer", restart: boolean} | {do: "answer"} | {do: "remote", signal: Signal} | {do: "rollback"} | {do: "candidates", signal: Signal} |
 *   {do: "send", signal: Signal} | {do: "watch", on: boolean} | {do: "failed", error: unknown}} Action
 */

/** @param {boolean} offers @param {boolean} polite */
function unbegun(offers, polite) {
  return {
    offers,
    polite,
    /** A first offer has been answered: from now on both sides may offer. */
    begun: false,
    /** What is being done. @type {Action["do"] | null} */
    doing: null,
    /** An offer of ours is out; one of theirs was taken, and could not be answered. */
    offering: false,
    unanswered: false,
    /** Our last offer as it was sent, and its number. @type {Signal | undefined} */
    offer: undefined,
    round: 0,
    /** The number of the offer that is being answered; undefined: its sender does not count. @type {number | undefined} */
    answering: undefined,
    /** The last of their offers that was answered or passed over, and our answer to it. */
    taken: 0,
    /** @type {Signal | undefined} */
    answer: undefined,
    /** An offer is to be made as soon as it can be; with new ICE credentials. */
    needed: false,
    restart: false,
    /** The offer that is out has new ICE credentials. */
    restarting: false,
    /** What the other side said and was not looked at yet. @type {Signal[]} */
    inbox: [],
  };
}

export class Negotiation {
  /**
   * @param {object} how
   * @param {boolean} how.offers whether the first offer is ours
   * @param {boolean} how.polite whether we yield in glare
   */
  constructor({ offers, polite }, state = unbegun(offers, polite)) {
    this.state = state;
  }

  /**
   * @param {Input} input
   * @returns {Action[]}
   */
  step(input) {
    const { state } = this;
    /** @type {Action[]} */
    let out = [];
    switch (input.is) {
      case 'needed': state.needed = true; break;
      case 'restart': if (state.offers || state.begun) state.needed = state.restart = true; break;
      case 'signal': state.inbox.push(input.signal); break;
      case 'hung': if (state.offering) out = this.#sayAgain(); break;
      case 'done': out = this.#done(input); break;
    }
    return [...out, ...this.#next(!(input.is === 'done' && input.error !== undefined))]; // what failed is not tried again at once
  }

  /** What is to be done next, if nothing is being done. @param {boolean} offer whether that may be an offer @returns {Action[]} */
  #next(offer) {
    const { state } = this;
    /** @type {Action[]} */
    const out = [];
    while (state.doing === null) {
      const signal = state.inbox.shift();
      if (signal === undefined) break;
      out.push(...this.#take(signal));
    }
    if (state.doing !== null || !offer || !state.needed || state.offering || !(state.offers || state.begun)) return out;
    if (state.unanswered) return [...out, ...this.#start({ do: 'rollback' })];
    state.restarting = state.restart;
    state.needed = state.restart = false; // what is wished for from now on is for the next offer
    return [...out, ...this.#start({ do: 'offer', restart: state.restarting })];
  }

  /** Our offer is of no use any more: it is to be made again. */
  #offerAgain() {
    const { state } = this;
    state.needed = true;
    state.restart ||= state.restarting;
  }

  /** @returns {Action[]} */
  #sayAgain() {
    this.state.needed = this.state.restart = true; // something was wrong with the path
    return [{ do: 'send', signal: /** @type {Signal} */ (this.state.offer) }, { do: 'watch', on: true }];
  }

  /** @param {Action} action */
  #start(action) {
    this.state.doing = action.do;
    return [action];
  }

  /** @param {Signal} signal @returns {Action[]} */
  #take(signal) {
    const type = signal.description?.type;
    if (signal.candidates) return this.#start({ do: 'candidates', signal });
    if (type === 'offer') return this.#takeOffer(signal);
    const { state } = this;
    const answers = type === 'answer' && state.offering && (signal.round ?? state.round) === state.round;
    return answers ? this.#start({ do: 'remote', signal }) : [];
  }

  /** @param {Signal} signal @returns {Action[]} */
  #takeOffer(signal) {
    const { state } = this;
    const { round } = signal;
    if (round !== undefined && round <= state.taken) // it was said again: so is the answer, if that is still awaited
      return round === state.taken && state.answer ? [{ do: 'send', signal: state.answer }] : [];
    if (state.offering && !state.polite) { // they give it up
      if (round !== undefined) Object.assign(state, { taken: round, answer: undefined });
      return [];
    }
    if (state.offering) this.#offerAgain(); // taking theirs gives ours up
    state.answering = round;
    return this.#start({ do: 'remote', signal });
  }

  /** @param {Done} input @returns {Action[]} */
  #done({ signaling, signal, error }) {
    const { state } = this;
    const { doing, offering } = state;
    state.doing = null;
    state.offering = signaling === 'have-local-offer';
    state.unanswered = signaling === 'have-remote-offer';
    /** @type {Action[]} */
    const out = [];
    if (offering && !state.offering) out.push({ do: 'watch', on: false });
    if (error !== undefined) {
      out.push({ do: 'failed', error });
      if (doing === 'offer') this.#offerAgain();
    } else if (doing === 'offer') {
      state.offer = { ...signal, round: ++state.round };
      out.push({ do: 'send', signal: state.offer }, { do: 'watch', on: true });
    } else if (doing === 'remote') {
      if (state.unanswered) out.push(...this.#start({ do: 'answer' }));
      else state.begun = true;
    } else if (doing === 'answer') {
      const { answering } = state;
      const answer = answering === undefined ? { ...signal } : { ...signal, round: answering };
      Object.assign(state, { begun: true, answer, taken: answering ?? state.taken });
      out.push({ do: 'send', signal: answer });
    }
    return out;
  }
}
