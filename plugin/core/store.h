/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store: what must outlive the process. An ops table with two backends, memory and SQLite.
 *
 *   caller ──op(…, fn, arg)──▶ store ──fn(arg, err, row)──▶ caller
 *
 * Every operation takes a completion, which is called exactly once: by the memory store before the operation returns, by SQLite from its writer
 * thread, when what was asked for outlives the machine: it is on disk, and all that was asked for before. (Of seats, shared state, room_emptied and
 * key_used less is said below.) So never hold a lock over a call into the store, and never block in a completion. Completions run one
 * at a time, in the order in which the operations took effect: what a completion reads is still so while it runs (but of room_peek).
 * Arguments are copied before the operation returns; the row of a completion is borrowed for the call. Of what changes something fn may be NULL: nobody
 * waits. Then it is tried again, in its order, while the store cannot write; as long as not too much has come together, and until it is closed. */
#ifndef OTTER_STORE_H
#define OTTER_STORE_H

#include "err.h"
#include "key.h"
#include "records.h"

/* `err`: OTTER_OK or what the operation names, or unavailable, storage_full. `row`: what the operation names, or NULL. */
typedef void (*otter_store_fn)(void *arg, enum otter_err err, const void *row);

struct otter_store;

struct otter_store_ops {
	/* Close: waits until everything asked for is done, then frees the store. */
	void (*close)(struct otter_store *store);

	/* ---- rooms; the row is a struct otter_room_record ---- */

	/* Insert `room`. If a room that is not closed has its name: conflict, and the row is that room. One that has expired by
	 * `room->created_ms` is closed on the way and stands in nobody's. */
	void (*room_create)(struct otter_store *store, const struct otter_room_record *room, otter_store_fn fn, void *arg);

	/* The room with this id, or else the one that is not closed with this name. room_not_found. */
	void (*room_get)(struct otter_store *store, const char *id_or_name, otter_store_fn fn, void *arg);

	/* The same for who only looks, and not in turn: it may be answered from memory, at once, before the operation returns and beside other
	 * completions. It is what it was at some moment since the call, so whatever was answered before the call is in it. */
	void (*room_peek)(struct otter_store *store, const char *id_or_name, otter_store_fn fn, void *arg);

	/* Close it for good at `closed_ms`. Closing twice is no error, but there is no row then. room_not_found, precondition_failed. */
	void (*room_close)(struct otter_store *store, const char *id, int64_t closed_ms, int64_t version, otter_store_fn fn, void *arg);

	/* Change what `mask` (enum otter_room_field, or-ed) names to what `room` has; room->id says which, room->version in which version,
	 * room->updated_ms when. room_not_found, precondition_failed, room_closed if it is closed by then. */
	void (*room_update)(struct otter_store *store, const struct otter_room_record *room, unsigned mask, otter_store_fn fn, void *arg);

	/* Note when it was emptied (Unix ms), or that somebody is inside (0). No row. Nobody waits for the disk. */
	void (*room_emptied)(struct otter_store *store, const char *id, int64_t emptied_ms, otter_store_fn fn, void *arg);

	/* Note that there is a host's token for it. No row. */
	void (*room_hosted)(struct otter_store *store, const char *id, otter_store_fn fn, void *arg);

	/* Calls fn once for each room that `query` wants, oldest first (created_ms, then id), and then once with NULL. */
	void (*room_each)(struct otter_store *store, const struct otter_room_query *query, otter_store_fn fn, void *arg);

	/* ---- seats; the row is a struct otter_seat_record. seat_put, and the others without a completion, may be called with a lock held ---- */

	/* Keep a seat as it is now, and in its room's last_order and last_attach that these were given. No row. When it completes it outlives the
	 * process, though perhaps not the machine: nobody waits for the disk. The completion may take no lock but a connection's. */
	void (*seat_put)(struct otter_store *store, const struct otter_seat_record *seat, otter_store_fn fn, void *arg);

	/* Forget it: also if it is not there. (room_close forgets those of its room, and their state.) No row. Without a completion nobody waits for
	 * the disk; with one, the ends that were asked for before are there too. */
	void (*seat_end)(struct otter_store *store, const char *participant, otter_store_fn fn, void *arg);

	/* Calls fn once for each seat, room by room and in order, and then once with NULL. */
	void (*seat_each)(struct otter_store *store, otter_store_fn fn, void *arg);

