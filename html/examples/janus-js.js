// SPDX-License-Identifier: GPL-3.0-or-later
// A call for two on plain janus.js and janus.plugin.otter, without the SDK: what plugin/PROTOCOL.md says, in one page.
// The address may say #room=rm_…&token=…  Beside Janus' own demos it says &signaling=ws://… too, for a Janus that wants no token.
'use strict';
const $ = (id) => document.getElementById(id);
const say = (text) => { $('says').textContent = text; };
const lost = () => say('The connection to the server is lost. Reload the page to come back.');
const instance = crypto.getRandomValues(new Uint32Array(4)).join('-'); // this page load
const pending = new Map(); // requests under way, by id
let lastId = 0, unanswered = 0, heart, local, handle, me, rtc, peer, pc, polite, mayOffer, makingOffer, ignoreOffer;
// 1. The way in: where Janus is, and the token that it wants to see in each request.
async function join(link) {
  const { pathname, hash } = new URL(link, location.href); // the link of a room has the room in its path
  const { room, token, signaling } = { room: pathname.split('/room/')[1], ...Object.fromEntries(new URLSearchParams(hash.slice(1))) };
  if (!room) throw new Error('This is no link of a room.');
  await import('../sdk/janus.js').catch(() => import('./janus.js'));
  const ask = { method: 'POST', headers: { Authorization: `Bearer ${token}` } };
  const way = signaling ? { signaling: [{ url: signaling }] } : await (await fetch('/v1/connect', ask)).json();
  if (way.code) throw new Error(way.message);
  local = $('self').srcObject = await navigator.mediaDevices.getUserMedia({ audio: true, video: true }).catch(() => new MediaStream());
  // 2. Janus: a session, and in it a handle of the plugin. The adapter is for janus.js' own media, which we do not use.
  Janus.init({ dependencies: Janus.useDefaultDependencies({ adapter: { browserDetails: { browser: 'any', version: 0 } } }) });
  handle = await new Promise((resolve, reject) => {
    const attach = () => janus.attach({ plugin: 'janus.plugin.otter', success: resolve, error: reject, onmessage: receive, ondetached: lost });
    const janus = new Janus({ server: way.signaling[0].url, token: way.janus_token, success: attach, error: (why) => { lost(); reject(why); } });
  });
  // 3. The room: in the seat we had, if this is a reload, or else in a new one.
  const media = { audio: local.getAudioTracks().length > 0, video: local.getVideoTracks().length > 0 }; // none: watch and listen
  const anew = () => request('join', { room, token, instance, media });
  const reply = await request('resume', { seat: sessionStorage.getItem(room), instance }).catch(anew); // none, or it is gone
  sessionStorage.setItem(room, reply.seat);
  heart = setInterval(() => (unanswered++ > 1 ? lost() : request('ping').then(() => { unanswered = 0; }, lost)), reply.heartbeat_ms);
  reply.waiting ? say('You are at the door: somebody inside will let you in.') : enter(reply);
}
function enter(joined) {
  me = joined.me;
  rtc = { iceServers: joined.ice_servers, iceTransportPolicy: joined.room.privacy === 'relay' ? 'relay' : 'all' };
  say('Nobody else is here yet.');
  for (const participant of joined.participants) meet({ participant });
}

// 4. Requests and what comes: a reply belongs to the request of its id, whichever way it arrives.
const request = (name, fields) => new Promise((resolve, reject) => {
  pending.set(++lastId, { resolve, reject });
  handle.send({ message: { ...fields, request: name, id: lastId }, success: receive, error: reject });
});
function receive(data) {
  if (data?.otter === 'event') return events[data.event]?.(data);
  const { resolve, reject } = pending.get(data?.id) ?? {};
  if (pending.delete(data?.id)) data.ok ? resolve(data) : reject(new Error(data.error.message));
}
const events = {
  'participant-joined': meet, 'participant-updated': meet,
  'participant-left': ({ participant }) => { if (participant === peer?.participant) part('The other one has left.'); },
  'signal': (signal) => { if (signal.from === peer?.participant && signal.from_instance === peer.instance) take(signal).catch(console.warn); },
  'admitted': enter, 'denied': over, 'ejected': over, 'closed': over, // admitted has what the reply to a join has
};
const why = { denied: 'You were not let in.', ejected: 'The host has put you out.', replaced: 'This seat is in use elsewhere.',
  revoked: 'Your link was withdrawn.', expired: 'The time is over.', closed: 'The room was closed.' };
function over({ event, reason }) { end(why[reason] ?? why[event]); }

// 5. The other one. A new instance is a new connection; whoever has the higher attach sends the first offer, alone.
function meet({ participant: other }) {
  if (other.participant === me.participant || (peer && other.participant !== peer.participant)) return; // a call for two
  if (other.instance === peer?.instance) return;
  part('Connecting…');
  [peer, polite, mayOffer] = [other, me.order > other.order, me.attach > other.attach];
  pc = new RTCPeerConnection(rtc);
  pc.onnegotiationneeded = offer;
  pc.onconnectionstatechange = () => { say(pc.connectionState); if (pc.connectionState === 'failed') pc.restartIce(); };
  pc.ontrack = ({ track }) => $('them').srcObject.addTrack(track);
  const batch = []; // candidates of 20 ms go together
  pc.onicecandidate = ({ candidate: one }) => { if (one?.candidate && batch.push(one) < 2) setTimeout(() => tell({ candidates: batch.splice(0) }), 20); };
  for (const track of mayOffer ? [] : local.getTracks()) pc.addTrack(track); // they go with the answer
  for (const kind of mayOffer ? ['audio', 'video'] : []) pc.addTransceiver(local.getTracks().find((track) => track.kind === kind) ?? kind);
}
function part(text) {
  pc?.close();
  [peer, pc, makingOffer, ignoreOffer, $('them').srcObject] = [null, null, false, false, new MediaStream()];
  say(text);
}
function end(text) { // of the call, or of the attempt: the devices go out, and one may join again
  part(text);
  clearInterval(heart);
  local?.getTracks().forEach((track) => track.stop());
  handle?.session.destroy({ cleanupHandles: true, notifyDestroyed: false });
  [handle, $('self').srcObject, $('join').disabled] = [null, null, false];
}

// 6. Perfect negotiation (W3C WebRTC, section 10.7), over plain relay: without seq and ack, what is lost is not repeated.
const tell = (what) => peer && request('signal', { to: peer.participant, from_instance: instance, to_instance: peer.instance, ...what }).catch(console.warn);
const offer = async () => {
  if (!mayOffer) return;
  makingOffer = true;
  await pc.setLocalDescription().then(() => tell({ description: pc.localDescription }), console.warn).finally(() => { makingOffer = false; });
};
async function take({ description, candidates }) {
  if (description) ignoreOffer = !polite && description.type === 'offer' && (makingOffer || pc.signalingState !== 'stable');
  if (ignoreOffer) return;
  if (description) await pc.setRemoteDescription(description);
  mayOffer = true; // the first offer is made: from now on both may
  if (description?.type === 'offer') await pc.setLocalDescription().then(() => tell({ description: pc.localDescription }));
  for (const candidate of candidates ?? []) await pc.addIceCandidate(candidate);
}
$('form').addEventListener('submit', (event) => {
  event.preventDefault();
  $('join').disabled = true; // once
  join($('link').value).catch((error) => end(error?.message ?? error));
});
$('link').value = location.hash ? location.href : history.state ?? '';
history.replaceState($('link').value, '', location.pathname); // the token leaves the address bar, and stays with the tab for a reload
