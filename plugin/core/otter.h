/* SPDX-License-Identifier: GPL-3.0-or-later
 * The core of otter: rooms, seats, tokens, relay. Knows neither Janus nor HTTP: two faces (the plugin and the transport) hang on it.
 *
 * The plugin opens the core, the transport borrows it. Every public function may be called from any thread, and none of them blocks,
 * except where it says so. */
#ifndef OTTER_H
#define OTTER_H

#include "env.h"
#include "err.h"
#include "observer.h"
#include "settings.h"
#include "turn.h"

#include <stdbool.h>

#define OTTER_VERSION "0.1.0"

struct otter;

/* How to open. Strings are copied; NULL where it says "optional". */
struct otter_config {
	const struct otter_env *env;     /* must outlive the core */
	const char *store;               /* "memory" or "sqlite:PATH" */
	const char *signing_secret_file; /* made if it is not there; NULL with the memory store: a random one */
	const char *gate_secret_file;    /* optional: Janus' token_auth_secret */
	const char *first_key_file;      /* optional: where the first API key is written, when the store has none */
	const char *public_url;          /* optional: "https://calls.example.org"; see otter_set_public_url */
	const char *signaling_url;       /* "ws://…" as browsers reach it */
	int64_t resume_timeout_s;        /* 1..3600 */
	int64_t token_ttl_s;             /* 1..token_ttl_max_s: of a room's url */
	int64_t token_ttl_max_s;         /* 1..31536000: of any join token */
	int64_t gate_ttl_s;              /* 10..86400: of the token for Janus' own gate */
	int64_t closed_retention_s;      /* 0..31536000: how long a closed room can still be read */
	const struct otter_turn_server *turn_servers;
	size_t n_turn_servers;
	const char *turn_secret_db, *turn_realm; /* optional */
	struct otter_settings settings;          /* its lists may be NULL, its limits 0; public_origin is not looked at */
	struct otter_observer observer;          /* optional: all zero */
	bool own_clock;                          /* run deadlines by a thread of the core; otherwise call otter_tick */
};

/* The values that hold where a configuration is silent. */
#define OTTER_RESUME_TIMEOUT_S 30
#define OTTER_TOKEN_TTL_S (48 * 3600)
#define OTTER_TOKEN_TTL_MAX_S (30 * 24 * 3600)
#define OTTER_GATE_TTL_S (24 * 3600)
#define OTTER_CLOSED_RETENTION_S (7 * 24 * 3600)
#define OTTER_HEARTBEAT_MS 5000
#define OTTER_SILENCE_MS (3 * OTTER_HEARTBEAT_MS) /* two pings are missed, and the third is due */

/* Open the core and register it for otter_ref. Blocks (disk). New reference, or NULL with the reason in `e`. One at a time. */
struct otter *otter_open(const struct otter_config *config, struct otter_error *e);

/* The open core: new reference, or NULL if none is open. */
struct otter *otter_ref(void);

/* Close: no request is served any more (unavailable), everything asked for is answered, the store is closed. Blocks until then.
 * The memory lives until the last reference goes. */
void otter_close(struct otter *o);
void otter_unref(struct otter *o); /* NULL is fine */

/* What room URLs start with, when the configuration does not say: the transport tells where it listens. */
void otter_set_public_url(struct otter *o, const char *url);

/* What the operator set, with every default in place: borrowed for the life of the core, never changed. */
const struct otter_settings *otter_settings(const struct otter *o);

/* Do what is due; returns the ms until something will be (at most 1000). Only without own_clock. */
int64_t otter_tick(struct otter *o);

/* ---- for REST: see service.h; for signaling: see conn.h ---- */

#endif
