// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the seat token of a room over a reload, in the session storage of the tab. A duplicated tab begins with a copy of that storage, while the
// seat is in use in the first one: so whoever finds a seat asks the other pages of the browser before taking it.

const ASK = 'is it in use?';
const ANSWER = 'in use';
const PATIENCE_MS = 100;

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

/**
 * Whether a page that has the seat now answers. A reloaded page is gone by then and does not.
 * @param {string} seat
 * @returns {Promise<boolean>} after 100 ms at the latest; false where pages cannot talk to each other
 */
export function seatInUse(seat) {
  const channel = channelOf(seat);
  if (!channel) return Promise.resolve(false);
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), PATIENCE_MS);
    channel.onmessage = ({ data }) => { if (data === ANSWER) resolve(true); };
    channel.postMessage(ASK);
  }).finally(() => channel.close());
}

/**
 * Answers whoever asks for the seat, from now on.
 * @param {string} seat
 * @returns {() => void} ends it
 */
export function holdSeat(seat) {
  const channel = channelOf(seat);
  if (channel) channel.onmessage = ({ data }) => { if (data === ASK) channel.postMessage(ANSWER); };
  return () => channel?.close();
}

/** Its name is the participant that the token names: a resume may bring another token of the same seat. @param {string} seat */
function channelOf(seat) {
  try {
    const { sub } = JSON.parse(atob(seat.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
    return new BroadcastChannel(`otter.seat ${sub}`);
  } catch {
    return null; // no channels in this browser, or no token of ours
  }
}
