/* SPDX-License-Identifier: GPL-3.0-or-later
 * The requests of signaling: what each does. Parse into a struct, ask the room, answer. */
#include "conn.h"

#include "conn_private.h"
#include "otter_private.h"

#include <string.h>

/* ---- join: verify the token, find the room (in memory, or by the store), take a seat ---- */

/* A join on its way. The request is copied: the store may answer after the caller is gone. */
struct joining {
	struct otter_conn *conn; /* a reference */
	int64_t id;
	json_t *body;
	struct otter_join join;  /* borrows from body */
	struct otter_claims claims;
};

static void joining_free(struct joining *j)
{
	otter_claims_clear(&j->claims);
	json_decref(j->body);
	otter_conn_unref(j->conn);
	g_free(j);
}

static void answer_error(struct otter_conn *conn, int64_t id, const struct otter_error *e)
{
	json_t *reply = otter_reply_error(id, e);
	otter_conn_send(conn, reply);
	json_decref(reply);
}

static enum otter_err sit_down(struct joining *j, const struct otter_room_record *record, struct otter_error *e)
{
	struct otter *o = j->conn->otter;
	if (strcmp(j->join.room, record->id) != 0 && strcmp(j->join.room, record->unique_name) != 0)
		return otter_fail(e, OTTER_WRONG_ROOM, NULL);
	if (!otter_room_record_open(record, otter_wall_ms(o->env)))
		return otter_fail(e, OTTER_ROOM_CLOSED, NULL);
	struct otter_room *room = otter_enter_room(o, record);
	enum otter_err err = otter_conn_enter_bind(j->conn, room, e);
	if (err == OTTER_OK)
		err = otter_room_join(room, j->conn, j->id, &j->join, &j->claims, e);
	otter_room_unref(room);
	return err;
}

/* The store's completion. */
static void on_room(void *arg, enum otter_err err, const void *row)
{
	struct joining *j = arg;
	struct otter *o = j->conn->otter;
	struct otter_error e = { 0 };
	if (err == OTTER_OK)
		err = sit_down(j, row, &e);
	else
		otter_fail(&e, err, NULL);
	otter_conn_enter_end(j->conn, err == OTTER_OK);
	if (err != OTTER_OK)
		answer_error(j->conn, j->id, &e);
	joining_free(j);
	otter_leave(o);
}

static enum otter_err do_join(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	struct otter *o = conn->otter;
	struct otter_join join;
	struct otter_claims claims = { 0 };
	enum otter_err err = otter_parse_join(body, &join, e);
	if (err == OTTER_OK)
		err = otter_keyring_verify(&o->keyring, OTTER_AUDIENCE_JOIN, join.token, &claims, e);
	if (err == OTTER_OK && !otter_conn_enter_begin(conn, e))
		err = e->err;
	if (err == OTTER_OK && !otter_enter(o)) {
		otter_conn_enter_end(conn, false);
		err = otter_fail(e, OTTER_UNAVAILABLE, NULL);
	}
	if (err != OTTER_OK) {
		otter_claims_clear(&claims);
		return err;
	}
	struct joining *j = g_new0(struct joining, 1);
	*j = (struct joining){ .conn = otter_conn_ref(conn), .id = id, .body = json_deep_copy(body), .claims = claims };
	otter_parse_join(j->body, &j->join, NULL);
	g_clear_pointer(reply, json_decref); /* it comes through the sink */
	o->store->ops->room_get(o->store, claims.room, on_room, j);
	return OTTER_OK;
}

/* ---- resume ---- */

static enum otter_err do_resume(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	struct otter *o = conn->otter;
	struct otter_resume resume;
	struct otter_claims claims = { 0 };
	enum otter_err err = otter_parse_resume(body, &resume, e);
	if (err == OTTER_OK)
		err = otter_keyring_verify(&o->keyring, OTTER_AUDIENCE_SEAT, resume.seat, &claims, e);
	if (err == OTTER_OK && !otter_conn_enter_begin(conn, e))
		err = e->err;
	if (err != OTTER_OK) {
		otter_claims_clear(&claims);
		return err;
	}
	struct otter_room *room = otter_find_room(o, claims.room);
	err = room != NULL ? otter_conn_enter_bind(conn, room, e) : otter_fail(e, OTTER_SEAT_GONE, NULL);
	if (err == OTTER_OK)
		err = otter_room_resume(room, conn, id, claims.sub, resume.instance, e);
	otter_conn_enter_end(conn, err == OTTER_OK);
	if (err == OTTER_OK)
		g_clear_pointer(reply, json_decref); /* it went through the sink */
	otter_room_unref(room);
	otter_claims_clear(&claims);
	return err;
}

