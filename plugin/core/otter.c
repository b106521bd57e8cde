/* SPDX-License-Identifier: GPL-3.0-or-later
 * Opening and closing the core and its rooms, and its clock. */
#include "otter.h"

#include "latch.h"
#include "otter_private.h"
#include "secret.h"

#include <string.h>
#include <time.h>

#define GATE_SECRET_MIN 16     /* characters */
#define SIGNING_SECRET_MIN 32  /* characters */
#define TURN_REFRESH_MS 5000   /* how soon a rotated TURN secret is used */
#define TICK_AT_MOST_MS 1000   /* the clock's thread is never asleep for longer: what is added meanwhile waits no longer than this */
#define CLOSE_AGAIN_MS 5000    /* after the store has failed to */
#define SWEEP_MS 60000         /* how often what has ended is forgotten */
#define SWEEP_AGAIN_MS 50      /* and when there was too much for one time */
#define FLUSH_MS 10000         /* how often the uses of API keys are written down */
#define WATCHED_AT_MOST 100000 /* rooms that wait for their empty_timeout when we start */

/* The registry: what otter_ref answers. The one global of the core. */
static struct {
	otter_lock lock;
	struct otter *open;
} registry = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- references and requests in flight ---- */

struct otter *otter_ref(void)
{
	OTTER_LOCKED(&registry.lock);
	if (registry.open != NULL)
		g_atomic_int_inc(&registry.open->refs);
	return registry.open;
}

static void otter_free(struct otter *o)
{
	otter_deadlines_clear(&o->deadlines);
	otter_turn_clear(&o->turn);
	otter_api_keys_clear(&o->api_keys);
	otter_keyring_clear(&o->keyring);
	otter_revocations_clear(&o->revocations);
	if (o->gate_secret != NULL)
		otter_wipe(o->gate_secret, strlen(o->gate_secret));
	g_free(o->gate_secret);
	g_free(o->signaling_url);
	otter_settings_clear(&o->settings);
	g_free(o->public_url);
	otter_lock_clear(&o->lock);
	otter_lock_clear(&o->rooms_lock);
	pthread_cond_destroy(&o->clock_wake);
	g_free(o);
}

void otter_unref(struct otter *o)
{
	if (o != NULL && g_atomic_int_dec_and_test(&o->refs))
		otter_free(o);
}

bool otter_enter(struct otter *o)
{
	g_atomic_int_inc(&o->running);
	if (!g_atomic_int_get(&o->closing))
		return true;
	g_atomic_int_add(&o->running, -1);
	return false;
}

void otter_leave(struct otter *o)
{
	g_atomic_int_add(&o->running, -1);
}

/* ---- the clock ---- */

int64_t otter_tick(struct otter *o)
{
	int64_t now_ms = otter_mono_ms(o->env);
	int64_t next_ms = otter_deadlines_run(&o->deadlines, now_ms, o);
	return next_ms - now_ms < TICK_AT_MOST_MS ? MAX(next_ms - now_ms, 1) : TICK_AT_MOST_MS;
}

static void *clock_main(void *arg)
{
	struct otter *o = arg;
	while (!g_atomic_int_get(&o->clock_stop)) {
		int64_t wait_ms = otter_tick(o);
		OTTER_LOCKED(&o->lock);
		if (!g_atomic_int_get(&o->clock_stop))
			otter_lock_wait_ms(&o->clock_wake, &o->lock, wait_ms);
	}
	return NULL;
}

static void on_turn_refresh(void *context, void *arg)
{
	struct otter *o = context;
	(void)arg;
	otter_turn_refresh(&o->turn, o->env);
	otter_deadlines_add(&o->deadlines, otter_mono_ms(o->env) + TURN_REFRESH_MS, on_turn_refresh, NULL, NULL);
}

static void on_sweep(void *context, void *arg);

static void on_swept(void *arg, enum otter_err err, const void *row)
{
	struct otter *o = arg;
	bool more = err == OTTER_OK && *(const bool *)row;
	otter_deadlines_add(&o->deadlines, otter_mono_ms(o->env) + (more ? SWEEP_AGAIN_MS : SWEEP_MS), on_sweep, NULL, NULL);
	otter_leave(o);
}

static void on_sweep(void *context, void *arg)
{
	struct otter *o = context;
	int64_t now_ms = otter_wall_ms(o->env);
	(void)arg;
	otter_keyring_sweep(&o->keyring);
	otter_revocations_sweep(&o->revocations, now_ms);
	if (otter_enter(o))
		o->store->ops->sweep(o->store, now_ms, now_ms - o->retention_ms, on_swept, o);
}

