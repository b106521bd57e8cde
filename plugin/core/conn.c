/* SPDX-License-Identifier: GPL-3.0-or-later
 * A connection: a sink, and the seat that its owner took through it. */
#include "conn.h"

#include "conn_private.h"
#include "otter_private.h"

struct otter_conn *otter_conn_new(struct otter *o, const struct otter_sink_ops *ops, void *sink)
{
	struct otter_conn *conn = g_new0(struct otter_conn, 1);
	conn->refs = 1;
	g_atomic_int_inc(&o->refs);
	conn->otter = o;
	conn->ops = ops;
	conn->sink = sink;
	ops->ref(sink);
	otter_lock_init(&conn->lock);
	g_queue_init(&conn->held);
	return conn;
}

struct otter_conn *otter_conn_ref(struct otter_conn *conn)
{
	g_atomic_int_inc(&conn->refs);
	return conn;
}

static void decref(void *json)
{
	json_decref(json);
}

void otter_conn_unref(struct otter_conn *conn)
{
	if (conn == NULL || !g_atomic_int_dec_and_test(&conn->refs))
		return;
	otter_room_unref(conn->room);
	g_queue_clear_full(&conn->held, decref);
	conn->ops->unref(conn->sink);
	otter_lock_clear(&conn->lock);
	otter_unref(conn->otter);
	g_free(conn);
}

/* With the lock held. Does `message` have to wait? Then it does: as a copy, because another thread sends it, and Jansson's counts are not for several. */
static bool keep_back(struct otter_conn *conn, const json_t *message)
{
	bool waits = conn->holds > 0 && !conn->gone;
	if (waits)
		g_queue_push_tail(&conn->held, json_deep_copy(message));
	return waits;
}

json_t *otter_conn_reply(struct otter_conn *conn, json_t *reply)
{
	OTTER_LOCKED(&conn->lock);
	if (keep_back(conn, reply))
		g_clear_pointer(&reply, json_decref);
	return reply;
}

void otter_conn_send(struct otter_conn *conn, json_t *message)
{
	{
		OTTER_LOCKED(&conn->lock);
		if (keep_back(conn, message) || conn->gone)
			return;
	}
	conn->ops->send(conn->sink, message); /* if it goes just now the message is lost, as on any network; the sink itself is kept alive by our reference */
}

void otter_conn_hold(struct otter_conn *conn)
{
	OTTER_LOCKED(&conn->lock);
	conn->holds++;
}

/* The next message that was kept back: a reference; or NULL, and then the hold is over. Whoever is gone gets none. */
static json_t *next_held(struct otter_conn *conn)
{
	OTTER_LOCKED(&conn->lock);
	if (conn->gone)
		g_queue_clear_full(&conn->held, decref);
	if (conn->holds == 1 && !g_queue_is_empty(&conn->held))
		return g_queue_pop_head(&conn->held);
	conn->holds--; /* what is left waits for another one */
	return NULL;
}

void otter_conn_release(struct otter_conn *conn)
{
	json_t *message;
	while ((message = next_held(conn)) != NULL) { /* meanwhile it is still held, so nothing overtakes */
		conn->ops->send(conn->sink, message);
		json_decref(message);
	}
}

/* ---- entering a room ---- */

static bool has_seat(struct otter_conn *conn)
{
	struct otter_error none = { 0 };
	struct otter_room *room = otter_conn_room(conn, &none);
	bool waits, has = room != NULL && otter_room_seats(room, conn, &waits);
	otter_room_unref(room);
	return has;
}

/* Stop entering. Whoever went meanwhile found it entering, and left what is to do to us. */
static void stop_entering(struct otter_conn *conn, bool seated)
{
	struct otter_room *room = NULL;
	{
		OTTER_LOCKED(&conn->lock);
		conn->entering = false;
		if (!seated || conn->gone)
			room = g_steal_pointer(&conn->room);
	}
	if (seated && room != NULL)
		otter_room_away(room, conn);
	otter_room_unref(room);
}

enum otter_err otter_conn_enter_begin(struct otter_conn *conn, struct otter_error *e)
{
	bool busy;
	{
		OTTER_LOCKED(&conn->lock);
		busy = conn->entering;
		conn->entering = true; /* first this, then the look: so nobody can sit down in between */
	}
	if (!busy && !has_seat(conn))
		return OTTER_OK;
	if (!busy)
		stop_entering(conn, true);
	return otter_fail(e, OTTER_CONFLICT, "This connection has a seat already: leave first, or use another handle.");
}

enum otter_err otter_conn_enter_bind(struct otter_conn *conn, struct otter_room *room, struct otter_error *e)
{
	struct otter_room *old;
	{
		OTTER_LOCKED(&conn->lock);
		if (conn->gone)
			return otter_fail(e, OTTER_UNAVAILABLE, NULL); /* which nobody will hear */
		old = conn->room;
		conn->room = otter_room_ref(room);
	}
	otter_room_unref(old);
	return OTTER_OK;
}

