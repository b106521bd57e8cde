/* SPDX-License-Identifier: GPL-3.0-or-later
 * The verbs behind REST: join tokens, made and revoked. */
#include "answer.h"
#include "mint.h"
#include "revoke.h"

#include <string.h>

/* ---- making one ---- */

void otter_mint(struct otter *o, const struct otter_claims *claims, int64_t ttl_s, struct minted *out)
{
	struct otter_claims all = *claims;
	int64_t now_s = otter_wall_s(o->env);
	otter_id_new(o->env, "jt_", out->jti);
	all.jti = out->jti;
	all.iat_s = otter_revocations_iat(&o->revocations, claims->room, claims->sub, now_s);
	all.exp_s = out->expires_s = MAX(now_s, claims->nbf_s) + ttl_s;
	g_autofree char *base = otter_public_url(o);
	out->token = otter_keyring_sign(&o->keyring, OTTER_AUDIENCE_JOIN, &all);
	out->url = g_strdup_printf("%s/room/%s#token=%s", base, claims->room, out->token);
}

void minted_clear(struct minted *minted)
{
	g_free(minted->token);
	g_free(minted->url);
}

struct noting {
	struct otter *o;
	char id[OTTER_ID_SIZE];
};

/* In one order with the completions of joins: a room that is entered later is made of a row that has it. */
static void on_noted(void *arg, enum otter_err err, const void *row)
{
	struct noting *n = arg;
	struct otter *o = n->o;
	(void)row;
	struct otter_room *room = err == OTTER_OK ? otter_find_room(o, n->id) : NULL;
	if (room != NULL)
		otter_room_note_host_token(room);
	otter_room_unref(room);
	g_free(n);
	otter_leave(o);
}

void otter_note_host_token(struct otter *o, const struct otter_room_record *room)
{
	if (room->had_host_token || !otter_enter(o))
		return;
	struct noting *n = g_new(struct noting, 1);
	n->o = o;
	memcpy(n->id, room->id, sizeof n->id);
	o->store->ops->room_hosted(o->store, room->id, on_noted, n);
}

struct token_spec {
	const char *identity, *display, *role;
	int64_t ttl, not_before_ms;
};

static const struct otter_json_field token_fields[] = {
	{ "identity", OTTER_JSON_STRING, false, offsetof(struct token_spec, identity), 1, OTTER_IDENTITY_SIZE - 1 },
	{ "display", OTTER_JSON_STRING, false, offsetof(struct token_spec, display), 1, 256 },
	{ "role", OTTER_JSON_STRING, false, offsetof(struct token_spec, role), 1, 16 },
	{ "ttl", OTTER_JSON_INTEGER, false, offsetof(struct token_spec, ttl), 1, OTTER_JSON_INTEGER_MAX },
	{ "not_before", OTTER_JSON_TIME, false, offsetof(struct token_spec, not_before_ms), 0, 0 },
	{ 0 },
};

static enum otter_err check_token_spec(struct otter *o, const struct token_spec *spec, struct otter_error *e)
{
	if (spec->display != NULL && !otter_text_displayable(spec->display, OTTER_DISPLAY_MAX))
		return otter_fail_field(e, "display", "'display' must be at most %d characters, none of them for control or direction.", OTTER_DISPLAY_MAX);
	if (spec->role != NULL && strcmp(spec->role, "guest") != 0 && strcmp(spec->role, "host") != 0)
		return otter_fail_field(e, "role", "'role' must be guest or host.");
	if (spec->ttl > o->token_ttl_max_s)
		return otter_fail_field(e, "ttl", "'ttl' may be at most %d seconds here (token_ttl_max).", (int)o->token_ttl_max_s);
	if (spec->not_before_ms > otter_wall_ms(o->env) + INT64_C(1000) * OTTER_NOT_BEFORE_MAX_S)
		return otter_fail_field(e, "not_before", "'not_before' may be at most a year ahead.");
	return OTTER_OK;
}

struct minting {
	struct pending *p;
	struct otter_claims claims; /* its room is the store's */
	int64_t ttl_s;
};

static void minting_end(struct minting *m)
{
	pending_end(m->p);
	m->claims.room = NULL;
	otter_claims_clear(&m->claims);
	g_free(m);
}