static void on_flush(void *context, void *arg)
{
	struct otter *o = context;
	(void)arg;
	otter_api_keys_flush(&o->api_keys, o->store);
	otter_deadlines_add(&o->deadlines, otter_mono_ms(o->env) + FLUSH_MS, on_flush, NULL, NULL);
}

static enum otter_err start_clock(struct otter *o, struct otter_error *e)
{
	if (o->turn.secret_db != NULL)
		on_turn_refresh(o, NULL);
	on_sweep(o, NULL);
	otter_look_at_rooms(o, NULL);
	otter_deadlines_add(&o->deadlines, otter_mono_ms(o->env) + FLUSH_MS, on_flush, NULL, NULL);
	if (o->own_clock && pthread_create(&o->clock, NULL, clock_main, o) != 0) {
		o->own_clock = false;
		return otter_fail(e, OTTER_UNAVAILABLE, "cannot start the core's clock thread.");
	}
	return OTTER_OK;
}

static void stop_clock(struct otter *o)
{
	if (!o->own_clock)
		return;
	{
		OTTER_LOCKED(&o->lock);
		g_atomic_int_set(&o->clock_stop, 1);
		pthread_cond_signal(&o->clock_wake);
	}
	pthread_join(o->clock, NULL);
	o->own_clock = false;
}

/* ---- opening and closing ---- */

static struct otter *otter_new(const struct otter_config *config)
{
	struct otter *o = g_new0(struct otter, 1);
	o->refs = 1;
	o->env = config->env;
	o->observer = config->observer;
	o->signaling_url = g_strdup(config->signaling_url != NULL ? config->signaling_url : "");
	o->public_url = config->public_url != NULL && config->public_url[0] != '\0' ? g_strdup(config->public_url) : NULL;
	otter_settings_copy(&o->settings, &config->settings, o->public_url);
	o->resume_timeout_ms = config->resume_timeout_s * 1000;
	o->token_ttl_s = config->token_ttl_s;
	o->token_ttl_max_s = MAX(config->token_ttl_max_s, config->token_ttl_s);
	o->gate_ttl_s = config->gate_ttl_s;
	o->retention_ms = config->closed_retention_s * 1000;
	o->own_clock = config->own_clock;
	otter_lock_init(&o->lock);
	otter_lock_init(&o->rooms_lock);
	otter_cond_init(&o->clock_wake);
	otter_deadlines_init(&o->deadlines);
	o->rooms = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, otter_room_unref_data);
	otter_turn_init(
		&o->turn, config->turn_servers, config->n_turn_servers, config->turn_secret_db, config->turn_realm != NULL ? config->turn_realm : "otter");
	return o;
}

static enum otter_err open_keys(struct otter *o, const struct otter_config *config, struct otter_error *e)
{
	g_autofree char *secret = NULL;
	enum otter_err err = OTTER_OK;
	if (config->signing_secret_file != NULL) {
		err = otter_secret_load(o->env, config->signing_secret_file, SIGNING_SECRET_MIN, true, &secret, e);
	} else {
		secret = g_malloc(SIGNING_SECRET_MIN + 1);
		otter_base62_random(o->env, secret, SIGNING_SECRET_MIN);
	}
	if (err == OTTER_OK)
		err = otter_keyring_open(&o->keyring, o->env, o->store, secret, e);
	if (err == OTTER_OK)
		err = otter_api_keys_open(&o->api_keys, o->env, o->store, config->first_key_file, e);
	o->api_keys.rate_per_s = o->settings.limits.key_requests_per_second;
	if (err == OTTER_OK)
		err = otter_revocations_open(&o->revocations, o->store, e);
	if (err == OTTER_OK && config->gate_secret_file != NULL)
		err = otter_secret_load(o->env, config->gate_secret_file, GATE_SECRET_MIN, false, &o->gate_secret, e);
	if (secret != NULL)
		otter_wipe(secret, strlen(secret));
	return err;
}

/* Rooms that were entered before and close when they are empty for too long: their time goes on. */
struct watching {
	struct otter *o;
	struct otter_latch latch;
};

static void on_entered_room(void *arg, enum otter_err err, const void *row)
{
	struct watching *w = arg;
	if (row == NULL)
		otter_latch_open(&w->latch, err);
	else
		otter_room_unref(otter_enter_room(w->o, row));
}

static enum otter_err watch_empty_rooms(struct otter *o, struct otter_error *e)
{
	struct watching w = { .o = o };
	const struct otter_room_query query = { .open = true, .entered = true, .now_ms = otter_wall_ms(o->env), .limit = WATCHED_AT_MOST };
	otter_latch_init(&w.latch);
	o->store->ops->room_each(o->store, &query, on_entered_room, &w);
	enum otter_err err = otter_latch_wait(&w.latch);
	otter_latch_clear(&w.latch);
	return err == OTTER_OK ? OTTER_OK : otter_fail(e, err, "the rooms cannot be read from the store.");
}

