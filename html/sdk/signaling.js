// SPDX-License-Identifier: GPL-3.0-or-later
// The way to the server. The only file that knows the Janus JS client: sessions, handles and sockets end here.
//
//   Signaling   lives as long as the call: dials, watches, dials again
//   Link        one socket with one Janus session and one handle; once lost, it is thrown away

import './janus.js';
import { Emitter } from './emitter.js';
import { OtterError } from './errors.js';

/** @type {any} */
const Janus = /** @type {any} */ (globalThis).Janus;

const OPEN_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 10_000;
const LEAVE_TIMEOUT_MS = 1_000;
const BACKOFF_MS = { first: 200, most: 3_000 }; // so that all are back within 5 s of the server
const MISSED_PINGS = 2;
const RENEW_AT = 0.75; // of the life of Janus' token, which cannot be exchanged under a Janus object
const MAX_TIMER_S = 2_000_000; // setTimeout counts in 31 bits of milliseconds
const LATE_TICKS = 2.5; // a tick this many periods late: the machine slept, and the server has given us up

/** The socket that the Janus client opened last; it opens it inside its constructor, and keeps it to itself. @type {WebSocket | null} */
let opened = null;

function initialize() {
  const defaults = Janus.useDefaultDependencies({ adapter: { browserDetails: browserDetails() } });
  /** @param {string} url @param {string} protocol */
  const newWebSocket = (url, protocol) => (opened = new WebSocket(url, protocol));
  Janus.init({ debug: false, dependencies: { ...defaults, newWebSocket } });
}

/** What the Janus client wants of webrtc-adapter. Its media half is not used. */
function browserDetails() {
  const match = /(Firefox|Chrome)\/(\d+)/.exec(navigator.userAgent);
  return match ? { browser: match[1].toLowerCase(), version: Number(match[2]) } : { browser: 'unknown', version: 0 };
}

/** @param {number} ms */
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One socket, one session, one handle. */
class Link {
  #janus;
  /** @type {any} */
  #handle = null;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<number, {resolve: (data: any) => void, reject: (error: OtterError) => void, timer: any}>} */
  #pending = new Map();
  #nextId = 1;
  #dead = false;
  #onevent;
  #onlost;

