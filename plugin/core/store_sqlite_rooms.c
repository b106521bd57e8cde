/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store in SQLite: rooms. */
#include "store_sqlite_private.h"

#include <string.h>

/* The present row of a SELECT of ROOM_COLUMNS. Its metadata is a new string, for the caller to keep. */
static struct otter_room_record read_room(sqlite3_stmt *st)
{
	struct otter_room_record room = { .max_participants = sqlite3_column_int64(st, 2),
		.privacy = (enum otter_privacy)sqlite3_column_int(st, 3),
		.empty_timeout_s = sqlite3_column_int64(st, 4),
		.expires_ms = sqlite3_column_int64(st, 5),
		.created_ms = sqlite3_column_int64(st, 6),
		.updated_ms = sqlite3_column_int64(st, 7),
		.closed_ms = sqlite3_column_int64(st, 8),
		.metadata = column_new_text(st, 9),
		.lobby = sqlite3_column_int(st, 10) != 0,
		.locked = sqlite3_column_int(st, 11) != 0,
		.emptied_ms = sqlite3_column_int64(st, 12),
		.version = sqlite3_column_int64(st, 13),
		.last_order = sqlite3_column_int64(st, 14),
		.last_attach = sqlite3_column_int64(st, 15),
		.had_host_token = sqlite3_column_int(st, 16) != 0 };
	column_text(st, 0, room.id, sizeof room.id);
	column_text(st, 1, room.unique_name, sizeof room.unique_name);
	return room;
}

/* Step such a SELECT for one room, which goes into the job. OTTER_OK, room_not_found, or a failure of the database. */
static enum otter_err fetch_room(struct sqlite *s, struct job *job, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);
	enum otter_err err = rc == SQLITE_DONE ? OTTER_ROOM_NOT_FOUND : otter_sqlite_error(s, rc);
	if (rc == SQLITE_ROW) {
		g_free(job->found_text);
		job->room = read_room(st);
		job->found_text = (char *)job->room.metadata;
		job->has_row = true;
	}
	otter_sqlite_done(st);
	return err;
}

static enum otter_err fetch_room_by_id(struct sqlite *s, struct job *job, const char *id)
{
	bind_text(s->st.room_by_id, 1, id);
	return fetch_room(s, job, s->st.room_by_id);
}

/* ---- what of it is kept in memory ---- */

static void keep_room(struct sqlite *s, const struct job *job)
{
	if (job->err == OTTER_OK)
		otter_room_cache_put(s->rooms, &job->room);
}

static void forget_room(struct sqlite *s, const struct job *job)
{
	otter_room_cache_forget(s->rooms, job->text);
}

static void forget_updated_room(struct sqlite *s, const struct job *job)
{
	otter_room_cache_forget(s->rooms, job->room.id);
}

/* One that had expired may have made way for it. */
static void forget_namesake(struct sqlite *s, const struct job *job)
{
	otter_room_cache_forget(s->rooms, job->room.unique_name);
}

/* ---- answers ---- */

static void answer_room(struct job *job)
{
	bool row = job->has_row && (job->err == OTTER_OK || job->err == OTTER_CONFLICT);
	if (job->fn != NULL)
		job->fn(job->arg, job->err, row ? &job->room : NULL);
}

/* ---- create ---- */

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
	sqlite3_bind_int(st, 11, room->lobby);
	sqlite3_bind_int(st, 12, room->locked);
	sqlite3_bind_int64(st, 13, room->emptied_ms);
	sqlite3_bind_int64(st, 14, room->version);
	sqlite3_bind_int(st, 15, room->had_host_token);
	return otter_sqlite_execute(s, st);
}

