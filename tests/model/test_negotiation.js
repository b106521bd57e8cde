// SPDX-License-Identifier: GPL-3.0-or-later
// One side of a negotiation, step by step. That both sides together come to an agreement whatever happens, run.js explores.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Negotiation } from '../../html/sdk/negotiation.js';

const OFFER = { description: { type: 'offer', sdp: 'mine' } };
const ANSWER = { description: { type: 'answer', sdp: 'mine' } };
/** @param {string} type @param {number} [round] */
const theirs = (type, round) => /** @type {any} */ ({ description: { type, sdp: 'theirs' }, ...(round && { round }) });

/** @param {object} [how] */
function offered(how) {
  const nego = new Negotiation({ offers: true, polite: false, ...how });
  nego.step({ is: 'needed' });
  nego.step({ is: 'done', signaling: 'have-local-offer', signal: /** @type {any} */ (OFFER) });
  return nego;
}

/** @param {object} [how] */
function agreed(how) {
  const nego = offered(how);
  nego.step({ is: 'signal', signal: theirs('answer', 1) });
  nego.step({ is: 'done', signaling: 'stable' });
  return nego;
}

test('the first offer is made by the side that offers, numbered, and its answer awaited', () => {
  const nego = new Negotiation({ offers: true, polite: true });
  assert.deepEqual(nego.step({ is: 'needed' }), [{ do: 'offer', restart: false }]);
  assert.deepEqual(nego.step({ is: 'done', signaling: 'have-local-offer', signal: /** @type {any} */ (OFFER) }),
    [{ do: 'send', signal: { ...OFFER, round: 1 } }, { do: 'watch', on: true }]);
});

test('the other side waits for it, and offers what it needs itself once it has answered', () => {
  const nego = new Negotiation({ offers: false, polite: true });
  assert.deepEqual(nego.step({ is: 'needed' }), []);
  assert.deepEqual(nego.step({ is: 'signal', signal: theirs('offer', 7) }), [{ do: 'remote', signal: theirs('offer', 7) }]);
  assert.deepEqual(nego.step({ is: 'done', signaling: 'have-remote-offer' }), [{ do: 'answer' }]);
  assert.deepEqual(nego.step({ is: 'done', signaling: 'stable', signal: /** @type {any} */ (ANSWER) }),
    [{ do: 'send', signal: { ...ANSWER, round: 7 } }, { do: 'offer', restart: false }]);
});

test('in glare the impolite side does not look at the offer of the other', () => {
  assert.deepEqual(offered({ polite: false }).step({ is: 'signal', signal: theirs('offer', 1) }), []);
});

test('in glare the polite side takes the other offer, answers, and makes its own again', () => {
  const nego = offered({ polite: true });
  assert.deepEqual(nego.step({ is: 'signal', signal: theirs('offer', 1) }), [{ do: 'remote', signal: theirs('offer', 1) }]);
  assert.deepEqual(nego.step({ is: 'done', signaling: 'have-remote-offer' }), [{ do: 'watch', on: false }, { do: 'answer' }]);
  assert.deepEqual(nego.step({ is: 'done', signaling: 'stable', signal: /** @type {any} */ (ANSWER) }),
    [{ do: 'send', signal: { ...ANSWER, round: 1 } }, { do: 'offer', restart: false }]);
});

test('an ICE restart that was given up in glare is made again as one', () => {
  const nego = agreed({ polite: true });
  assert.deepEqual(nego.step({ is: 'restart' }), [{ do: 'offer', restart: true }]);
  nego.step({ is: 'done', signaling: 'have-local-offer', signal: /** @type {any} */ (OFFER) });
  nego.step({ is: 'signal', signal: theirs('offer', 1) });
  nego.step({ is: 'done', signaling: 'have-remote-offer' });
  assert.deepEqual(nego.step({ is: 'done', signaling: 'stable', signal: /** @type {any} */ (ANSWER) }).at(-1), { do: 'offer', restart: true });
});

test('an offer that hangs is said again, and behind its answer the path is sought anew', () => {
  const nego = offered();
  assert.deepEqual(nego.step({ is: 'hung' }), [{ do: 'send', signal: { ...OFFER, round: 1 } }, { do: 'watch', on: true }]);
  assert.deepEqual(nego.step({ is: 'signal', signal: theirs('answer', 1) }), [{ do: 'remote', signal: theirs('answer', 1) }]);
  assert.deepEqual(nego.step({ is: 'done', signaling: 'stable' }), [{ do: 'watch', on: false }, { do: 'offer', restart: true }]);
  nego.step({ is: 'done', signaling: 'have-local-offer', signal: /** @type {any} */ (OFFER) });
  assert.deepEqual(nego.step({ is: 'signal', signal: theirs('answer', 1) }), [], 'the answer to the copy');
  assert.deepEqual(nego.step({ is: 'signal', signal: theirs('answer', 2) }), [{ do: 'remote', signal: theirs('answer', 2) }]);
});

