/* SPDX-License-Identifier: GPL-3.0-or-later
 * A connection: a sink, and the seat that its owner took through it. What a face makes for each client.
 *
 *   face ──otter_conn_request──▶ conn ──▶ room          room ──otter_conn_send──▶ conn ──sink.send──▶ face */
#ifndef OTTER_CONN_H
#define OTTER_CONN_H

#include "lock.h"
#include "otter.h"
#include "sink.h"

struct otter_conn;

/* For a sink, which is kept alive (ops->ref) as long as the connection is. New reference. */
struct otter_conn *otter_conn_new(struct otter *o, const struct otter_sink_ops *ops, void *sink);
struct otter_conn *otter_conn_ref(struct otter_conn *conn);
void otter_conn_unref(struct otter_conn *conn); /* NULL is fine */

/* Do what `body` asks for (plugin/PROTOCOL.md); borrows it. The reply as new reference, or NULL when it comes through the sink: later, or
 * already. Never fails: what cannot be done is a reply too. */
json_t *otter_conn_request(struct otter_conn *conn, const json_t *body);

/* The sink is gone: nothing is sent any more, and the seat, if there is one, is away. To be called before the last unref of who made it; a second time
 * it does nothing. */
void otter_conn_gone(struct otter_conn *conn);

/* End it from our side: its seat is away, its sink is closed. */
void otter_conn_close(struct otter_conn *conn);

/* Whose connection this is, for an operator: {} for nobody's, else {"room", "participant", "waiting", "order", "attach", "instance", "role", "joined_at",
 * "connected_since"}; order is null while he waits. No secret, and no name. New reference. */
json_t *otter_conn_describe(struct otter_conn *conn);

/* ---- for the core's own files ---- */

/* Borrows `message`. */
void otter_conn_send(struct otter_conn *conn, json_t *message);

#endif
