/* SPDX-License-Identifier: GPL-3.0-or-later
 * Hosts: what they may ask of those inside, and who becomes one when none is left. */
#include "room_private.h"

struct otter_seat *room_host(struct otter_room *room, struct otter_conn *conn, struct otter_error *e)
{
	struct otter_seat *seat = room_own_seat(room, conn, e);
	if (seat == NULL || seat->role == OTTER_ROLE_HOST)
		return seat;
	otter_fail(e, OTTER_FORBIDDEN, "Only a host may do that.");
	return NULL;
}

enum otter_err otter_room_host(struct otter_room *room, struct otter_conn *conn, char participant[OTTER_ID_SIZE], struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	const struct otter_seat *host = room_host(room, conn, e);
	if (host != NULL)
		g_strlcpy(participant, host->participant, OTTER_ID_SIZE);
	return e->err;
}

bool otter_room_has_host(struct otter_room *room, const char *participant)
{
	OTTER_LOCKED(&room->lock);
	const struct otter_seat *seat = room_seat_of_participant(room, participant);
	return seat != NULL && seat->role == OTTER_ROLE_HOST;
}

/* ---- muting ---- */

enum otter_err otter_room_mute(struct otter_room *room, struct otter_conn *conn, const struct otter_mute *mute, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	const struct otter_seat *host = room_host(room, conn, e);
	if (host == NULL)
		return e->err;
	const struct otter_seat *seat = room_seat_of_participant(room, mute->participant);
	if (seat == NULL)
		return otter_fail(e, OTTER_PARTICIPANT_NOT_FOUND, NULL);
	if (seat->conn == NULL)
		return otter_fail(e, OTTER_PEER_AWAY, NULL);
	json_t *event = otter_event("mute-requested");
	json_object_set_new(event, "by", json_string(host->participant));
	json_object_set_new(event, "kind", json_string(mute->kind));
	otter_conn_send(seat->conn, event);
	json_decref(event);
	return OTTER_OK;
}

/* ---- promoting ---- */

/* He hears it, and who waits, like any host who comes; the others see his new role. `by` is the connection that asked for it, which has its reply when the
 * store has it, or NULL. */
static void promote(struct otter_room *room, struct otter_seat *seat, struct otter_conn *by)
{
	seat->role = OTTER_ROLE_HOST;
	room_keep_first(room, seat);
	if (by != NULL)
		room_keep_before(room, seat, by);
	if (seat->conn != NULL) {
		json_t *event = otter_event("promoted");
		otter_conn_send(seat->conn, event);
		json_decref(event);
		room_tell_waiting(room, seat);
	}
	room_tell_updated(room, seat);
	otter_observe(&room->otter->observer, "promoted", room->record.id, "{s:s}", "participant", seat->participant);
	otter_log(room->otter->env, OTTER_LOG_INFO, "%s is a host of %s", seat->participant, room->record.id);
}

enum otter_err otter_room_promote(struct otter_room *room, struct otter_conn *conn, const char *participant, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	if (room_host(room, conn, e) == NULL)
		return e->err;
	struct otter_seat *seat = room_seat_of_participant(room, participant);
	if (seat == NULL)
		return otter_fail(e, OTTER_PARTICIPANT_NOT_FOUND, NULL);
	if (seat->role != OTTER_ROLE_HOST)
		promote(room, seat, conn);
	return OTTER_OK;
}

/* ---- when there is none ---- */

void otter_room_note_host_token(struct otter_room *room)
{
	OTTER_LOCKED(&room->lock);
	room->record.had_host_token = true;
}

bool room_hand_over(struct otter_room *room)
{
	bool may = !room->closed && !room->record.had_host_token && room->n_seats > 0;
	for (unsigned i = 0; i < room->n_seats; i++)
		may = may && room->seats[i]->role != OTTER_ROLE_HOST;
	if (may)
		promote(room, room->seats[0], NULL);
	return may;
}
