/* SPDX-License-Identifier: GPL-3.0-or-later
 * The routes of REST. */
#include "routes.h"

#include "legacy.h"
#include "metrics.h"

#include "core/id.h"
#include "core/key.h"
#include "core/service.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#define HOLES 2 /* in a path, at the most */

/* ---- answers ---- */

static void on_answer(void *arg, struct otter_answer *answer)
{
	struct otter_exchange *x = arg;
	int status = answer->created ? 201 : answer->body != NULL ? 200 : 204;
	if (answer->error.err != OTTER_OK) {
		otter_http_answer_error(x, &answer->error);
		return;
	}
	if (answer->version != 0) {
		g_autofree char *etag = g_strdup_printf("\"%" PRId64 "\"", answer->version);
		otter_http_set_header(x, "ETag", etag);
	}
	otter_http_answer_json(x, status, g_steal_pointer(&answer->body));
}

/* ---- what handlers read ---- */

/* The body of the request; false if it is none, and then it is answered. */
static bool read_body(const struct otter_call *c, const json_t **body)
{
	struct otter_error e = { 0 };
	if (otter_http_json(c->x, body, &e) == OTTER_OK)
		return true;
	otter_http_answer_error(c->x, &e);
	return false;
}

static struct otter_conditions conditions_of(const struct otter_call *c)
{
	return (struct otter_conditions){ .if_match = otter_http_header(c->x, "If-Match"),
		.if_none_match = g_strcmp0(otter_http_header(c->x, "If-None-Match"), "*") == 0 };
}

/* A value of the query without its escapes (RFC 3986, 2.1): new, or NULL. What does not decode to text is as if absent. */
static char *decoded_query(const struct otter_call *c, const char *name)
{
	const char *raw = otter_http_query(c->x, name);
	char *text = raw != NULL ? g_uri_unescape_string(raw, NULL) : NULL;
	if (text != NULL && !g_utf8_validate(text, -1, NULL))
		g_clear_pointer(&text, g_free);
	return text;
}

/* ---- rooms ---- */

static void list_rooms(const struct otter_call *c)
{
	otter_do_room_list(c->otter, otter_http_query(c->x, "status"), otter_http_query(c->x, "after"), otter_http_query(c->x, "limit"), on_answer, c->x);
}

static void create_room(const struct otter_call *c)
{
	const json_t *body;
	struct otter_conditions when = conditions_of(c);
	if (read_body(c, &body))
		otter_do_room_create(c->otter, body, &when, on_answer, c->x);
}

static void get_room(const struct otter_call *c)
{
	otter_do_room_get(c->otter, c->id, on_answer, c->x);
}

static void change_room(const struct otter_call *c)
{
	const json_t *body;
	struct otter_conditions when = conditions_of(c);
	if (read_body(c, &body))
		otter_do_room_change(c->otter, c->id, body, &when, on_answer, c->x);
}

static void close_room(const struct otter_call *c)
{
	struct otter_conditions when = conditions_of(c);
	otter_do_room_close(c->otter, c->id, &when, on_answer, c->x);
}

static void list_participants(const struct otter_call *c)
{
	otter_do_participant_list(c->otter, c->id, on_answer, c->x);
}

static void eject_participant(const struct otter_call *c)
{
	otter_do_participant_eject(c->otter, c->id, c->other_id, otter_http_query(c->x, "revoke"), NULL, on_answer, c->x);
}

/* ---- tokens ---- */

static void mint_token(const struct otter_call *c)
{
	const json_t *body;
	if (read_body(c, &body))
		otter_do_token_mint(c->otter, c->id, body, on_answer, c->x);
}

static void revoke_token(const struct otter_call *c)
{
	const struct otter_revoke what = { .jti = c->other_id, .inside = otter_http_query(c->x, "inside") };
	otter_do_token_revoke(c->otter, c->id, &what, on_answer, c->x);
}

static void revoke_tokens(const struct otter_call *c)
{
	g_autofree char *identity = decoded_query(c, "identity");
	const struct otter_revoke what = { .identity = identity, .inside = otter_http_query(c->x, "inside") };
	otter_do_token_revoke(c->otter, c->id, &what, on_answer, c->x);
}

/* ---- keys ---- */

static void list_keys(const struct otter_call *c)
{
	otter_do_key_list(c->otter, otter_http_query(c->x, "after"), otter_http_query(c->x, "limit"), on_answer, c->x);
}

static void create_key(const struct otter_call *c)
{
	const json_t *body;
	if (read_body(c, &body))
		otter_do_key_create(c->otter, body, on_answer, c->x);
}

static void get_key(const struct otter_call *c)
{
	otter_do_key_get(c->otter, c->id, on_answer, c->x);
}

static void delete_key(const struct otter_call *c)
{
	struct otter_conditions when = conditions_of(c);
	otter_do_key_delete(c->otter, c->id, otter_http_query(c->x, "force"), &when, on_answer, c->x);
}

static void rotate_key(const struct otter_call *c)
{
	const json_t *body;
	struct otter_conditions when = conditions_of(c);
	if (read_body(c, &body))
		otter_do_key_rotate(c->otter, c->id, body, &when, on_answer, c->x);
}

