/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store in SQLite: WAL, synchronous FULL, one writer thread, group commit.
 *
 *   any thread ──job──▶ queue ──▶ writer: BEGIN; job; job; job; COMMIT ──▶ completions
 *
 * All jobs that wait are done in one transaction and answered after its COMMIT, so that many at once share one fsync. A job that
 * fails by itself (a savepoint) does not take the others with it. When the transaction itself fails (no BEGIN, no COMMIT, or SQLite has rolled
 * it back, as it does on a full disk) nothing of it is on disk, and each write is told so; reads are then done again by themselves, so that
 * people still get into their rooms. */
#include "store.h"

#include "lock.h"

#include <fcntl.h>
#include <glib.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#define BATCH_AT_MOST 256    /* jobs a transaction: bounds the wait of the first */
#define BUSY_TIMEOUT_MS 2000 /* a backup reads beside us */

/* Each step brings the schema from version i to i + 1, in a transaction of its own. Only ever append. */
static const char *const schema_steps[] = {
	"CREATE TABLE deployment (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL) STRICT;"
	"CREATE TABLE room (id TEXT PRIMARY KEY, unique_name TEXT, max_participants INTEGER NOT NULL, privacy INTEGER NOT NULL,"
	" empty_timeout_s INTEGER NOT NULL, expires_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,"
	" closed_ms INTEGER NOT NULL, metadata TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE UNIQUE INDEX room_name ON room (unique_name) WHERE closed_ms = 0 AND unique_name IS NOT NULL;"
	"CREATE TABLE api_key (id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL, scopes INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE signing_key (kid TEXT PRIMARY KEY, salt BLOB NOT NULL, active INTEGER NOT NULL, created_ms INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;",
	"CREATE INDEX room_created ON room (created_ms, id);",
};
#define SCHEMA_VERSION ((int)G_N_ELEMENTS(schema_steps))

/* Every statement, named like its verb, prepared once. X(name, SQL) */
#define ROOM_COLUMNS \
	"id, unique_name, max_participants, privacy, empty_timeout_s, expires_ms, created_ms, updated_ms, closed_ms, metadata"
