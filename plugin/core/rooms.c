/* SPDX-License-Identifier: GPL-3.0-or-later
 * The verbs behind REST: rooms. */
#include "answer.h"
#include "mint.h"

#include <string.h>

#define NAME_CHARACTERS OTTER_BASE62 "._~-"
#define METADATA_MAX 4096
#define EMPTY_TIMEOUT_MAX_S (365 * 24 * 3600)
#define LOOKED_AT_MOST 1000 /* rooms, for one page of a status: everybody else waits for the store meanwhile */

/* ---- making one ---- */

struct room_spec {
	const char *unique_name, *privacy;
	int64_t max_participants, empty_timeout, expires_ms;
	const json_t *metadata;
	bool lobby, locked, host_url;
};

static const struct otter_json_field room_fields[] = {
	{ "unique_name", OTTER_JSON_STRING, false, offsetof(struct room_spec, unique_name), 1, 64 },
	{ "max_participants", OTTER_JSON_INTEGER, false, offsetof(struct room_spec, max_participants), 2, OTTER_ROOM_MAX },
	{ "expires_at", OTTER_JSON_TIME, false, offsetof(struct room_spec, expires_ms), 0, 0 },
	{ "empty_timeout", OTTER_JSON_INTEGER, false, offsetof(struct room_spec, empty_timeout), 0, EMPTY_TIMEOUT_MAX_S },
	{ "privacy", OTTER_JSON_STRING, false, offsetof(struct room_spec, privacy), 1, 16 },
	{ "lobby", OTTER_JSON_BOOLEAN, false, offsetof(struct room_spec, lobby), 0, 0 },
	{ "metadata", OTTER_JSON_OBJECT, false, offsetof(struct room_spec, metadata), 0, 0 },
	{ "host_url", OTTER_JSON_BOOLEAN, false, offsetof(struct room_spec, host_url), 0, 0 },
	{ 0 },
};

/* "." and "..": clients take them out of a path before they send it. */
static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static enum otter_err check_spec(const struct room_spec *spec, int64_t now_ms, struct otter_error *e)
{
	const char *name = spec->unique_name;
	if (name != NULL && (!otter_text_made_of(name, NAME_CHARACTERS, 1, 64) || g_str_has_prefix(name, "rm_") || is_dots(name)))
		return otter_fail_field(
			e, "unique_name", "'unique_name' must be 1 to 64 characters of A-Z a-z 0-9 . _ ~ -, not starting with rm_, not . or ..");
	if (spec->privacy != NULL && strcmp(spec->privacy, "direct") != 0 && strcmp(spec->privacy, "relay") != 0)
		return otter_fail_field(e, "privacy", "'privacy' must be direct or relay.");
	if (spec->expires_ms != 0 && spec->expires_ms <= now_ms)
		return otter_fail_field(e, "expires_at", "'expires_at' has passed already.");
	return OTTER_OK;
}

/* As it is stored: compact, "{}" for none. New string; an error if it is too long. */
static char *metadata_text(const json_t *metadata, struct otter_error *e)
{
	char *text = metadata != NULL ? json_dumps(metadata, JSON_COMPACT) : g_strdup("{}");
	if (strlen(text) > METADATA_MAX)
		otter_fail_field(e, "metadata", "'metadata' may have at most %d bytes.", METADATA_MAX);
	return text;
}

struct room_create {
	struct pending *p;
	bool host_url, must_be_new;
};

static json_t *room_body(struct otter *o, const struct otter_room_record *room)
{
	return otter_room_record_json(room, otter_room_presence(o, room->id), otter_wall_ms(o->env));
}

/* A link into the room: a fresh token each time, so that nobody is ever handed an old one. */
static void add_url(json_t *body, const char *field, struct otter *o, const struct otter_room_record *room, const char *role)
{
	struct otter_claims claims = { .room = (char *)room->id, .role = (char *)role };
	struct minted minted;
	otter_mint(o, &claims, o->token_ttl_s, &minted);
	json_object_set_new(body, field, json_string(minted.url));
	minted_clear(&minted);
}

