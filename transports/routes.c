/* SPDX-License-Identifier: GPL-3.0-or-later
 * The routes of REST. */
#include "routes.h"

#include "core/id.h"
#include "core/key.h"
#include "core/service.h"

#include <glib.h>
#include <string.h>

/* What a handler gets; `id` is what stands in the path for {id}, or NULL. */
struct call {
	struct otter *otter;
	struct otter_exchange *x;
	const char *id;
};

/* ---- answers ---- */

static void on_answer(void *arg, struct otter_answer *answer)
{
	struct otter_exchange *x = arg;
	int status = answer->created ? 201 : answer->body != NULL ? 200 : 204;
	if (answer->error.err != OTTER_OK)
		otter_http_answer_error(x, &answer->error);
	else
		otter_http_answer_json(x, status, g_steal_pointer(&answer->body));
}

/* ---- handlers ---- */

static void create_room(const struct call *c)
{
	struct otter_error e = { 0 };
	const json_t *body;
	if (otter_http_json(c->x, &body, &e) != OTTER_OK)
		otter_http_answer_error(c->x, &e);
	else
		otter_do_room_create(c->otter, body, on_answer, c->x);
}

static void get_room(const struct call *c)
{
	otter_do_room_get(c->otter, c->id, on_answer, c->x);
}

static void close_room(const struct call *c)
{
	otter_do_room_close(c->otter, c->id, on_answer, c->x);
}

static void connect_(const struct call *c)
{
	otter_do_connect(c->otter, otter_http_bearer(c->x), on_answer, c->x);
}

static void credentials(const struct call *c)
{
	otter_do_credentials(c->otter, otter_http_bearer(c->x), on_answer, c->x);
}

static void config(const struct call *c)
{
	otter_http_answer_json(c->x, 200, otter_config_json(c->otter));
}

static void healthz(const struct call *c)
{
	otter_http_answer_json(c->x, 200, json_pack("{s:s}", "status", "ok"));
}

/* ---- the table ---- */

#define NO_KEY 0u /* open to all, or judged by the verb itself (tokens) */

static const struct route {
	const char *method, *path; /* {id}: one segment */
	unsigned scopes;           /* of the API key that it needs */
	void (*handle)(const struct call *c);
} routes[] = {
	{ "POST", "/v1/rooms", OTTER_SCOPE_ROOMS_WRITE | OTTER_SCOPE_TOKENS_MINT, create_room },
	{ "GET", "/v1/rooms/{id}", OTTER_SCOPE_ROOMS_READ, get_room },
	{ "DELETE", "/v1/rooms/{id}", OTTER_SCOPE_ROOMS_WRITE, close_room },
	{ "POST", "/v1/connect", NO_KEY, connect_ },
	{ "GET", "/v1/credentials", NO_KEY, credentials },
	{ "GET", "/v1/config", NO_KEY, config },
	{ "GET", "/healthz", NO_KEY, healthz },
};

/* Does `path` match `pattern`? The segment for {id} goes to `id` (new string). */
static bool matches(const char *pattern, const char *path, char **id)
{
	const char *hole = strstr(pattern, "{id}");
	if (hole == NULL)
		return strcmp(pattern, path) == 0;
	size_t before = (size_t)(hole - pattern);
	const char *after = hole + strlen("{id}");
	if (strncmp(pattern, path, before) != 0)
		return false;
	size_t n = strcspn(path + before, "/");
	if (n == 0 || strcmp(path + before + n, after) != 0)
		return false;
	*id = g_strndup(path + before, n);
	return true;
}

static void run(const struct route *route, const struct call *c)
{
	struct otter_error e = { 0 };
	if (route->scopes != NO_KEY)
		otter_check_api_key(c->otter, otter_http_bearer(c->x), route->scopes, &e);
	if (c->id != NULL && !otter_text_made_of(c->id, OTTER_BASE62 "._~-", 1, 64))
		otter_fail(&e, OTTER_ROOM_NOT_FOUND, NULL); /* unless there was no key: the first error wins */
	if (e.err != OTTER_OK)
		otter_http_answer_error(c->x, &e);
	else
		route->handle(c);
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
		g_autofree char *id = NULL;
		if (!matches(routes[i].path, path, &id))
			continue;
		if (strcmp(routes[i].method, head ? "GET" : method) == 0) {
			run(&routes[i], &(struct call){ r->otter, x, id });
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