#define STATEMENTS(X)                                                                                              \
	X(begin, "BEGIN IMMEDIATE")                                                                                \
	X(commit, "COMMIT")                                                                                        \
	X(rollback, "ROLLBACK")                                                                                    \
	X(savepoint, "SAVEPOINT job")                                                                              \
	X(savepoint_release, "RELEASE job")                                                                        \
	X(savepoint_rollback, "ROLLBACK TO job")                                                                   \
	X(room_insert, "INSERT INTO room (" ROOM_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")      \
	X(room_by_id, "SELECT " ROOM_COLUMNS " FROM room WHERE id = ?1")                                           \
	X(room_by_name, "SELECT " ROOM_COLUMNS " FROM room WHERE unique_name = ?1 AND closed_ms = 0")              \
	X(room_expire_name, "UPDATE room SET closed_ms = expires_ms, updated_ms = expires_ms WHERE unique_name = ?1 AND closed_ms = 0"      \
	                    " AND expires_ms > 0 AND expires_ms <= ?2")                                            \
	X(room_close, "UPDATE room SET closed_ms = ?2, updated_ms = ?2 WHERE id = ?1 AND closed_ms = 0")           \
	X(room_update, "UPDATE room SET max_participants = ?2, empty_timeout_s = ?3, expires_ms = ?4, updated_ms = ?5, metadata = ?6" \
	               " WHERE id = ?1")                                                                           \
	X(room_page, "SELECT " ROOM_COLUMNS " FROM room WHERE (created_ms, id) > (?1, ?2)"                         \
	             " AND (CASE WHEN closed_ms = 0 AND (expires_ms = 0 OR expires_ms > ?3) THEN ?4 ELSE ?5 END)"  \
	             " ORDER BY created_ms, id LIMIT ?6")                                                          \
	X(key_insert, "INSERT INTO api_key (id, name, hash, scopes, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)")      \
	X(key_all, "SELECT id, name, hash, scopes, created_ms FROM api_key ORDER BY created_ms, id")               \
	X(signing_key_insert, "INSERT INTO signing_key (kid, salt, active, created_ms) VALUES (?1, ?2, ?3, ?4)")   \
	X(signing_key_all, "SELECT kid, salt, active, created_ms FROM signing_key ORDER BY created_ms, kid")       \
	X(deployment_insert, "INSERT OR IGNORE INTO deployment (one, id) VALUES (1, ?1)")                          \
	X(deployment_get, "SELECT id FROM deployment")

struct statements {
#define DECLARE(name, sql) sqlite3_stmt *name;
	STATEMENTS(DECLARE)
#undef DECLARE
};

struct sqlite {
	struct otter_store base;
	const struct otter_env *env;
	sqlite3 *db;              /* the writer thread's, after open */
	struct statements st;     /* the writer thread's */
	pthread_t writer;
	otter_lock lock;          /* guards the two below */
	pthread_cond_t wake;
	GQueue jobs;              /* struct job, oldest first */
	bool closing;
};

/* One operation on its way. `run` does the work in the writer thread and fills err and row; `answer` tells the caller, after the commit. */
struct job {
	enum otter_err (*run)(struct sqlite *s, struct job *job);
	void (*answer)(struct job *job);
	otter_store_fn fn;
	void *arg;
	bool reads;      /* changes nothing */
	enum otter_err err;
	/* what comes in and goes out; which of them, `run` knows */
	struct otter_room_record room;
	struct otter_key_record key;
	struct otter_signing_key_record signing_key;
	char *text;      /* an id or a name */
	int64_t time_ms;
	unsigned mask;
	struct otter_room_query query;
	char *metadata;  /* backs room.metadata */
	GArray *rows;    /* of the *_each operations */
	GPtrArray *texts; /* back the metadata of rows */
	bool has_row;
};

static void job_free(struct job *job)
{
	g_free(job->text);
	g_free(job->metadata);
	if (job->rows != NULL)
		g_array_free(job->rows, TRUE);
	if (job->texts != NULL)
		g_ptr_array_free(job->texts, TRUE);
	g_free(job);
}

/* Begin the rows of a list, anew if it was tried before. */
static void rows_of(struct job *job, guint size)
{
	g_clear_pointer(&job->rows, g_array_unref);
	job->rows = g_array_new(FALSE, FALSE, size);
}

/* ---- statements ---- */

static enum otter_err error_of(struct sqlite *s, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return OTTER_OK;
	case SQLITE_CONSTRAINT:
		return OTTER_CONFLICT;
	case SQLITE_FULL:
		otter_log(s->env, OTTER_LOG_ERROR, "store: the disk is full");
		return OTTER_STORAGE_FULL;
	default:
		otter_log(s->env, OTTER_LOG_ERROR, "store: %s", sqlite3_errmsg(s->db));
		return OTTER_UNAVAILABLE;
	}
}

/* Run a statement that answers no row, and make it ready for the next time. */
static enum otter_err execute(struct sqlite *s, sqlite3_stmt *st)
{
	enum otter_err err = error_of(s, sqlite3_step(st));
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return err;
}

