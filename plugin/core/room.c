/* SPDX-License-Identifier: GPL-3.0-or-later
 * A room in memory: who sits in it, and what they say to each other. */
#include "room.h"

#include "conn_private.h"
#include "otter_private.h"

#include <string.h>

#define EXPIRY_LOOK_MS 60000 /* the wall clock may jump under an expiry: look again this often */

struct otter_room *otter_room_new(struct otter *o, const struct otter_room_record *record)
{
	struct otter_room *room = g_new0(struct otter_room, 1);
	room->refs = 1;
	room->otter = o;
	room->record = *record;
	room->record.metadata = g_strdup(record->metadata);
	room->closed = record->closed_ms != 0;
	otter_lock_init(&room->lock);
	return room;
}

struct otter_room *otter_room_ref(struct otter_room *room)
{
	g_atomic_int_inc(&room->refs);
	return room;
}

void otter_room_unref(struct otter_room *room)
{
	if (room == NULL || !g_atomic_int_dec_and_test(&room->refs))
		return;
	for (unsigned i = 0; i < room->n_seats; i++)
		otter_seat_free(room->seats[i]);
	g_free((char *)room->record.metadata);
	otter_lock_clear(&room->lock);
	g_free(room);
}

/* ---- who is here; all with the lock held ---- */

static struct otter_seat *seat_of_conn(struct otter_room *room, const struct otter_conn *conn)
{
	for (unsigned i = 0; i < room->n_seats; i++)
		if (room->seats[i]->conn == conn)
			return room->seats[i];
	return NULL;
}

static struct otter_seat *seat_of_participant(struct otter_room *room, const char *participant)
{
	for (unsigned i = 0; i < room->n_seats; i++)
		if (strcmp(room->seats[i]->participant, participant) == 0)
			return room->seats[i];
	return NULL;
}

static struct otter_seat *seat_of_identity(struct otter_room *room, const char *identity)
{
	for (unsigned i = 0; identity != NULL && i < room->n_seats; i++)
		if (g_strcmp0(room->seats[i]->identity, identity) == 0)
			return room->seats[i];
	return NULL;
}

static struct otter_seat *own_seat(struct otter_room *room, struct otter_conn *conn, struct otter_error *e)
{
	struct otter_seat *seat = seat_of_conn(room, conn);
	if (seat == NULL)
		otter_fail(e, OTTER_CONFLICT, "This connection has no seat: join or resume first.");
	return seat;
}

/* ---- telling; all with the lock held, so that everybody hears things in one order ---- */

/* Takes `event`. */
static void tell_others(struct otter_room *room, const struct otter_seat *except, json_t *event)
{
	for (unsigned i = 0; i < room->n_seats; i++)
		if (room->seats[i] != except && room->seats[i]->conn != NULL)
			otter_conn_send(room->seats[i]->conn, event);
	json_decref(event);
}

static void tell_updated(struct otter_room *room, const struct otter_seat *seat)
{
	json_t *event = otter_event("participant-updated");
	json_object_set_new(event, "participant", otter_seat_json(seat));
	tell_others(room, seat, event);
}

/* Tell a connection that it has lost its seat, and let go of it. Takes the reference `conn`. */
static void dismiss(struct otter_conn *conn, const char *event_name, const char *reason)
{
	json_t *event = otter_event(event_name);
	json_object_set_new(event, "reason", json_string(reason));
	otter_conn_send(conn, event);
	json_decref(event);
	otter_conn_unref(conn);
}

static json_t *limits_json(void)
{
	return json_pack("{s:i, s:i, s:i}", "message_bytes", OTTER_MESSAGE_MAX, "display_characters", OTTER_DISPLAY_MAX, "candidates",
		OTTER_CANDIDATES_MAX);
}

static json_t *seat_credentials(struct otter_room *room, const struct otter_seat *seat)
{
	struct otter *o = room->otter;
	return otter_turn_credentials(&o->turn, o->env, seat->participant, OTTER_TURN_SEAT_TTL_S, room->record.privacy == OTTER_PRIVACY_RELAY);
}

static json_t *room_json(struct otter_room *room)
{
	return otter_room_record_json(&room->record, room->n_seats, otter_wall_ms(room->otter->env));
}

static json_t *others_json(struct otter_room *room, const struct otter_seat *except)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < room->n_seats; i++)
		if (room->seats[i] != except)
			json_array_append_new(list, otter_seat_json(room->seats[i]));
	return list;
}

