/* SPDX-License-Identifier: GPL-3.0-or-later
 * What those in a room share. */
#include "fixture.h"

#include "core/otter_private.h"

#define RESUME_MS 30000

static struct surroundings s;
static struct otter *o;
static char *room, *folder, *ann_seat, *ann_id;
static struct client *ann, *bob;

static struct client *in(const char *instance)
{
	struct client *c = joined(o, room, instance);
	forget_all(c);
	return c;
}

/* Ann and Bob are in a room, and have heard all that there was. */
static void begin_in(const char *spec, bool on_disk)
{
	folder = on_disk ? check_folder() : NULL;
	all_begin(&s, &o, &room, folder, spec);
	g_autofree char *token = new_token(o, room, NULL, "host");
	ann = client_new(o);
	json_auto_t *reply = join(ann, room, token, "ann-page-1");
	ann_id = g_strdup(text_at(reply, "me.participant"));
	ann_seat = g_strdup(text_at(reply, "seat"));
	bob = in("bob-page-1");
	forget_all(ann);
}

static void begin(void)
{
	begin_in("{}", false);
}

static void end(void)
{
	if (ann != NULL)
		client_end(g_steal_pointer(&ann));
	if (bob != NULL)
		client_end(g_steal_pointer(&bob));
	g_clear_pointer(&ann_seat, g_free);
	g_clear_pointer(&ann_id, g_free);
	all_end(&s, &o, &room, &folder);
}

/* The server dies and is there again; connections are lost, seats are not. */
static void restart(void)
{
	client_end(g_steal_pointer(&ann));
	client_end(g_steal_pointer(&bob));
	core_restart(&o, &s, folder);
}

static void pass_and_tick(int64_t ms)
{
	pass_ms(&s, ms);
	otter_tick(o);
}

static void set(struct client *c, const char *key, const char *value)
{
	json_auto_t *reply = askf(c, "set", "{\"key\": \"%s\", \"value\": %s}", key, value);
	g_assert_cmpstr(text_at(reply, "error.code"), ==, NULL);
}

static void set_for(struct client *c, const char *key, const char *value, int ttl_s)
{
	json_auto_t *reply = askf(c, "set", "{\"key\": \"%s\", \"value\": %s, \"ttl\": %d}", key, value, ttl_s);
	g_assert_cmpstr(text_at(reply, "error.code"), ==, NULL);
}

/* The next thing it hears is that `key` is `value` (as compact JSON). */
static void heard_state(struct client *c, const char *key, const char *value)
{
	json_auto_t *event = heard(c, "state");
	char *text = json_dumps(value_at(event, "value"), JSON_COMPACT | JSON_ENCODE_ANY);
	g_assert_cmpstr(text_at(event, "key"), ==, key);
	g_assert_cmpstr(text, ==, value);
	g_assert_nonnull(text_at(event, "by"));
	free(text);
}

static struct client *back(const char *seat)
{
	struct client *c = client_new(o);
	json_auto_t *reply = askf(c, "resume", "{\"seat\": \"%s\", \"instance\": \"ann-page-1\"}", seat);
	g_assert_cmpstr(text_at(reply, "error.code"), ==, NULL);
	json_decref(ask_ok(c, "list", "{}")); /* waits for the room, so that what follows the reply has come: from disk it comes in another thread */
	return c;
}

static int rows;

static void count_row(void *arg, enum otter_err err, const void *row)
{
	if (row != NULL)
		rows++;
	else
		otter_latch_open(arg, err);
}

static int kept(void)
{
	struct otter_latch latch;
	rows = 0;
	otter_latch_init(&latch);
	o->store->ops->state_each(o->store, count_row, &latch);
	g_assert_cmpint(otter_latch_wait(&latch), ==, OTTER_OK);
	otter_latch_clear(&latch);
	return rows;
}

/* ---- set ---- */

static void what_one_sets_the_others_hear_and_he_does_not(void)
{
	begin();
	set(ann, "topic", "{\"a\": [1, null, \"x\"]}");
	json_auto_t *event = heard(bob, "state");
	g_assert_cmpstr(text_at(event, "key"), ==, "topic");
	g_assert_cmpstr(text_at(event, "by"), ==, ann_id);
	json_auto_t *value = json_loads("{\"a\": [1, null, \"x\"]}", 0, NULL);
	g_assert_true(json_equal(value_at(event, "value"), value));
	heard_nothing(ann);
	set(bob, "topic", "false");
	heard_state(ann, "topic", "false");
	heard_nothing(bob);
	end();
}

