/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store in SQLite: seats. */
#include "store_sqlite_private.h"

/* ---- put ---- */

static enum otter_err write_seat(struct sqlite *s, const struct otter_seat_record *seat)
{
	sqlite3_stmt *st = s->st.seat_put;
	bind_text(st, 1, seat->participant);
	bind_text(st, 2, seat->room);
	if (seat->identity[0] != '\0')
		bind_text(st, 3, seat->identity);
	bind_text(st, 4, seat->jti);
	bind_text(st, 5, seat->display);
	bind_text(st, 6, seat->instance);
	sqlite3_bind_int(st, 7, seat->host);
	sqlite3_bind_int(st, 8, (int)seat->flags);
	sqlite3_bind_int64(st, 9, seat->order);
	sqlite3_bind_int64(st, 10, seat->attach);
	sqlite3_bind_int64(st, 11, seat->joined_ms);
	return otter_sqlite_execute(s, st);
}

/* The counters stay with the room when its seats are gone: an order is never given twice. */
static enum otter_err run_seat_put(struct sqlite *s, struct job *job)
{
	enum otter_err err = write_seat(s, &job->seat);
	bind_text(s->st.room_count, 1, job->seat.room);
	sqlite3_bind_int64(s->st.room_count, 2, job->seat.order);
	sqlite3_bind_int64(s->st.room_count, 3, job->seat.attach);
	return err == OTTER_OK ? otter_sqlite_execute(s, s->st.room_count) : err;
}

void otter_sqlite_seat_put(struct otter_store *store, const struct otter_seat_record *seat, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(
		store, &(struct job){ .run = run_seat_put, .lazy = true, .answer = otter_sqlite_answer_plain, .fn = fn, .arg = arg, .seat = *seat });
}

/* ---- end ---- */

static enum otter_err run_seat_end(struct sqlite *s, struct job *job)
{
	bind_text(s->st.seat_end, 1, job->text);
	return otter_sqlite_execute(s, s->st.seat_end);
}

void otter_sqlite_seat_end(struct otter_store *store, const char *participant, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store,
		&(struct job){
			.run = run_seat_end, .lazy = fn == NULL, .answer = otter_sqlite_answer_plain, .fn = fn, .arg = arg, .text = g_strdup(participant) });
}

/* ---- each ---- */

static void read_seat(struct job *job, sqlite3_stmt *st, void *row)
{
	struct otter_seat_record *seat = row;
	(void)job;
	*seat = (struct otter_seat_record){ .host = sqlite3_column_int(st, 6) != 0,
		.flags = (unsigned)sqlite3_column_int(st, 7),
		.order = sqlite3_column_int64(st, 8),
		.attach = sqlite3_column_int64(st, 9),
		.joined_ms = sqlite3_column_int64(st, 10) };
	column_text(st, 0, seat->participant, sizeof seat->participant);
	column_text(st, 1, seat->room, sizeof seat->room);
	column_text(st, 2, seat->identity, sizeof seat->identity);
	column_text(st, 3, seat->jti, sizeof seat->jti);
	column_text(st, 4, seat->display, sizeof seat->display);
	column_text(st, 5, seat->instance, sizeof seat->instance);
}

static enum otter_err run_seat_each(struct sqlite *s, struct job *job)
{
	return otter_sqlite_fetch_all(s, job, s->st.seat_all, sizeof(struct otter_seat_record), read_seat);
}

void otter_sqlite_seat_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	otter_sqlite_submit(store, &(struct job){ .run = run_seat_each, .reads = true, .answer = otter_sqlite_answer_each, .fn = fn, .arg = arg });
}
