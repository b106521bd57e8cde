/* SPDX-License-Identifier: GPL-3.0-or-later
 * TURN credentials: short-lived, one for each participant (RFC 8656; time-limited user names as coturn's use-auth-secret takes them). */
#ifndef OTTER_TURN_H
#define OTTER_TURN_H

#include "env.h"
#include "lock.h"

#include <jansson.h>
#include <stdbool.h>

#define OTTER_TURN_SEAT_TTL_S 3600 /* for a seat; renewed by the SDK at 75 % of it */
#define OTTER_TURN_TOKEN_TTL_S 300 /* for a token before it has joined */

struct otter_turn_server {
	char *url;    /* "turn:host:port": offered as stun, turn over UDP and turn over TCP */
	char *tls;    /* "turns:host:port", or NULL */
	char *region; /* or NULL */
};

struct otter_turn {
	struct otter_turn_server *servers;
	size_t n_servers;
	char *secret_db; /* coturn's SQLite user database, whose newest secret of `realm` signs; or NULL */
	char *realm;
	otter_lock lock;
	char *secret; /* under lock; NULL until one was found */
	bool failing; /* the last refresh found none; only refresh uses it */
};

/* Takes nothing: copies the strings. */
void otter_turn_init(struct otter_turn *turn, const struct otter_turn_server *servers, size_t n, const char *secret_db, const char *realm);
void otter_turn_clear(struct otter_turn *turn);

/* Look for a new secret in the database; says in the log what is wrong with it, once for each change. Blocks for a disk read:
 * for start-up and the core's own clock thread, never for a thread that serves others. */
void otter_turn_refresh(struct otter_turn *turn, const struct otter_env *env);

/* {"ice_servers": [...], "ttl": seconds, "expires_at": "..."}: for user `name`, valid `ttl_s` from now. With `relay_only` no stun is
 * offered. Without a server or a secret the list is empty. New reference. */
json_t *otter_turn_credentials(struct otter_turn *turn, const struct otter_env *env, const char *name, int64_t ttl_s, bool relay_only);

#endif