static void null_takes_a_key_away_and_says_so_once(void)
{
	begin();
	set(ann, "topic", "1");
	set(ann, "topic", "null");
	set(ann, "topic", "null");
	set(ann, "never", "null");
	heard_state(bob, "topic", "1");
	heard_state(bob, "topic", "null");
	heard_nothing(bob);
	struct client *carol = in("carol-page");
	heard_nothing(carol);
	client_end(carol);
	g_assert_cmpint(kept(), ==, 0);
	end();
}

static void who_comes_later_hears_all_in_the_order_of_setting_behind_the_reply(void)
{
	begin();
	set(ann, "one", "1");
	set(bob, "two", "2");
	set(ann, "three", "3");
	set(bob, "one", "\"again\"");
	struct client *carol = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	json_decref(join(carol, room, token, "carol-page"));
	heard_state(carol, "two", "2");
	heard_state(carol, "three", "3");
	heard_state(carol, "one", "\"again\"");
	heard_nothing(carol);
	client_end(carol);
	end();
}

static void who_resumes_hears_what_there_is_by_then(void)
{
	begin();
	set(ann, "one", "1");
	set(ann, "two", "2");
	client_end(g_steal_pointer(&ann));
	set(bob, "one", "null");
	set(bob, "three", "3");
	ann = back(ann_seat);
	heard_state(ann, "two", "2");
	heard_state(ann, "three", "3");
	heard_nothing(ann);
	end();
}

static void who_waits_may_not_set_and_hears_it_when_he_is_admitted(void)
{
	surroundings_init(&s);
	o = core_open(&s, NULL);
	room = new_room(o, "{\"lobby\": true}");
	g_autofree char *host_token = new_token(o, room, NULL, "host"), *token = new_token(o, room, NULL, NULL);
	ann = client_new(o);
	json_decref(join(ann, room, host_token, "ann-page-1"));
	bob = client_new(o);
	json_auto_t *waiting = join(bob, room, token, "bob-page-1");
	set(ann, "one", "1");
	heard_nothing(bob);
	ask_error(bob, "set", "{\"key\": \"two\", \"value\": 2}", "conflict");
	json_decref(askf(ann, "admit", "{\"participant\": \"%s\"}", text_at(waiting, "participant")));
	json_decref(heard(bob, "admitted"));
	heard_state(bob, "one", "1");
	heard_nothing(bob);
	end();
}

static void a_room_holds_64_keys_and_each_may_still_change(void)
{
	begin();
	for (int i = 0; i < 64; i++) {
		g_autofree char *key = g_strdup_printf("key-%d", i);
		set(ann, key, "1");
		pass_ms(&s, 50);
	}
	forget_all(bob);
	ask_error(ann, "set", "{\"key\": \"one too many\", \"value\": 1}", "too_large");
	pass_ms(&s, 1000);
	heard_nothing(bob);
	set(ann, "key-5", "2");
	heard_state(bob, "key-5", "2");
	set(ann, "key-6", "null");
	set(ann, "now there is a place", "1");
	g_assert_cmpint(kept(), ==, 64);
	end();
}

static void what_is_refused_changes_nothing(void)
{
	begin();
	set(ann, "one", "1");
	forget_all(bob);
	g_autofree char *large = g_strnfill(4100, 'x');
	json_auto_t *reply = askf(ann, "set", "{\"key\": \"one\", \"value\": \"%s\"}", large);
	g_assert_cmpstr(text_at(reply, "error.code"), ==, "too_large");
	ask_error(ann, "set", "{\"key\": \"one\"}", "invalid_request");
	ask_error(ann, "set", "{\"key\": \"one\", \"value\": 2, \"ttl\": -1}", "invalid_request");
	heard_nothing(bob);
	client_end(ann);
	ann = back(ann_seat);
	heard_state(ann, "one", "1");
	end();
}

static void one_sets_as_often_as_one_signals_and_others_are_not_counted(void)
{
	begin();
	for (int i = 0; i < 60; i++)
		set(ann, "one", "1");
	ask_error(ann, "set", "{\"key\": \"one\", \"value\": 2}", "rate_limited");
	set(bob, "one", "3");
	pass_ms(&s, 50);
	set(ann, "one", "4");
	end();
}