static void bind_text(sqlite3_stmt *st, int i, const char *text)
{
	sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

static void column_text(sqlite3_stmt *st, int i, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(st, i);
	g_strlcpy(out, text != NULL ? text : "", size);
}

static void column_blob(sqlite3_stmt *st, int i, void *out, size_t size)
{
	if (sqlite3_column_bytes(st, i) == (int)size)
		memcpy(out, sqlite3_column_blob(st, i), size);
}

/* ---- rooms ---- */

/* The present row of a SELECT of ROOM_COLUMNS. Its metadata is a new string, for the caller to keep. */
static struct otter_room_record read_room(sqlite3_stmt *st)
{
	struct otter_room_record room = { .max_participants = sqlite3_column_int64(st, 2), .privacy = (enum otter_privacy)sqlite3_column_int(st, 3),
		.empty_timeout_s = sqlite3_column_int64(st, 4), .expires_ms = sqlite3_column_int64(st, 5), .created_ms = sqlite3_column_int64(st, 6),
		.updated_ms = sqlite3_column_int64(st, 7), .closed_ms = sqlite3_column_int64(st, 8),
		.metadata = g_strdup((const char *)sqlite3_column_text(st, 9)) };
	column_text(st, 0, room.id, sizeof room.id);
	column_text(st, 1, room.unique_name, sizeof room.unique_name);
	return room;
}

/* Step such a SELECT for one room, which goes into the job. OTTER_OK, room_not_found, or a failure of the database. */
static enum otter_err fetch_room(struct sqlite *s, struct job *job, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);
	enum otter_err err = rc == SQLITE_DONE ? OTTER_ROOM_NOT_FOUND : error_of(s, rc);
	if (rc == SQLITE_ROW) {
		g_free(job->metadata);
		job->room = read_room(st);
		job->metadata = (char *)job->room.metadata;
		job->has_row = true;
	}
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return err;
}

static enum otter_err insert_room(struct sqlite *s, const struct otter_room_record *room)
{
	sqlite3_stmt *st = s->st.room_insert;
	bind_text(st, 1, room->id);
	if (room->unique_name[0] != '\0')
		bind_text(st, 2, room->unique_name);
	sqlite3_bind_int64(st, 3, room->max_participants);
	sqlite3_bind_int(st, 4, room->privacy);
	sqlite3_bind_int64(st, 5, room->empty_timeout_s);
	sqlite3_bind_int64(st, 6, room->expires_ms);
	sqlite3_bind_int64(st, 7, room->created_ms);
	sqlite3_bind_int64(st, 8, room->updated_ms);
	sqlite3_bind_int64(st, 9, room->closed_ms);
	bind_text(st, 10, room->metadata);
	return execute(s, st);
}

static enum otter_err run_room_create(struct sqlite *s, struct job *job)
{
	job->has_row = true;
	if (job->room.unique_name[0] == '\0')
		return insert_room(s, &job->room);
	bind_text(s->st.room_expire_name, 1, job->room.unique_name);
	sqlite3_bind_int64(s->st.room_expire_name, 2, job->room.created_ms);
	enum otter_err err = execute(s, s->st.room_expire_name);
	if (err != OTTER_OK)
		return err;
	err = insert_room(s, &job->room);
	if (err != OTTER_CONFLICT)
		return err;
	g_autofree char *name = g_strdup(job->room.unique_name);
	bind_text(s->st.room_by_name, 1, name);
	err = fetch_room(s, job, s->st.room_by_name);
	return err == OTTER_OK ? OTTER_CONFLICT : err;
}

static enum otter_err run_room_get(struct sqlite *s, struct job *job)
{
	bind_text(s->st.room_by_id, 1, job->text);
	enum otter_err err = fetch_room(s, job, s->st.room_by_id);
	if (err != OTTER_ROOM_NOT_FOUND)
		return err;
	bind_text(s->st.room_by_name, 1, job->text);
	return fetch_room(s, job, s->st.room_by_name);
}

static enum otter_err run_room_close(struct sqlite *s, struct job *job)
{
	bind_text(s->st.room_close, 1, job->text);
	sqlite3_bind_int64(s->st.room_close, 2, job->time_ms);
	enum otter_err err = execute(s, s->st.room_close);
	if (err != OTTER_OK)
		return err;
	bind_text(s->st.room_by_id, 1, job->text);
	return fetch_room(s, job, s->st.room_by_id);
}

