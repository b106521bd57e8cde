/* SPDX-License-Identifier: GPL-3.0-or-later
 * Surroundings, a core and clients for tests. */
#include "fixture.h"

#include "core/otter_private.h"

#include <stdarg.h>
#include <time.h>

#define ANSWER_WAIT_S 20 /* far above what a loaded machine needs: only a lost answer takes so long */

/* ---- surroundings ---- */

static int64_t fake_wall_ms(void *arg)
{
	return __atomic_load_n(&((struct surroundings *)arg)->wall_ms, __ATOMIC_SEQ_CST);
}

static int64_t fake_mono_ms(void *arg)
{
	return __atomic_load_n(&((struct surroundings *)arg)->mono_ms, __ATOMIC_SEQ_CST);
}

static void real_random(void *arg, void *buf, size_t len)
{
	(void)arg;
	otter_random(otter_env_system(), buf, len);
}

static void keep_log(void *arg, enum otter_level level, const char *line)
{
	struct surroundings *s = arg;
	(void)level;
	OTTER_LOCKED(&s->lock);
	g_string_append(s->log, line);
	g_string_append_c(s->log, '\n');
}

void surroundings_init(struct surroundings *s)
{
	*s = (struct surroundings){ .wall_ms = NOON_MS, .mono_ms = 1000000, .log = g_string_new(NULL) };
	s->env = (struct otter_env){ fake_wall_ms, fake_mono_ms, real_random, keep_log, s };
	otter_lock_init(&s->lock);
}

void surroundings_clear(struct surroundings *s)
{
	g_string_free(s->log, TRUE);
	otter_lock_clear(&s->lock);
}

void pass_ms(struct surroundings *s, int64_t ms)
{
	__atomic_add_fetch(&s->wall_ms, ms, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&s->mono_ms, ms, __ATOMIC_SEQ_CST);
}

bool logged(struct surroundings *s, const char *text)
{
	OTTER_LOCKED(&s->lock);
	return strstr(s->log->str, text) != NULL;
}

/* ---- the core ---- */

struct otter *core_open(struct surroundings *s, const char *folder)
{
	g_autofree char *store = folder != NULL ? g_strdup_printf("sqlite:%s/otter.db", folder) : g_strdup("memory");
	g_autofree char *secret = folder != NULL ? g_build_filename(folder, "signing", NULL) : NULL;
	g_autofree char *key = folder != NULL ? g_build_filename(folder, "key", NULL) : NULL;
	struct otter_turn_server turn = { .url = (char *)"turn:turn.example.org:3478" };
	struct otter_config config = { .env = &s->env,
		.store = store,
		.signing_secret_file = secret,
		.first_key_file = key,
		.public_url = "https://calls.example.org",
		.signaling_url = "wss://calls.example.org/janus",
		.resume_timeout_s = 30,
		.token_ttl_s = 3600,
		.token_ttl_max_s = 86400,
		.gate_ttl_s = 86400,
		.closed_retention_s = 3600,
		.turn_servers = &turn,
		.n_turn_servers = 1,
		.observer = s->observer };
	struct otter_error e = { 0 };
	struct otter *o = otter_open(&config, &e);
	g_assert_cmpstr(e.message, ==, "");
	g_assert_nonnull(o);
	return o;
}

void core_end(struct otter *o)
{
	otter_close(o);
	otter_unref(o);
}

void core_restart(struct otter **o, struct surroundings *s, const char *folder)
{
	core_end(g_steal_pointer(o));
	*o = core_open(s, folder);
}

void all_begin(struct surroundings *s, struct otter **o, char **room, const char *folder, const char *spec)
{
	surroundings_init(s);
	*o = core_open(s, folder);
	*room = new_room(*o, spec);
}

void all_end(struct surroundings *s, struct otter **o, char **room, char **folder)
{
	if (*o != NULL)
		core_end(g_steal_pointer(o));
	g_clear_pointer(room, g_free);
	if (*folder != NULL)
		check_folder_end(g_steal_pointer(folder));
	surroundings_clear(s);
}

