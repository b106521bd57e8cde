// SPDX-License-Identifier: GPL-3.0-or-later
// Who waits before the door, as a host sees them: a line each, with a button to let in and one to send away.

import { strings } from './strings.en.js';

/** @typedef {import('../sdk/otter.js').Knock} Knock */

export class Knocks {
  #list;
  #rest;
  #onfailure;

  /**
   * @param {HTMLElement} list
   * @param {{rest: HTMLElement, onfailure: (error: import('../sdk/otter.js').OtterError) => void}} options
   *   `rest`: has the focus when there is nobody left to decide about; `onfailure`: why a decision was not carried out
   */
  constructor(list, { rest, onfailure }) {
    this.#list = list;
    this.#rest = rest;
    this.#onfailure = onfailure;
    // The focus moves on to the next line: a key that is still held down must not decide about that one too.
    list.addEventListener('keydown', (event) => { if (event.repeat && event.key !== 'Tab') event.preventDefault(); });
  }

  /** @param {Knock} knock @returns {string} the words for it */
  add({ participant, display, admit, deny }) {
    this.drop(participant);
    const line = document.createElement('li');
    line.dataset.participant = participant;
    const name = document.createElement('span');
    name.textContent = strings.knock.waits(display || strings.guest);
    line.append(name, this.#button('primary', strings.knock.admit, admit), this.#button('plain', strings.knock.deny, deny));
    this.#list.append(line);
    return name.textContent;
  }

  /** @param {string} participant */
  drop(participant) {
    for (const line of this.#list.querySelectorAll('li')) if (line.dataset.participant === participant) this.#remove(line);
  }

  clear() {
    this.#list.replaceChildren();
  }

  /** @param {HTMLLIElement} line */
  #remove(line) {
    const held = line.ariaBusy === 'true' || line.contains(document.activeElement); // a disabled button may have lost the focus already
    line.remove();
    /** @type {HTMLElement | null} */
    const next = this.#list.querySelector('button:enabled');
    if (held) (next ?? this.#rest).focus();
  }

  /** @param {string} kind how it looks @param {string} label @param {() => Promise<void>} act */
  #button(kind, label, act) {
    const button = document.createElement('button');
    button.className = kind;
    button.textContent = label;
    button.addEventListener('click', () => this.#decide(button, act));
    return button;
  }

  /** Once: until there is an answer, the line takes no other decision. @param {HTMLButtonElement} button @param {() => Promise<void>} act */
  async #decide(button, act) {
    const line = /** @type {HTMLLIElement} */ (button.closest('li'));
    setBusy(line, true);
    try {
      await act();
    } catch (error) {
      this.#onfailure(/** @type {any} */ (error));
      setBusy(line, false);
      button.focus(); // if it is still there
    }
  }
}

/** @param {HTMLLIElement} line @param {boolean} busy */
function setBusy(line, busy) {
  line.ariaBusy = String(busy);
  for (const button of line.querySelectorAll('button')) button.disabled = busy;
}
