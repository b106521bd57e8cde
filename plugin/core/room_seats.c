/* SPDX-License-Identifier: GPL-3.0-or-later
 * Who sits down in a room, and who gets up. */
#include "room_private.h"

#include <string.h>

/* ---- joining ---- */

bool room_attach(struct otter_room *room, struct otter_seat *seat, struct otter_conn *conn, const char *instance)
{
	if (seat->conn != NULL && seat->conn != conn)
		room_dismiss(g_steal_pointer(&seat->conn), "ejected", "replaced");
	if (seat->conn == NULL)
		seat->conn = otter_conn_ref(conn);
	seat->connected_ms = otter_wall_ms(room->otter->env);
	otter_conn_seated(conn);
	if (strcmp(seat->instance, instance) == 0)
		return false;
	seat->attach = ++room->last_attach;
	g_strlcpy(seat->instance, instance, sizeof seat->instance);
	return true;
}

void room_keep(struct otter_room *room, const struct otter_seat *seat)
{
	struct otter_store *store = room->otter->store;
	const struct otter_seat_record record = otter_seat_record(seat, room->record.id);
	store->ops->seat_put(store, &record, NULL, NULL);
}

/* The store's completion. */
static void on_kept(void *arg, enum otter_err err, const void *row)
{
	struct otter_conn *conn = arg;
	(void)err, (void)row; /* what could not be kept is a seat all the same, as long as the server lives */
	otter_conn_release(conn);
	otter_conn_unref(conn);
}

void room_keep_before(struct otter_room *room, const struct otter_seat *seat, struct otter_conn *conn)
{
	struct otter_store *store = room->otter->store;
	const struct otter_seat_record record = otter_seat_record(seat, room->record.id);
	otter_conn_hold(conn);
	store->ops->seat_put(store, &record, on_kept, otter_conn_ref(conn));
}

void room_keep_first(struct otter_room *room, const struct otter_seat *seat)
{
	if (seat->conn != NULL)
		room_keep_before(room, seat, seat->conn);
	else
		room_keep(room, seat);
}

void room_sit(struct otter_room *room, struct otter_seat *seat)
{
	seat->order = ++room->last_order;
	seat->joined_ms = otter_wall_ms(room->otter->env);
	room->seats[room->n_seats++] = seat;
	if (room->n_seats == 1)
		room_presence_changed(room, 0);
	otter_observe(&room->otter->observer, "joined", room->record.id, "{s:s, s:s}", "participant", seat->participant, "role", otter_role_name(seat->role));
	otter_log(room->otter->env, OTTER_LOG_INFO, "%s joined %s as %s (%u of %d)", seat->participant, room->record.id, otter_role_name(seat->role),
		room->n_seats, (int)room->record.max_participants);
}

/* May somebody who has no seat here come in, or wait? Pure. A host comes into a locked room too: he may open it. */
static enum otter_err may_enter(const struct otter_room *room, const struct otter_claims *claims, struct otter_error *e)
{
	if (room->closed || room->ending || !otter_room_record_open(&room->record, otter_wall_ms(room->otter->env)))
		return otter_fail(e, OTTER_ROOM_CLOSED, NULL);
	if (room->record.locked && g_strcmp0(claims->role, "host") != 0)
		return otter_fail(e, OTTER_LOCKED, NULL);
	return OTTER_OK;
}

enum otter_err room_has_place(const struct otter_room *room, struct otter_error *e)
{
	if ((int64_t)room->n_seats >= room->record.max_participants)
		return otter_fail(e, OTTER_ROOM_FULL, "The room is full: it has %u places.", room->n_seats);
	return OTTER_OK;
}

/* Right after it was welcomed a seat hears what they share, and a host who waits. */
static void welcome(struct otter_room *room, struct otter_seat *seat, int64_t id)
{
	json_t *reply = otter_reply(id);
	room_welcome(room, seat, reply);
	otter_conn_send(seat->conn, reply);
	json_decref(reply);
	room_tell_state(room, seat);
	if (seat->role == OTTER_ROLE_HOST)
		room_tell_waiting(room, seat);
}

