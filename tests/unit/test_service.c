/* SPDX-License-Identifier: GPL-3.0-or-later
 * The verbs behind REST. */
#include "fixture.h"

static struct surroundings s;
static struct otter *o;

static void begin(void)
{
	surroundings_init(&s);
	o = core_open(&s, NULL);
}

static void end(void)
{
	core_end(g_steal_pointer(&o));
	surroundings_clear(&s);
}

/* The token in a room's url. New string. */
static char *token_of(const json_t *body, const char *field)
{
	const char *mark = strstr(text_at(body, field), "#token=");
	g_assert_nonnull(mark);
	return g_strdup(mark + strlen("#token="));
}

static void a_room_has_sensible_values_and_a_url(void)
{
	begin();
	struct asked a = room_create(o, NULL);
	g_assert_true(a.created);
	g_assert_true(json_is_null(value_at(a.body, "unique_name")));
	g_assert_cmpstr(text_at(a.body, "status"), ==, "open");
	g_assert_cmpint(number_at(a.body, "max_participants"), ==, 4);
	g_assert_cmpint(number_at(a.body, "participants"), ==, 0);
	g_assert_cmpstr(text_at(a.body, "privacy"), ==, "direct");
	g_assert_cmpstr(text_at(a.body, "created_at"), ==, "2026-11-23T12:00:00.000Z");
	g_assert_true(json_is_null(value_at(a.body, "expires_at")));
	g_autofree char *start = g_strdup_printf("https://calls.example.org/room/%s#token=", text_at(a.body, "id"));
	g_assert_true(g_str_has_prefix(text_at(a.body, "url"), start));
	g_assert_null(value_at(a.body, "host_url"));
	json_decref(a.body);
	end();
}

static void a_room_takes_its_settings(void)
{
	begin();
	struct asked a = room_create(o,
		"{\"unique_name\": \"a.b_c~d-1\", \"max_participants\": 8, \"expires_at\": \"2026-11-24T00:00:00Z\", \"empty_timeout\": 60,"
		" \"privacy\": \"relay\", \"lobby\": false, \"metadata\": {\"a\": [1]}, \"host_url\": true}");
	g_assert_cmpstr(a.error.message, ==, "");
	g_assert_cmpstr(text_at(a.body, "privacy"), ==, "relay");
	g_assert_cmpstr(text_at(a.body, "expires_at"), ==, "2026-11-24T00:00:00.000Z");
	g_assert_cmpint(number_at(a.body, "empty_timeout"), ==, 60);
	g_assert_cmpint(number_at(a.body, "metadata.a.0"), ==, 1);
	g_assert_nonnull(text_at(a.body, "host_url"));
	json_decref(a.body);
	end();
}

static void wrong_settings_are_refused_by_name(void)
{
	begin();
	static const char *const rows[][2] = { { "{\"unique_name\": \"\"}", "unique_name" }, { "{\"unique_name\": \"rm_x\"}", "unique_name" },
		{ "{\"unique_name\": \"a b\"}", "unique_name" }, { "{\"unique_name\": \"../x\"}", "unique_name" },
		{ "{\"max_participants\": 1}", "max_participants" }, { "{\"max_participants\": 9}", "max_participants" },
		{ "{\"max_participants\": \"4\"}", "max_participants" }, { "{\"expires_at\": \"2026-11-23T12:00:00Z\"}", "expires_at" },
		{ "{\"expires_at\": 5}", "expires_at" }, { "{\"empty_timeout\": -1}", "empty_timeout" }, { "{\"privacy\": \"none\"}", "privacy" },
		{ "{\"lobby\": 1}", "lobby" }, { "{\"metadata\": []}", "metadata" }, { "{\"max_participant\": 4}", "max_participant" } };
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct asked a = room_create(o, rows[i][0]);
		g_assert_cmpint(a.error.err, ==, OTTER_INVALID_REQUEST);
		g_assert_cmpstr(a.error.field, ==, rows[i][1]);
		g_assert_null(a.body);
	}
	g_autofree char *text = g_strnfill(4096, 'x');
	g_autofree char *large = g_strdup_printf("{\"metadata\": {\"a\": \"%s\"}}", text);
	g_assert_cmpstr(room_create(o, large).error.field, ==, "metadata");
	struct asked list = room_create(o, "[]");
	g_assert_cmpint(list.error.err, ==, OTTER_INVALID_REQUEST);
	end();
}