/* Seat token: who has it may resume. It ends with its seat, so it has no end of its own. */
static char *seat_token(struct otter_room *room, const struct otter_seat *seat)
{
	struct otter *o = room->otter;
	struct otter_claims claims = { .room = room->record.id, .sub = (char *)seat->participant, .jti = (char *)seat->participant,
		.iat_s = otter_wall_s(o->env) };
	return otter_keyring_sign(&o->keyring, OTTER_AUDIENCE_SEAT, &claims);
}

static void tell_welcome(struct otter_room *room, const struct otter_seat *seat, int64_t id)
{
	struct otter *o = room->otter;
	g_autofree char *token = seat_token(room, seat);
	json_t *reply = otter_reply(id);
	json_object_set_new(reply, "me", otter_seat_json(seat));
	json_object_set_new(reply, "seat", json_string(token));
	json_object_set_new(reply, "room", room_json(room));
	json_object_set_new(reply, "participants", others_json(room, seat));
	json_object_update_new(reply, seat_credentials(room, seat));
	json_object_del(reply, "expires_at"); /* ttl says it, without anybody's clock */
	json_object_set_new(reply, "limits", limits_json());
	json_object_set_new(reply, "heartbeat_ms", json_integer(OTTER_HEARTBEAT_MS));
	json_object_set_new(reply, "resume_timeout_ms", json_integer(o->resume_timeout_ms));
	otter_conn_send(seat->conn, reply);
	json_decref(reply);
}

/* ---- joining ---- */

/* May somebody who has no seat here take one? Pure. */
static enum otter_err may_sit_down(const struct otter_room *room, int64_t now_ms, struct otter_error *e)
{
	if (room->closed || !otter_room_record_open(&room->record, now_ms))
		return otter_fail(e, OTTER_ROOM_CLOSED, NULL);
	if ((int64_t)room->n_seats >= room->record.max_participants)
		return otter_fail(e, OTTER_ROOM_FULL, "The room is full: it has %u places.", room->n_seats);
	return OTTER_OK;
}

static struct otter_seat *seat_new(struct otter_room *room, const struct otter_claims *claims)
{
	struct otter_seat *seat = g_new0(struct otter_seat, 1);
	otter_id_new(room->otter->env, "pt_", seat->participant);
	seat->identity = g_strdup(claims->sub);
	seat->order = ++room->last_order;
	seat->joined_ms = otter_wall_ms(room->otter->env);
	room->seats[room->n_seats++] = seat;
	room->empty_since_ms = 0;
	return seat;
}

/* Give the seat to a connection; whoever had it is told. A new instance counts as a new attachment. */
static void seat_attach(struct otter_room *room, struct otter_seat *seat, struct otter_conn *conn, const char *instance)
{
	if (seat->conn != NULL && seat->conn != conn)
		dismiss(g_steal_pointer(&seat->conn), "ejected", "replaced");
	if (seat->conn == NULL)
		seat->conn = otter_conn_ref(conn);
	otter_conn_seated(conn);
	if (strcmp(seat->instance, instance) != 0) {
		seat->attach = ++room->last_attach;
		g_strlcpy(seat->instance, instance, sizeof seat->instance);
	}
}

enum otter_err otter_room_join(struct otter_room *room, struct otter_conn *conn, int64_t id, const struct otter_join *join,
	const struct otter_claims *claims, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *seat = seat_of_identity(room, claims->sub);
	bool taken_over = seat != NULL && !room->closed;
	if (!taken_over) {
		enum otter_err err = may_sit_down(room, otter_wall_ms(room->otter->env), e);
		if (err != OTTER_OK)
			return err;
		seat = seat_new(room, claims);
	}
	seat_attach(room, seat, conn, join->instance);
	seat->role = g_strcmp0(claims->role, "host") == 0 ? OTTER_ROLE_HOST : OTTER_ROLE_GUEST; /* of the newest token */
	if (join->display != NULL || !taken_over) {
		g_free(seat->display);
		seat->display = g_strdup(join->display != NULL ? join->display : claims->name != NULL ? claims->name : "");
	}
	if (join->has_media)
		seat->media = join->media;
	tell_welcome(room, seat, id);
	if (taken_over) {
		tell_updated(room, seat);
	} else {
		json_t *event = otter_event("participant-joined");
		json_object_set_new(event, "participant", otter_seat_json(seat));
		tell_others(room, seat, event);
	}
	otter_log(room->otter->env, OTTER_LOG_INFO, "%s joined %s as %s (%u of %d)", seat->participant, room->record.id, otter_role_name(seat->role),
		room->n_seats, (int)room->record.max_participants);
	return OTTER_OK;
}

