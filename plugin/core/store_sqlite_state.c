/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store in SQLite: what those in a room share. */
#include "store_sqlite_private.h"

/* ---- put ---- */

static enum otter_err run_state_put(struct sqlite *s, struct job *job)
{
	sqlite3_stmt *st = job->text != NULL ? s->st.state_put : s->st.state_delete;
	bind_text(st, 1, job->state.room);
	bind_text(st, 2, job->state.key);
	if (job->text != NULL) {
		bind_text(st, 3, job->text);
		bind_text(st, 4, job->state.by);
		sqlite3_bind_int64(st, 5, job->state.order);
		sqlite3_bind_int64(st, 6, job->state.expires_ms);
	}
	return otter_sqlite_execute(s, st);
}

void otter_sqlite_state_put(struct otter_store *store, const struct otter_state_record *state)
{
	otter_sqlite_submit(store,
		&(struct job){ .run = run_state_put, .lazy = true, .answer = otter_sqlite_answer_plain, .state = *state, .text = g_strdup(state->value) });
}

/* ---- forget ---- */

static enum otter_err run_state_forget(struct sqlite *s, struct job *job)
{
	bind_text(s->st.state_forget, 1, job->text);
	return otter_sqlite_execute(s, s->st.state_forget);
}

void otter_sqlite_state_forget(struct otter_store *store, const char *room)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_state_forget, .lazy = true, .answer = otter_sqlite_answer_plain, .text = g_strdup(room) });
}

/* ---- each ---- */

static void read_state(struct job *job, sqlite3_stmt *st, void *row)
{
	struct otter_state_record *state = row;
	char *value = column_new_text(st, 2);
	g_ptr_array_add(job->texts, value);
	*state = (struct otter_state_record){ .value = value, .order = sqlite3_column_int64(st, 4), .expires_ms = sqlite3_column_int64(st, 5) };
	column_text(st, 0, state->room, sizeof state->room);
	column_text(st, 1, state->key, sizeof state->key);
	column_text(st, 3, state->by, sizeof state->by);
}

static enum otter_err run_state_each(struct sqlite *s, struct job *job)
{
	return otter_sqlite_fetch_all(s, job, s->st.state_all, sizeof(struct otter_state_record), read_state);
}

void otter_sqlite_state_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_state_each, .reads = true, .answer = otter_sqlite_answer_each, .fn = fn, .arg = arg });
}