static void a_room_does_not_hear_what_another_shares(void)
{
	begin();
	g_autofree char *other = new_room(o, "{}");
	struct client *stranger = joined(o, other, "stranger-1");
	forget_all(stranger);
	set(ann, "one", "1");
	set(stranger, "one", "2");
	heard_nothing(stranger);
	heard_state(bob, "one", "1");
	heard_nothing(bob);
	client_end(stranger);
	end();
}

/* ---- ttl ---- */

static void a_key_with_a_ttl_is_gone_after_it_and_everybody_hears_it(void)
{
	begin();
	set_for(ann, "short", "1", 5);
	set_for(ann, "long", "1", 2000);
	set(ann, "lasting", "1");
	forget_all(bob);
	pass_and_tick(4999);
	heard_nothing(bob);
	pass_and_tick(1);
	heard_state(bob, "short", "null");
	heard_state(ann, "short", "null"); /* nobody asked for it: he too */
	pass_and_tick(2000 * 1000 - 5001);
	heard_nothing(bob);
	pass_and_tick(1);
	heard_state(bob, "long", "null");
	heard_nothing(bob);
	g_assert_cmpint(kept(), ==, 1);
	end();
}

static void setting_again_sets_the_ttl_anew(void)
{
	begin();
	set_for(ann, "a", "1", 5);
	set_for(ann, "b", "1", 5);
	pass_and_tick(4000);
	set_for(ann, "a", "2", 5);
	set(ann, "b", "2"); /* without */
	forget_all(bob);
	pass_and_tick(4999);
	heard_nothing(bob);
	pass_and_tick(1);
	heard_state(bob, "a", "null");
	pass_and_tick(1000000);
	heard_nothing(bob);
	end();
}

static void ends_that_come_ever_nearer_do_not_pile_up(void)
{
	begin();
	for (int ttl_s = 86400; ttl_s > 80000; ttl_s -= 10) {
		set_for(ann, "a", "1", ttl_s);
		pass_ms(&s, 50);
	}
	g_assert_cmpint(g_sequence_get_length(o->deadlines.queue), <, 10);
	end();
}

/* ---- how long it lives ---- */

static void it_lives_as_long_as_somebody_has_a_seat(void)
{
	begin();
	set(ann, "one", "1");
	forget_all(bob);
	json_decref(ask_ok(bob, "leave", "{}"));
	client_end(g_steal_pointer(&ann)); /* away, and to come back */
	g_autofree char *token = new_token(o, room, NULL, NULL);
	json_decref(join(bob, room, token, "bob-page-2"));
	heard_state(bob, "one", "1");
	json_decref(ask_ok(bob, "leave", "{}"));
	g_assert_cmpint(kept(), ==, 1);
	pass_and_tick(RESUME_MS);
	g_assert_cmpint(kept(), ==, 0);
	json_decref(join(bob, room, token, "bob-page-3"));
	heard_nothing(bob);
	end();
}

static void it_ends_with_its_room(void)
{
	begin();
	set(ann, "one", "1");
	g_assert_cmpint(room_close(o, room).error.err, ==, OTTER_OK);
	g_assert_cmpint(kept(), ==, 0);
	end();
}

static void it_outlives_a_restart_in_its_order_and_with_its_ends(void)
{
	begin_in("{}", true);
	set(ann, "one", "{\"deep\":[\"\\u00e9\"]}");
	set_for(ann, "short", "1", 10);
	set_for(ann, "over", "1", 2);
	set(bob, "two", "2");
	set(ann, "gone", "1");
	set(ann, "gone", "null");
	restart();
	pass_ms(&s, 3000);
	ann = back(ann_seat);
	heard_state(ann, "one", "{\"deep\":[\"\xc3\xa9\"]}");
	heard_state(ann, "short", "1");
	heard_state(ann, "over", "1"); /* in this moment */
	heard_state(ann, "two", "2");
	heard_nothing(ann);
	otter_tick(o);
	heard_state(ann, "over", "null");
	heard_nothing(ann);
	set(ann, "three", "3"); /* its number is higher than all before */
	pass_and_tick(7000);
	heard_state(ann, "short", "null");
	client_end(g_steal_pointer(&ann));
	core_restart(&o, &s, folder);
	ann = back(ann_seat);
	heard_state(ann, "one", "{\"deep\":[\"\xc3\xa9\"]}");
	heard_state(ann, "two", "2");
	heard_state(ann, "three", "3");
	heard_nothing(ann);
	end();
}