enum otter_err otter_room_resume(struct otter_room *room, struct otter_conn *conn, int64_t id, const char *participant,
	const char *instance, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	if (room->closed)
		return otter_fail(e, OTTER_ROOM_CLOSED, NULL);
	struct otter_seat *seat = seat_of_participant(room, participant);
	if (seat == NULL)
		return otter_fail(e, OTTER_SEAT_GONE, NULL);
	seat_attach(room, seat, conn, instance);
	tell_welcome(room, seat, id);
	tell_updated(room, seat);
	otter_log(room->otter->env, OTTER_LOG_INFO, "%s resumed in %s", seat->participant, room->record.id);
	return OTTER_OK;
}

/* ---- leaving ---- */

static void room_unref_data(void *room)
{
	otter_room_unref(room);
}

/* ---- when its time is over; a deadline of each kind for a room, which looks again when it was too early ---- */

static void on_empty_timeout(void *context, void *arg);

/* With the lock held. */
static void watch_empty(struct otter_room *room)
{
	if (room->empty_watched || room->closed || room->empty_since_ms == 0 || room->record.empty_timeout_s == 0)
		return;
	room->empty_watched = true;
	otter_deadlines_add(&room->otter->deadlines, room->empty_since_ms + room->record.empty_timeout_s * 1000, on_empty_timeout,
		otter_room_ref(room), room_unref_data);
}

/* With the lock held. */
static bool empty_for_too_long(const struct otter_room *room)
{
	return !room->closed && room->empty_since_ms != 0 && room->record.empty_timeout_s != 0 &&
	       otter_mono_ms(room->otter->env) >= room->empty_since_ms + room->record.empty_timeout_s * 1000;
}

/* The store's completion, in one order with those of joins: who came before has a seat by now and keeps the room open, who comes after finds it closed.
 * Takes a reference. */
static void on_still_empty(void *arg, enum otter_err err, const void *row)
{
	struct otter_room *room = arg;
	struct otter *o = room->otter;
	(void)err, (void)row;
	bool over;
	{
		OTTER_LOCKED(&room->lock);
		over = empty_for_too_long(room);
		room->closed = room->closed || over;
	}
	if (over)
		otter_close_room(o, room->record.id, "empty", NULL, NULL);
	otter_room_unref(room);
	otter_leave(o);
}

static void on_empty_timeout(void *context, void *arg)
{
	struct otter *o = context;
	struct otter_room *room = arg;
	bool over;
	{
		OTTER_LOCKED(&room->lock);
		room->empty_watched = false;
		over = empty_for_too_long(room);
		if (!over)
			watch_empty(room);
	}
	if (over && otter_enter(o))
		o->store->ops->room_get(o->store, room->record.id, on_still_empty, otter_room_ref(room));
}

static void on_expiry(void *context, void *arg)
{
	struct otter *o = context;
	struct otter_room *room = arg;
	bool over;
	{
		OTTER_LOCKED(&room->lock);
		over = !room->closed && room->record.expires_ms != 0 && otter_wall_ms(o->env) >= room->record.expires_ms;
		if (!over && otter_mono_ms(o->env) >= room->expiry_look_ms) { /* else a sooner look was asked for meanwhile, and goes on */
			room->expiry_look_ms = 0;
			otter_room_expire_later(room);
		}
	}
	if (over)
		otter_close_room(o, room->record.id, "expired", NULL, NULL);
}

void otter_room_expire_later(struct otter_room *room)
{
	struct otter *o = room->otter;
	if (room->closed || room->record.expires_ms == 0)
		return;
	int64_t look_ms = otter_mono_ms(o->env) + CLAMP(room->record.expires_ms - otter_wall_ms(o->env), 0, EXPIRY_LOOK_MS);
	if (room->expiry_look_ms != 0 && room->expiry_look_ms <= look_ms)
		return;
	room->expiry_look_ms = look_ms;
	otter_deadlines_add(&o->deadlines, look_ms, on_expiry, otter_room_ref(room), room_unref_data);
}

