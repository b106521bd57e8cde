/* SPDX-License-Identifier: GPL-3.0-or-later
 * What an application's backend and a page ask for: rooms, the way in, credentials. The verbs behind REST, without HTTP. */
#ifndef OTTER_SERVICE_H
#define OTTER_SERVICE_H

#include "otter.h"

struct otter_answer {
	struct otter_error error; /* .err OTTER_OK: done */
	bool created;             /* something new was made */
	int64_t version;          /* of what is answered, for its ETag; 0: it has none */
	json_t *body;             /* owned by the answer; NULL on error */
};

/* Called exactly once, before the verb returns or later, from any thread. Borrows the answer; may take its body (set it NULL). */
typedef void (*otter_answer_fn)(void *arg, struct otter_answer *answer);

/* Under which conditions (RFC 9110, 13) something is to be done; borrowed for the call. */
struct otter_conditions {
	const char *if_match; /* the header's text, or NULL */
	bool if_none_match;   /* If-None-Match: * */
	const char *by;       /* a participant asks, who must be a host of the room when it is done (else forbidden); NULL: an application's backend */
};

/* Does `key` (an API key's text, or NULL) open `scopes` (enum otter_scope, key.h)? unauthorized, forbidden, rate_limited. */
enum otter_err otter_check_api_key(struct otter *o, const char *key, unsigned scopes, struct otter_error *e);

/* Every verb may fail with unavailable, and those that change something with storage_full. Bodies are those of transports/openapi.yaml, borrowed;
 * NULL: an empty one. Texts of a query are NULL where absent. */

/* ---- rooms (rooms.c) ---- */

/* Make a room, or find the one that has this unique name. Answers the room with its url. invalid_request, precondition_failed. */
void otter_do_room_create(struct otter *o, const json_t *body, const struct otter_conditions *when, otter_answer_fn fn, void *arg);

/* The room of this id or name, without url. room_not_found. */
void otter_do_room_get(struct otter *o, const char *id_or_name, otter_answer_fn fn, void *arg);

/* Change settings (a null expires_at or metadata takes it away). Nobody who is inside is put out by a smaller limit. Those inside hear
 * room-updated. Answers the room. invalid_request, room_not_found, room_closed, precondition_failed, forbidden (`by`). */
void otter_do_room_change(struct otter *o, const char *id_or_name, const json_t *body, const struct otter_conditions *when, otter_answer_fn fn, void *arg);

/* A page of rooms, oldest first: {"rooms": [...], "next": cursor or null}. status (open, occupied, full, closed), after (a cursor), limit (1 to
 * 100, 100). With a status a page may have fewer rooms than its limit and still a next one. */
void otter_do_room_list(struct otter *o, const char *status, const char *after, const char *limit, otter_answer_fn fn, void *arg);

/* Who is in the room: {"participants": [P], "next": null}. room_not_found. */
void otter_do_participant_list(struct otter *o, const char *id_or_name, otter_answer_fn fn, void *arg);

/* Put somebody out: the seat ends, its owner hears ejected. With `revoke` (false, true) the tokens of this identity are revoked, or the invite
 * link that the seat was taken by turns into knock. `by` as in otter_conditions. No body. invalid_request, room_not_found, forbidden (`by`),
 * participant_not_found. On unavailable and storage_full he is out all the same, but nothing of it need be on disk. */
void otter_do_participant_eject(
	struct otter *o, const char *id_or_name, const char *participant, const char *revoke, const char *by, otter_answer_fn fn, void *arg);

/* Close the room for good: everybody inside is told, and nobody gets in any more. On disk before it answers (no body). room_not_found,
 * precondition_failed, forbidden (`by`). */
void otter_do_room_close(struct otter *o, const char *id_or_name, const struct otter_conditions *when, otter_answer_fn fn, void *arg);

/* ---- tokens (tokens.c) ---- */

/* A join token for the room: {"token", "url", "jti", "expires_at"}. invalid_request, room_not_found, room_closed. */
void otter_do_token_mint(struct otter *o, const char *id_or_name, const json_t *body, otter_answer_fn fn, void *arg);