static void after_a_restart_it_is_forgotten_when_nobody_comes_back(void)
{
	begin_in("{}", true);
	set(ann, "one", "1");
	restart();
	g_assert_cmpint(kept(), ==, 1);
	pass_and_tick(RESUME_MS);
	g_assert_cmpint(kept(), ==, 0);
	end();
}

static void what_nobody_can_come_back_to_is_forgotten_at_the_start(void)
{
	begin_in("{}", true);
	json_decref(ask_ok(ann, "leave", "{}"));
	json_decref(ask_ok(bob, "leave", "{}"));
	struct otter_state_record left_over = { .key = "one", .value = "1", .by = "pt_1", .order = 1 }; /* as if it had died in between */
	g_strlcpy(left_over.room, room, sizeof left_over.room);
	o->store->ops->state_put(o->store, &left_over);
	g_assert_cmpint(kept(), ==, 1);
	restart();
	g_assert_cmpint(kept(), ==, 0);
	end();
}

/* As if the store had lost that one of them is to be gone. */
static void of_a_key_too_many_at_the_start_only_that_one_is_forgotten(void)
{
	begin_in("{}", true);
	for (int i = 0; i <= OTTER_STATE_KEYS; i++) {
		struct otter_state_record row = { .value = "1", .by = "pt_1", .order = i + 1 };
		g_strlcpy(row.room, room, sizeof row.room);
		g_snprintf(row.key, sizeof row.key, "key-%d", i);
		o->store->ops->state_put(o->store, &row);
	}
	g_assert_cmpint(kept(), ==, OTTER_STATE_KEYS + 1);
	restart();
	g_assert_cmpint(kept(), ==, OTTER_STATE_KEYS);
	ann = back(ann_seat);
	for (int i = 0; i < OTTER_STATE_KEYS; i++) {
		g_autofree char *key = g_strdup_printf("key-%d", i);
		heard_state(ann, key, "1");
	}
	heard_nothing(ann);
	end();
}

static const struct check checks[] = {
	{ "what one sets the others hear, and he does not", what_one_sets_the_others_hear_and_he_does_not },
	{ "null takes a key away, and says so once", null_takes_a_key_away_and_says_so_once },
	{ "who comes later hears all, in the order of setting, behind the reply", who_comes_later_hears_all_in_the_order_of_setting_behind_the_reply },
	{ "who resumes hears what there is by then", who_resumes_hears_what_there_is_by_then },
	{ "who waits may not set, and hears it when he is admitted", who_waits_may_not_set_and_hears_it_when_he_is_admitted },
	{ "a room holds 64 keys, and each may still change", a_room_holds_64_keys_and_each_may_still_change },
	{ "what is refused changes nothing", what_is_refused_changes_nothing },
	{ "one sets as often as one signals, and others are not counted", one_sets_as_often_as_one_signals_and_others_are_not_counted },
	{ "a room does not hear what another shares", a_room_does_not_hear_what_another_shares },
	{ "a key with a ttl is gone after it, and everybody hears it", a_key_with_a_ttl_is_gone_after_it_and_everybody_hears_it },
	{ "setting again sets the ttl anew", setting_again_sets_the_ttl_anew },
	{ "ends that come ever nearer do not pile up", ends_that_come_ever_nearer_do_not_pile_up },
	{ "it lives as long as somebody has a seat", it_lives_as_long_as_somebody_has_a_seat },
	{ "it ends with its room", it_ends_with_its_room },
	{ "it outlives a restart, in its order and with its ends", it_outlives_a_restart_in_its_order_and_with_its_ends },
	{ "after a restart it is forgotten when nobody comes back", after_a_restart_it_is_forgotten_when_nobody_comes_back },
	{ "what nobody can come back to is forgotten at the start", what_nobody_can_come_back_to_is_forgotten_at_the_start },
	{ "of a key too many at the start only that one is forgotten", of_a_key_too_many_at_the_start_only_that_one_is_forgotten },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "state", checks);
}
