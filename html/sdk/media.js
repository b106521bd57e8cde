// SPDX-License-Identifier: GPL-3.0-or-later
// Camera and microphone: whatever there is. A missing device or a refusal never keeps anybody out of a call.

import { OtterError } from './errors.js';

const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const VIDEO = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };

/** @typedef {boolean | MediaTrackConstraints} Wish */

/**
 * Tries both devices together, so that there is one question to the user; then each alone.
 * @param {{audio: Wish, video: Wish}} wish
 * @returns {Promise<{audio: MediaStreamTrack | null, video: MediaStreamTrack | null, error: OtterError | null}>}
 *   `error` tells why something wished for is missing. Never rejects.
 */
export async function acquire({ audio, video }) {
  if (!audio && !video) return { audio: null, video: null, error: null };
  if (audio && video) {
    try {
      return { ...await open(audio, video), error: null };
    } catch { /* one of them may still do */ }
  }
  /** @type {{audio: MediaStreamTrack | null, video: MediaStreamTrack | null, error: OtterError | null}} */
  const got = { audio: null, video: null, error: null };
  if (audio) await open(audio, false).then((tracks) => { got.audio = tracks.audio; }, (error) => { got.error = error; });
  if (video) await open(false, video).then((tracks) => { got.video = tracks.video; }, (error) => { got.error = error; });
  return got;
}

/**
 * @param {Wish} audio
 * @param {Wish} video
 * @returns {Promise<{audio: MediaStreamTrack | null, video: MediaStreamTrack | null}>}
 * @throws {OtterError} permission_denied or no_camera
 */
export async function open(audio, video) {
  if (!navigator.mediaDevices) throw new OtterError('no_camera', 'camera and microphone need a secure context (https)');
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: audio === true ? AUDIO : audio, video: video === true ? VIDEO : video });
    return { audio: stream.getAudioTracks()[0] ?? null, video: stream.getVideoTracks()[0] ?? null };
  } catch (cause) {
    const refused = cause instanceof DOMException && (cause.name === 'NotAllowedError' || cause.name === 'SecurityError');
    const what = audio && video ? 'camera or microphone' : video ? 'camera' : 'microphone';
    throw refused ? new OtterError('permission_denied', `the ${what} was refused`, { cause })
      : new OtterError('no_camera', `no usable ${what}`, { cause });
  }
}
