// SPDX-License-Identifier: GPL-3.0-or-later
// The one error class of the SDK. Act on `code`; `message` is English, for a developer.

/**
 * Codes of the server (REST and signaling share one table) and, in the last row, the SDK's own.
 * @typedef {"invalid_request"|"unauthorized"|"token_invalid"|"token_expired"|"token_revoked"|"not_yet_valid"|"forbidden"|
 *   "wrong_room"|"not_found"|"room_not_found"|"participant_not_found"|"method_not_allowed"|"room_full"|"seat_gone"|"peer_away"|
 *   "conflict"|"room_closed"|"precondition_failed"|"too_large"|"unsupported_media_type"|"locked"|"rate_limited"|"internal"|
 *   "unavailable"|"storage_full"|
 *   "no_camera"|"permission_denied"|"unreachable"|"negotiation_failed"|"replaced"} ErrorCode
 */

/** Codes after which the same attempt may succeed a little later. */
const RETRYABLE = new Set(['unreachable', 'unavailable', 'internal', 'rate_limited', 'storage_full', 'peer_away', 'negotiation_failed']);

export class OtterError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message
   * @param {{cause?: unknown, details?: Record<string, any>}} [more]
   */
  constructor(code, message, { cause, details } = {}) {
    super(message, { cause });
    this.name = 'OtterError';
    /** @type {ErrorCode} */
    this.code = code;
    /** Whether the same attempt may succeed a little later. */
    this.retryable = RETRYABLE.has(code);
    /** What the server added, for instance `{field}` or `{retry_after_ms}`. @type {Record<string, any> | undefined} */
    this.details = details;
  }

  /**
   * From the error object of a REST answer or of a signaling reply.
   * @param {any} wire
   * @param {ErrorCode} [fallback] the code if `wire` is not one of ours
   * @returns {OtterError}
   */
  static from(wire, fallback = 'internal') {
    const code = typeof wire?.code === 'string' ? wire.code : fallback;
    return new OtterError(code, String(wire?.message ?? code), { details: wire?.details });
  }
}
