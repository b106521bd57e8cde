/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store in SQLite: API keys. */
#include "store_sqlite_private.h"

#include <string.h>

/* The present row of a SELECT of KEY_COLUMNS, without its secrets. */
static void read_key(sqlite3_stmt *st, struct otter_key_record *key)
{
	*key = (struct otter_key_record){ .scopes = (unsigned)sqlite3_column_int(st, 2),
		.created_ms = sqlite3_column_int64(st, 3),
		.expires_ms = sqlite3_column_int64(st, 4),
		.used_ms = sqlite3_column_int64(st, 5),
		.uses = sqlite3_column_int64(st, 6),
		.version = sqlite3_column_int64(st, 7) };
	column_text(st, 0, key->id, sizeof key->id);
	column_text(st, 1, key->name, sizeof key->name);
}

static enum otter_err read_secrets(struct sqlite *s, struct otter_key_record *key)
{
	sqlite3_stmt *st = s->st.key_secrets;
	int rc;
	bind_text(st, 1, key->id);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && key->n_secrets < OTTER_KEY_SECRETS) {
		struct otter_key_secret *secret = &key->secrets[key->n_secrets++];
		column_blob(st, 0, secret->hash, sizeof secret->hash);
		secret->until_ms = sqlite3_column_int64(st, 1);
	}
	otter_sqlite_done(st);
	return otter_sqlite_error(s, rc);
}

static enum otter_err write_secrets(struct sqlite *s, const struct otter_key_record *key)
{
	bind_text(s->st.key_secrets_delete, 1, key->id);
	enum otter_err err = otter_sqlite_execute(s, s->st.key_secrets_delete);
	for (unsigned i = 0; err == OTTER_OK && i < key->n_secrets; i++) {
		sqlite3_stmt *st = s->st.key_secret_insert;
		bind_text(st, 1, key->id);
		sqlite3_bind_int(st, 2, (int)i);
		sqlite3_bind_blob(st, 3, key->secrets[i].hash, sizeof key->secrets[i].hash, SQLITE_STATIC);
		sqlite3_bind_int64(st, 4, key->secrets[i].until_ms);
		err = otter_sqlite_execute(s, st);
	}
	return err;
}

/* The key `id` in the version that is wanted (0: any). not_found, precondition_failed. */
static enum otter_err fetch_key(struct sqlite *s, const char *id, int64_t version, struct otter_key_record *key)
{
	sqlite3_stmt *st = s->st.key_by_id;
	bind_text(st, 1, id);
	int rc = sqlite3_step(st);
	enum otter_err err = rc == SQLITE_DONE ? OTTER_NOT_FOUND : otter_sqlite_error(s, rc);
	if (rc == SQLITE_ROW)
		read_key(st, key);
	otter_sqlite_done(st);
	if (err == OTTER_OK && version != 0 && version != key->version)
		err = OTTER_PRECONDITION_FAILED;
	return err == OTTER_OK ? read_secrets(s, key) : err;
}

static void answer_key(struct job *job)
{
	if (job->fn != NULL)
		job->fn(job->arg, job->err, job->err == OTTER_OK ? job->found_key : NULL);
}

/* ---- create ---- */

static enum otter_err run_key_create(struct sqlite *s, struct job *job)
{
	sqlite3_stmt *st = s->st.key_insert;
	bind_text(st, 1, job->key.id);
	bind_text(st, 2, job->key.name);
	sqlite3_bind_int64(st, 3, job->key.scopes);
	sqlite3_bind_int64(st, 4, job->key.created_ms);
	sqlite3_bind_int64(st, 5, job->key.expires_ms);
	sqlite3_bind_int64(st, 6, job->key.used_ms);
	sqlite3_bind_int64(st, 7, job->key.uses);
	sqlite3_bind_int64(st, 8, job->key.version);
	enum otter_err err = otter_sqlite_execute(s, st);
	job->found_key = g_memdup2(&job->key, sizeof job->key);
	return err == OTTER_OK ? write_secrets(s, &job->key) : err;
}