static void add_host_url(json_t *body, struct otter *o, const struct otter_room_record *room)
{
	otter_note_host_token(o, room);
	add_url(body, "host_url", o, room, "host");
}

static void on_room_created(void *arg, enum otter_err err, const void *row)
{
	struct room_create *c = arg;
	const struct otter_room_record *room = row;
	struct otter *o = c->p->o;
	if (room == NULL || (err == OTTER_CONFLICT && c->must_be_new)) {
		answer_err(c->p->fn, c->p->arg, room == NULL ? err : OTTER_PRECONDITION_FAILED);
	} else {
		json_t *body = room_body(o, room);
		add_url(body, "url", o, room, NULL);
		if (c->host_url || room->lobby) /* nobody could let people in without it */
			add_host_url(body, o, room);
		answer_version(c->p->fn, c->p->arg, body, err == OTTER_OK, room->version);
	}
	pending_end(c->p);
	g_free(c);
}

void otter_do_room_create(struct otter *o, const json_t *body, const struct otter_conditions *when, otter_answer_fn fn, void *arg)
{
	struct room_spec spec = { .max_participants = 4 };
	struct otter_error e = { 0 };
	int64_t now_ms = otter_wall_ms(o->env);
	if (body != NULL && otter_json_read(body, room_fields, true, &spec, &e) == OTTER_OK)
		check_spec(&spec, now_ms, &e);
	g_autofree char *metadata = metadata_text(spec.metadata, &e);
	struct pending *p = e.err == OTTER_OK ? pending_new(o, fn, arg) : NULL;
	if (e.err != OTTER_OK)
		answer_error(fn, arg, &e);
	if (p == NULL)
		return;
	struct otter_room_record room = { .max_participants = spec.max_participants,
		.empty_timeout_s = spec.empty_timeout,
		.expires_ms = spec.expires_ms,
		.lobby = spec.lobby,
		.had_host_token = spec.host_url || spec.lobby,
		.created_ms = now_ms,
		.updated_ms = now_ms,
		.emptied_ms = OTTER_NEVER_ENTERED,
		.version = 1,
		.metadata = metadata,
		.privacy = g_strcmp0(spec.privacy, "relay") == 0 ? OTTER_PRIVACY_RELAY : OTTER_PRIVACY_DIRECT };
	otter_id_new(o->env, "rm_", room.id);
	g_strlcpy(room.unique_name, spec.unique_name != NULL ? spec.unique_name : "", sizeof room.unique_name);
	struct room_create *c = g_new0(struct room_create, 1);
	*c = (struct room_create){ p, spec.host_url, when->if_none_match };
	o->store->ops->room_create(o->store, &room, on_room_created, c);
}

/* ---- one room ---- */

static void on_room_got(void *arg, enum otter_err err, const void *row)
{
	struct pending *p = arg;
	const struct otter_room_record *room = row;
	err = pending_found(p, err, room);
	if (err != OTTER_OK) {
		pending_fail(p, err);
		return;
	}
	answer_version(p->fn, p->arg, room_body(p->o, room), false, room->version);
	pending_end(p);
}

void otter_do_room_get(struct otter *o, const char *id_or_name, otter_answer_fn fn, void *arg)
{
	struct pending *p = pending_for_room(o, id_or_name, fn, arg);
	if (p != NULL)
		o->store->ops->room_peek(o->store, id_or_name, on_room_got, p);
}

static void on_room_to_close(void *arg, enum otter_err err, const void *row)
{
	struct pending *p = arg;
	const struct otter_room_record *record = row;
	err = pending_found(p, err, row);
	if (err != OTTER_OK)
		pending_fail(p, err);
	else
		otter_close_room(p->o, record->id, version_pinned(p->if_match, record->version), p->by != NULL ? "host" : "request", pending_done, p);
}

void otter_do_room_close(struct otter *o, const char *id_or_name, const struct otter_conditions *when, otter_answer_fn fn, void *arg)
{
	struct pending *p = pending_for_room_when(o, id_or_name, when, fn, arg);
	if (p != NULL)
		o->store->ops->room_get(o->store, id_or_name, on_room_to_close, p);
}

