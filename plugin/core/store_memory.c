/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store in memory: answers before it returns.
 *
 * Its lock is held while a completion runs, so that completions come one at a time and in order, as from SQLite's one thread. A completion may
 * ask for the next thing, hence recursive. */
#include "store.h"

#include "lock.h"

#include <glib.h>
#include <string.h>

struct memory {
	struct otter_store base;
	otter_lock lock;         /* recursive; guards all below, and is held while a completion runs */
	GHashTable *rooms;       /* id -> struct otter_room_record */
	GPtrArray *keys;         /* struct otter_key_record */
	GPtrArray *signing_keys; /* struct otter_signing_key_record */
	GPtrArray *issuers;      /* struct otter_issuer_record */
	GPtrArray *revocations;  /* struct otter_revocation_record */
	char *deployment_id;
	otter_lock seats_lock; /* a leaf: seats and their state are kept under a room's lock */
	GPtrArray *seats;      /* struct otter_seat_record, by order in their room; under seats_lock */
	GHashTable *counted;   /* room id -> struct counters; under seats_lock */
	GPtrArray *state;      /* struct otter_state_record; under seats_lock */
};

/* What was ever given in a room. */
struct counters {
	int64_t last_order, last_attach;
};

static void answer(otter_store_fn fn, void *arg, enum otter_err err, const void *row)
{
	if (fn != NULL)
		fn(arg, err, err == OTTER_OK || err == OTTER_CONFLICT ? row : NULL);
}

/* ---- rooms ---- */

static void room_free(void *data)
{
	struct otter_room_record *room = data;
	g_free((char *)room->metadata);
	g_free(room);
}

static struct otter_room_record *room_copy(const struct otter_room_record *room)
{
	struct otter_room_record *copy = g_memdup2(room, sizeof *room);
	copy->metadata = g_strdup(room->metadata);
	return copy;
}

static void memory_close(struct otter_store *store)
{
	struct memory *m = (struct memory *)store;
	otter_lock_release(&(otter_lock *){ otter_lock_take(&m->lock) }); /* whoever answers just now is on the way out */
	g_hash_table_destroy(m->rooms);
	g_ptr_array_free(m->keys, TRUE);
	g_ptr_array_free(m->signing_keys, TRUE);
	g_ptr_array_free(m->issuers, TRUE);
	g_ptr_array_free(m->revocations, TRUE);
	g_ptr_array_free(m->seats, TRUE);
	g_hash_table_destroy(m->counted);
	g_ptr_array_free(m->state, TRUE);
	otter_lock_clear(&m->seats_lock);
	g_free(m->deployment_id);
	otter_lock_clear(&m->lock);
	g_free(m);
}

static struct otter_room_record *find_by_name(struct memory *m, const char *name)
{
	GHashTableIter it;
	struct otter_room_record *room;
	g_hash_table_iter_init(&it, m->rooms);
	while (g_hash_table_iter_next(&it, NULL, (void **)&room))
		if (room->closed_ms == 0 && strcmp(room->unique_name, name) == 0)
			return room;
	return NULL;
}

static void memory_room_create(struct otter_store *store, const struct otter_room_record *room, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	struct otter_room_record *namesake = room->unique_name[0] ? find_by_name(m, room->unique_name) : NULL;
	if (namesake != NULL && !otter_room_record_open(namesake, room->created_ms)) {
		namesake->closed_ms = namesake->updated_ms = namesake->expires_ms;
		namesake = NULL;
	}
	if (namesake == NULL)
		g_hash_table_insert(m->rooms, g_strdup(room->id), room_copy(room));
	answer(fn, arg, namesake != NULL ? OTTER_CONFLICT : OTTER_OK, namesake != NULL ? namesake : room);
}

/* Its counters, as they are by now. */
static void count(struct memory *m, struct otter_room_record *room)
{
	OTTER_LOCKED(&m->seats_lock);
	const struct counters *counted = g_hash_table_lookup(m->counted, room->id);
	room->last_order = counted != NULL ? counted->last_order : 0;
	room->last_attach = counted != NULL ? counted->last_attach : 0;
}

