/* SPDX-License-Identifier: GPL-3.0-or-later
 * The verbs behind REST: API keys. */
#include "answer.h"

#include <string.h>

#define OVERLAP_S (24 * 3600)
#define OVERLAP_MAX_S (30 * 24 * 3600)

static const char *const scope_names[] = { "rooms:read", "rooms:write", "tokens:mint", "keys:admin", "metrics:read" }; /* in the order of enum otter_scope */

/* ---- how a key looks ---- */

static json_t *scopes_json(unsigned scopes)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < G_N_ELEMENTS(scope_names); i++)
		if (scopes & 1u << i)
			json_array_append_new(list, json_string(scope_names[i]));
	return list;
}

/* K of transports/openapi.yaml; with `text`, its "key", too. */
static json_t *key_json(struct otter *o, const struct otter_key_record *key, const char *text)
{
	json_t *json = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:o}", "id", key->id, "name", key->name, "scopes", scopes_json(key->scopes), "created_at",
		otter_json_time(key->created_ms), "expires_at", otter_json_time(key->expires_ms), "last_used_at", otter_json_time(key->used_ms), "uses",
		(json_int_t)key->uses, "overlap_until", otter_json_time(otter_key_overlap_until(key, otter_wall_ms(o->env))));
	if (text != NULL)
		json_object_set_new(json, "key", json_string(text));
	return json;
}

/* A key that is about to be shown for the only time: waits until the store has it. */
struct showing {
	struct pending *p;
	char text[OTTER_KEY_SIZE];
	bool created;
};

static void on_key_to_show(void *arg, enum otter_err err, const void *row)
{
	struct showing *s = arg;
	struct otter *o = s->p->o;
	const struct otter_key_record *key = row;
	if (err != OTTER_OK) {
		struct otter_error e = { 0 };
		otter_fail(&e, err, err == OTTER_CONFLICT ? "This key overlaps with %d older ones already: wait, or rotate with overlap_seconds 0." : NULL,
			OTTER_KEY_SECRETS - 1);
		answer_error(s->p->fn, s->p->arg, &e);
	} else {
		otter_api_keys_put(&o->api_keys, key);
		otter_log(o->env, OTTER_LOG_INFO, "API key otk_%s (%s) was %s", key->id, key->name, s->created ? "made" : "rotated");
		answer_version(s->p->fn, s->p->arg, key_json(o, key, s->text), s->created, key->version);
	}
	pending_end(s->p);
	otter_wipe(s->text, sizeof s->text);
	g_free(s);
}

/* ---- making one ---- */

struct key_spec {
	const char *name;
	const json_t *scopes;
	int64_t expires_ms;
};

static const struct otter_json_field key_fields[] = {
	{ "name", OTTER_JSON_STRING, true, offsetof(struct key_spec, name), 1, OTTER_KEY_NAME_SIZE - 1 },
	{ "scopes", OTTER_JSON_ARRAY, true, offsetof(struct key_spec, scopes), 1, G_N_ELEMENTS(scope_names) },
	{ "expires_at", OTTER_JSON_TIME, false, offsetof(struct key_spec, expires_ms), 0, 0 },
	{ 0 },
};

static unsigned scope_of(const char *name)
{
	for (unsigned i = 0; name != NULL && i < G_N_ELEMENTS(scope_names); i++)
		if (strcmp(scope_names[i], name) == 0)
			return 1u << i;
	return 0;
}

/* 0: one of them is unknown, or stands there twice. */
static unsigned read_scopes(const json_t *list)
{
	unsigned scopes = 0;
	size_t i;
	json_t *name;
	json_array_foreach(list, i, name) {
		unsigned scope = scope_of(json_string_value(name));
		if (scope == 0 || (scopes & scope) != 0)
			return 0;
		scopes |= scope;
	}
	return scopes;
}

void otter_do_key_create(struct otter *o, const json_t *body, otter_answer_fn fn, void *arg)
{
	struct key_spec spec = { 0 };
	struct otter_error e = { 0 };
	unsigned scopes = 0;
	if (otter_json_read(body, key_fields, true, &spec, &e) == OTTER_OK) {
		scopes = read_scopes(spec.scopes);
		if (!otter_text_displayable(spec.name, 64))
			otter_fail_field(&e, "name", "'name' must be at most 64 characters, none of them for control or direction.");
		if (scopes == 0)
			otter_fail_field(&e, "scopes", "'scopes' must list some of rooms:read, rooms:write, tokens:mint, keys:admin, metrics:read, each once.");
		if (spec.expires_ms != 0 && spec.expires_ms <= otter_wall_ms(o->env))
			otter_fail_field(&e, "expires_at", "'expires_at' has passed already.");
	}
	if (e.err != OTTER_OK) {
		answer_error(fn, arg, &e);
		return;
	}
	struct pending *p = pending_new(o, fn, arg);
	if (p == NULL)
		return;
	struct otter_key_record record;
	struct showing *s = g_new0(struct showing, 1);
	s->p = p;
	s->created = true;
	otter_key_new(o->env, spec.name, scopes, s->text, &record);
	record.expires_ms = spec.expires_ms;
	o->store->ops->key_create(o->store, &record, on_key_to_show, s);
}

/* ---- looking ---- */