struct waiting {
	struct asked asked;
	struct otter_latch latch;
};

static void on_answer(void *arg, struct otter_answer *answer)
{
	struct waiting *w = arg;
	w->asked = (struct asked){ answer->error, answer->created, g_steal_pointer(&answer->body) };
	otter_latch_open(&w->latch, OTTER_OK);
}

struct asked wait_for(struct otter *o, verb_fn verb, const char *text)
{
	struct waiting w = { 0 };
	otter_latch_init(&w.latch);
	verb(o, text, on_answer, &w);
	otter_latch_wait(&w.latch);
	otter_latch_clear(&w.latch);
	return w.asked;
}

struct asked wait_for_two(struct otter *o, verb_of_two_fn verb, const char *one, const char *other)
{
	struct waiting w = { 0 };
	otter_latch_init(&w.latch);
	verb(o, one, other, on_answer, &w);
	otter_latch_wait(&w.latch);
	otter_latch_clear(&w.latch);
	return w.asked;
}

/* New, or NULL of NULL. */
static json_t *body_of(const char *text)
{
	json_error_t why;
	json_t *body = text != NULL ? json_loads(text, 0, &why) : NULL;
	g_assert_true(text == NULL || body != NULL);
	return body;
}

static void create_from_text(struct otter *o, const char *text, otter_answer_fn fn, void *arg)
{
	json_auto_t *body = body_of(text);
	otter_do_room_create(o, body, &(struct otter_conditions){ 0 }, fn, arg);
}

struct asked room_create(struct otter *o, const char *json)
{
	return wait_for(o, create_from_text, json);
}

struct asked room_get(struct otter *o, const char *id)
{
	return wait_for(o, otter_do_room_get, id);
}

static void close_unconditionally(struct otter *o, const char *id, otter_answer_fn fn, void *arg)
{
	otter_do_room_close(o, id, &(struct otter_conditions){ 0 }, fn, arg);
}

struct asked room_close(struct otter *o, const char *id)
{
	return wait_for(o, close_unconditionally, id);
}

static void change_by_text(struct otter *o, const char *id, const char *text, otter_answer_fn fn, void *arg)
{
	json_auto_t *body = body_of(text);
	otter_do_room_change(o, id, body, &(struct otter_conditions){ 0 }, fn, arg);
}

struct asked room_change(struct otter *o, const char *id, const char *json)
{
	return wait_for_two(o, change_by_text, id, json);
}

static void list_from(struct otter *o, const char *status, const char *after, otter_answer_fn fn, void *arg)
{
	otter_do_room_list(o, status, after, NULL, fn, arg);
}

struct asked room_list(struct otter *o, const char *status, const char *after)
{
	return wait_for_two(o, list_from, status, after);
}

static void mint_by_text(struct otter *o, const char *room, const char *text, otter_answer_fn fn, void *arg)
{
	json_auto_t *body = body_of(text);
	otter_do_token_mint(o, room, body, fn, arg);
}

struct asked token_mint(struct otter *o, const char *room, const char *json)
{
	return wait_for_two(o, mint_by_text, room, json);
}

static void revoke_by_jti(struct otter *o, const char *room, const char *jti, otter_answer_fn fn, void *arg)
{
	otter_do_token_revoke(o, room, &(struct otter_revoke){ .jti = jti }, fn, arg);
}

struct asked revoke_jti(struct otter *o, const char *room, const char *jti)
{
	return wait_for_two(o, revoke_by_jti, room, jti);
}

static void revoke_by_identity(struct otter *o, const char *room, const char *identity, otter_answer_fn fn, void *arg)
{
	otter_do_token_revoke(o, room, &(struct otter_revoke){ .identity = identity }, fn, arg);
}

struct asked revoke_identity(struct otter *o, const char *room, const char *identity)
{
	return wait_for_two(o, revoke_by_identity, room, identity);
}

static void eject_and_revoke(struct otter *o, const char *room, const char *participant, otter_answer_fn fn, void *arg)
{
	otter_do_participant_eject(o, room, participant, "true", NULL, fn, arg);
}

