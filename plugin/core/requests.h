/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a request of signaling does, for the files that have the handlers: requests.c everybody's, and the table of all; requests_host.c those of hosts. */
#ifndef OTTER_REQUESTS_H
#define OTTER_REQUESTS_H

#include "conn_private.h"

/* `reply` is a fresh {"ok": true} for the handler to add to, or to set NULL when the reply goes through the sink. */
typedef enum otter_err request_fn(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e);

/* The room in which the connection has a seat: new reference, or NULL (conflict; also for who waits). */
struct otter_room *request_seated_in(struct otter_conn *conn, struct otter_error *e);

/* ---- a request that waits for the store: its reply comes through the connection that asked and no other, which may have no seat by then, or be gone ---- */

/* From now on the reply comes later: sets *reply NULL. New, for request_answer. */
struct request_asked *request_later(struct otter_conn *conn, int64_t id, json_t **reply);

/* Reply ok, or with this error. Takes `asked`. */
void request_answer(struct request_asked *asked, const struct otter_error *e);

/* ---- hosts (requests_host.c) ---- */

request_fn request_admit, request_deny, request_mute, request_promote, request_eject, request_lock, request_close;

#endif
