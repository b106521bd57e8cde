/* SPDX-License-Identifier: GPL-3.0-or-later
 * The core's own state, for the core's own files. */
#ifndef OTTER_PRIVATE_H
#define OTTER_PRIVATE_H

#include "api_keys.h"
#include "deadline.h"
#include "keyring.h"
#include "lock.h"
#include "otter.h"
#include "revocations.h"
#include "room.h"
#include "store.h"

#include <glib.h>

struct otter {
	gint refs;
	gint running; /* requests in flight; see otter_enter */
	gint closing;
	gint draining;
	gint token_users; /* counts up: see way_in.c */
	const struct otter_env *env;
	struct otter_observer observer;
	struct otter_store *store;
	struct otter_turn turn;
	struct otter_api_keys api_keys;
	struct otter_keyring keyring;
	struct otter_revocations revocations;
	struct otter_deadlines deadlines;
	char *gate_secret; /* or NULL */
	char *signaling_url;
	struct otter_settings settings; /* as it was opened with */
	int64_t resume_timeout_ms, token_ttl_s, token_ttl_max_s, gate_ttl_s, retention_ms;

	otter_lock lock; /* guards public_url, and the clock's wait; a leaf */
	char *public_url;

	otter_lock rooms_lock; /* guards rooms; taken before a room's lock */
	GHashTable *rooms;     /* id -> struct otter_room, a reference: see room_table.c */

	bool own_clock;
	pthread_t clock;
	pthread_cond_t clock_wake; /* with lock */
	gint clock_stop;
};

/* A request begins: false once the core is closing (answer unavailable). Pair with otter_leave. */
bool otter_enter(struct otter *o);
void otter_leave(struct otter *o);

/* New string: where the core is reached, or "" as long as nobody has said it. */
char *otter_public_url(struct otter *o);

/* ---- the table of rooms (room_table.c) ---- */

/* The room of this id if it is in memory: new reference, or NULL. */
struct otter_room *otter_find_room(struct otter *o, const char *id);

/* Make the room of `record` present in memory, or find it there: new reference. */
struct otter_room *otter_enter_room(struct otter *o, const struct otter_room_record *record);

/* How many seats of it are taken. */
unsigned otter_room_presence(struct otter *o, const char *id);

/* All rooms in memory: references, new. */
GPtrArray *otter_all_rooms(struct otter *o);

/* A deadline, which comes again and again: rooms that nobody is in are forgotten, and seats get fresh credentials in time. */
void otter_look_at_rooms(void *context, void *unused);

/* ---- which room, and its end (otter.c) ---- */

/* Is `record` the room that these claims open, and the one that was asked for (`named`: id or unique name; NULL: whichever)? room_not_found, wrong_room. */
enum otter_err otter_judge_room(
	struct otter *o, const struct otter_claims *claims, const char *named, const struct otter_room_record *record, struct otter_error *e);

/* Close a room for good (in this version; 0: in any. Of another version it stays, and its time is looked at again): in the store, then, once that is durable, here: its seats end with `reason` (static).
 * Then fn(arg, err, row) as the store's room_close has it, if fn is not NULL. */
void otter_close_room(struct otter *o, const char *id, int64_t version, const char *reason, otter_store_fn fn, void *arg);

#endif
