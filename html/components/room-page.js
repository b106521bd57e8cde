// SPDX-License-Identifier: GPL-3.0-or-later
// The page of a room: before the call, in it, after it. What it shows follows body[data-state]:
//   lobby | connecting | waiting | connected | reconnecting | ended | error        (body[data-code] says why, in the last two)
// For embedding and tests: ?name= presets the name, window.otterCall is the Call. In a frame ?autojoin=1 joins at once: allowed_origins says whose
// frame that may be. At the top level it is ignored, or anybody's link could switch a camera on.

import { Otter, OtterError } from '../sdk/otter.js';
import { recallSeat } from '../sdk/seat-store.js';
import { takeAddress, watchAddress } from './address.js';
import { icon } from './icons.js';
import { keepDevices, keepName, keptDevices, keptName } from './kept.js';
import { Knocks } from './knocks.js';
import { strings } from './strings.en.js';
import { Tile } from './tile.js';
import { Toggle } from './toggle.js';

const NOTICE_MS = 12_000;

/** @param {string} id @returns {any} */
const $ = (id) => document.getElementById(id);

const address = takeAddress();
const query = new URLSearchParams(location.search);

/** @type {import('../sdk/otter.js').Call | null} */
let call = null;
/** @type {Map<string, Tile>} */
const tiles = new Map();
/** What the user wants to send; kept over a reload, and from one call to the next. */
const wish = keptDevices(address?.room ?? '');
/** @type {any} */
let noticeTimer = null;

// --- the page's state

/** @param {string} state @param {string} [code] */
function show(state, code) {
  const { dataset } = document.body;
  if (code) dataset.code = code;
  else delete dataset.code;
  dataset.state = state;
  $('join').disabled = state === 'connecting';
  $('join').textContent = state === 'connecting' ? strings.lobby.joining : strings.lobby.join;
  $('banner').textContent = state === 'reconnecting' ? strings.call.reconnecting : '';
}

/** @param {'ended' | 'error'} state @param {string} code */
function showEnd(state, code) {
  const words = state === 'ended' ? strings.ended : strings.errors;
  const { title, text, action } = words[code] ?? strings.errors.internal;
  $('end-title').textContent = title;
  $('end-text').textContent = text;
  $('again').textContent = action ?? '';
  $('again').hidden = !action;
  show(state, code === 'left' ? undefined : code);
  $('end-title').focus();
}

/** For screen readers: what others see happen. @param {string} text */
function say(text) {
  $('live').textContent = text;
}

/** A line above the controls, for a while. @param {string} text */
function notice(text) {
  $('notice-text').textContent = text;
  $('notice').hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { $('notice').hidden = true; }, NOTICE_MS);
}

// --- the call

async function join() {
  if (document.body.dataset.state === 'connecting' || !address) return;
  const display = $('name').value.trim();
  keepName(display);
  show('connecting');
  try {
    const joined = await Otter.join(address, { display, ...wish });
    call = joined;
    /** @type {any} */ (window).otterCall = joined;
    if (joined.state === 'waiting') await letIn(joined);
    if (joined.me) enter(joined);
  } catch (error) {
    showEnd('error', error instanceof OtterError ? error.code : 'internal');
    if (!(error instanceof OtterError)) throw error;
  }
}

/** Shows that one waits, until one is in or it is over. @param {import('../sdk/otter.js').Call} joined */
async function letIn(joined) {
  show('waiting');
  $('waiting-title').focus();
  say(strings.waiting.text);
  await new Promise((resolve) => joined.on('state', (state) => { if (joined.me || state === 'ended') resolve(null); }));
  if (joined.state === 'ended' && !joined.me) follow(joined, 'ended');
}

/** Why somebody at the door was neither let in nor sent away. @param {OtterError} error */
function noticeKnock({ code }) {
  notice(code === 'participant_not_found' ? strings.knock.gone : (strings.errors[code] ?? strings.errors.internal).text);
}

/** @param {import('../sdk/otter.js').Call} joined */
function enter(joined) {
  addTile(joined.me, true);
  for (const participant of joined.participants) addTile(participant);
  joined.on('participant-joined', (participant) => {
    addTile(participant);
    say(strings.call.joined(participant.display || strings.guest));
  });
  joined.on('participant-left', (participant, reason) => {
    dropTile(participant.id);
    say(strings.call.left(participant.display || strings.guest, reason));
  });
  joined.on('participant-updated', (participant) => {
    tiles.get(participant.id)?.update(participant);
    if (participant === joined.me) showOwnMedia(joined);
  });
  joined.on('knock', (knock) => say(knocks.add(knock)));
  joined.on('knock-over', (participant) => knocks.drop(participant));
  joined.on('state', (state) => follow(joined, state));
  showOwnMedia(joined);
  knocks.clear();
  if (joined.mediaError) noticeDevice(joined.mediaError, missing(joined));
  if (joined.state !== 'ended') show('connected');
  follow(joined, joined.state);
  if (!joined.participants.length) say(strings.call.alone);
  $('call').focus(); // not a button: a key still held down must not press it
}

