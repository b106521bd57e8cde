/* SPDX-License-Identifier: GPL-3.0-or-later
 * The verbs behind REST. */
#include "service.h"

#include "gate.h"
#include "json.h"
#include "otter_private.h"

#include <inttypes.h>
#include <string.h>

#define NAME_CHARACTERS OTTER_BASE62 "._~-"
#define METADATA_MAX 4096
#define EMPTY_TIMEOUT_MAX_S (365 * 24 * 3600)

/* ---- answering ---- */

static void answer_error(otter_answer_fn fn, void *arg, const struct otter_error *e)
{
	struct otter_answer answer = { .error = *e };
	fn(arg, &answer);
}

static void answer_err(otter_answer_fn fn, void *arg, enum otter_err err)
{
	struct otter_error e = { 0 };
	otter_fail(&e, err, NULL);
	answer_error(fn, arg, &e);
}

/* Takes `body`. */
static void answer_body(otter_answer_fn fn, void *arg, json_t *body, bool created)
{
	struct otter_answer answer = { .created = created, .body = body };
	fn(arg, &answer);
	json_decref(answer.body);
}

enum otter_err otter_check_api_key(struct otter *o, const char *key, unsigned scopes, struct otter_error *e)
{
	return otter_keyring_check_api_key(&o->keyring, key, scopes, e);
}

/* ---- rooms ---- */

struct room_spec {
	const char *unique_name, *privacy;
	int64_t max_participants, empty_timeout, expires_ms;
	const json_t *metadata;
	bool lobby, host_url;
};

static const struct otter_json_field room_fields[] = {
	{ "unique_name", OTTER_JSON_STRING, false, offsetof(struct room_spec, unique_name), 1, 64 },
	{ "max_participants", OTTER_JSON_INTEGER, false, offsetof(struct room_spec, max_participants), 2, OTTER_ROOM_MAX },
	{ "expires_at", OTTER_JSON_TIME, false, offsetof(struct room_spec, expires_ms), 0, 0 },
	{ "empty_timeout", OTTER_JSON_INTEGER, false, offsetof(struct room_spec, empty_timeout), 0, EMPTY_TIMEOUT_MAX_S },
	{ "privacy", OTTER_JSON_STRING, false, offsetof(struct room_spec, privacy), 1, 16 },
	{ "lobby", OTTER_JSON_BOOLEAN, false, offsetof(struct room_spec, lobby), 0, 0 },
	{ "metadata", OTTER_JSON_OBJECT, false, offsetof(struct room_spec, metadata), 0, 0 },
	{ "host_url", OTTER_JSON_BOOLEAN, false, offsetof(struct room_spec, host_url), 0, 0 },
	{ 0 },
};

static enum otter_err check_spec(const struct room_spec *spec, int64_t now_ms, struct otter_error *e)
{
	const char *name = spec->unique_name;
	if (name != NULL && (!otter_text_made_of(name, NAME_CHARACTERS, 1, 64) || g_str_has_prefix(name, "rm_")))
		return otter_fail_field(e, "unique_name", "'unique_name' must be 1 to 64 characters of A-Z a-z 0-9 . _ ~ -, not starting with rm_.");
	if (spec->privacy != NULL && strcmp(spec->privacy, "direct") != 0 && strcmp(spec->privacy, "relay") != 0)
		return otter_fail_field(e, "privacy", "'privacy' must be direct or relay.");
	if (spec->expires_ms != 0 && spec->expires_ms <= now_ms)
		return otter_fail_field(e, "expires_at", "'expires_at' has passed already.");
	if (spec->lobby)
		return otter_fail_field(e, "lobby", "This version has no lobby yet: leave it out.");
	return OTTER_OK;
}

struct room_create {
	struct otter *o;
	otter_answer_fn fn;
	void *arg;
	bool host_url;
};

/* A link into the room: a fresh token each time, so that nobody is ever handed an old one. */
static char *room_url(struct otter *o, const struct otter_room_record *room, const char *role)
{
	char jti[OTTER_ID_SIZE];
	otter_id_new(o->env, "jt_", jti);
	int64_t now_s = otter_wall_s(o->env);
	struct otter_claims claims = { .room = (char *)room->id, .jti = jti, .role = (char *)role, .iat_s = now_s, .exp_s = now_s + o->token_ttl_s };
	g_autofree char *token = otter_keyring_sign(&o->keyring, OTTER_AUDIENCE_JOIN, &claims);
	g_autofree char *base = otter_public_url(o);
	return g_strdup_printf("%s/room/%s#token=%s", base, room->id, token);
}

