/* SPDX-License-Identifier: GPL-3.0-or-later
 * The API keys that are in force. */
#include "api_keys.h"

#include "latch.h"
#include "secret.h"

#include <string.h>

struct held_key {
	struct otter_key_record record;
	bool used;         /* since the last flush */
	double allowance;  /* requests that may come at once: a token bucket of one second */
	int64_t filled_ms; /* monotonic; 0: not yet, it is full */
};

/* ---- the table ---- */

void otter_api_keys_put(struct otter_api_keys *a, const struct otter_key_record *record)
{
	OTTER_LOCKED(&a->lock);
	struct held_key *held = g_hash_table_lookup(a->keys, record->id);
	if (held == NULL) {
		held = g_new0(struct held_key, 1);
		held->record = *record;
		g_hash_table_insert(a->keys, held->record.id, held);
		return;
	}
	int64_t used_ms = held->record.used_ms, uses = held->record.uses; /* ours are newer than the store's */
	held->record = *record;
	held->record.used_ms = used_ms;
	held->record.uses = uses;
}

void otter_api_keys_remove(struct otter_api_keys *a, const char *id)
{
	OTTER_LOCKED(&a->lock);
	g_hash_table_remove(a->keys, id);
}

bool otter_api_keys_get(struct otter_api_keys *a, const char *id, struct otter_key_record *out)
{
	OTTER_LOCKED(&a->lock);
	const struct held_key *held = g_hash_table_lookup(a->keys, id);
	if (held != NULL)
		*out = held->record;
	return held != NULL;
}

static gint by_creation(gconstpointer a, gconstpointer b)
{
	const struct otter_key_record *x = a, *y = b;
	return x->created_ms != y->created_ms ? (x->created_ms > y->created_ms) - (x->created_ms < y->created_ms) : strcmp(x->id, y->id);
}

GArray *otter_api_keys_all(struct otter_api_keys *a)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(struct otter_key_record));
	GHashTableIter it;
	struct held_key *held;
	{
		OTTER_LOCKED(&a->lock);
		g_hash_table_iter_init(&it, a->keys);
		while (g_hash_table_iter_next(&it, NULL, (void **)&held))
			g_array_append_val(all, held->record);
	}
	g_array_sort(all, by_creation);
	return all;
}

void otter_api_keys_flush(struct otter_api_keys *a, struct otter_store *store)
{
	g_autoptr(GArray) used = g_array_new(FALSE, FALSE, sizeof(struct otter_key_record));
	GHashTableIter it;
	struct held_key *held;
	{
		OTTER_LOCKED(&a->lock);
		g_hash_table_iter_init(&it, a->keys);
		while (g_hash_table_iter_next(&it, NULL, (void **)&held))
			if (held->used) {
				held->used = false;
				g_array_append_val(used, held->record);
			}
	}
	for (guint i = 0; i < used->len; i++) {
		const struct otter_key_record *key = &g_array_index(used, struct otter_key_record, i);
		store->ops->key_used(store, key->id, key->used_ms, key->uses, NULL, NULL);
	}
}

/* ---- using ---- */

/* May the key do one more request now? With the lock held. */
static bool take_one(struct otter_api_keys *a, struct held_key *held)
{
	int64_t now_ms = otter_mono_ms(a->env);
	double rate = (double)a->rate_per_s;
	if (a->rate_per_s == 0)
		return true;
	held->allowance = held->filled_ms == 0 ? rate : MIN(rate, held->allowance + rate * (double)(now_ms - held->filled_ms) / 1000);
	held->filled_ms = now_ms;
	if (held->allowance < 1)
		return false;
	held->allowance -= 1;
	return true;
}

