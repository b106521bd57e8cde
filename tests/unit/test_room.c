/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rooms, seats and connections, as clients meet them: every test speaks the protocol to a core whose clock stands still. */
#include "fixture.h"

#include <sqlite3.h>

#define RESUME_MS 30000

static struct surroundings s;
static struct otter *o;
static char *room, *folder;

static void begin_in(const char *spec)
{
	all_begin(&s, &o, &room, folder, spec);
}

static void begin(void)
{
	begin_in("{\"max_participants\": 3}");
}

static void begin_on_disk(void)
{
	folder = check_folder();
	begin();
}

static void end(void)
{
	all_end(&s, &o, &room, &folder);
}

static void pass_and_tick(int64_t ms)
{
	pass_ms(&s, ms);
	otter_tick(o);
}

/* Ann and Bob in the room, whatever they have heard forgotten. */
static struct client *ann, *bob;
static char *ann_id, *bob_id, *ann_seat, *bob_seat;

static void begin_pair_in(const char *spec)
{
	begin_in(spec);
	g_autofree char *link = new_token(o, room, NULL, NULL);
	ann = client_new(o);
	bob = client_new(o);
	json_auto_t *a = join(ann, room, link, "ann-page-1"), *b = join(bob, room, link, "bob-page-1");
	ann_id = g_strdup(text_at(a, "me.participant"));
	ann_seat = g_strdup(text_at(a, "seat"));
	bob_id = g_strdup(text_at(b, "me.participant"));
	bob_seat = g_strdup(text_at(b, "seat"));
	forget_all(ann);
	forget_all(bob);
}

static void begin_pair(void)
{
	begin_pair_in("{\"max_participants\": 3}");
}

static void end_pair(void)
{
	if (ann != NULL)
		client_end(g_steal_pointer(&ann));
	if (bob != NULL)
		client_end(g_steal_pointer(&bob));
	g_clear_pointer(&ann_id, g_free);
	g_clear_pointer(&bob_id, g_free);
	g_clear_pointer(&ann_seat, g_free);
	g_clear_pointer(&bob_seat, g_free);
	end();
}

static json_t *resume(struct client *c, const char *seat, const char *instance)
{
	return askf(c, "resume", "{\"seat\": \"%s\", \"instance\": \"%s\"}", seat, instance);
}

static json_t *resume_ok(struct client *c, const char *seat, const char *instance)
{
	json_t *reply = resume(c, seat, instance);
	g_assert_cmpstr(text_at(reply, "error.code"), ==, NULL);
	return reply;
}

static void resume_error(const char *seat, const char *code)
{
	struct client *c = client_new(o);
	json_auto_t *reply = resume(c, seat, INSTANCE);
	g_assert_cmpstr(text_at(reply, "error.code"), ==, code);
	client_end(c);
}

static json_t *signal_to(struct client *from, const char *from_instance, const char *to, const char *to_instance, const char *more)
{
	return askf(from, "signal", "{\"to\": \"%s\", \"from_instance\": \"%s\", \"to_instance\": \"%s\", %s}", to, from_instance, to_instance, more);
}

static void signal_error(struct client *from, const char *from_instance, const char *to, const char *to_instance, const char *more, const char *code)
{
	json_auto_t *reply = signal_to(from, from_instance, to, to_instance, more);
	g_assert_cmpstr(text_at(reply, "error.code"), ==, code);
}

/* ---- the envelope ---- */

static void whatever_comes_is_answered(void)
{
	begin();
	struct client *c = client_new(o);
	static const char *const bodies[] = { "null", "[]", "7", "\"x\"", "{}", "{\"request\":\"ping\"}", "{\"request\":\"ping\",\"id\":-1}",
		"{\"request\":\"ping\",\"id\":\"1\"}", "{\"id\":1}", "{\"id\":1,\"request\":7}", "{\"id\":1,\"request\":\"PING\"}",
		"{\"id\":1,\"request\":\"sets\",\"key\":\"a\"}", "{\"id\":1,\"request\":\"open\"}", "{\"id\":1,\"request\":\"join\"}",
		"{\"id\":1,\"request\":\"signal\"}" };
	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
		json_auto_t *body = json_loads(bodies[i], JSON_DECODE_ANY, NULL);
		json_auto_t *reply = otter_conn_request(c->conn, body);
		g_assert_cmpstr(text_at(reply, "otter"), ==, "reply");
		g_assert_true(json_is_false(value_at(reply, "ok")));
		g_assert_cmpstr(text_at(reply, "error.code"), ==, strstr(bodies[i], "signal") != NULL ? "conflict" : "invalid_request");
		g_assert_cmpint(number_at(reply, "id"), ==, strstr(bodies[i], "\"id\":1") != NULL ? 1 : -1);
	}
	json_auto_t *nothing = otter_conn_request(c->conn, NULL);
	g_assert_cmpstr(text_at(nothing, "error.code"), ==, "invalid_request");
	client_end(c);
	end();
}

static void a_ping_needs_no_seat_and_tells_the_time(void)
{
	begin();
	struct client *c = client_new(o);
	json_auto_t *reply = ask_ok(c, "ping", "{}");
	g_assert_cmpstr(text_at(reply, "time"), ==, "2026-11-23T12:00:00.000Z");
	client_end(c);
	end();
}

static void without_a_seat_the_rest_is_a_conflict(void)
{
	begin();
	struct client *c = client_new(o);
	static const char *const requests[] = { "leave", "list", "update", "set", "credentials", "signal" };
	for (size_t i = 0; i < G_N_ELEMENTS(requests); i++)
		ask_error(c, requests[i], "{}", "conflict");
	client_end(c);
	end();
}

/* ---- join ---- */

