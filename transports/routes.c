/* SPDX-License-Identifier: GPL-3.0-or-later
 * The routes of REST. */
#include "routes.h"

#include "legacy.h"

#include "core/id.h"
#include "core/key.h"
#include "core/service.h"

#include <glib.h>
#include <string.h>

#define HOLES 2 /* in a path, at the most */

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

static void list_rooms(const struct otter_call *c)
{
	otter_do_room_list(c->otter, otter_http_query(c->x, "status"), otter_http_query(c->x, "after"), otter_http_query(c->x, "limit"), on_answer,
		c->x);
}

static void create_room(const struct otter_call *c)
{
	struct otter_error e = { 0 };
	const json_t *body;
	if (otter_http_json(c->x, &body, &e) != OTTER_OK)
		otter_http_answer_error(c->x, &e);
	else
		otter_do_room_create(c->otter, body, on_answer, c->x);
}

static void get_room(const struct otter_call *c)
{
	otter_do_room_get(c->otter, c->id, on_answer, c->x);
}

static void change_room(const struct otter_call *c)
{
	struct otter_error e = { 0 };
	const json_t *body;
	if (otter_http_json(c->x, &body, &e) != OTTER_OK)
		otter_http_answer_error(c->x, &e);
	else
		otter_do_room_change(c->otter, c->id, body, on_answer, c->x);
}

static void list_participants(const struct otter_call *c)
{
	otter_do_participant_list(c->otter, c->id, on_answer, c->x);
}

static void eject_participant(const struct otter_call *c)
{
	struct otter_error e = { 0 };
	const char *revoke = otter_http_query(c->x, "revoke");
	if (revoke != NULL && strcmp(revoke, "false") != 0) {
		otter_fail_field(&e, "revoke", "This version cannot revoke a link yet: eject without, or close the room.");
		otter_http_answer_error(c->x, &e);
		return;
	}
	otter_do_participant_eject(c->otter, c->id, c->other_id, on_answer, c->x);
}

static void close_room(const struct otter_call *c)
{
	otter_do_room_close(c->otter, c->id, on_answer, c->x);
}

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

static void config(const struct otter_call *c)
{
	otter_http_answer_json(c->x, 200, otter_config_json(c->otter));
}

static void healthz(const struct otter_call *c)
{
	otter_http_answer_json(c->x, 200, json_pack("{s:s}", "status", "ok"));
}

/* ---- the table ---- */

#define NO_KEY 0u /* open to all, or judged by the verb itself (tokens) */

static const struct route {
	const char *method, *path; /* {}: any one segment */
	unsigned scopes;           /* of the API key that it needs */
	void (*handle)(const struct otter_call *c);
} routes[] = {
	{ "POST", "/v1/rooms", OTTER_SCOPE_ROOMS_WRITE | OTTER_SCOPE_TOKENS_MINT, create_room },
	{ "GET", "/v1/rooms", OTTER_SCOPE_ROOMS_READ, list_rooms },
	{ "GET", "/v1/rooms/{}", OTTER_SCOPE_ROOMS_READ, get_room },
	{ "PATCH", "/v1/rooms/{}", OTTER_SCOPE_ROOMS_WRITE, change_room },
	{ "DELETE", "/v1/rooms/{}", OTTER_SCOPE_ROOMS_WRITE, close_room },
	{ "GET", "/v1/rooms/{}/participants", OTTER_SCOPE_ROOMS_READ, list_participants },
	{ "DELETE", "/v1/rooms/{}/participants/{}", OTTER_SCOPE_ROOMS_WRITE, eject_participant },
	{ "POST", "/v1/connect", NO_KEY, connect_ },
	{ "GET", "/v1/credentials", NO_KEY, credentials },
	{ "GET", "/v1/config", NO_KEY, config },
	{ "GET", "/healthz", NO_KEY, healthz },
	{ "POST", "/v1/createRoom", NO_KEY, otter_legacy_create_room },
	{ "GET", "/v1/room/{}", NO_KEY, otter_legacy_get_room },
	{ "GET", "/otter-meet/{}", NO_KEY, otter_legacy_move_page },
};

/* Does `path` match `pattern`? What stands in its holes goes to `ids` (new strings). */
static bool matches(const char *pattern, const char *path, char *ids[HOLES])
{
	g_auto(GStrv) wanted = g_strsplit(pattern, "/", -1), given = g_strsplit(path, "/", -1);
	size_t n = 0;
	if (g_strv_length(wanted) != g_strv_length(given))
		return false;
	for (size_t i = 0; wanted[i] != NULL; i++)
		if (strcmp(wanted[i], "{}") != 0 ? strcmp(wanted[i], given[i]) != 0 : given[i][0] == '\0')
			return false;
	for (size_t i = 0; wanted[i] != NULL; i++)
		if (strcmp(wanted[i], "{}") == 0)
			ids[n++] = g_steal_pointer(&given[i]);
	return true;
}

static bool is_id(const char *id)
{
	return id == NULL || otter_text_made_of(id, OTTER_BASE62 "._~-", 1, 64);
}

static void run(const struct route *route, const struct otter_call *c)
{
	struct otter_error e = { 0 };
	if (route->scopes != NO_KEY && !otter_http_is_admin(c->x))
		otter_check_api_key(c->otter, otter_http_bearer(c->x), route->scopes, &e);
	if (!is_id(c->id))
		otter_fail(&e, OTTER_ROOM_NOT_FOUND, NULL); /* unless there was no key: the first error wins */
	if (!is_id(c->other_id))
		otter_fail(&e, OTTER_PARTICIPANT_NOT_FOUND, NULL);
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
		char *ids[HOLES] = { NULL };
		if (!matches(routes[i].path, path, ids))
			continue;
		g_autofree char *id = ids[0], *other_id = ids[1];
		if (strcmp(routes[i].method, head ? "GET" : method) == 0) {
			run(&routes[i], &(struct otter_call){ r->otter, x, id, other_id });
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