/* Tokens of a room that open it no more: the one of this `jti`, or, where that is NULL, all that `identity` was given until now. `inside`: stay
 * (and NULL), or out for those who are in by them. No body. invalid_request, room_not_found. */
struct otter_revoke {
	const char *jti, *identity, *inside;
};
void otter_do_token_revoke(struct otter *o, const char *id_or_name, const struct otter_revoke *what, otter_answer_fn fn, void *arg);

/* ---- the way in (way_in.c) ---- */

/* The way in for who has a join token or a seat token: where signaling is, the gate's token, TURN credentials. Never looks at the
 * capacity: join decides that. unauthorized, token_*, room_not_found, room_closed, seat_gone. */
void otter_do_connect(struct otter *o, const char *token, otter_answer_fn fn, void *arg);

/* The room that a token opens, by its id or name, without url. The token's errors, wrong_room, room_not_found. */
void otter_do_room_of_token(struct otter *o, const char *id_or_name, const char *token, otter_answer_fn fn, void *arg);

/* TURN credentials alone, for the same tokens. */
void otter_do_credentials(struct otter *o, const char *token, otter_answer_fn fn, void *arg);

/* ---- API keys (keys.c): an administrator's ---- */

/* Make a key: K with "key", the only time that it is shown. invalid_request. */
void otter_do_key_create(struct otter *o, const json_t *body, otter_answer_fn fn, void *arg);

/* A page of keys, oldest first: {"keys": [K], "next"}; one key. not_found, invalid_request. */
void otter_do_key_list(struct otter *o, const char *after, const char *limit, otter_answer_fn fn, void *arg);
void otter_do_key_get(struct otter *o, const char *id, otter_answer_fn fn, void *arg);

/* Another text for it; the older ones work on for overlap_seconds. K with "key". invalid_request, not_found, precondition_failed, conflict. */
void otter_do_key_rotate(struct otter *o, const char *id, const json_t *body, const struct otter_conditions *when, otter_answer_fn fn, void *arg);

/* Remove it; the last administrator only with `force` = true. No body. not_found, precondition_failed, conflict. */
void otter_do_key_delete(struct otter *o, const char *id, const char *force, const struct otter_conditions *when, otter_answer_fn fn, void *arg);

/* ---- who signs tokens (signers.c): an administrator's ---- */

/* {"signing_keys": [S], "next": null}; and a new one, S. invalid_request. */
void otter_do_signing_key_list(struct otter *o, otter_answer_fn fn, void *arg);
void otter_do_signing_key_rotate(struct otter *o, const json_t *body, otter_answer_fn fn, void *arg);

/* Foreign issuers: {"issuers": [I], "next": null}; one; a new one; one less (no body). invalid_request, conflict, not_found. */
void otter_do_issuer_list(struct otter *o, otter_answer_fn fn, void *arg);
void otter_do_issuer_get(struct otter *o, const char *id, otter_answer_fn fn, void *arg);
void otter_do_issuer_create(struct otter *o, const json_t *body, otter_answer_fn fn, void *arg);
void otter_do_issuer_delete(struct otter *o, const char *id, otter_answer_fn fn, void *arg);

/* ---- the server itself (server.c) ---- */

/* Let nobody join any more, and tell those inside that the server will stop in `timeout` seconds; until it is started again.
 * {"draining": true, "participants", "after_ms"}. invalid_request. */
void otter_do_drain(struct otter *o, const json_t *body, otter_answer_fn fn, void *arg);

/* Ready to serve: the store answers, and it is not draining. {"status": "ok"}, or unavailable. */
void otter_do_ready(struct otter *o, otter_answer_fn fn, void *arg);

/* What a page may know before it has a token: new reference. */
json_t *otter_config_json(struct otter *o);

/* Rooms with somebody in them and seats in them now. */
void otter_count(struct otter *o, unsigned *rooms, unsigned *participants);

/* Where signaling is ("ws://…"); borrowed, lives as long as the core. */
const char *otter_signaling_url(const struct otter *o);

#endif
