// SPDX-License-Identifier: GPL-3.0-or-later
// The SDK's PairStream on both sides of a network that loses, doubles and reorders what it carries; each side goes away and comes back.
// Here acknowledgements and repeats have every order that there is; pair.js takes them for prompt.

import { PairStream } from '../../html/sdk/pair-stream.js';

const SIDES = ['A', 'B'];
const SOON = 100;
const LATE = 1_000;

/** @param {string} side */
const other = (side) => (side === 'A' ? 'B' : 'A');

/**
 * @param {{A: number, B: number, lose: number, double: number, repeat: number, away: number}} budget
 *   how many messages each side sends, and how often something is lost, doubled, repeated early, or a side goes away
 */
export function streams(budget) {
  const end = () => ({ stream: new PairStream().state, sent: 0, got: 0 });
  return { start: { budget, wire: [], A: end(), B: end() }, moves, check: () => {}, done };
}

/** @param {any} s */
function moves(s) {
  /** @type {any[]} */
  const out = [];
  const told = new Set();
  s.wire.forEach((/** @type {any} */ sent, /** @type {number} */ i) => {
    const text = JSON.stringify(sent);
    if (told.has(text)) return;
    told.add(text);
    out.push({ name: `arrive ${other(sent.from)}#${i}`, quiet: true, apply: (/** @type {any} */ c) => arrive(c, c.wire.splice(i, 1)[0]) });
    if (s.budget.lose) out.push({ name: `lose #${i}`, apply: (/** @type {any} */ c) => { c.budget.lose--; c.wire.splice(i, 1); } });
    if (s.budget.double) out.push({ name: `double #${i}`, apply: (/** @type {any} */ c) => { c.budget.double--; arrive(c, c.wire[i]); } });
  });
  for (const x of SIDES) {
    const { stream } = s[x];
    if (s.budget[x]) out.push({ name: `send ${x}`, quiet: true, apply: (/** @type {any} */ c) => send(c, x) });
    if (stream.away) {
      out.push({ name: `back ${x}`, quiet: true, apply: (/** @type {any} */ c) => { new PairStream(c[x].stream).reachable(0); pump(c, x, 0); } });
      continue;
    }
    if (s.budget.away) out.push({ name: `away ${x}`, apply: (/** @type {any} */ c) => { c.budget.away--; new PairStream(c[x].stream).unreachable(); } });
    if (stream.ackAt !== null) out.push({ name: `ack ${x}`, quiet: true, apply: (/** @type {any} */ c) => pump(c, x, SOON) });
    if (!stream.inFlight.length) continue;
    if (s.budget.repeat) out.push({ name: `repeat ${x}`, apply: (/** @type {any} */ c) => { c.budget.repeat--; pump(c, x, LATE); } });
    if (!s.wire.length) out.push({ name: `repeat ${x} late`, quiet: true, late: true, apply: (/** @type {any} */ c) => pump(c, x, LATE) });
  }
  const busy = out.some(({ quiet, late }) => quiet && !late);
  return out.filter(({ late }) => !late || !busy);
}

/** @param {any} s @param {string} x */
function send(s, x) {
  s.budget[x]--;
  new PairStream(s[x].stream).send(/** @type {any} */ ({ candidates: [], n: ++s[x].sent }));
  pump(s, x, 0);
}

/** @param {any} s @param {any} sent */
function arrive(s, { from, message }) {
  const x = other(from);
  for (const { n } of /** @type {any[]} */ (new PairStream(s[x].stream).received(message, 0))) {
    if (n !== s[x].got + 1) throw new Error(`${x} was delivered message ${n} after ${s[x].got}`);
    s[x].got = n;
  }
  pump(s, x, 0);
}

/** Times are relative: what was said is said now. @param {any} s @param {string} x @param {number} now */
function pump(s, x, now) {
  const { stream } = s[x];
  for (const message of new PairStream(stream).due(now)) s.wire.push({ from: x, message });
  for (const entry of stream.inFlight) Object.assign(entry, { sentAt: 0, repeats: 0 });
  if (stream.ackAt !== null) stream.ackAt = SOON;
}

/** @param {any} s */
function done(s) {
  for (const x of SIDES) {
    if (s[other(x)].got !== s[x].sent) return `not all that ${x} said was heard`;
    if (s[x].stream.inFlight.length || s[x].stream.backlog.length) return `${x} waits for acknowledgements`;
    if (Object.keys(s[x].stream.early).length) return `${x} holds what came early`;
  }
  return null;
}
