/* SPDX-License-Identifier: GPL-3.0-or-later
 * What those in a room share: values by key, in the order in which they were set, for everybody inside and for who comes later. It lives as long as
 * somebody has a seat.
 *
 *   set ──▶ room->state ──▶ store          the others hear it; who sits down hears all of it; and it is here again after a restart */
#include "room_private.h"

#include <string.h>

#define LOOK_MS 60000 /* look at what ends this often at least: so ends that are set ever nearer cannot pile up looks */

struct entry {
	char *key;
	json_t *event; /* that says it; never changed, for others send it too */
	char by[OTTER_ID_SIZE];
	int64_t until_ms; /* monotonic; 0: no end of its own */
};

static void entry_free(void *data)
{
	struct entry *entry = data;
	g_free(entry->key);
	json_decref(entry->event);
	g_free(entry);
}

static const struct entry *entry_at(const struct otter_room *room, guint i)
{
	return room->state->pdata[i];
}

static guint n_entries(const struct otter_room *room)
{
	return room->state != NULL ? room->state->len : 0;
}

/* Its place, or that behind the last. */
static guint find(const struct otter_room *room, const char *key)
{
	guint i = 0;
	while (i < n_entries(room) && strcmp(entry_at(room, i)->key, key) != 0)
		i++;
	return i;
}

/* Takes `event`. */
static void add(struct otter_room *room, const char *key, json_t *event, const char *by, int64_t until_ms)
{
	struct entry *entry = g_new0(struct entry, 1);
	*entry = (struct entry){ .key = g_strdup(key), .event = event, .until_ms = until_ms };
	g_strlcpy(entry->by, by, sizeof entry->by);
	if (room->state == NULL)
		room->state = g_ptr_array_new_with_free_func(entry_free);
	g_ptr_array_add(room->state, entry);
}

/* `value` is compact JSON text; NULL: none any more. */
static json_t *state_event(const char *key, const char *value, const char *by)
{
	json_t *event = otter_event("state");
	json_object_set_new(event, "key", json_string(key));
	json_object_set_new(event, "value", value != NULL ? json_loads(value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : json_null());
	json_object_set_new(event, "by", json_string(by));
	return event;
}

static void put(struct otter_room *room, const char *key, const char *value, const char *by, int64_t ttl_s)
{
	struct otter_store *store = room->otter->store;
	struct otter_state_record record = {
		.value = value, .order = ++room->last_set, .expires_ms = ttl_s != 0 ? otter_wall_ms(room->otter->env) + ttl_s * 1000 : 0
	};
	g_strlcpy(record.room, room->record.id, sizeof record.room);
	g_strlcpy(record.key, key, sizeof record.key);
	g_strlcpy(record.by, by, sizeof record.by);
	store->ops->state_put(store, &record);
}

/* ---- what has an end of its own ---- */

static void watch(struct otter_room *room);

static void end_what_is_over(struct otter_room *room)
{
	int64_t now_ms = otter_mono_ms(room->otter->env);
	for (guint i = 0; i < n_entries(room);) {
		const struct entry *entry = entry_at(room, i);
		if (entry->until_ms == 0 || entry->until_ms > now_ms) {
			i++;
			continue;
		}
		put(room, entry->key, NULL, entry->by, 0);
		room_tell_others(room, NULL, state_event(entry->key, NULL, entry->by));
		g_ptr_array_remove_index(room->state, i);
	}
}

static void on_look(void *context, void *arg)
{
	struct otter *o = context;
	struct otter_room *room = arg;
	OTTER_LOCKED(&room->lock);
	if (otter_mono_ms(o->env) >= room->state_look_ms) /* else a nearer look was asked for meanwhile, which has come */
		room->state_look_ms = 0;
	end_what_is_over(room);
	watch(room);
}

/* Look again when the first of them ends. */
static void watch(struct otter_room *room)
{
	struct otter *o = room->otter;
	int64_t first_ms = 0;
	for (guint i = 0; i < n_entries(room); i++) {
		int64_t until_ms = entry_at(room, i)->until_ms;
		if (until_ms != 0 && (first_ms == 0 || until_ms < first_ms))
			first_ms = until_ms;
	}
	if (first_ms == 0)
		return;
	int64_t look_ms = MIN(first_ms, otter_mono_ms(o->env) + LOOK_MS);
	if (room->state_look_ms != 0 && room->state_look_ms <= look_ms)
		return;
	room->state_look_ms = look_ms;
	otter_deadlines_add(&o->deadlines, look_ms, on_look, otter_room_ref(room), otter_room_unref_data);
}

/* ---- set ---- */

enum otter_err otter_room_set(struct otter_room *room, struct otter_conn *conn, const struct otter_set *set, json_t *reply, struct otter_error *e)
{
	OTTER_LOCKED(&room->lock);
	const char *value = set->text[0] != '\0' ? set->text : NULL;
	struct otter_seat *seat = room_own_seat(room, conn, e);
	if (seat == NULL || room_may_set(room, seat, e) != OTTER_OK)
		return e->err;
	guint at = find(room, set->key);
	bool known = at < n_entries(room);
	if (!known && value != NULL && at == OTTER_STATE_KEYS)
		return otter_fail(e, OTTER_TOO_LARGE, "The room has %d keys already: set one of them to null first.", OTTER_STATE_KEYS);
	otter_conn_send(conn, reply);
	if (!known && value == NULL)
		return OTTER_OK;
	if (known)
		g_ptr_array_remove_index(room->state, at);
	put(room, set->key, value, seat->participant, set->ttl_s);
	json_t *event = state_event(set->key, value, seat->participant);
	if (value != NULL)
		add(room, set->key, json_incref(event), seat->participant, set->ttl_s != 0 ? otter_mono_ms(room->otter->env) + set->ttl_s * 1000 : 0);
	room_tell_others(room, seat, event);
	watch(room);
	return OTTER_OK;
}

/* ---- who comes hears it, and the end ---- */

void room_tell_state(struct otter_room *room, const struct otter_seat *seat)
{
	for (guint i = 0; i < n_entries(room); i++)
		otter_conn_send(seat->conn, entry_at(room, i)->event);
}

void room_state_free(struct otter_room *room)
{
	g_clear_pointer(&room->state, g_ptr_array_unref);
}

void room_forget_state(struct otter_room *room)
{
	struct otter_store *store = room->otter->store;
	if (n_entries(room) > 0)
		store->ops->state_forget(store, room->record.id);
	room_state_free(room);
}

bool otter_room_restore_state(struct otter_room *room, const struct otter_state_record *record)
{
	OTTER_LOCKED(&room->lock);
	if (room->n_seats == 0)
		return false;
	room->last_set = MAX(room->last_set, record->order);
	if (n_entries(room) == OTTER_STATE_KEYS) { /* one of those before was to be gone, and the store lost that */
		put(room, record->key, NULL, record->by, 0);
		return true;
	}
	int64_t left_ms = record->expires_ms - otter_wall_ms(room->otter->env);
	add(room, record->key, state_event(record->key, record->value, record->by), record->by,
		record->expires_ms != 0 ? otter_mono_ms(room->otter->env) + MAX(left_ms, 0) : 0);
	watch(room);
	return true;
}