static void a_name_that_exists_answers_its_room_with_a_fresh_url(void)
{
	begin();
	struct asked one = room_create(o, "{\"unique_name\": \"weekly\", \"max_participants\": 2}");
	pass_ms(&s, 3599 * 1000);
	struct asked two = room_create(o, "{\"unique_name\": \"weekly\", \"max_participants\": 8}");
	g_assert_false(two.created);
	g_assert_cmpstr(text_at(two.body, "id"), ==, text_at(one.body, "id"));
	g_assert_cmpint(number_at(two.body, "max_participants"), ==, 2); /* nothing changed */
	g_assert_cmpstr(text_at(two.body, "url"), !=, text_at(one.body, "url"));
	pass_ms(&s, 2000); /* the first token has expired, the second has not */
	g_autofree char *old = token_of(one.body, "url"), *fresh = token_of(two.body, "url");
	g_assert_cmpint(way_in_connect(o, old).error.err, ==, OTTER_TOKEN_EXPIRED);
	struct asked in = way_in_connect(o, fresh);
	g_assert_cmpint(in.error.err, ==, OTTER_OK);
	json_decref(in.body);
	json_decref(one.body);
	json_decref(two.body);
	end();
}

static void a_closed_rooms_name_is_free_again(void)
{
	begin();
	struct asked one = room_create(o, "{\"unique_name\": \"weekly\"}");
	room_close(o, "weekly");
	struct asked two = room_create(o, "{\"unique_name\": \"weekly\"}");
	g_assert_true(two.created);
	g_assert_cmpstr(text_at(two.body, "id"), !=, text_at(one.body, "id"));
	json_decref(one.body);
	json_decref(two.body);
	end();
}

static void getting_a_room_tells_no_url(void)
{
	begin();
	g_autofree char *id = new_room(o, "{\"unique_name\": \"weekly\"}");
	struct client *c = joined(o, id, "page-aaa");
	struct asked by_id = room_get(o, id), by_name = room_get(o, "weekly");
	g_assert_cmpstr(text_at(by_id.body, "status"), ==, "occupied");
	g_assert_cmpint(number_at(by_id.body, "participants"), ==, 1);
	g_assert_null(value_at(by_id.body, "url"));
	g_assert_cmpstr(text_at(by_name.body, "id"), ==, id);
	json_decref(by_id.body);
	json_decref(by_name.body);
	g_assert_cmpint(room_get(o, "none").error.err, ==, OTTER_ROOM_NOT_FOUND);
	g_assert_cmpint(room_close(o, "none").error.err, ==, OTTER_ROOM_NOT_FOUND);
	client_end(c);
	end();
}

static void the_host_url_makes_a_host(void)
{
	begin();
	struct asked a = room_create(o, "{\"host_url\": true}");
	g_autofree char *host = token_of(a.body, "host_url"), *guest = token_of(a.body, "url");
	struct client *h = client_new(o), *g = client_new(o);
	json_auto_t *one = join(h, text_at(a.body, "id"), host, INSTANCE), *two = join(g, text_at(a.body, "id"), guest, INSTANCE);
	g_assert_cmpstr(text_at(one, "me.role"), ==, "host");
	g_assert_cmpstr(text_at(two, "me.role"), ==, "guest");
	client_end(h);
	client_end(g);
	json_decref(a.body);
	end();
}

static void connect_shows_the_way_in(void)
{
	begin();
	g_autofree char *id = new_room(o, "{}"), *token = new_token(o, id, NULL, NULL);
	struct asked a = way_in_connect(o, token), b = way_in_credentials(o, token);
	g_assert_cmpstr(text_at(a.body, "room"), ==, id);
	g_assert_cmpstr(text_at(a.body, "plugin"), ==, "janus.plugin.otter");
	g_assert_cmpstr(text_at(a.body, "signaling.0.url"), ==, "wss://calls.example.org/janus");
	g_assert_cmpstr(text_at(a.body, "signaling.0.protocol"), ==, "janus-protocol");
	g_assert_true(json_is_null(value_at(a.body, "janus_token"))); /* this core has no gate */
	g_assert_cmpint(number_at(a.body, "ttl"), ==, 300);
	g_assert_null(value_at(b.body, "room"));
	g_assert_true(json_is_array(value_at(b.body, "ice_servers")));
	json_decref(a.body);
	json_decref(b.body);
	end();
}

static void connect_looks_at_token_and_room_and_never_at_the_capacity(void)
{
	begin();
	g_autofree char *id = new_room(o, "{\"max_participants\": 2}"), *token = new_token(o, id, NULL, NULL), *nowhere = new_token(o, "rm_none", NULL, NULL);
	g_assert_cmpint(way_in_connect(o, NULL).error.err, ==, OTTER_UNAUTHORIZED);
	g_assert_cmpint(way_in_connect(o, "x").error.err, ==, OTTER_TOKEN_INVALID);
	g_assert_cmpint(way_in_connect(o, nowhere).error.err, ==, OTTER_ROOM_NOT_FOUND);
	struct client *a = joined(o, id, "page-aaa"), *b = joined(o, id, "page-bbb");
	struct asked full = way_in_connect(o, token);
	g_assert_cmpint(full.error.err, ==, OTTER_OK);
	json_decref(full.body);
	room_close(o, id);
	g_assert_cmpint(way_in_connect(o, token).error.err, ==, OTTER_ROOM_CLOSED);
	client_end(a);
	client_end(b);
	end();
}