static void a_join_is_answered_with_everything_a_call_needs(void)
{
	begin();
	struct client *c = client_new(o);
	g_autofree char *token = new_token(o, room, "ann@example.org", "host");
	json_auto_t *reply = askf(c, "join",
		"{\"room\": \"%s\", \"token\": \"%s\", \"instance\": \"" INSTANCE "\", \"display\": \"Ann\", \"media\": {\"audio\": true}}", room, token);
	g_assert_true(g_str_has_prefix(text_at(reply, "me.participant"), "pt_"));
	g_assert_cmpstr(text_at(reply, "me.identity"), ==, "ann@example.org");
	g_assert_cmpstr(text_at(reply, "me.display"), ==, "Ann");
	g_assert_cmpstr(text_at(reply, "me.role"), ==, "host");
	g_assert_cmpstr(text_at(reply, "me.instance"), ==, INSTANCE);
	g_assert_cmpstr(text_at(reply, "me.joined_at"), ==, "2026-11-23T12:00:00.000Z");
	g_assert_cmpint(number_at(reply, "me.order"), ==, 1);
	g_assert_cmpint(number_at(reply, "me.attach"), ==, 1);
	g_assert_true(json_is_true(value_at(reply, "me.media.audio")));
	g_assert_true(json_is_false(value_at(reply, "me.media.video")));
	g_assert_true(json_is_true(value_at(reply, "me.connected")));
	g_assert_cmpuint(json_array_size(value_at(reply, "participants")), ==, 0);
	g_assert_nonnull(text_at(reply, "seat"));
	g_assert_cmpstr(text_at(reply, "room.id"), ==, room);
	g_assert_cmpint(number_at(reply, "room.participants"), ==, 1);
	g_assert_null(value_at(reply, "room.url"));
	g_assert_cmpstr(text_at(reply, "ice_servers.0.urls.0"), ==, "stun:turn.example.org:3478");
	g_assert_cmpint(number_at(reply, "ttl"), ==, 3600);
	g_assert_cmpint(number_at(reply, "limits.message_bytes"), ==, 65536);
	g_assert_cmpint(number_at(reply, "heartbeat_ms"), ==, 5000);
	g_assert_cmpint(number_at(reply, "resume_timeout_ms"), ==, RESUME_MS);
	heard_nothing(c);
	client_end(c);
	end();
}

static void order_and_attach_grow_and_the_others_are_told(void)
{
	begin();
	struct client *a = joined(o, room, "page-aaa"), *b = joined(o, room, "page-bbb");
	json_auto_t *event = heard(a, "participant-joined");
	g_assert_cmpint(number_at(event, "participant.order"), ==, 2);
	g_assert_cmpint(number_at(event, "participant.attach"), ==, 2);
	g_assert_cmpstr(text_at(event, "participant.instance"), ==, "page-bbb");
	heard_nothing(a);
	heard_nothing(b);
	json_auto_t *list = ask_ok(b, "list", "{}");
	g_assert_cmpuint(json_array_size(value_at(list, "participants")), ==, 2);
	g_assert_cmpint(number_at(list, "participants.0.order"), ==, 1);
	g_assert_cmpint(number_at(list, "participants.1.order"), ==, 2);
	client_end(a);
	client_end(b);
	end();
}

static void an_order_is_never_given_twice(void)
{
	begin();
	struct client *a = joined(o, room, "page-aaa"), *b = joined(o, room, "page-bbb");
	json_decref(ask_ok(b, "leave", "{}"));
	struct client *c = joined(o, room, "page-ccc");
	json_auto_t *list = ask_ok(c, "list", "{}");
	g_assert_cmpint(number_at(list, "participants.1.order"), ==, 3);
	client_end(a);
	client_end(b);
	client_end(c);
	end();
}

static void a_full_room_stays_closed_to_a_third_person(void)
{
	begin_in("{\"max_participants\": 2}");
	struct client *a = joined(o, room, "page-aaa"), *b = joined(o, room, "page-bbb"), *c = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	forget_all(a);
	join_error(c, room, token, "room_full");
	heard_nothing(a);
	client_end(b); /* away seats count */
	join_error(c, room, token, "room_full");
	json_decref(ask_ok(a, "leave", "{}"));
	json_decref(join(c, room, token, INSTANCE));
	client_end(a);
	client_end(c);
	end();
}

static void a_token_opens_its_own_room_alone(void)
{
	begin();
	g_autofree char *other = new_room(o, "{\"unique_name\": \"other\"}");
	g_autofree char *token = new_token(o, room, NULL, NULL), *nowhere = new_token(o, "rm_nowhere", NULL, NULL);
	struct client *c = client_new(o);
	join_error(c, other, token, "wrong_room");
	join_error(c, "other", token, "wrong_room");
	join_error(c, "rm_none", token, "wrong_room");
	join_error(c, "rm_nowhere", nowhere, "room_not_found");
	heard_nothing(c);
	json_decref(join(c, room, token, INSTANCE)); /* a refusal changes nothing */
	client_end(c);
	end();
}

static void a_room_is_joined_by_its_name_too(void)
{
	begin_in("{\"unique_name\": \"weekly\"}");
	struct client *c = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	json_decref(join(c, "weekly", token, INSTANCE));
	client_end(c);
	end();
}

static void bad_tokens_do_not_join(void)
{
	begin_pair();
	struct client *c = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	g_autofree char *without = g_strdup_printf("{\"room\": \"%s\", \"instance\": \"" INSTANCE "\"}", room);
	ask_error(c, "join", without, "unauthorized");
	join_error(c, room, "rubbish", "token_invalid");
	join_error(c, room, ann_seat, "token_invalid"); /* a seat is no ticket */
	pass_ms(&s, 3600 * 1000);
	join_error(c, room, token, "token_expired");
	g_autofree char *huge = g_strnfill(12 * 1024 * 1024, 'A');
	join_error(c, room, huge, "token_invalid");
	client_end(c);
	end_pair();
}

static void one_connection_has_one_seat(void)
{
	begin_pair();
	g_autofree char *token = new_token(o, room, NULL, NULL);
	join_error(ann, room, token, "conflict");
	json_auto_t *reply = resume(ann, ann_seat, "ann-page-1");
	g_assert_cmpstr(text_at(reply, "error.code"), ==, "conflict");
	json_decref(ask_ok(ann, "leave", "{}"));
	json_decref(join(ann, room, token, "ann-page-1")); /* the handle is free again */
	end_pair();
}

