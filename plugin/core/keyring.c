/* SPDX-License-Identifier: GPL-3.0-or-later
 * Who signs tokens that are good here. */
#include "keyring.h"

#include "latch.h"

#include <string.h>

/* ---- keys from the secret ---- */

/* The kid of a key is made of the secret and the salt, so that another secret beside the same database is noticed. It says nothing of the key. */
static void make_kid(const char *secret, const struct otter_signing_key_record *record, char kid[OTTER_ID_SIZE])
{
	static const char label[] = "kid";
	unsigned char bytes[sizeof label + sizeof record->salt], hash[OTTER_SHA256_SIZE];
	memcpy(bytes, label, sizeof label);
	memcpy(bytes + sizeof label, record->salt, sizeof record->salt);
	otter_hmac_sha256(secret, strlen(secret), bytes, sizeof bytes, hash);
	memcpy(kid, "sk_", 3);
	for (int i = 0; i < OTTER_ID_RANDOM; i++)
		kid[3 + i] = OTTER_BASE62[hash[i] % 62];
	kid[3 + OTTER_ID_RANDOM] = '\0';
}

static void derive(const char *secret, const struct otter_signing_key_record *record, struct otter_signing_key *key)
{
	key->record = *record;
	otter_hmac_sha256(secret, strlen(secret), record->salt, sizeof record->salt, key->secret);
}

static void add_signing_key(struct otter_keyring *k, struct otter_keys *keys, const struct otter_signing_key_record *record)
{
	struct otter_signing_key key;
	derive(k->secret, record, &key);
	g_array_append_val(keys->signing_keys, key);
	otter_wipe(&key, sizeof key);
}

/* ---- the keys in force ---- */

static void issuer_free(void *data)
{
	struct otter_issuer_record *issuer = data;
	g_free((char *)issuer->public_key);
	g_free(issuer);
}

static void *issuer_copy(const void *data, void *unused)
{
	(void)unused;
	struct otter_issuer_record *copy = g_memdup2(data, sizeof *copy);
	copy->public_key = g_strdup(copy->public_key);
	return copy;
}

static void wipe_signing_keys(void *data)
{
	otter_wipe(data, sizeof(struct otter_signing_key));
}

static struct otter_keys *keys_new(void)
{
	struct otter_keys *keys = g_new0(struct otter_keys, 1);
	keys->refs = 1;
	keys->signing_keys = g_array_new(FALSE, FALSE, sizeof(struct otter_signing_key));
	g_array_set_clear_func(keys->signing_keys, wipe_signing_keys);
	keys->issuers = g_ptr_array_new_with_free_func(issuer_free);
	return keys;
}

static void keys_unref(struct otter_keys *keys)
{
	if (!g_atomic_int_dec_and_test(&keys->refs))
		return;
	g_array_free(keys->signing_keys, TRUE);
	g_ptr_array_free(keys->issuers, TRUE);
	g_free(keys);
}

static struct otter_keys *keys_in_force(struct otter_keyring *k)
{
	OTTER_LOCKED(&k->lock);
	g_atomic_int_inc(&k->keys->refs);
	return k->keys;
}

/* A copy of the keys in force, to change and then to put in their place. Changes come one at a time: from the store's completions, and the clock's
 * sweep; so each of them holds the lock from here to there. */
static struct otter_keys *keys_copy(const struct otter_keys *from)
{
	struct otter_keys *keys = keys_new();
	keys->generation = from->generation + 1;
	g_array_append_vals(keys->signing_keys, from->signing_keys->data, from->signing_keys->len);
	g_ptr_array_extend(keys->issuers, from->issuers, issuer_copy, NULL);
	return keys;
}

static void keys_replace(struct otter_keyring *k, struct otter_keys *keys)
{
	keys_unref(k->keys);
	k->keys = keys;
}

void otter_keyring_propose(struct otter_keyring *k, struct otter_signing_key_record *out)
{
	*out = (struct otter_signing_key_record){ .active = true, .created_ms = otter_wall_ms(k->env) };
	otter_random(k->env, out->salt, sizeof out->salt);
	make_kid(k->secret, out, out->kid);
}

/* ---- loading; every step waits for the store, at start-up ---- */