void otter_do_key_list(struct otter *o, const char *after, const char *limit, otter_answer_fn fn, void *arg)
{
	struct otter_error e = { 0 };
	struct page page;
	if (read_page(after, limit, &page, &e) != OTTER_OK) {
		answer_error(fn, arg, &e);
		return;
	}
	g_autoptr(GArray) all = otter_api_keys_all(&o->api_keys);
	json_t *keys = json_array();
	char next[CURSOR_SIZE] = "";
	for (guint i = 0; i < all->len; i++) {
		const struct otter_key_record *key = &g_array_index(all, struct otter_key_record, i);
		if (key->created_ms < page.after_ms || (key->created_ms == page.after_ms && strcmp(key->id, page.after_id) <= 0))
			continue;
		if (json_array_size(keys) == (size_t)page.limit) {
			const struct otter_key_record *last = &g_array_index(all, struct otter_key_record, i - 1);
			write_cursor(last->created_ms, last->id, next);
			break;
		}
		json_array_append_new(keys, key_json(o, key, NULL));
	}
	answer_body(fn, arg, json_pack("{s:o, s:s?}", "keys", keys, "next", next[0] != '\0' ? next : NULL));
}

void otter_do_key_get(struct otter *o, const char *id, otter_answer_fn fn, void *arg)
{
	struct otter_key_record key;
	if (otter_api_keys_get(&o->api_keys, id, &key))
		answer_version(fn, arg, key_json(o, &key, NULL), false, key.version);
	else
		answer_err(fn, arg, OTTER_NOT_FOUND);
}

/* ---- changing ---- */

/* Which version of the key a change is meant for: 0 any. not_found, precondition_failed. */
static enum otter_err version_meant(struct otter *o, const char *id, const char *if_match, int64_t *version)
{
	struct otter_key_record key;
	if (!otter_api_keys_get(&o->api_keys, id, &key))
		return OTTER_NOT_FOUND;
	*version = version_pinned(if_match, key.version);
	return version_matches(if_match, key.version) ? OTTER_OK : OTTER_PRECONDITION_FAILED;
}

struct rotate_spec {
	int64_t overlap_s;
};

static const struct otter_json_field rotate_fields[] = {
	{ "overlap_seconds", OTTER_JSON_INTEGER, false, offsetof(struct rotate_spec, overlap_s), 0, OVERLAP_MAX_S },
	{ 0 },
};

void otter_do_key_rotate(struct otter *o, const char *id, const json_t *body, const struct otter_conditions *when, otter_answer_fn fn, void *arg)
{
	struct rotate_spec spec = { .overlap_s = OVERLAP_S };
	struct otter_key_rotation rotation = { .now_ms = otter_wall_ms(o->env) };
	struct otter_error e = { 0 };
	if (body != NULL)
		otter_json_read(body, rotate_fields, true, &spec, &e);
	if (e.err == OTTER_OK)
		otter_fail(&e, version_meant(o, id, when->if_match, &rotation.version), NULL);
	if (e.err != OTTER_OK) {
		answer_error(fn, arg, &e);
		return;
	}
	struct pending *p = pending_new(o, fn, arg);
	if (p == NULL)
		return;
	struct showing *s = g_new0(struct showing, 1);
	s->p = p;
	g_strlcpy(rotation.id, id, sizeof rotation.id);
	rotation.overlap_until_ms = rotation.now_ms + spec.overlap_s * 1000;
	otter_key_text(o->env, rotation.id, s->text, rotation.hash);
	o->store->ops->key_rotate(o->store, &rotation, on_key_to_show, s);
}

struct removing {
	struct pending *p;
	char id[OTTER_KEY_ID + 1];
};

static void on_key_deleted(void *arg, enum otter_err err, const void *row)
{
	struct removing *r = arg;
	struct otter_error e = { 0 };
	if (err == OTTER_OK) {
		otter_api_keys_remove(&r->p->o->api_keys, r->id);
		otter_log(r->p->o->env, OTTER_LOG_INFO, "API key otk_%s was revoked", r->id);
		pending_done(r->p, err, row);
	} else {
		otter_fail(&e, err, err == OTTER_CONFLICT ? "This is the last key with keys:admin: make another one first, or say force=true." : NULL);
		answer_error(r->p->fn, r->p->arg, &e);
		pending_end(r->p);
	}
	g_free(r);
}

void otter_do_key_delete(struct otter *o, const char *id, const char *force, const struct otter_conditions *when, otter_answer_fn fn, void *arg)
{
	struct otter_key_removal removal = { .now_ms = otter_wall_ms(o->env) };
	struct otter_error e = { 0 };
	if (read_flag("force", force, &removal.force, &e) == OTTER_OK)
		otter_fail(&e, version_meant(o, id, when->if_match, &removal.version), NULL);
	struct pending *p = e.err == OTTER_OK ? pending_new(o, fn, arg) : NULL;
	if (e.err != OTTER_OK)
		answer_error(fn, arg, &e);
	if (p == NULL)
		return;
	struct removing *r = g_new0(struct removing, 1);
	r->p = p;
	g_strlcpy(removal.id, id, sizeof removal.id);
	g_strlcpy(r->id, id, sizeof r->id);
	o->store->ops->key_delete(o->store, &removal, on_key_deleted, r);
}
