/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store in memory: answers before it returns.
 *
 * Its lock is held while a completion runs, so that completions come one at a time and in order, as from SQLite's one thread. A completion may
 * ask for the next thing, hence recursive. */
#include "store.h"

#include "lock.h"

#include <glib.h>
#include <string.h>

struct memory {
	struct otter_store base;
	otter_lock lock;         /* recursive; guards all below, and is held while a completion runs */
	GHashTable *rooms;       /* id -> struct otter_room_record */
	GPtrArray *keys;         /* struct otter_key_record */
	GPtrArray *signing_keys; /* struct otter_signing_key_record */
	char *deployment_id;
};

static void room_free(void *data)
{
	struct otter_room_record *room = data;
	g_free((char *)room->metadata);
	g_free(room);
}

static struct otter_room_record *room_copy(const struct otter_room_record *room)
{
	struct otter_room_record *copy = g_memdup2(room, sizeof *room);
	copy->metadata = g_strdup(room->metadata);
	return copy;
}

static void memory_close(struct otter_store *store)
{
	struct memory *m = (struct memory *)store;
	otter_lock_release(&(otter_lock *){ otter_lock_take(&m->lock) }); /* whoever answers just now is on the way out */
	g_hash_table_destroy(m->rooms);
	g_ptr_array_free(m->keys, TRUE);
	g_ptr_array_free(m->signing_keys, TRUE);
	g_free(m->deployment_id);
	otter_lock_clear(&m->lock);
	g_free(m);
}

static struct otter_room_record *find_by_name(struct memory *m, const char *name)
{
	GHashTableIter it;
	struct otter_room_record *room;
	g_hash_table_iter_init(&it, m->rooms);
	while (g_hash_table_iter_next(&it, NULL, (void **)&room))
		if (room->closed_ms == 0 && strcmp(room->unique_name, name) == 0)
			return room;
	return NULL;
}

static void memory_room_create(struct otter_store *store, const struct otter_room_record *room, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	struct otter_room_record *namesake = room->unique_name[0] ? find_by_name(m, room->unique_name) : NULL;
	if (namesake != NULL && !otter_room_record_open(namesake, room->created_ms)) {
		namesake->closed_ms = namesake->updated_ms = namesake->expires_ms;
		namesake = NULL;
	}
	if (namesake == NULL)
		g_hash_table_insert(m->rooms, g_strdup(room->id), room_copy(room));
	fn(arg, namesake != NULL ? OTTER_CONFLICT : OTTER_OK, namesake != NULL ? namesake : room);
}

static void memory_room_get(struct otter_store *store, const char *id_or_name, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	struct otter_room_record *room = g_hash_table_lookup(m->rooms, id_or_name);
	if (room == NULL && id_or_name[0] != '\0')
		room = find_by_name(m, id_or_name);
	fn(arg, room != NULL ? OTTER_OK : OTTER_ROOM_NOT_FOUND, room);
}

static void memory_room_close(struct otter_store *store, const char *id, int64_t closed_ms, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	struct otter_room_record *room = g_hash_table_lookup(m->rooms, id);
	if (room != NULL && room->closed_ms == 0)
		room->closed_ms = room->updated_ms = closed_ms;
	fn(arg, room != NULL ? OTTER_OK : OTTER_ROOM_NOT_FOUND, room);
}

static void memory_room_update(struct otter_store *store, const struct otter_room_record *from, unsigned mask, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	struct otter_room_record *room = g_hash_table_lookup(m->rooms, from->id);
	bool open = room != NULL && otter_room_record_open(room, from->updated_ms);
	if (open) {
		char *old = (char *)room->metadata;
		otter_room_record_apply(room, from, mask);
		if (room->metadata != old) {
			room->metadata = g_strdup(room->metadata);
			g_free(old);
		}
	}
	fn(arg, open ? OTTER_OK : room != NULL ? OTTER_ROOM_CLOSED : OTTER_ROOM_NOT_FOUND, open ? room : NULL);
}

static gint by_creation(gconstpointer a, gconstpointer b)
{
	const struct otter_room_record *x = *(struct otter_room_record *const *)a, *y = *(struct otter_room_record *const *)b;
	return x->created_ms != y->created_ms ? (x->created_ms > y->created_ms) - (x->created_ms < y->created_ms) : strcmp(x->id, y->id);
}

static bool wanted(const struct otter_room_record *room, const struct otter_room_query *q)
{
	bool after = room->created_ms > q->after_ms || (room->created_ms == q->after_ms && strcmp(room->id, q->after_id) > 0);
	return after && (otter_room_record_open(room, q->now_ms) ? q->open : q->closed);
}

static void memory_room_each(struct otter_store *store, const struct otter_room_query *query, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	g_autoptr(GPtrArray) rooms = g_ptr_array_new();
	GHashTableIter it;
	struct otter_room_record *room;
	g_hash_table_iter_init(&it, m->rooms);
	while (g_hash_table_iter_next(&it, NULL, (void **)&room))
		if (wanted(room, query))
			g_ptr_array_add(rooms, room);
	g_ptr_array_sort(rooms, by_creation);
	for (guint i = 0; i < rooms->len && i < (guint)query->limit; i++)
		fn(arg, OTTER_OK, rooms->pdata[i]);
	fn(arg, OTTER_OK, NULL);
}

static void memory_key_create(struct otter_store *store, const struct otter_key_record *key, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	enum otter_err err = OTTER_OK;
	OTTER_LOCKED(&m->lock);
	for (guint i = 0; i < m->keys->len; i++)
		if (strcmp(((struct otter_key_record *)m->keys->pdata[i])->id, key->id) == 0)
			err = OTTER_CONFLICT;
	if (err == OTTER_OK)
		g_ptr_array_add(m->keys, g_memdup2(key, sizeof *key));
	fn(arg, err, NULL);
}

static void each(struct memory *m, GPtrArray *rows, otter_store_fn fn, void *arg)
{
	OTTER_LOCKED(&m->lock);
	for (guint i = 0; i < rows->len; i++)
		fn(arg, OTTER_OK, rows->pdata[i]);
	fn(arg, OTTER_OK, NULL);
}

static void memory_key_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	each(m, m->keys, fn, arg);
}

static void memory_signing_key_create(struct otter_store *store, const struct otter_signing_key_record *key, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	g_ptr_array_add(m->signing_keys, g_memdup2(key, sizeof *key));
	fn(arg, OTTER_OK, NULL);
}

static void memory_signing_key_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	each(m, m->signing_keys, fn, arg);
}

static void memory_deployment_id(struct otter_store *store, const char *proposal, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	if (m->deployment_id == NULL)
		m->deployment_id = g_strdup(proposal);
	fn(arg, OTTER_OK, m->deployment_id);
}

static const struct otter_store_ops ops = {
	.close = memory_close,
	.room_create = memory_room_create,
	.room_get = memory_room_get,
	.room_close = memory_room_close,
	.room_update = memory_room_update,
	.room_each = memory_room_each,
	.key_create = memory_key_create,
	.key_each = memory_key_each,
	.signing_key_create = memory_signing_key_create,
	.signing_key_each = memory_signing_key_each,
	.deployment_id = memory_deployment_id,
};

struct otter_store *otter_store_memory_open(void)
{
	struct memory *m = g_new0(struct memory, 1);
	m->base.ops = &ops;
	otter_lock_init_recursive(&m->lock);
	m->rooms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, room_free);
	m->keys = g_ptr_array_new_with_free_func(g_free);
	m->signing_keys = g_ptr_array_new_with_free_func(g_free);
	return &m->base;
}
