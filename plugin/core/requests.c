/* SPDX-License-Identifier: GPL-3.0-or-later
 * The requests of signaling: what each does. Parse into a struct, ask the room, answer. */
#include "requests.h"

#include "mint.h"
#include "otter_private.h"

#include <string.h>

/* ---- join and resume: verify the token, ask the store for the room, take a seat ---- */

/* Somebody on the way in. What is needed of the request is copied: the store may answer after the caller is gone. */
struct entering {
	struct otter_conn *conn; /* a reference */
	int64_t id;
	struct otter_claims claims;
	char *token;  /* that they come from */
	guint64 keys; /* the keys in force when it was judged */
	bool resume;
	char *room;    /* that the request names: id or unique name; NULL: the token's */
	char *display; /* or NULL */
	char instance[OTTER_INSTANCE_SIZE];
	struct otter_join join; /* borrows from the above */
};

static void entering_free(struct entering *en)
{
	otter_claims_clear(&en->claims);
	g_free(en->token);
	g_free(en->room);
	g_free(en->display);
	otter_conn_unref(en->conn);
	g_free(en);
}

static const char *audience_of(const struct entering *en)
{
	return en->resume ? OTTER_AUDIENCE_SEAT : OTTER_AUDIENCE_JOIN;
}

static enum otter_err sit_down(struct entering *en, const struct otter_room_record *record, struct otter_error *e)
{
	struct otter *o = en->conn->otter;
	/* The rooms in which somebody has a seat are in memory, also after a restart: one that is not there has none to resume. */
	struct otter_room *room = en->resume ? otter_find_room(o, record->id) : otter_enter_room(o, record);
	if (room == NULL)
		return otter_fail(e, OTTER_SEAT_GONE, NULL);
	enum otter_err err = otter_conn_enter_bind(en->conn, room, e);
	if (err == OTTER_OK)
		err = en->resume ? otter_room_resume(room, en->conn, en->id, en->claims.sub, en->instance, e)
				 : otter_room_join(room, en->conn, en->id, &en->join, &en->claims, e);
	otter_room_unref(room);
	return err;
}

static enum otter_err enter_room(struct entering *en, const struct otter_room_record *record, struct otter_error *e)
{
	struct otter *o = en->conn->otter;
	if (otter_judge_room(o, &en->claims, en->room, record, e) != OTTER_OK)
		return e->err;
	if (!otter_room_record_open(record, otter_wall_ms(o->env)))
		return otter_fail(e, OTTER_ROOM_CLOSED, NULL);
	if (otter_keyring_still_verifies(&o->keyring, audience_of(en), en->token, en->keys, e) != OTTER_OK)
		return e->err;
	if (!en->resume && g_atomic_int_get(&o->draining))
		return otter_fail(e, OTTER_UNAVAILABLE, "The server is draining: it will stop, and be back in a moment.");
	if (!en->resume && otter_revocations_judge(&o->revocations, record->id, &en->claims, &en->join.knock, e) != OTTER_OK)
		return e->err;
	enum otter_err err = sit_down(en, record, e);
	if (!en->resume && otter_role_of(en->claims.role) == OTTER_ROLE_HOST) /* also one of a foreign issuer, which we did not make */
		otter_note_host_token(o, record);
	return err;
}

/* The store's completion. */
static void on_room(void *arg, enum otter_err err, const void *row)
{
	struct entering *en = arg;
	struct otter *o = en->conn->otter;
	struct otter_error e = { 0 };
	err = err == OTTER_OK ? enter_room(en, row, &e) : otter_fail(&e, err, NULL);
	otter_conn_enter_end(en->conn, err == OTTER_OK);
	if (err != OTTER_OK) {
		json_t *reply = otter_reply_error(en->id, &e);
		otter_conn_send(en->conn, reply);
		json_decref(reply);
	}
	entering_free(en);
	otter_leave(o);
}

/* Takes `en`, whose token has been judged. The reply comes through the sink: sets *reply NULL. */
static enum otter_err enter(struct entering *en, json_t **reply, struct otter_error *e)
{
	struct otter *o = en->conn->otter;
	enum otter_err err = otter_conn_enter_begin(en->conn, e);
	if (err == OTTER_OK && !otter_enter(o)) {
		otter_conn_enter_end(en->conn, false);
		err = otter_fail(e, OTTER_UNAVAILABLE, NULL);
	}
	if (err != OTTER_OK) {
		entering_free(en);
		return err;
	}
	g_clear_pointer(reply, json_decref);
	o->store->ops->room_get(o->store, en->claims.room, on_room, en);
	return OTTER_OK;
}

/* Judge the token of who wants to enter: new, or NULL with the error. */
static struct entering *entering_new(struct otter_conn *conn, int64_t id, bool resume, const char *token, const char *instance, struct otter_error *e)
{
	struct entering *en = g_new0(struct entering, 1);
	*en = (struct entering){ .conn = otter_conn_ref(conn), .id = id, .resume = resume, .token = g_strdup(token) };
	g_strlcpy(en->instance, instance, sizeof en->instance);
	en->keys = otter_keyring_generation(&conn->otter->keyring);
	if (otter_keyring_verify(&conn->otter->keyring, audience_of(en), token, &en->claims, e) == OTTER_OK)
		return en;
	entering_free(en);
	return NULL;
}

static enum otter_err do_join(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	struct otter_join join;
	struct entering *en = otter_parse_join(body, &join, e) == OTTER_OK ? entering_new(conn, id, false, join.token, join.instance, e) : NULL;
	if (en == NULL)
		return e->err;
	en->room = g_strdup(join.room);
	en->display = g_strdup(join.display);
	en->join = (struct otter_join){ .display = en->display, .instance = en->instance, .has_media = join.has_media, .media = join.media };
	return enter(en, reply, e);
}

