/* SPDX-License-Identifier: GPL-3.0-or-later
 * The API keys that are in force: in memory for every request, in the store for good. */
#ifndef OTTER_API_KEYS_H
#define OTTER_API_KEYS_H

#include "key.h"
#include "lock.h"
#include "store.h"

#include <glib.h>

struct otter_api_keys {
	const struct otter_env *env;
	int64_t rate_per_s; /* requests of one key; 0: no limit. Set by who opened it, before any request */
	otter_lock lock;    /* a leaf */
	GHashTable *keys;   /* id -> struct held_key; under lock */
};

/* Load what the store has; if it has none, make the first one (all scopes) and write it to `first_key_file`, unless that is NULL. Blocks; for
 * start-up. On failure clear it all the same. */
enum otter_err otter_api_keys_open(
	struct otter_api_keys *a, const struct otter_env *env, struct otter_store *store, const char *first_key_file, struct otter_error *e);
void otter_api_keys_clear(struct otter_api_keys *a);

/* Does `text` (NULL: none was shown) open all of `scopes`? unauthorized, forbidden, rate_limited, or OTTER_OK, and then it counts as a use. */
enum otter_err otter_api_keys_check(struct otter_api_keys *a, const char *text, unsigned scopes, struct otter_error *e);

/* The store has a key anew or changed, or has it no more. */
void otter_api_keys_put(struct otter_api_keys *a, const struct otter_key_record *record);
void otter_api_keys_remove(struct otter_api_keys *a, const char *id);

/* The key `id` as it is now; false if there is none. */
bool otter_api_keys_get(struct otter_api_keys *a, const char *id, struct otter_key_record *out);

/* All of them, oldest first (created_ms, then id): struct otter_key_record, new. */
GArray *otter_api_keys_all(struct otter_api_keys *a);

/* Write down the uses since the last time. */
void otter_api_keys_flush(struct otter_api_keys *a, struct otter_store *store);

#endif
