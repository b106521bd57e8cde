// SPDX-License-Identifier: GPL-3.0-or-later
// Explores a system exhaustively: from each state every move, each state once.
//
// A system is {start, moves(state), check(state), done(state)}: moves() answers [{name, apply(copy), quiet?}], where apply() changes a copy of
// the state; check() throws where something is wrong; done() says why a state at rest is no good end, or null. Quiet moves are those that happen
// without anybody's disturbing; `late` ones of them, like a timer of seconds, happen when no other quiet move is left.
//
// What is proven of each state: check() holds in it; and left alone from there, the system comes to rest, in a good end.

/** A state that is wrong, and the way to it. */
export class Violation extends Error {
  /** @param {string} what @param {string[]} trace @param {any} state */
  constructor(what, trace, state) {
    super(`${what}\n  by ${trace.join(', ')}\n  in ${JSON.stringify(state)}`);
    this.trace = trace;
  }
}

/** 52 bits of a text: as SPIN's hash compaction. Of a million states two are taken for one with a chance of one in 9,000. @param {string} text */
function hash(text) {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b) ^ (high >>> 15);
  }
  return (low >>> 0) + ((high >>> 0) & 0xfffff) * 0x100000000;
}

const AT_REST_WITHIN = 500; // quiet moves

/**
 * @param {any} system
 * @param {{seconds?: number, depth?: number}} [limits] beyond which it stops, and says so
 * @returns {{states: number, moves: number, depth: number, complete: boolean}}
 */
export function explore(system, { seconds = Infinity, depth: deepest = Infinity } = {}) {
  const seen = new Set();
  const good = new Set();
  const until = Date.now() + seconds * 1000;
  let moves = 0;
  let depth = 0;
  let complete = true;
  /** Ways, so that a trace can be told without keeping states: parent's number, and the move. @type {{parent: number, name: string}[]} */
  const ways = [];
  const trace = (/** @type {number} */ way) => {
    const names = [];
    for (let at = way; at >= 0; at = ways[at].parent) names.unshift(ways[at].name);
    return names;
  };

  /** What `apply` makes of a copy; what goes wrong in it is told with the way to it. */
  const after = (/** @type {string} */ text, /** @type {any} */ move, /** @type {() => string[]} */ way) => {
    const copy = JSON.parse(text);
    try {
      move.apply(copy);
      system.check(copy);
    } catch (error) {
      throw new Violation(String(error instanceof Error && error.constructor === Error ? error.message : /** @type {any} */ (error).stack), [...way(), move.name], copy);
    }
    return JSON.stringify(copy);
  };

  /** Left alone, it has to come to rest in a good end. */
  const settle = (/** @type {string} */ from, /** @type {number} */ way) => {
    const passed = [];
    let text = from;
    /** @type {string[]} */
    const names = [];
    for (let step = 0; ; step++) {
      const key = hash(text);
      if (good.has(key)) break;
      passed.push(key);
      const state = JSON.parse(text);
      const quiet = system.moves(state).filter((/** @type {any} */ move) => move.quiet);
      const move = quiet.find((/** @type {any} */ each) => !each.late) ?? quiet[0];
      if (!move) {
        const wrong = system.done(state);
        if (wrong) throw new Violation(`at rest, but ${wrong}`, [...trace(way), '|', ...names], state);
        break;
      }
      if (step > AT_REST_WITHIN) throw new Violation('it does not come to rest', [...trace(way), '|', ...names], state);
      names.push(move.name);
      text = after(text, move, () => [...trace(way), '|', ...names.slice(0, -1)]);
    }
    for (const key of passed) good.add(key);
  };

  const start = JSON.stringify(system.start);
  seen.add(hash(start));
  let layer = [{ text: start, way: -1 }];
  settle(start, -1);
  for (; layer.length && complete; depth++) {
    if (depth === deepest) complete = false;
    const next = [];
    for (const { text, way } of complete ? layer : []) {
      if (Date.now() > until) {
        complete = false;
        break;
      }
      for (const move of system.moves(JSON.parse(text))) {
        moves++;
        const to = after(text, move, () => trace(way));
        const key = hash(to);
        if (seen.has(key)) continue;
        seen.add(key);
        ways.push({ parent: way, name: move.name });
        settle(to, ways.length - 1);
        next.push({ text: to, way: ways.length - 1 });
      }
    }
    layer = next;
  }
  return { states: seen.size, moves, depth, complete };
}