/* ---- changing one ---- */

struct room_change {
	struct pending *p;
	struct otter_room_record to;
	char *metadata; /* backs to.metadata */
	unsigned mask;
	bool was_locked; /* when it was looked up */
};

static void room_change_end(struct room_change *c)
{
	pending_end(c->p);
	g_free(c->metadata);
	g_free(c);
}

/* It is so in the store: now here. */
static void apply(struct room_change *c, const struct otter_room_record *record)
{
	struct otter *o = c->p->o;
	bool waits = record->empty_timeout_s != 0 && record->emptied_ms != OTTER_NEVER_ENTERED; /* its time goes on, here too */
	struct otter_room *room = otter_find_room(o, record->id);
	if ((room != NULL ? otter_room_locked(room) : c->was_locked) != record->locked)
		otter_observe(&o->observer, "locked", record->id, "{s:b}", "locked", record->locked);
	if (room == NULL && waits)
		room = otter_enter_room(o, record);
	if (room != NULL)
		otter_room_change(room, record);
	otter_room_unref(room);
}

static void on_room_changed(void *arg, enum otter_err err, const void *row)
{
	struct room_change *c = arg;
	struct otter *o = c->p->o;
	const struct otter_room_record *record = row;
	if (err != OTTER_OK) {
		answer_err(c->p->fn, c->p->arg, err);
	} else {
		apply(c, record);
		answer_version(c->p->fn, c->p->arg, room_body(o, record), false, record->version);
	}
	room_change_end(c);
}

static void on_room_to_change(void *arg, enum otter_err err, const void *row)
{
	struct room_change *c = arg;
	const struct otter_room_record *record = row;
	err = pending_found(c->p, err, row);
	if (err != OTTER_OK) {
		on_room_changed(c, err, NULL);
		return;
	}
	g_strlcpy(c->to.id, record->id, sizeof c->to.id);
	c->to.version = version_pinned(c->p->if_match, record->version);
	c->was_locked = record->locked;
	c->p->o->store->ops->room_update(c->p->o->store, &c->to, c->mask, on_room_changed, c);
}

static const struct otter_json_field change_fields[] = {
	{ "max_participants", OTTER_JSON_INTEGER, false, offsetof(struct room_spec, max_participants), 2, OTTER_ROOM_MAX },
	{ "expires_at", OTTER_JSON_TIME, false, offsetof(struct room_spec, expires_ms), 0, 0 },
	{ "empty_timeout", OTTER_JSON_INTEGER, false, offsetof(struct room_spec, empty_timeout), 0, EMPTY_TIMEOUT_MAX_S },
	{ "metadata", OTTER_JSON_OBJECT, false, offsetof(struct room_spec, metadata), 0, 0 },
	{ "lobby", OTTER_JSON_BOOLEAN, false, offsetof(struct room_spec, lobby), 0, 0 },
	{ "locked", OTTER_JSON_BOOLEAN, false, offsetof(struct room_spec, locked), 0, 0 },
	{ 0 },
};

/* Which fields a body names. A null expires_at or metadata takes it away; null elsewhere means not said. */
static unsigned change_mask(const json_t *body)
{
	static const struct {
		const char *name;
		unsigned mask;
		bool nullable;
	} fields[] = { { "max_participants", OTTER_ROOM_MAX_PARTICIPANTS, false }, { "expires_at", OTTER_ROOM_EXPIRES, true },
		{ "empty_timeout", OTTER_ROOM_EMPTY_TIMEOUT, false }, { "metadata", OTTER_ROOM_METADATA, true }, { "lobby", OTTER_ROOM_LOBBY, false },
		{ "locked", OTTER_ROOM_LOCKED, false } };
	unsigned mask = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		const json_t *value = json_object_get(body, fields[i].name);
		if (value != NULL && (fields[i].nullable || !json_is_null(value)))
			mask |= fields[i].mask;
	}
	return mask;
}