static void memory_room_get(struct otter_store *store, const char *id_or_name, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	struct otter_room_record *room = g_hash_table_lookup(m->rooms, id_or_name);
	if (room == NULL && id_or_name[0] != '\0')
		room = find_by_name(m, id_or_name);
	if (room != NULL)
		count(m, room);
	answer(fn, arg, room != NULL ? OTTER_OK : OTTER_ROOM_NOT_FOUND, room);
}

/* The room in the version that is wanted (0: any). room_not_found, precondition_failed. */
static enum otter_err find_version(struct memory *m, const char *id, int64_t version, struct otter_room_record **room)
{
	*room = g_hash_table_lookup(m->rooms, id);
	if (*room == NULL)
		return OTTER_ROOM_NOT_FOUND;
	return version != 0 && version != (*room)->version ? OTTER_PRECONDITION_FAILED : OTTER_OK;
}

static void forget_seats_of(struct memory *m, const char *room)
{
	OTTER_LOCKED(&m->seats_lock);
	for (guint i = m->seats->len; i > 0; i--)
		if (strcmp(((const struct otter_seat_record *)m->seats->pdata[i - 1])->room, room) == 0)
			g_ptr_array_remove_index(m->seats, i - 1);
}

static void memory_state_forget(struct otter_store *store, const char *room)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->seats_lock);
	for (guint i = m->state->len; i > 0; i--)
		if (strcmp(((const struct otter_state_record *)m->state->pdata[i - 1])->room, room) == 0)
			g_ptr_array_remove_index(m->state, i - 1);
}

static void memory_room_close(struct otter_store *store, const char *id, int64_t closed_ms, int64_t version, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	struct otter_room_record *room;
	OTTER_LOCKED(&m->lock);
	enum otter_err err = find_version(m, id, version, &room);
	bool open = err == OTTER_OK && room->closed_ms == 0;
	if (open) {
		room->closed_ms = room->updated_ms = closed_ms;
		room->version++;
		forget_seats_of(m, id);
		memory_state_forget(store, id);
	}
	answer(fn, arg, err, open ? room : NULL);
}

static void memory_room_update(struct otter_store *store, const struct otter_room_record *from, unsigned mask, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	struct otter_room_record *room;
	OTTER_LOCKED(&m->lock);
	enum otter_err err = find_version(m, from->id, from->version, &room);
	if (err == OTTER_OK && !otter_room_record_open(room, from->updated_ms))
		err = OTTER_ROOM_CLOSED;
	if (err == OTTER_OK) {
		count(m, room);
		char *old = (char *)room->metadata;
		otter_room_record_apply(room, from, mask);
		if (room->metadata != old) {
			room->metadata = g_strdup(room->metadata);
			g_free(old);
		}
	}
	answer(fn, arg, err, room);
}

static void memory_room_emptied(struct otter_store *store, const char *id, int64_t emptied_ms, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	struct otter_room_record *room = g_hash_table_lookup(m->rooms, id);
	if (room != NULL)
		room->emptied_ms = emptied_ms;
	answer(fn, arg, OTTER_OK, NULL);
}

static void memory_room_hosted(struct otter_store *store, const char *id, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	struct otter_room_record *room = g_hash_table_lookup(m->rooms, id);
	if (room != NULL)
		room->had_host_token = true;
	answer(fn, arg, OTTER_OK, NULL);
}

static gint by_creation(gconstpointer a, gconstpointer b)
{
	const struct otter_room_record *x = *(struct otter_room_record *const *)a, *y = *(struct otter_room_record *const *)b;
	return x->created_ms != y->created_ms ? (x->created_ms > y->created_ms) - (x->created_ms < y->created_ms) : strcmp(x->id, y->id);
}