static enum otter_err run_room_update(struct sqlite *s, struct job *job)
{
	struct otter_room_record from = job->room;
	g_autofree char *metadata = g_steal_pointer(&job->metadata);
	bind_text(s->st.room_by_id, 1, from.id);
	enum otter_err err = fetch_room(s, job, s->st.room_by_id);
	if (err == OTTER_OK && !otter_room_record_open(&job->room, from.updated_ms))
		err = OTTER_ROOM_CLOSED;
	if (err != OTTER_OK)
		return err;
	otter_room_record_apply(&job->room, &from, job->mask);
	if (job->room.metadata == metadata) {
		g_free(job->metadata);
		job->metadata = g_steal_pointer(&metadata);
	}
	sqlite3_stmt *st = s->st.room_update;
	bind_text(st, 1, job->room.id);
	sqlite3_bind_int64(st, 2, job->room.max_participants);
	sqlite3_bind_int64(st, 3, job->room.empty_timeout_s);
	sqlite3_bind_int64(st, 4, job->room.expires_ms);
	sqlite3_bind_int64(st, 5, job->room.updated_ms);
	bind_text(st, 6, job->room.metadata);
	return execute(s, st);
}

static enum otter_err run_room_each(struct sqlite *s, struct job *job)
{
	sqlite3_stmt *st = s->st.room_page;
	int rc;
	rows_of(job, sizeof(struct otter_room_record));
	g_clear_pointer(&job->texts, g_ptr_array_unref);
	job->texts = g_ptr_array_new_with_free_func(g_free);
	sqlite3_bind_int64(st, 1, job->query.after_ms);
	bind_text(st, 2, job->query.after_id);
	sqlite3_bind_int64(st, 3, job->query.now_ms);
	sqlite3_bind_int(st, 4, job->query.open);
	sqlite3_bind_int(st, 5, job->query.closed);
	sqlite3_bind_int(st, 6, job->query.limit);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct otter_room_record room = read_room(st);
		g_array_append_val(job->rows, room);
		g_ptr_array_add(job->texts, (char *)room.metadata);
	}
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return error_of(s, rc);
}

static void answer_room(struct job *job)
{
	bool row = job->has_row && (job->err == OTTER_OK || job->err == OTTER_CONFLICT);
	job->fn(job->arg, job->err, row ? &job->room : NULL);
}

/* ---- keys ---- */

static enum otter_err run_key_create(struct sqlite *s, struct job *job)
{
	sqlite3_stmt *st = s->st.key_insert;
	bind_text(st, 1, job->key.id);
	bind_text(st, 2, job->key.name);
	sqlite3_bind_blob(st, 3, job->key.hash, sizeof job->key.hash, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, job->key.scopes);
	sqlite3_bind_int64(st, 5, job->key.created_ms);
	return execute(s, st);
}

static void read_key(sqlite3_stmt *st, GArray *rows)
{
	struct otter_key_record key = { .scopes = (unsigned)sqlite3_column_int(st, 3), .created_ms = sqlite3_column_int64(st, 4) };
	column_text(st, 0, key.id, sizeof key.id);
	column_text(st, 1, key.name, sizeof key.name);
	column_blob(st, 2, key.hash, sizeof key.hash);
	g_array_append_val(rows, key);
}

static enum otter_err run_signing_key_create(struct sqlite *s, struct job *job)
{
	sqlite3_stmt *st = s->st.signing_key_insert;
	bind_text(st, 1, job->signing_key.kid);
	sqlite3_bind_blob(st, 2, job->signing_key.salt, sizeof job->signing_key.salt, SQLITE_STATIC);
	sqlite3_bind_int(st, 3, job->signing_key.active);
	sqlite3_bind_int64(st, 4, job->signing_key.created_ms);
	return execute(s, st);
}

static void read_signing_key(sqlite3_stmt *st, GArray *rows)
{
	struct otter_signing_key_record key = { .active = sqlite3_column_int(st, 2) != 0, .created_ms = sqlite3_column_int64(st, 3) };
	column_text(st, 0, key.kid, sizeof key.kid);
	column_blob(st, 1, key.salt, sizeof key.salt);
	g_array_append_val(rows, key);
}

