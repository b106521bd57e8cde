/* SPDX-License-Identifier: GPL-3.0-or-later
 * What those in a room say to each other. */
#include "room_private.h"

#include <string.h>

enum otter_err otter_room_list(struct otter_room *room, struct otter_conn *conn, json_t *reply, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	if (room_own_seat(room, conn, e) == NULL)
		return e->err;
	json_object_set_new(reply, "participants", room_others_json(room, NULL));
	return OTTER_OK;
}

enum otter_err otter_room_update(struct otter_room *room, struct otter_conn *conn, const struct otter_update *update, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *seat = room_own_seat(room, conn, e);
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
	room_keep(room, seat);
	room_tell_updated(room, seat);
	return OTTER_OK;
}

enum otter_err otter_room_credentials(struct otter_room *room, struct otter_conn *conn, json_t *reply, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *seat = room_own_seat(room, conn, e);
	if (seat == NULL)
		return e->err;
	json_object_update_new(reply, room_credentials(room, seat));
	return OTTER_OK;
}

/* May `from` send this? Pure but for the error. */
static enum otter_err may_signal(
	const struct otter_room *room, const struct otter_seat *from, const struct otter_seat *to, const struct otter_signal *signal, struct otter_error *e)
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

enum otter_err otter_room_signal(struct otter_room *room, struct otter_conn *conn, const struct otter_signal *signal, json_t *reply, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *from = room_own_seat(room, conn, e);
	if (from == NULL)
		return e->err;
	struct otter_seat *to = room_seat_of_participant(room, signal->to);
	enum otter_err err = may_signal(room, from, to, signal, e);
	if (err != OTTER_OK)
		return err;
	if (strcmp(to->instance, signal->to_instance) != 0) {
		json_object_set_new(reply, "dropped", json_true());
		return OTTER_OK;
	}
	if (room_may_say(room, from, to, e) != OTTER_OK)
		return e->err;
	json_t *event = otter_event_signal(from->participant, signal);
	otter_conn_send(to->conn, event);
	json_decref(event);
	return OTTER_OK;
}
