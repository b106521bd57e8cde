/* SPDX-License-Identifier: GPL-3.0-or-later
 * Who signs tokens that are good here: our own signing keys, and foreign issuers. In memory for every request, in the store for good. */
#ifndef OTTER_KEYRING_H
#define OTTER_KEYRING_H

#include "lock.h"
#include "store.h"
#include "token.h"

#include <glib.h>

/* The keys in force at one time. Never changes: a change makes another one. So signatures are verified without a lock. */
struct otter_keys {
	gint refs;
	guint64 generation;   /* grows with each change */
	GArray *signing_keys; /* struct otter_signing_key, oldest first */
	GPtrArray *issuers;   /* struct otter_issuer_record, oldest first */
};

struct otter_keyring {
	const struct otter_env *env;
	char *iss;               /* the deployment's id; set once */
	char *secret;            /* of the deployment, from which the signing keys are made */
	otter_lock lock;         /* a leaf */
	struct otter_keys *keys; /* a reference; which, under lock */
};

/* Load what the store has, and make what is missing: the deployment's id, a signing key. Blocks; for start-up. On failure clear it all the same. */
enum otter_err otter_keyring_open(struct otter_keyring *k, const struct otter_env *env, struct otter_store *store, const char *secret, struct otter_error *e);
void otter_keyring_clear(struct otter_keyring *k);

/* Sign with the active key: new string. */
char *otter_keyring_sign(struct otter_keyring *k, const char *audience, const struct otter_claims *claims);

/* As otter_token_verify, against the keys in force. */
enum otter_err otter_keyring_verify(struct otter_keyring *k, const char *audience, const char *token, struct otter_claims *out, struct otter_error *e);

/* Which keys are in force. */
guint64 otter_keyring_generation(struct otter_keyring *k);

/* A token that was good when the keys of `generation` were in force: is it still? token_invalid. */
enum otter_err otter_keyring_still_verifies(struct otter_keyring *k, const char *audience, const char *token, guint64 generation, struct otter_error *e);

/* ---- signing keys ---- */

/* A record for a new one, active. */
void otter_keyring_propose(struct otter_keyring *k, struct otter_signing_key_record *out);

/* The store has it: it signs from now on, the others verify until then. */
void otter_keyring_rotate(struct otter_keyring *k, const struct otter_signing_key_record *key, int64_t verify_until_ms);

/* Forget those that verify nothing any more. */
void otter_keyring_sweep(struct otter_keyring *k);

/* Oldest first: struct otter_signing_key_record, new. */
GArray *otter_keyring_signing_keys(struct otter_keyring *k);

/* ---- issuers ---- */

/* The store has it, or has it no more. put copies. */
void otter_keyring_put_issuer(struct otter_keyring *k, const struct otter_issuer_record *issuer);
void otter_keyring_remove_issuer(struct otter_keyring *k, const char *id);

/* Calls fn(arg, issuer) for each of them, oldest first. */
void otter_keyring_each_issuer(struct otter_keyring *k, void (*fn)(void *arg, const struct otter_issuer_record *issuer), void *arg);

#endif