	/* ---- what those in a room share; the row is a struct otter_state_record. May be called with a lock held; nobody waits ---- */

	/* Keep it under its room and key, or forget it where its value is NULL. */
	void (*state_put)(struct otter_store *store, const struct otter_state_record *state);

	/* Forget all of this room. */
	void (*state_forget)(struct otter_store *store, const char *room);

	/* Calls fn once for each, room by room and in order, and then once with NULL. */
	void (*state_each)(struct otter_store *store, otter_store_fn fn, void *arg);

	/* ---- API keys; the row is a struct otter_key_record ---- */

	/* Insert a key. conflict if its id is taken. */
	void (*key_create)(struct otter_store *store, const struct otter_key_record *key, otter_store_fn fn, void *arg);

	/* Do otter_key_rotate to it, as it is by then. not_found, precondition_failed, conflict. */
	void (*key_rotate)(struct otter_store *store, const struct otter_key_rotation *rotation, otter_store_fn fn, void *arg);

	/* Remove it. not_found, precondition_failed, conflict if it is the last administrator (otter_key_administers) at now_ms and `force` is
	 * not set. No row. */
	void (*key_delete)(struct otter_store *store, const struct otter_key_removal *removal, otter_store_fn fn, void *arg);

	/* Note its last use and how many there were. No row. Nobody waits for the disk. */
	void (*key_used)(struct otter_store *store, const char *id, int64_t used_ms, int64_t uses, otter_store_fn fn, void *arg);

	/* Calls fn once for each key, oldest first, and then once with NULL. */
	void (*key_each)(struct otter_store *store, otter_store_fn fn, void *arg);

	/* ---- who signs tokens ---- */

	/* Insert `key`, which becomes the active one; all others verify until `verify_until_ms` at the latest. No row. */
	void (*signing_key_rotate)(
		struct otter_store *store, const struct otter_signing_key_record *key, int64_t verify_until_ms, otter_store_fn fn, void *arg);

	/* Calls fn once for each signing key (struct otter_signing_key_record), oldest first, and then once with NULL. */
	void (*signing_key_each)(struct otter_store *store, otter_store_fn fn, void *arg);

	/* Insert an issuer. conflict if there is one of this issuer and kid. No row. */
	void (*issuer_create)(struct otter_store *store, const struct otter_issuer_record *issuer, otter_store_fn fn, void *arg);

	/* Remove it. not_found. No row. */
	void (*issuer_delete)(struct otter_store *store, const char *id, otter_store_fn fn, void *arg);

	/* Calls fn once for each issuer (struct otter_issuer_record), oldest first, and then once with NULL. */
	void (*issuer_each)(struct otter_store *store, otter_store_fn fn, void *arg);

	/* ---- revocations ---- */

	/* Note a revocation. Of the same tokens the stricter one counts: revoked before knock, the later end. No row. */
	void (*revoke)(struct otter_store *store, const struct otter_revocation_record *revocation, otter_store_fn fn, void *arg);

	/* Calls fn once for each revocation (struct otter_revocation_record), and then once with NULL. */
	void (*revocation_each)(struct otter_store *store, otter_store_fn fn, void *arg);

	/* ---- the deployment ---- */

	/* The deployment's own id: `proposal` is stored if there is none. The row is the id as a text. */
	void (*deployment_id)(struct otter_store *store, const char *proposal, otter_store_fn fn, void *arg);

	/* Forget rooms that were closed (or had expired) before `ended_ms`, and revocations and signing keys that are of no use any more at `now_ms`.
	 * The row is a bool: it was so much that there may be more. */
	void (*sweep)(struct otter_store *store, int64_t now_ms, int64_t ended_ms, otter_store_fn fn, void *arg);
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

/* ---- for stores: what is the same in each ---- */

/* Set the fields that `mask` names to those of `from`, updated_ms and the version. Borrows metadata. */
void otter_room_record_apply(struct otter_room_record *room, const struct otter_room_record *from, unsigned mask);

/* Another key has become the active one: what `key` is from now on. */
void otter_signing_key_retire(struct otter_signing_key_record *key, int64_t verify_until_ms);

/* `from` came for the same tokens as `revocation`: make that what counts. */
void otter_revocation_merge(struct otter_revocation_record *revocation, const struct otter_revocation_record *from);

#endif
