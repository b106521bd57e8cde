/* SPDX-License-Identifier: GPL-3.0-or-later
 * The verbs behind REST that lead into a room: connect, credentials. */
#include "answer.h"
#include "gate.h"

#include <string.h>

enum otter_err otter_check_api_key(struct otter *o, const char *key, unsigned scopes, struct otter_error *e)
{
	return otter_api_keys_check(&o->api_keys, key, scopes, e);
}

enum wish { WISH_CREDENTIALS, WISH_CONNECT, WISH_ROOM };

/* Somebody with a token who wants to know something: who asks, and for what. */
struct way_in {
	struct otter *o;
	otter_answer_fn fn;
	void *arg;
	enum wish wish; /* credentials alone; with signaling and the gate's token; or the room */
	char *room;     /* id or name that the token must be for, or NULL */
	bool seat;      /* by a seat token: claims.sub is the participant */
	bool waits;     /* he is not in yet */
	struct otter_claims claims;
};

static void way_in_free(struct way_in *w)
{
	otter_claims_clear(&w->claims);
	g_free(w->room);
	g_free(w);
}

/* The TURN user of a token that has not joined yet: some names for each token, in turn, so that the quota of one name neither
 * refuses anybody nor lets one link take all. */
static char *token_user(const struct way_in *w, const struct otter_room_record *room)
{
	unsigned char hash[OTTER_SHA256_SIZE];
	otter_sha256(w->claims.jti, strlen(w->claims.jti), hash);
	GString *name = g_string_new("j");
	for (int i = 0; i < 8; i++)
		g_string_append_printf(name, "%02x", hash[i]);
	guint n = (guint)g_atomic_int_add(&w->o->token_users, 1) % (guint)(4 * room->max_participants);
	g_string_append_printf(name, "-%u", n);
	return g_string_free(name, FALSE);
}

/* Seat tokens have no end but that of their seat. */
static enum otter_err check_seat(struct way_in *w, const struct otter_room_record *room, struct otter_error *e)
{
	struct otter_room *present = otter_find_room(w->o, room->id);
	bool has = present != NULL && otter_room_has(present, w->claims.sub, &w->waits);
	otter_room_unref(present);
	return has ? OTTER_OK : otter_fail(e, OTTER_SEAT_GONE, NULL);
}

static enum otter_err check_way_in(struct way_in *w, const struct otter_room_record *room, struct otter_error *e)
{
	bool knock;
	if (otter_judge_room(w->o, &w->claims, w->room, room, e) != OTTER_OK)
		return e->err;
	if (!w->seat && otter_revocations_judge(&w->o->revocations, room->id, &w->claims, &knock, e) != OTTER_OK)
		return e->err;
	if (w->wish != WISH_ROOM && !otter_room_record_open(room, otter_wall_ms(w->o->env)))
		return otter_fail(e, OTTER_ROOM_CLOSED, NULL);
	return w->seat ? check_seat(w, room, e) : OTTER_OK;
}

static json_t *way_in_json(const struct way_in *w, const struct otter_room_record *room)
{
	struct otter *o = w->o;
	if (w->wish == WISH_ROOM)
		return otter_room_record_json(room, otter_room_presence(o, room->id), otter_wall_ms(o->env));
	bool inside = w->seat && !w->waits;
	g_autofree char *user = inside ? g_strdup(w->claims.sub) : token_user(w, room);
	json_t *body =
		otter_turn_credentials(&o->turn, o->env, user, inside ? OTTER_TURN_SEAT_TTL_S : OTTER_TURN_TOKEN_TTL_S, room->privacy == OTTER_PRIVACY_RELAY);
	if (w->wish == WISH_CREDENTIALS)
		return body;
	g_autofree char *gate = o->gate_secret != NULL ? otter_gate_token(o->env, o->gate_secret, o->gate_ttl_s) : NULL;
	json_object_set_new(body, "room", json_string(room->id));
	json_object_set_new(body, "plugin", json_string(OTTER_GATE_PLUGIN));
	json_object_set_new(body, "signaling", json_pack("[{s:s, s:s}]", "url", o->signaling_url, "protocol", "janus-protocol"));
	json_object_set_new(body, "janus_token", gate != NULL ? json_string(gate) : json_null());
	json_object_set_new(body, "janus_token_ttl", gate != NULL ? json_integer(o->gate_ttl_s) : json_null());
	return body;
}

static bool needs_turn_in_vain(const struct otter_room_record *room, const json_t *body)
{
	return body != NULL && room->privacy == OTTER_PRIVACY_RELAY && json_array_size(json_object_get(body, "ice_servers")) == 0;
}

static void on_way_in(void *arg, enum otter_err err, const void *row)
{
	struct way_in *w = arg;
	struct otter *o = w->o;
	struct otter_error e = { 0 };
	if (row == NULL)
		otter_fail(&e, err, NULL);
	else
		check_way_in(w, row, &e);
	json_t *body = e.err == OTTER_OK ? way_in_json(w, row) : NULL;
	if (w->wish != WISH_ROOM && needs_turn_in_vain(row, body))
		otter_fail(&e, OTTER_UNAVAILABLE, "This room needs TURN, and the server has none to offer: its log says why.");
	if (e.err == OTTER_OK)
		answer_body(w->fn, w->arg, g_steal_pointer(&body)); /* whoever takes it may be on another thread: nothing of it is kept */
	else
		answer_error(w->fn, w->arg, &e);
	json_decref(body);
	way_in_free(w);
	otter_leave(o);
}

/* Takes `room`. */
static void way_in(struct otter *o, const char *token, enum wish wish, char *room, otter_answer_fn fn, void *arg)
{
	struct way_in *w = g_new0(struct way_in, 1);
	*w = (struct way_in){ .o = o, .fn = fn, .arg = arg, .wish = wish, .room = room };
	struct otter_error e = { 0 }, as_seat = { 0 };
	if (otter_keyring_verify(&o->keyring, OTTER_AUDIENCE_JOIN, token, &w->claims, &e) == OTTER_TOKEN_INVALID &&
		otter_keyring_verify(&o->keyring, OTTER_AUDIENCE_SEAT, token, &w->claims, &as_seat) == OTTER_OK) {
		e = (struct otter_error){ 0 };
		w->seat = true;
	}
	if (e.err == OTTER_TOKEN_INVALID && g_str_has_prefix(token, "otk_"))
		g_strlcpy(e.message, "This is an API key, which no browser should have: show a join token, from a room's url.", sizeof e.message);
	if (e.err == OTTER_OK && !otter_enter(o))
		otter_fail(&e, OTTER_UNAVAILABLE, NULL);
	if (e.err != OTTER_OK) {
		answer_error(fn, arg, &e);
		way_in_free(w);
		return;
	}
	o->store->ops->room_peek(o->store, w->claims.room, on_way_in, w);
}

void otter_do_connect(struct otter *o, const char *token, otter_answer_fn fn, void *arg)
{
	way_in(o, token, WISH_CONNECT, NULL, fn, arg);
}

void otter_do_credentials(struct otter *o, const char *token, otter_answer_fn fn, void *arg)
{
	way_in(o, token, WISH_CREDENTIALS, NULL, fn, arg);
}

void otter_do_room_of_token(struct otter *o, const char *id_or_name, const char *token, otter_answer_fn fn, void *arg)
{
	way_in(o, token, WISH_ROOM, g_strdup(id_or_name), fn, arg);
}