struct loading {
	struct otter_keyring *keyring;
	bool other_secret; /* a key of the store was made with another secret */
	struct otter_latch latch;
};

static void on_deployment_id(void *arg, enum otter_err err, const void *row)
{
	struct loading *l = arg;
	l->keyring->iss = g_strdup(row);
	otter_latch_open(&l->latch, err);
}

static void on_signing_key(void *arg, enum otter_err err, const void *row)
{
	struct loading *l = arg;
	const struct otter_signing_key_record *record = row;
	if (record == NULL) {
		otter_latch_open(&l->latch, err);
		return;
	}
	char kid[OTTER_ID_SIZE];
	make_kid(l->keyring->secret, record, kid);
	l->other_secret = l->other_secret || strcmp(kid, record->kid) != 0;
	add_signing_key(l->keyring, l->keyring->keys, record);
}

static void on_issuer(void *arg, enum otter_err err, const void *row)
{
	struct loading *l = arg;
	if (row != NULL)
		otter_keyring_put_issuer(l->keyring, row);
	else
		otter_latch_open(&l->latch, err);
}

static void on_created(void *arg, enum otter_err err, const void *row)
{
	struct loading *l = arg;
	(void)row;
	otter_latch_open(&l->latch, err);
}

static enum otter_err load_deployment_id(struct loading *l, struct otter_store *store)
{
	char proposal[OTTER_ID_SIZE];
	otter_id_new(l->keyring->env, "ot_", proposal);
	store->ops->deployment_id(store, proposal, on_deployment_id, l);
	return otter_latch_wait(&l->latch);
}

static enum otter_err load_signing_keys(struct loading *l, struct otter_store *store, struct otter_error *e)
{
	store->ops->signing_key_each(store, on_signing_key, l);
	enum otter_err err = otter_latch_wait(&l->latch);
	if (err == OTTER_OK && l->other_secret)
		return otter_fail(
			e, OTTER_UNAVAILABLE, "the signing secret is not the one that this store was made with: restore its file, or no link works any more.");
	if (err != OTTER_OK || l->keyring->keys->signing_keys->len > 0)
		return err;
	struct otter_signing_key_record record;
	otter_keyring_propose(l->keyring, &record);
	store->ops->signing_key_rotate(store, &record, record.created_ms, on_created, l);
	err = otter_latch_wait(&l->latch);
	if (err == OTTER_OK)
		add_signing_key(l->keyring, l->keyring->keys, &record);
	return err;
}

static enum otter_err load_issuers(struct loading *l, struct otter_store *store)
{
	store->ops->issuer_each(store, on_issuer, l);
	return otter_latch_wait(&l->latch);
}

enum otter_err otter_keyring_open(struct otter_keyring *k, const struct otter_env *env, struct otter_store *store, const char *secret, struct otter_error *e)
{
	*k = (struct otter_keyring){ .env = env, .secret = g_strdup(secret) };
	otter_lock_init(&k->lock);
	k->keys = keys_new();
	struct loading l = { .keyring = k };
	otter_latch_init(&l.latch);
	enum otter_err err = load_deployment_id(&l, store);
	if (err == OTTER_OK)
		err = load_signing_keys(&l, store, e);
	if (err == OTTER_OK)
		err = load_issuers(&l, store);
	otter_latch_clear(&l.latch);
	return err == OTTER_OK ? OTTER_OK : otter_fail(e, err, "the signing keys cannot be read from the store.");
}

void otter_keyring_clear(struct otter_keyring *k)
{
	if (k->keys == NULL)
		return;
	otter_wipe(k->secret, strlen(k->secret));
	keys_unref(k->keys);
	g_free(k->secret);
	g_free(k->iss);
	otter_lock_clear(&k->lock);
	*k = (struct otter_keyring){ 0 };
}

/* ---- using ---- */

char *otter_keyring_sign(struct otter_keyring *k, const char *audience, const struct otter_claims *claims)
{
	struct otter_keys *keys = keys_in_force(k);
	const struct otter_signing_key *active = NULL;
	for (guint i = 0; i < keys->signing_keys->len; i++)
		if (g_array_index(keys->signing_keys, struct otter_signing_key, i).record.active) /* one is: see rotate */
			active = &g_array_index(keys->signing_keys, struct otter_signing_key, i);
	char *token = otter_token_sign(active, k->iss, audience, claims);
	keys_unref(keys);
	return token;
}

