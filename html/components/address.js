// SPDX-License-Identifier: GPL-3.0-or-later
// The address bar of a room page. The token leaves it at once, so that it does not stay in the history or on a shared screen; the
// tab's session storage keeps it for a reload.

import { parseRoomUrl } from '../sdk/room-url.js';

/** @param {string} room */
const key = (room) => `otter.token ${room}`;

/**
 * @returns {import('../sdk/room-url.js').RoomAddress | null} null if this is no room's page
 */
export function takeAddress() {
  const address = parseRoomUrl(location.href);
  if (!address) return null;
  if (location.hash) history.replaceState(history.state, '', location.pathname + location.search);
  try {
    if (address.token) sessionStorage.setItem(key(address.room), address.token);
    else address.token = sessionStorage.getItem(key(address.room));
  } catch { /* no storage: a reload will need the link again */ }
  return address;
}

/** A link opened in the same tab changes the fragment alone: begin again with it. */
export function watchAddress() {
  addEventListener('hashchange', () => {
    if (takeAddress()) location.reload();
  });
}
