/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which store, by its URL; and what all of them share. */
#include "store.h"

#include <glib.h>

struct otter_store *otter_store_open(const struct otter_env *env, const char *url, struct otter_error *e)
{
	if (g_strcmp0(url, "memory") == 0)
		return otter_store_memory_open();
	if (url != NULL && g_str_has_prefix(url, "sqlite:"))
		return otter_store_sqlite_open(env, url + strlen("sqlite:"), e);
	otter_fail(e, OTTER_INVALID_REQUEST, "store is '%s': write \"memory\" or \"sqlite:/path/to/otter.db\".", url != NULL ? url : "");
	return NULL;
}

bool otter_room_record_open(const struct otter_room_record *room, int64_t now_ms)
{
	return room->closed_ms == 0 && (room->expires_ms == 0 || now_ms < room->expires_ms);
}

void otter_room_record_apply(struct otter_room_record *room, const struct otter_room_record *from, unsigned mask)
{
	if (mask & OTTER_ROOM_MAX_PARTICIPANTS)
		room->max_participants = from->max_participants;
	if (mask & OTTER_ROOM_EMPTY_TIMEOUT)
		room->empty_timeout_s = from->empty_timeout_s;
	if (mask & OTTER_ROOM_EXPIRES)
		room->expires_ms = from->expires_ms;
	if (mask & OTTER_ROOM_METADATA)
		room->metadata = from->metadata;
	if (mask & OTTER_ROOM_LOBBY)
		room->lobby = from->lobby;
	if (mask & OTTER_ROOM_LOCKED)
		room->locked = from->locked;
	room->updated_ms = from->updated_ms;
	room->version++;
}

void otter_signing_key_retire(struct otter_signing_key_record *key, int64_t verify_until_ms)
{
	key->verify_until_ms = key->active ? verify_until_ms : MIN(key->verify_until_ms, verify_until_ms);
	key->active = false;
}

void otter_revocation_merge(struct otter_revocation_record *revocation, const struct otter_revocation_record *from)
{
	revocation->knock = revocation->knock && from->knock;
	revocation->before_s = MAX(revocation->before_s, from->before_s);
	revocation->until_ms = MAX(revocation->until_ms, from->until_ms);
}