static void a_seat_token_connects_as_long_as_its_seat_lives(void)
{
	begin();
	g_autofree char *id = new_room(o, "{}"), *token = new_token(o, id, NULL, NULL);
	struct client *c = client_new(o);
	json_auto_t *reply = join(c, id, token, INSTANCE);
	const char *seat = text_at(reply, "seat");
	pass_ms(&s, 24 * 3600 * 1000); /* longer than any join token */
	struct asked a = way_in_connect(o, seat);
	g_assert_cmpint(a.error.err, ==, OTTER_OK);
	g_assert_cmpint(number_at(a.body, "ttl"), ==, 3600);
	json_decref(a.body);
	json_decref(ask_ok(c, "leave", "{}"));
	g_assert_cmpint(way_in_connect(o, seat).error.err, ==, OTTER_SEAT_GONE);
	client_end(c);
	end();
}

static void the_configuration_for_pages_holds_no_secret(void)
{
	begin();
	json_auto_t *json = otter_config_json(o);
	g_assert_cmpstr(text_at(json, "version"), ==, OTTER_VERSION);
	g_assert_cmpstr(text_at(json, "signaling.0.url"), ==, "wss://calls.example.org/janus");
	g_assert_cmpint(number_at(json, "max_participants"), ==, 8);
	g_assert_cmpstr(text_at(json, "stun.0"), ==, "stun:turn.example.org:3478");
	end();
}

static void the_core_is_open_once_and_lent_to_who_asks(void)
{
	begin();
	struct otter *lent = otter_ref();
	g_assert_true(lent == o);
	otter_unref(lent);
	struct otter_config config = { .env = &s.env, .store = "memory", .resume_timeout_s = 30, .token_ttl_s = 60 };
	struct otter_error e = { 0 };
	g_assert_null(otter_open(&config, &e));
	g_assert_cmpint(e.err, ==, OTTER_CONFLICT);
	lent = otter_ref();
	g_assert_true(lent == o); /* the failure took nothing */
	otter_unref(lent);
	end();
}

static void a_database_without_a_signing_secret_is_refused(void)
{
	surroundings_init(&s);
	struct otter_config config = { .env = &s.env, .store = "sqlite:/tmp/never.db", .resume_timeout_s = 30, .token_ttl_s = 60 };
	struct otter_error e = { 0 };
	g_assert_null(otter_open(&config, &e));
	g_assert_nonnull(strstr(e.message, "signing_secret_file"));
	g_assert_null(otter_ref());
	surroundings_clear(&s);
}

static void the_own_clock_runs_and_stops(void)
{
	struct otter_config config = { .env = otter_env_system(), .store = "memory", .resume_timeout_s = 30, .token_ttl_s = 60, .own_clock = true };
	struct surroundings quiet;
	surroundings_init(&quiet);
	struct otter_env env = *otter_env_system();
	env.log = quiet.env.log;
	env.arg = quiet.env.arg;
	config.env = &env;
	struct otter_error e = { 0 };
	struct otter *own = otter_open(&config, &e);
	g_assert_nonnull(own);
	core_end(own);
	surroundings_clear(&quiet);
}

static const struct check checks[] = {
	{ "a room has sensible values and a URL", a_room_has_sensible_values_and_a_url },
	{ "a room takes its settings", a_room_takes_its_settings },
	{ "wrong settings are refused by name", wrong_settings_are_refused_by_name },
	{ "a name that exists answers its room, with a fresh URL", a_name_that_exists_answers_its_room_with_a_fresh_url },
	{ "a closed room's name is free again", a_closed_rooms_name_is_free_again },
	{ "getting a room tells no URL", getting_a_room_tells_no_url },
	{ "the host URL makes a host", the_host_url_makes_a_host },
	{ "connect shows the way in", connect_shows_the_way_in },
	{ "connect looks at token and room, and never at the capacity", connect_looks_at_token_and_room_and_never_at_the_capacity },
	{ "a seat token connects as long as its seat lives", a_seat_token_connects_as_long_as_its_seat_lives },
	{ "the configuration for pages holds no secret", the_configuration_for_pages_holds_no_secret },
	{ "the core is open once, and lent to who asks", the_core_is_open_once_and_lent_to_who_asks },
	{ "a database without a signing secret is refused", a_database_without_a_signing_secret_is_refused },
	{ "the core's own clock runs and stops", the_own_clock_runs_and_stops },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "service", checks);
}