/** @param {import('../sdk/otter.js').Call} joined @param {string} state */
function follow(joined, state) {
  if (state === 'reconnecting') {
    show('reconnecting');
  } else if (state === 'connected' && document.body.dataset.state === 'reconnecting') {
    resetTiles(joined); // after a long absence we may be somebody else: a new seat
    show('connected');
    say(strings.call.back);
  } else if (state === 'ended') {
    clearTiles();
    if (joined.reason === 'failed') showEnd('error', joined.error?.code ?? 'internal');
    else showEnd('ended', joined.reason ?? 'left');
  }
}

/** @param {import('../sdk/otter.js').Call} joined */
function showOwnMedia({ me }) {
  mic.set(me.media.audio);
  camera.set(me.media.video);
}

/** What was wished for and is not there. @param {import('../sdk/otter.js').Call} joined @returns {'both' | 'mic' | 'camera'} */
function missing({ me }) {
  const mic = wish.audio && !me.media.audio;
  return mic && wish.video && !me.media.video ? 'both' : mic ? 'mic' : 'camera';
}

/** @param {OtterError} error @param {'both' | 'mic' | 'camera'} what */
function noticeDevice(error, what) {
  notice(strings.device[error.code]?.[what] ?? strings.errors.internal.text);
}

/**
 * @param {Toggle} toggle
 * @param {'mic' | 'camera'} what
 * @param {(on: boolean) => Promise<void> | undefined} act
 * @param {boolean} on
 */
async function switchDevice(toggle, what, act, on) {
  toggle.busy = true;
  try {
    await act(on);
    want(what, on);
  } catch (error) {
    noticeDevice(/** @type {OtterError} */ (error), what);
  } finally {
    toggle.busy = false;
  }
}

/** @param {'mic' | 'camera'} what @param {boolean} on */
function want(what, on) {
  wish[what === 'mic' ? 'audio' : 'video'] = on;
  if (address) keepDevices(address.room, wish);
  showWish();
}

function showWish() {
  lobbyMic.set(wish.audio);
  lobbyCamera.set(wish.video);
}

// --- tiles

/** @param {import('../sdk/otter.js').Participant} participant @param {boolean} [self] */
function addTile(participant, self = false) {
  dropTile(participant.id);
  const tile = new Tile(participant, { self, onblocked: () => { $('sound').hidden = false; } });
  tiles.set(participant.id, tile);
  $('grid').append(tile.element);
  count();
}

/** @param {string} id */
function dropTile(id) {
  tiles.get(id)?.remove();
  tiles.delete(id);
  count();
}

function clearTiles() {
  for (const id of [...tiles.keys()]) dropTile(id);
}

/** @param {import('../sdk/otter.js').Call} joined */
function resetTiles(joined) {
  if (tiles.has(joined.me.id)) return;
  clearTiles();
  addTile(joined.me, true);
  for (const participant of joined.participants) addTile(participant);
}

function count() {
  $('grid').dataset.count = String(tiles.size);
}

// --- begin

const { micOn, micOff, cameraOn, cameraOff, leave } = strings.controls;
/** @type {{icons: [string, string], labels: [string, string]}} */
const micLook = { icons: ['mic', 'mic-off'], labels: [micOn, micOff] };
/** @type {{icons: [string, string], labels: [string, string]}} */
const cameraLook = { icons: ['camera', 'camera-off'], labels: [cameraOn, cameraOff] };

const mic = new Toggle($('mic'), { ...micLook, onchange: (on) => switchDevice(mic, 'mic', (o) => call?.setMicrophone(o), on) });
const camera = new Toggle($('camera'), { ...cameraLook, onchange: (on) => switchDevice(camera, 'camera', (o) => call?.setCamera(o), on) });
const lobbyMic = new Toggle($('lobby-mic'), { ...micLook, onchange: (on) => want('mic', on) });
const lobbyCamera = new Toggle($('lobby-camera'), { ...cameraLook, onchange: (on) => want('camera', on) });
const knocks = new Knocks($('knocks'), { rest: $('call'), onfailure: noticeKnock });

$('leave').append(icon('leave'));
$('leave').setAttribute('aria-label', leave);
$('leave').title = leave;
$('leave').addEventListener('click', () => call?.leave());
$('lobby-form').addEventListener('submit', (/** @type {Event} */ event) => { event.preventDefault(); join(); });
$('again').addEventListener('click', join);
$('waiting-leave').addEventListener('click', () => call?.leave());
$('sound').addEventListener('click', () => {
  for (const tile of tiles.values()) tile.unmute();
  $('sound').hidden = true;
});
$('notice-close').addEventListener('click', () => { $('notice').hidden = true; });
$('name').value = query.get('name') ?? keptName();
showWish();
watchAddress();

if (!address) {
  showEnd('error', 'room_not_found');
} else {
  const seated = recallSeat(address.server, address.room, address.token) !== null;
  if (!address.room.startsWith('rm_')) $('lobby-title').textContent = strings.lobby.titleOf(address.room);
  if (!address.token && !seated) showEnd('error', 'unauthorized');
  else if (seated || (window.top !== window && query.get('autojoin') === '1')) join(); // a reload takes its seat again without asking
}
