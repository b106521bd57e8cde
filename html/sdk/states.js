// SPDX-License-Identifier: GPL-3.0-or-later
// The two state machines of the SDK, each as one table: from a state, the states that may follow.

/**
 * | call         | meaning                                                                       |
 * |--------------|-------------------------------------------------------------------------------|
 * | connecting   | on the way into the room                                                      |
 * | waiting      | before the door: until a host lets one in                                     |
 * | connected    | in the room, alone or not                                                     |
 * | reconnecting | the way to the server is lost; media between browsers goes on meanwhile       |
 * | ended        | final                                                                         |
 * @typedef {"connecting"|"waiting"|"connected"|"reconnecting"|"ended"} CallState
 */
export const CALL = Object.freeze({
  connecting: ['waiting', 'connected', 'ended'],
  waiting: ['connected', 'reconnecting', 'ended'],
  connected: ['reconnecting', 'ended'],
  reconnecting: ['connected', 'waiting', 'ended'],
  ended: [],
});

/**
 * | peer         | meaning                                                                       |
 * |--------------|-------------------------------------------------------------------------------|
 * | connecting   | no media yet                                                                  |
 * | connected    | media flows                                                                   |
 * | reconnecting | the path broke; a new one is being sought                                     |
 * | failed       | several attempts in vain; they go on, more slowly                             |
 * | closed       | final                                                                         |
 * @typedef {"connecting"|"connected"|"reconnecting"|"failed"|"closed"} PeerState
 */
export const PEER = Object.freeze({
  connecting: ['connected', 'reconnecting', 'failed', 'closed'],
  connected: ['reconnecting', 'failed', 'closed'],
  reconnecting: ['connected', 'failed', 'closed'],
  failed: ['connected', 'reconnecting', 'closed'],
  closed: [],
});

/** Walks one of the tables above. */
export class Machine {
  #table;
  #changed;

  /**
   * @param {Readonly<Record<string, string[]>>} table
   * @param {string} start
   * @param {(state: string) => void} changed called after each change
   */
  constructor(table, start, changed) {
    this.#table = table;
    this.#changed = changed;
    this.state = start;
  }

  /**
   * @param {string} next
   * @returns {boolean} whether the state changed; a step that the table does not have changes nothing
   */
  to(next) {
    if (!this.#table[this.state].includes(next)) return false;
    this.state = next;
    this.#changed(next);
    return true;
  }
}