static void on_room_created(void *arg, enum otter_err err, const void *row)
{
	struct room_create *c = arg;
	const struct otter_room_record *room = row;
	struct otter *o = c->o;
	if (room == NULL) {
		answer_err(c->fn, c->arg, err);
	} else {
		json_t *body = otter_room_record_json(room, otter_room_presence(o, room->id), otter_wall_ms(o->env));
		g_autofree char *url = room_url(o, room, NULL);
		json_object_set_new(body, "url", json_string(url));
		if (c->host_url) {
			g_autofree char *host_url = room_url(o, room, "host");
			json_object_set_new(body, "host_url", json_string(host_url));
		}
		answer_body(c->fn, c->arg, body, err == OTTER_OK);
	}
	g_free(c);
	otter_leave(o);
}

void otter_do_room_create(struct otter *o, const json_t *body, otter_answer_fn fn, void *arg)
{
	struct room_spec spec = { .max_participants = 4 };
	struct otter_error e = { 0 };
	int64_t now_ms = otter_wall_ms(o->env);
	if (body != NULL && otter_json_read(body, room_fields, true, &spec, &e) == OTTER_OK)
		check_spec(&spec, now_ms, &e);
	g_autofree char *metadata = spec.metadata != NULL ? json_dumps(spec.metadata, JSON_COMPACT) : g_strdup("{}");
	if (e.err == OTTER_OK && strlen(metadata) > METADATA_MAX)
		otter_fail_field(&e, "metadata", "'metadata' may have %d bytes.", METADATA_MAX);
	if (e.err == OTTER_OK && !otter_enter(o))
		otter_fail(&e, OTTER_UNAVAILABLE, NULL);
	if (e.err != OTTER_OK) {
		answer_error(fn, arg, &e);
		return;
	}
	struct otter_room_record room = { .max_participants = spec.max_participants, .empty_timeout_s = spec.empty_timeout,
		.expires_ms = spec.expires_ms, .created_ms = now_ms, .updated_ms = now_ms, .metadata = metadata,
		.privacy = g_strcmp0(spec.privacy, "relay") == 0 ? OTTER_PRIVACY_RELAY : OTTER_PRIVACY_DIRECT };
	otter_id_new(o->env, "rm_", room.id);
	g_strlcpy(room.unique_name, spec.unique_name != NULL ? spec.unique_name : "", sizeof room.unique_name);
	struct room_create *c = g_new0(struct room_create, 1);
	*c = (struct room_create){ o, fn, arg, spec.host_url };
	o->store->ops->room_create(o->store, &room, on_room_created, c);
}

struct pending {
	struct otter *o;
	otter_answer_fn fn;
	void *arg;
};

static void on_room_got(void *arg, enum otter_err err, const void *row)
{
	struct pending *p = arg;
	const struct otter_room_record *room = row;
	struct otter *o = p->o;
	if (room == NULL)
		answer_err(p->fn, p->arg, err);
	else
		answer_body(p->fn, p->arg, otter_room_record_json(room, otter_room_presence(o, room->id), otter_wall_ms(o->env)), false);
	g_free(p);
	otter_leave(o);
}

/* A request that waits for the store; NULL if the core is closing, and then it is answered. */
static struct pending *pending_new(struct otter *o, otter_answer_fn fn, void *arg)
{
	if (!otter_enter(o)) {
		answer_err(fn, arg, OTTER_UNAVAILABLE);
		return NULL;
	}
	struct pending *p = g_new0(struct pending, 1);
	*p = (struct pending){ o, fn, arg };
	return p;
}

void otter_do_room_get(struct otter *o, const char *id_or_name, otter_answer_fn fn, void *arg)
{
	struct pending *p = pending_new(o, fn, arg);
	if (p != NULL)
		o->store->ops->room_get(o->store, id_or_name, on_room_got, p);
}

static void on_room_closed(void *arg, enum otter_err err, const void *row)
{
	struct pending *p = arg;
	struct otter *o = p->o;
	if (row == NULL)
		answer_err(p->fn, p->arg, err);
	else
		answer_body(p->fn, p->arg, NULL, false);
	g_free(p);
	otter_leave(o);
}

static void on_room_to_close(void *arg, enum otter_err err, const void *row)
{
	struct pending *p = arg;
	const struct otter_room_record *record = row;
	if (record == NULL)
		on_room_closed(p, err, NULL);
	else
		otter_close_room(p->o, record->id, "request", on_room_closed, p);
}

