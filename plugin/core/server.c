/* SPDX-License-Identifier: GPL-3.0-or-later
 * The verbs behind REST that concern the server itself: draining, readiness, what everybody may know. */
#include "answer.h"

#include <string.h>

#define DRAIN_S 30
#define DRAIN_MAX_S 3600

/* ---- draining ---- */

struct drain_spec {
	int64_t timeout_s;
};

static const struct otter_json_field drain_fields[] = {
	{ "timeout", OTTER_JSON_INTEGER, false, offsetof(struct drain_spec, timeout_s), 0, DRAIN_MAX_S },
	{ 0 },
};

void otter_do_drain(struct otter *o, const json_t *body, otter_answer_fn fn, void *arg)
{
	struct drain_spec spec = { .timeout_s = DRAIN_S };
	struct otter_error e = { 0 };
	unsigned participants = 0;
	if (body != NULL && otter_json_read(body, drain_fields, true, &spec, &e) != OTTER_OK) {
		answer_error(fn, arg, &e);
		return;
	}
	g_atomic_int_set(&o->draining, 1);
	g_autoptr(GPtrArray) rooms = otter_all_rooms(o);
	for (guint i = 0; i < rooms->len; i++)
		participants += otter_room_drain(rooms->pdata[i], spec.timeout_s * 1000);
	otter_log(o->env, OTTER_LOG_INFO, "draining: nobody joins any more, %u participants were told", participants);
	answer_body(fn, arg, json_pack("{s:b, s:i, s:I}", "draining", 1, "participants", (int)participants, "after_ms", (json_int_t)spec.timeout_s * 1000));
}

/* ---- readiness ---- */

static void on_store_answers(void *arg, enum otter_err err, const void *row)
{
	struct pending *p = arg;
	struct otter_error e = { 0 };
	(void)row;
	if (g_atomic_int_get(&p->o->draining))
		otter_fail(&e, OTTER_UNAVAILABLE, "The server is draining: it will stop.");
	else if (err != OTTER_ROOM_NOT_FOUND)
		otter_fail(&e, OTTER_UNAVAILABLE, "The store does not answer: the log says why.");
	if (e.err != OTTER_OK)
		answer_error(p->fn, p->arg, &e);
	else
		answer_body(p->fn, p->arg, json_pack("{s:s}", "status", "ok"));
	pending_end(p);
}

void otter_do_ready(struct otter *o, otter_answer_fn fn, void *arg)
{
	struct pending *p = pending_new(o, fn, arg);
	if (p != NULL)
		o->store->ops->room_get(o->store, "rm_", on_store_answers, p); /* which there is not */
}

/* ---- what everybody may know ---- */

void otter_count(struct otter *o, unsigned *rooms, unsigned *participants)
{
	g_autoptr(GPtrArray) all = otter_all_rooms(o);
	*rooms = 0;
	*participants = 0;
	for (guint i = 0; i < all->len; i++) {
		unsigned n = otter_room_count(all->pdata[i]);
		*participants += n;
		*rooms += n > 0;
	}
}

const char *otter_signaling_url(const struct otter *o)
{
	return o->signaling_url;
}

json_t *otter_config_json(struct otter *o)
{
	json_t *stun = json_array();
	for (size_t i = 0; i < o->turn.n_servers; i++)
		json_array_append_new(stun, json_sprintf("stun:%s", strchr(o->turn.servers[i].url, ':') + 1));
	return json_pack("{s:s, s:[{s:s, s:s}], s:o, s:i, s:[]}", "version", OTTER_VERSION, "signaling", "url", o->signaling_url, "protocol", "janus-protocol",
		"stun", stun, "max_participants", OTTER_ROOM_MAX, "features");
}