enum otter_err otter_room_join(
	struct otter_room *room, struct otter_conn *conn, int64_t id, const struct otter_join *join, const struct otter_claims *claims, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *seat = room->closed ? NULL : room_seat_of_identity(room, claims->sub);
	if (otter_role_of(claims->role) == OTTER_ROLE_HOST)
		room->record.had_host_token = true;
	if (seat != NULL) {
		if (room_may_take_again(room, seat, e) != OTTER_OK || room_may_welcome(room, e) != OTTER_OK)
			return e->err;
		room_attach(room, seat, conn, join->instance);
		bool was_host = seat->role == OTTER_ROLE_HOST; /* a guest's token makes a guest of him */
		otter_seat_take_over(seat, join, claims);
		room_keep_first(room, seat);
		welcome(room, seat, id);
		room_tell_updated(room, seat);
		if (was_host)
			room_hand_over(room);
		return OTTER_OK;
	}
	enum otter_err err = may_enter(room, claims, e);
	if (err == OTTER_OK && room_must_wait(room, join, claims))
		return room_wait(room, conn, id, join, claims, e);
	if (err == OTTER_OK)
		err = room_has_place(room, e);
	if (err == OTTER_OK)
		err = room_may_welcome(room, e);
	if (err != OTTER_OK)
		return err;
	room_wait_replaced(room, claims->sub, conn);
	seat = otter_seat_new(room->otter->env, join, claims);
	room_sit(room, seat);
	room_attach(room, seat, conn, join->instance);
	room_keep_first(room, seat);
	welcome(room, seat, id);
	room_tell_joined(room, seat);
	return OTTER_OK;
}

enum otter_err otter_room_resume(
	struct otter_room *room, struct otter_conn *conn, int64_t id, const char *participant, const char *instance, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	if (room->closed || room->ending)
		return otter_fail(e, OTTER_ROOM_CLOSED, NULL);
	struct otter_seat *waiting = room_waiting_participant(room, participant);
	struct otter_seat *seat = waiting != NULL ? waiting : room_seat_of_participant(room, participant);
	if (seat == NULL)
		return otter_fail(e, OTTER_SEAT_GONE, NULL);
	if (room_may_take_again(room, seat, e) != OTTER_OK)
		return e->err;
	if (waiting != NULL) {
		room_wait_again(room, waiting, conn, id, instance);
		return OTTER_OK;
	}
	if (room_may_welcome(room, e) != OTTER_OK)
		return e->err;
	if (room_attach(room, seat, conn, instance))
		room_keep_first(room, seat);
	welcome(room, seat, id);
	room_tell_updated(room, seat);
	otter_log(room->otter->env, OTTER_LOG_INFO, "%s resumed in %s", seat->participant, room->record.id);
	return OTTER_OK;
}

/* ---- leaving ---- */

/* Take the seat out of the room and tell the others. Frees it. True: it was a host's. Afterwards seats_ended sees to the rest. */
static bool seat_take_out(struct otter_room *room, struct otter_seat *seat, const char *reason)
{
	bool was_host = seat->role == OTTER_ROLE_HOST;
	otter_seats_take(room->seats, &room->n_seats, seat);
	room->otter->store->ops->seat_end(room->otter->store, seat->participant, NULL, NULL);
	room_tell_others(room, NULL, room_event_left(seat, reason));
	otter_observe(&room->otter->observer, "left", room->record.id, "{s:s, s:s}", "participant", seat->participant, "reason", reason);
	otter_log(room->otter->env, OTTER_LOG_INFO, "%s left %s (%s)", seat->participant, room->record.id, reason);
	otter_seat_free(seat);
	return was_host;
}

/* All seats that end in this moment have: now somebody who stays becomes host, or the room is empty. */
static void seats_ended(struct otter_room *room, bool host)
{
	if (host)
		room_hand_over(room);
	if (room->n_seats == 0) {
		room_forget_state(room);
		room_presence_changed(room, otter_wall_ms(room->otter->env));
		room_watch_empty(room);
	}
}

static void seat_end(struct otter_room *room, struct otter_seat *seat, const char *reason)
{
	seats_ended(room, seat_take_out(room, seat, reason));
}

enum otter_err otter_room_leave(struct otter_room *room, struct otter_conn *conn, char participant[OTTER_ID_SIZE], struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *waiting = room_waiting_conn(room, conn);
	struct otter_seat *seat = waiting == NULL ? room_own_seat(room, conn, e) : NULL;
	if (waiting != NULL || seat != NULL)
		g_strlcpy(participant, (waiting != NULL ? waiting : seat)->participant, OTTER_ID_SIZE);
	if (waiting != NULL)
		room_wait_end(room, waiting, "left");
	else if (seat != NULL)
		seat_end(room, seat, "left");
	return waiting != NULL || seat != NULL ? OTTER_OK : e->err;
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
	struct otter_seat *waiting = room_waiting_participant(away->room, away->participant);
	struct otter_seat *seat = waiting != NULL ? waiting : room_seat_of_participant(away->room, away->participant);
	if (seat == NULL || seat->conn != NULL || otter_mono_ms(o->env) < seat->away_until_ms)
		return;
	if (waiting != NULL)
		room_wait_end(away->room, waiting, "timeout");
	else
		seat_end(away->room, seat, "timeout");
}