static bool wanted(const struct otter_room_record *room, const struct otter_room_query *q)
{
	bool after = room->created_ms > q->after_ms || (room->created_ms == q->after_ms && strcmp(room->id, q->after_id) > 0);
	bool entered = room->empty_timeout_s > 0 && room->emptied_ms != OTTER_NEVER_ENTERED;
	return after && (entered || !q->entered) && (otter_room_record_open(room, q->now_ms) ? q->open : q->closed);
}

static void memory_room_each(struct otter_store *store, const struct otter_room_query *query, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	g_autoptr(GPtrArray) rooms = g_ptr_array_new();
	GHashTableIter it;
	struct otter_room_record *room;
	g_hash_table_iter_init(&it, m->rooms);
	while (g_hash_table_iter_next(&it, NULL, (void **)&room))
		if (wanted(room, query))
			g_ptr_array_add(rooms, room);
	g_ptr_array_sort(rooms, by_creation);
	for (guint i = 0; i < rooms->len && i < (guint)query->limit; i++)
		fn(arg, OTTER_OK, rooms->pdata[i]);
	fn(arg, OTTER_OK, NULL);
}

/* ---- seats ---- */

/* Its place among the seats, or that of none. With the lock held. */
static guint seat_at(const struct memory *m, const char *participant)
{
	guint i = 0;
	while (i < m->seats->len && strcmp(((const struct otter_seat_record *)m->seats->pdata[i])->participant, participant) != 0)
		i++;
	return i;
}

static void keep_seat(struct memory *m, const struct otter_seat_record *seat)
{
	OTTER_LOCKED(&m->seats_lock);
	guint i = seat_at(m, seat->participant);
	if (i < m->seats->len)
		*(struct otter_seat_record *)m->seats->pdata[i] = *seat;
	else
		g_ptr_array_add(m->seats, g_memdup2(seat, sizeof *seat));
	struct counters *counted = g_hash_table_lookup(m->counted, seat->room);
	if (counted == NULL)
		g_hash_table_insert(m->counted, g_strdup(seat->room), counted = g_new0(struct counters, 1));
	counted->last_order = MAX(counted->last_order, seat->order);
	counted->last_attach = MAX(counted->last_attach, seat->attach);
}

static void memory_seat_put(struct otter_store *store, const struct otter_seat_record *seat, otter_store_fn fn, void *arg)
{
	keep_seat((struct memory *)store, seat);
	if (fn != NULL)
		fn(arg, OTTER_OK, NULL);
}

static void memory_seat_end(struct otter_store *store, const char *participant, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	{
		OTTER_LOCKED(&m->seats_lock);
		guint i = seat_at(m, participant);
		if (i < m->seats->len)
			g_ptr_array_remove_index(m->seats, i);
	}
	if (fn == NULL) /* and then, perhaps, with a room's lock held, before which ours is taken */
		return;
	OTTER_LOCKED(&m->lock);
	answer(fn, arg, OTTER_OK, NULL);
}

static gint by_room_and_order(gconstpointer a, gconstpointer b)
{
	const struct otter_seat_record *x = *(struct otter_seat_record *const *)a, *y = *(struct otter_seat_record *const *)b;
	int rooms = strcmp(x->room, y->room);
	return rooms != 0 ? rooms : (x->order > y->order) - (x->order < y->order);
}

static void memory_seat_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
	OTTER_LOCKED(&m->lock);
	{
		OTTER_LOCKED(&m->seats_lock);
		for (guint i = 0; i < m->seats->len; i++)
			g_ptr_array_add(all, g_memdup2(m->seats->pdata[i], sizeof(struct otter_seat_record)));
	}
	g_ptr_array_sort(all, by_room_and_order);
	for (guint i = 0; i < all->len; i++)
		fn(arg, OTTER_OK, all->pdata[i]);
	fn(arg, OTTER_OK, NULL);
}

/* ---- what those in a room share ---- */

static void state_free(void *data)
{
	struct otter_state_record *state = data;
	g_free((char *)state->value);
	g_free(state);
}

static struct otter_state_record *state_copy(const struct otter_state_record *state)
{
	struct otter_state_record *copy = g_memdup2(state, sizeof *state);
	copy->value = g_strdup(state->value);
	return copy;
}