static void on_room_to_mint_for(void *arg, enum otter_err err, const void *row)
{
	struct minting *m = arg;
	const struct otter_room_record *room = row;
	err = pending_found(m->p, err, room);
	if (err == OTTER_OK && !otter_room_record_open(room, otter_wall_ms(m->p->o->env)))
		err = OTTER_ROOM_CLOSED;
	if (err != OTTER_OK) {
		answer_err(m->p->fn, m->p->arg, err);
	} else {
		struct minted minted;
		m->claims.room = (char *)room->id;
		if (otter_role_of(m->claims.role) == OTTER_ROLE_HOST)
			otter_note_host_token(m->p->o, room);
		otter_mint(m->p->o, &m->claims, m->ttl_s, &minted);
		answer_version(m->p->fn, m->p->arg,
			json_pack("{s:s, s:s, s:s, s:o}", "token", minted.token, "url", minted.url, "jti", minted.jti, "expires_at",
				otter_json_time(minted.expires_s * 1000)),
			true, 0);
		minted_clear(&minted);
	}
	minting_end(m);
}

void otter_do_token_mint(struct otter *o, const char *id_or_name, const json_t *body, otter_answer_fn fn, void *arg)
{
	struct token_spec spec = { .ttl = o->token_ttl_s };
	struct otter_error e = { 0 };
	if (body != NULL && otter_json_read(body, token_fields, true, &spec, &e) == OTTER_OK)
		check_token_spec(o, &spec, &e);
	if (e.err != OTTER_OK) {
		answer_error(fn, arg, &e);
		return;
	}
	struct pending *p = pending_for_room(o, id_or_name, fn, arg);
	if (p == NULL)
		return;
	struct minting *m = g_new0(struct minting, 1);
	*m = (struct minting){ .p = p, .ttl_s = spec.ttl };
	m->claims.sub = g_strdup(spec.identity);
	m->claims.name = g_strdup(spec.display);
	m->claims.role = g_strdup(spec.role);
	m->claims.nbf_s = (spec.not_before_ms + 999) / 1000; /* never a moment too early */
	o->store->ops->room_peek(o->store, id_or_name, on_room_to_mint_for, m);
}

/* ---- revoking ---- */

static void on_room_to_revoke_in(void *arg, enum otter_err err, const void *row)
{
	struct revoking *r = arg;
	const struct otter_room_record *room = row;
	err = pending_found(r->p, err, room);
	if (err != OTTER_OK)
		revoking_fail(r, err);
	else
		revoking_go(r, room->id);
}

static enum otter_err read_revoke(const struct otter_revoke *what, struct revoking *r, struct otter_error *e)
{
	const char *value = what->jti != NULL ? what->jti : what->identity;
	if (value == NULL || value[0] == '\0' || strlen(value) >= OTTER_IDENTITY_SIZE)
		return otter_fail_field(e, "identity", "Say whose tokens: a jti in the path, or ?identity= with 1 to %d bytes.", OTTER_IDENTITY_SIZE - 1);
	if (what->inside != NULL && strcmp(what->inside, "stay") != 0 && strcmp(what->inside, "out") != 0)
		return otter_fail_field(e, "inside", "'inside' must be stay or out.");
	r->revocation.kind = what->jti != NULL ? OTTER_REVOKED_JTI : OTTER_REVOKED_IDENTITY;
	g_strlcpy(r->revocation.value, value, sizeof r->revocation.value);
	r->out = g_strcmp0(what->inside, "out") == 0;
	return OTTER_OK;
}

void otter_do_token_revoke(struct otter *o, const char *id_or_name, const struct otter_revoke *what, otter_answer_fn fn, void *arg)
{
	struct otter_error e = { 0 };
	struct revoking r = { 0 };
	if (read_revoke(what, &r, &e) != OTTER_OK) {
		answer_error(fn, arg, &e);
		return;
	}
	r.p = pending_for_room(o, id_or_name, fn, arg);
	if (r.p != NULL)
		o->store->ops->room_get(o->store, id_or_name, on_room_to_revoke_in, g_memdup2(&r, sizeof r));
}
