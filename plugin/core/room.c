/* SPDX-License-Identifier: GPL-3.0-or-later
 * A room in memory: its life, who is in it, how it looks. */
#include "room_private.h"

#include "json.h"

#include <string.h>

#define RENEW_AFTER_MS (OTTER_TURN_SEAT_TTL_S * INT64_C(750)) /* 75 % of the life of credentials */

struct otter_room *otter_room_new(struct otter *o, const struct otter_room_record *record)
{
	struct otter_room *room = g_new0(struct otter_room, 1);
	room->refs = 1;
	room->otter = o;
	room->record = *record;
	room->record.metadata = g_strdup(record->metadata);
	room->closed = record->closed_ms != 0;
	room->last_order = record->last_order;
	room->last_attach = record->last_attach;
	otter_lock_init(&room->lock);
	room->entry_noted = record->emptied_ms != OTTER_NEVER_ENTERED;
	if (room->entry_noted) { /* before a restart: since then, or since now if somebody was still inside */
		int64_t ago_ms = record->emptied_ms != 0 ? MAX(otter_wall_ms(o->env) - record->emptied_ms, 0) : 0;
		room->empty_since_ms = otter_mono_ms(o->env) - ago_ms;
	}
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
	for (unsigned i = 0; i < room->n_waiting; i++)
		otter_seat_free(room->waiting[i]);
	room_state_free(room);
	g_free((char *)room->record.metadata);
	otter_lock_clear(&room->lock);
	g_free(room);
}

void otter_room_unref_data(void *room)
{
	otter_room_unref(room);
}

/* ---- who is here ---- */

struct otter_seat *room_seat_of_conn(struct otter_room *room, const struct otter_conn *conn)
{
	return otter_seats_by_conn(room->seats, room->n_seats, conn);
}

struct otter_seat *room_seat_of_participant(struct otter_room *room, const char *participant)
{
	return otter_seats_by_participant(room->seats, room->n_seats, participant);
}

struct otter_seat *room_seat_of_identity(struct otter_room *room, const char *identity)
{
	return otter_seats_by_identity(room->seats, room->n_seats, identity);
}

struct otter_seat *room_own_seat(struct otter_room *room, struct otter_conn *conn, struct otter_error *e)
{
	struct otter_seat *seat = room_seat_of_conn(room, conn);
	if (seat == NULL)
		otter_fail(e, OTTER_CONFLICT, "This connection has no seat: join or resume first.");
	return seat;
}

/* ---- telling ---- */

/* Takes `event`. */
void room_tell_others(struct otter_room *room, const struct otter_seat *except, json_t *event)
{
	for (unsigned i = 0; i < room->n_seats; i++)
		if (room->seats[i] != except && room->seats[i]->conn != NULL)
			otter_conn_send(room->seats[i]->conn, event);
	json_decref(event);
}

void room_tell_hosts(struct otter_room *room, json_t *event)
{
	for (unsigned i = 0; i < room->n_seats; i++)
		if (room->seats[i]->role == OTTER_ROLE_HOST && room->seats[i]->conn != NULL)
			otter_conn_send(room->seats[i]->conn, event);
	json_decref(event);
}

json_t *room_event_about(const char *name, const struct otter_seat *seat)
{
	json_t *event = otter_event(name);
	json_object_set_new(event, "participant", otter_seat_json(seat));
	return event;
}

void room_tell_updated(struct otter_room *room, const struct otter_seat *seat)
{
	room_tell_others(room, seat, room_event_about("participant-updated", seat));
}

void room_tell_joined(struct otter_room *room, const struct otter_seat *seat)
{
	room_tell_others(room, seat, room_event_about("participant-joined", seat));
	if (room->n_waiting > 0)
		room_hand_over(room);
}

json_t *room_event_left(const struct otter_seat *seat, const char *reason)
{
	json_t *event = otter_event("participant-left");
	json_object_set_new(event, "participant", json_string(seat->participant));
	json_object_set_new(event, "reason", json_string(reason));
	return event;
}

void room_dismiss(struct otter_conn *conn, const char *event_name, const char *reason)
{
	json_t *event = otter_event(event_name);
	if (reason != NULL)
		json_object_set_new(event, "reason", json_string(reason));
	otter_conn_send(conn, event);
	json_decref(event);
	otter_conn_unref(conn);
}

static json_t *limits_json(void)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "message_bytes", OTTER_MESSAGE_MAX, "display_characters", OTTER_DISPLAY_MAX, "candidates",
		OTTER_CANDIDATES_MAX, "signals_per_second", OTTER_SIGNALS_PER_SECOND, "signals_burst", OTTER_SIGNALS_BURST, "state_keys", OTTER_STATE_KEYS,
		"state_bytes", OTTER_STATE_BYTES);
}

json_t *room_credentials(struct otter_room *room, struct otter_seat *seat)
{
	struct otter *o = room->otter;
	seat->renew_ms = otter_mono_ms(o->env) + RENEW_AFTER_MS;
	return otter_turn_credentials(&o->turn, o->env, seat->participant, OTTER_TURN_SEAT_TTL_S, room->record.privacy == OTTER_PRIVACY_RELAY);
}

json_t *room_json(struct otter_room *room)
{
	return otter_room_record_json(&room->record, room->n_seats, otter_wall_ms(room->otter->env));
}

json_t *room_others_json(struct otter_room *room, const struct otter_seat *except)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < room->n_seats; i++)
		if (room->seats[i] != except)
			json_array_append_new(list, otter_seat_json(room->seats[i]));
	return list;
}