static void the_tokens_name_is_shown_when_the_join_has_none(void)
{
	begin();
	struct client *c = joined(o, room, "page-aaa");
	json_auto_t *list = ask_ok(c, "list", "{}");
	g_assert_cmpstr(text_at(list, "participants.0.display"), ==, "");
	g_assert_true(json_is_null(value_at(list, "participants.0.identity")));
	client_end(c);
	end();
}

/* ---- the same identity again ---- */

static void a_newer_connection_takes_the_seat_of_its_identity(void)
{
	begin_in("{\"max_participants\": 2}");
	g_autofree char *token = new_token(o, room, "ann", NULL);
	struct client *old = client_new(o), *young = client_new(o), *b = joined(o, room, "page-bbb");
	json_auto_t *first = join(old, room, token, "page-one");
	forget_all(b);
	json_auto_t *second = join(young, room, token, "page-two"); /* in a full room */
	g_assert_cmpstr(text_at(first, "me.participant"), ==, text_at(second, "me.participant"));
	g_assert_cmpint(number_at(second, "me.order"), ==, number_at(first, "me.order"));
	g_assert_cmpint(number_at(second, "me.attach"), ==, 3);
	json_auto_t *ejected = heard(old, "ejected"), *updated = heard(b, "participant-updated");
	g_assert_cmpstr(text_at(ejected, "reason"), ==, "replaced");
	g_assert_cmpstr(text_at(updated, "participant.instance"), ==, "page-two");
	heard_nothing(b);
	ask_error(old, "list", "{}", "conflict");
	client_end(old); /* takes nothing with it */
	heard_nothing(b);
	json_auto_t *list = ask_ok(young, "list", "{}");
	g_assert_cmpuint(json_array_size(value_at(list, "participants")), ==, 2);
	client_end(young);
	client_end(b);
	end();
}

static void an_invite_link_gives_each_a_seat(void)
{
	begin();
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *a = client_new(o), *b = client_new(o);
	json_auto_t *one = join(a, room, token, INSTANCE), *two = join(b, room, token, INSTANCE);
	g_assert_cmpstr(text_at(one, "me.participant"), !=, text_at(two, "me.participant"));
	client_end(a);
	client_end(b);
	end();
}

/* ---- away, resume, timeout ---- */

static void a_lost_socket_makes_away_and_the_same_instance_comes_back_as_it_was(void)
{
	begin_pair();
	client_end(ann);
	json_auto_t *gone = heard(bob, "participant-updated");
	g_assert_true(json_is_false(value_at(gone, "participant.connected")));
	ann = client_new(o);
	json_auto_t *back = resume_ok(ann, ann_seat, "ann-page-1");
	g_assert_cmpstr(text_at(back, "me.participant"), ==, ann_id);
	g_assert_cmpint(number_at(back, "me.attach"), ==, 1);
	g_assert_cmpuint(json_array_size(value_at(back, "participants")), ==, 1);
	json_auto_t *event = heard(bob, "participant-updated");
	g_assert_true(json_is_true(value_at(event, "participant.connected")));
	g_assert_cmpint(number_at(event, "participant.attach"), ==, 1);
	pass_and_tick(RESUME_MS + 1);
	heard_nothing(bob); /* the old deadline says nothing about the new connection */
	end_pair();
}

static void a_reload_gets_the_next_attach_and_keeps_its_order(void)
{
	begin_pair();
	client_end(ann);
	ann = client_new(o);
	json_auto_t *back = resume_ok(ann, ann_seat, "ann-page-2");
	g_assert_cmpint(number_at(back, "me.attach"), ==, 3);
	g_assert_cmpint(number_at(back, "me.order"), ==, 1);
	end_pair();
}

static void the_latest_resume_wins(void)
{
	begin_pair();
	struct client *second = client_new(o);
	json_decref(resume_ok(second, ann_seat, "ann-page-2"));
	json_auto_t *event = heard(ann, "ejected");
	g_assert_cmpstr(text_at(event, "reason"), ==, "replaced");
	ask_error(ann, "list", "{}", "conflict");
	json_decref(ask_ok(second, "list", "{}"));
	client_end(second);
	end_pair();
}

static void who_does_not_come_back_has_left_after_the_timeout_and_not_before(void)
{
	begin_pair();
	client_end(g_steal_pointer(&ann));
	json_decref(heard(bob, "participant-updated"));
	pass_and_tick(RESUME_MS - 1);
	heard_nothing(bob);
	pass_and_tick(1);
	json_auto_t *event = heard(bob, "participant-left");
	g_assert_cmpstr(text_at(event, "participant"), ==, ann_id);
	g_assert_cmpstr(text_at(event, "reason"), ==, "timeout");
	resume_error(ann_seat, "seat_gone");
	end_pair();
}

static void each_absence_has_its_own_timeout(void)
{
	begin_pair();
	client_end(ann);
	pass_and_tick(20000);
	ann = client_new(o);
	json_decref(resume_ok(ann, ann_seat, "ann-page-1"));
	client_end(g_steal_pointer(&ann));
	forget_all(bob);
	pass_and_tick(20000); /* 40 s after the first loss, 20 s after the second */
	heard_nothing(bob);
	pass_and_tick(10000);
	json_decref(heard(bob, "participant-left"));
	end_pair();
}

/* Both come back after the server's death: who they were, in the order they had; and nobody takes their places meanwhile. */
static void a_seat_outlives_a_restart(void)
{
	folder = check_folder();
	begin_pair_in("{\"max_participants\": 2}");
	json_decref(ask_ok(bob, "update", "{\"display\": \"Bob B\", \"hand\": true, \"media\": {\"audio\": true}}"));
	client_end(g_steal_pointer(&ann));
	client_end(g_steal_pointer(&bob));
	core_restart(&o, &s, folder);
	struct asked got = room_get(o, room);
	g_assert_cmpstr(text_at(got.body, "status"), ==, "full");
	json_decref(got.body);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *eve = client_new(o);
	join_error(eve, room, token, "room_full");
	ann = client_new(o);
	json_auto_t *back = askf(ann, "resume", "{\"seat\": \"%s\", \"instance\": \"ann-page-1\"}", ann_seat);
	g_assert_cmpstr(text_at(back, "me.participant"), ==, ann_id);
	g_assert_cmpint(number_at(back, "me.order"), ==, 1);
	g_assert_cmpint(number_at(back, "me.attach"), ==, 1);
	g_assert_cmpstr(text_at(back, "participants.0.participant"), ==, bob_id);
	g_assert_cmpstr(text_at(back, "participants.0.display"), ==, "Bob B");
	g_assert_cmpstr(text_at(back, "participants.0.instance"), ==, "bob-page-1");
	g_assert_true(json_is_true(value_at(back, "participants.0.hand")));
	g_assert_true(json_is_true(value_at(back, "participants.0.media.audio")));
	g_assert_true(json_is_false(value_at(back, "participants.0.connected")));
	pass_and_tick(RESUME_MS);
	json_auto_t *left = heard(ann, "participant-left");
	g_assert_cmpstr(text_at(left, "reason"), ==, "timeout");
	json_auto_t *late = join(eve, room, token, "eve-page-1");
	g_assert_cmpint(number_at(late, "me.order"), ==, 3);
	g_assert_cmpint(number_at(late, "me.attach"), ==, 3);
	client_end(eve);
	end_pair();
}

