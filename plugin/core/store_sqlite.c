/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store in SQLite: WAL, synchronous FULL where somebody waits for it, one writer thread, group commit.
 *
 *   any thread ──job──▶ queue ──▶ writer: BEGIN; job; job; job; COMMIT ──▶ completions
 *
 * All jobs that wait are done in one transaction and answered after its COMMIT, so that many at once share one fsync. A job that
 * fails by itself (a savepoint) does not take the others with it. When the transaction itself fails (no BEGIN, no COMMIT, or SQLite has rolled
 * it back, as it does on a full disk) nothing of it is on disk, and each write is told so; what nobody waits for is late: it is done again, in its
 * order and before anything newer, until it works. Reads are then done again by themselves, so that people still get into their rooms. */
#include "store_sqlite_private.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BATCH_AT_MOST 256    /* jobs a transaction: bounds the wait of the first */
#define BUSY_TIMEOUT_MS 2000 /* a backup reads beside us */
#define LATE_AFTER_MS 5000   /* after a failure, when nothing else is written */
#define LATE_AT_MOST 2000    /* jobs of up to 5 kB: bounds the memory */
#define SWEPT_AT_ONCE 500    /* rooms: bounds how long everybody else waits for a sweep */

/* Each step brings the schema from version i to i + 1, in a transaction of its own. Only ever append. */
static const char *const schema_steps[] = {
	("CREATE TABLE deployment (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL) STRICT;"
	 "CREATE TABLE room (id TEXT PRIMARY KEY, unique_name TEXT, max_participants INTEGER NOT NULL, privacy INTEGER NOT NULL,"
	 " empty_timeout_s INTEGER NOT NULL, expires_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,"
	 " closed_ms INTEGER NOT NULL, metadata TEXT NOT NULL) STRICT, WITHOUT ROWID;"
	 "CREATE UNIQUE INDEX room_name ON room (unique_name) WHERE closed_ms = 0 AND unique_name IS NOT NULL;"
	 "CREATE TABLE api_key (id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL, scopes INTEGER NOT NULL,"
	 " created_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	 "CREATE TABLE signing_key (kid TEXT PRIMARY KEY, salt BLOB NOT NULL, active INTEGER NOT NULL, created_ms INTEGER NOT NULL)"
	 " STRICT, WITHOUT ROWID;"),
	"CREATE INDEX room_created ON room (created_ms, id);",
	/* Rooms: lobby, lock, version, presence. API keys: several secrets, expiry, use. Signing keys that retire. Issuers, revocations. */
	("ALTER TABLE room ADD COLUMN lobby INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE room ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE room ADD COLUMN emptied_ms INTEGER NOT NULL DEFAULT -1;"
	 "ALTER TABLE room ADD COLUMN version INTEGER NOT NULL DEFAULT 1;"
	 "CREATE INDEX room_ended ON room (CASE WHEN closed_ms > 0 THEN closed_ms ELSE expires_ms END);"
	 "CREATE TABLE api_key_secret (key_id TEXT NOT NULL REFERENCES api_key (id) ON DELETE CASCADE, place INTEGER NOT NULL, hash BLOB NOT NULL,"
	 " until_ms INTEGER NOT NULL, PRIMARY KEY (key_id, place)) STRICT, WITHOUT ROWID;"
	 "INSERT INTO api_key_secret (key_id, place, hash, until_ms) SELECT id, 0, hash, 0 FROM api_key;"
	 "ALTER TABLE api_key DROP COLUMN hash;"
	 "ALTER TABLE api_key ADD COLUMN expires_ms INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE api_key ADD COLUMN used_ms INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE api_key ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE api_key ADD COLUMN version INTEGER NOT NULL DEFAULT 1;"
	 "ALTER TABLE signing_key ADD COLUMN verify_until_ms INTEGER NOT NULL DEFAULT 0;"
	 "CREATE TABLE issuer (id TEXT PRIMARY KEY, issuer TEXT NOT NULL, audience TEXT NOT NULL, kid TEXT NOT NULL, alg INTEGER NOT NULL,"
	 " max_ttl_s INTEGER NOT NULL, created_ms INTEGER NOT NULL, public_key TEXT NOT NULL, UNIQUE (issuer, kid)) STRICT, WITHOUT ROWID;"
	 "CREATE TABLE revocation (room TEXT NOT NULL, kind INTEGER NOT NULL, value TEXT NOT NULL, knock INTEGER NOT NULL, before_s INTEGER NOT NULL,"
	 " until_ms INTEGER NOT NULL, PRIMARY KEY (room, kind, value)) STRICT, WITHOUT ROWID;"),
	/* Seats, and the counters that outlive them. */
	("CREATE TABLE seat (participant TEXT PRIMARY KEY, room TEXT NOT NULL, identity TEXT, jti TEXT NOT NULL, display TEXT NOT NULL,"
	 " instance TEXT NOT NULL, host INTEGER NOT NULL, flags INTEGER NOT NULL, seat_order INTEGER NOT NULL, attach INTEGER NOT NULL,"
	 " joined_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	 "CREATE INDEX seat_room ON seat (room, seat_order);"
	 "ALTER TABLE room ADD COLUMN last_order INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE room ADD COLUMN last_attach INTEGER NOT NULL DEFAULT 0;"),
	/* What those in a room share. */
	("CREATE TABLE room_state (room TEXT NOT NULL, state_key TEXT NOT NULL, value TEXT NOT NULL, set_by TEXT NOT NULL, set_order INTEGER NOT NULL,"
	 " expires_ms INTEGER NOT NULL, PRIMARY KEY (room, state_key)) STRICT, WITHOUT ROWID;"),
	/* Of the rooms that there are nobody knows whether a host's token was made: they count as if. */
	"ALTER TABLE room ADD COLUMN had_host_token INTEGER NOT NULL DEFAULT 1;",
};
#define SCHEMA_VERSION ((int)G_N_ELEMENTS(schema_steps))

