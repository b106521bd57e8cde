// SPDX-License-Identifier: GPL-3.0-or-later
// One person on the screen: video, or a coloured disc with initials, a name and how the connection is.

import { icon } from './icons.js';
import { strings } from './strings.en.js';

const HUES = 8; // --avatar-0 … in the style sheet

export class Tile {
  #video = document.createElement('video');
  #avatar = part('div', 'tile-avatar');
  #name = part('span', 'tile-name');
  #note = part('p', 'tile-note');
  #self;

  /**
   * @param {import('../sdk/otter.js').Participant} participant
   * @param {{self?: boolean, onblocked?: () => void}} [options] `onblocked`: the browser refuses to play sound
   */
  constructor(participant, { self = false, onblocked = () => {} } = {}) {
    this.#self = self;
    this.element = document.createElement('li');
    this.element.className = 'tile';
    this.element.dataset.participant = participant.id;
    this.element.toggleAttribute('data-self', self);
    this.#video.autoplay = true;
    this.#video.playsInline = true;
    this.#video.muted = self;
    this.#video.disablePictureInPicture = self;
    // Browsers refuse sound without a gesture: then rather silent than black.
    this.#video.onloadedmetadata = () => this.#video.play().catch((error) => {
      if (error.name !== 'NotAllowedError') return;
      this.#video.muted = true;
      this.#video.play().catch(() => {});
      onblocked();
    });
    const label = part('div', 'tile-label');
    const muted = part('span', 'tile-muted');
    const words = part('span', 'visually-hidden');
    words.textContent = strings.call.muted;
    muted.append(icon('mic-off'), words);
    label.append(this.#name, muted);
    this.element.append(this.#video, this.#avatar, this.#note, label);
    this.update(participant);
  }

  /** @param {import('../sdk/otter.js').Participant} participant */
  update(participant) {
    const name = participant.display || strings.guest;
    const stream = participant.streams.camera;
    if (this.#video.srcObject !== stream) this.#video.srcObject = stream;
    this.element.dataset.state = participant.state;
    this.element.dataset.video = String(participant.media.video && Boolean(stream?.getVideoTracks().length));
    this.element.dataset.audio = String(participant.media.audio);
    this.#name.textContent = this.#self ? strings.self(participant.display) : name;
    const unreachable = participant.state === 'connected' && !participant.reachable;
    this.#note.textContent = this.#self ? '' : unreachable ? strings.unreachable : strings.peer[participant.state] ?? '';
    this.#avatar.textContent = initials(this.#self && !participant.display ? strings.you : name);
    this.#avatar.dataset.hue = String(hue(name));
    this.#video.setAttribute('aria-label', name);
  }

  /** Sound, now that there was a gesture. */
  unmute() {
    if (this.#self) return;
    this.#video.muted = false;
    this.#video.play().catch(() => {});
  }

  remove() {
    this.#video.srcObject = null;
    this.element.remove();
  }
}

/** @param {string} tag @param {string} className */
function part(tag, className) {
  const element = document.createElement(tag);
  element.className = className;
  return element;
}

/** @param {string} name */
function initials(name) {
  const words = name.trim().split(/\s+/);
  return [words[0], words.length > 1 ? words[words.length - 1] : ''].map((word) => [...word][0] ?? '').join('').toUpperCase();
}

/** @param {string} name */
function hue(name) {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 65521;
  return sum % HUES;
}
