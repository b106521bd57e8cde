/* SPDX-License-Identifier: GPL-3.0-or-later
 * Who waits to be let into a room: everybody who is no host where there is a lobby, and who comes by a link that was turned into knock. */
#include "room_private.h"

#include <string.h>

bool room_must_wait(const struct otter_room *room, const struct otter_join *join, const struct otter_claims *claims)
{
	return join->knock || (room->record.lobby && otter_role_of(claims->role) != OTTER_ROLE_HOST);
}

struct otter_seat *room_waiting_conn(struct otter_room *room, const struct otter_conn *conn)
{
	return otter_seats_by_conn(room->waiting, room->n_waiting, conn);
}

struct otter_seat *room_waiting_participant(struct otter_room *room, const char *participant)
{
	return otter_seats_by_participant(room->waiting, room->n_waiting, participant);
}

static struct otter_seat *waiting_identity(struct otter_room *room, const char *identity)
{
	return otter_seats_by_identity(room->waiting, room->n_waiting, identity);
}

/* ---- waiting ---- */

/* The reply to who waits, and hosts hear of him. */
static void tell_that_one_waits(struct otter_room *room, const struct otter_seat *seat, int64_t id)
{
	g_autofree char *token = room_seat_token(room, seat);
	json_t *reply = otter_reply(id);
	json_object_set_new(reply, "waiting", json_true());
	json_object_set_new(reply, "seat", json_string(token));
	json_object_set_new(reply, "participant", json_string(seat->participant));
	json_object_set_new(reply, "heartbeat_ms", json_integer(OTTER_HEARTBEAT_MS));
	json_object_set_new(reply, "resume_timeout_ms", json_integer(room->otter->resume_timeout_ms));
	otter_conn_send(seat->conn, reply);
	json_decref(reply);
	if (!room_hand_over(room))
		room_tell_hosts(room, room_event_about("knock", seat));
}

void room_wait_again(struct otter_room *room, struct otter_seat *seat, struct otter_conn *conn, int64_t id, const char *instance)
{
	room_attach(room, seat, conn, instance);
	tell_that_one_waits(room, seat, id);
}

enum otter_err room_wait(
	struct otter_room *room, struct otter_conn *conn, int64_t id, const struct otter_join *join, const struct otter_claims *claims, struct otter_error *e)
{
	struct otter_seat *seat = waiting_identity(room, claims->sub);
	if (seat == NULL && room->n_waiting == OTTER_WAITING_MAX)
		return otter_fail(e, OTTER_ROOM_FULL, "Too many wait to be let in: try again later.");
	if (seat != NULL && room_may_take_again(room, seat, e) != OTTER_OK)
		return e->err;
	if (seat != NULL)
		otter_seat_take_over(seat, join, claims);
	else
		seat = room->waiting[room->n_waiting++] = otter_seat_new(room->otter->env, join, claims);
	seat->knocks = join->knock;
	room_wait_again(room, seat, conn, id, join->instance);
	otter_log(room->otter->env, OTTER_LOG_INFO, "%s waits before %s", seat->participant, room->record.id);
	return OTTER_OK;
}

void room_tell_waiting(struct otter_room *room, const struct otter_seat *host)
{
	for (unsigned i = 0; i < room->n_waiting; i++) {
		json_t *event = room_event_about("knock", room->waiting[i]);
		otter_conn_send(host->conn, event);
		json_decref(event);
	}
}

void room_wait_end(struct otter_room *room, struct otter_seat *seat, const char *reason)
{
	otter_seats_take(room->waiting, &room->n_waiting, seat);
	room_tell_hosts(room, room_event_left(seat, reason));
	otter_seat_free(seat);
}

void room_wait_replaced(struct otter_room *room, const char *identity, const struct otter_conn *by)
{
	struct otter_seat *seat = waiting_identity(room, identity);
	if (seat == NULL)
		return;
	if (seat->conn != NULL && seat->conn != by)
		room_dismiss(g_steal_pointer(&seat->conn), "ejected", "replaced");
	room_wait_end(room, seat, "replaced");
}

/* ---- the end of it ---- */

/* It is a seat from now on; if its owner is away he finds it so when he resumes. */
static void let_in(struct otter_room *room, struct otter_seat *seat)
{
	otter_seats_take(room->waiting, &room->n_waiting, seat);
	room_sit(room, seat);
	seat->attach = ++room->last_attach; /* the newcomer offers */
	room_keep_first(room, seat);
	if (seat->conn != NULL) {
		json_t *event = otter_event("admitted");
		room_welcome(room, seat, event);
		otter_conn_send(seat->conn, event);
		json_decref(event);
		room_tell_state(room, seat);
	}
	room_tell_joined(room, seat);
}

void room_admit_all(struct otter_room *room)
{
	struct otter_error none = { 0 };
	for (unsigned i = 0; i < room->n_waiting;) {
		if (!room->waiting[i]->knocks && room_has_place(room, &none) == OTTER_OK)
			let_in(room, room->waiting[i]);
		else
			i++;
	}
}

/* Who waits, where `conn` may decide about him: NULL with the error. */
static struct otter_seat *waiting_before_host(struct otter_room *room, struct otter_conn *conn, const char *participant, struct otter_error *e)
{
	if (room_host(room, conn, e) == NULL)
		return NULL;
	struct otter_seat *seat = room_waiting_participant(room, participant);
	if (seat == NULL)
		otter_fail(e, OTTER_PARTICIPANT_NOT_FOUND, "Nobody of this id waits.");
	return seat;
}

enum otter_err otter_room_admit(struct otter_room *room, struct otter_conn *conn, const char *participant, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *seat = waiting_before_host(room, conn, participant, e);
	if (seat != NULL && room_has_place(room, e) == OTTER_OK && room_may_welcome(room, e) == OTTER_OK)
		let_in(room, seat);
	return e->err;
}

enum otter_err otter_room_deny(struct otter_room *room, struct otter_conn *conn, const char *participant, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *seat = waiting_before_host(room, conn, participant, e);
	if (seat == NULL)
		return e->err;
	if (seat->conn != NULL)
		room_dismiss(g_steal_pointer(&seat->conn), "denied", NULL);
	room_wait_end(room, seat, "ejected");
	return OTTER_OK;
}
