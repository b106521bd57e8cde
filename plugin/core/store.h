/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store: what must outlive the process. An ops table with two backends, memory and SQLite.
 *
 *   caller ──op(…, fn, arg)──▶ store ──fn(arg, err, row)──▶ caller
 *
 * Every operation takes a completion, which is called exactly once: by the memory store before the operation returns, by SQLite from its writer
 * thread, when the answer is on disk. So never hold a lock over a call into the store, and never block in a completion. Completions run one
 * at a time, in the order in which the operations took effect: what a completion reads is still so while it runs.
 * Arguments are copied before the operation returns; the row of a completion is borrowed for the call. */
#ifndef OTTER_STORE_H
#define OTTER_STORE_H

#include "err.h"
#include "id.h"
#include "key.h"

#include <stdbool.h>

#define OTTER_SALT_SIZE 32

enum otter_privacy { OTTER_PRIVACY_DIRECT, OTTER_PRIVACY_RELAY };

struct otter_room_record {
	char id[OTTER_ID_SIZE];
	char unique_name[65];      /* empty: none */
	int64_t max_participants;  /* 2..8 */
	enum otter_privacy privacy;
	int64_t empty_timeout_s;   /* 0: never */
	int64_t expires_ms;        /* 0: never */
	int64_t created_ms, updated_ms;
	int64_t closed_ms;         /* 0: not closed */
	const char *metadata;      /* compact JSON text of an object */
};

/* What may be changed of a room. */
enum otter_room_field {
	OTTER_ROOM_MAX_PARTICIPANTS = 1 << 0,
	OTTER_ROOM_EMPTY_TIMEOUT = 1 << 1,
	OTTER_ROOM_EXPIRES = 1 << 2,
	OTTER_ROOM_METADATA = 1 << 3,
};

/* One page of a list of rooms. */
struct otter_room_query {
	int64_t after_ms;             /* created_ms and id of the last room of the page before; 0 and "" for the first page */
	char after_id[OTTER_ID_SIZE];
	bool open, closed;            /* which, at now_ms */
	int64_t now_ms;
	int limit;
};

/* A signing key as it lies in the store. The key itself is HMAC-SHA256(deployment's secret file, salt): neither the
 * database alone nor the file alone signs anything. */
struct otter_signing_key_record {
	char kid[OTTER_ID_SIZE];
	unsigned char salt[OTTER_SALT_SIZE];
	bool active;
	int64_t created_ms;
};

/* `err`: OTTER_OK or what the operation names, or unavailable, storage_full. `row`: what the operation names, or NULL. */
typedef void (*otter_store_fn)(void *arg, enum otter_err err, const void *row);

struct otter_store;

struct otter_store_ops {
	/* Close: waits until everything asked for is done, then frees the store. */
	void (*close)(struct otter_store *store);

	/* Insert `room`. If a room that is not closed has its name: conflict, and the row is that room (struct otter_room_record). One that has
	 * expired by `room->created_ms` is closed on the way and stands in nobody's. */
	void (*room_create)(struct otter_store *store, const struct otter_room_record *room, otter_store_fn fn, void *arg);

	/* The room with this id, or else the one that is not closed with this name: struct otter_room_record, or room_not_found. */
	void (*room_get)(struct otter_store *store, const char *id_or_name, otter_store_fn fn, void *arg);

	/* Close it for good at `closed_ms`; the row is the room. Closing twice is no error. room_not_found. */
	void (*room_close)(struct otter_store *store, const char *id, int64_t closed_ms, otter_store_fn fn, void *arg);

	/* Change what `mask` (enum otter_room_field, or-ed) names to what `room` has; room->id says which, room->updated_ms when. The row is the room.
	 * room_closed if it is closed by then, room_not_found. */
	void (*room_update)(struct otter_store *store, const struct otter_room_record *room, unsigned mask, otter_store_fn fn, void *arg);

	/* Calls fn once for each room that `query` wants, oldest first (created_ms, then id), and then once with NULL. */
	void (*room_each)(struct otter_store *store, const struct otter_room_query *query, otter_store_fn fn, void *arg);

	/* Insert a key. conflict if its id is taken. */
	void (*key_create)(struct otter_store *store, const struct otter_key_record *key, otter_store_fn fn, void *arg);

	/* Calls fn once for each key (struct otter_key_record), and then once with NULL. */
	void (*key_each)(struct otter_store *store, otter_store_fn fn, void *arg);

	void (*signing_key_create)(struct otter_store *store, const struct otter_signing_key_record *key, otter_store_fn fn, void *arg);

	/* Calls fn once for each signing key (struct otter_signing_key_record), oldest first, and then once with NULL. */
	void (*signing_key_each)(struct otter_store *store, otter_store_fn fn, void *arg);

	/* The deployment's own id: `proposal` is stored if there is none. The row is the id as a text. */
	void (*deployment_id)(struct otter_store *store, const char *proposal, otter_store_fn fn, void *arg);
};

struct otter_store {
	const struct otter_store_ops *ops;
};

/* In memory: gone with the process. For tests, and for who wants no file. */
struct otter_store *otter_store_memory_open(void);

/* In the SQLite file `path`, made if it is not there, mode 0600. Blocks; for start-up. NULL with the reason in `e`: a file that cannot be opened, one of a
 * newer schema, one that is damaged. Logs to `env`, which must outlive the store. */
struct otter_store *otter_store_sqlite_open(const struct otter_env *env, const char *path, struct otter_error *e);

/* "memory" or "sqlite:PATH". */
struct otter_store *otter_store_open(const struct otter_env *env, const char *url, struct otter_error *e);

/* Open, at this time: not closed and not expired. */
bool otter_room_record_open(const struct otter_room_record *room, int64_t now_ms);

/* Set the fields that `mask` names to those of `from`, and updated_ms. Borrows metadata. For stores. */
void otter_room_record_apply(struct otter_room_record *room, const struct otter_room_record *from, unsigned mask);

#endif