void otter_conn_seated(struct otter_conn *conn)
{
	OTTER_LOCKED(&conn->lock);
	conn->entering = false;
}

void otter_conn_enter_end(struct otter_conn *conn, bool seated)
{
	if (!seated) {
		stop_entering(conn, false);
		return;
	}
	/* It may be entering again by now, through a request that came right behind the answer: then that one sees to the end. */
	struct otter_room *room = NULL;
	{
		OTTER_LOCKED(&conn->lock);
		if (conn->gone && !conn->entering)
			room = g_steal_pointer(&conn->room);
	}
	if (room != NULL)
		otter_room_away(room, conn);
	otter_room_unref(room);
}

struct otter_room *otter_conn_room(struct otter_conn *conn, struct otter_error *e)
{
	OTTER_LOCKED(&conn->lock);
	if (conn->room != NULL)
		return otter_room_ref(conn->room);
	otter_fail(e, OTTER_CONFLICT, "This connection has no seat: join or resume first.");
	return NULL;
}

void otter_conn_gone(struct otter_conn *conn)
{
	struct otter_room *room;
	{
		OTTER_LOCKED(&conn->lock);
		conn->gone = true;
		room = conn->entering ? NULL : g_steal_pointer(&conn->room); /* entering: otter_conn_enter_end sees to it */
	}
	if (room != NULL)
		otter_room_away(room, conn);
	otter_room_unref(room);
}

void otter_conn_close(struct otter_conn *conn)
{
	otter_conn_gone(conn);
	conn->ops->close(conn->sink);
}

/* ---- how much it may ask ---- */

int64_t otter_conn_take(struct otter_conn *conn, struct otter_bucket *of_seat, unsigned others)
{
	struct otter_bucket none = { 0 };
	OTTER_LOCKED(&conn->lock);
	return otter_bucket_take_both(&conn->requests, of_seat != NULL ? of_seat : &none, otter_rate_of_requests(others), otter_mono_ms(conn->otter->env));
}

enum otter_err otter_conn_ask(struct otter_conn *conn, struct otter_error *e)
{
	int64_t now_ms = otter_mono_ms(conn->otter->env);
	unsigned others = 0;
	struct otter_error none = { 0 };
	struct otter_room *room = otter_conn_room(conn, &none);
	int64_t wait_ms = room != NULL ? otter_room_ask(room, conn, &others) : otter_conn_take(conn, NULL, 0);
	bool out;
	otter_room_unref(room);
	{
		OTTER_LOCKED(&conn->lock);
		out = wait_ms > 0 && !conn->gone && otter_bucket_take(&conn->refusals, otter_rate_of_refusals(others), now_ms) > 0;
	}
	if (out) {
		otter_log(conn->otter->env, OTTER_LOG_WARNING, "a connection is ended: it asked on and on although it was refused");
		otter_conn_close(conn);
	}
	return otter_fail_rate(e, wait_ms);
}

/* ---- the heartbeat ---- */

void otter_conn_heard(struct otter_conn *conn)
{
	OTTER_LOCKED(&conn->lock);
	conn->heard_ms = otter_mono_ms(conn->otter->env);
}

static void unref_conn(void *conn)
{
	otter_conn_unref(conn);
}

/* Look when it would have been silent for too long; if it has not, look again when it would be. */
static void on_silence(void *context, void *arg)
{
	struct otter *o = context;
	struct otter_conn *conn = arg;
	int64_t due_ms;
	{
		OTTER_LOCKED(&conn->lock);
		if (conn->gone)
			return;
		due_ms = conn->heard_ms + OTTER_SILENCE_MS;
	}
	if (due_ms > otter_mono_ms(o->env)) {
		otter_deadlines_add(&o->deadlines, due_ms, on_silence, otter_conn_ref(conn), unref_conn);
		return;
	}
	otter_conn_close(conn);
}

void otter_conn_watch(struct otter_conn *conn)
{
	bool first;
	int64_t due_ms;
	{
		OTTER_LOCKED(&conn->lock);
		first = !conn->watched;
		conn->watched = true;
		due_ms = conn->heard_ms + OTTER_SILENCE_MS;
	}
	if (first)
		otter_deadlines_add(&conn->otter->deadlines, due_ms, on_silence, otter_conn_ref(conn), unref_conn);
}

json_t *otter_conn_describe(struct otter_conn *conn)
{
	json_t *json = json_object();
	struct otter_error none = { 0 };
	struct otter_room *room = otter_conn_room(conn, &none);
	if (room != NULL)
		otter_room_describe(room, conn, json);
	otter_room_unref(room);
	return json;
}
