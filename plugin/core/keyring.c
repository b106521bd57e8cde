/* SPDX-License-Identifier: GPL-3.0-or-later
 * The keys that are in force. */
#include "keyring.h"

#include "latch.h"
#include "secret.h"

#include <string.h>

/* ---- loading; every step waits for the store, at start-up ---- */

struct loading {
	struct otter_keyring *keyring;
	const char *secret;
	bool other_secret; /* a key of the store was made with another secret */
	struct otter_latch latch;
};

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
	*key = (struct otter_signing_key){ .active = record->active, .created_ms = record->created_ms };
	g_strlcpy(key->kid, record->kid, sizeof key->kid);
	otter_hmac_sha256(secret, strlen(secret), record->salt, sizeof record->salt, key->secret);
}

static void on_deployment_id(void *arg, enum otter_err err, const void *row)
{
	struct loading *l = arg;
	l->keyring->iss = g_strdup(row);
	otter_latch_open(&l->latch, err);
}

static void on_api_key(void *arg, enum otter_err err, const void *row)
{
	struct loading *l = arg;
	if (row != NULL)
		g_array_append_vals(l->keyring->api_keys, row, 1);
	else
		otter_latch_open(&l->latch, err);
}

static void on_signing_key(void *arg, enum otter_err err, const void *row)
{
	struct loading *l = arg;
	if (row == NULL) {
		otter_latch_open(&l->latch, err);
		return;
	}
	struct otter_signing_key key;
	char kid[OTTER_ID_SIZE];
	make_kid(l->secret, row, kid);
	l->other_secret = l->other_secret || strcmp(kid, ((const struct otter_signing_key_record *)row)->kid) != 0;
	derive(l->secret, row, &key);
	g_array_append_val(l->keyring->signing_keys, key);
	otter_wipe(&key, sizeof key);
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
		return otter_fail(e, OTTER_UNAVAILABLE, "the signing secret is not the one that this store was made with: restore its file, or no link works any more.");
	if (err != OTTER_OK || l->keyring->signing_keys->len > 0)
		return err;
	struct otter_signing_key_record record = { .active = true, .created_ms = otter_wall_ms(l->keyring->env) };
	otter_random(l->keyring->env, record.salt, sizeof record.salt);
	make_kid(l->secret, &record, record.kid);
	store->ops->signing_key_create(store, &record, on_created, l);
	err = otter_latch_wait(&l->latch);
	if (err == OTTER_OK)
		on_signing_key(l, OTTER_OK, &record);
	return err;
}

static enum otter_err load_api_keys(struct loading *l, struct otter_store *store, const char *first_key_file, struct otter_error *e)
{
	store->ops->key_each(store, on_api_key, l);
	enum otter_err err = otter_latch_wait(&l->latch);
	if (err != OTTER_OK || l->keyring->api_keys->len > 0 || first_key_file == NULL)
		return err;
	char text[OTTER_KEY_SIZE];
	struct otter_key_record record;
	otter_key_new(l->keyring->env, "first", OTTER_SCOPE_ALL, text, &record);
	/* The file first: a key in the store that nobody has could never be used. */
	err = otter_secret_save(first_key_file, text, e);
	otter_wipe(text, sizeof text);
	if (err != OTTER_OK)
		return err;
	store->ops->key_create(store, &record, on_created, l);
	err = otter_latch_wait(&l->latch);
	if (err != OTTER_OK)
		return err;
	g_array_append_val(l->keyring->api_keys, record);
	otter_log(l->keyring->env, OTTER_LOG_INFO, "first API key otk_%s written to %s", record.id, first_key_file);
	return OTTER_OK;
}

enum otter_err otter_keyring_open(struct otter_keyring *k, const struct otter_env *env, struct otter_store *store, const char *secret,
	const char *first_key_file, struct otter_error *e)
{
	*k = (struct otter_keyring){ .env = env };
	otter_lock_init(&k->lock);
	k->api_keys = g_array_new(FALSE, FALSE, sizeof(struct otter_key_record));
	k->signing_keys = g_array_new(FALSE, FALSE, sizeof(struct otter_signing_key));
	struct loading l = { .keyring = k, .secret = secret };
	otter_latch_init(&l.latch);
	enum otter_err err = load_deployment_id(&l, store);
	if (err == OTTER_OK)
		err = load_signing_keys(&l, store, e);
	if (err == OTTER_OK)
		err = load_api_keys(&l, store, first_key_file, e);
	otter_latch_clear(&l.latch);
	return err == OTTER_OK ? OTTER_OK : otter_fail(e, err, "the keys cannot be read from the store.");
}

void otter_keyring_clear(struct otter_keyring *k)
{
	if (k->signing_keys == NULL)
		return;
	otter_wipe(k->signing_keys->data, k->signing_keys->len * sizeof(struct otter_signing_key));
	g_array_free(k->signing_keys, TRUE);
	g_array_free(k->api_keys, TRUE);
	g_free(k->iss);
	otter_lock_clear(&k->lock);
	*k = (struct otter_keyring){ 0 };
}

/* ---- using ---- */

enum otter_err otter_keyring_check_api_key(struct otter_keyring *k, const char *text, unsigned scopes, struct otter_error *e)
{
	char id[OTTER_KEY_ID + 1];
	if (text == NULL)
		return otter_fail(e, OTTER_UNAUTHORIZED, "An API key is needed: send it as 'Authorization: Bearer otk_...'.");
	if (g_str_has_prefix(text, "eyJ"))
		return otter_fail(e, OTTER_UNAUTHORIZED, "This is a token, which opens a room and nothing else: an API key is needed here.");
	if (!otter_key_parse(text, id))
		return otter_fail(e, OTTER_UNAUTHORIZED, "This is no API key, or it is incomplete: an API key looks like otk_..._..._...");
	OTTER_LOCKED(&k->lock);
	for (guint i = 0; i < k->api_keys->len; i++) {
		const struct otter_key_record *record = &g_array_index(k->api_keys, struct otter_key_record, i);
		if (strcmp(record->id, id) != 0 || !otter_key_matches(record, text))
			continue;
		if ((record->scopes & scopes) != scopes)
			return otter_fail(e, OTTER_FORBIDDEN, "This API key does not have the scope for that.");
		return OTTER_OK;
	}
	return otter_fail(e, OTTER_UNAUTHORIZED, "This API key is not known here.");
}

char *otter_keyring_sign(struct otter_keyring *k, const char *audience, const struct otter_claims *claims)
{
	OTTER_LOCKED(&k->lock);
	for (guint i = k->signing_keys->len; i > 0; i--) { /* the newest that is active */
		const struct otter_signing_key *key = &g_array_index(k->signing_keys, struct otter_signing_key, i - 1);
		if (key->active)
			return otter_token_sign(key, k->iss, audience, claims);
	}
	g_assert_not_reached(); /* open made one */
}

enum otter_err otter_keyring_verify(struct otter_keyring *k, const char *audience, const char *token, struct otter_claims *out,
	struct otter_error *e)
{
	OTTER_LOCKED(&k->lock);
	struct otter_token_rules rules = { .keys = (const struct otter_signing_key *)(void *)k->signing_keys->data, .n_keys = k->signing_keys->len,
		.iss = k->iss, .audience = audience, .now_s = otter_wall_s(k->env) };
	return otter_token_verify(&rules, token, out, e);
}