static enum otter_err do_resume(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	struct otter_resume resume;
	struct entering *en = otter_parse_resume(body, &resume, e) == OTTER_OK ? entering_new(conn, id, true, resume.seat, resume.instance, e) : NULL;
	return en != NULL ? enter(en, reply, e) : e->err;
}

/* ---- with a seat ---- */

struct otter_room *request_seated_in(struct otter_conn *conn, struct otter_error *e)
{
	bool waits;
	struct otter_room *room = otter_conn_room(conn, e);
	if (room == NULL || (otter_room_seats(room, conn, &waits) && !waits))
		return room;
	otter_room_unref(room);
	otter_fail(e, OTTER_CONFLICT,
		waits ? "This connection has no seat yet: it waits to be let in." : "This connection has no seat any more: join or resume first.");
	return NULL;
}

struct request_asked {
	struct otter_conn *conn; /* a reference */
	int64_t id;
};

struct request_asked *request_later(struct otter_conn *conn, int64_t id, json_t **reply)
{
	struct request_asked *asked = g_new(struct request_asked, 1);
	*asked = (struct request_asked){ otter_conn_ref(conn), id };
	g_clear_pointer(reply, json_decref);
	return asked;
}

void request_answer(struct request_asked *asked, const struct otter_error *e)
{
	json_t *reply = e->err == OTTER_OK ? otter_reply(asked->id) : otter_reply_error(asked->id, e);
	otter_conn_send(asked->conn, reply);
	json_decref(reply);
	otter_conn_unref(asked->conn);
	g_free(asked);
}

/* The store's completion: a restart does not bring the seat back any more. */
static void on_seat_ended(void *arg, enum otter_err err, const void *row)
{
	struct request_asked *asked = arg;
	struct otter *o = asked->conn->otter;
	const struct otter_error none = { 0 }; /* if it could not be written he has left all the same */
	(void)err, (void)row;
	request_answer(asked, &none);
	otter_leave(o);
}

static enum otter_err do_leave(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)body;
	char participant[OTTER_ID_SIZE];
	struct otter *o = conn->otter;
	struct otter_room *room = otter_conn_room(conn, e);
	enum otter_err err = room != NULL ? otter_room_leave(room, conn, participant, e) : e->err;
	otter_room_unref(room);
	if (err == OTTER_OK && otter_enter(o))
		o->store->ops->seat_end(o->store, participant, on_seat_ended, request_later(conn, id, reply));
	return err;
}

static enum otter_err do_list(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id, (void)body;
	struct otter_room *room = request_seated_in(conn, e);
	enum otter_err err = room != NULL ? otter_room_list(room, conn, *reply, e) : e->err;
	otter_room_unref(room);
	return err;
}

static enum otter_err do_credentials(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id, (void)body;
	struct otter_room *room = request_seated_in(conn, e);
	enum otter_err err = room != NULL ? otter_room_credentials(room, conn, *reply, e) : e->err;
	otter_room_unref(room);
	return err;
}

static enum otter_err do_signal(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id;
	struct otter_signal signal;
	struct otter_room *room = request_seated_in(conn, e);
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
	struct otter_room *room = request_seated_in(conn, e);
	enum otter_err err = room != NULL ? otter_parse_update(body, &update, e) : e->err;
	if (err == OTTER_OK)
		err = otter_room_update(room, conn, &update, e);
	otter_room_unref(room);
	return err;
}

static enum otter_err do_set(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id;
	struct otter_set set;
	struct otter_room *room = request_seated_in(conn, e);
	enum otter_err err = room != NULL ? otter_parse_set(body, &set, e) : e->err;
	if (err == OTTER_OK)
		err = otter_room_set(room, conn, &set, *reply, e);
	if (err == OTTER_OK)
		g_clear_pointer(reply, json_decref);
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

static const struct {
	const char *name;
	request_fn *handle;
} requests[] = {
	{ "signal", do_signal },
	{ "ping", do_ping },
	{ "join", do_join },
	{ "resume", do_resume },
	{ "leave", do_leave },
	{ "list", do_list },
	{ "update", do_update },
	{ "set", do_set },
	{ "credentials", do_credentials },
	{ "admit", request_admit },
	{ "deny", request_deny },
	{ "mute", request_mute },
	{ "promote", request_promote },
	{ "eject", request_eject },
	{ "lock", request_lock },
	{ "close", request_close },
};

static enum otter_err dispatch(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	const char *name = json_string_value(json_object_get(body, "request"));
	for (size_t i = 0; name != NULL && i < G_N_ELEMENTS(requests); i++)
		if (strcmp(requests[i].name, name) == 0)
			return requests[i].handle(conn, id, body, reply, e);
	return otter_fail_field(e, "request", "There is no request '%.40s'.", name != NULL ? name : "");
}

/* The reply, new; NULL: it comes through the sink. */
static json_t *answer(struct otter_conn *conn, const json_t *body)
{
	struct otter_error e = { 0 };
	int64_t id = -1;
	json_t *reply = NULL;
	bool numbered = otter_request_id(body, &id);
	if (otter_conn_ask(conn, &e) != OTTER_OK)
		return otter_reply_error(id, &e);
	if (!json_is_object(body))
		otter_fail(&e, OTTER_INVALID_REQUEST, "The body must be a JSON object.");
	else if (!numbered)
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

json_t *otter_conn_request(struct otter_conn *conn, const json_t *body)
{
	json_t *reply = answer(conn, body);
	return reply != NULL ? otter_conn_reply(conn, reply) : NULL;
}
