/* SPDX-License-Identifier: GPL-3.0-or-later
 * How the verbs of service.h answer, and wait for the store. For their files only. */
#ifndef OTTER_ANSWER_H
#define OTTER_ANSWER_H

#include "json.h"
#include "otter_private.h"
#include "service.h"

/* ---- answers; those that take a body free it ---- */

void answer_error(otter_answer_fn fn, void *arg, const struct otter_error *e);
void answer_err(otter_answer_fn fn, void *arg, enum otter_err err);
void answer_body(otter_answer_fn fn, void *arg, json_t *body);                                   /* 200; NULL: nothing to say */
void answer_version(otter_answer_fn fn, void *arg, json_t *body, bool created, int64_t version); /* with an ETag */

/* ---- a request that waits for the store: whoever completes it answers, and ends it ---- */

struct pending {
	struct otter *o;
	otter_answer_fn fn;
	void *arg;
	bool by_name;   /* the room was asked for by its unique name */
	char *if_match; /* or NULL */
	char *by;       /* the participant who asks for it as a host; NULL: an application's backend */
};

/* NULL if the core is closing, and then it is answered. */
struct pending *pending_new(struct otter *o, otter_answer_fn fn, void *arg);

/* The same for a verb about one room; and for one under conditions, which pending_found judges. */
struct pending *pending_for_room(struct otter *o, const char *id_or_name, otter_answer_fn fn, void *arg);
struct pending *pending_for_room_when(struct otter *o, const char *id_or_name, const struct otter_conditions *when, otter_answer_fn fn, void *arg);
void pending_end(struct pending *p);

/* Answer with an error, and end. */
void pending_fail(struct pending *p, enum otter_err err);

/* A store's completion for a pending that has nothing else to say: no body. */
void pending_done(void *arg, enum otter_err err, const void *row);

/* What the store found, judged: a name means a room that is open, and is free once it is not; an id means its room for ever. Who asks as its host must
 * still be one: completions come one at a time, so of two hosts who put each other out the first one stays. */
enum otter_err pending_found(const struct pending *p, enum otter_err err, const struct otter_room_record *room);

/* ---- reading what comes in ---- */

/* Does an If-Match (NULL: there was none) name this version (RFC 9110, 13.1.1)? */
bool version_matches(const char *if_match, int64_t version);

/* The version that a change is meant for, once this one matched: 0, any, where If-Match says no or every version. */
int64_t version_pinned(const char *if_match, int64_t version);

/* "true" or "false"; absent: false. invalid_request. */
enum otter_err read_flag(const char *name, const char *text, bool *out, struct otter_error *e);

/* `limit` and `after` of a list; the cursor is "<ms>.<id>". */
struct page {
	int64_t after_ms;
	char after_id[OTTER_ID_SIZE];
	int limit;
};
#define PAGE_MAX 100
enum otter_err read_page(const char *after, const char *limit, struct page *out, struct otter_error *e);

/* The cursor behind a row, for "next". */
#define CURSOR_SIZE (OTTER_ID_SIZE + 24)
void write_cursor(int64_t created_ms, const char *id, char out[CURSOR_SIZE]);

#endif
