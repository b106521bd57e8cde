/* SPDX-License-Identifier: GPL-3.0-or-later
 * The open rooms that were read lately, so that who only looks does not wait in the store's queue. For a store, whose one writer keeps it true:
 * put what was read, forget what was changed before anybody hears that it was. */
#ifndef OTTER_ROOM_CACHE_H
#define OTTER_ROOM_CACHE_H

#include "records.h"

struct otter_room_cache;

struct otter_room_cache *otter_room_cache_new(void);
void otter_room_cache_free(struct otter_room_cache *cache);

/* Keep a copy of `room`, if it is not closed. When there are too many, all others are forgotten. */
void otter_room_cache_put(struct otter_room_cache *cache, const struct otter_room_record *room);

/* Whatever is kept under this id or this name of an open room is true no more. */
void otter_room_cache_forget(struct otter_room_cache *cache, const char *id_or_name);

/* Nothing that is kept is sure. */
void otter_room_cache_clear(struct otter_room_cache *cache);

/* The room with this id or name, if it is kept and open at `now_ms`: true, and its metadata is a new string, the caller's. */
bool otter_room_cache_get(struct otter_room_cache *cache, const char *id_or_name, int64_t now_ms, struct otter_room_record *out);

#endif
