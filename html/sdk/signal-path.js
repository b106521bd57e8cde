// SPDX-License-Identifier: GPL-3.0-or-later
// The way of signals to one instance of one participant. Everything a leg says goes through send().
// Plain relay: what is not delivered is not repeated; the leg finds out by its state and renegotiates.

/**
 * @typedef {object} Signal
 * @property {RTCSessionDescriptionInit} [description]
 * @property {RTCIceCandidateInit[]} [candidates]
 * @property {Record<string, string>} [tracks] with a description: what each mid carries
 */

export class SignalPath {
  #request;
  #address;

  /**
   * @param {(name: string, body: object) => Promise<any>} request
   * @param {{to: string, from_instance: string, to_instance: string}} address
   */
  constructor(request, address) {
    this.#request = request;
    this.#address = address;
  }

  /**
   * @param {Signal} signal
   * @returns {Promise<boolean>} whether the server took it for the peer. Never rejects.
   */
  async send(signal) {
    try {
      const reply = await this.#request('signal', { ...this.#address, ...signal });
      return reply.dropped !== true;
    } catch {
      return false; // away, gone, or we are: participant-updated, participant-left or a resume is to follow
    }
  }
}