static void memory_state_put(struct otter_store *store, const struct otter_state_record *state)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->seats_lock);
	for (guint i = 0; i < m->state->len; i++) {
		const struct otter_state_record *old = m->state->pdata[i];
		if (strcmp(old->room, state->room) == 0 && strcmp(old->key, state->key) == 0) {
			g_ptr_array_remove_index(m->state, i);
			break;
		}
	}
	if (state->value != NULL)
		g_ptr_array_add(m->state, state_copy(state));
}

static gint by_room_and_setting(gconstpointer a, gconstpointer b)
{
	const struct otter_state_record *x = *(struct otter_state_record *const *)a, *y = *(struct otter_state_record *const *)b;
	int rooms = strcmp(x->room, y->room);
	return rooms != 0 ? rooms : (x->order > y->order) - (x->order < y->order);
}

static void memory_state_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(state_free);
	OTTER_LOCKED(&m->lock);
	{
		OTTER_LOCKED(&m->seats_lock);
		for (guint i = 0; i < m->state->len; i++)
			g_ptr_array_add(all, state_copy(m->state->pdata[i]));
	}
	g_ptr_array_sort(all, by_room_and_setting);
	for (guint i = 0; i < all->len; i++)
		fn(arg, OTTER_OK, all->pdata[i]);
	fn(arg, OTTER_OK, NULL);
}

/* ---- rows that are few: arrays ---- */

static void each(struct memory *m, GPtrArray *rows, otter_store_fn fn, void *arg)
{
	OTTER_LOCKED(&m->lock);
	for (guint i = 0; i < rows->len; i++)
		fn(arg, OTTER_OK, rows->pdata[i]);
	fn(arg, OTTER_OK, NULL);
}

/* ---- API keys ---- */

static struct otter_key_record *find_key(struct memory *m, const char *id)
{
	for (guint i = 0; i < m->keys->len; i++) {
		struct otter_key_record *key = m->keys->pdata[i];
		if (strcmp(key->id, id) == 0)
			return key;
	}
	return NULL;
}

static enum otter_err find_key_version(struct memory *m, const char *id, int64_t version, struct otter_key_record **key)
{
	*key = find_key(m, id);
	if (*key == NULL)
		return OTTER_NOT_FOUND;
	return version != 0 && version != (*key)->version ? OTTER_PRECONDITION_FAILED : OTTER_OK;
}

static void memory_key_create(struct otter_store *store, const struct otter_key_record *key, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	enum otter_err err = find_key(m, key->id) != NULL ? OTTER_CONFLICT : OTTER_OK;
	if (err == OTTER_OK)
		g_ptr_array_add(m->keys, g_memdup2(key, sizeof *key));
	answer(fn, arg, err, err == OTTER_OK ? key : NULL);
}

static void memory_key_rotate(struct otter_store *store, const struct otter_key_rotation *rotation, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	struct otter_key_record *key;
	OTTER_LOCKED(&m->lock);
	enum otter_err err = find_key_version(m, rotation->id, rotation->version, &key);
	if (err == OTTER_OK)
		err = otter_key_rotate(key, rotation);
	answer(fn, arg, err, err == OTTER_OK ? key : NULL);
}

static bool is_last_administrator(struct memory *m, const struct otter_key_record *key, int64_t now_ms)
{
	bool last = otter_key_administers(key, now_ms);
	for (guint i = 0; i < m->keys->len; i++)
		last = last && (m->keys->pdata[i] == key || !otter_key_administers(m->keys->pdata[i], now_ms));
	return last;
}

static void memory_key_delete(struct otter_store *store, const struct otter_key_removal *removal, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	struct otter_key_record *key;
	OTTER_LOCKED(&m->lock);
	enum otter_err err = find_key_version(m, removal->id, removal->version, &key);
	if (err == OTTER_OK && !removal->force && is_last_administrator(m, key, removal->now_ms))
		err = OTTER_CONFLICT;
	if (err == OTTER_OK)
		g_ptr_array_remove(m->keys, key);
	answer(fn, arg, err, NULL);
}