/* ---- who signs tokens ---- */

static void list_signing_keys(const struct otter_call *c)
{
	otter_do_signing_key_list(c->otter, on_answer, c->x);
}

static void rotate_signing_key(const struct otter_call *c)
{
	const json_t *body;
	if (read_body(c, &body))
		otter_do_signing_key_rotate(c->otter, body, on_answer, c->x);
}

static void list_issuers(const struct otter_call *c)
{
	otter_do_issuer_list(c->otter, on_answer, c->x);
}

static void create_issuer(const struct otter_call *c)
{
	const json_t *body;
	if (read_body(c, &body))
		otter_do_issuer_create(c->otter, body, on_answer, c->x);
}

static void get_issuer(const struct otter_call *c)
{
	otter_do_issuer_get(c->otter, c->id, on_answer, c->x);
}

static void delete_issuer(const struct otter_call *c)
{
	otter_do_issuer_delete(c->otter, c->id, on_answer, c->x);
}

/* ---- the way in ---- */

static void connect_(const struct otter_call *c)
{
	otter_do_connect(c->otter, otter_http_bearer(c->x), on_answer, c->x);
}

static void credentials(const struct otter_call *c)
{
	if (otter_http_bearer(c->x) == NULL && otter_http_query(c->x, "token") != NULL)
		otter_legacy_credentials(c);
	else
		otter_do_credentials(c->otter, otter_http_bearer(c->x), on_answer, c->x);
}

/* ---- the server ---- */

static void drain(const struct otter_call *c)
{
	const json_t *body;
	if (read_body(c, &body))
		otter_do_drain(c->otter, body, on_answer, c->x);
}

static void config(const struct otter_call *c)
{
	otter_http_answer_json(c->x, 200, otter_config_json(c->otter));
}

static void healthz(const struct otter_call *c)
{
	otter_http_answer_json(c->x, 200, json_pack("{s:s}", "status", "ok"));
}

static void description(const struct otter_call *c)
{
	otter_files_handle(c->files, c->x);
}

static void readyz(const struct otter_call *c)
{
	otter_do_ready(c->otter, on_answer, c->x);
}

/* ---- the table ---- */

#define NO_KEY 0u /* open to all, or judged by the verb itself (tokens) */

static const struct route {
	const char *method, *path; /* {…}: a hole, any one segment */
	unsigned scopes;           /* of the API key that it needs */
	bool cors;                 /* pages of allowed origins may read it */
	void (*handle)(const struct otter_call *c);
} routes[] = {
	{ "POST", "/v1/rooms", OTTER_SCOPE_ROOMS_WRITE | OTTER_SCOPE_TOKENS_MINT, false, create_room },
	{ "GET", "/v1/rooms", OTTER_SCOPE_ROOMS_READ, false, list_rooms },
	{ "GET", "/v1/rooms/{room}", OTTER_SCOPE_ROOMS_READ, false, get_room },
	{ "PATCH", "/v1/rooms/{room}", OTTER_SCOPE_ROOMS_WRITE, false, change_room },
	{ "DELETE", "/v1/rooms/{room}", OTTER_SCOPE_ROOMS_WRITE, false, close_room },
	{ "POST", "/v1/rooms/{room}/tokens", OTTER_SCOPE_TOKENS_MINT, false, mint_token },
	{ "DELETE", "/v1/rooms/{room}/tokens", OTTER_SCOPE_TOKENS_MINT, false, revoke_tokens },
	{ "DELETE", "/v1/rooms/{room}/tokens/{jti}", OTTER_SCOPE_TOKENS_MINT, false, revoke_token },
	{ "GET", "/v1/rooms/{room}/participants", OTTER_SCOPE_ROOMS_READ, false, list_participants },
	{ "DELETE", "/v1/rooms/{room}/participants/{participant}", OTTER_SCOPE_ROOMS_WRITE, false, eject_participant },
	{ "POST", "/v1/connect", NO_KEY, true, connect_ },
	{ "GET", "/v1/credentials", NO_KEY, true, credentials },
	{ "POST", "/v1/keys", OTTER_SCOPE_KEYS_ADMIN, false, create_key },
	{ "GET", "/v1/keys", OTTER_SCOPE_KEYS_ADMIN, false, list_keys },
	{ "GET", "/v1/keys/{id}", OTTER_SCOPE_KEYS_ADMIN, false, get_key },
	{ "DELETE", "/v1/keys/{id}", OTTER_SCOPE_KEYS_ADMIN, false, delete_key },
	{ "POST", "/v1/keys/{id}/rotate", OTTER_SCOPE_KEYS_ADMIN, false, rotate_key },
	{ "GET", "/v1/signing-keys", OTTER_SCOPE_KEYS_ADMIN, false, list_signing_keys },
	{ "POST", "/v1/signing-keys/rotate", OTTER_SCOPE_KEYS_ADMIN, false, rotate_signing_key },
	{ "POST", "/v1/issuers", OTTER_SCOPE_KEYS_ADMIN, false, create_issuer },
	{ "GET", "/v1/issuers", OTTER_SCOPE_KEYS_ADMIN, false, list_issuers },
	{ "GET", "/v1/issuers/{id}", OTTER_SCOPE_KEYS_ADMIN, false, get_issuer },
	{ "DELETE", "/v1/issuers/{id}", OTTER_SCOPE_KEYS_ADMIN, false, delete_issuer },
	{ "POST", "/v1/drain", OTTER_SCOPE_KEYS_ADMIN, false, drain },
	{ "GET", "/v1/config", NO_KEY, true, config },
	{ "GET", "/v1/openapi.yaml", NO_KEY, false, description },
	{ "GET", "/healthz", NO_KEY, false, healthz },
	{ "GET", "/readyz", NO_KEY, false, readyz },
	{ "GET", "/metrics", OTTER_SCOPE_METRICS_READ, false, otter_metrics },
	{ "POST", "/v1/createRoom", NO_KEY, false, otter_legacy_create_room },
	{ "GET", "/v1/room/{room}", NO_KEY, true, otter_legacy_get_room },
	{ "GET", "/otter-meet/{room}", NO_KEY, false, otter_legacy_move_page },
};