/* ---- seats of before the restart ---- */

struct restoring {
	struct otter *o;
	GArray *seats; /* struct otter_seat_record, room by room */
	guint next;    /* the first one of the room that is asked for */
	struct otter_latch latch;
};

static void on_seat(void *arg, enum otter_err err, const void *row)
{
	struct restoring *r = arg;
	if (row != NULL)
		g_array_append_vals(r->seats, row, 1);
	else
		otter_latch_open(&r->latch, err);
}

static const struct otter_seat_record *seat_to_restore(const struct restoring *r, guint i)
{
	return i < r->seats->len ? &g_array_index(r->seats, struct otter_seat_record, i) : NULL;
}

/* All of one room's. */
static void on_room_of_seats(void *arg, enum otter_err err, const void *row)
{
	struct restoring *r = arg;
	const struct otter_room_record *record = row;
	const struct otter_seat_record *seat = seat_to_restore(r, r->next);
	bool open = record != NULL && otter_room_record_open(record, otter_wall_ms(r->o->env));
	struct otter_room *room = open ? otter_enter_room(r->o, record) : NULL;
	g_autofree char *id = g_strdup(seat->room);
	for (; seat != NULL && strcmp(seat->room, id) == 0; seat = seat_to_restore(r, ++r->next))
		if (room != NULL)
			otter_room_restore(room, seat);
	otter_room_unref(room);
	otter_latch_open(&r->latch, err == OTTER_ROOM_NOT_FOUND ? OTTER_OK : err);
}

static enum otter_err restore_seats(struct otter *o, struct otter_error *e)
{
	struct restoring r = { .o = o, .seats = g_array_new(FALSE, FALSE, sizeof(struct otter_seat_record)) };
	otter_latch_init(&r.latch);
	o->store->ops->seat_each(o->store, on_seat, &r);
	enum otter_err err = otter_latch_wait(&r.latch);
	while (err == OTTER_OK && r.next < r.seats->len) {
		o->store->ops->room_get(o->store, seat_to_restore(&r, r.next)->room, on_room_of_seats, &r);
		err = otter_latch_wait(&r.latch);
	}
	otter_latch_clear(&r.latch);
	g_array_free(r.seats, TRUE);
	return err == OTTER_OK ? OTTER_OK : otter_fail(e, err, "the seats cannot be read from the store.");
}

/* What they shared. */
static void on_state(void *arg, enum otter_err err, const void *row)
{
	struct restoring *r = arg;
	const struct otter_state_record *state = row;
	if (state == NULL) {
		otter_latch_open(&r->latch, err);
		return;
	}
	struct otter_room *room = otter_find_room(r->o, state->room);
	if (room == NULL || !otter_room_restore_state(room, state))
		r->o->store->ops->state_forget(r->o->store, state->room);
	otter_room_unref(room);
}

static enum otter_err restore_state(struct otter *o, struct otter_error *e)
{
	struct restoring r = { .o = o };
	otter_latch_init(&r.latch);
	o->store->ops->state_each(o->store, on_state, &r);
	enum otter_err err = otter_latch_wait(&r.latch);
	otter_latch_clear(&r.latch);
	return err == OTTER_OK ? OTTER_OK : otter_fail(e, err, "what rooms share cannot be read from the store.");
}

struct otter *otter_open(const struct otter_config *config, struct otter_error *e)
{
	if (config->signing_secret_file == NULL && g_strcmp0(config->store, "memory") != 0) {
		otter_fail(e, OTTER_INVALID_REQUEST, "signing_secret_file is missing: without it links would die with the process.");
		return NULL;
	}
	struct otter *o = otter_new(config);
	o->store = otter_store_open(o->env, config->store, e);
	if (o->store == NULL || open_keys(o, config, e) != OTTER_OK || watch_empty_rooms(o, e) != OTTER_OK || restore_seats(o, e) != OTTER_OK ||
		restore_state(o, e) != OTTER_OK)
		goto fail;
	{
		OTTER_LOCKED(&registry.lock);
		if (registry.open != NULL)
			otter_fail(e, OTTER_CONFLICT, "the core is open already.");
		else
			registry.open = o;
	}
	if (e->err != OTTER_OK || start_clock(o, e) != OTTER_OK)
		goto fail;
	otter_log(o->env, OTTER_LOG_INFO, "otter " OTTER_VERSION " is open: deployment %s, store %s", o->keyring.iss, config->store);
	return o;
fail:
	otter_close(o);
	otter_unref(o);
	return NULL;
}