/* How many seats of this participant and instance another process would find in the store. */
static int rows_of(const char *participant, const char *instance)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	g_autofree char *path = g_build_filename(folder, "otter.db", NULL);
	g_assert_cmpint(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_prepare_v2(db, "SELECT count(*) FROM seat WHERE participant = ?1 AND instance = ?2", -1, &st, NULL), ==, SQLITE_OK);
	sqlite3_bind_text(st, 1, participant, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, instance, -1, SQLITE_STATIC);
	g_assert_cmpint(sqlite3_step(st), ==, SQLITE_ROW);
	int rows = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return rows;
}

static gint welcomes_kept;

static void is_kept(const json_t *message)
{
	if (value_at(message, "me") != NULL) {
		g_assert_cmpint(rows_of(text_at(message, "me.participant"), text_at(message, "me.instance")), ==, 1);
		g_atomic_int_inc(&welcomes_kept);
	}
}

static void who_is_told_of_a_seat_finds_it_in_the_store(void)
{
	folder = check_folder();
	begin_pair_in("{}");
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *carl = client_new(o);
	carl->on_message = is_kept;
	json_decref(join(carl, room, token, "carl-page-1"));
	client_end(g_steal_pointer(&ann));
	ann = client_new(o);
	ann->on_message = is_kept;
	json_decref(resume_ok(ann, ann_seat, "ann-page-2"));
	g_assert_cmpint(g_atomic_int_get(&welcomes_kept), ==, 2);
	client_end(carl);
	end_pair();
}

/* He has his seat, and what he is told waits for the store: until the break is ended. */
static struct client *join_in_a_break(struct store_break **in)
{
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *c = client_new(o);
	struct store_break *before = break_ask(o);
	break_await(before);
	json_auto_t *body = json_pack("{s:s, s:i, s:s, s:s, s:s}", "request", "join", "id", 77, "room", room, "token", token, "instance", "carl-page-1");
	g_assert_null(otter_conn_request(c->conn, body));
	*in = break_ask(o);
	break_end(before);
	break_await(*in);
	heard_nothing(c);
	return c;
}

static void heard_reply(struct client *c, int64_t id)
{
	OTTER_LOCKED(&c->lock);
	json_auto_t *reply = g_queue_pop_head(&c->inbox);
	g_assert_cmpstr(text_at(reply, "otter"), ==, "reply");
	g_assert_cmpint(number_at(reply, "id"), ==, id);
}

static void what_is_asked_behind_a_join_is_answered_behind_it(void)
{
	static const char *const requests[] = { "ping", "list", "nonsense", "leave" };
	folder = check_folder();
	begin_pair_in("{}");
	struct store_break *in;
	struct client *carl = join_in_a_break(&in);
	for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
		json_auto_t *body = json_pack("{s:s, s:I}", "request", requests[i], "id", (json_int_t)(78 + i));
		g_assert_null(otter_conn_request(carl->conn, body));
	}
	heard_nothing(carl);
	break_end(in);
	settle(o);
	for (size_t i = 0; i <= G_N_ELEMENTS(requests); i++)
		heard_reply(carl, 77 + (int64_t)i);
	heard_nothing(carl);
	client_end(carl);
	end_pair();
}

static void what_waits_for_the_store_is_not_sent_to_who_has_gone(void)
{
	folder = check_folder();
	begin_pair_in("{}");
	struct store_break *in;
	struct client *carl = join_in_a_break(&in);
	otter_conn_gone(carl->conn);
	break_end(in);
	settle(o);
	heard_nothing(carl);
	client_end(carl);
	end_pair();
}

/* The page that was loaded last is known: it keeps its attach, and the connections to it. */
static void a_reload_outlives_a_restart(void)
{
	folder = check_folder();
	begin_pair_in("{}");
	client_end(g_steal_pointer(&ann));
	ann = client_new(o);
	json_decref(resume_ok(ann, ann_seat, "ann-page-2"));
	client_end(g_steal_pointer(&ann));
	client_end(g_steal_pointer(&bob));
	core_restart(&o, &s, folder);
	bob = client_new(o);
	json_auto_t *back = resume_ok(bob, bob_seat, "bob-page-1");
	g_assert_cmpstr(text_at(back, "participants.0.instance"), ==, "ann-page-2");
	g_assert_cmpint(number_at(back, "participants.0.attach"), ==, 3);
	end_pair();
}

