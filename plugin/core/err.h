/* SPDX-License-Identifier: GPL-3.0-or-later
 * The one table of what can go wrong, for REST and signaling alike. */
#ifndef OTTER_ERR_H
#define OTTER_ERR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* X(name, code on the wire, HTTP status, what a person is told when nobody said it better) */
#define OTTER_ERRORS(X) \
	X(OK, "ok", 200, "Done.") \
	X(INVALID_REQUEST, "invalid_request", 400, "The request is not understood.") \
	X(UNAUTHORIZED, "unauthorized", 401, "A credential is needed, and this one is not known.") \
	X(TOKEN_INVALID, "token_invalid", 401, "This token was not issued here, or was changed.") \
	X(TOKEN_EXPIRED, "token_expired", 401, "This token has expired: ask for a new link.") \
	X(TOKEN_REVOKED, "token_revoked", 401, "This token was revoked: ask for a new link.") \
	X(NOT_YET_VALID, "not_yet_valid", 401, "This token is not valid yet: come back later.") \
	X(FORBIDDEN, "forbidden", 403, "This credential may not do that.") \
	X(WRONG_ROOM, "wrong_room", 403, "This token is for another room.") \
	X(NOT_FOUND, "not_found", 404, "There is nothing here.") \
	X(ROOM_NOT_FOUND, "room_not_found", 404, "There is no such room.") \
	X(PARTICIPANT_NOT_FOUND, "participant_not_found", 404, "There is no such participant in this room.") \
	X(METHOD_NOT_ALLOWED, "method_not_allowed", 405, "This route does not take that method.") \
	X(ROOM_FULL, "room_full", 409, "The room is full.") \
	X(SEAT_GONE, "seat_gone", 409, "This seat has ended: join again.") \
	X(PEER_AWAY, "peer_away", 409, "The other participant is away at the moment.") \
	X(CONFLICT, "conflict", 409, "This does not fit the present state.") \
	X(ROOM_CLOSED, "room_closed", 410, "The room is closed.") \
	X(PRECONDITION_FAILED, "precondition_failed", 412, "It was changed in the meantime.") \
	X(TOO_LARGE, "too_large", 413, "The request is too large.") \
	X(UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", 415, "Send the body as application/json.") \
	X(LOCKED, "locked", 423, "The room is locked.") \
	X(RATE_LIMITED, "rate_limited", 429, "Too many requests: wait a little.") \
	X(INTERNAL, "internal", 500, "Something broke on our side.") \
	X(UNAVAILABLE, "unavailable", 503, "The server cannot do this now: try again.") \
	X(STORAGE_FULL, "storage_full", 507, "The server's disk is full: nothing was changed.")

enum otter_err {
#define OTTER_ERR_ENUM(name, code, status, text) OTTER_##name,
	OTTER_ERRORS(OTTER_ERR_ENUM)
#undef OTTER_ERR_ENUM
};

/* The code on the wire ("room_full"), its HTTP status, and its text. Static strings. */
const char *otter_err_code(enum otter_err err);
int otter_err_status(enum otter_err err);
const char *otter_err_text(enum otter_err err);

/* An expected failure as a value. All zero means no failure. */
struct otter_error {
	enum otter_err err;
	char message[200]; /* UTF-8, for a developer; empty: the table's text */
	char field[48];    /* what `details.field` names, or empty */
	int64_t retry_ms;  /* what `details.retry_after_ms` says, or 0 */
	bool was_known;    /* unauthorized, but no guess: the credential was good once */
};

/* Fill `e` (may be NULL) unless it already holds an error: the first one wins. Returns `err`, so that one
 * can write `return otter_fail(e, OTTER_ROOM_FULL, ...)`. `fmt` may be NULL for the table's text. */
enum otter_err otter_fail(struct otter_error *e, enum otter_err err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same for a field that is wrong: invalid_request, and details.field names it. */
enum otter_err otter_fail_field(struct otter_error *e, const char *field, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same for what may be done in `retry_ms` again: rate_limited, and details.retry_after_ms says so. 0 is no failure. */
enum otter_err otter_fail_rate(struct otter_error *e, int64_t retry_ms);

/* What a person is told: its message, or else the table's. */
const char *otter_error_text(const struct otter_error *e);

/* {"code", "message", "details"?}: new reference. */
json_t *otter_error_json(const struct otter_error *e);

#endif