void otter_do_room_close(struct otter *o, const char *id_or_name, otter_answer_fn fn, void *arg)
{
	struct pending *p = pending_new(o, fn, arg);
	if (p != NULL)
		o->store->ops->room_get(o->store, id_or_name, on_room_to_close, p);
}

/* ---- the way in ---- */

/* A connect or credentials on its way: who asks, and what the answer is made of besides credentials. */
struct way_in {
	struct otter *o;
	otter_answer_fn fn;
	void *arg;
	bool connect;                   /* with signaling and the gate's token */
	bool seat;                      /* by a seat token: claims.sub is the participant */
	struct otter_claims claims;
};

static void way_in_free(struct way_in *w)
{
	otter_claims_clear(&w->claims);
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

static enum otter_err check_way_in(const struct way_in *w, const struct otter_room_record *room, struct otter_error *e)
{
	if (!otter_room_record_open(room, otter_wall_ms(w->o->env)))
		return otter_fail(e, OTTER_ROOM_CLOSED, NULL);
	if (!w->seat)
		return OTTER_OK;
	struct otter_room *present = otter_find_room(w->o, room->id);
	bool has = present != NULL && otter_room_has(present, w->claims.sub);
	otter_room_unref(present);
	return has ? OTTER_OK : otter_fail(e, OTTER_SEAT_GONE, NULL);
}

static json_t *way_in_json(const struct way_in *w, const struct otter_room_record *room)
{
	struct otter *o = w->o;
	g_autofree char *user = w->seat ? g_strdup(w->claims.sub) : token_user(w, room);
	json_t *body = otter_turn_credentials(&o->turn, o->env, user, w->seat ? OTTER_TURN_SEAT_TTL_S : OTTER_TURN_TOKEN_TTL_S,
		room->privacy == OTTER_PRIVACY_RELAY);
	if (!w->connect)
		return body;
	g_autofree char *gate = o->gate_secret != NULL ? otter_gate_token(o->env, o->gate_secret) : NULL;
	json_object_set_new(body, "room", json_string(room->id));
	json_object_set_new(body, "plugin", json_string(OTTER_GATE_PLUGIN));
	json_object_set_new(body, "signaling", json_pack("[{s:s, s:s}]", "url", o->signaling_url, "protocol", "janus-protocol"));
	json_object_set_new(body, "janus_token", gate != NULL ? json_string(gate) : json_null());
	return body;
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
	if (e.err != OTTER_OK)
		answer_error(w->fn, w->arg, &e);
	else
		answer_body(w->fn, w->arg, way_in_json(w, row), false);
	way_in_free(w);
	otter_leave(o);
}

static void way_in(struct otter *o, const char *token, bool connect, otter_answer_fn fn, void *arg)
{
	struct way_in *w = g_new0(struct way_in, 1);
	*w = (struct way_in){ .o = o, .fn = fn, .arg = arg, .connect = connect };
	struct otter_error e = { 0 }, as_seat = { 0 };
	if (otter_keyring_verify(&o->keyring, OTTER_AUDIENCE_JOIN, token, &w->claims, &e) == OTTER_TOKEN_INVALID &&
	    otter_keyring_verify(&o->keyring, OTTER_AUDIENCE_SEAT, token, &w->claims, &as_seat) == OTTER_OK) {
		e = (struct otter_error){ 0 };
		w->seat = true;
	}
	if (e.err == OTTER_OK && !otter_enter(o))
		otter_fail(&e, OTTER_UNAVAILABLE, NULL);
	if (e.err != OTTER_OK) {
		answer_error(fn, arg, &e);
		way_in_free(w);
		return;
	}
	o->store->ops->room_get(o->store, w->claims.room, on_way_in, w);
}

void otter_do_connect(struct otter *o, const char *token, otter_answer_fn fn, void *arg)
{
	way_in(o, token, true, fn, arg);
}

void otter_do_credentials(struct otter *o, const char *token, otter_answer_fn fn, void *arg)
{
	way_in(o, token, false, fn, arg);
}

/* ---- what everybody may know ---- */

const char *otter_signaling_url(const struct otter *o)
{
	return o->signaling_url;
}

json_t *otter_config_json(struct otter *o)
{
	json_t *stun = json_array();
	for (size_t i = 0; i < o->turn.n_servers; i++)
		json_array_append_new(stun, json_sprintf("stun:%s", strchr(o->turn.servers[i].url, ':') + 1));
	return json_pack("{s:s, s:[{s:s, s:s}], s:o, s:i, s:[]}", "version", OTTER_VERSION, "signaling", "url", o->signaling_url, "protocol",
		"janus-protocol", "stun", stun, "max_participants", OTTER_ROOM_MAX, "features");
}
