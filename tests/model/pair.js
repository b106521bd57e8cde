// SPDX-License-Identifier: GPL-3.0-or-later
// Two people, A and B, in one room: the SDK's own Negotiation and PairStream on both sides, and what is around them as plainly as it can be said.
//
//   server    two seats with instance, attach and connection, as rows that are written one after the other; who has one is told once it is written,
//             and a crash loses what is not; it relays to who is connected
//   network   what is sent to the server arrives in any order, or is lost with the connection; what it pushes arrives in order, or is lost with it
//   browser   a connection with signalingState, ICE credentials ("gen"), what is sent ("ver") and the lines of the SDP; each operation takes its time
//
// Each disturbance has a budget. What call.js and peer.js do with legs is repeated here in a few lines: meet, settle, back, act. Not here: leaving
// and seats that end, more than two people, the path of media (whether ICE finds one), candidates that take their time, clients without seq.

import { Negotiation } from '../../html/sdk/negotiation.js';
import { PairStream } from '../../html/sdk/pair-stream.js';

const SIDES = ['A', 'B'];
const ORDER = { A: 1, B: 2 };
/** Timers, the shorter ones first. They run out when nothing else happens; that they do so early is a disturbance. */
const LATE_ORDER = ['ack', 'repeat', 'hung', 'retry'];
const SOON = 100; // ms: acknowledgements are due, repeats are not
const LATE = 1_000; // repeats are due

/** @param {string} side */
const other = (side) => (side === 'A' ? 'B' : 'A');

/** @param {boolean} right @param {string} what */
function must(right, what) {
  if (!right) throw new Error(what);
}

/**
 * How often: a socket is lost, a page is reloaded, the server dies, another page has the seat of one who is away, a signal is lost (or refused: there were too many), a signal comes twice,
 * everything unacknowledged is repeated early, a side renegotiates, a side restarts ICE, an operation of a browser fails, the watchdog fires early, something
 * is not acknowledged for 8 s.
 * @typedef {{drop?: number, reload?: number, crash?: number, twin?: number, lose?: number, double?: number, repeat?: number, need?: number, restart?: number,
 *   fail?: number, hung?: number, stall?: number}} Budget
 */

/**
 * A has the room to itself; B has just joined.
 * @param {Budget} budget
 * @param {boolean} [gathers] whether candidates follow descriptions: without them there are fewer states, so it can be looked at more deeply
 */
export function pair(budget, gathers = true) {
  const seat = (/** @type {number} */ attach) => ({ instance: 1, attach, epoch: 1 });
  const person = () => ({ epoch: 1, up: true, resuming: false, instance: 1, attach: 0, roster: null, leg: null, inbox: [] });
  const start = {
    gathers,
    budget: { drop: 0, reload: 0, crash: 0, twin: 0, lose: 0, double: 0, repeat: 0, need: 0, restart: 0, fail: 0, hung: 0, stall: 0, ...budget },
    /** `unwritten`: changes of seats, oldest first, each with what was before and the reply that waits for it. */
    server: { lastAttach: 2, A: seat(1), B: seat(2), unwritten: [] },
    wire: [],
    A: { ...person(), attach: 1 },
    B: person(), // who has not heard yet
  };
  start.A.inbox.push({ is: 'updated', wire: seen(start.server.B) });
  start.B.inbox.push({ is: 'reply', me: seen(start.server.B), wire: seen(start.server.A) });
  return { start, moves, check, done };
}

/** How a seat looks in the roster. */
function seen(seat) {
  return { instance: seat.instance, attach: seat.attach, connected: seat.epoch !== 0 };
}

// --- what may happen