static void memory_key_used(struct otter_store *store, const char *id, int64_t used_ms, int64_t uses, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	struct otter_key_record *key = find_key(m, id);
	if (key != NULL) {
		key->used_ms = used_ms;
		key->uses = uses;
	}
	answer(fn, arg, OTTER_OK, NULL);
}

static void memory_key_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	each(m, m->keys, fn, arg);
}

/* ---- who signs tokens ---- */

static void memory_signing_key_rotate(
	struct otter_store *store, const struct otter_signing_key_record *key, int64_t verify_until_ms, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	for (guint i = 0; i < m->signing_keys->len; i++)
		otter_signing_key_retire(m->signing_keys->pdata[i], verify_until_ms);
	g_ptr_array_add(m->signing_keys, g_memdup2(key, sizeof *key));
	answer(fn, arg, OTTER_OK, NULL);
}

static void memory_signing_key_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	each(m, m->signing_keys, fn, arg);
}

static void issuer_free(void *data)
{
	struct otter_issuer_record *issuer = data;
	g_free((char *)issuer->public_key);
	g_free(issuer);
}

static void memory_issuer_create(struct otter_store *store, const struct otter_issuer_record *issuer, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	enum otter_err err = OTTER_OK;
	OTTER_LOCKED(&m->lock);
	for (guint i = 0; i < m->issuers->len; i++) {
		const struct otter_issuer_record *other = m->issuers->pdata[i];
		if (strcmp(other->issuer, issuer->issuer) == 0 && strcmp(other->kid, issuer->kid) == 0)
			err = OTTER_CONFLICT;
	}
	if (err == OTTER_OK) {
		struct otter_issuer_record *copy = g_memdup2(issuer, sizeof *issuer);
		copy->public_key = g_strdup(issuer->public_key);
		g_ptr_array_add(m->issuers, copy);
	}
	answer(fn, arg, err, NULL);
}

static void memory_issuer_delete(struct otter_store *store, const char *id, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	enum otter_err err = OTTER_NOT_FOUND;
	OTTER_LOCKED(&m->lock);
	for (guint i = m->issuers->len; i > 0; i--)
		if (strcmp(((struct otter_issuer_record *)m->issuers->pdata[i - 1])->id, id) == 0) {
			g_ptr_array_remove_index(m->issuers, i - 1);
			err = OTTER_OK;
		}
	answer(fn, arg, err, NULL);
}

static void memory_issuer_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	each(m, m->issuers, fn, arg);
}

/* ---- revocations ---- */

static void memory_revoke(struct otter_store *store, const struct otter_revocation_record *revocation, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	bool found = false;
	OTTER_LOCKED(&m->lock);
	for (guint i = 0; i < m->revocations->len && !found; i++) {
		struct otter_revocation_record *old = m->revocations->pdata[i];
		found = old->kind == revocation->kind && strcmp(old->room, revocation->room) == 0 && strcmp(old->value, revocation->value) == 0;
		if (found)
			otter_revocation_merge(old, revocation);
	}
	if (!found)
		g_ptr_array_add(m->revocations, g_memdup2(revocation, sizeof *revocation));
	answer(fn, arg, OTTER_OK, NULL);
}

static void memory_revocation_each(struct otter_store *store, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	each(m, m->revocations, fn, arg);
}

/* ---- the deployment ---- */

static void memory_deployment_id(struct otter_store *store, const char *proposal, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	if (m->deployment_id == NULL)
		m->deployment_id = g_strdup(proposal);
	fn(arg, OTTER_OK, m->deployment_id);
}

static gboolean has_ended(gpointer id, gpointer row, gpointer ended_ms)
{
	const struct otter_room_record *room = row;
	int64_t end_ms = room->closed_ms > 0 ? room->closed_ms : room->expires_ms;
	(void)id;
	return end_ms > 0 && end_ms < *(const int64_t *)ended_ms;
}