static void a_seat_that_ended_stays_so_after_a_restart(void)
{
	folder = check_folder();
	begin_pair_in("{}");
	struct client *carl = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	json_auto_t *reply = join(carl, room, token, "carl-page");
	g_autofree char *carl_seat = g_strdup(text_at(reply, "seat"));
	json_decref(ask_ok(ann, "leave", "{}"));
	g_assert_cmpint(put_out(o, room, text_at(reply, "me.participant")).error.err, ==, OTTER_OK);
	client_end(carl);
	client_end(g_steal_pointer(&ann));
	client_end(g_steal_pointer(&bob));
	core_restart(&o, &s, folder);
	ann = client_new(o);
	g_autofree char *as_ann = g_strdup_printf("{\"seat\": \"%s\", \"instance\": \"ann-page-1\"}", ann_seat);
	g_autofree char *as_carl = g_strdup_printf("{\"seat\": \"%s\", \"instance\": \"carl-page\"}", carl_seat);
	ask_error(ann, "resume", as_ann, "seat_gone");
	ask_error(ann, "resume", as_carl, "seat_gone");
	struct asked got = room_get(o, room);
	g_assert_cmpint(number_at(got.body, "participants"), ==, 1);
	json_decref(got.body);
	g_assert_cmpint(room_close(o, room).error.err, ==, OTTER_OK);
	core_restart(&o, &s, folder);
	got = room_get(o, room);
	g_assert_cmpint(number_at(got.body, "participants"), ==, 0);
	json_decref(got.body);
	end_pair();
}

static void what_is_no_seat_does_not_resume(void)
{
	begin_pair();
	g_autofree char *link = new_token(o, room, NULL, NULL);
	resume_error("rubbish", "token_invalid");
	resume_error("", "unauthorized");
	resume_error(link, "token_invalid");
	json_decref(ask_ok(ann, "leave", "{}"));
	resume_error(ann_seat, "seat_gone");
	end_pair();
}

static void going_twice_is_going_once(void)
{
	begin_pair();
	otter_conn_gone(ann->conn);
	json_decref(heard(bob, "participant-updated"));
	otter_conn_gone(ann->conn);
	heard_nothing(bob);
	forget_all(ann);
	json_decref(ask_ok(bob, "update", "{\"hand\": true}"));
	heard_nothing(ann); /* nothing is sent to who is gone */
	end_pair();
}

static void leaving_is_heard_and_final(void)
{
	begin_pair();
	json_decref(ask_ok(ann, "leave", "{}"));
	json_auto_t *event = heard(bob, "participant-left");
	g_assert_cmpstr(text_at(event, "reason"), ==, "left");
	g_assert_cmpstr(text_at(event, "participant"), ==, ann_id);
	ask_error(ann, "leave", "{}", "conflict");
	heard_nothing(bob);
	end_pair();
}

static void a_room_reopens_after_everybody_left(void)
{
	begin_pair();
	json_decref(ask_ok(ann, "leave", "{}"));
	json_decref(ask_ok(bob, "leave", "{}"));
	pass_and_tick(1000000);
	struct client *c = joined(o, room, "page-ccc");
	client_end(c);
	end_pair();
}

/* ---- the heartbeat ---- */

static void who_has_pinged_and_falls_silent_is_away(void)
{
	begin_pair();
	json_decref(ask_ok(ann, "ping", "{}"));
	pass_and_tick(OTTER_SILENCE_MS - 1);
	heard_nothing(bob);
	json_decref(ask_ok(ann, "list", "{}")); /* any request is a sign of life */
	pass_and_tick(OTTER_SILENCE_MS - 1);
	heard_nothing(bob);
	pass_and_tick(1);
	json_auto_t *event = heard(bob, "participant-updated");
	g_assert_true(json_is_false(value_at(event, "participant.connected")));
	g_assert_cmpint(g_atomic_int_get(&ann->closed), ==, 1);
	g_assert_cmpint(g_atomic_int_get(&bob->closed), ==, 0); /* never pinged: judged by the socket alone */
	end_pair();
}

/* ---- signal ---- */

#define OFFER "\"seq\": 1, \"description\": {\"type\": \"offer\", \"sdp\": \"v=0\"}"

static void a_signal_reaches_the_other_with_the_servers_from(void)
{
	begin_pair();
	json_decref(signal_to(bob, "bob-page-1", ann_id, "ann-page-1", OFFER ", \"from\": \"pt_forged\""));
	json_auto_t *event = heard(ann, "signal");
	g_assert_cmpstr(text_at(event, "from"), ==, bob_id);
	g_assert_cmpstr(text_at(event, "description.sdp"), ==, "v=0");
	g_assert_null(value_at(event, "to"));
	heard_nothing(bob);
	end_pair();
}

static void a_signal_for_another_instance_is_dropped_and_said_so(void)
{
	begin_pair();
	json_auto_t *reply = signal_to(bob, "bob-page-1", ann_id, "ann-page-0", OFFER);
	g_assert_true(json_is_true(value_at(reply, "ok")));
	g_assert_true(json_is_true(value_at(reply, "dropped")));
	heard_nothing(ann);
	end_pair();
}

static void a_signal_has_to_be_ones_own_and_to_somebody_else(void)
{
	begin_pair();
	signal_error(bob, "bob-page-0", ann_id, "ann-page-1", OFFER, "invalid_request");
	signal_error(bob, "bob-page-1", bob_id, "bob-page-1", OFFER, "invalid_request");
	signal_error(bob, "bob-page-1", "pt_nobody", "ann-page-1", OFFER, "participant_not_found");
	heard_nothing(ann);
	end_pair();
}

static void a_signal_does_not_leave_its_room(void)
{
	begin_pair();
	g_autofree char *other = new_room(o, "{}");
	struct client *stranger = joined(o, other, "stranger-1");
	signal_error(stranger, "stranger-1", ann_id, "ann-page-1", OFFER, "participant_not_found");
	heard_nothing(ann);
	client_end(stranger);
	end_pair();
}

static void a_signal_to_who_is_away_says_so(void)
{
	begin_pair();
	client_end(g_steal_pointer(&ann));
	signal_error(bob, "bob-page-1", ann_id, "ann-page-1", OFFER, "peer_away");
	end_pair();
}

static void a_signal_above_64_kib_is_too_large(void)
{
	begin_pair();
	g_autofree char *sdp = g_strnfill(70000, 'x');
	g_autofree char *more = g_strdup_printf("\"description\": {\"type\": \"offer\", \"sdp\": \"%s\"}", sdp);
	signal_error(bob, "bob-page-1", ann_id, "ann-page-1", more, "too_large");
	heard_nothing(ann);
	end_pair();
}

#define HOST "\"candidates\": [{\"candidate\": \"candidate:1 1 udp 1 192.168.1.5 5 typ host\"}]"
#define RELAY "\"candidates\": [{\"candidate\": \"candidate:1 1 udp 1 198.51.100.7 5 typ relay raddr 0.0.0.0 rport 0\"}]"

