/* SPDX-License-Identifier: GPL-3.0-or-later
 * A connection's own state, for conn.c, the requests (requests.h) and the rooms (room_private.h). */
#ifndef OTTER_CONN_PRIVATE_H
#define OTTER_CONN_PRIVATE_H

#include "conn.h"
#include "room.h"

struct otter_conn {
	gint refs;
	struct otter *otter; /* a reference */
	const struct otter_sink_ops *ops;
	void *sink;      /* a reference */
	otter_lock lock; /* a leaf: guards the below */
	bool gone;
	bool entering;           /* a join or resume is on its way */
	struct otter_room *room; /* a reference: where it has, or had, a seat; the room itself knows which */
	int64_t heard_ms;        /* monotonic: the last request */
	bool watched;            /* it has pinged once, so it is expected to go on */
	unsigned holds;          /* see otter_conn_hold */
	GQueue held;             /* json_t, copies: what is sent when the last hold is released */
	struct otter_bucket requests, refusals;
};

/* The way in. Between begin and seated (or end) the connection is entering, and nothing else may enter through it.
 *   begin   conflict if it is entering already, or has a seat
 *   bind    says in which room; unavailable if the sink is gone meanwhile
 *   seated  by the room, under its lock, before it answers: from now on the connection has a seat
 *   end     whether it worked or not; if the sink went in between, the seat is away */
enum otter_err otter_conn_enter_begin(struct otter_conn *conn, struct otter_error *e);
enum otter_err otter_conn_enter_bind(struct otter_conn *conn, struct otter_room *room, struct otter_error *e);
void otter_conn_seated(struct otter_conn *conn);
void otter_conn_enter_end(struct otter_conn *conn, bool seated);

/* The room in which it has a seat, or had: new reference, or NULL (conflict). */
struct otter_room *otter_conn_room(struct otter_conn *conn, struct otter_error *e);

/* May it ask, whatever it is? rate_limited; and who goes on in spite of it is put out: then the connection is closed when this returns. */
enum otter_err otter_conn_ask(struct otter_conn *conn, struct otter_error *e);

/* A request of it, and of the bucket of its seat (which is locked; NULL: it has none), with so many others in the room: 0, or in how many ms there may be
 * one; then neither has it. */
int64_t otter_conn_take(struct otter_conn *conn, struct otter_bucket *of_seat, unsigned others);

/* What is sent from now on waits, in order: something has to be in the store first. Under whatever lock. Each hold has its release. */
void otter_conn_hold(struct otter_conn *conn);
void otter_conn_release(struct otter_conn *conn);

/* The reply of a request, to hand back to who asked: NULL if it waits like the rest. Takes `reply`. */
json_t *otter_conn_reply(struct otter_conn *conn, json_t *reply);

/* A request came. And: a ping came, so from now on silence means that the other end is dead. */
void otter_conn_heard(struct otter_conn *conn);
void otter_conn_watch(struct otter_conn *conn);

#endif
