// SPDX-License-Identifier: GPL-3.0-or-later
// The reliability of a pair, on paper: no server, and time is a number. What the order of events may be, run.js explores.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PairStream } from '../../html/sdk/pair-stream.js';

/** @param {string} sdp */
const offer = (sdp) => /** @type {any} */ ({ description: { type: 'offer', sdp } });
/** @param {any[]} messages */
const texts = (messages) => messages.map(({ description }) => description.sdp);
/** @param {any[]} messages */
const numbers = (messages) => messages.map(({ seq }) => seq);

/** @param {string[]} names */
function streamWith(names, now = 0) {
  const stream = new PairStream();
  for (const name of names) stream.send(offer(name));
  return { stream, sent: stream.due(now) };
}

test('messages are numbered from one without gaps, and carry what was received', () => {
  const { sent } = streamWith(['a', 'b', 'c']);
  assert.deepEqual(sent, [{ ...offer('a'), seq: 1, ack: 0 }, { ...offer('b'), seq: 2, ack: 0 }, { ...offer('c'), seq: 3, ack: 0 }]);
});

test('what is not acknowledged is repeated after one, two and four seconds, and then every eight, stalled', () => {
  const { stream, sent } = streamWith(['a'], 10_000);
  for (const at of [11_000, 12_000, 14_000, 18_000, 26_000]) {
    assert.equal(stream.stalled, at > 18_000);
    assert.equal(stream.wakeup(), at);
    assert.deepEqual(stream.due(at - 1), []);
    assert.deepEqual(stream.due(at), sent);
  }
  stream.received({ ack: 1 }, 26_100);
  assert.equal(stream.stalled, false);
});

test('an acknowledgement ends the repeats of everything up to it', () => {
  const { stream } = streamWith(['a', 'b', 'c']);
  stream.received({ ack: 2 }, 500);
  assert.deepEqual(numbers(stream.due(1_000)), [3]);
  stream.received({ ack: 3 }, 1_500);
  assert.equal(stream.unacknowledged, 0);
  assert.equal(stream.wakeup(), null);
});

test('an acknowledgement of what was never sent is ignored', () => {
  const { stream } = streamWith(['a']);
  stream.received({ ack: 7 }, 500);
  assert.equal(stream.unacknowledged, 1);
});

test('what comes early waits for the gap to close', () => {
  const { sent: [one, two, three] } = streamWith(['1', '2', '3']);
  const receiver = new PairStream();
  assert.deepEqual(receiver.received(three, 0), []);
  assert.deepEqual(texts(receiver.received(one, 0)), ['1']);
  assert.deepEqual(texts(receiver.received(two, 0)), ['2', '3']);
});

test('a duplicate is dropped and acknowledged again', () => {
  const { sent: [one] } = streamWith(['1']);
  const receiver = new PairStream();
  receiver.received(one, 0);
  assert.deepEqual(receiver.due(200), [{ ack: 1 }]);
  assert.deepEqual(receiver.received(one, 1_000), []);
  assert.deepEqual(receiver.due(1_200), [{ ack: 1 }]);
});

test('a pure acknowledgement goes out within two hundred milliseconds, once', () => {
  const { sent: [one] } = streamWith(['1']);
  const receiver = new PairStream();
  receiver.received(one, 5_000);
  assert.deepEqual(receiver.due(5_000), []);
  assert.ok(/** @type {number} */ (receiver.wakeup()) <= 5_200);
  assert.deepEqual(receiver.due(5_200), [{ ack: 1 }]);
  assert.equal(receiver.wakeup(), null);
});

test('an acknowledgement rides on the next message, and no pure one follows', () => {
  const { sent: [one] } = streamWith(['1']);
  const receiver = new PairStream();
  receiver.received(one, 0);
  receiver.send(offer('mine'));
  assert.deepEqual(receiver.due(10), [{ ...offer('mine'), seq: 1, ack: 1 }]);
  assert.deepEqual(receiver.due(200), []);
});

test('a pure acknowledgement is neither delivered nor acknowledged', () => {
  const receiver = new PairStream();
  assert.deepEqual(receiver.received({ ack: 0 }, 0), []);
  assert.equal(receiver.wakeup(), null);
});

test('a signal without seq is plain relay, and delivered at once', () => {
  const receiver = new PairStream();
  assert.deepEqual(receiver.received(offer('plain'), 0), [offer('plain')]);
  assert.equal(receiver.wakeup(), null);
});