static void a_relay_room_carries_no_address(void)
{
	begin_pair_in("{\"privacy\": \"relay\"}");
	signal_error(bob, "bob-page-1", ann_id, "ann-page-1", HOST, "forbidden");
	signal_error(bob, "bob-page-1", ann_id, "ann-page-1",
		"\"description\": {\"type\": \"offer\", \"sdp\": \"v=0\\r\\na=candidate:1 1 udp 1 192.168.1.5 5 typ host\\r\\n\"}", "forbidden");
	heard_nothing(ann);
	json_decref(signal_to(bob, "bob-page-1", ann_id, "ann-page-1", RELAY));
	json_decref(heard(ann, "signal"));
	end_pair();
}

static void a_direct_room_carries_any_candidate(void)
{
	begin_pair();
	json_decref(signal_to(bob, "bob-page-1", ann_id, "ann-page-1", HOST));
	json_decref(heard(ann, "signal"));
	end_pair();
}

static void a_relay_room_offers_no_stun(void)
{
	begin_in("{\"privacy\": \"relay\"}");
	struct client *c = joined(o, room, "page-aaa");
	json_auto_t *reply = ask_ok(c, "credentials", "{}");
	g_assert_cmpuint(json_array_size(value_at(reply, "ice_servers")), ==, 0); /* no secret here, so no turn either */
	g_assert_cmpint(number_at(reply, "ttl"), ==, 3600);
	g_assert_cmpstr(text_at(reply, "expires_at"), ==, "2026-11-23T13:00:00.000Z");
	client_end(c);
	end();
}

/* ---- update ---- */

static void an_update_is_told_to_the_others_and_the_rest_stays(void)
{
	begin_pair();
	json_decref(ask_ok(ann, "update", "{\"display\": \"Ann\", \"media\": {\"audio\": true}}"));
	json_decref(heard(bob, "participant-updated"));
	json_decref(ask_ok(ann, "update", "{\"hand\": true}"));
	json_auto_t *event = heard(bob, "participant-updated");
	g_assert_cmpstr(text_at(event, "participant.display"), ==, "Ann");
	g_assert_true(json_is_true(value_at(event, "participant.media.audio")));
	g_assert_true(json_is_true(value_at(event, "participant.hand")));
	heard_nothing(ann);
	ask_error(ann, "update", "{\"display\": 7}", "invalid_request");
	heard_nothing(bob);
	end_pair();
}

/* ---- the end of a room ---- */

static void closing_ends_all_seats_for_good(void)
{
	begin_pair();
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct asked closed = room_close(o, room);
	g_assert_cmpint(closed.error.err, ==, OTTER_OK);
	json_auto_t *a = heard(ann, "closed"), *b = heard(bob, "closed");
	g_assert_cmpstr(text_at(a, "reason"), ==, "request");
	g_assert_cmpstr(text_at(b, "reason"), ==, "request");
	ask_error(ann, "list", "{}", "conflict");
	join_error(ann, room, token, "room_closed");
	struct client *c = client_new(o);
	json_auto_t *reply = resume(c, ann_seat, "ann-page-1");
	g_assert_true(g_strcmp0(text_at(reply, "error.code"), "room_closed") == 0 || g_strcmp0(text_at(reply, "error.code"), "seat_gone") == 0);
	client_end(c);
	struct asked again = room_close(o, room);
	g_assert_cmpint(again.error.err, ==, OTTER_OK);
	end_pair();
}

static void a_room_ends_at_its_expiry(void)
{
	begin_pair_in("{\"expires_at\": \"2026-11-23T12:10:00Z\"}");
	g_autofree char *token = new_token(o, room, NULL, NULL);
	pass_and_tick(599999);
	heard_nothing(ann);
	pass_and_tick(1);
	json_auto_t *event = heard(ann, "closed");
	g_assert_cmpstr(text_at(event, "reason"), ==, "expired");
	struct client *c = client_new(o);
	join_error(c, room, token, "room_closed");
	client_end(c);
	struct asked got = room_get(o, room);
	g_assert_cmpstr(text_at(got.body, "status"), ==, "closed");
	json_decref(got.body);
	end_pair();
}

static void an_expired_room_lets_nobody_in_even_before_the_clock_has_looked(void)
{
	begin_pair_in("{\"expires_at\": \"2026-11-23T12:10:00Z\"}");
	g_autofree char *token = new_token(o, room, NULL, NULL);
	pass_ms(&s, 600000);
	struct client *c = client_new(o);
	join_error(c, room, token, "room_closed");
	client_end(c);
	end_pair();
}

static void an_expiry_follows_the_wall_clock_when_it_is_set_back(void)
{
	begin_pair_in("{\"expires_at\": \"2026-11-23T12:10:00Z\"}");
	pass_ms(&s, 600000);
	__atomic_sub_fetch(&s.wall_ms, 300000, __ATOMIC_SEQ_CST);
	otter_tick(o);
	heard_nothing(ann);
	pass_and_tick(300000);
	json_decref(heard(ann, "closed"));
	end_pair();
}

static void an_empty_room_ends_after_its_empty_timeout(void)
{
	begin_pair_in("{\"empty_timeout\": 60}");
	g_autofree char *token = new_token(o, room, NULL, NULL);
	pass_and_tick(600000); /* not empty */
	json_decref(ask_ok(ann, "leave", "{}"));
	json_decref(ask_ok(bob, "leave", "{}"));
	pass_and_tick(59999);
	json_decref(join(ann, room, token, "ann-page-2")); /* just in time */
	pass_and_tick(1000);
	json_decref(ask_ok(ann, "leave", "{}"));
	pass_and_tick(59999);
	struct asked open = room_get(o, room);
	g_assert_cmpstr(text_at(open.body, "status"), ==, "open");
	json_decref(open.body);
	pass_and_tick(1);
	join_error(ann, room, token, "room_closed");
	end_pair();
}

static void a_room_nobody_has_entered_waits_without_end(void)
{
	begin_in("{\"empty_timeout\": 60}");
	pass_and_tick(1000000);
	struct client *c = joined(o, room, "page-aaa");
	client_end(c);
	end();
}