/** @param {any} s */
function moves(s) {
  /** @type {{name: string, apply: (s: any) => void, quiet?: boolean, late?: boolean}[]} */
  const out = [];
  /** @param {string} name @param {(s: any) => void} apply @param {object} [how] */
  const may = (name, apply, how) => out.push({ name, apply, ...how });
  /** @param {string} kind @param {string} name @param {(s: any) => void} apply */
  const disturb = (kind, name, apply) => {
    if (s.budget[kind] > 0) may(name, (copy) => { copy.budget[kind]--; apply(copy); });
  };
  const waiting = new Set();
  s.wire.forEach((/** @type {any} */ sent, /** @type {number} */ i) => {
    const text = JSON.stringify(sent);
    if (!waiting.has(text)) may(`relay ${sent.from}#${i}`, (c) => relay(c, i), { quiet: true });
    disturb('lose', `lose ${sent.from}#${i}`, (c) => c.wire.splice(i, 1));
    disturb('double', `double ${sent.from}#${i}`, (c) => c.wire.push(JSON.parse(text)));
    waiting.add(text); // two of a kind are one
  });
  for (const x of SIDES) {
    const { leg, inbox, up, resuming, epoch } = s[x];
    const seat = s.server[x];
    if (inbox.length) may(`hear ${x}`, (c) => hear(c, x), { quiet: true });
    if (seat.epoch && seat.epoch !== epoch) may(`notice ${x}`, (c) => away(c, x), { quiet: true });
    if (!up && !resuming) may(`resume ${x}`, (c) => resume(c, x), { quiet: true });
    if (!up && !resuming) disturb('twin', `twin ${x}`, (c) => twin(c, x));
    if (up) disturb('drop', `drop ${x}`, (c) => lose(c, x));
    disturb('reload', `reload ${x}`, (c) => reload(c, x));
    if (!leg) continue;
    if (leg.nego.doing) may(`${leg.nego.doing} ${x}`, (c) => finish(c, x, true), { quiet: true });
    if (leg.nego.doing) disturb('fail', `${leg.nego.doing} fails ${x}`, (c) => finish(c, x, false));
    if (!leg.stream.away && leg.stream.ackAt !== null) may(`ack ${x}`, (c) => pump(c, x, SOON), { quiet: true, late: true });
    if (!leg.stream.away && leg.stream.inFlight.length) {
      disturb('repeat', `repeat ${x}`, (c) => pump(c, x, LATE));
      may(`repeat ${x} late`, (c) => pump(c, x, LATE), { quiet: true, late: true });
    }
    if (leg.watched && !leg.stream.away) {
      disturb('hung', `hung ${x}`, (c) => hang(c, x));
      may(`hung ${x} late`, (c) => hang(c, x), { quiet: true, late: true });
    }
    if (!leg.stream.away && leg.stream.inFlight.length) disturb('stall', `stall ${x}`, (c) => input(c, x, { is: c[x].leg.nego.offering ? 'hung' : 'restart' }));
    if (leg.failed && !leg.nego.offering && !leg.nego.doing) may(`retry ${x}`, (c) => { c[x].leg.failed = false; input(c, x, { is: 'restart' }); }, { quiet: true, late: true });
    disturb('need', `need ${x}`, (c) => { c[x].leg.want++; input(c, x, { is: 'needed' }); });
    if (leg.nego.begun) disturb('restart', `restart ${x}`, (c) => input(c, x, { is: 'restart' }));
  }
  const { unwritten } = s.server;
  if (unwritten.length) may(`write ${unwritten[0].of}`, write, { quiet: true });
  for (let lost = 0; lost <= unwritten.length; lost++) disturb('crash', `crash, ${lost} unwritten`, (c) => crash(c, lost));
  const busy = out.some(({ quiet, late }) => quiet && !late);
  const [first] = out.filter(({ late }) => late).sort((a, b) => LATE_ORDER.indexOf(a.name.split(' ')[0]) - LATE_ORDER.indexOf(b.name.split(' ')[0]));
  return out.filter((move) => !move.late || (!busy && move === first));
}

// --- the server

/** @param {any} s @param {number} i */
function relay(s, i) {
  const [{ from, epoch, to, signal }] = s.wire.splice(i, 1);
  const target = s.server[other(from)];
  if (epoch !== s.server[from].epoch || to !== target.instance) return; // of a handle without a seat; dropped
  push(s, other(from), { is: 'signal', from: s.server[from].instance, to, signal });
}

/** To who is connected; or lost, if the socket has gone and it is not known yet. @param {any} s @param {string} x @param {any} event */
function push(s, x, event) {
  const { epoch } = s.server[x];
  const held = s.server.unwritten.findLast((/** @type {any} */ each) => each.of === x && each.epoch === epoch);
  if (held) held.held.push(event); // behind the reply that waits
  else if (epoch !== 0 && epoch === s[x].epoch) s[x].inbox.push(event);
}

