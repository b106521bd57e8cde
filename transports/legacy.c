/* SPDX-License-Identifier: GPL-3.0-or-later
 * The routes of Otter as it was deployed on AWS: the same verbs, in its shapes. */
#include "legacy.h"

#include "core/id.h"
#include "core/key.h"
#include "core/service.h"

#include <glib.h>
#include <string.h>

#define TOKEN_CHARACTERS OTTER_BASE62 "-_."

/* {"roomId", "unique_name", "status", "created_at", "updated_at", "url"?} of a room of ours: new reference. */
static json_t *otters_room(const json_t *room)
{
	static const char *const same[] = { "unique_name", "status", "created_at", "updated_at", "url" };
	json_t *json = json_object();
	json_object_set(json, "roomId", json_object_get(room, "id"));
	for (size_t i = 0; i < G_N_ELEMENTS(same); i++)
		if (json_object_get(room, same[i]) != NULL)
			json_object_set(json, same[i], json_object_get(room, same[i]));
	return json;
}

static void on_room(void *arg, struct otter_answer *answer)
{
	struct otter_exchange *x = arg;
	if (answer->error.err != OTTER_OK)
		otter_http_answer_error(x, &answer->error);
	else
		otter_http_answer_json(x, 200, otters_room(answer->body));
}

/* The key, with or without "Bearer ". */
static const char *key_of(const struct otter_exchange *x)
{
	const char *bearer = otter_http_bearer(x);
	return bearer != NULL ? bearer : otter_http_header(x, "Authorization");
}

void otter_legacy_create_room(const struct otter_call *c)
{
	struct otter_error e = { 0 };
	const json_t *body = NULL;
	if (!otter_http_is_admin(c->x))
		otter_check_api_key(c->otter, key_of(c->x), OTTER_SCOPE_ROOMS_WRITE | OTTER_SCOPE_TOKENS_MINT, &e);
	if (e.err == OTTER_OK)
		otter_http_json(c->x, &body, &e);
	if (body != NULL && !json_is_object(body))
		otter_fail(&e, OTTER_INVALID_REQUEST, "A JSON object is expected.");
	const json_t *name = json_object_get(body, "uniqueName");
	if (name != NULL && !json_is_string(name))
		otter_fail_field(&e, "uniqueName", "'uniqueName' must be a string.");
	if (e.err != OTTER_OK) {
		otter_http_answer_error(c->x, &e);
		return;
	}
	json_auto_t *ours = json_pack("{s:s*}", "unique_name", json_string_value(name));
	otter_do_room_create(c->otter, ours, &(struct otter_conditions){ 0 }, on_room, c->x);
}

void otter_legacy_get_room(const struct otter_call *c)
{
	otter_do_room_of_token(c->otter, c->id, otter_http_query(c->x, "token"), on_room, c->x);
}

static void on_credentials(void *arg, struct otter_answer *answer)
{
	struct otter_exchange *x = arg;
	size_t i;
	json_t *server;
	if (answer->error.err != OTTER_OK) {
		otter_http_answer_error(x, &answer->error);
		return;
	}
	json_array_foreach(json_object_get(answer->body, "ice_servers"), i, server)
		if (json_object_get(server, "username") != NULL) {
			json_object_set(answer->body, "username", json_object_get(server, "username"));
			json_object_set(answer->body, "credential", json_object_get(server, "credential"));
		}
	otter_http_answer_json(x, 200, g_steal_pointer(&answer->body));
}

void otter_legacy_credentials(const struct otter_call *c)
{
	otter_do_credentials(c->otter, otter_http_query(c->x, "token"), on_credentials, c->x);
}

void otter_legacy_move_page(const struct otter_call *c)
{
	const char *token = otter_http_query(c->x, "token");
	bool harmless = token != NULL && otter_text_made_of(token, TOKEN_CHARACTERS, 1, 4096);
	g_autofree char *where = g_strdup_printf("/room/%s%s%s", c->id, harmless ? "#token=" : "", harmless ? token : "");
	otter_http_set_header(c->x, "Location", where);
	otter_http_set_header(c->x, "Referrer-Policy", "no-referrer");
	otter_http_answer_json(c->x, 302, NULL); /* not for good: a cache must not keep the token */
}