/* Take the seat out of the room and tell the others. Frees it. */
static void seat_end(struct otter_room *room, struct otter_seat *seat, const char *reason)
{
	unsigned i = 0;
	while (room->seats[i] != seat)
		i++;
	memmove(&room->seats[i], &room->seats[i + 1], (room->n_seats - i - 1) * sizeof room->seats[0]);
	room->seats[--room->n_seats] = NULL;
	json_t *event = otter_event("participant-left");
	json_object_set_new(event, "participant", json_string(seat->participant));
	json_object_set_new(event, "reason", json_string(reason));
	tell_others(room, NULL, event);
	otter_log(room->otter->env, OTTER_LOG_INFO, "%s left %s (%s)", seat->participant, room->record.id, reason);
	otter_seat_free(seat);
	if (room->n_seats == 0) {
		room->empty_since_ms = otter_mono_ms(room->otter->env);
		watch_empty(room);
	}
}

enum otter_err otter_room_leave(struct otter_room *room, struct otter_conn *conn, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *seat = own_seat(room, conn, e);
	if (seat == NULL)
		return e->err;
	seat_end(room, seat, "left");
	return OTTER_OK;
}

struct away {
	struct otter_room *room;
	char participant[OTTER_ID_SIZE];
};

static void away_free(void *data)
{
	struct away *away = data;
	otter_room_unref(away->room);
	g_free(away);
}

static void on_away_timeout(void *context, void *arg)
{
	struct otter *o = context;
	struct away *away = arg;
	OTTER_LOCKED(&away->room->lock);
	struct otter_seat *seat = seat_of_participant(away->room, away->participant);
	if (seat != NULL && seat->conn == NULL && otter_mono_ms(o->env) >= seat->away_until_ms)
		seat_end(away->room, seat, "timeout");
}

void otter_room_away(struct otter_room *room, struct otter_conn *conn)
{
	OTTER_LOCKED(&room->lock);
	struct otter *o = room->otter;
	struct otter_seat *seat = seat_of_conn(room, conn);
	if (seat == NULL)
		return;
	otter_conn_unref(g_steal_pointer(&seat->conn));
	seat->away_until_ms = otter_mono_ms(o->env) + o->resume_timeout_ms;
	struct away *away = g_new0(struct away, 1);
	away->room = otter_room_ref(room);
	g_strlcpy(away->participant, seat->participant, sizeof away->participant);
	otter_deadlines_add(&o->deadlines, seat->away_until_ms, on_away_timeout, away, away_free);
	tell_updated(room, seat);
	otter_log(o->env, OTTER_LOG_INFO, "%s is away from %s", seat->participant, room->record.id);
}

void otter_room_close(struct otter_room *room, const char *reason)
{
	OTTER_LOCKED(&room->lock);
	if (room->closed)
		return;
	room->closed = true;
	while (room->n_seats > 0) {
		struct otter_seat *seat = room->seats[--room->n_seats];
		room->seats[room->n_seats] = NULL;
		if (seat->conn != NULL)
			dismiss(g_steal_pointer(&seat->conn), "closed", reason);
		otter_seat_free(seat);
	}
	otter_log(room->otter->env, OTTER_LOG_INFO, "%s is closed (%s)", room->record.id, reason);
}

/* ---- in the room ---- */

enum otter_err otter_room_list(struct otter_room *room, struct otter_conn *conn, json_t *reply, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	if (own_seat(room, conn, e) == NULL)
		return e->err;
	json_object_set_new(reply, "participants", others_json(room, NULL));
	return OTTER_OK;
}

enum otter_err otter_room_update(struct otter_room *room, struct otter_conn *conn, const struct otter_update *update, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *seat = own_seat(room, conn, e);
	if (seat == NULL)
		return e->err;
	if (update->display != NULL) {
		g_free(seat->display);
		seat->display = g_strdup(update->display);
	}
	if (update->media_json != NULL)
		seat->media = update->media;
	if (update->hand >= 0)
		seat->hand = update->hand != 0;
	tell_updated(room, seat);
	return OTTER_OK;
}

enum otter_err otter_room_credentials(struct otter_room *room, struct otter_conn *conn, json_t *reply, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *seat = own_seat(room, conn, e);
	if (seat == NULL)
		return e->err;
	json_object_update_new(reply, seat_credentials(room, seat));
	return OTTER_OK;
}