/* What it is that a hole names and that cannot exist under such a name. */
static const struct {
	const char *hole;
	enum otter_err missing;
} holes[] = { { "{room}", OTTER_ROOM_NOT_FOUND }, { "{participant}", OTTER_PARTICIPANT_NOT_FOUND }, { "{id}", OTTER_NOT_FOUND }, { "{jti}", OTTER_NOT_FOUND } };

static enum otter_err missing_in(const char *hole)
{
	for (size_t i = 0; i < G_N_ELEMENTS(holes); i++)
		if (g_str_has_prefix(hole, holes[i].hole))
			return holes[i].missing;
	return OTTER_INTERNAL;
}

/* What a path has in a pattern's holes. */
struct match {
	const char *at[HOLES]; /* in the path */
	size_t len[HOLES];
	enum otter_err missing[HOLES];
	size_t n;
};

static bool matches(const char *pattern, const char *path, struct match *out)
{
	out->n = 0;
	while (*pattern != '\0' && *path != '\0') {
		if (*pattern == '{') {
			size_t len = strcspn(path, "/");
			if (len == 0)
				return false;
			out->at[out->n] = path;
			out->missing[out->n] = missing_in(pattern);
			out->len[out->n++] = len;
			path += len;
			pattern = strchr(pattern, '}') + 1;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return *pattern == '\0' && *path == '\0';
}

/* A hole's text: new, or NULL with the error that there is no such thing. */
static char *text_of(const struct match *match, size_t i, struct otter_error *e)
{
	if (i >= match->n)
		return NULL;
	char *text = g_strndup(match->at[i], match->len[i]);
	if (!otter_text_made_of(text, OTTER_BASE62 "._~-", 1, 64))
		otter_fail(e, match->missing[i], NULL);
	return text;
}

static void run(const struct route *route, const struct otter_routes *r, struct otter_exchange *x, const struct match *match)
{
	struct otter_error e = { 0 };
	if (route->scopes != NO_KEY && !otter_http_is_admin(x))
		otter_check_api_key(r->otter, otter_http_bearer(x), route->scopes, &e); /* the first error wins: a stranger learns nothing else */
	g_autofree char *id = text_of(match, 0, &e), *other_id = text_of(match, 1, &e);
	if (e.err != OTTER_OK)
		otter_http_answer_error(x, &e);
	else
		route->handle(&(struct otter_call){ r->otter, r->files, x, id, other_id });
}

static void refuse(struct otter_exchange *x, enum otter_err err, const char *allow)
{
	struct otter_error e = { 0 };
	otter_fail(&e, err, NULL);
	if (allow != NULL)
		otter_http_set_header(x, "Allow", allow);
	otter_http_answer_error(x, &e);
}

void otter_routes_handle(void *context, struct otter_exchange *x)
{
	const struct otter_routes *r = context;
	const char *path = otter_http_path(x), *method = otter_http_method(x);
	bool head = strcmp(method, "HEAD") == 0; /* libmicrohttpd leaves the body out */
	g_autoptr(GString) allow = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(routes); i++) {
		struct match match;
		if (!matches(routes[i].path, path, &match))
			continue;
		if (routes[i].cors && (strcmp(method, "OPTIONS") == 0 || strcmp(routes[i].method, head ? "GET" : method) == 0))
			otter_cors_set_headers(&r->cors, x);
		if (routes[i].cors && otter_cors_answer_preflight(&r->cors, x, routes[i].method))
			return;
		if (strcmp(routes[i].method, head ? "GET" : method) == 0) {
			run(&routes[i], r, x, &match);
			return;
		}
		g_string_append_printf(allow, "%s%s", allow->len > 0 ? ", " : "", routes[i].method);
	}
	if (allow->len > 0)
		refuse(x, OTTER_METHOD_NOT_ALLOWED, allow->str);
	else if (g_str_has_prefix(path, "/v1/"))
		refuse(x, OTTER_NOT_FOUND, NULL);
	else
		otter_files_handle(r->files, x);
}