  /**
   * @param {{url: string, token: string, plugin: string}} way
   * @param {{onevent: (event: any) => void, onlost: (error: OtterError) => void}} to
   * @param {(error: OtterError | null) => void} ready called once
   */
  constructor({ url, token, plugin }, { onevent, onlost }, ready) {
    this.#onevent = onevent;
    this.#onlost = (/** @type {OtterError} */ error) => { ready(error); onlost(error); };
    opened = null;
    this.#janus = new Janus({
      server: url, token, iceServers: [], destroyOnUnload: false,
      success: () => this.#janus.attach({
        plugin,
        success: (/** @type {any} */ handle) => { this.#handle = handle; ready(null); },
        error: (/** @type {unknown} */ reason) => this.lose(reason),
        onmessage: (/** @type {any} */ data) => this.#receive(data),
        ondetached: () => this.lose('the server ended the handle'),
      }),
      error: (/** @type {unknown} */ reason) => this.lose(reason),
    });
    this.#socket = opened;
    this.#socket?.addEventListener('close', () => this.lose('the socket closed'));
  }

  /**
   * @param {{url: string, token: string, plugin: string}} way
   * @param {{onevent: (event: any) => void, onlost: (error: OtterError) => void}} to
   * @returns {Promise<Link>}
   */
  static open(way, to) {
    return new Promise((resolve, reject) => {
      /** @type {Link} */
      let link;
      const timer = setTimeout(() => link.lose('no answer'), OPEN_TIMEOUT_MS);
      const ready = (/** @type {OtterError | null} */ error) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(link);
      };
      link = new Link(way, to, ready); // what it throws (a bad url) rejects
    });
  }

  /**
   * @param {string} name
   * @param {object} body
   * @param {number} [timeout] ms
   * @returns {Promise<any>} the fields of the reply
   */
  request(name, body, timeout = REQUEST_TIMEOUT_MS) {
    if (this.#dead) return Promise.reject(new OtterError('unreachable', 'no connection to the server'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, (p) => p.reject(new OtterError('unreachable', `no answer to ${name}`))), timeout);
      this.#pending.set(id, { resolve, reject, timer });
      this.#handle.send({
        message: { ...body, request: name, id },
        success: (/** @type {any} */ data) => this.#receive(data),
        error: (/** @type {unknown} */ reason) => this.lose(reason), // Janus itself refuses: session or handle are gone
      });
    });
  }

  /** Replies come at once or as events; both arrive here, and only `id` tells whose they are. @param {any} data */
  #receive(data) {
    if (this.#dead) return;
    if (data?.otter === 'event') this.#onevent(data);
    else if (data?.otter === 'reply') {
      this.#settle(data.id, (p) => (data.ok ? p.resolve(data) : p.reject(OtterError.from(data.error))));
    }
  }

  /** @param {number} id @param {(pending: any) => void} how */
  #settle(id, how) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    how(pending);
  }

  /** Gives the link up and says so, once. @param {unknown} reason */
  lose(reason) {
    if (this.#dead) return;
    const error = new OtterError('unreachable', `connection to the server lost: ${reason}`);
    this.drop();
    this.#onlost(error);
  }

  /** Throws the link away without a word to the server, whose socket may be dead. */
  drop() {
    this.#dead = true;
    for (const id of [...this.#pending.keys()]) {
      this.#settle(id, (p) => p.reject(new OtterError('unreachable', 'connection to the server lost')));
    }
    this.#janus?.destroy({ unload: true, notifyDestroyed: false }); // "unload": locally, and stops its keepalive
    this.#socket?.close();
  }

  get dead() {
    return this.#dead;
  }

  /** From now on nothing is heard of it: another link takes its place. */
  mute() {
    this.#onevent = () => {};
  }
}

/**
 * Events: `event` (an event of the protocol), `lost` (OtterError; it dials again by itself), `back` (after `lost`, and after Janus' token was renewed),
 * `failed` (OtterError: no way back, final).
 */
export class Signaling extends Emitter {
  #connect;
  #enter;
  /** @type {Link | null} */
  #link = null;
  #closed = false;
  /** One at a time: two would take the seat from each other. @type {Promise<void> | null} */
  #dialling = null;
  /** @type {any} */
  #heart = null;
  #missed = 0;
  /** @type {any} */
  #renewal = null;

  /**
   * @param {object} how
   * @param {() => Promise<import('./rest.js').Way>} how.connect asks for a way in; again before each dialling, as what it answers expires
   * @param {(request: (name: string, body: object) => Promise<any>) => Promise<{heartbeat_ms: number}>} how.enter joins or
   *   resumes over a new link
   */
  constructor({ connect, enter }) {
    super();
    this.#connect = connect;
    this.#enter = enter;
  }

  /**
   * Opens for the first time: one attempt.
   * @param {import('./rest.js').Way} [way] if one has been asked for already
   */
  async open(way) {
    if (!Janus.initDone) initialize();
    await this.#dial(way);
  }

  /**
   * @param {string} name
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  request(name, body = {}) {
    return this.#link?.request(name, body) ?? Promise.reject(new OtterError('unreachable', 'no connection to the server'));
  }

  /** Ends it for good. @param {boolean} leave whether to give the seat up first */
  async close(leave) {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#heart);
    clearTimeout(this.#renewal);
    if (leave) await this.#link?.request('leave', {}, LEAVE_TIMEOUT_MS).catch(() => {});
    this.#link?.drop();
  }

  /** @param {import('./rest.js').Way} [given] */
  #dial(given) {
    this.#dialling ??= this.#dialOnce(given).finally(() => { this.#dialling = null; });
    return this.#dialling;
  }

  /** @param {import('./rest.js').Way} [given] */
  async #dialOnce(given) {
    const { signaling, janus_token: token, janus_token_ttl: ttl, plugin } = given ?? await this.#connect();
    /** @type {Link | null} */
    let link = null;
    let failure = new OtterError('unreachable', 'the server names no signaling address');
    for (const { url } of signaling) {
      try {
        link = await Link.open({ url, token, plugin }, {
          onevent: (event) => this.emit('event', event),
          onlost: (error) => { if (link && link === this.#link) this.#lost(error); },
        });
        break;
      } catch (error) {
        failure = error instanceof OtterError ? error : new OtterError('unreachable', `cannot open ${url}`, { cause: error });
      }
    }
    if (!link) throw failure;
    const fresh = link;
    this.#link?.mute(); // it hears that its seat is taken: by us
    try {
      const { heartbeat_ms } = await this.#enter((name, body) => fresh.request(name, body));
      if (fresh.dead) throw new OtterError('unreachable', 'connection to the server lost');
      if (this.#closed) { // meanwhile: give the seat back that nobody wants any more
        await fresh.request('leave', {}, LEAVE_TIMEOUT_MS).catch(() => {});
        fresh.drop();
        return;
      }
      this.#link = fresh;
      this.#watch(heartbeat_ms);
      clearTimeout(this.#renewal);
      if (ttl) this.#renewal = setTimeout(() => this.#renew(), Math.min(ttl * RENEW_AT, MAX_TIMER_S) * 1000);
    } catch (error) {
      fresh.drop();
      throw error;
    }
  }

  /** Janus' token ends soon: a second link resumes with a new one, and takes the place of the first. Nobody notices. */
  async #renew() {
    const old = this.#link;
    if (!old || this.#closed) return;
    try {
      await this.#dial();
      old.drop();
      this.emit('back');
    } catch (error) {
      old.lose(`Janus' token could not be renewed: ${error}`); // and dials again, as after any loss
    }
  }

  /** A socket can be dead for minutes and still say OPEN: only an answer proves life. @param {number} period ms */
  #watch(period) {
    clearInterval(this.#heart);
    this.#missed = 0;
    let last = performance.now();
    const link = this.#link;
    this.#heart = setInterval(() => {
      const now = performance.now();
      const late = now - last > LATE_TICKS * period;
      last = now;
      if (late || this.#missed >= MISSED_PINGS) {
        link?.lose(late ? 'the machine slept' : 'no answer to pings');
        return;
      }
      this.#missed++;
      link?.request('ping', {}).then(() => { this.#missed = 0; }, (error) => { if (error.code !== 'unreachable') this.#missed = 0; }); // a refusal is an answer
    }, period);
  }

  /** @param {OtterError} error */
  async #lost(error) {
    this.#link = null;
    clearInterval(this.#heart);
    clearTimeout(this.#renewal);
    if (this.#closed) return;
    this.emit('lost', error);
    for (let wait = BACKOFF_MS.first; !this.#closed; wait = Math.min(wait * 2, BACKOFF_MS.most)) {
      await sleep(wait * (0.5 + Math.random() / 2)); // jitter: a room does not come back in one instant
      if (this.#closed) return;
      try {
        if (!this.#link) await this.#dial(); // else Janus' token was just being renewed, over another link
        if (!this.#closed) this.emit('back');
        return;
      } catch (failure) {
        if (failure instanceof OtterError && failure.retryable) continue;
        this.#closed = true;
        this.emit('failed', failure instanceof OtterError ? failure : new OtterError('internal', String(failure), { cause: failure }));
        return;
      }
    }
  }
}
