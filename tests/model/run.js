// SPDX-License-Identifier: GPL-3.0-or-later
// Explores the pair protocol: `node run.js` in half a minute, `node run.js --deep` in minutes. Exit 1, with the way to it, where something is wrong;
// or where a scenario was not explored to its end.

import { explore, Violation } from './explore.js';
import { pair } from './pair.js';
import { streams } from './streams.js';

/** Title to system: what one disturbance does at every moment, and some that meet. */
const DAILY = {
  'streams: lose, double, repeat': streams({ A: 1, B: 1, lose: 1, double: 1, repeat: 1, away: 0 }),
  'streams: lose, two each': streams({ A: 2, B: 2, lose: 1, double: 0, repeat: 0, away: 0 }),
  'streams: lose, away': streams({ A: 2, B: 0, lose: 1, double: 0, repeat: 1, away: 1 }),
  'candidates: lose': pair({ lose: 1 }),
  'candidates: double, repeat': pair({ double: 1, repeat: 1 }),
  'candidates: fail': pair({ fail: 1 }),
  'drop': pair({ drop: 1 }, false),
  'renegotiate both, restart': pair({ need: 2, restart: 1 }, false),
  'renegotiate, hung, lose': pair({ need: 1, hung: 1, lose: 1 }, false),
  'renegotiate, stall': pair({ need: 1, stall: 1 }, false),
  'fail, hung': pair({ fail: 1, hung: 1 }, false),
  'renegotiate, fail': pair({ need: 1, fail: 1 }, false),
  'crash': pair({ crash: 1 }, false),
  'reload, lose': pair({ reload: 1, lose: 1 }, false),
  'reload twice': pair({ reload: 2 }, false),
  'reload, crash': pair({ reload: 1, crash: 1 }, false),
  'drop, another page': pair({ drop: 1, twin: 1 }, false),
};

const DEEP = {
  'streams: lose, repeat, away': streams({ A: 2, B: 1, lose: 1, double: 0, repeat: 1, away: 1 }),
  'streams: three, lose twice, double': streams({ A: 3, B: 0, lose: 2, double: 1, repeat: 1, away: 0 }),
  'candidates: renegotiate both': pair({ need: 2 }),
  'candidates: reload, repeat': pair({ reload: 1, repeat: 1 }),
  'candidates: crash': pair({ crash: 1 }),
  'renegotiate three times, restart': pair({ need: 3, restart: 1 }, false),
  'renegotiate both, lose': pair({ need: 2, lose: 1 }, false),
  'renegotiate both, hung': pair({ need: 2, hung: 1 }, false),
  'renegotiate, hung twice': pair({ need: 1, hung: 2 }, false),
  'renegotiate, fail, hung': pair({ need: 1, fail: 1, hung: 1 }, false),
  'fail twice, hung': pair({ fail: 2, hung: 1 }, false),
  'drop, renegotiate': pair({ drop: 1, need: 1 }, false),
  'reload, drop, another page': pair({ reload: 1, drop: 1, twin: 1 }, false),
  'crash, renegotiate': pair({ crash: 1, need: 1 }, false),
  'crash twice': pair({ crash: 2 }, false),
  'drop, reload': pair({ drop: 1, reload: 1 }, false),
  'reload twice, crash': pair({ reload: 2, crash: 1 }, false),
};

const deep = process.argv.includes('--deep');
const seconds = Number(process.env.MODEL_SECONDS ?? (deep ? 300 : 60)); // for each
for (const [title, system] of Object.entries(deep ? { ...DAILY, ...DEEP } : DAILY)) {
  const began = Date.now();
  try {
    const { states, moves, depth, complete } = explore(system, { seconds });
    const took = ((Date.now() - began) / 1000).toFixed(1);
    console.log(`${title.padEnd(36)}${String(states).padStart(9)} states${String(moves).padStart(9)} moves, at most ${depth} deep${took.padStart(7)} s` +
      `${complete ? '' : '  NOT TO ITS END'}`);
    if (!complete) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    console.error(`${title}: ${error.message}`);
    process.exitCode = 1;
    if (!deep) break;
  }
}
