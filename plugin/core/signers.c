/* SPDX-License-Identifier: GPL-3.0-or-later
 * The verbs behind REST: who signs tokens. Our own signing keys, and foreign issuers. */
#include "answer.h"
#include "public_key.h"

#include <string.h>

#define SIGNING_OVERLAP_MAX_S (2 * OTTER_NOT_BEFORE_MAX_S)
#define ISSUER_TTL_S (24 * 3600)
#define ISSUER_TTL_MIN_S 60

/* ---- signing keys ---- */

/* S of transports/openapi.yaml. */
static json_t *signing_key_json(const struct otter_signing_key_record *key)
{
	return json_pack("{s:s, s:s, s:o, s:o}", "kid", key->kid, "status", key->active ? "active" : "verify-only", "created_at",
		otter_json_time(key->created_ms), "verifies_until", otter_json_time(key->active ? 0 : key->verify_until_ms));
}

void otter_do_signing_key_list(struct otter *o, otter_answer_fn fn, void *arg)
{
	g_autoptr(GArray) all = otter_keyring_signing_keys(&o->keyring);
	json_t *keys = json_array();
	for (guint i = 0; i < all->len; i++)
		json_array_append_new(keys, signing_key_json(&g_array_index(all, struct otter_signing_key_record, i)));
	answer_body(fn, arg, json_pack("{s:o, s:n}", "signing_keys", keys, "next"));
}

struct rotating {
	struct pending *p;
	struct otter_signing_key_record key;
	int64_t verify_until_ms;
};

static void on_signing_key_rotated(void *arg, enum otter_err err, const void *row)
{
	struct rotating *r = arg;
	struct otter *o = r->p->o;
	(void)row;
	if (err != OTTER_OK) {
		pending_fail(r->p, err);
	} else {
		otter_keyring_rotate(&o->keyring, &r->key, r->verify_until_ms);
		otter_log(o->env, OTTER_LOG_INFO, "signing key %s is active from now on", r->key.kid);
		answer_body(r->p->fn, r->p->arg, signing_key_json(&r->key));
		pending_end(r->p);
	}
	g_free(r);
}

struct rotate_spec {
	int64_t overlap_s;
};

static const struct otter_json_field rotate_fields[] = {
	{ "overlap_seconds", OTTER_JSON_INTEGER, false, offsetof(struct rotate_spec, overlap_s), 0, SIGNING_OVERLAP_MAX_S },
	{ 0 },
};

void otter_do_signing_key_rotate(struct otter *o, const json_t *body, otter_answer_fn fn, void *arg)
{
	struct rotate_spec spec = { .overlap_s = OTTER_NOT_BEFORE_MAX_S + o->token_ttl_max_s }; /* every link lives on until its own end */
	struct otter_error e = { 0 };
	if (body != NULL && otter_json_read(body, rotate_fields, true, &spec, &e) != OTTER_OK) {
		answer_error(fn, arg, &e);
		return;
	}
	struct pending *p = pending_new(o, fn, arg);
	if (p == NULL)
		return;
	struct rotating *r = g_new0(struct rotating, 1);
	r->p = p;
	otter_keyring_propose(&o->keyring, &r->key);
	r->verify_until_ms = r->key.created_ms + spec.overlap_s * 1000;
	o->store->ops->signing_key_rotate(o->store, &r->key, r->verify_until_ms, on_signing_key_rotated, r);
}

/* ---- issuers: looking ---- */

/* I of transports/openapi.yaml. */
static json_t *issuer_json(const struct otter_issuer_record *issuer)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:I, s:o}", "id", issuer->id, "issuer", issuer->issuer, "audience", issuer->audience, "algorithm",
		otter_issuer_alg_name(issuer->alg), "public_key", issuer->public_key, "kid", issuer->kid[0] != '\0' ? issuer->kid : NULL, "max_ttl",
		(json_int_t)issuer->max_ttl_s, "created_at", otter_json_time(issuer->created_ms));
}

struct issuer_list {
	const char *id; /* of the one that is wanted; NULL: all */
	json_t *found;
};

static void on_issuer(void *arg, const struct otter_issuer_record *issuer)
{
	struct issuer_list *l = arg;
	if (l->id == NULL || strcmp(l->id, issuer->id) == 0)
		json_array_append_new(l->found, issuer_json(issuer));
}

void otter_do_issuer_list(struct otter *o, otter_answer_fn fn, void *arg)
{
	struct issuer_list l = { NULL, json_array() };
	otter_keyring_each_issuer(&o->keyring, on_issuer, &l);
	answer_body(fn, arg, json_pack("{s:o, s:n}", "issuers", l.found, "next"));
}

void otter_do_issuer_get(struct otter *o, const char *id, otter_answer_fn fn, void *arg)
{
	struct issuer_list l = { id, json_array() };
	otter_keyring_each_issuer(&o->keyring, on_issuer, &l);
	if (json_array_size(l.found) == 0)
		answer_err(fn, arg, OTTER_NOT_FOUND);
	else
		answer_body(fn, arg, json_incref(json_array_get(l.found, 0)));
	json_decref(l.found);
}

/* ---- issuers: changing ---- */

struct issuer_spec {
	const char *issuer, *algorithm, *public_key, *audience, *kid;
	int64_t max_ttl;
};