static enum otter_err fetch_all(struct sqlite *s, sqlite3_stmt *st, void (*read)(sqlite3_stmt *, GArray *), GArray *rows)
{
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		read(st, rows);
	sqlite3_reset(st);
	return error_of(s, rc);
}

static enum otter_err run_key_each(struct sqlite *s, struct job *job)
{
	rows_of(job, sizeof(struct otter_key_record));
	return fetch_all(s, s->st.key_all, read_key, job->rows);
}

static enum otter_err run_signing_key_each(struct sqlite *s, struct job *job)
{
	rows_of(job, sizeof(struct otter_signing_key_record));
	return fetch_all(s, s->st.signing_key_all, read_signing_key, job->rows);
}

static void answer_plain(struct job *job)
{
	job->fn(job->arg, job->err, NULL);
}

static void answer_each(struct job *job)
{
	guint size = job->rows != NULL ? g_array_get_element_size(job->rows) : 0;
	for (guint i = 0; job->err == OTTER_OK && i < job->rows->len; i++)
		job->fn(job->arg, OTTER_OK, job->rows->data + (size_t)i * size);
	job->fn(job->arg, job->err, NULL);
}

/* ---- the deployment ---- */

static enum otter_err run_deployment_id(struct sqlite *s, struct job *job)
{
	bind_text(s->st.deployment_insert, 1, job->text);
	enum otter_err err = execute(s, s->st.deployment_insert);
	if (err != OTTER_OK)
		return err;
	if (sqlite3_step(s->st.deployment_get) == SQLITE_ROW) {
		g_free(job->text);
		job->text = g_strdup((const char *)sqlite3_column_text(s->st.deployment_get, 0));
	}
	return execute(s, s->st.deployment_get);
}

static void answer_text(struct job *job)
{
	job->fn(job->arg, job->err, job->err == OTTER_OK ? job->text : NULL);
}

/* ---- the writer thread ---- */

static GQueue take_jobs(struct sqlite *s)
{
	GQueue batch = G_QUEUE_INIT;
	OTTER_LOCKED(&s->lock);
	while (g_queue_is_empty(&s->jobs) && !s->closing)
		pthread_cond_wait(&s->wake, &s->lock);
	while (!g_queue_is_empty(&s->jobs) && batch.length < BATCH_AT_MOST)
		g_queue_push_tail_link(&batch, g_queue_pop_head_link(&s->jobs));
	return batch;
}

static enum otter_err run_in_savepoint(struct sqlite *s, struct job *job)
{
	enum otter_err err = execute(s, s->st.savepoint);
	if (err != OTTER_OK)
		return err;
	err = job->run(s, job);
	if (sqlite3_get_autocommit(s->db)) /* SQLite has rolled back all of it, savepoints included */
		return err == OTTER_OK ? OTTER_UNAVAILABLE : err;
	if (err == OTTER_UNAVAILABLE || err == OTTER_STORAGE_FULL)
		execute(s, s->st.savepoint_rollback);
	execute(s, s->st.savepoint_release);
	return err;
}

/* Run the batch in one transaction. OTTER_OK, or why nothing of it is on disk. */
static enum otter_err run_transaction(struct sqlite *s, GQueue *batch)
{
	enum otter_err whole = execute(s, s->st.begin);
	for (GList *l = batch->head; whole == OTTER_OK && l != NULL; l = l->next) {
		struct job *job = l->data;
		job->err = run_in_savepoint(s, job);
		if (sqlite3_get_autocommit(s->db))
			whole = job->err;
	}
	if (whole == OTTER_OK)
		whole = execute(s, s->st.commit);
	if (whole != OTTER_OK && !sqlite3_get_autocommit(s->db))
		execute(s, s->st.rollback);
	return whole;
}

static bool only_reads(const GQueue *batch)
{
	for (GList *l = batch->head; l != NULL; l = l->next)
		if (!((struct job *)l->data)->reads)
			return false;
	return true;
}