char *room_seat_token(struct otter_room *room, const struct otter_seat *seat)
{
	struct otter *o = room->otter;
	struct otter_claims claims = {
		.room = room->record.id, .sub = (char *)seat->participant, .jti = (char *)seat->participant, .iat_s = otter_wall_s(o->env)
	};
	return otter_keyring_sign(&o->keyring, OTTER_AUDIENCE_SEAT, &claims);
}

void room_welcome(struct otter_room *room, struct otter_seat *seat, json_t *message)
{
	struct otter *o = room->otter;
	g_autofree char *token = room_seat_token(room, seat);
	json_object_set_new(message, "me", otter_seat_json(seat));
	json_object_set_new(message, "seat", json_string(token));
	json_object_set_new(message, "room", room_json(room));
	json_object_set_new(message, "participants", room_others_json(room, seat));
	json_object_update_new(message, room_credentials(room, seat));
	json_object_del(message, "expires_at"); /* ttl says it, without anybody's clock */
	json_object_set_new(message, "limits", limits_json());
	json_object_set_new(message, "heartbeat_ms", json_integer(OTTER_HEARTBEAT_MS));
	json_object_set_new(message, "resume_timeout_ms", json_integer(o->resume_timeout_ms));
}

/* ---- settings ---- */

void otter_room_change(struct otter_room *room, const struct otter_room_record *record)
{
	OTTER_LOCKED(&room->lock);
	g_free((char *)room->record.metadata);
	otter_room_record_apply(&room->record, record, OTTER_ROOM_EVERYTHING);
	room->record.metadata = g_strdup(record->metadata);
	room->record.version = record->version;
	if (room->record.emptied_ms != OTTER_NEVER_ENTERED)
		room_note_presence(room);
	json_t *event = otter_event("room-updated");
	json_object_set_new(event, "room", room_json(room));
	room_tell_others(room, NULL, event);
	room_watch_expiry(room);
	room_watch_empty(room);
	if (!room->record.lobby && !room->record.locked)
		room_admit_all(room);
}

/* ---- the end ---- */

static void dismiss_all(struct otter_seat **seats, unsigned *n, const char *reason)
{
	while (*n > 0) {
		struct otter_seat *seat = g_steal_pointer(&seats[--*n]);
		if (seat->conn != NULL)
			room_dismiss(g_steal_pointer(&seat->conn), "closed", reason);
		otter_seat_free(seat);
	}
}

bool otter_room_close(struct otter_room *room, const char *reason)
{
	OTTER_LOCKED(&room->lock);
	if (room->closed)
		return false;
	room->closed = true;
	dismiss_all(room->seats, &room->n_seats, reason);
	dismiss_all(room->waiting, &room->n_waiting, reason);
	room_forget_state(room);
	otter_log(room->otter->env, OTTER_LOG_INFO, "%s is closed (%s)", room->record.id, reason);
	return true;
}

unsigned otter_room_drain(struct otter_room *room, int64_t after_ms)
{
	json_t *event = otter_event("draining");
	json_object_set_new(event, "after_ms", json_integer(after_ms));
	OTTER_LOCKED(&room->lock);
	room_tell_others(room, NULL, event);
	return room->n_seats;
}

/* ---- what others ask ---- */

json_t *otter_room_participants(struct otter_room *room)
{
	OTTER_LOCKED(&room->lock);
	return room_others_json(room, NULL);
}

bool otter_room_seats(struct otter_room *room, const struct otter_conn *conn, bool *waits)
{
	OTTER_LOCKED(&room->lock);
	*waits = room_waiting_conn(room, conn) != NULL;
	return *waits || room_seat_of_conn(room, conn) != NULL;
}

void otter_room_describe(struct otter_room *room, const struct otter_conn *conn, json_t *out)
{
	OTTER_LOCKED(&room->lock);
	const struct otter_seat *waiting = room_waiting_conn(room, conn), *seat = waiting != NULL ? waiting : room_seat_of_conn(room, conn);
	if (seat == NULL)
		return;
	json_object_update_new(out,
		json_pack("{s:s, s:s, s:b, s:o, s:I, s:s, s:s, s:o, s:o}", "room", room->record.id, "participant", seat->participant, "waiting",
			waiting != NULL, "order", waiting != NULL ? json_null() : json_integer(seat->order), "attach", (json_int_t)seat->attach, "instance",
			seat->instance, "role", otter_role_name(seat->role), "joined_at", otter_json_time(seat->joined_ms), "connected_since",
			otter_json_time(seat->connected_ms)));
}

bool otter_room_has(struct otter_room *room, const char *participant, bool *waits)
{
	OTTER_LOCKED(&room->lock);
	*waits = room_waiting_participant(room, participant) != NULL;
	return *waits || room_seat_of_participant(room, participant) != NULL;
}

bool otter_room_locked(struct otter_room *room)
{
	OTTER_LOCKED(&room->lock);
	return room->record.locked;
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

json_t *otter_room_record_json(const struct otter_room_record *r, unsigned participants, int64_t now_ms)
{
	json_t *metadata = json_loads(r->metadata, 0, NULL);
	return json_pack("{s:s, s:s?, s:s, s:I, s:i, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:I}", "id", r->id, "unique_name",
		r->unique_name[0] ? r->unique_name : NULL, "status", status_of(r, participants, now_ms), "max_participants", (json_int_t)r->max_participants,
		"participants", (int)participants, "privacy", r->privacy == OTTER_PRIVACY_RELAY ? "relay" : "direct", "lobby", r->lobby, "locked", r->locked,
		"metadata", metadata != NULL ? metadata : json_object(), "created_at", otter_json_time(r->created_ms), "updated_at",
		otter_json_time(r->updated_ms), "expires_at", otter_json_time(r->expires_ms), "empty_timeout", (json_int_t)r->empty_timeout_s);
}
