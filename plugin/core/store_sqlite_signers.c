/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store in SQLite: who signs tokens (signing keys, issuers), and which tokens are revoked. */
#include "store_sqlite_private.h"

#include <string.h>

/* ---- signing keys ---- */

static enum otter_err run_signing_key_rotate(struct sqlite *s, struct job *job)
{
	sqlite3_bind_int64(s->st.signing_key_retire, 1, job->time_ms);
	enum otter_err err = otter_sqlite_execute(s, s->st.signing_key_retire);
	if (err != OTTER_OK)
		return err;
	sqlite3_stmt *st = s->st.signing_key_insert;
	bind_text(st, 1, job->signing_key.kid);
	sqlite3_bind_blob(st, 2, job->signing_key.salt, sizeof job->signing_key.salt, SQLITE_STATIC);
	sqlite3_bind_int(st, 3, job->signing_key.active);
	sqlite3_bind_int64(st, 4, job->signing_key.created_ms);
	sqlite3_bind_int64(st, 5, job->signing_key.verify_until_ms);
	return otter_sqlite_execute(s, st);
}

void otter_sqlite_signing_key_rotate(
	struct otter_store *store, const struct otter_signing_key_record *key, int64_t verify_until_ms, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store,
		&(struct job){ .run = run_signing_key_rotate,
			.answer = otter_sqlite_answer_plain,
			.fn = fn,
			.arg = arg,
			.signing_key = *key,
			.time_ms = verify_until_ms });
}

static void read_signing_key(struct job *job, sqlite3_stmt *st, void *row)
{
	struct otter_signing_key_record *key = row;
	(void)job;
	*key = (struct otter_signing_key_record){
		.active = sqlite3_column_int(st, 2) != 0, .created_ms = sqlite3_column_int64(st, 3), .verify_until_ms = sqlite3_column_int64(st, 4)
	};
	column_text(st, 0, key->kid, sizeof key->kid);
	column_blob(st, 1, key->salt, sizeof key->salt);
}

static enum otter_err run_signing_key_each(struct sqlite *s, struct job *job)
{
	return otter_sqlite_fetch_all(s, job, s->st.signing_key_all, sizeof(struct otter_signing_key_record), read_signing_key);
}

void otter_sqlite_signing_key_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_signing_key_each, .reads = true, .answer = otter_sqlite_answer_each, .fn = fn, .arg = arg });
}

/* ---- issuers ---- */

static enum otter_err run_issuer_create(struct sqlite *s, struct job *job)
{
	sqlite3_stmt *st = s->st.issuer_insert;
	bind_text(st, 1, job->issuer.id);
	bind_text(st, 2, job->issuer.issuer);
	bind_text(st, 3, job->issuer.audience);
	bind_text(st, 4, job->issuer.kid);
	sqlite3_bind_int(st, 5, job->issuer.alg);
	sqlite3_bind_int64(st, 6, job->issuer.max_ttl_s);
	sqlite3_bind_int64(st, 7, job->issuer.created_ms);
	bind_text(st, 8, job->issuer.public_key);
	return otter_sqlite_execute(s, st);
}

void otter_sqlite_issuer_create(struct otter_store *store, const struct otter_issuer_record *issuer, otter_store_fn fn, void *arg)
{
	struct job job = { .run = run_issuer_create, .answer = otter_sqlite_answer_plain, .fn = fn, .arg = arg, .issuer = *issuer };
	job.issuer.public_key = job.text = g_strdup(issuer->public_key);
	otter_sqlite_submit(store, &job);
}

static enum otter_err run_issuer_delete(struct sqlite *s, struct job *job)
{
	bind_text(s->st.issuer_delete, 1, job->text);
	enum otter_err err = otter_sqlite_execute(s, s->st.issuer_delete);
	return err == OTTER_OK && sqlite3_changes(s->db) == 0 ? OTTER_NOT_FOUND : err;
}

void otter_sqlite_issuer_delete(struct otter_store *store, const char *id, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_issuer_delete, .answer = otter_sqlite_answer_plain, .fn = fn, .arg = arg, .text = g_strdup(id) });
}

static void read_issuer(struct job *job, sqlite3_stmt *st, void *row)
{
	struct otter_issuer_record *issuer = row;
	*issuer = (struct otter_issuer_record){ .alg = (enum otter_issuer_alg)sqlite3_column_int(st, 4),
		.max_ttl_s = sqlite3_column_int64(st, 5),
		.created_ms = sqlite3_column_int64(st, 6),
		.public_key = column_new_text(st, 7) };
	g_ptr_array_add(job->texts, (char *)issuer->public_key);
	column_text(st, 0, issuer->id, sizeof issuer->id);
	column_text(st, 1, issuer->issuer, sizeof issuer->issuer);
	column_text(st, 2, issuer->audience, sizeof issuer->audience);
	column_text(st, 3, issuer->kid, sizeof issuer->kid);
}

static enum otter_err run_issuer_each(struct sqlite *s, struct job *job)
{
	return otter_sqlite_fetch_all(s, job, s->st.issuer_all, sizeof(struct otter_issuer_record), read_issuer);
}

void otter_sqlite_issuer_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_issuer_each, .reads = true, .answer = otter_sqlite_answer_each, .fn = fn, .arg = arg });
}

/* ---- revocations ---- */

static enum otter_err run_revoke(struct sqlite *s, struct job *job)
{
	sqlite3_stmt *st = s->st.revoke;
	bind_text(st, 1, job->revocation.room);
	sqlite3_bind_int(st, 2, job->revocation.kind);
	bind_text(st, 3, job->revocation.value);
	sqlite3_bind_int(st, 4, job->revocation.knock);
	sqlite3_bind_int64(st, 5, job->revocation.before_s);
	sqlite3_bind_int64(st, 6, job->revocation.until_ms);
	return otter_sqlite_execute(s, st);
}

void otter_sqlite_revoke(struct otter_store *store, const struct otter_revocation_record *revocation, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_revoke, .answer = otter_sqlite_answer_plain, .fn = fn, .arg = arg, .revocation = *revocation });
}

static void read_revocation(struct job *job, sqlite3_stmt *st, void *row)
{
	struct otter_revocation_record *revocation = row;
	(void)job;
	*revocation = (struct otter_revocation_record){ .kind = (enum otter_revocation_kind)sqlite3_column_int(st, 1),
		.knock = sqlite3_column_int(st, 3) != 0,
		.before_s = sqlite3_column_int64(st, 4),
		.until_ms = sqlite3_column_int64(st, 5) };
	column_text(st, 0, revocation->room, sizeof revocation->room);
	column_text(st, 2, revocation->value, sizeof revocation->value);
}

static enum otter_err run_revocation_each(struct sqlite *s, struct job *job)
{
	return otter_sqlite_fetch_all(s, job, s->st.revocation_all, sizeof(struct otter_revocation_record), read_revocation);
}

void otter_sqlite_revocation_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_revocation_each, .reads = true, .answer = otter_sqlite_answer_each, .fn = fn, .arg = arg });
}