static void run_batch(struct sqlite *s, GQueue *batch)
{
	bool reads = only_reads(batch); /* which need no transaction, and no right to write */
	enum otter_err whole = reads ? OTTER_OK : run_transaction(s, batch);
	for (GList *l = batch->head; (reads || whole != OTTER_OK) && l != NULL; l = l->next) {
		struct job *job = l->data;
		job->err = job->reads ? job->run(s, job) : whole;
	}
}

static void *writer_main(void *arg)
{
	struct sqlite *s = arg;
	for (;;) {
		GQueue batch = take_jobs(s);
		if (g_queue_is_empty(&batch)) /* closing, and nothing is left */
			return NULL;
		run_batch(s, &batch);
		struct job *job;
		while ((job = g_queue_pop_head(&batch)) != NULL) {
			job->answer(job);
			job_free(job);
		}
	}
}

static void submit(struct otter_store *store, const struct job *template)
{
	struct sqlite *s = (struct sqlite *)store;
	struct job *job = g_memdup2(template, sizeof *template);
	OTTER_LOCKED(&s->lock);
	g_queue_push_tail(&s->jobs, job);
	pthread_cond_signal(&s->wake);
}

/* ---- the ops ---- */

static void sqlite_room_create(struct otter_store *store, const struct otter_room_record *room, otter_store_fn fn, void *arg)
{
	struct job job = { .run = run_room_create, .answer = answer_room, .fn = fn, .arg = arg, .room = *room };
	job.room.metadata = job.metadata = g_strdup(room->metadata);
	submit(store, &job);
}

static void sqlite_room_get(struct otter_store *store, const char *id_or_name, otter_store_fn fn, void *arg)
{
	submit(store, &(struct job){ .run = run_room_get, .reads = true, .answer = answer_room, .fn = fn, .arg = arg, .text = g_strdup(id_or_name) });
}

static void sqlite_room_close(struct otter_store *store, const char *id, int64_t closed_ms, otter_store_fn fn, void *arg)
{
	submit(store, &(struct job){ .run = run_room_close, .answer = answer_room, .fn = fn, .arg = arg, .text = g_strdup(id), .time_ms = closed_ms });
}

static void sqlite_room_update(struct otter_store *store, const struct otter_room_record *room, unsigned mask, otter_store_fn fn, void *arg)
{
	struct job job = { .run = run_room_update, .answer = answer_room, .fn = fn, .arg = arg, .room = *room, .mask = mask };
	job.room.metadata = job.metadata = g_strdup(room->metadata);
	submit(store, &job);
}

static void sqlite_room_each(struct otter_store *store, const struct otter_room_query *query, otter_store_fn fn, void *arg)
{
	submit(store, &(struct job){ .run = run_room_each, .reads = true, .answer = answer_each, .fn = fn, .arg = arg, .query = *query });
}

static void sqlite_key_create(struct otter_store *store, const struct otter_key_record *key, otter_store_fn fn, void *arg)
{
	submit(store, &(struct job){ .run = run_key_create, .answer = answer_plain, .fn = fn, .arg = arg, .key = *key });
}

static void sqlite_key_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	submit(store, &(struct job){ .run = run_key_each, .reads = true, .answer = answer_each, .fn = fn, .arg = arg });
}

static void sqlite_signing_key_create(struct otter_store *store, const struct otter_signing_key_record *key, otter_store_fn fn, void *arg)
{
	submit(store, &(struct job){ .run = run_signing_key_create, .answer = answer_plain, .fn = fn, .arg = arg, .signing_key = *key });
}

static void sqlite_signing_key_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	submit(store, &(struct job){ .run = run_signing_key_each, .reads = true, .answer = answer_each, .fn = fn, .arg = arg });
}

static void sqlite_deployment_id(struct otter_store *store, const char *proposal, otter_store_fn fn, void *arg)
{
	submit(store, &(struct job){ .run = run_deployment_id, .answer = answer_text, .fn = fn, .arg = arg, .text = g_strdup(proposal) });
}

/* ---- opening and closing ---- */