/** @param {any} s @param {string} x */
function away(s, x) {
  s.server[x].epoch = 0;
  push(s, other(x), { is: 'updated', wire: seen(s.server[x]) });
}

/** @param {any} s @param {string} x */
function resume(s, x) {
  const seat = s.server[x];
  if (s[x].attach === 0) s[x].instance++; // call.js, #enter: one that was never answered is not used again
  s[x].resuming = true;
  seat.epoch = s[x].epoch;
  const renewed = seat.instance !== s[x].instance;
  const before = { instance: seat.instance, attach: seat.attach };
  if (renewed) change(s, x, s[x].instance);
  const reply = { is: 'reply', me: seen(seat), wire: seen(s.server[other(x)]) };
  if (renewed) s.server.unwritten.push({ of: x, before, epoch: seat.epoch, held: [reply] });
  else push(s, x, reply);
  push(s, other(x), { is: 'updated', wire: seen(seat) });
}

/** @param {any} s @param {string} x @param {number} instance */
function change(s, x, instance) {
  Object.assign(s.server[x], { instance, attach: ++s.server.lastAttach });
}

/** The oldest change is in the store: what its owner is to hear he hears now. @param {any} s */
function write(s) {
  const { of, epoch, held } = s.server.unwritten.shift();
  if (epoch === s[of].epoch && s.server[of].epoch === epoch) s[of].inbox.push(...held);
}

/** Another page has the seat for a moment. @param {any} s @param {string} x */
function twin(s, x) {
  change(s, x, -1);
  s.server[x].epoch = -1;
  push(s, other(x), { is: 'updated', wire: seen(s.server[x]) });
  away(s, x);
}

/** The process is killed, and another one has read the store, where the last changes are not. @param {any} s @param {number} lost how many */
function crash(s, lost) {
  for (const x of SIDES) lose(s, x);
  s.wire = [];
  for (const { of, before } of lost ? s.server.unwritten.slice(-lost).reverse() : []) Object.assign(s.server[of], before);
  s.server.unwritten = [];
  s.server.A.epoch = s.server.B.epoch = 0;
  s.server.lastAttach = Math.max(s.server.A.attach, s.server.B.attach);
}

// --- a page: the way to the server

/** @param {any} s @param {string} x */
function lose(s, x) {
  const me = s[x];
  Object.assign(me, { epoch: me.epoch + 1, up: false, resuming: false, inbox: [] });
  if (me.leg) stream(me).unreachable();
}

/** @param {any} s @param {string} x */
function reload(s, x) {
  lose(s, x);
  Object.assign(s[x], { instance: s[x].instance + 1, attach: 0, roster: null, leg: null });
}

/** @param {any} s @param {string} x */
function hear(s, x) {
  const me = s[x];
  const event = me.inbox.shift();
  if (event.is === 'signal') return deliver(s, x, event);
  if (event.is === 'reply') {
    must(event.me.instance === me.instance, 'a page got the seat of another instance');
    if (me.attach !== 0 && me.attach !== event.me.attach) return reload(s, x); // call.js, #disown
    Object.assign(me, { attach: event.me.attach, up: true, resuming: false });
  }
  meet(s, x, event.wire);
  if (event.is === 'reply' && me.leg && event.wire.connected) { // call.js, #back
    const renew = me.leg.nego.begun;
    open(s, x);
    if (renew) input(s, x, { is: 'restart' });
  }
  return undefined;
}

/** call.js, #meet @param {any} s @param {string} x @param {any} wire */
function meet(s, x, wire) {
  const me = s[x];
  const known = me.roster;
  me.roster = wire;
  if (known && !wire.connected) {
    me.roster = { ...wire, instance: known.instance, attach: known.attach };
    stream(me).unreachable();
  } else if (known?.attach === wire.attach) {
    open(s, x);
  } else {
    link(s, x);
  }
}

/** call.js, #link @param {any} s @param {string} x */
function link(s, x) {
  const me = s[x];
  const offers = me.attach > me.roster.attach;
  const polite = ORDER[x] > ORDER[other(x)];
  me.leg = {
    stream: new PairStream().state,
    nego: new Negotiation({ offers, polite }).state,
    pc: { signaling: 'stable', made: 0, lined: 0, lines: [], local: null, remote: null, pending: null, held: [], candidates: 0 },
    watched: false,
    want: offers ? 1 : 0,
    agreed: 0,
    stale: 0, // credentials that are to be replaced
    failed: false,
    sent: 0,
    got: 0,
  };
  if (!me.roster.connected) stream(me).unreachable();
  if (offers) input(s, x, { is: 'needed' });
}

