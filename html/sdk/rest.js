// SPDX-License-Identifier: GPL-3.0-or-later
// The two REST requests a participant needs. No other file calls fetch.

import { OtterError } from './errors.js';

const TIMEOUT_MS = 10_000;

/**
 * @typedef {object} Way what POST /v1/connect answers: how to reach the room's signaling
 * @property {string} room
 * @property {string} plugin
 * @property {{url: string, protocol: string}[]} signaling
 * @property {string | null} janus_token
 * @property {number | null} janus_token_ttl seconds
 * @property {RTCIceServer[]} ice_servers
 * @property {number} ttl seconds
 * @property {string} expires_at
 */

/**
 * @param {string} server origin
 * @param {string} credential a join token or a seat token
 * @returns {Promise<Way>}
 */
export function connect(server, credential) {
  return call(`${server}/v1/connect`, { method: 'POST', headers: { Authorization: `Bearer ${credential}` } });
}

/**
 * @param {string} server origin
 * @returns {Promise<{version: string, max_participants: number, features: string[]}>}
 */
export function config(server) {
  return call(`${server}/v1/config`, {});
}

/**
 * @param {string} url
 * @param {RequestInit} init
 * @returns {Promise<any>}
 */
async function call(url, init) {
  let response, body;
  try {
    response = await fetch(url, { ...init, cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer', signal: AbortSignal.timeout(TIMEOUT_MS) });
    body = await response.json();
  } catch (cause) {
    const status = response ? ` (HTTP ${response.status})` : '';
    throw new OtterError('unreachable', `no usable answer from the server${status}`, { cause });
  }
  if (!response.ok) throw OtterError.from(body);
  return body;
}