static enum otter_err use(struct otter_api_keys *a, const char *id, const char *text, unsigned scopes, struct otter_error *e)
{
	OTTER_LOCKED(&a->lock);
	struct held_key *held = g_hash_table_lookup(a->keys, id);
	int64_t now_ms = otter_wall_ms(a->env);
	if (held == NULL || !otter_key_matches(&held->record, text, now_ms))
		return otter_fail(e, OTTER_UNAUTHORIZED, "This API key is not known here.");
	if (held->record.expires_ms != 0 && now_ms >= held->record.expires_ms) {
		e->was_known = true;
		return otter_fail(e, OTTER_UNAUTHORIZED, "This API key has expired.");
	}
	if ((held->record.scopes & scopes) != scopes)
		return otter_fail(e, OTTER_FORBIDDEN, "This API key does not have the scope for that.");
	if (!take_one(a, held))
		return otter_fail(e, OTTER_RATE_LIMITED, "More than %d requests a second by this API key.", (int)a->rate_per_s);
	held->used = true;
	held->record.used_ms = now_ms;
	held->record.uses++;
	return OTTER_OK;
}

enum otter_err otter_api_keys_check(struct otter_api_keys *a, const char *text, unsigned scopes, struct otter_error *e)
{
	char id[OTTER_KEY_ID + 1];
	if (text == NULL)
		return otter_fail(e, OTTER_UNAUTHORIZED, "An API key is needed: send it as 'Authorization: Bearer otk_...'.");
	if (g_str_has_prefix(text, "eyJ"))
		return otter_fail(e, OTTER_UNAUTHORIZED, "This is a token, which opens a room and nothing else: an API key is needed here.");
	if (!otter_key_parse(text, id))
		return otter_fail(e, OTTER_UNAUTHORIZED, "This is no API key, or it is incomplete: an API key looks like otk_..._..._...");
	return use(a, id, text, scopes, e);
}

/* ---- opening; waits for the store ---- */

struct loading {
	struct otter_api_keys *a;
	struct otter_latch latch;
};

static void on_key(void *arg, enum otter_err err, const void *row)
{
	struct loading *l = arg;
	if (row != NULL)
		otter_api_keys_put(l->a, row);
	else
		otter_latch_open(&l->latch, err);
}

static void on_created(void *arg, enum otter_err err, const void *row)
{
	struct loading *l = arg;
	if (row != NULL)
		otter_api_keys_put(l->a, row);
	otter_latch_open(&l->latch, err);
}

static enum otter_err make_first(struct loading *l, struct otter_store *store, const char *file, struct otter_error *e)
{
	char text[OTTER_KEY_SIZE];
	struct otter_key_record record;
	otter_key_new(l->a->env, "first", OTTER_SCOPE_ALL, text, &record);
	/* The file first: a key in the store that nobody has could never be used. */
	enum otter_err err = otter_secret_save(file, text, e);
	otter_wipe(text, sizeof text);
	if (err != OTTER_OK)
		return err;
	store->ops->key_create(store, &record, on_created, l);
	err = otter_latch_wait(&l->latch);
	if (err == OTTER_OK)
		otter_log(l->a->env, OTTER_LOG_INFO, "first API key otk_%s written to %s", record.id, file);
	return err;
}

enum otter_err otter_api_keys_open(
	struct otter_api_keys *a, const struct otter_env *env, struct otter_store *store, const char *first_key_file, struct otter_error *e)
{
	*a = (struct otter_api_keys){ .env = env };
	otter_lock_init(&a->lock);
	a->keys = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	struct loading l = { .a = a };
	otter_latch_init(&l.latch);
	store->ops->key_each(store, on_key, &l);
	enum otter_err err = otter_latch_wait(&l.latch);
	if (err == OTTER_OK && g_hash_table_size(a->keys) == 0 && first_key_file != NULL)
		err = make_first(&l, store, first_key_file, e);
	otter_latch_clear(&l.latch);
	return err == OTTER_OK ? OTTER_OK : otter_fail(e, err, "the API keys cannot be read from the store.");
}

void otter_api_keys_clear(struct otter_api_keys *a)
{
	if (a->keys == NULL)
		return;
	g_hash_table_destroy(a->keys);
	otter_lock_clear(&a->lock);
	*a = (struct otter_api_keys){ 0 };
}
