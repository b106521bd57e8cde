// SPDX-License-Identifier: GPL-3.0-or-later
// Reading a room link: https://host/room/rm_x#token=eyJ…  Pure; what becomes of the address bar is the page's matter.

/**
 * @typedef {object} RoomAddress
 * @property {string} server origin of the API, for instance "https://meet.example.org"
 * @property {string} room id or unique name
 * @property {string | null} token the join token of the fragment
 */

/**
 * @param {string | URL} link
 * @returns {RoomAddress | null} null if this is no room link
 */
export function parseRoomUrl(link) {
  let url;
  try {
    url = new URL(link);
  } catch {
    return null;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null;
  const match = /^(.*)\/room\/([^/]+)\/?$/.exec(url.pathname);
  if (!match) return null;
  try {
    const room = decodeURIComponent(match[2]);
    return { server: url.origin + match[1], room, token: new URLSearchParams(url.hash.slice(1)).get('token') };
  } catch {
    return null;
  }
}