static void job_free(struct job *job)
{
	g_free(job->text);
	g_free(job->found_text);
	g_free(job->found_key);
	if (job->rows != NULL)
		g_array_free(job->rows, TRUE);
	if (job->texts != NULL)
		g_ptr_array_free(job->texts, TRUE);
	g_free(job);
}

/* ---- statements ---- */

enum otter_err otter_sqlite_error(struct sqlite *s, int rc)
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

void otter_sqlite_done(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

enum otter_err otter_sqlite_execute(struct sqlite *s, sqlite3_stmt *st)
{
	enum otter_err err = otter_sqlite_error(s, sqlite3_step(st));
	otter_sqlite_done(st);
	return err;
}

enum otter_err otter_sqlite_fetch_all(
	struct sqlite *s, struct job *job, sqlite3_stmt *st, guint size, void (*read)(struct job *job, sqlite3_stmt *st, void *row))
{
	int rc;
	g_clear_pointer(&job->rows, g_array_unref); /* of the first try */
	g_clear_pointer(&job->texts, g_ptr_array_unref);
	job->rows = g_array_new(FALSE, TRUE, size);
	job->texts = g_ptr_array_new_with_free_func(g_free);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		g_array_set_size(job->rows, job->rows->len + 1);
		read(job, st, job->rows->data + (size_t)(job->rows->len - 1) * size);
	}
	otter_sqlite_done(st);
	return otter_sqlite_error(s, rc);
}

/* ---- answers ---- */

void otter_sqlite_answer_plain(struct job *job)
{
	if (job->fn != NULL)
		job->fn(job->arg, job->err, NULL);
}

void otter_sqlite_answer_each(struct job *job)
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
	enum otter_err err = otter_sqlite_execute(s, s->st.deployment_insert);
	if (err != OTTER_OK)
		return err;
	if (sqlite3_step(s->st.deployment_get) == SQLITE_ROW) {
		g_free(job->text);
		job->text = g_strdup((const char *)sqlite3_column_text(s->st.deployment_get, 0));
	}
	return otter_sqlite_execute(s, s->st.deployment_get);
}

static void answer_deployment_id(struct job *job)
{
	job->fn(job->arg, job->err, job->err == OTTER_OK ? job->text : NULL);
}

static void deployment_id(struct otter_store *store, const char *proposal, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_deployment_id, .answer = answer_deployment_id, .fn = fn, .arg = arg, .text = g_strdup(proposal) });
}

static enum otter_err run_sweep(struct sqlite *s, struct job *job)
{
	sqlite3_bind_int64(s->st.room_sweep, 1, job->number);
	sqlite3_bind_int(s->st.room_sweep, 2, SWEPT_AT_ONCE);
	enum otter_err err = otter_sqlite_execute(s, s->st.room_sweep);
	job->has_row = sqlite3_changes(s->db) == SWEPT_AT_ONCE;
	if (err == OTTER_OK)
		err = otter_sqlite_execute(s, s->st.seat_sweep);
	if (err == OTTER_OK)
		err = otter_sqlite_execute(s, s->st.state_sweep);
	sqlite3_bind_int64(s->st.revocation_sweep, 1, job->time_ms);
	if (err == OTTER_OK)
		err = otter_sqlite_execute(s, s->st.revocation_sweep);
	sqlite3_bind_int64(s->st.signing_key_sweep, 1, job->time_ms);
	return err == OTTER_OK ? otter_sqlite_execute(s, s->st.signing_key_sweep) : err;
}