static enum otter_err run_room_create(struct sqlite *s, struct job *job)
{
	job->has_row = true;
	if (job->room.unique_name[0] == '\0')
		return insert_room(s, &job->room);
	bind_text(s->st.room_expire_name, 1, job->room.unique_name);
	sqlite3_bind_int64(s->st.room_expire_name, 2, job->room.created_ms);
	enum otter_err err = otter_sqlite_execute(s, s->st.room_expire_name);
	if (err == OTTER_OK)
		err = insert_room(s, &job->room);
	if (err != OTTER_CONFLICT)
		return err;
	g_autofree char *name = g_strdup(job->room.unique_name);
	bind_text(s->st.room_by_name, 1, name);
	err = fetch_room(s, job, s->st.room_by_name);
	return err == OTTER_OK ? OTTER_CONFLICT : err;
}

void otter_sqlite_room_create(struct otter_store *store, const struct otter_room_record *room, otter_store_fn fn, void *arg)
{
	struct job job = { .run = run_room_create, .settle = forget_namesake, .answer = answer_room, .fn = fn, .arg = arg, .room = *room };
	job.room.metadata = job.text = g_strdup(room->metadata);
	otter_sqlite_submit(store, &job);
}

/* ---- get ---- */

static enum otter_err run_room_get(struct sqlite *s, struct job *job)
{
	enum otter_err err = fetch_room_by_id(s, job, job->text);
	if (err != OTTER_ROOM_NOT_FOUND)
		return err;
	bind_text(s->st.room_by_name, 1, job->text);
	return fetch_room(s, job, s->st.room_by_name);
}

void otter_sqlite_room_get(struct otter_store *store, const char *id_or_name, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store,
		&(struct job){
			.run = run_room_get, .reads = true, .settle = keep_room, .answer = answer_room, .fn = fn, .arg = arg, .text = g_strdup(id_or_name) });
}

void otter_sqlite_room_peek(struct otter_store *store, const char *id_or_name, otter_store_fn fn, void *arg)
{
	struct sqlite *s = (struct sqlite *)store;
	struct otter_room_record room;
	if (!otter_room_cache_get(s->rooms, id_or_name, otter_wall_ms(s->env), &room)) {
		otter_sqlite_room_get(store, id_or_name, fn, arg);
		return;
	}
	fn(arg, OTTER_OK, &room);
	g_free((char *)room.metadata);
}

/* ---- close ---- */

static enum otter_err run_room_close(struct sqlite *s, struct job *job)
{
	enum otter_err err = fetch_room_by_id(s, job, job->text);
	if (err == OTTER_OK && job->number != 0 && job->number != job->room.version)
		err = OTTER_PRECONDITION_FAILED;
	bool open = job->has_row && job->room.closed_ms == 0;
	job->has_row = false;
	if (err != OTTER_OK || !open)
		return err;
	bind_text(s->st.room_close, 1, job->text);
	sqlite3_bind_int64(s->st.room_close, 2, job->time_ms);
	err = otter_sqlite_execute(s, s->st.room_close);
	bind_text(s->st.seat_end_room, 1, job->text);
	if (err == OTTER_OK)
		err = otter_sqlite_execute(s, s->st.seat_end_room);
	bind_text(s->st.state_forget, 1, job->text);
	if (err == OTTER_OK)
		err = otter_sqlite_execute(s, s->st.state_forget);
	return err == OTTER_OK ? fetch_room_by_id(s, job, job->text) : err;
}

void otter_sqlite_room_close(struct otter_store *store, const char *id, int64_t closed_ms, int64_t version, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store,
		&(struct job){ .run = run_room_close,
			.settle = forget_room,
			.answer = answer_room,
			.fn = fn,
			.arg = arg,
			.text = g_strdup(id),
			.time_ms = closed_ms,
			.number = version });
}

/* ---- update ---- */

