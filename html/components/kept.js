// SPDX-License-Identifier: GPL-3.0-or-later
// What the page keeps for its user: the name for good, and for each room which devices were on, as long as the tab lives.

/** @typedef {{audio: boolean, video: boolean}} Devices */

const NAME_KEY = 'otter.name';

/** @param {string} room */
const devicesKey = (room) => `otter.devices ${room}`;

/** @param {string} name */
export function keepName(name) {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch { /* then not */ }
}

export function keptName() {
  try {
    return localStorage.getItem(NAME_KEY) ?? '';
  } catch {
    return '';
  }
}

/** @param {string} room @param {Devices} devices */
export function keepDevices(room, devices) {
  try {
    sessionStorage.setItem(devicesKey(room), JSON.stringify(devices));
  } catch { /* no storage: a reload begins with both */ }
}

/** @param {string} room @returns {Devices} both, until it was said otherwise */
export function keptDevices(room) {
  const both = { audio: true, video: true };
  try {
    return { ...both, ...JSON.parse(sessionStorage.getItem(devicesKey(room)) ?? '{}') };
  } catch {
    return both;
  }
}