/** @param {any} s @param {string} x */
function open(s, x) {
  if (!s[x].up) return;
  stream(s[x]).reachable(0);
  pump(s, x, 0);
}

/** call.js, #deliver; signal-path.js, receive @param {any} s @param {string} x @param {any} event */
function deliver(s, x, event) {
  const me = s[x];
  if (event.to !== me.instance || !me.leg || me.roster.instance !== event.from) return;
  for (const signal of /** @type {any[]} */ (stream(me).received(event.signal, 0))) {
    must(signal.n === me.leg.got + 1, `${x} was delivered message ${signal.n} after ${me.leg.got}`);
    me.leg.got++;
    input(s, x, { is: 'signal', signal });
  }
  pump(s, x, 0);
}

/** signal-path.js, #pump. Times are relative: what was said is said now. @param {any} s @param {string} x @param {number} now */
function pump(s, x, now) {
  const me = s[x];
  for (const message of stream(me).due(now)) {
    if (me.up) s.wire.push({ from: x, epoch: me.epoch, to: me.roster.instance, signal: message });
  }
  for (const entry of me.leg.stream.inFlight) Object.assign(entry, { sentAt: 0, repeats: 0 });
  if (me.leg.stream.ackAt !== null) me.leg.stream.ackAt = SOON;
}

function stream(me) {
  return new PairStream(me.leg.stream);
}

// --- a page: negotiation and browser

/** peer.js, #input and #act @param {any} s @param {string} x @param {any} what */
function input(s, x, what) {
  const { leg } = s[x];
  if (what.is === 'restart') leg.stale = leg.pc.local?.gen ?? 0;
  const nego = new Negotiation(leg.nego, leg.nego);
  for (const action of nego.step(what)) {
    if (action.do === 'send') say(s, x, action.signal);
    else if (action.do === 'failed') leg.failed = true;
    else if (action.do === 'watch') leg.watched = action.on;
    else {
      must(leg.op === undefined, 'two operations at once');
      leg.op = action;
      if (action.do === 'candidates') finish(s, x, true); // nobody can tell whether it takes its time
    }
  }
}

/** The watchdog, which is set once. @param {any} s @param {string} x */
function hang(s, x) {
  s[x].leg.watched = false;
  input(s, x, { is: 'hung' });
}

/** @param {any} s @param {string} x @param {any} signal */
function say(s, x, signal) {
  const { leg } = s[x];
  leg.sent++;
  stream(s[x]).send({ ...signal, n: leg.sent });
  pump(s, x, 0);
}

/** The operation that is going on ends. @param {any} s @param {string} x @param {boolean} well */
function finish(s, x, well) {
  const { leg } = s[x];
  const { op, pc } = leg;
  delete leg.op;
  const before = pc.local?.gen;
  const signal = well ? OPERATIONS[op.do](leg, op) : undefined;
  input(s, x, { is: 'done', signaling: pc.signaling, signal, ...(well ? {} : { error: 'it failed' }) });
  const made = signal && (pc.pending ?? pc.local).gen;
  if (s.gathers && made && made !== before) say(s, x, { candidates: [{ gen: made }] }); // new credentials: the browser gathers
}

