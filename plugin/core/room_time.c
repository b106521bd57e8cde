/* SPDX-License-Identifier: GPL-3.0-or-later
 * A room's time: it closes at expires_at, and empty_timeout after the last one left; and what those inside have, or that nobody is, has its time too.
 *
 * Its deadlines know it by its id, so that they keep nothing in memory: of a room that was forgotten and entered again the older ones look too early. */
#include "room_private.h"

#define EXPIRY_LOOK_MS 60000 /* the wall clock may jump under an expiry: look again this often */

/* ---- presence: so that a restart does not forget since when a room is empty ---- */

/* Without a lock: the store's own comes before ours. */
static void on_presence_changed(void *context, void *arg)
{
	struct otter *o = context;
	struct otter_room *room = arg;
	int64_t emptied_ms;
	{
		OTTER_LOCKED(&room->lock);
		emptied_ms = room->record.emptied_ms;
		room->presence_noted = false;
	}
	if (otter_enter(o)) {
		o->store->ops->room_emptied(o->store, room->record.id, emptied_ms, NULL, NULL);
		otter_leave(o);
	}
}

void room_note_presence(struct otter_room *room)
{
	bool first = !room->entry_noted;
	if (room->presence_noted || (room->record.empty_timeout_s == 0 && !first))
		return;
	room->entry_noted = true;
	room->presence_noted = true;
	otter_deadlines_add(&room->otter->deadlines, 0, on_presence_changed, otter_room_ref(room), otter_room_unref_data);
}

void room_presence_changed(struct otter_room *room, int64_t emptied_ms)
{
	room->record.emptied_ms = emptied_ms;
	room->idle_since_ms = 0;
	room->empty_since_ms = emptied_ms != 0 ? otter_mono_ms(room->otter->env) : 0;
	room_note_presence(room);
}

/* ---- when its time is over; a deadline of each kind for a room, which looks again when it was too early ---- */

static void on_empty_timeout(void *context, void *arg);

void room_watch_empty(struct otter_room *room)
{
	if (room->closed || room->ending || room->empty_since_ms == 0 || room->record.empty_timeout_s == 0)
		return;
	int64_t look_ms = room->empty_since_ms + room->record.empty_timeout_s * 1000;
	if (room->empty_look_ms != 0 && room->empty_look_ms <= look_ms)
		return;
	room->empty_look_ms = look_ms;
	otter_deadlines_add(&room->otter->deadlines, look_ms, on_empty_timeout, g_strdup(room->record.id), g_free);
}

/* With the lock held. */
static bool empty_for_too_long(const struct otter_room *room)
{
	return !room->closed && !room->ending && room->empty_since_ms != 0 && room->record.empty_timeout_s != 0 &&
		otter_mono_ms(room->otter->env) >= room->empty_since_ms + room->record.empty_timeout_s * 1000;
}

/* Close it as it is known here: if its settings are changed meanwhile, that wins, and its time is looked at again. */
static void end(struct otter_room *room, int64_t version, const char *reason)
{
	otter_close_room(room->otter, room->record.id, version, reason, NULL, NULL);
}

/* The store's completion, in one order with those of joins: who came before has a seat by now and keeps the room open, who comes after finds it ending.
 * Takes a reference. */
static void on_still_empty(void *arg, enum otter_err err, const void *row)
{
	struct otter_room *room = arg;
	struct otter *o = room->otter;
	(void)err, (void)row;
	bool over;
	int64_t version;
	{
		OTTER_LOCKED(&room->lock);
		over = empty_for_too_long(room);
		version = room->record.version;
		room->ending = room->ending || over;
		if (!over)
			room_watch_empty(room);
	}
	if (over)
		end(room, version, "empty");
	otter_room_unref(room);
	otter_leave(o);
}

static void on_empty_timeout(void *context, void *arg)
{
	struct otter *o = context;
	struct otter_room *room = otter_find_room(o, arg);
	bool over;
	if (room == NULL)
		return;
	{
		OTTER_LOCKED(&room->lock);
		if (otter_mono_ms(o->env) >= room->empty_look_ms) /* else a look at another time was asked for meanwhile, and is to come */
			room->empty_look_ms = 0;
		over = empty_for_too_long(room);
		if (!over)
			room_watch_empty(room);
	}
	if (over && otter_enter(o))
		o->store->ops->room_get(o->store, room->record.id, on_still_empty, otter_room_ref(room));
	otter_room_unref(room);
}

static void on_expiry(void *context, void *arg)
{
	struct otter *o = context;
	struct otter_room *room = otter_find_room(o, arg);
	bool over;
	int64_t version;
	if (room == NULL)
		return;
	{
		OTTER_LOCKED(&room->lock);
		over = !room->closed && room->record.expires_ms != 0 && otter_wall_ms(o->env) >= room->record.expires_ms;
		version = room->record.version;
		if (otter_mono_ms(o->env) >= room->expiry_look_ms) /* as above */
			room->expiry_look_ms = 0;
		if (!over)
			room_watch_expiry(room);
	}
	if (over)
		end(room, version, "expired");
	otter_room_unref(room);
}

void room_watch_expiry(struct otter_room *room)
{
	struct otter *o = room->otter;
	if (room->closed || room->record.expires_ms == 0)
		return;
	int64_t look_ms = otter_mono_ms(o->env) + CLAMP(room->record.expires_ms - otter_wall_ms(o->env), 0, EXPIRY_LOOK_MS);
	if (room->expiry_look_ms != 0 && room->expiry_look_ms <= look_ms)
		return;
	room->expiry_look_ms = look_ms;
	otter_deadlines_add(&o->deadlines, look_ms, on_expiry, g_strdup(room->record.id), g_free);
}

void otter_room_watch(struct otter_room *room)
{
	OTTER_LOCKED(&room->lock);
	room->ending = false;
	room_watch_expiry(room);
	room_watch_empty(room);
}

/* ---- what is looked at now and then: see room_table.c ---- */

bool otter_room_idle_for(struct otter_room *room, int64_t ms)
{
	int64_t now_ms = otter_mono_ms(room->otter->env);
	OTTER_LOCKED(&room->lock);
	bool needed = room->n_seats > 0 || room->n_waiting > 0 || room->ending || (room->record.empty_timeout_s != 0 && room->empty_since_ms != 0);
	if (needed)
		room->idle_since_ms = 0;
	else if (room->idle_since_ms == 0)
		room->idle_since_ms = now_ms;
	return !needed && now_ms - room->idle_since_ms >= ms;
}

void otter_room_renew_credentials(struct otter_room *room)
{
	int64_t now_ms = otter_mono_ms(room->otter->env);
	OTTER_LOCKED(&room->lock);
	for (unsigned i = 0; i < room->n_seats; i++) {
		struct otter_seat *seat = room->seats[i];
		if (seat->conn == NULL || now_ms < seat->renew_ms)
			continue;
		json_t *event = otter_event("credentials");
		json_object_update_new(event, room_credentials(room, seat));
		otter_conn_send(seat->conn, event);
		json_decref(event);
	}
}