static void answer_sweep(struct job *job)
{
	bool more = job->err == OTTER_OK && job->has_row;
	if (job->fn != NULL)
		job->fn(job->arg, job->err, &more);
}

static void forget_rooms(struct sqlite *s, const struct job *job)
{
	(void)job;
	otter_room_cache_clear(s->rooms);
}

static void sweep(struct otter_store *store, int64_t now_ms, int64_t ended_ms, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store,
		&(struct job){ .run = run_sweep, .settle = forget_rooms, .answer = answer_sweep, .fn = fn, .arg = arg, .time_ms = now_ms, .number = ended_ms });
}

/* ---- the writer thread ---- */

static bool only_reads(const GQueue *batch)
{
	for (GList *l = batch->head; l != NULL; l = l->next)
		if (!((struct job *)l->data)->reads)
			return false;
	return true;
}

/* Wait for jobs, or until it is time for the late ones: false if we are closing and nothing is left. */
static bool wait_for_jobs(struct sqlite *s, GQueue *batch)
{
	OTTER_LOCKED(&s->lock);
	while (g_queue_is_empty(&s->jobs) && g_queue_is_empty(&s->late) && !s->closing)
		pthread_cond_wait(&s->wake, &s->lock);
	if (g_queue_is_empty(&s->jobs) && !s->closing)
		otter_lock_wait_ms(&s->wake, &s->lock, MAX(s->late_ms - otter_mono_ms(s->env), 0));
	while (!g_queue_is_empty(&s->jobs) && batch->length < BATCH_AT_MOST)
		g_queue_push_tail_link(batch, g_queue_pop_head_link(&s->jobs));
	return batch->length > 0 || !s->closing;
}

/* The next batch: the late ones, and what came since. Reads alone go on without them, but for a try now and then. False: there is none any more. */
static bool take_batch(struct sqlite *s, GQueue *batch)
{
	bool more = wait_for_jobs(s, batch);
	if (batch->length > 0 && only_reads(batch) && otter_mono_ms(s->env) < s->late_ms)
		return true;
	while (!g_queue_is_empty(&s->late))
		g_queue_push_head_link(batch, g_queue_pop_tail_link(&s->late));
	return more || batch->length > 0;
}

static enum otter_err run_in_savepoint(struct sqlite *s, struct job *job)
{
	enum otter_err err = otter_sqlite_execute(s, s->st.savepoint);
	if (err != OTTER_OK)
		return err;
	err = job->run(s, job);
	if (sqlite3_get_autocommit(s->db)) /* SQLite has rolled back all of it, savepoints included */
		return err == OTTER_OK ? OTTER_UNAVAILABLE : err;
	if (err != OTTER_OK)
		otter_sqlite_execute(s, s->st.savepoint_rollback);
	otter_sqlite_execute(s, s->st.savepoint_release);
	return err;
}

static bool needs_disk(const GQueue *batch)
{
	for (GList *l = batch->head; l != NULL; l = l->next) {
		const struct job *job = l->data;
		if (!job->reads && !job->lazy)
			return true;
	}
	return false;
}