test('sixty-four messages at most are in flight', () => {
  const { stream, sent } = streamWith(Array.from({ length: 70 }, (_, n) => String(n)));
  assert.deepEqual(numbers(sent), Array.from({ length: 64 }, (_, n) => n + 1));
  stream.received({ ack: 3 }, 100);
  assert.deepEqual(numbers(stream.due(100)), [65, 66, 67]);
});

test('two hundred and fifty-six kilobytes at most are in flight, counted in UTF-8', () => {
  const { stream, sent } = streamWith(Array(6).fill('é'.repeat(30_000)));
  assert.deepEqual(numbers(sent), [1, 2, 3, 4]);
  stream.received({ ack: 1 }, 100);
  assert.deepEqual(numbers(stream.due(100)), [5]);
});

test('a receiver holds no more than a window', () => {
  const receiver = new PairStream();
  assert.deepEqual(receiver.received({ ...offer('far'), seq: 65 }, 0), []);
  for (let seq = 1; seq <= 64; seq++) receiver.received({ ...offer(String(seq)), seq }, 0);
  assert.equal(receiver.acknowledging, 64);
});

test('while the peer is away nothing is sent, no time passes, and nothing is lost', () => {
  const { stream } = streamWith(['a', 'b']);
  stream.unreachable();
  stream.send(offer('c'));
  assert.deepEqual(stream.due(100_000), []);
  assert.equal(stream.wakeup(), null);
  stream.reachable(100_000);
  assert.deepEqual(numbers(stream.due(100_000)), [1, 2, 3], 'at once');
  assert.deepEqual(numbers(stream.due(100_999)), []);
  assert.deepEqual(numbers(stream.due(101_000)), [1, 2, 3], 'the clock starts anew');
  assert.equal(stream.stalled, false);
});

test('what was received is acknowledged again when the peer is back', () => {
  const { sent: [one] } = streamWith(['1']);
  const receiver = new PairStream();
  receiver.received(one, 0);
  receiver.due(200);
  receiver.unreachable();
  receiver.reachable(5_000);
  assert.deepEqual(receiver.due(5_000), [{ ack: 1 }]);
});

test('the number of what was refused for good goes to the next message', () => {
  const { stream, sent } = streamWith(['a', 'bad', 'c']);
  stream.refused(sent[1]);
  assert.deepEqual(numbers(stream.due(1_000)), [1, 3]);
  stream.send(offer('d'));
  assert.deepEqual(stream.due(1_100), [{ ...offer('d'), seq: 2, ack: 0 }]);
  stream.refused(sent[1]); // a second copy of the first one
  stream.received({ ack: 3 }, 1_200);
  assert.equal(stream.unacknowledged, 0);
});

test('what the peer has said does not restart the clocks of who was not away', () => {
  const { stream } = streamWith(['a']);
  stream.due(1_000);
  stream.reachable(1_500);
  assert.deepEqual(numbers(stream.due(1_500)), [1]);
  assert.equal(stream.wakeup(), 2_000);
});

test('to who does not number what he says nothing is repeated, and nothing is numbered', () => {
  const { stream } = streamWith(['a']);
  assert.deepEqual(stream.received(offer('plain'), 100), [offer('plain')]);
  assert.equal(stream.wakeup(), null);
  stream.send(offer('b'));
  assert.deepEqual(stream.due(200), [offer('b')]);
});

test('a message that is larger than the window goes out alone', () => {
  const { stream, sent } = streamWith(['x'.repeat(300_000), 'b']);
  assert.deepEqual(numbers(sent), [1]);
  stream.received({ ack: 1 }, 100);
  assert.deepEqual(numbers(stream.due(100)), [2]);
});

test('after too much at once nothing is sent until the time is over, and then it is repeated', () => {
  const { stream } = streamWith(['a']);
  stream.limited(3_000);
  assert.deepEqual(stream.due(2_999), []);
  assert.equal(stream.wakeup(), 3_000);
  assert.deepEqual(numbers(stream.due(3_000)), [1]);
});

test('what is said in the quiet time goes out at its end', () => {
  const stream = new PairStream();
  stream.limited(3_000);
  stream.send(offer('a'));
  assert.deepEqual(stream.due(100), []);
  assert.equal(stream.wakeup(), 3_000);
  assert.deepEqual(numbers(stream.due(3_000)), [1]);
});
