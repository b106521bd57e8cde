/* SPDX-License-Identifier: GPL-3.0-or-later
 * The open rooms that were read lately. */
#include "room_cache.h"

#include "lock.h"
#include "store.h"

#include <glib.h>

#define ROOMS_AT_MOST 4096 /* about 0.5 kB each, and its metadata */

struct otter_room_cache {
	otter_lock lock;     /* guards both */
	GHashTable *by_id;   /* id -> struct otter_room_record, owned */
	GHashTable *by_name; /* name -> one of them */
};

static void record_free(void *data)
{
	struct otter_room_record *room = data;
	g_free((char *)room->metadata);
	g_free(room);
}

struct otter_room_cache *otter_room_cache_new(void)
{
	struct otter_room_cache *cache = g_new0(struct otter_room_cache, 1);
	otter_lock_init(&cache->lock);
	cache->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, record_free);
	cache->by_name = g_hash_table_new(g_str_hash, g_str_equal);
	return cache;
}

void otter_room_cache_free(struct otter_room_cache *cache)
{
	g_hash_table_destroy(cache->by_name);
	g_hash_table_destroy(cache->by_id);
	otter_lock_clear(&cache->lock);
	g_free(cache);
}

/* ---- with the lock held ---- */

static struct otter_room_record *find(struct otter_room_cache *cache, const char *id_or_name)
{
	struct otter_room_record *room = g_hash_table_lookup(cache->by_id, id_or_name);
	return room != NULL ? room : g_hash_table_lookup(cache->by_name, id_or_name);
}

static void forget(struct otter_room_cache *cache, const char *id_or_name)
{
	struct otter_room_record *room = find(cache, id_or_name);
	if (room == NULL)
		return;
	g_hash_table_remove(cache->by_name, room->unique_name);
	g_hash_table_remove(cache->by_id, room->id);
}

static void clear(struct otter_room_cache *cache)
{
	g_hash_table_remove_all(cache->by_name);
	g_hash_table_remove_all(cache->by_id);
}

/* ---- the operations ---- */

void otter_room_cache_put(struct otter_room_cache *cache, const struct otter_room_record *room)
{
	if (room->closed_ms != 0)
		return;
	struct otter_room_record *copy = g_memdup2(room, sizeof *room);
	copy->metadata = g_strdup(room->metadata);
	OTTER_LOCKED(&cache->lock);
	if (g_hash_table_size(cache->by_id) >= ROOMS_AT_MOST)
		clear(cache);
	forget(cache, copy->id);
	g_hash_table_replace(cache->by_id, copy->id, copy);
	if (copy->unique_name[0] != '\0')
		g_hash_table_replace(cache->by_name, copy->unique_name, copy);
}

void otter_room_cache_forget(struct otter_room_cache *cache, const char *id_or_name)
{
	OTTER_LOCKED(&cache->lock);
	forget(cache, id_or_name);
}

void otter_room_cache_clear(struct otter_room_cache *cache)
{
	OTTER_LOCKED(&cache->lock);
	clear(cache);
}

bool otter_room_cache_get(struct otter_room_cache *cache, const char *id_or_name, int64_t now_ms, struct otter_room_record *out)
{
	OTTER_LOCKED(&cache->lock);
	const struct otter_room_record *room = find(cache, id_or_name);
	if (room == NULL || !otter_room_record_open(room, now_ms))
		return false;
	*out = *room;
	out->metadata = g_strdup(room->metadata);
	return true;
}