test('an offer that was answered and is said again gets the same answer again', () => {
  const nego = new Negotiation({ offers: false, polite: true });
  nego.step({ is: 'signal', signal: theirs('offer', 1) });
  nego.step({ is: 'done', signaling: 'have-remote-offer' });
  nego.step({ is: 'done', signaling: 'stable', signal: /** @type {any} */ (ANSWER) });
  assert.deepEqual(nego.step({ is: 'signal', signal: theirs('offer', 1) }), [{ do: 'send', signal: { ...ANSWER, round: 1 } }]);
});

test('an offer that was passed over in glare is not looked at when it is said again', () => {
  const nego = offered({ polite: false });
  nego.step({ is: 'signal', signal: theirs('offer', 1) });
  nego.step({ is: 'signal', signal: theirs('answer', 1) });
  nego.step({ is: 'done', signaling: 'stable' });
  assert.deepEqual(nego.step({ is: 'signal', signal: theirs('offer', 1) }), []);
  assert.deepEqual(nego.step({ is: 'signal', signal: theirs('offer', 2) }), [{ do: 'remote', signal: theirs('offer', 2) }]);
});

test('an offer that could not be taken is looked at when it is said again', () => {
  const nego = agreed();
  nego.step({ is: 'signal', signal: theirs('offer', 1) });
  nego.step({ is: 'done', signaling: 'stable', error: 'no' });
  assert.deepEqual(nego.step({ is: 'signal', signal: theirs('offer', 1) }), [{ do: 'remote', signal: theirs('offer', 1) }]);
});

test('who has to wait for the first offer does not restart what is only about to begin', () => {
  const nego = new Negotiation({ offers: false, polite: true });
  nego.step({ is: 'restart' });
  nego.step({ is: 'signal', signal: theirs('offer', 1) });
  nego.step({ is: 'done', signaling: 'have-remote-offer' });
  assert.deepEqual(nego.step({ is: 'done', signaling: 'stable', signal: /** @type {any} */ (ANSWER) }), [{ do: 'send', signal: { ...ANSWER, round: 1 } }]);
});

test('an answer of somebody who knows no rounds is taken for that of the current offer', () => {
  assert.deepEqual(offered().step({ is: 'signal', signal: theirs('answer') }), [{ do: 'remote', signal: theirs('answer') }]);
});

test('the watchdog does nothing once the answer is there', () => {
  assert.deepEqual(agreed().step({ is: 'hung' }), []);
});

test('one thing is done at a time, in the order in which it was said', () => {
  const nego = offered();
  nego.step({ is: 'signal', signal: theirs('answer', 1) });
  assert.deepEqual(nego.step({ is: 'signal', signal: { candidates: [] } }), []);
  assert.deepEqual(nego.step({ is: 'needed' }), []);
  assert.deepEqual(nego.step({ is: 'done', signaling: 'stable' }), [{ do: 'watch', on: false }, { do: 'candidates', signal: { candidates: [] } }]);
  assert.deepEqual(nego.step({ is: 'done', signaling: 'stable' }), [{ do: 'offer', restart: false }]);
});

test('an offer that cannot be made is told, and made when something else happens, not at once', () => {
  const nego = agreed();
  nego.step({ is: 'needed' });
  assert.deepEqual(nego.step({ is: 'done', signaling: 'stable', error: 'no' }), [{ do: 'failed', error: 'no' }]);
  assert.deepEqual(nego.step({ is: 'restart' }), [{ do: 'offer', restart: true }]);
});

test('an offer that cannot be answered is rolled back before one of our own is made', () => {
  const nego = agreed();
  nego.step({ is: 'signal', signal: theirs('offer', 1) });
  nego.step({ is: 'done', signaling: 'have-remote-offer' });
  assert.deepEqual(nego.step({ is: 'done', signaling: 'have-remote-offer', error: 'no' }), [{ do: 'failed', error: 'no' }]);
  assert.deepEqual(nego.step({ is: 'needed' }), [{ do: 'rollback' }]);
  assert.deepEqual(nego.step({ is: 'done', signaling: 'stable' }), [{ do: 'offer', restart: false }]);
});
