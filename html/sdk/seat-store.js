// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the seat token of a room over a reload, in the session storage of the tab.

/** @param {string} server @param {string} room */
const key = (server, room) => `otter.seat ${server} ${room}`;

/**
 * @param {string} server
 * @param {string} room as it was given: id or name
 * @param {string | null} token the join token at hand; a seat that came by another one is not answered
 * @returns {string | null}
 */
export function recallSeat(server, room, token) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key(server, room)) ?? 'null');
    return kept && (!token || kept.token === token) ? kept.seat : null;
  } catch {
    return null; // no storage in this context, or not ours
  }
}

/** @param {string} server @param {string} room @param {string | null} token @param {string} seat */
export function keepSeat(server, room, token, seat) {
  try {
    sessionStorage.setItem(key(server, room), JSON.stringify({ seat, token }));
  } catch { /* no storage: a reload will join anew */ }
}

/** @param {string} server @param {string} room */
export function forgetSeat(server, room) {
  try {
    sessionStorage.removeItem(key(server, room));
  } catch { /* nothing was kept */ }
}