static enum otter_err write_settings(struct sqlite *s, const struct otter_room_record *room)
{
	sqlite3_stmt *st = s->st.room_update;
	bind_text(st, 1, room->id);
	sqlite3_bind_int64(st, 2, room->max_participants);
	sqlite3_bind_int64(st, 3, room->empty_timeout_s);
	sqlite3_bind_int64(st, 4, room->expires_ms);
	sqlite3_bind_int64(st, 5, room->updated_ms);
	bind_text(st, 6, room->metadata);
	sqlite3_bind_int(st, 7, room->lobby);
	sqlite3_bind_int(st, 8, room->locked);
	sqlite3_bind_int64(st, 9, room->version);
	return otter_sqlite_execute(s, st);
}

static enum otter_err run_room_update(struct sqlite *s, struct job *job)
{
	const struct otter_room_record from = job->room;
	enum otter_err err = fetch_room_by_id(s, job, from.id);
	if (err == OTTER_OK && from.version != 0 && from.version != job->room.version)
		err = OTTER_PRECONDITION_FAILED;
	if (err == OTTER_OK && !otter_room_record_open(&job->room, from.updated_ms))
		err = OTTER_ROOM_CLOSED;
	if (err != OTTER_OK)
		return err;
	otter_room_record_apply(&job->room, &from, job->mask);
	return write_settings(s, &job->room);
}

void otter_sqlite_room_update(struct otter_store *store, const struct otter_room_record *room, unsigned mask, otter_store_fn fn, void *arg)
{
	struct job job = { .run = run_room_update, .settle = forget_updated_room, .answer = answer_room, .fn = fn, .arg = arg, .room = *room, .mask = mask };
	job.room.metadata = job.text = g_strdup(room->metadata);
	otter_sqlite_submit(store, &job);
}

/* ---- presence ---- */

static enum otter_err run_room_emptied(struct sqlite *s, struct job *job)
{
	bind_text(s->st.room_emptied, 1, job->text);
	sqlite3_bind_int64(s->st.room_emptied, 2, job->time_ms);
	return otter_sqlite_execute(s, s->st.room_emptied);
}

void otter_sqlite_room_emptied(struct otter_store *store, const char *id, int64_t emptied_ms, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store,
		&(struct job){ .run = run_room_emptied,
			.lazy = true,
			.settle = forget_room,
			.answer = otter_sqlite_answer_plain,
			.fn = fn,
			.arg = arg,
			.text = g_strdup(id),
			.time_ms = emptied_ms });
}

/* ---- a host's token ---- */

static enum otter_err run_room_hosted(struct sqlite *s, struct job *job)
{
	bind_text(s->st.room_hosted, 1, job->text);
	return otter_sqlite_execute(s, s->st.room_hosted);
}

void otter_sqlite_room_hosted(struct otter_store *store, const char *id, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store,
		&(struct job){
			.run = run_room_hosted, .settle = forget_room, .answer = otter_sqlite_answer_plain, .fn = fn, .arg = arg, .text = g_strdup(id) });
}

/* ---- each ---- */

static void read_room_row(struct job *job, sqlite3_stmt *st, void *row)
{
	struct otter_room_record room = read_room(st);
	g_ptr_array_add(job->texts, (char *)room.metadata);
	memcpy(row, &room, sizeof room);
}

static enum otter_err run_room_each(struct sqlite *s, struct job *job)
{
	sqlite3_stmt *st = s->st.room_page;
	sqlite3_bind_int64(st, 1, job->query.after_ms);
	bind_text(st, 2, job->query.after_id);
	sqlite3_bind_int64(st, 3, job->query.now_ms);
	sqlite3_bind_int(st, 4, job->query.open);
	sqlite3_bind_int(st, 5, job->query.closed);
	sqlite3_bind_int(st, 6, job->query.limit);
	sqlite3_bind_int(st, 7, job->query.entered);
	return otter_sqlite_fetch_all(s, job, st, sizeof(struct otter_room_record), read_room_row);
}

void otter_sqlite_room_each(struct otter_store *store, const struct otter_room_query *query, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(
		store, &(struct job){ .run = run_room_each, .reads = true, .answer = otter_sqlite_answer_each, .fn = fn, .arg = arg, .query = *query });
}
