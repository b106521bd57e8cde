/* SPDX-License-Identifier: GPL-3.0-or-later
 * The connections of a server: how many there may be, and how long each may take for its next step. Knows sockets, not HTTP.
 *
 *   opened ──▶ [waits for a request] ──request──▶ [the core has it: no limit] ──answering──▶ [sends] ──done──▶ [waits ...] ──▶ closed
 *                 request_seconds                                                           request_seconds
 *
 * Time counts from the begin of a step to its end, whatever trickles in between: a byte a second holds nothing. */
#ifndef OTTER_CONNECTIONS_H
#define OTTER_CONNECTIONS_H

#include "address.h"

#include "core/env.h"

struct otter_connections;
struct otter_connection;

struct otter_connections_config {
	const struct otter_env *env;         /* must outlive them */
	const struct otter_proxies *proxies; /* the same; whoever comes from one is not counted by address */
	int64_t most, most_per_address, step_s;
	bool own_clock; /* a thread ends those that are late; otherwise call otter_connections_tick */
};

/* New; NULL if there is no thread to be had. Free it after the last connection has been closed. */
struct otter_connections *otter_connections_new(const struct otter_connections_config *config);
void otter_connections_free(struct otter_connections *connections); /* NULL is fine */

/* Is there room for one more from this peer? */
bool otter_connections_admit(struct otter_connections *connections, const struct otter_address *peer);

/* One is there: it waits for a request. New; `fd` is borrowed until otter_connection_closed, which comes before close(fd). */
struct otter_connection *otter_connection_opened(struct otter_connections *connections, const struct otter_address *peer, int fd);
void otter_connection_closed(struct otter_connection *c); /* takes it */

/* A step begins: the time for it starts anew; or the core has the request: there is no limit. Any thread. */
void otter_connection_step(struct otter_connection *c);
void otter_connection_rest(struct otter_connection *c);

/* End (shutdown(2)) those that are late; returns the ms until the next one may be, at most a second. */
int64_t otter_connections_tick(struct otter_connections *connections);

const struct otter_address *otter_connection_peer(const struct otter_connection *c); /* borrowed */

#endif
