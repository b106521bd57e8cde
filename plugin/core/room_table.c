/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of rooms: those in which somebody is, or was a moment ago. All others are rows of the store alone. */
#include "otter_private.h"

#define LOOK_MS 15000 /* how often all of them are looked at */
#define IDLE_MS 60000 /* nobody was in it for so long: it is forgotten. Its counters, and when it was emptied, are the store's */

struct otter_room *otter_find_room(struct otter *o, const char *id)
{
	OTTER_LOCKED(&o->rooms_lock);
	struct otter_room *room = o->rooms != NULL ? g_hash_table_lookup(o->rooms, id) : NULL;
	return room != NULL ? otter_room_ref(room) : NULL;
}

struct otter_room *otter_enter_room(struct otter *o, const struct otter_room_record *record)
{
	OTTER_LOCKED(&o->rooms_lock);
	struct otter_room *room = g_hash_table_lookup(o->rooms, record->id);
	if (room != NULL)
		return otter_room_ref(room);
	room = otter_room_new(o, record);
	g_hash_table_insert(o->rooms, room->record.id, room);
	otter_room_watch(room);
	return otter_room_ref(room);
}

unsigned otter_room_presence(struct otter *o, const char *id)
{
	struct otter_room *room = otter_find_room(o, id);
	unsigned n = room != NULL ? otter_room_count(room) : 0;
	otter_room_unref(room);
	return n;
}

GPtrArray *otter_all_rooms(struct otter *o)
{
	GPtrArray *rooms = g_ptr_array_new_with_free_func(otter_room_unref_data);
	GHashTableIter it;
	struct otter_room *room;
	OTTER_LOCKED(&o->rooms_lock);
	if (o->rooms == NULL)
		return rooms;
	g_hash_table_iter_init(&it, o->rooms);
	while (g_hash_table_iter_next(&it, NULL, (void **)&room))
		g_ptr_array_add(rooms, otter_room_ref(room));
	return rooms;
}

/* Where the table has the only reference, nobody else has the room, and nobody can get it while rooms_lock is held: so nobody is on the way into a
 * room that is forgotten. */
static gboolean can_be_forgotten(gpointer id, gpointer value, gpointer unused)
{
	struct otter_room *room = value;
	(void)id, (void)unused;
	return g_atomic_int_get(&room->refs) == 1 && otter_room_idle_for(room, IDLE_MS);
}

static void forget_idle_rooms(struct otter *o)
{
	OTTER_LOCKED(&o->rooms_lock);
	if (o->rooms != NULL)
		g_hash_table_foreach_remove(o->rooms, can_be_forgotten, NULL);
}

void otter_look_at_rooms(void *context, void *unused)
{
	struct otter *o = context;
	(void)unused;
	forget_idle_rooms(o);
	g_autoptr(GPtrArray) rooms = otter_all_rooms(o);
	for (guint i = 0; i < rooms->len; i++)
		otter_room_renew_credentials(rooms->pdata[i]);
	otter_deadlines_add(&o->deadlines, otter_mono_ms(o->env) + LOOK_MS, otter_look_at_rooms, NULL, NULL);
}