static void finalize_statements(struct statements *st)
{
#define FINALIZE(name, sql) sqlite3_finalize(st->name);
	STATEMENTS(FINALIZE)
#undef FINALIZE
}

static void sqlite_free(struct sqlite *s)
{
	finalize_statements(&s->st);
	sqlite3_close(s->db);
	pthread_cond_destroy(&s->wake);
	otter_lock_clear(&s->lock);
	g_free(s);
}

static void sqlite_close(struct otter_store *store)
{
	struct sqlite *s = (struct sqlite *)store;
	{
		OTTER_LOCKED(&s->lock);
		s->closing = true;
		pthread_cond_signal(&s->wake);
	}
	pthread_join(s->writer, NULL);
	sqlite_free(s);
}

static int schema_version(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	int version = -1;
	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return version;
}

static bool migrate(struct sqlite *s, const char *path, struct otter_error *e)
{
	int version = schema_version(s->db);
	if (version > SCHEMA_VERSION) {
		otter_fail(e, OTTER_UNAVAILABLE, "%s has schema version %d, this otter knows %d: run the newer one.", path, version, SCHEMA_VERSION);
		return false;
	}
	for (; version >= 0 && version < SCHEMA_VERSION; version++) {
		g_autofree char *step = g_strdup_printf("BEGIN IMMEDIATE;%s PRAGMA user_version = %d; COMMIT;", schema_steps[version], version + 1);
		if (sqlite3_exec(s->db, step, NULL, NULL, NULL) != SQLITE_OK)
			break;
		otter_log(s->env, OTTER_LOG_INFO, "store: %s is at schema version %d", path, version + 1);
	}
	if (version == SCHEMA_VERSION)
		return true;
	otter_fail(e, OTTER_UNAVAILABLE, "cannot prepare %s: %s.", path, sqlite3_errmsg(s->db));
	return false;
}

static bool prepare_statements(struct sqlite *s, struct otter_error *e)
{
#define PREPARE(name, sql)                                                                                         \
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->st.name, NULL) != SQLITE_OK) {       \
		otter_fail(e, OTTER_INTERNAL, "statement " #name ": %s", sqlite3_errmsg(s->db));                   \
		return false;                                                                                      \
	}
	STATEMENTS(PREPARE)
#undef PREPARE
	return true;
}

static bool open_database(struct sqlite *s, const char *path, struct otter_error *e)
{
	/* Made by us and not by SQLite, so that it is never readable by others, not even for a moment. */
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	int rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
		rc = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;", NULL, NULL, NULL);
	}
	if (rc == SQLITE_OK)
		return true;
	otter_fail(e, OTTER_UNAVAILABLE, "cannot open %s: %s.", path, s->db != NULL ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
	return false;
}

static const struct otter_store_ops ops = {
	.close = sqlite_close,
	.room_create = sqlite_room_create,
	.room_get = sqlite_room_get,
	.room_close = sqlite_room_close,
	.room_update = sqlite_room_update,
	.room_each = sqlite_room_each,
	.key_create = sqlite_key_create,
	.key_each = sqlite_key_each,
	.signing_key_create = sqlite_signing_key_create,
	.signing_key_each = sqlite_signing_key_each,
	.deployment_id = sqlite_deployment_id,
};

struct otter_store *otter_store_sqlite_open(const struct otter_env *env, const char *path, struct otter_error *e)
{
	struct sqlite *s = g_new0(struct sqlite, 1);
	s->base.ops = &ops;
	s->env = env;
	otter_lock_init(&s->lock);
	pthread_cond_init(&s->wake, NULL);
	g_queue_init(&s->jobs);
	if (!open_database(s, path, e) || !migrate(s, path, e) || !prepare_statements(s, e))
		goto fail;
	if (pthread_create(&s->writer, NULL, writer_main, s) != 0) {
		otter_fail(e, OTTER_UNAVAILABLE, "cannot start the store's thread.");
		goto fail;
	}
	return &s->base;
fail:
	sqlite_free(s);
	return NULL;
}