static const struct otter_json_field issuer_fields[] = {
	{ "issuer", OTTER_JSON_STRING, true, offsetof(struct issuer_spec, issuer), 1, OTTER_IDENTITY_SIZE - 1 },
	{ "algorithm", OTTER_JSON_STRING, true, offsetof(struct issuer_spec, algorithm), 1, 16 },
	{ "public_key", OTTER_JSON_STRING, true, offsetof(struct issuer_spec, public_key), 1, OTTER_PUBLIC_KEY_MAX },
	{ "audience", OTTER_JSON_STRING, false, offsetof(struct issuer_spec, audience), 1, OTTER_IDENTITY_SIZE - 1 },
	{ "kid", OTTER_JSON_STRING, false, offsetof(struct issuer_spec, kid), 1, 64 },
	{ "max_ttl", OTTER_JSON_INTEGER, false, offsetof(struct issuer_spec, max_ttl), ISSUER_TTL_MIN_S, OTTER_JSON_INTEGER_MAX },
	{ 0 },
};

static enum otter_err read_algorithm(const char *name, enum otter_issuer_alg *out, struct otter_error *e)
{
	for (*out = OTTER_ISSUER_ES256; *out <= OTTER_ISSUER_RS256; (*out)++)
		if (strcmp(otter_issuer_alg_name(*out), name) == 0)
			return OTTER_OK;
	return otter_fail_field(e, "algorithm", "'algorithm' must be ES256 or RS256.");
}

/* What `body` says of a new issuer; `out` borrows its public_key from it. */
static enum otter_err read_issuer(struct otter *o, const json_t *body, struct otter_issuer_record *out, struct otter_error *e)
{
	struct issuer_spec spec = { .audience = OTTER_AUDIENCE_JOIN, .max_ttl = MIN(ISSUER_TTL_S, o->token_ttl_max_s) };
	if (otter_json_read(body, issuer_fields, true, &spec, e) != OTTER_OK || read_algorithm(spec.algorithm, &out->alg, e) != OTTER_OK ||
		otter_public_key_check(spec.public_key, out->alg, e) != OTTER_OK)
		return e->err;
	if (spec.max_ttl > o->token_ttl_max_s)
		return otter_fail_field(e, "max_ttl", "'max_ttl' may be at most %d seconds here (token_ttl_max).", (int)o->token_ttl_max_s);
	if (strcmp(spec.issuer, o->keyring.iss) == 0)
		return otter_fail_field(e, "issuer", "'issuer' is the name of this deployment itself.");
	otter_id_new(o->env, "is_", out->id);
	g_strlcpy(out->issuer, spec.issuer, sizeof out->issuer);
	g_strlcpy(out->audience, spec.audience, sizeof out->audience);
	g_strlcpy(out->kid, spec.kid != NULL ? spec.kid : "", sizeof out->kid);
	out->max_ttl_s = spec.max_ttl;
	out->created_ms = otter_wall_ms(o->env);
	out->public_key = spec.public_key;
	return OTTER_OK;
}

/* An issuer on its way into the store, or, with its id alone, out of it. */
struct issuer_change {
	struct pending *p;
	struct otter_issuer_record issuer;
	char *public_key; /* backs the issuer's */
};

static void issuer_change_end(struct issuer_change *c)
{
	pending_end(c->p);
	g_free(c->public_key);
	g_free(c);
}

static void on_issuer_created(void *arg, enum otter_err err, const void *row)
{
	struct issuer_change *c = arg;
	struct otter_error e = { 0 };
	(void)row;
	if (err != OTTER_OK) {
		otter_fail(&e, err, err == OTTER_CONFLICT ? "There is an issuer of this name and kid already: delete it first, or give another kid." : NULL);
		answer_error(c->p->fn, c->p->arg, &e);
	} else {
		otter_keyring_put_issuer(&c->p->o->keyring, &c->issuer);
		otter_log(c->p->o->env, OTTER_LOG_INFO, "issuer %s was added", c->issuer.id);
		answer_version(c->p->fn, c->p->arg, issuer_json(&c->issuer), true, 0);
	}
	issuer_change_end(c);
}

void otter_do_issuer_create(struct otter *o, const json_t *body, otter_answer_fn fn, void *arg)
{
	struct otter_issuer_record issuer = { 0 };
	struct otter_error e = { 0 };
	if (read_issuer(o, body, &issuer, &e) != OTTER_OK) {
		answer_error(fn, arg, &e);
		return;
	}
	struct pending *p = pending_new(o, fn, arg);
	if (p == NULL)
		return;
	struct issuer_change *c = g_new0(struct issuer_change, 1);
	*c = (struct issuer_change){ p, issuer, g_strdup(issuer.public_key) };
	c->issuer.public_key = c->public_key;
	o->store->ops->issuer_create(o->store, &c->issuer, on_issuer_created, c);
}

static void on_issuer_deleted(void *arg, enum otter_err err, const void *row)
{
	struct issuer_change *c = arg;
	(void)row;
	if (err != OTTER_OK) {
		answer_err(c->p->fn, c->p->arg, err);
	} else {
		otter_keyring_remove_issuer(&c->p->o->keyring, c->issuer.id);
		otter_log(c->p->o->env, OTTER_LOG_INFO, "issuer %s was removed", c->issuer.id);
		answer_body(c->p->fn, c->p->arg, NULL);
	}
	issuer_change_end(c);
}

void otter_do_issuer_delete(struct otter *o, const char *id, otter_answer_fn fn, void *arg)
{
	struct pending *p = pending_new(o, fn, arg);
	if (p == NULL)
		return;
	struct issuer_change *c = g_new0(struct issuer_change, 1);
	c->p = p;
	g_strlcpy(c->issuer.id, id, sizeof c->issuer.id);
	o->store->ops->issuer_delete(o->store, id, on_issuer_deleted, c);
}
