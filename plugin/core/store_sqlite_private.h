/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store in SQLite, for its own files: store_sqlite.c has the thread and the schema, the others the operations of one subject each. */
#ifndef OTTER_STORE_SQLITE_PRIVATE_H
#define OTTER_STORE_SQLITE_PRIVATE_H

#include "lock.h"
#include "room_cache.h"
#include "store.h"

#include <glib.h>
#include <sqlite3.h>

/* Every statement, named like its verb, prepared once. X(name, SQL) */
#define ROOM_COLUMNS \
	"id, unique_name, max_participants, privacy, empty_timeout_s, expires_ms, created_ms, updated_ms, closed_ms, metadata, lobby, locked," \
	" emptied_ms, version, last_order, last_attach, had_host_token"
#define ROOM_ENDED_MS "CASE WHEN closed_ms > 0 THEN closed_ms ELSE expires_ms END" /* 0: never; the index room_ended has it too */
#define SEAT_COLUMNS "participant, room, identity, jti, display, instance, host, flags, seat_order, attach, joined_ms"
#define STATE_COLUMNS "room, state_key, value, set_by, set_order, expires_ms"
#define KEY_COLUMNS "id, name, scopes, created_ms, expires_ms, used_ms, uses, version"
#define ISSUER_COLUMNS "id, issuer, audience, kid, alg, max_ttl_s, created_ms, public_key"
#define STATEMENTS(X) \
	X(begin, "BEGIN IMMEDIATE") \
	X(write_a_page, "PRAGMA application_id = 0") /* which it is already */ \
	X(commit, "COMMIT") \
	X(rollback, "ROLLBACK") \
	X(savepoint, "SAVEPOINT job") \
	X(savepoint_release, "RELEASE job") \
	X(savepoint_rollback, "ROLLBACK TO job") \
	X(room_insert, "INSERT INTO room (" ROOM_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0, 0, ?15)") \
	X(room_by_id, "SELECT " ROOM_COLUMNS " FROM room WHERE id = ?1") \
	X(room_by_name, "SELECT " ROOM_COLUMNS " FROM room WHERE unique_name = ?1 AND closed_ms = 0") \
	X(room_expire_name, \
		"UPDATE room SET closed_ms = expires_ms, updated_ms = expires_ms WHERE unique_name = ?1 AND closed_ms = 0" \
		" AND expires_ms > 0 AND expires_ms <= ?2") \
	X(room_close, "UPDATE room SET closed_ms = ?2, updated_ms = ?2, version = version + 1 WHERE id = ?1 AND closed_ms = 0") \
	X(room_update, \
		"UPDATE room SET max_participants = ?2, empty_timeout_s = ?3, expires_ms = ?4, updated_ms = ?5, metadata = ?6, lobby = ?7," \
		" locked = ?8, version = ?9 WHERE id = ?1") \
	X(room_emptied, "UPDATE room SET emptied_ms = ?2 WHERE id = ?1") \
	X(room_hosted, "UPDATE room SET had_host_token = 1 WHERE id = ?1") \
	X(room_page, \
		"SELECT " ROOM_COLUMNS " FROM room WHERE (created_ms, id) > (?1, ?2)" \
		" AND (CASE WHEN closed_ms = 0 AND (expires_ms = 0 OR expires_ms > ?3) THEN ?4 ELSE ?5 END)" \
		" AND (NOT ?7 OR (empty_timeout_s > 0 AND emptied_ms >= 0)) ORDER BY created_ms, id LIMIT ?6") \
	X(room_sweep, "DELETE FROM room WHERE id IN (SELECT id FROM room WHERE " ROOM_ENDED_MS " > 0 AND " ROOM_ENDED_MS " < ?1 LIMIT ?2)") \
	X(room_count, "UPDATE room SET last_order = max(last_order, ?2), last_attach = max(last_attach, ?3) WHERE id = ?1") \
	X(seat_put, "INSERT OR REPLACE INTO seat (" SEAT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)") \
	X(seat_end, "DELETE FROM seat WHERE participant = ?1") \
	X(seat_end_room, "DELETE FROM seat WHERE room = ?1") \
	X(seat_all, "SELECT " SEAT_COLUMNS " FROM seat ORDER BY room, seat_order") \
	X(seat_sweep, "DELETE FROM seat WHERE NOT EXISTS (SELECT 1 FROM room WHERE id = seat.room AND closed_ms = 0)") \
	X(state_put, "INSERT OR REPLACE INTO room_state (" STATE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)") \
	X(state_delete, "DELETE FROM room_state WHERE room = ?1 AND state_key = ?2") \
	X(state_forget, "DELETE FROM room_state WHERE room = ?1") \
	X(state_all, "SELECT " STATE_COLUMNS " FROM room_state ORDER BY room, set_order") \
	X(state_sweep, "DELETE FROM room_state WHERE NOT EXISTS (SELECT 1 FROM room WHERE id = room_state.room AND closed_ms = 0)") \
	X(key_insert, "INSERT INTO api_key (" KEY_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
	X(key_by_id, "SELECT " KEY_COLUMNS " FROM api_key WHERE id = ?1") \
	X(key_all, "SELECT " KEY_COLUMNS " FROM api_key ORDER BY created_ms, id") \
	X(key_version, "UPDATE api_key SET version = ?2 WHERE id = ?1") \
	X(key_used, "UPDATE api_key SET used_ms = ?2, uses = ?3 WHERE id = ?1") \
	X(key_delete, "DELETE FROM api_key WHERE id = ?1") \
	X(key_other_administrators, "SELECT count(*) FROM api_key WHERE id <> ?1 AND (scopes & ?2) <> 0 AND (expires_ms = 0 OR expires_ms > ?3)") \
	X(key_secret_insert, "INSERT INTO api_key_secret (key_id, place, hash, until_ms) VALUES (?1, ?2, ?3, ?4)") \
	X(key_secrets, "SELECT hash, until_ms FROM api_key_secret WHERE key_id = ?1 ORDER BY place") \
	X(key_secrets_delete, "DELETE FROM api_key_secret WHERE key_id = ?1") \
	X(signing_key_insert, "INSERT INTO signing_key (kid, salt, active, created_ms, verify_until_ms) VALUES (?1, ?2, ?3, ?4, ?5)") \
	X(signing_key_retire, "UPDATE signing_key SET verify_until_ms = CASE WHEN active THEN ?1 ELSE min(verify_until_ms, ?1) END, active = 0") \
	X(signing_key_all, "SELECT kid, salt, active, created_ms, verify_until_ms FROM signing_key ORDER BY created_ms, kid") \
	X(signing_key_sweep, "DELETE FROM signing_key WHERE NOT active AND verify_until_ms <= ?1") \
	X(issuer_insert, "INSERT INTO issuer (" ISSUER_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
	X(issuer_delete, "DELETE FROM issuer WHERE id = ?1") \
	X(issuer_all, "SELECT " ISSUER_COLUMNS " FROM issuer ORDER BY created_ms, id") \
	X(revoke, \
		"INSERT INTO revocation (room, kind, value, knock, before_s, until_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)" \
		" ON CONFLICT (room, kind, value) DO UPDATE SET knock = knock AND excluded.knock, before_s = max(before_s, excluded.before_s)," \
		" until_ms = max(until_ms, excluded.until_ms)") \
	X(revocation_all, "SELECT room, kind, value, knock, before_s, until_ms FROM revocation") \
	X(revocation_sweep, "DELETE FROM revocation WHERE until_ms <= ?1") \
	X(deployment_insert, "INSERT OR IGNORE INTO deployment (one, id) VALUES (1, ?1)") \
	X(deployment_get, "SELECT id FROM deployment")

struct statements {
#define DECLARE(name, sql) sqlite3_stmt *name;
	STATEMENTS(DECLARE)
#undef DECLARE
};

struct sqlite {
	struct otter_store base;
	const struct otter_env *env;
	sqlite3 *db;          /* the writer thread's, after open */
	struct statements st; /* the writer thread's */
	bool durable, behind; /* a commit waits for the disk; one was made that did not. The writer thread's */
	GQueue late;          /* struct job, oldest first: failed, and to be done before anything newer. The writer thread's */
	int64_t late_ms;      /* monotonic: when they are tried again, if nothing is written before. The writer thread's */
	pthread_t writer;
	struct otter_room_cache *rooms; /* true as of what the writer thread has answered */
	otter_lock lock;                /* guards jobs and closing */
	pthread_cond_t wake;            /* with lock */
	GQueue jobs;                    /* struct job, oldest first */
	bool closing;
};

/* One operation on its way. `run` does the work in the writer thread and fills err and what is answered; `answer` tells the caller, after the
 * commit. A job may be run twice: see run_batch. */
struct job {
	enum otter_err (*run)(struct sqlite *s, struct job *job);
	void (*settle)(struct sqlite *s, const struct job *job); /* or NULL: what follows from it for the cache, after the commit and before the answer */
	void (*answer)(struct job *job);
	otter_store_fn fn; /* or NULL */
	void *arg;
	bool reads; /* changes nothing */
	bool broke; /* while it ran, SQLite rolled back the whole transaction, and not for want of space */
	bool lazy;  /* when it is answered it outlives the process, and perhaps not yet the machine */
	enum otter_err err;
	union { /* what comes in; for a room and a key also what goes out */
		struct otter_room_record room;
		struct otter_room_query query;
		struct otter_seat_record seat;
		struct otter_state_record state; /* its value is `text` */
		struct otter_key_record key;
		struct otter_key_rotation rotation;
		struct otter_key_removal removal;
		struct otter_signing_key_record signing_key;
		struct otter_issuer_record issuer;
		struct otter_revocation_record revocation;
	};
	char *text;       /* an id, a name, or what backs the string of a record */
	char *found_text; /* backs room.metadata of what was found */
	int64_t time_ms, number;
	unsigned mask;
	struct otter_key_record *found_key;
	GArray *rows;     /* of the *_each operations */
	GPtrArray *texts; /* back the strings of rows */
	bool has_row;     /* `room` is what was found */
};

/* Copies `job`, with what it owns, into the queue of the writer thread. */
void otter_sqlite_submit(struct otter_store *store, const struct job *job);

/* ---- statements; in the writer thread ---- */

enum otter_err otter_sqlite_error(struct sqlite *s, int rc);

/* Run a statement that answers no row, and make it ready for the next time. */
enum otter_err otter_sqlite_execute(struct sqlite *s, sqlite3_stmt *st);

/* End a statement that was stepped. */
void otter_sqlite_done(sqlite3_stmt *st);

/* Add each row of a SELECT to the job's rows, of `size` bytes each. `read` fills one; a string that it keeps goes to job->texts. */
enum otter_err otter_sqlite_fetch_all(
	struct sqlite *s, struct job *job, sqlite3_stmt *st, guint size, void (*read)(struct job *job, sqlite3_stmt *st, void *row));

static inline void bind_text(sqlite3_stmt *st, int i, const char *text)
{
	sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

static inline void column_text(sqlite3_stmt *st, int i, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(st, i);
	g_strlcpy(out, text != NULL ? text : "", size);
}

static inline void column_blob(sqlite3_stmt *st, int i, void *out, size_t size)
{
	if (sqlite3_column_bytes(st, i) == (int)size)
		memcpy(out, sqlite3_column_blob(st, i), size);
}

/* The text of a column as a new string. */
static inline char *column_new_text(sqlite3_stmt *st, int i)
{
	return g_strdup((const char *)sqlite3_column_text(st, i));
}

/* ---- answers ---- */

void otter_sqlite_answer_plain(struct job *job); /* no row */
void otter_sqlite_answer_each(struct job *job);

/* ---- the operations, one file a subject ---- */

/* store_sqlite_rooms.c */
void otter_sqlite_room_create(struct otter_store *store, const struct otter_room_record *room, otter_store_fn fn, void *arg);
void otter_sqlite_room_get(struct otter_store *store, const char *id_or_name, otter_store_fn fn, void *arg);
void otter_sqlite_room_peek(struct otter_store *store, const char *id_or_name, otter_store_fn fn, void *arg);
void otter_sqlite_room_close(struct otter_store *store, const char *id, int64_t closed_ms, int64_t version, otter_store_fn fn, void *arg);
void otter_sqlite_room_update(struct otter_store *store, const struct otter_room_record *room, unsigned mask, otter_store_fn fn, void *arg);
void otter_sqlite_room_emptied(struct otter_store *store, const char *id, int64_t emptied_ms, otter_store_fn fn, void *arg);
void otter_sqlite_room_hosted(struct otter_store *store, const char *id, otter_store_fn fn, void *arg);
void otter_sqlite_room_each(struct otter_store *store, const struct otter_room_query *query, otter_store_fn fn, void *arg);

/* store_sqlite_seats.c */
void otter_sqlite_seat_put(struct otter_store *store, const struct otter_seat_record *seat, otter_store_fn fn, void *arg);
void otter_sqlite_seat_end(struct otter_store *store, const char *participant, otter_store_fn fn, void *arg);
void otter_sqlite_seat_each(struct otter_store *store, otter_store_fn fn, void *arg);

/* store_sqlite_state.c */
void otter_sqlite_state_put(struct otter_store *store, const struct otter_state_record *state);
void otter_sqlite_state_forget(struct otter_store *store, const char *room);
void otter_sqlite_state_each(struct otter_store *store, otter_store_fn fn, void *arg);

/* store_sqlite_keys.c */
void otter_sqlite_key_create(struct otter_store *store, const struct otter_key_record *key, otter_store_fn fn, void *arg);
void otter_sqlite_key_rotate(struct otter_store *store, const struct otter_key_rotation *rotation, otter_store_fn fn, void *arg);
void otter_sqlite_key_delete(struct otter_store *store, const struct otter_key_removal *removal, otter_store_fn fn, void *arg);
void otter_sqlite_key_used(struct otter_store *store, const char *id, int64_t used_ms, int64_t uses, otter_store_fn fn, void *arg);
void otter_sqlite_key_each(struct otter_store *store, otter_store_fn fn, void *arg);

/* store_sqlite_signers.c */
void otter_sqlite_signing_key_rotate(
	struct otter_store *store, const struct otter_signing_key_record *key, int64_t verify_until_ms, otter_store_fn fn, void *arg);
void otter_sqlite_signing_key_each(struct otter_store *store, otter_store_fn fn, void *arg);
void otter_sqlite_issuer_create(struct otter_store *store, const struct otter_issuer_record *issuer, otter_store_fn fn, void *arg);
void otter_sqlite_issuer_delete(struct otter_store *store, const char *id, otter_store_fn fn, void *arg);
void otter_sqlite_issuer_each(struct otter_store *store, otter_store_fn fn, void *arg);
void otter_sqlite_revoke(struct otter_store *store, const struct otter_revocation_record *revocation, otter_store_fn fn, void *arg);
void otter_sqlite_revocation_each(struct otter_store *store, otter_store_fn fn, void *arg);

#endif
