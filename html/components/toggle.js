// SPDX-License-Identifier: GPL-3.0-or-later
// A round button that is on or off: microphone and camera, before the call and in it.

import { icon } from './icons.js';

export class Toggle {
  #button;
  #icons;
  #labels;

  /**
   * @param {HTMLButtonElement} button
   * @param {{icons: [string, string], labels: [string, string], onchange: (on: boolean) => void}} options each pair: on, off
   */
  constructor(button, { icons, labels, onchange }) {
    this.#button = button;
    this.#icons = icons;
    this.#labels = labels;
    this.on = true;
    button.addEventListener('click', () => onchange(!this.on));
    this.set(true);
  }

  /** @param {boolean} on */
  set(on) {
    this.on = on;
    this.#button.dataset.on = String(on);
    this.#button.setAttribute('aria-label', this.#labels[on ? 0 : 1]);
    this.#button.title = this.#labels[on ? 0 : 1];
    this.#button.replaceChildren(icon(this.#icons[on ? 0 : 1]));
  }

  /** @param {boolean} busy */
  set busy(busy) {
    this.#button.disabled = busy;
  }
}