struct asked put_out(struct otter *o, const char *room, const char *participant)
{
	return wait_for_two(o, eject_and_revoke, room, participant);
}

struct asked way_in_connect(struct otter *o, const char *token)
{
	return wait_for(o, otter_do_connect, token);
}

struct asked way_in_credentials(struct otter *o, const char *token)
{
	return wait_for(o, otter_do_credentials, token);
}

char *new_room(struct otter *o, const char *json)
{
	struct asked a = room_create(o, json);
	g_assert_cmpint(a.error.err, ==, OTTER_OK);
	char *id = g_strdup(text_at(a.body, "id"));
	json_decref(a.body);
	return id;
}

char *new_token(struct otter *o, const char *room, const char *sub, const char *role)
{
	int64_t now_s = otter_wall_s(o->env);
	struct otter_claims claims = {
		.room = (char *)room, .sub = (char *)sub, .role = (char *)role, .jti = (char *)"jt_test", .iat_s = now_s, .exp_s = now_s + 3600
	};
	return otter_keyring_sign(&o->keyring, OTTER_AUDIENCE_JOIN, &claims);
}

/* ---- a client ---- */

static void sink_send(void *sink, json_t *message)
{
	struct client *c = sink;
	if (c->on_message != NULL)
		c->on_message(message);
	OTTER_LOCKED(&c->lock);
	g_queue_push_tail(&c->inbox, json_deep_copy(message));
	pthread_cond_broadcast(&c->came);
}

static void sink_close(void *sink)
{
	struct client *c = sink;
	OTTER_LOCKED(&c->lock);
	g_atomic_int_set(&c->closed, 1);
	pthread_cond_broadcast(&c->came);
}

static void sink_ref(void *sink)
{
	g_atomic_int_inc(&((struct client *)sink)->refs);
}

static void drop(void *json)
{
	json_decref(json);
}

static void sink_unref(void *sink)
{
	struct client *c = sink;
	if (!g_atomic_int_dec_and_test(&c->refs))
		return;
	g_queue_clear_full(&c->inbox, drop);
	pthread_cond_destroy(&c->came);
	otter_lock_clear(&c->lock);
	g_free(c);
}

struct client *client_new(struct otter *o)
{
	static const struct otter_sink_ops ops = { sink_send, sink_close, sink_ref, sink_unref };
	struct client *c = g_new0(struct client, 1);
	c->refs = 1;
	otter_lock_init(&c->lock);
	pthread_cond_init(&c->came, NULL);
	g_queue_init(&c->inbox);
	c->conn = otter_conn_new(o, &ops, c);
	return c;
}

void client_end(struct client *c)
{
	otter_conn_gone(c->conn);
	otter_conn_unref(g_steal_pointer(&c->conn));
	sink_unref(c);
}

static json_t *take_reply(struct client *c, int64_t id)
{
	for (GList *l = c->inbox.head; l != NULL; l = l->next)
		if (g_strcmp0(text_at(l->data, "otter"), "reply") == 0 && number_at(l->data, "id") == id) {
			json_t *reply = l->data;
			g_queue_delete_link(&c->inbox, l);
			return reply;
		}
	return NULL;
}

static json_t *wait_reply(struct client *c, int64_t id)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ANSWER_WAIT_S;
	json_t *reply;
	OTTER_LOCKED(&c->lock);
	while ((reply = take_reply(c, id)) == NULL && !g_atomic_int_get(&c->closed))
		if (pthread_cond_timedwait(&c->came, &c->lock, &until) != 0)
			g_error("no reply came");
	return reply;
}

json_t *ask(struct client *c, const char *request, const char *json)
{
	json_error_t why;
	json_auto_t *body = json_loads(json, 0, &why);
	if (body == NULL)
		g_error("%s in %s", why.text, json);
	json_object_set_new(body, "request", json_string(request));
	json_object_set_new(body, "id", json_integer(++c->last_id));
	json_t *reply = otter_conn_request(c->conn, body);
	return reply != NULL ? reply : wait_reply(c, c->last_id);
}

json_t *askf(struct client *c, const char *request, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	g_autofree char *json = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	return ask(c, request, json);
}