/* Whether the next commit is in the WAL alone, which outlives the process, or on the disk, which outlives the machine. */
static enum otter_err make_durable(struct sqlite *s, bool durable)
{
	if (s->durable == durable)
		return OTTER_OK;
	enum otter_err err =
		otter_sqlite_error(s, sqlite3_exec(s->db, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", NULL, NULL, NULL));
	if (err == OTTER_OK)
		s->durable = durable;
	return err;
}

/* Run the batch in one transaction. OTTER_OK, or why nothing of it is on disk. */
static enum otter_err run_transaction(struct sqlite *s, GQueue *batch)
{
	enum otter_err whole = make_durable(s, needs_disk(batch));
	if (whole == OTTER_OK)
		whole = otter_sqlite_execute(s, s->st.begin);
	for (GList *l = batch->head; whole == OTTER_OK && l != NULL; l = l->next) {
		struct job *job = l->data;
		job->err = run_in_savepoint(s, job);
		if (sqlite3_get_autocommit(s->db)) {
			whole = job->err;
			job->broke = whole != OTTER_STORAGE_FULL;
		}
	}
	if (whole == OTTER_OK && s->durable && s->behind) /* a commit of nothing would not wait for the disk, and so not for what was committed before */
		whole = otter_sqlite_execute(s, s->st.write_a_page);
	if (whole == OTTER_OK)
		whole = otter_sqlite_execute(s, s->st.commit);
	if (whole == OTTER_OK)
		s->behind = !s->durable;
	if (whole != OTTER_OK && !sqlite3_get_autocommit(s->db))
		otter_sqlite_execute(s, s->st.rollback);
	return whole;
}

/* OTTER_OK, or why nothing of what the batch writes is on disk. */
static enum otter_err run_batch(struct sqlite *s, GQueue *batch)
{
	bool reads = only_reads(batch); /* which need no transaction, and no right to write */
	enum otter_err whole = reads ? OTTER_OK : run_transaction(s, batch);
	for (GList *l = batch->head; (reads || whole != OTTER_OK) && l != NULL; l = l->next) {
		struct job *job = l->data;
		job->err = job->reads ? job->run(s, job) : whole;
	}
	return whole;
}

static void end_job(struct sqlite *s, struct job *job)
{
	if (job->settle != NULL)
		job->settle(s, job);
	job->answer(job);
	job_free(job);
}

static bool is_closing(struct sqlite *s)
{
	OTTER_LOCKED(&s->lock);
	return s->closing;
}

/* Answer all of the batch; but where its transaction failed, what nobody waits for is late. */
static void end_batch(struct sqlite *s, GQueue *batch, bool failed)
{
	unsigned lost = 0, at_most = is_closing(s) ? 0 : LATE_AT_MOST;
	struct job *job;
	if (failed)
		s->late_ms = otter_mono_ms(s->env) + LATE_AFTER_MS;
	while ((job = g_queue_pop_head(batch)) != NULL) {
		bool late = failed && job->fn == NULL && !job->broke; /* else it would take with it all that is ever written */
		if (late && s->late.length < at_most) {
			g_queue_push_tail(&s->late, job);
			continue;
		}
		lost += late;
		end_job(s, job);
	}
	if (lost > 0)
		otter_log(s->env, OTTER_LOG_ERROR, "store: %u writes that wait for the disk are given up", lost);
}

static void *writer_main(void *arg)
{
	struct sqlite *s = arg;
	GQueue batch = G_QUEUE_INIT;
	while (take_batch(s, &batch)) {
		bool failed = run_batch(s, &batch) != OTTER_OK;
		end_batch(s, &batch, failed);
	}
	return NULL;
}

void otter_sqlite_submit(struct otter_store *store, const struct job *template)
{
	struct sqlite *s = (struct sqlite *)store;
	struct job *job = g_memdup2(template, sizeof *template);
	OTTER_LOCKED(&s->lock);
	g_queue_push_tail(&s->jobs, job);
	pthread_cond_signal(&s->wake);
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
	otter_room_cache_free(s->rooms);
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
#define PREPARE(name, sql) \
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->st.name, NULL) != SQLITE_OK) { \
		otter_fail(e, OTTER_INTERNAL, "statement " #name ": %s", sqlite3_errmsg(s->db)); \
		return false; \
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
		s->durable = true;
	}
	if (rc == SQLITE_OK)
		return true;
	otter_fail(e, OTTER_UNAVAILABLE, "cannot open %s: %s.", path, s->db != NULL ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
	return false;
}

static const struct otter_store_ops ops = {
	.close = sqlite_close,
	.room_create = otter_sqlite_room_create,
	.room_get = otter_sqlite_room_get,
	.room_peek = otter_sqlite_room_peek,
	.room_close = otter_sqlite_room_close,
	.room_update = otter_sqlite_room_update,
	.room_emptied = otter_sqlite_room_emptied,
	.room_hosted = otter_sqlite_room_hosted,
	.room_each = otter_sqlite_room_each,
	.seat_put = otter_sqlite_seat_put,
	.seat_end = otter_sqlite_seat_end,
	.seat_each = otter_sqlite_seat_each,
	.state_put = otter_sqlite_state_put,
	.state_forget = otter_sqlite_state_forget,
	.state_each = otter_sqlite_state_each,
	.key_create = otter_sqlite_key_create,
	.key_rotate = otter_sqlite_key_rotate,
	.key_delete = otter_sqlite_key_delete,
	.key_used = otter_sqlite_key_used,
	.key_each = otter_sqlite_key_each,
	.signing_key_rotate = otter_sqlite_signing_key_rotate,
	.signing_key_each = otter_sqlite_signing_key_each,
	.issuer_create = otter_sqlite_issuer_create,
	.issuer_delete = otter_sqlite_issuer_delete,
	.issuer_each = otter_sqlite_issuer_each,
	.revoke = otter_sqlite_revoke,
	.revocation_each = otter_sqlite_revocation_each,
	.deployment_id = deployment_id,
	.sweep = sweep,
};

struct otter_store *otter_store_sqlite_open(const struct otter_env *env, const char *path, struct otter_error *e)
{
	struct sqlite *s = g_new0(struct sqlite, 1);
	s->base.ops = &ops;
	s->env = env;
	otter_lock_init(&s->lock);
	otter_cond_init(&s->wake);
	s->behind = true; /* the process before us may have been */
	g_queue_init(&s->jobs);
	g_queue_init(&s->late);
	s->rooms = otter_room_cache_new();
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