/* A clock that lets somebody in at the worst moment: when an empty room's time is over, before the store hears of it. */
static struct client *late;
static char *late_token;
static int64_t (*honest_wall_ms)(void *arg);

static int64_t wall_ms_with_a_latecomer(void *arg)
{
	if (late_token != NULL) {
		g_autofree char *token = g_steal_pointer(&late_token);
		json_decref(askf(late, "join", "{\"room\": \"%s\", \"token\": \"%s\", \"instance\": \"" INSTANCE "\"}", room, token));
	}
	return honest_wall_ms(arg);
}

static void nobody_sits_in_a_room_that_the_store_has_closed(void)
{
	begin_in("{\"empty_timeout\": 60}");
	struct client *c = joined(o, room, "page-aaa");
	json_decref(ask_ok(c, "leave", "{}"));
	late = client_new(o);
	late_token = new_token(o, room, NULL, NULL);
	honest_wall_ms = s.env.wall_ms;
	s.env.wall_ms = wall_ms_with_a_latecomer;
	pass_and_tick(60000);
	s.env.wall_ms = honest_wall_ms;
	g_assert_null(late_token); /* the moment did come */
	struct asked got = room_get(o, room);
	bool closed = g_strcmp0(text_at(got.body, "status"), "closed") == 0;
	g_assert_true(!closed || number_at(got.body, "participants") == 0);
	json_decref(got.body);
	client_end(late);
	client_end(c);
	end();
}

/* ---- a connection that goes at a bad moment ---- */

/* SQLite answers from its own thread: the connection goes while its join is on the way. */
static void who_goes_during_a_join_leaves_no_ghost(void)
{
	begin_on_disk();
	g_autofree char *token = new_token(o, room, NULL, NULL);
	for (int i = 0; i < 50; i++) {
		struct client *c = client_new(o);
		json_auto_t *body = json_pack("{s:s, s:i, s:s, s:s, s:s}", "request", "join", "id", 1, "room", room, "token", token, "instance", INSTANCE);
		g_assert_null(otter_conn_request(c->conn, body));
		client_end(c);
	}
	json_decref(room_get(o, room).body); /* the writer has an order: what came before is done */
	pass_and_tick(RESUME_MS);
	struct asked got = room_get(o, room);
	g_assert_cmpint(number_at(got.body, "participants"), ==, 0);
	json_decref(got.body);
	end();
}

static void a_second_join_while_the_first_is_on_its_way_is_a_conflict(void)
{
	begin_on_disk();
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *c = client_new(o);
	json_auto_t *body = json_pack("{s:s, s:i, s:s, s:s, s:s}", "request", "join", "id", 100, "room", room, "token", token, "instance", INSTANCE);
	g_assert_null(otter_conn_request(c->conn, body));
	join_error(c, room, token, "conflict");
	json_decref(room_get(o, room).body);
	json_auto_t *list = ask_ok(c, "list", "{}");
	g_assert_cmpuint(json_array_size(value_at(list, "participants")), ==, 1);
	client_end(c);
	end();
}

/* ---- closing the core ---- */

static void a_closed_core_answers_unavailable(void)
{
	begin();
	struct client *c = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	otter_close(o);
	join_error(c, room, token, "unavailable");
	ask_error(c, "ping", "{}", "unavailable");
	struct asked made = room_create(o, "{}"), got = room_get(o, room), in = way_in_connect(o, token);
	g_assert_cmpint(made.error.err, ==, OTTER_UNAVAILABLE);
	g_assert_cmpint(got.error.err, ==, OTTER_UNAVAILABLE);
	g_assert_cmpint(in.error.err, ==, OTTER_UNAVAILABLE);
	g_assert_null(otter_ref());
	client_end(c);
	otter_unref(g_steal_pointer(&o));
	end();
}

static void a_connection_with_a_seat_may_go_after_the_core_has_closed(void)
{
	begin_pair();
	otter_close(o);
	client_end(g_steal_pointer(&ann)); /* Janus may destroy sessions after it has destroyed the plugin */
	client_end(g_steal_pointer(&bob));
	otter_unref(g_steal_pointer(&o));
	end_pair();
}

static void a_connection_may_outlive_the_cores_last_own_reference(void)
{
	begin();
	struct client *c = client_new(o);
	core_end(g_steal_pointer(&o));
	client_end(c);
	end();
}

static void joins_in_flight_are_answered_before_the_core_is_closed(void)
{
	begin_on_disk();
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *clients[20];
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++) {
		clients[i] = client_new(o);
		json_auto_t *body = json_pack("{s:s, s:i, s:s, s:s, s:s}", "request", "join", "id", 1, "room", room, "token", token, "instance", INSTANCE);
		g_assert_null(otter_conn_request(clients[i]->conn, body));
	}
	otter_close(o);
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++) {
		{
			OTTER_LOCKED(&clients[i]->lock);
			g_assert_cmpuint(clients[i]->inbox.length, >=, 1);
		}
	}
	for (size_t i = 3; i < G_N_ELEMENTS(clients); i++) /* those without a seat: see the test above for the others */
		client_end(clients[i]);
	for (size_t i = 0; i < 3; i++)
		client_end(clients[i]);
	otter_unref(g_steal_pointer(&o));
	end();
}

/* ---- many at once ---- */

#define THREADS 8
#define JOINS 500

static struct client *crowd[JOINS];
static char *crowd_token;
static gint next_joiner, seated;

static void *join_some(void *arg)
{
	(void)arg;
	for (gint i; (i = g_atomic_int_add(&next_joiner, 1)) < JOINS;) {
		crowd[i] = client_new(o);
		json_auto_t *reply = askf(crowd[i], "join", "{\"room\": \"%s\", \"token\": \"%s\", \"instance\": \"crowd-%04d\"}", room, crowd_token, i);
		if (json_is_true(value_at(reply, "ok")))
			g_atomic_int_inc(&seated);
		else
			g_assert_cmpstr(text_at(reply, "error.code"), ==, "room_full");
	}
	return NULL;
}

