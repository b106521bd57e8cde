// SPDX-License-Identifier: GPL-3.0-or-later
// The landing page: opens a room by its link, its id or its name.

import { config } from '../sdk/rest.js';
import { parseRoomUrl } from '../sdk/room-url.js';
import { strings } from './strings.en.js';

const ROOM = /^[A-Za-z0-9._~-]{1,64}$/;

/** @param {string} id @returns {any} */
const $ = (id) => document.getElementById(id);

$('open-form').addEventListener('submit', (/** @type {Event} */ event) => {
  event.preventDefault();
  const text = $('link').value.trim();
  const target = parseRoomUrl(text) ? text : ROOM.test(text) ? `/room/${encodeURIComponent(text)}` : null;
  $('link').setAttribute('aria-invalid', String(!target));
  $('link-error').textContent = target ? '' : strings.home.notALink;
  if (target) location.assign(target);
});

config(location.origin).then(({ version }) => { $('version').textContent = strings.home.version(version); }, () => {});
