/* SPDX-License-Identifier: GPL-3.0-or-later
 * How much those in a room may ask and say. The buckets are the seats', so that another connection does not fill them. */
#include "room_private.h"

static unsigned others(const struct otter_room *room)
{
	return room->n_seats > 0 ? room->n_seats - 1 : 0;
}

int64_t otter_room_ask(struct otter_room *room, struct otter_conn *conn, unsigned *n_others)
{
	OTTER_LOCKED(&room->lock);
	struct otter_seat *seat = room_seat_of_conn(room, conn);
	*n_others = seat != NULL ? others(room) : 0;
	if (seat == NULL)
		seat = room_waiting_conn(room, conn);
	return otter_conn_take(conn, seat != NULL ? &seat->requests : NULL, *n_others);
}

enum otter_err room_may_take_again(struct otter_room *room, struct otter_seat *seat, struct otter_error *e)
{
	return otter_fail_rate(e, otter_bucket_take(&seat->requests, otter_rate_of_requests(others(room)), otter_mono_ms(room->otter->env)));
}

enum otter_err room_may_welcome(struct otter_room *room, struct otter_error *e)
{
	unsigned values = room->state != NULL ? room->state->len : 0;
	return otter_fail_rate(e, otter_bucket_take_many(&room->told, otter_rate_of_told(), values, otter_mono_ms(room->otter->env)));
}

static bool is_here(const struct otter_room *room, int64_t order)
{
	for (unsigned i = 0; i < room->n_seats; i++)
		if (room->seats[i]->order == order)
			return true;
	return false;
}

/* The bucket of `from` for who has this order: there are as many as there can be others, so one that nobody here has is free for him. */
static struct otter_bucket *pair_bucket(const struct otter_room *room, struct otter_seat *from, int64_t order)
{
	struct otter_pair *free = NULL;
	for (unsigned i = 0; i < G_N_ELEMENTS(from->pairs); i++) {
		if (from->pairs[i].order == order)
			return &from->pairs[i].signals;
		if (free == NULL && !is_here(room, from->pairs[i].order))
			free = &from->pairs[i];
	}
	*free = (struct otter_pair){ .order = order };
	return &free->signals;
}

enum otter_err room_may_say(struct otter_room *room, struct otter_seat *from, const struct otter_seat *to, struct otter_error *e)
{
	return otter_fail_rate(e, otter_bucket_take(pair_bucket(room, from, to->order), otter_rate_of_pair(), otter_mono_ms(room->otter->env)));
}

enum otter_err room_may_set(struct otter_room *room, struct otter_seat *seat, struct otter_error *e)
{
	return otter_fail_rate(e, otter_bucket_take(&seat->sets, otter_rate_of_pair(), otter_mono_ms(room->otter->env)));
}
