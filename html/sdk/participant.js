// SPDX-License-Identifier: GPL-3.0-or-later
// One person in the call, as the application sees them.

/**
 * @typedef {{audio: boolean, video: boolean, screen: boolean}} MediaFlags what they mean to send
 *
 * @typedef {object} WireParticipant a participant in the protocol ("P")
 * @property {string} participant
 * @property {string | null} identity
 * @property {string} display
 * @property {"guest"|"host"} role
 * @property {number} order
 * @property {number} attach
 * @property {string} instance
 * @property {MediaFlags} media
 * @property {boolean} connected
 */

export class Participant {
  /** @param {WireParticipant} wire */
  constructor(wire) {
    /** @readonly */
    this.id = wire.participant;
    /** @type {string | null} */
    this.identity = null;
    this.display = '';
    /** @type {"guest"|"host"} */
    this.role = 'guest';
    /** @type {MediaFlags} */
    this.media = { audio: false, video: false, screen: false };
    /** `camera` carries the microphone as well. @type {{camera: MediaStream | null}} */
    this.streams = { camera: null };
    /** The state of the media connection to them. @type {import('./states.js').PeerState} */
    this.state = 'connecting';
    /** Whether the server reaches them. While it does not, media may still flow. */
    this.reachable = true;
    describe(this, wire);
  }
}

/**
 * Takes over what the server says. Internal to the SDK.
 * @param {Participant} participant
 * @param {WireParticipant} wire
 */
export function describe(participant, wire) {
  participant.identity = wire.identity ?? null;
  participant.display = wire.display ?? '';
  participant.role = wire.role ?? 'guest';
  participant.media = { audio: false, video: false, screen: false, ...wire.media };
  participant.reachable = wire.connected !== false;
}