void otter_sqlite_key_create(struct otter_store *store, const struct otter_key_record *key, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_key_create, .answer = answer_key, .fn = fn, .arg = arg, .key = *key });
}

/* ---- rotate ---- */

static enum otter_err run_key_rotate(struct sqlite *s, struct job *job)
{
	struct otter_key_record *key = job->found_key = g_new0(struct otter_key_record, 1);
	enum otter_err err = fetch_key(s, job->rotation.id, job->rotation.version, key);
	if (err == OTTER_OK)
		err = otter_key_rotate(key, &job->rotation);
	if (err != OTTER_OK)
		return err;
	bind_text(s->st.key_version, 1, key->id);
	sqlite3_bind_int64(s->st.key_version, 2, key->version);
	err = otter_sqlite_execute(s, s->st.key_version);
	return err == OTTER_OK ? write_secrets(s, key) : err;
}

void otter_sqlite_key_rotate(struct otter_store *store, const struct otter_key_rotation *rotation, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_key_rotate, .answer = answer_key, .fn = fn, .arg = arg, .rotation = *rotation });
}

/* ---- delete ---- */

static enum otter_err check_other_administrators(struct sqlite *s, const struct otter_key_removal *removal)
{
	sqlite3_stmt *st = s->st.key_other_administrators;
	bind_text(st, 1, removal->id);
	sqlite3_bind_int(st, 2, OTTER_SCOPE_KEYS_ADMIN);
	sqlite3_bind_int64(st, 3, removal->now_ms);
	int rc = sqlite3_step(st);
	bool others = rc == SQLITE_ROW && sqlite3_column_int64(st, 0) > 0;
	otter_sqlite_done(st);
	enum otter_err err = otter_sqlite_error(s, rc);
	return err != OTTER_OK ? err : others ? OTTER_OK : OTTER_CONFLICT;
}

static enum otter_err run_key_delete(struct sqlite *s, struct job *job)
{
	struct otter_key_record key;
	enum otter_err err = fetch_key(s, job->removal.id, job->removal.version, &key);
	if (err == OTTER_OK && !job->removal.force && otter_key_administers(&key, job->removal.now_ms))
		err = check_other_administrators(s, &job->removal);
	if (err != OTTER_OK)
		return err;
	bind_text(s->st.key_delete, 1, key.id); /* its secrets go with it */
	return otter_sqlite_execute(s, s->st.key_delete);
}

void otter_sqlite_key_delete(struct otter_store *store, const struct otter_key_removal *removal, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_key_delete, .answer = otter_sqlite_answer_plain, .fn = fn, .arg = arg, .removal = *removal });
}

/* ---- used ---- */

static enum otter_err run_key_used(struct sqlite *s, struct job *job)
{
	bind_text(s->st.key_used, 1, job->text);
	sqlite3_bind_int64(s->st.key_used, 2, job->time_ms);
	sqlite3_bind_int64(s->st.key_used, 3, job->number);
	return otter_sqlite_execute(s, s->st.key_used);
}

void otter_sqlite_key_used(struct otter_store *store, const char *id, int64_t used_ms, int64_t uses, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store,
		&(struct job){ .run = run_key_used,
			.lazy = true,
			.answer = otter_sqlite_answer_plain,
			.fn = fn,
			.arg = arg,
			.text = g_strdup(id),
			.time_ms = used_ms,
			.number = uses });
}

/* ---- each ---- */

static void read_key_row(struct job *job, sqlite3_stmt *st, void *row)
{
	(void)job;
	read_key(st, row);
}

static enum otter_err run_key_each(struct sqlite *s, struct job *job)
{
	enum otter_err err = otter_sqlite_fetch_all(s, job, s->st.key_all, sizeof(struct otter_key_record), read_key_row);
	for (guint i = 0; err == OTTER_OK && i < job->rows->len; i++)
		err = read_secrets(s, &g_array_index(job->rows, struct otter_key_record, i));
	return err;
}

void otter_sqlite_key_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_key_each, .reads = true, .answer = otter_sqlite_answer_each, .fn = fn, .arg = arg });
}