/** What the browser does, as far as it matters. */
const OPERATIONS = {
  offer(/** @type {any} */ leg, /** @type {any} */ { restart }) {
    const { pc } = leg;
    must(pc.signaling === 'stable', `an offer is made in ${pc.signaling}`);
    must(pc.local !== null || leg.nego.offers, 'the first offer comes from the wrong side');
    pc.signaling = 'have-local-offer';
    const added = leg.want > leg.agreed ? [`${leg.nego.polite ? 'p' : 'i'}${++pc.lined}`] : []; // a mid is never used twice, not even after a rollback
    pc.pending = { gen: pc.local && !restart ? pc.local.gen : ++pc.made, ver: leg.want, lines: [...pc.lines, ...added] };
    return { description: { type: 'offer', ...pc.pending } };
  },
  remote(/** @type {any} */ leg, /** @type {any} */ { signal }) {
    const { pc } = leg;
    const { type, gen, ver, lines, to } = signal.description;
    if (type === 'offer') {
      must(pc.lines.every((/** @type {string} */ line, /** @type {number} */ i) => line === lines[i]), 'an offer has other lines than were agreed');
      pc.signaling = 'have-remote-offer';
      pc.pending = { gen, ver, lines, round: signal.round };
    } else {
      must(pc.signaling === 'have-local-offer', `an answer is taken in ${pc.signaling}`);
      must(to.gen === pc.pending.gen && to.ver === pc.pending.ver, 'an answer is taken for another offer than its own');
      pc.signaling = 'stable';
      leg.agreed = pc.pending.ver;
      pc.lines = pc.pending.lines;
      leg.failed = false;
      pc.local = { gen: pc.pending.gen };
      pc.remote = { gen };
      pc.pending = null;
    }
    flush(pc, gen);
  },
  answer(/** @type {any} */ leg) {
    const { pc } = leg;
    must(pc.signaling === 'have-remote-offer', `an answer is made in ${pc.signaling}`);
    const { gen, ver, lines } = pc.pending;
    const renewed = !pc.remote || pc.remote.gen !== gen;
    pc.signaling = 'stable';
    pc.lines = lines;
    pc.remote = { gen };
    pc.local = { gen: renewed ? ++pc.made : pc.local.gen };
    pc.pending = null;
    leg.failed = false;
    return { description: { type: 'answer', gen: pc.local.gen, to: { gen, ver } } };
  },
  rollback(/** @type {any} */ { pc }) {
    pc.signaling = 'stable';
    pc.pending = null;
  },
  candidates(/** @type {any} */ { pc }, /** @type {any} */ { signal }) {
    pc.held.push(signal.candidates[0].gen);
    flush(pc, pc.signaling === 'have-remote-offer' ? pc.pending.gen : pc.remote?.gen);
  },
};

/** Candidates of the other side's credentials are added, others wait. @param {any} pc @param {number} gen */
function flush(pc, gen) {
  if (pc.held.includes(gen)) pc.candidates = gen;
  pc.held = pc.held.filter((/** @type {number} */ each) => each !== gen);
}

// --- what has to hold

/** @param {any} s */
function check(s) {
  const { A, B, server } = s;
  must(server.A.attach !== server.B.attach, 'two seats have the same attach');
  for (const x of SIDES) must(s[x].instance >= server[x].instance, 'a seat has an instance that never was');
  const pairs = A.leg && B.leg && A.up && B.up && A.roster.attach === B.attach && B.roster.attach === A.attach;
  if (pairs) {
    must(A.leg.nego.offers !== B.leg.nego.offers, 'not exactly one side sends the first offer');
    must(A.leg.nego.polite !== B.leg.nego.polite, 'not exactly one side is polite');
    must(A.leg.got <= B.leg.sent && B.leg.got <= A.leg.sent, 'something was delivered that nobody sent');
  }
}

/** Why this is no good end. @param {any} s */
function done(s) {
  const { A, B } = s;
  if (!A.up || !B.up) return 'somebody is away';
  if (!A.leg || !B.leg) return 'somebody has no leg';
  if (A.roster.attach !== B.attach || B.roster.attach !== A.attach) return 'they know each other by an old attach';
  for (const x of SIDES) {
    const { pc, want, agreed, stale, sent, stream: { inFlight, backlog } } = s[x].leg;
    const theirs = s[other(x)].leg;
    if (pc.signaling !== 'stable') return `${x} is in ${pc.signaling}`;
    if (!pc.local) return `${x} has not negotiated`;
    if (pc.remote.gen !== theirs.pc.local.gen) return `${x} has other credentials than the other side uses`;
    if (s.gathers && pc.candidates !== pc.remote.gen) return `${x} has no candidates of the other side`;
    if (pc.local.gen <= stale) return `${x} has not sought the path anew`;
    if (agreed < want) return `what ${x} wants to send is not agreed upon`;
    if (inFlight.length || backlog.length) return `${x} waits for acknowledgements`;
    if (theirs.got !== sent) return `not all that ${x} said was heard`;
  }
  return null;
}