static void crowd_joins(const char *in_folder)
{
	surroundings_init(&s);
	o = core_open(&s, in_folder);
	room = new_room(o, "{\"max_participants\": 8}");
	crowd_token = new_token(o, room, NULL, NULL);
	next_joiner = seated = 0;
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, join_some, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	g_assert_cmpint(seated, ==, 8);
	struct asked got = room_get(o, room);
	g_assert_cmpint(number_at(got.body, "participants"), ==, 8);
	g_assert_cmpstr(text_at(got.body, "status"), ==, "full");
	json_decref(got.body);
	for (int i = 0; i < JOINS; i++)
		client_end(crowd[i]);
	g_clear_pointer(&crowd_token, g_free);
}

static void of_500_joins_at_once_exactly_8_get_in(void)
{
	crowd_joins(NULL);
	end();
}

static void of_500_joins_at_once_exactly_8_get_in_on_disk_too(void)
{
	folder = check_folder();
	crowd_joins(folder);
	end();
}

static const struct check checks[] = {
	{ "whatever comes is answered", whatever_comes_is_answered },
	{ "a ping needs no seat and tells the time", a_ping_needs_no_seat_and_tells_the_time },
	{ "without a seat the rest is a conflict", without_a_seat_the_rest_is_a_conflict },
	{ "a join is answered with everything a call needs", a_join_is_answered_with_everything_a_call_needs },
	{ "order and attach grow, and the others are told", order_and_attach_grow_and_the_others_are_told },
	{ "an order is never given twice", an_order_is_never_given_twice },
	{ "a full room stays closed to a third person", a_full_room_stays_closed_to_a_third_person },
	{ "a token opens its own room alone", a_token_opens_its_own_room_alone },
	{ "a room is joined by its name too", a_room_is_joined_by_its_name_too },
	{ "bad tokens do not join", bad_tokens_do_not_join },
	{ "one connection has one seat", one_connection_has_one_seat },
	{ "without a name the display is empty", the_tokens_name_is_shown_when_the_join_has_none },
	{ "a newer connection takes the seat of its identity", a_newer_connection_takes_the_seat_of_its_identity },
	{ "an invite link gives each a seat", an_invite_link_gives_each_a_seat },
	{ "a lost socket makes away, and the same instance comes back as it was", a_lost_socket_makes_away_and_the_same_instance_comes_back_as_it_was },
	{ "a reload gets the next attach and keeps its order", a_reload_gets_the_next_attach_and_keeps_its_order },
	{ "the latest resume wins", the_latest_resume_wins },
	{ "who does not come back has left after the timeout, and not before", who_does_not_come_back_has_left_after_the_timeout_and_not_before },
	{ "each absence has its own timeout", each_absence_has_its_own_timeout },
	{ "a seat outlives a restart", a_seat_outlives_a_restart },
	{ "who is told of a seat finds it in the store", who_is_told_of_a_seat_finds_it_in_the_store },
	{ "what is asked behind a join is answered behind it", what_is_asked_behind_a_join_is_answered_behind_it },
	{ "what waits for the store is not sent to who has gone", what_waits_for_the_store_is_not_sent_to_who_has_gone },
	{ "a reload outlives a restart", a_reload_outlives_a_restart },
	{ "a seat that ended stays so after a restart", a_seat_that_ended_stays_so_after_a_restart },
	{ "what is no seat does not resume", what_is_no_seat_does_not_resume },
	{ "going twice is going once", going_twice_is_going_once },
	{ "leaving is heard and final", leaving_is_heard_and_final },
	{ "a room reopens after everybody left", a_room_reopens_after_everybody_left },
	{ "who has pinged and falls silent is away", who_has_pinged_and_falls_silent_is_away },
	{ "a signal reaches the other, with the server's from", a_signal_reaches_the_other_with_the_servers_from },
	{ "a signal for another instance is dropped, and said so", a_signal_for_another_instance_is_dropped_and_said_so },
	{ "a signal has to be one's own, and to somebody else", a_signal_has_to_be_ones_own_and_to_somebody_else },
	{ "a signal does not leave its room", a_signal_does_not_leave_its_room },
	{ "a signal to who is away says so", a_signal_to_who_is_away_says_so },
	{ "a signal above 64 KiB is too large", a_signal_above_64_kib_is_too_large },
	{ "a relay room carries no address", a_relay_room_carries_no_address },
	{ "a direct room carries any candidate", a_direct_room_carries_any_candidate },
	{ "a relay room offers no STUN", a_relay_room_offers_no_stun },
	{ "an update is told to the others, and the rest stays", an_update_is_told_to_the_others_and_the_rest_stays },
	{ "closing ends all seats for good", closing_ends_all_seats_for_good },
	{ "a room ends at its expiry", a_room_ends_at_its_expiry },
	{ "an expired room lets nobody in, even before the clock has looked", an_expired_room_lets_nobody_in_even_before_the_clock_has_looked },
	{ "an expiry follows the wall clock when it is set back", an_expiry_follows_the_wall_clock_when_it_is_set_back },
	{ "an empty room ends after its empty timeout", an_empty_room_ends_after_its_empty_timeout },
	{ "a room nobody has entered waits without end", a_room_nobody_has_entered_waits_without_end },
	{ "nobody sits in a room that the store has closed", nobody_sits_in_a_room_that_the_store_has_closed },
	{ "who goes during a join leaves no ghost", who_goes_during_a_join_leaves_no_ghost },
	{ "a second join while the first is on its way is a conflict", a_second_join_while_the_first_is_on_its_way_is_a_conflict },
	{ "a closed core answers unavailable", a_closed_core_answers_unavailable },
	{ "a connection with a seat may go after the core has closed", a_connection_with_a_seat_may_go_after_the_core_has_closed },
	{ "a connection may outlive the core's last own reference", a_connection_may_outlive_the_cores_last_own_reference },
	{ "joins in flight are answered before the core is closed", joins_in_flight_are_answered_before_the_core_is_closed },
	{ "of 500 joins at once exactly 8 get in", of_500_joins_at_once_exactly_8_get_in },
	{ "of 500 joins at once exactly 8 get in, on disk too", of_500_joins_at_once_exactly_8_get_in_on_disk_too },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "room", checks);
}
