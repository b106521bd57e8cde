/* SPDX-License-Identifier: GPL-3.0-or-later
 * The keys that are in force: API keys and signing keys, in memory for every request, in the store for good. */
#ifndef OTTER_KEYRING_H
#define OTTER_KEYRING_H

#include "key.h"
#include "lock.h"
#include "store.h"
#include "token.h"

#include <glib.h>

struct otter_keyring {
	const struct otter_env *env;
	otter_lock lock;
	GArray *api_keys;                /* struct otter_key_record; under lock */
	GArray *signing_keys;            /* struct otter_signing_key; under lock */
	char *iss;                       /* the deployment's id; set once */
};

/* Load what the store has, and make what is missing: the deployment's id, a signing key (from `secret`, which is not kept), and the first API key
 * (all scopes, written to `first_key_file` if that is not NULL). Blocks; for start-up. On failure clear it all the same. */
enum otter_err otter_keyring_open(struct otter_keyring *k, const struct otter_env *env, struct otter_store *store, const char *secret,
	const char *first_key_file, struct otter_error *e);
void otter_keyring_clear(struct otter_keyring *k);

/* Does `text` name a key with all of `scopes`? unauthorized, forbidden or OTTER_OK. */
enum otter_err otter_keyring_check_api_key(struct otter_keyring *k, const char *text, unsigned scopes, struct otter_error *e);

/* Sign with the active key: new string. */
char *otter_keyring_sign(struct otter_keyring *k, const char *audience, const struct otter_claims *claims);

/* As otter_token_verify, against the keys in force. */
enum otter_err otter_keyring_verify(struct otter_keyring *k, const char *audience, const char *token, struct otter_claims *out,
	struct otter_error *e);

#endif