static void must_be(const json_t *reply, const char *code)
{
	g_assert_cmpstr(text_at(reply, "otter"), ==, "reply");
	g_assert_cmpstr(text_at(reply, "error.code"), ==, code);
	g_assert_cmpint(json_is_true(value_at(reply, "ok")), ==, code == NULL);
}

json_t *ask_ok(struct client *c, const char *request, const char *json)
{
	json_t *reply = ask(c, request, json);
	must_be(reply, NULL);
	return reply;
}

void ask_error(struct client *c, const char *request, const char *json, const char *code)
{
	json_auto_t *reply = ask(c, request, json);
	must_be(reply, code);
}

json_t *join(struct client *c, const char *room, const char *token, const char *instance)
{
	json_t *reply = askf(c, "join", "{\"room\": \"%s\", \"token\": \"%s\", \"instance\": \"%s\"}", room, token, instance);
	must_be(reply, NULL);
	return reply;
}

void join_error(struct client *c, const char *room, const char *token, const char *code)
{
	json_auto_t *reply = askf(c, "join", "{\"room\": \"%s\", \"token\": \"%s\", \"instance\": \"" INSTANCE "\"}", room, token);
	must_be(reply, code);
}

struct client *joined(struct otter *o, const char *room, const char *instance)
{
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *c = client_new(o);
	json_decref(join(c, room, token, instance));
	return c;
}

json_t *heard(struct client *c, const char *name)
{
	OTTER_LOCKED(&c->lock);
	json_t *event = g_queue_pop_head(&c->inbox);
	g_assert_nonnull(event);
	g_assert_cmpstr(text_at(event, "otter"), ==, "event");
	g_assert_cmpstr(text_at(event, "event"), ==, name);
	return event;
}

void heard_nothing(struct client *c)
{
	OTTER_LOCKED(&c->lock);
	if (!g_queue_is_empty(&c->inbox)) {
		g_autofree char *text = json_dumps(g_queue_peek_head(&c->inbox), JSON_COMPACT);
		g_error("heard %s", text);
	}
}

void forget_all(struct client *c)
{
	OTTER_LOCKED(&c->lock);
	g_queue_clear_full(&c->inbox, drop);
}

const json_t *value_at(const json_t *json, const char *path)
{
	g_auto(GStrv) steps = g_strsplit(path, ".", -1);
	for (char **step = steps; *step != NULL; step++)
		json = json_is_array(json) ? json_array_get(json, (size_t)g_ascii_strtoull(*step, NULL, 10)) : json_object_get(json, *step);
	return json;
}

const char *text_at(const json_t *json, const char *path)
{
	return json_string_value(value_at(json, path));
}

int64_t number_at(const json_t *json, const char *path)
{
	const json_t *value = value_at(json, path);
	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static void is_ready(struct otter *o, const char *nothing, otter_answer_fn fn, void *arg)
{
	(void)nothing;
	otter_do_ready(o, fn, arg);
}

void settle(struct otter *o)
{
	for (int i = 0; i < 3; i++)
		json_decref(wait_for(o, is_ready, NULL).body);
}

struct store_break {
	struct otter_latch begun, over;
};

/* The store's completion: as long as it has not returned no other one runs. */
static void on_break(void *arg, enum otter_err err, const void *row)
{
	struct store_break *b = arg;
	(void)err, (void)row;
	otter_latch_open(&b->begun, OTTER_OK);
	otter_latch_wait(&b->over);
	otter_latch_clear(&b->begun);
	otter_latch_clear(&b->over);
	g_free(b);
}

struct store_break *break_ask(struct otter *o)
{
	struct store_break *b = g_new0(struct store_break, 1);
	otter_latch_init(&b->begun);
	otter_latch_init(&b->over);
	o->store->ops->room_get(o->store, "rm_", on_break, b);
	return b;
}

void break_await(struct store_break *b)
{
	otter_latch_wait(&b->begun);
}

void break_end(struct store_break *b)
{
	otter_latch_open(&b->over, OTTER_OK);
}
