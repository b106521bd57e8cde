/* SPDX-License-Identifier: GPL-3.0-or-later
 * A seat: one place in a room. */
#include "seat.h"

#include "conn.h"

#include <glib.h>
#include <string.h>

const char *otter_role_name(enum otter_role role)
{
	return role == OTTER_ROLE_HOST ? "host" : "guest";
}

enum otter_role otter_role_of(const char *name)
{
	return g_strcmp0(name, "host") == 0 ? OTTER_ROLE_HOST : OTTER_ROLE_GUEST;
}

struct otter_seat *otter_seat_new(const struct otter_env *env, const struct otter_join *join, const struct otter_claims *claims)
{
	struct otter_seat *seat = g_new0(struct otter_seat, 1);
	otter_id_new(env, "pt_", seat->participant);
	seat->identity = g_strdup(claims->sub);
	seat->jti = g_strdup(claims->jti);
	seat->display = g_strdup(join->display != NULL ? join->display : claims->name != NULL ? claims->name : "");
	seat->role = otter_role_of(claims->role);
	seat->media = join->media; /* all false where it was not said */
	seat->joined_ms = otter_wall_ms(env);
	return seat;
}

void otter_seat_take_over(struct otter_seat *seat, const struct otter_join *join, const struct otter_claims *claims)
{
	seat->role = otter_role_of(claims->role);
	g_free(seat->jti);
	seat->jti = g_strdup(claims->jti);
	if (join->display != NULL) {
		g_free(seat->display);
		seat->display = g_strdup(join->display);
	}
	if (join->has_media)
		seat->media = join->media;
}

struct otter_seat_record otter_seat_record(const struct otter_seat *seat, const char *room)
{
	const struct otter_media *media = &seat->media;
	struct otter_seat_record record = { .host = seat->role == OTTER_ROLE_HOST,
		.flags = (media->audio ? OTTER_SEAT_AUDIO : 0u) | (media->video ? OTTER_SEAT_VIDEO : 0u) | (media->screen ? OTTER_SEAT_SCREEN : 0u) |
			(seat->hand ? OTTER_SEAT_HAND : 0u),
		.order = seat->order,
		.attach = seat->attach,
		.joined_ms = seat->joined_ms };
	g_strlcpy(record.participant, seat->participant, sizeof record.participant);
	g_strlcpy(record.room, room, sizeof record.room);
	g_strlcpy(record.identity, seat->identity != NULL ? seat->identity : "", sizeof record.identity);
	g_strlcpy(record.jti, seat->jti, sizeof record.jti);
	g_strlcpy(record.display, seat->display, sizeof record.display);
	g_strlcpy(record.instance, seat->instance, sizeof record.instance);
	return record;
}

struct otter_seat *otter_seat_of_record(const struct otter_seat_record *record)
{
	struct otter_seat *seat = g_new0(struct otter_seat, 1);
	*seat = (struct otter_seat){ .identity = record->identity[0] != '\0' ? g_strdup(record->identity) : NULL,
		.jti = g_strdup(record->jti),
		.display = g_strdup(record->display),
		.role = record->host ? OTTER_ROLE_HOST : OTTER_ROLE_GUEST,
		.order = record->order,
		.attach = record->attach,
		.media = { (record->flags & OTTER_SEAT_AUDIO) != 0, (record->flags & OTTER_SEAT_VIDEO) != 0, (record->flags & OTTER_SEAT_SCREEN) != 0 },
		.hand = (record->flags & OTTER_SEAT_HAND) != 0,
		.joined_ms = record->joined_ms };
	g_strlcpy(seat->participant, record->participant, sizeof seat->participant);
	g_strlcpy(seat->instance, record->instance, sizeof seat->instance);
	return seat;
}

json_t *otter_seat_json(const struct otter_seat *seat)
{
	char joined_at[OTTER_TIME_SIZE];
	otter_time_format(seat->joined_ms, joined_at);
	return json_pack("{s:s, s:s?, s:s, s:s, s:I, s:I, s:s, s:{s:b, s:b, s:b}, s:b, s:b, s:s}", "participant", seat->participant, "identity", seat->identity,
		"display", seat->display, "role", otter_role_name(seat->role), "order", (json_int_t)seat->order, "attach", (json_int_t)seat->attach, "instance",
		seat->instance, "media", "audio", seat->media.audio, "video", seat->media.video, "screen", seat->media.screen, "hand", seat->hand, "connected",
		seat->conn != NULL, "joined_at", joined_at);
}

struct otter_seat *otter_seats_by_conn(struct otter_seat *const *seats, unsigned n, const struct otter_conn *conn)
{
	for (unsigned i = 0; i < n; i++)
		if (seats[i]->conn == conn)
			return seats[i];
	return NULL;
}

struct otter_seat *otter_seats_by_participant(struct otter_seat *const *seats, unsigned n, const char *participant)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(seats[i]->participant, participant) == 0)
			return seats[i];
	return NULL;
}

struct otter_seat *otter_seats_by_identity(struct otter_seat *const *seats, unsigned n, const char *identity)
{
	for (unsigned i = 0; identity != NULL && i < n; i++)
		if (g_strcmp0(seats[i]->identity, identity) == 0)
			return seats[i];
	return NULL;
}

void otter_seats_take(struct otter_seat **seats, unsigned *n, const struct otter_seat *seat)
{
	unsigned i = 0;
	while (seats[i] != seat)
		i++;
	memmove(&seats[i], &seats[i + 1], (*n - i - 1) * sizeof seats[0]);
	seats[--*n] = NULL;
}

void otter_seat_free(struct otter_seat *seat)
{
	if (seat == NULL)
		return;
	otter_conn_unref(seat->conn);
	g_free(seat->identity);
	g_free(seat->jti);
	g_free(seat->display);
	g_free(seat);
}