void otter_do_room_change(struct otter *o, const char *id_or_name, const json_t *body, const struct otter_conditions *when, otter_answer_fn fn, void *arg)
{
	struct room_spec spec = { 0 };
	struct otter_error e = { 0 };
	int64_t now_ms = otter_wall_ms(o->env);
	g_autofree char *metadata = NULL;
	if (otter_json_read(body, change_fields, true, &spec, &e) == OTTER_OK && check_spec(&spec, now_ms, &e) == OTTER_OK)
		metadata = metadata_text(spec.metadata, &e);
	struct pending *p = e.err == OTTER_OK ? pending_for_room_when(o, id_or_name, when, fn, arg) : NULL;
	if (e.err != OTTER_OK)
		answer_error(fn, arg, &e);
	if (p == NULL)
		return;
	struct room_change *c = g_new0(struct room_change, 1);
	c->p = p;
	c->mask = change_mask(body);
	c->metadata = g_steal_pointer(&metadata);
	c->to = (struct otter_room_record){ .max_participants = spec.max_participants,
		.expires_ms = spec.expires_ms,
		.empty_timeout_s = spec.empty_timeout,
		.lobby = spec.lobby,
		.locked = spec.locked,
		.updated_ms = now_ms,
		.metadata = c->metadata };
	o->store->ops->room_get(o->store, id_or_name, on_room_to_change, c);
}

/* ---- a list of them ---- */

struct room_list {
	struct pending *p;
	const char *status; /* static: what to keep of the page, or NULL */
	struct otter_room_query query;
	int limit;  /* of rooms in the page */
	int looked; /* rows that were looked at: the page ends with the last of them */
	bool more;  /* there was a row behind it */
	char next[CURSOR_SIZE];
	json_t *rooms;
};

static void look_at(struct room_list *l, const struct otter_room_record *record)
{
	l->more = json_array_size(l->rooms) == (size_t)l->limit;
	if (l->more)
		return;
	json_t *room = room_body(l->p->o, record);
	if (l->status == NULL || strcmp(l->status, json_string_value(json_object_get(room, "status"))) == 0)
		json_array_append(l->rooms, room);
	json_decref(room);
	l->looked++;
	write_cursor(record->created_ms, record->id, l->next);
}

static void on_room_row(void *arg, enum otter_err err, const void *row)
{
	struct room_list *l = arg;
	if (row != NULL) {
		look_at(l, row);
		return;
	}
	if (err != OTTER_OK)
		answer_err(l->p->fn, l->p->arg, err);
	else
		answer_body(l->p->fn, l->p->arg, json_pack("{s:O, s:s?}", "rooms", l->rooms, "next", l->more || l->looked == l->query.limit ? l->next : NULL));
	json_decref(l->rooms);
	pending_end(l->p);
	g_free(l);
}

static enum otter_err read_status(struct room_list *l, const char *status, struct otter_error *e)
{
	static const char *const all[] = { "open", "occupied", "full", "closed" };
	for (size_t i = 0; status != NULL && i < G_N_ELEMENTS(all); i++)
		if (strcmp(all[i], status) == 0)
			l->status = all[i];
	if (status != NULL && l->status == NULL)
		return otter_fail_field(e, "status", "'status' must be open, occupied, full or closed.");
	return OTTER_OK;
}

void otter_do_room_list(struct otter *o, const char *status, const char *after, const char *limit, otter_answer_fn fn, void *arg)
{
	struct otter_error e = { 0 };
	struct page page;
	struct room_list l = { .query = { .open = true, .closed = true, .now_ms = otter_wall_ms(o->env) } };
	if (read_status(&l, status, &e) != OTTER_OK || read_page(after, limit, &page, &e) != OTTER_OK) {
		answer_error(fn, arg, &e);
		return;
	}
	l.query.after_ms = page.after_ms;
	l.limit = page.limit;
	l.query.limit = l.status != NULL ? LOOKED_AT_MOST : page.limit;
	memcpy(l.query.after_id, page.after_id, sizeof l.query.after_id);
	l.p = pending_new(o, fn, arg);
	if (l.p == NULL)
		return;
	l.rooms = json_array();
	o->store->ops->room_each(o->store, &l.query, on_room_row, g_memdup2(&l, sizeof l));
}