/* May `from` send this? Pure but for the error. */
static enum otter_err may_signal(const struct otter_room *room, const struct otter_seat *from, const struct otter_seat *to,
	const struct otter_signal *signal, struct otter_error *e)
{
	if (to == NULL)
		return otter_fail(e, OTTER_PARTICIPANT_NOT_FOUND, NULL);
	if (to == from)
		return otter_fail_field(e, "to", "'to' is oneself.");
	if (strcmp(from->instance, signal->from_instance) != 0)
		return otter_fail_field(e, "from_instance", "'from_instance' is not this connection's own.");
	if (room->record.privacy == OTTER_PRIVACY_RELAY && !otter_signal_hides_addresses(signal))
		return otter_fail(e, OTTER_FORBIDDEN, "In a relay room only relay candidates with raddr 0.0.0.0 may be sent.");
	if (to->conn == NULL)
		return otter_fail(e, OTTER_PEER_AWAY, NULL);
	return OTTER_OK;
}

enum otter_err otter_room_signal(struct otter_room *room, struct otter_conn *conn, const struct otter_signal *signal, json_t *reply,
	struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *from = own_seat(room, conn, e);
	if (from == NULL)
		return e->err;
	struct otter_seat *to = seat_of_participant(room, signal->to);
	enum otter_err err = may_signal(room, from, to, signal, e);
	if (err != OTTER_OK)
		return err;
	if (strcmp(to->instance, signal->to_instance) != 0) {
		json_object_set_new(reply, "dropped", json_true());
		return OTTER_OK;
	}
	json_t *event = otter_event_signal(from->participant, signal);
	otter_conn_send(to->conn, event);
	json_decref(event);
	return OTTER_OK;
}

void otter_room_change(struct otter_room *room, const struct otter_room_record *record)
{
	OTTER_LOCKED(&room->lock);
	g_free((char *)room->record.metadata);
	room->record = *record;
	room->record.metadata = g_strdup(record->metadata);
	json_t *event = otter_event("room-updated");
	json_object_set_new(event, "room", room_json(room));
	tell_others(room, NULL, event);
	otter_room_expire_later(room);
	watch_empty(room);
}

bool otter_room_eject(struct otter_room *room, const char *participant)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *seat = seat_of_participant(room, participant);
	if (seat == NULL)
		return false;
	if (seat->conn != NULL)
		dismiss(g_steal_pointer(&seat->conn), "ejected", "ejected");
	seat_end(room, seat, "ejected");
	return true;
}

json_t *otter_room_participants(struct otter_room *room)
{
	OTTER_LOCKED(&room->lock);
	return others_json(room, NULL);
}

bool otter_room_seats(struct otter_room *room, const struct otter_conn *conn, char participant[OTTER_ID_SIZE])
{
	OTTER_LOCKED(&room->lock);
	const struct otter_seat *seat = seat_of_conn(room, conn);
	if (seat != NULL && participant != NULL)
		g_strlcpy(participant, seat->participant, OTTER_ID_SIZE);
	return seat != NULL;
}

bool otter_room_has(struct otter_room *room, const char *participant)
{
	OTTER_LOCKED(&room->lock);
	return seat_of_participant(room, participant) != NULL;
}

unsigned otter_room_count(struct otter_room *room)
{
	OTTER_LOCKED(&room->lock);
	return room->n_seats;
}

/* ---- how it looks from outside ---- */

static const char *status_of(const struct otter_room_record *record, unsigned participants, int64_t now_ms)
{
	if (!otter_room_record_open(record, now_ms))
		return "closed";
	if (participants == 0)
		return "open";
	return (int64_t)participants >= record->max_participants ? "full" : "occupied";
}

static json_t *time_json(int64_t ms)
{
	char text[OTTER_TIME_SIZE];
	if (ms == 0)
		return json_null();
	otter_time_format(ms, text);
	return json_string(text);
}

json_t *otter_room_record_json(const struct otter_room_record *r, unsigned participants, int64_t now_ms)
{
	json_t *metadata = json_loads(r->metadata, 0, NULL);
	return json_pack("{s:s, s:s?, s:s, s:I, s:i, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:I}", "id", r->id, "unique_name",
		r->unique_name[0] ? r->unique_name : NULL, "status", status_of(r, participants, now_ms), "max_participants",
		(json_int_t)r->max_participants, "participants", (int)participants, "privacy", r->privacy == OTTER_PRIVACY_RELAY ? "relay" : "direct",
		"lobby", 0, "locked", 0, "metadata", metadata != NULL ? metadata : json_object(), "created_at", time_json(r->created_ms),
		"updated_at", time_json(r->updated_ms), "expires_at", time_json(r->expires_ms), "empty_timeout", (json_int_t)r->empty_timeout_s);
}