/* From now on its owner has `resume_timeout` to come back. */
static void expect(struct otter_room *room, struct otter_seat *seat)
{
	struct otter *o = room->otter;
	otter_conn_unref(g_steal_pointer(&seat->conn)); /* NULL after a restart */
	seat->away_until_ms = otter_mono_ms(o->env) + o->resume_timeout_ms;
	struct away *away = g_new0(struct away, 1);
	away->room = otter_room_ref(room);
	g_strlcpy(away->participant, seat->participant, sizeof away->participant);
	otter_deadlines_add(&o->deadlines, seat->away_until_ms, on_away_timeout, away, away_free);
}

void otter_room_away(struct otter_room *room, struct otter_conn *conn)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *waiting = room_waiting_conn(room, conn), *seat = room_seat_of_conn(room, conn);
	if (waiting != NULL)
		expect(room, waiting);
	if (seat == NULL)
		return;
	expect(room, seat);
	room_tell_updated(room, seat);
	otter_log(room->otter->env, OTTER_LOG_INFO, "%s is away from %s", seat->participant, room->record.id);
}

void otter_room_restore(struct otter_room *room, const struct otter_seat_record *record)
{
	OTTER_LOCKED(&room->lock);
	if (room->closed || room->n_seats == OTTER_ROOM_MAX)
		return;
	struct otter_seat *seat = otter_seat_of_record(record);
	room->seats[room->n_seats++] = seat;
	room->empty_since_ms = 0;
	expect(room, seat);
}

/* ---- putting out ---- */

/* Its owner and the others hear that it was ended. As seat_take_out. */
static bool put_out(struct otter_room *room, struct otter_seat *seat, const char *reason)
{
	if (seat->conn != NULL)
		room_dismiss(g_steal_pointer(&seat->conn), "ejected", reason);
	return seat_take_out(room, seat, "ejected");
}

bool otter_room_eject(struct otter_room *room, const char *participant)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *seat = room_seat_of_participant(room, participant);
	if (seat != NULL)
		seats_ended(room, put_out(room, seat, "ejected"));
	return seat != NULL;
}

static bool came_by(const struct otter_seat *seat, const struct otter_revocation_record *revocation)
{
	return g_strcmp0(revocation->kind == OTTER_REVOKED_JTI ? seat->jti : seat->identity, revocation->value) == 0;
}

static void put_out_who_came_by(struct otter_room *room, const struct otter_revocation_record *revocation)
{
	bool host = false;
	unsigned were = room->n_seats;
	for (unsigned i = were; i > 0; i--)
		if (came_by(room->seats[i - 1], revocation) && put_out(room, room->seats[i - 1], "revoked"))
			host = true;
	if (room->n_seats < were)
		seats_ended(room, host);
}

void otter_room_revoke(struct otter_room *room, const struct otter_revocation_record *revocation, bool out)
{
	OTTER_LOCKED(&room->lock);
	for (unsigned i = room->n_waiting; i > 0; i--) { /* who waits is not inside yet */
		struct otter_seat *seat = room->waiting[i - 1];
		if (!came_by(seat, revocation))
			continue;
		seat->knocks = true;
		if (revocation->knock)
			continue;
		if (seat->conn != NULL)
			room_dismiss(g_steal_pointer(&seat->conn), "ejected", "revoked");
		room_wait_end(room, seat, "ejected");
	}
	if (out)
		put_out_who_came_by(room, revocation);
}

bool otter_room_came_by(struct otter_room *room, const char *participant, struct otter_revocation_record *out)
{
	OTTER_LOCKED(&room->lock);
	const struct otter_seat *seat = room_seat_of_participant(room, participant);
	if (seat == NULL)
		return false;
	out->kind = seat->identity != NULL ? OTTER_REVOKED_IDENTITY : OTTER_REVOKED_JTI;
	g_strlcpy(out->value, seat->identity != NULL ? seat->identity : seat->jti, sizeof out->value);
	out->knock = seat->identity == NULL;
	return true;
}