enum otter_err otter_keyring_verify(struct otter_keyring *k, const char *audience, const char *token, struct otter_claims *out, struct otter_error *e)
{
	struct otter_keys *keys = keys_in_force(k);
	struct otter_token_rules rules = { .keys = (const struct otter_signing_key *)(void *)keys->signing_keys->data,
		.n_keys = keys->signing_keys->len,
		.issuers = (const struct otter_issuer_record *const *)(void *)keys->issuers->pdata,
		.n_issuers = keys->issuers->len,
		.iss = k->iss,
		.audience = audience,
		.now_ms = otter_wall_ms(k->env) };
	enum otter_err err = otter_token_verify(&rules, token, out, e);
	keys_unref(keys);
	return err;
}

guint64 otter_keyring_generation(struct otter_keyring *k)
{
	OTTER_LOCKED(&k->lock);
	return k->keys->generation;
}

enum otter_err otter_keyring_still_verifies(struct otter_keyring *k, const char *audience, const char *token, guint64 generation, struct otter_error *e)
{
	struct otter_claims again;
	if (otter_keyring_generation(k) == generation)
		return OTTER_OK;
	enum otter_err err = otter_keyring_verify(k, audience, token, &again, e);
	otter_claims_clear(&again);
	return err;
}

/* ---- signing keys ---- */

void otter_keyring_rotate(struct otter_keyring *k, const struct otter_signing_key_record *key, int64_t verify_until_ms)
{
	OTTER_LOCKED(&k->lock);
	struct otter_keys *keys = keys_copy(k->keys);
	for (guint i = 0; i < keys->signing_keys->len; i++)
		otter_signing_key_retire(&g_array_index(keys->signing_keys, struct otter_signing_key, i).record, verify_until_ms);
	add_signing_key(k, keys, key);
	keys_replace(k, keys);
}

static bool verifies_nothing(const struct otter_signing_key_record *key, int64_t now_ms)
{
	return !key->active && now_ms >= key->verify_until_ms;
}

void otter_keyring_sweep(struct otter_keyring *k)
{
	OTTER_LOCKED(&k->lock);
	int64_t now_ms = otter_wall_ms(k->env);
	struct otter_keys *keys = keys_copy(k->keys);
	for (guint i = keys->signing_keys->len; i > 0; i--)
		if (verifies_nothing(&g_array_index(keys->signing_keys, struct otter_signing_key, i - 1).record, now_ms))
			g_array_remove_index(keys->signing_keys, i - 1);
	keys_replace(k, keys);
}

GArray *otter_keyring_signing_keys(struct otter_keyring *k)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(struct otter_signing_key_record));
	struct otter_keys *keys = keys_in_force(k);
	for (guint i = 0; i < keys->signing_keys->len; i++)
		g_array_append_val(all, g_array_index(keys->signing_keys, struct otter_signing_key, i).record);
	keys_unref(keys);
	return all;
}

/* ---- issuers ---- */

void otter_keyring_put_issuer(struct otter_keyring *k, const struct otter_issuer_record *issuer)
{
	OTTER_LOCKED(&k->lock);
	struct otter_keys *keys = keys_copy(k->keys);
	g_ptr_array_add(keys->issuers, issuer_copy(issuer, NULL));
	keys_replace(k, keys);
}

void otter_keyring_remove_issuer(struct otter_keyring *k, const char *id)
{
	OTTER_LOCKED(&k->lock);
	struct otter_keys *keys = keys_copy(k->keys);
	for (guint i = keys->issuers->len; i > 0; i--)
		if (strcmp(((const struct otter_issuer_record *)keys->issuers->pdata[i - 1])->id, id) == 0)
			g_ptr_array_remove_index(keys->issuers, i - 1);
	keys_replace(k, keys);
}

void otter_keyring_each_issuer(struct otter_keyring *k, void (*fn)(void *arg, const struct otter_issuer_record *issuer), void *arg)
{
	struct otter_keys *keys = keys_in_force(k);
	for (guint i = 0; i < keys->issuers->len; i++)
		fn(arg, keys->issuers->pdata[i]);
	keys_unref(keys);
}
