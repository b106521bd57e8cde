/* SPDX-License-Identifier: GPL-3.0-or-later
 * What an application's backend and a page ask for: rooms, the way in, credentials. The verbs behind REST, without HTTP. */
#ifndef OTTER_SERVICE_H
#define OTTER_SERVICE_H

#include "otter.h"

struct otter_answer {
	struct otter_error error; /* .err OTTER_OK: done */
	bool created;             /* something new was made */
	json_t *body;             /* owned by the answer; NULL on error */
};

/* Called exactly once, before the verb returns or later, from any thread. Borrows the answer; may take its body (set it NULL). */
typedef void (*otter_answer_fn)(void *arg, struct otter_answer *answer);

/* Does `key` (an API key's text, or NULL) open `scopes` (enum otter_scope, key.h)? unauthorized, forbidden. */
enum otter_err otter_check_api_key(struct otter *o, const char *key, unsigned scopes, struct otter_error *e);

/* Make a room, or find the one that has this unique name. `body` is that of POST /v1/rooms (transports/REST.md), borrowed; NULL: an empty one.
 * Answers the room with its url. invalid_request, storage_full, unavailable. */
void otter_do_room_create(struct otter *o, const json_t *body, otter_answer_fn fn, void *arg);

/* The room of this id or name, without url. room_not_found. */
void otter_do_room_get(struct otter *o, const char *id_or_name, otter_answer_fn fn, void *arg);

/* Change settings (max_participants, expires_at, empty_timeout, metadata; a null expires_at or metadata takes it away). Nobody who is inside is put
 * out by a smaller limit. Those inside hear room-updated. Answers the room. invalid_request, room_not_found, room_closed. */
void otter_do_room_change(struct otter *o, const char *id_or_name, const json_t *body, otter_answer_fn fn, void *arg);

/* A page of rooms, oldest first: {"rooms": [...], "next": cursor or null}. The texts are the query's, NULL where absent: status (open, occupied,
 * full, closed), after (a cursor), limit (1 to 100, 100). With a status a page may have fewer rooms than its limit and still a next one. */
void otter_do_room_list(struct otter *o, const char *status, const char *after, const char *limit, otter_answer_fn fn, void *arg);

/* Who is in the room: {"participants": [P], "next": null}. room_not_found. */
void otter_do_participant_list(struct otter *o, const char *id_or_name, otter_answer_fn fn, void *arg);

/* Put somebody out: the seat ends, its owner hears ejected. No body. room_not_found, participant_not_found. */
void otter_do_participant_eject(struct otter *o, const char *id_or_name, const char *participant, otter_answer_fn fn, void *arg);

/* Close the room for good: everybody inside is told, and nobody gets in any more. On disk before it answers (no body). room_not_found. */
void otter_do_room_close(struct otter *o, const char *id_or_name, otter_answer_fn fn, void *arg);

/* The way in for who has a join token or a seat token: where signaling is, the gate's token, TURN credentials. Never looks at the
 * capacity: join decides that. unauthorized, token_*, room_not_found, room_closed, seat_gone. */
void otter_do_connect(struct otter *o, const char *token, otter_answer_fn fn, void *arg);

/* The room that a token opens, by its id or name, without url. The token's errors, wrong_room, room_not_found. */
void otter_do_room_of_token(struct otter *o, const char *id_or_name, const char *token, otter_answer_fn fn, void *arg);

/* TURN credentials alone, for the same tokens. */
void otter_do_credentials(struct otter *o, const char *token, otter_answer_fn fn, void *arg);

/* What a page may know before it has a token: new reference. */
json_t *otter_config_json(struct otter *o);

/* Where signaling is ("ws://…"); borrowed, lives as long as the core. */
const char *otter_signaling_url(const struct otter *o);

#endif
