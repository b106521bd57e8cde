/* SPDX-License-Identifier: GPL-3.0-or-later
 * The tokens that open their room no more, by jti or by identity: in memory for every request, in the store for good. */
#ifndef OTTER_REVOCATIONS_H
#define OTTER_REVOCATIONS_H

#include "lock.h"
#include "store.h"
#include "token.h"

#include <glib.h>

struct otter_revocations {
	otter_lock lock;  /* a leaf */
	GHashTable *rows; /* of struct otter_revocation_record, each its own key; under lock */
};

/* Load what the store has. Blocks; for start-up. On failure clear it all the same. */
enum otter_err otter_revocations_open(struct otter_revocations *r, struct otter_store *store, struct otter_error *e);
void otter_revocations_clear(struct otter_revocations *r);

/* The store has it. */
void otter_revocations_put(struct otter_revocations *r, const struct otter_revocation_record *revocation);

/* Forget those that are of no use any more. */
void otter_revocations_sweep(struct otter_revocations *r, int64_t now_ms);

/* May this token still open `room` (its id)? OTTER_OK or token_revoked. Sets *knock if who comes by it has to knock. */
enum otter_err otter_revocations_judge(struct otter_revocations *r, const char *room, const struct otter_claims *claims, bool *knock, struct otter_error *e);

/* What iat a new token of `identity` must have at `now_s`, not to fall under a revocation of the same second. */
int64_t otter_revocations_iat(struct otter_revocations *r, const char *room, const char *identity, int64_t now_s);

#endif