static bool is_open(const struct memory *m, const char *id)
{
	const struct otter_room_record *room = g_hash_table_lookup(m->rooms, id);
	return room != NULL && room->closed_ms == 0;
}

static gboolean has_no_room(gpointer id, gpointer counters, gpointer memory)
{
	(void)counters;
	return !g_hash_table_contains(((struct memory *)memory)->rooms, id);
}

/* What belongs to rooms that are no more. */
static void sweep_seats(struct memory *m)
{
	OTTER_LOCKED(&m->seats_lock);
	for (guint i = m->seats->len; i > 0; i--)
		if (!is_open(m, ((const struct otter_seat_record *)m->seats->pdata[i - 1])->room))
			g_ptr_array_remove_index(m->seats, i - 1);
	for (guint i = m->state->len; i > 0; i--)
		if (!is_open(m, ((const struct otter_state_record *)m->state->pdata[i - 1])->room))
			g_ptr_array_remove_index(m->state, i - 1);
	g_hash_table_foreach_remove(m->counted, has_no_room, m);
}

static void memory_sweep(struct otter_store *store, int64_t now_ms, int64_t ended_ms, otter_store_fn fn, void *arg)
{
	struct memory *m = (struct memory *)store;
	OTTER_LOCKED(&m->lock);
	g_hash_table_foreach_remove(m->rooms, has_ended, &ended_ms);
	sweep_seats(m);
	for (guint i = m->revocations->len; i > 0; i--)
		if (((struct otter_revocation_record *)m->revocations->pdata[i - 1])->until_ms <= now_ms)
			g_ptr_array_remove_index(m->revocations, i - 1);
	for (guint i = m->signing_keys->len; i > 0; i--) {
		const struct otter_signing_key_record *key = m->signing_keys->pdata[i - 1];
		if (!key->active && key->verify_until_ms <= now_ms)
			g_ptr_array_remove_index(m->signing_keys, i - 1);
	}
	answer(fn, arg, OTTER_OK, &(bool){ false });
}

static const struct otter_store_ops ops = {
	.close = memory_close,
	.room_create = memory_room_create,
	.room_get = memory_room_get,
	.room_peek = memory_room_get,
	.room_close = memory_room_close,
	.room_update = memory_room_update,
	.room_emptied = memory_room_emptied,
	.room_hosted = memory_room_hosted,
	.room_each = memory_room_each,
	.seat_put = memory_seat_put,
	.seat_end = memory_seat_end,
	.seat_each = memory_seat_each,
	.state_put = memory_state_put,
	.state_forget = memory_state_forget,
	.state_each = memory_state_each,
	.key_create = memory_key_create,
	.key_rotate = memory_key_rotate,
	.key_delete = memory_key_delete,
	.key_used = memory_key_used,
	.key_each = memory_key_each,
	.signing_key_rotate = memory_signing_key_rotate,
	.signing_key_each = memory_signing_key_each,
	.issuer_create = memory_issuer_create,
	.issuer_delete = memory_issuer_delete,
	.issuer_each = memory_issuer_each,
	.revoke = memory_revoke,
	.revocation_each = memory_revocation_each,
	.deployment_id = memory_deployment_id,
	.sweep = memory_sweep,
};

struct otter_store *otter_store_memory_open(void)
{
	struct memory *m = g_new0(struct memory, 1);
	m->base.ops = &ops;
	otter_lock_init_recursive(&m->lock);
	m->rooms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, room_free);
	m->keys = g_ptr_array_new_with_free_func(g_free);
	m->signing_keys = g_ptr_array_new_with_free_func(g_free);
	m->issuers = g_ptr_array_new_with_free_func(issuer_free);
	m->revocations = g_ptr_array_new_with_free_func(g_free);
	otter_lock_init(&m->seats_lock);
	m->seats = g_ptr_array_new_with_free_func(g_free);
	m->counted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	m->state = g_ptr_array_new_with_free_func(state_free);
	return &m->base;
}