/* ---- with a seat ---- */

static enum otter_err do_leave(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id, (void)body, (void)reply;
	struct otter_room *room = otter_conn_room(conn, e);
	enum otter_err err = room != NULL ? otter_room_leave(room, conn, e) : e->err;
	if (err == OTTER_OK)
		otter_conn_unbind(conn);
	otter_room_unref(room);
	return err;
}

static enum otter_err do_list(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id, (void)body;
	struct otter_room *room = otter_conn_room(conn, e);
	enum otter_err err = room != NULL ? otter_room_list(room, conn, *reply, e) : e->err;
	otter_room_unref(room);
	return err;
}

static enum otter_err do_credentials(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id, (void)body;
	struct otter_room *room = otter_conn_room(conn, e);
	enum otter_err err = room != NULL ? otter_room_credentials(room, conn, *reply, e) : e->err;
	otter_room_unref(room);
	return err;
}

static enum otter_err do_signal(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id;
	struct otter_signal signal;
	struct otter_room *room = otter_conn_room(conn, e);
	enum otter_err err = room != NULL ? otter_parse_signal(body, &signal, e) : e->err;
	if (err == OTTER_OK)
		err = otter_room_signal(room, conn, &signal, *reply, e);
	otter_room_unref(room);
	return err;
}

static enum otter_err do_update(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id, (void)reply;
	struct otter_update update;
	struct otter_room *room = otter_conn_room(conn, e);
	enum otter_err err = room != NULL ? otter_parse_update(body, &update, e) : e->err;
	if (err == OTTER_OK)
		err = otter_room_update(room, conn, &update, e);
	otter_room_unref(room);
	return err;
}

static enum otter_err do_ping(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id, (void)body, (void)e;
	char time[OTTER_TIME_SIZE];
	otter_conn_watch(conn);
	otter_time_format(otter_wall_ms(conn->otter->env), time);
	json_object_set_new(*reply, "time", json_string(time));
	return OTTER_OK;
}

/* ---- dispatch ---- */

/* `reply` is a fresh {"ok": true} for the handler to add to, or to set NULL when the reply goes through the sink. */
typedef enum otter_err (*handler_fn)(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e);

static const struct {
	const char *name;
	handler_fn handle;
} requests[] = {
	{ "signal", do_signal }, { "ping", do_ping }, { "join", do_join }, { "resume", do_resume }, { "leave", do_leave },
	{ "list", do_list }, { "update", do_update }, { "credentials", do_credentials },
};

static enum otter_err dispatch(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	const char *name = json_string_value(json_object_get(body, "request"));
	for (size_t i = 0; name != NULL && i < G_N_ELEMENTS(requests); i++)
		if (strcmp(requests[i].name, name) == 0)
			return requests[i].handle(conn, id, body, reply, e);
	return otter_fail_field(e, "request", "There is no request '%.40s'.", name != NULL ? name : "");
}

json_t *otter_conn_request(struct otter_conn *conn, const json_t *body)
{
	struct otter_error e = { 0 };
	int64_t id = -1;
	json_t *reply = NULL;
	if (!json_is_object(body))
		otter_fail(&e, OTTER_INVALID_REQUEST, "The body must be a JSON object.");
	else if (!otter_request_id(body, &id))
		otter_fail_field(&e, "id", "'id' must be an integer from 0 to 2^53-1: the reply carries it.");
	else if (!otter_enter(conn->otter))
		otter_fail(&e, OTTER_UNAVAILABLE, "The server is stopping: connect again in a moment.");
	else {
		reply = otter_reply(id);
		otter_conn_heard(conn);
		dispatch(conn, id, body, &reply, &e);
		otter_leave(conn->otter);
	}
	if (e.err == OTTER_OK)
		return reply;
	json_decref(reply);
	return otter_reply_error(id, &e);
}
