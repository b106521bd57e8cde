/* SPDX-License-Identifier: GPL-3.0-or-later
 * The HTTP server: one thread, requests that may wait for an answer from elsewhere. The only file that knows libmicrohttpd.
 *
 *   client ──▶ http.c ──handler(exchange)──▶ routes.c          any thread ──otter_http_answer──▶ http.c ──▶ client
 */
#ifndef OTTER_HTTP_H
#define OTTER_HTTP_H

#include "core/env.h"
#include "core/err.h"
#include "core/settings.h"

#include <jansson.h>
#include <stdbool.h>

#define OTTER_HTTP_BODY_MAX 65536 /* bytes of a request's body */

struct otter_http;

/* One request and its answer. Belongs to the server; the handler has it until it has answered. */
struct otter_exchange;

/* Called once for each whole request, in the server's thread. Must end in exactly one otter_http_answer_*, now or later, from any thread. */
typedef void (*otter_http_handler)(void *context, struct otter_exchange *x);

struct otter_http_config {
	const struct otter_env *env;
	const char *listen;                    /* IPv4 address */
	int64_t port;                          /* 0: any */
	const char *socket;                    /* instead of both: the path of a Unix socket, mode 0600, whose users are administrators */
	const struct otter_settings *settings; /* must outlive the server: limits and trusted_proxies are its */
	otter_http_handler handler;
	void *context;
};

/* Listen and serve. NULL with the reason in `e`. */
struct otter_http *otter_http_start(const struct otter_http_config *config, struct otter_error *e);

/* The port it listens on; 0 for a socket. */
int otter_http_port(const struct otter_http *http);

/* Accept nobody any more, wait until every exchange is answered, stop. Blocks. */
void otter_http_stop(struct otter_http *http);

/* ---- the request; all borrowed for the life of the exchange ---- */

const char *otter_http_method(const struct otter_exchange *x);
const char *otter_http_path(const struct otter_exchange *x);                     /* as sent: starts with '/', not decoded, without the query */
const char *otter_http_header(const struct otter_exchange *x, const char *name); /* NULL: absent */
const char *otter_http_request_id(const struct otter_exchange *x);
const char *otter_http_query(const struct otter_exchange *x, const char *name); /* as sent, not decoded; NULL: absent */
const char *otter_http_bearer(const struct otter_exchange *x);                  /* what follows "Bearer " in Authorization, or NULL */
bool otter_http_is_admin(const struct otter_exchange *x);                       /* it came through the admin socket: may do everything */

/* The body as JSON: NULL if there was none. invalid_request if it is not JSON, has a key twice or is too deep; unsupported_media_type. Borrowed. */
enum otter_err otter_http_json(struct otter_exchange *x, const json_t **out, struct otter_error *e);

/* ---- the answer ---- */

/* A header of the answer; before it is sent. Copies. */
void otter_http_set_header(struct otter_exchange *x, const char *name, const char *value);

/* Takes `body` (NULL: none). */
void otter_http_answer_json(struct otter_exchange *x, int status, json_t *body);

/* Whoever has shown too many unknown credentials is answered rate_limited instead of the next unauthorized or token_invalid. */
void otter_http_answer_error(struct otter_exchange *x, const struct otter_error *e);

/* Copies. */
void otter_http_answer_text(struct otter_exchange *x, int status, const char *type, const char *text);

/* Takes `fd`, a file of `size` bytes. */
void otter_http_answer_file(struct otter_exchange *x, const char *type, int fd, size_t size);

#endif
