/* SPDX-License-Identifier: GPL-3.0-or-later
 * The tokens that open their room no more. */
#include "revocations.h"

#include "latch.h"

#include <string.h>

static guint hash_of(gconstpointer row)
{
	const struct otter_revocation_record *revocation = row;
	return g_str_hash(revocation->room) * 31 + g_str_hash(revocation->value) + (guint)revocation->kind;
}

static gboolean are_equal(gconstpointer a, gconstpointer b)
{
	const struct otter_revocation_record *x = a, *y = b;
	return x->kind == y->kind && strcmp(x->room, y->room) == 0 && strcmp(x->value, y->value) == 0;
}

void otter_revocations_put(struct otter_revocations *r, const struct otter_revocation_record *revocation)
{
	OTTER_LOCKED(&r->lock);
	struct otter_revocation_record *old = g_hash_table_lookup(r->rows, revocation);
	if (old != NULL)
		otter_revocation_merge(old, revocation);
	else
		g_hash_table_add(r->rows, g_memdup2(revocation, sizeof *revocation));
}

static gboolean is_over(gpointer row, gpointer value, gpointer now_ms)
{
	(void)value;
	return ((const struct otter_revocation_record *)row)->until_ms <= *(const int64_t *)now_ms;
}

void otter_revocations_sweep(struct otter_revocations *r, int64_t now_ms)
{
	OTTER_LOCKED(&r->lock);
	g_hash_table_foreach_remove(r->rows, is_over, &now_ms);
}

/* With the lock held. */
static const struct otter_revocation_record *find(struct otter_revocations *r, const char *room, enum otter_revocation_kind kind, const char *value)
{
	struct otter_revocation_record wanted = { .kind = kind };
	g_strlcpy(wanted.room, room, sizeof wanted.room);
	g_strlcpy(wanted.value, value, sizeof wanted.value);
	return g_hash_table_lookup(r->rows, &wanted);
}

enum otter_err otter_revocations_judge(struct otter_revocations *r, const char *room, const struct otter_claims *claims, bool *knock, struct otter_error *e)
{
	OTTER_LOCKED(&r->lock);
	const struct otter_revocation_record *by_jti = find(r, room, OTTER_REVOKED_JTI, claims->jti);
	const struct otter_revocation_record *by_identity = claims->sub != NULL ? find(r, room, OTTER_REVOKED_IDENTITY, claims->sub) : NULL;
	*knock = by_jti != NULL && by_jti->knock;
	int64_t ahead_s = claims->foreign ? OTTER_TOKEN_LEEWAY_S : 0; /* rather a token too much than one too few */
	if ((by_jti != NULL && !by_jti->knock) || (by_identity != NULL && claims->iat_s - ahead_s <= by_identity->before_s))
		return otter_fail(e, OTTER_TOKEN_REVOKED, NULL);
	return OTTER_OK;
}

int64_t otter_revocations_iat(struct otter_revocations *r, const char *room, const char *identity, int64_t now_s)
{
	OTTER_LOCKED(&r->lock);
	const struct otter_revocation_record *revocation = identity != NULL ? find(r, room, OTTER_REVOKED_IDENTITY, identity) : NULL;
	return revocation != NULL ? MAX(now_s, revocation->before_s + 1) : now_s;
}

/* ---- opening; waits for the store ---- */

struct loading {
	struct otter_revocations *r;
	struct otter_latch latch;
};

static void on_row(void *arg, enum otter_err err, const void *row)
{
	struct loading *l = arg;
	if (row != NULL)
		otter_revocations_put(l->r, row);
	else
		otter_latch_open(&l->latch, err);
}

enum otter_err otter_revocations_open(struct otter_revocations *r, struct otter_store *store, struct otter_error *e)
{
	otter_lock_init(&r->lock);
	r->rows = g_hash_table_new_full(hash_of, are_equal, g_free, NULL);
	struct loading l = { .r = r };
	otter_latch_init(&l.latch);
	store->ops->revocation_each(store, on_row, &l);
	enum otter_err err = otter_latch_wait(&l.latch);
	otter_latch_clear(&l.latch);
	return err == OTTER_OK ? OTTER_OK : otter_fail(e, err, "the revocations cannot be read from the store.");
}

void otter_revocations_clear(struct otter_revocations *r)
{
	if (r->rows == NULL)
		return;
	g_hash_table_destroy(r->rows);
	otter_lock_clear(&r->lock);
	*r = (struct otter_revocations){ 0 };
}