void otter_close(struct otter *o)
{
	{
		OTTER_LOCKED(&registry.lock);
		if (registry.open == o)
			registry.open = NULL;
	}
	g_atomic_int_set(&o->closing, 1);
	stop_clock(o);
	while (g_atomic_int_get(&o->running) > 0) /* the store is still there, and answers whoever waits for it */
		g_usleep(1000);
	if (o->store != NULL) {
		if (o->api_keys.keys != NULL)
			otter_api_keys_flush(&o->api_keys, o->store);
		o->store->ops->close(g_steal_pointer(&o->store));
	}
	otter_deadlines_stop(&o->deadlines);
	GHashTable *rooms;
	{
		OTTER_LOCKED(&o->rooms_lock);
		rooms = g_steal_pointer(&o->rooms);
	}
	if (rooms != NULL) /* without the lock: a seat may hold the last reference to the core */
		g_hash_table_destroy(rooms);
}

/* ---- where we are reached ---- */

void otter_set_public_url(struct otter *o, const char *url)
{
	OTTER_LOCKED(&o->lock);
	if (o->public_url == NULL)
		o->public_url = g_strdup(url);
}

const struct otter_settings *otter_settings(const struct otter *o)
{
	return &o->settings;
}

char *otter_public_url(struct otter *o)
{
	OTTER_LOCKED(&o->lock);
	return g_strdup(o->public_url != NULL ? o->public_url : "");
}

/* ---- which room, and its end ---- */

enum otter_err otter_judge_room(
	struct otter *o, const struct otter_claims *claims, const char *named, const struct otter_room_record *record, struct otter_error *e)
{
	if (claims->by_name && !otter_room_record_open(record, otter_wall_ms(o->env))) /* the name is free by now */
		return otter_fail(e, OTTER_ROOM_NOT_FOUND, NULL);
	if (named != NULL && strcmp(named, record->id) != 0 && strcmp(named, record->unique_name) != 0)
		return otter_fail(e, OTTER_WRONG_ROOM, NULL);
	return OTTER_OK;
}

/* A close on its way. */
struct closing {
	struct otter *o;
	char id[OTTER_ID_SIZE];
	int64_t version;
	const char *reason; /* static */
	otter_store_fn fn;  /* or NULL */
	void *arg;
};

/* False: it was closed before. */
static bool drop_room(struct otter *o, struct otter_room *room, const char *reason)
{
	bool was_open = otter_room_close(room, reason);
	OTTER_LOCKED(&o->rooms_lock);
	if (o->rooms != NULL)
		g_hash_table_remove(o->rooms, room->record.id);
	return was_open;
}

static void close_again(void *context, void *arg);

static void on_closed(void *arg, enum otter_err err, const void *row)
{
	struct closing *c = arg;
	struct otter *o = c->o;
	struct otter_room *room = otter_find_room(o, c->id);
	bool gone = err == OTTER_OK || err == OTTER_ROOM_NOT_FOUND; /* the store may have forgotten it, long after it had expired */
	bool closed = row != NULL; /* in the store; or here, where who took its name had closed it in the store when it had expired */
	if (room != NULL && gone)
		closed = drop_room(o, room, c->reason) || closed;
	else if (room != NULL && c->fn == NULL && err == OTTER_PRECONDITION_FAILED)
		otter_room_watch(room);
	otter_room_unref(room);
	if (closed) /* behind all that happened in it, and once */
		otter_observe(&o->observer, "closed", c->id, "{s:s}", "reason", c->reason);
	if (c->fn != NULL)
		c->fn(c->arg, err, row);
	if (c->fn == NULL && !gone && err != OTTER_PRECONDITION_FAILED) { /* nobody else will ask for it again */
		otter_log(o->env, OTTER_LOG_ERROR, "%s could not be closed (%s), trying again: %s", c->id, c->reason, otter_err_text(err));
		otter_deadlines_add(&o->deadlines, otter_mono_ms(o->env) + CLOSE_AGAIN_MS, close_again, c, g_free);
	} else {
		g_free(c);
	}
	otter_leave(o);
}

static void close_again(void *context, void *arg)
{
	const struct closing *c = arg;
	otter_close_room(context, c->id, c->version, c->reason, NULL, NULL);
}

void otter_close_room(struct otter *o, const char *id, int64_t version, const char *reason, otter_store_fn fn, void *arg)
{
	if (!otter_enter(o)) {
		if (fn != NULL)
			fn(arg, OTTER_UNAVAILABLE, NULL);
		return;
	}
	struct closing *c = g_new0(struct closing, 1);
	*c = (struct closing){ .o = o, .version = version, .reason = reason, .fn = fn, .arg = arg };
	g_strlcpy(c->id, id, sizeof c->id);
	o->store->ops->room_close(o->store, id, otter_wall_ms(o->env), version, on_closed, c);
}
