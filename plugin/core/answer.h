/* SPDX-License-Identifier: GPL-3.0-or-later
 * How the verbs of service.h answer, and wait for the store. For their files only. */
#ifndef OTTER_ANSWER_H
#define OTTER_ANSWER_H

#include "otter_private.h"
#include "service.h"

static inline void answer_error(otter_answer_fn fn, void *arg, const struct otter_error *e)
{
	struct otter_answer answer = { .error = *e };
	fn(arg, &answer);
}

static inline void answer_err(otter_answer_fn fn, void *arg, enum otter_err err)
{
	struct otter_error e = { 0 };
	otter_fail(&e, err, NULL);
	answer_error(fn, arg, &e);
}

/* Takes `body`. */
static inline void answer_body(otter_answer_fn fn, void *arg, json_t *body, bool created)
{
	struct otter_answer answer = { .created = created, .body = body };
	fn(arg, &answer);
	json_decref(answer.body);
}

/* A request that waits for the store: whoever completes it answers, and ends it. */
struct pending {
	struct otter *o;
	otter_answer_fn fn;
	void *arg;
	bool by_name;                    /* the room was asked for by its unique name */
	char participant[OTTER_ID_SIZE]; /* or empty */
};

/* What the store found, judged: a name means a room that is open, and is free once it is not; an id means its room for ever. */
static inline enum otter_err pending_found(const struct pending *p, enum otter_err err, const struct otter_room_record *room)
{
	if (err == OTTER_OK && p->by_name && !otter_room_record_open(room, otter_wall_ms(p->o->env)))
		return OTTER_ROOM_NOT_FOUND;
	return err;
}

/* NULL if the core is closing, and then it is answered. */
static inline struct pending *pending_new(struct otter *o, otter_answer_fn fn, void *arg)
{
	if (!otter_enter(o)) {
		answer_err(fn, arg, OTTER_UNAVAILABLE);
		return NULL;
	}
	struct pending *p = g_new0(struct pending, 1);
	*p = (struct pending){ .o = o, .fn = fn, .arg = arg };
	return p;
}

static inline void pending_end(struct pending *p)
{
	struct otter *o = p->o;
	g_free(p);
	otter_leave(o);
}

#endif
