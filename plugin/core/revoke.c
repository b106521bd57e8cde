/* SPDX-License-Identifier: GPL-3.0-or-later
 * A revocation on its way. */
#include "revoke.h"

void revoking_fail(struct revoking *r, enum otter_err err)
{
	pending_fail(r->p, err);
	g_free(r);
}

/* Answered when the ends of all seats that it cost are on disk: they went to the store before. */
static void on_put_out(void *arg, enum otter_err err, const void *row)
{
	struct revoking *r = arg;
	pending_done(r->p, err, row);
	g_free(r);
}

/* Takes effect at once: completions come one at a time, so no join is in between. */
static void on_revoked(void *arg, enum otter_err err, const void *row)
{
	struct revoking *r = arg;
	struct otter *o = r->p->o;
	(void)row;
	if (err != OTTER_OK) {
		revoking_fail(r, err);
		return;
	}
	otter_revocations_put(&o->revocations, &r->revocation);
	struct otter_room *room = otter_find_room(o, r->revocation.room);
	if (room != NULL)
		otter_room_revoke(room, &r->revocation, r->out);
	otter_room_unref(room);
	otter_log(o->env, OTTER_LOG_INFO, "%s revoked in %s", r->revocation.kind == OTTER_REVOKED_JTI ? "a token is" : "tokens of somebody are",
		r->revocation.room);
	o->store->ops->seat_end(o->store, r->participant, on_put_out, r);
}

void revoking_go(struct revoking *r, const char *room)
{
	struct otter *o = r->p->o;
	g_strlcpy(r->revocation.room, room, sizeof r->revocation.room);
	/* Up to the latest iat that may have been given: see otter_mint. */
	r->revocation.before_s = otter_wall_s(o->env);
	if (r->revocation.kind == OTTER_REVOKED_IDENTITY)
		r->revocation.before_s = otter_revocations_iat(&o->revocations, room, r->revocation.value, r->revocation.before_s);
	/* No token lives longer, counted from its nbf at the latest; and none outlives the room. */
	r->revocation.until_ms = otter_wall_ms(o->env) + (o->token_ttl_max_s + OTTER_NOT_BEFORE_MAX_S) * 1000;
	o->store->ops->revoke(o->store, &r->revocation, on_revoked, r);
}
