/* SPDX-License-Identifier: GPL-3.0-or-later
 * How the verbs of service.h answer, and wait for the store. */
#include "answer.h"

#include <inttypes.h>
#include <string.h>

/* ---- answers ---- */

void answer_error(otter_answer_fn fn, void *arg, const struct otter_error *e)
{
	struct otter_answer answer = { .error = *e };
	fn(arg, &answer);
}

void answer_err(otter_answer_fn fn, void *arg, enum otter_err err)
{
	struct otter_error e = { 0 };
	otter_fail(&e, err, NULL);
	answer_error(fn, arg, &e);
}

void answer_version(otter_answer_fn fn, void *arg, json_t *body, bool created, int64_t version)
{
	struct otter_answer answer = { .created = created, .body = body, .version = version };
	fn(arg, &answer);
	json_decref(answer.body);
}

void answer_body(otter_answer_fn fn, void *arg, json_t *body)
{
	answer_version(fn, arg, body, false, 0);
}

/* ---- a request that waits for the store ---- */

struct pending *pending_new(struct otter *o, otter_answer_fn fn, void *arg)
{
	if (!otter_enter(o)) {
		answer_err(fn, arg, OTTER_UNAVAILABLE);
		return NULL;
	}
	struct pending *p = g_new0(struct pending, 1);
	*p = (struct pending){ .o = o, .fn = fn, .arg = arg };
	return p;
}

struct pending *pending_for_room(struct otter *o, const char *id_or_name, otter_answer_fn fn, void *arg)
{
	struct pending *p = pending_new(o, fn, arg);
	if (p != NULL)
		p->by_name = !g_str_has_prefix(id_or_name, "rm_");
	return p;
}

struct pending *pending_for_room_when(struct otter *o, const char *id_or_name, const struct otter_conditions *when, otter_answer_fn fn, void *arg)
{
	struct pending *p = pending_for_room(o, id_or_name, fn, arg);
	if (p != NULL) {
		p->if_match = g_strdup(when->if_match);
		p->by = g_strdup(when->by);
	}
	return p;
}

void pending_end(struct pending *p)
{
	struct otter *o = p->o;
	g_free(p->by);
	g_free(p->if_match);
	g_free(p);
	otter_leave(o);
}

void pending_fail(struct pending *p, enum otter_err err)
{
	answer_err(p->fn, p->arg, err);
	pending_end(p);
}

void pending_done(void *arg, enum otter_err err, const void *row)
{
	struct pending *p = arg;
	(void)row;
	if (err != OTTER_OK)
		answer_err(p->fn, p->arg, err);
	else
		answer_body(p->fn, p->arg, NULL);
	pending_end(p);
}

static bool is_host(struct otter *o, const char *id, const char *participant)
{
	struct otter_room *room = otter_find_room(o, id);
	bool is = room != NULL && otter_room_has_host(room, participant);
	otter_room_unref(room);
	return is;
}

enum otter_err pending_found(const struct pending *p, enum otter_err err, const struct otter_room_record *room)
{
	if (err == OTTER_OK && p->by_name && !otter_room_record_open(room, otter_wall_ms(p->o->env)))
		return OTTER_ROOM_NOT_FOUND;
	if (err == OTTER_OK && !version_matches(p->if_match, room->version))
		return OTTER_PRECONDITION_FAILED;
	if (err == OTTER_OK && p->by != NULL && !is_host(p->o, room->id, p->by))
		return OTTER_FORBIDDEN;
	return err;
}

/* ---- reading what comes in ---- */

static bool is_any_version(const char *if_match)
{
	return if_match == NULL || strcmp(if_match, "*") == 0;
}

int64_t version_pinned(const char *if_match, int64_t version)
{
	return is_any_version(if_match) ? 0 : version;
}

bool version_matches(const char *if_match, int64_t version)
{
	if (is_any_version(if_match))
		return true;
	g_autofree char *etag = g_strdup_printf("\"%" PRId64 "\"", version);
	g_auto(GStrv) listed = g_strsplit(if_match, ",", -1);
	for (char **each = listed; *each != NULL; each++)
		if (strcmp(g_strstrip(*each), etag) == 0) /* a weak one (W/) never matches here */
			return true;
	return false;
}

enum otter_err read_flag(const char *name, const char *text, bool *out, struct otter_error *e)
{
	*out = g_strcmp0(text, "true") == 0;
	if (text == NULL || *out || strcmp(text, "false") == 0)
		return OTTER_OK;
	return otter_fail_field(e, name, "'%s' must be true or false.", name);
}

static enum otter_err read_cursor(const char *after, struct page *out, struct otter_error *e)
{
	char *id = NULL;
	if (after == NULL)
		return OTTER_OK;
	out->after_ms = g_ascii_strtoll(after, &id, 10);
	if (id == after || *id != '.' || !otter_text_made_of(id + 1, OTTER_BASE62 "_", 1, OTTER_ID_SIZE - 1))
		return otter_fail_field(e, "after", "'after' is not a cursor: take it from 'next' of the page before.");
	g_strlcpy(out->after_id, id + 1, sizeof out->after_id);
	return OTTER_OK;
}

enum otter_err read_page(const char *after, const char *limit, struct page *out, struct otter_error *e)
{
	char *end = NULL;
	int64_t n = limit != NULL ? g_ascii_strtoll(limit, &end, 10) : PAGE_MAX;
	*out = (struct page){ .limit = (int)CLAMP(n, 1, PAGE_MAX) };
	if ((limit != NULL && (end == limit || *end != '\0')) || n != out->limit)
		return otter_fail_field(e, "limit", "'limit' must be an integer from 1 to %d.", PAGE_MAX);
	return read_cursor(after, out, e);
}

void write_cursor(int64_t created_ms, const char *id, char out[CURSOR_SIZE])
{
	g_snprintf(out, CURSOR_SIZE, "%" PRId64 ".%s", created_ms, id);
}
