/* SPDX-License-Identifier: GPL-3.0-or-later
 * A seat: one place in a room. */
#include "seat.h"

#include "conn.h"

#include <glib.h>

const char *otter_role_name(enum otter_role role)
{
	return role == OTTER_ROLE_HOST ? "host" : "guest";
}

json_t *otter_seat_json(const struct otter_seat *seat)
{
	char joined_at[OTTER_TIME_SIZE];
	otter_time_format(seat->joined_ms, joined_at);
	return json_pack("{s:s, s:s?, s:s, s:s, s:I, s:I, s:s, s:{s:b, s:b, s:b}, s:b, s:b, s:s}",
		"participant", seat->participant, "identity", seat->identity, "display", seat->display, "role", otter_role_name(seat->role),
		"order", (json_int_t)seat->order, "attach", (json_int_t)seat->attach, "instance", seat->instance,
		"media", "audio", seat->media.audio, "video", seat->media.video, "screen", seat->media.screen,
		"hand", seat->hand, "connected", seat->conn != NULL, "joined_at", joined_at);
}

void otter_seat_free(struct otter_seat *seat)
{
	if (seat == NULL)
		return;
	otter_conn_unref(seat->conn);
	g_free(seat->identity);
	g_free(seat->display);
	g_free(seat);
}
