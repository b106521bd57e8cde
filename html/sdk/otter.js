// SPDX-License-Identifier: GPL-3.0-or-later
// The SDK's front door: import { Otter } from '/sdk/otter.js'. It never touches the DOM.

import { Call } from './call.js';
import { OtterError } from './errors.js';
import { parseRoomUrl } from './room-url.js';

export { Call } from './call.js';
export { Participant } from './participant.js';
export { OtterError } from './errors.js';
/** @typedef {import('./call.js').Knock} Knock */

/**
 * @typedef {object} JoinOptions
 * @property {string} [display] the name that others see, up to 64 characters
 * @property {boolean | MediaTrackConstraints} [audio] true by default
 * @property {boolean | MediaTrackConstraints} [video] true by default
 * @property {RTCIceTransportPolicy} [iceTransportPolicy] "relay" hides the addresses of this machine; a room with privacy "relay" forces it
 */

export const Otter = Object.freeze({
  /**
   * Joins a room, or takes its seat again after a reload of the page.
   * @param {string | URL | {server: string, room: string, token: string | null}} where a room link, or its parts
   * @param {JoinOptions} [options]
   * @returns {Promise<Call>}
   * @throws {OtterError}
   */
  async join(where, options = {}) {
    const address = typeof where === 'string' || where instanceof URL ? parseRoomUrl(where) : where;
    if (!address) throw new OtterError('invalid_request', 'this is no room link');
    const call = new Call(address, options);
    await call.open();
    return call;
  },
});
