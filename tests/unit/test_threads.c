/* SPDX-License-Identifier: GPL-3.0-or-later
 * Everything at once, from many threads, for ThreadSanitizer: the claim is that nobody crashes, nothing is lost, and no seat is left over. */
#include "fixture.h"

#include "core/otter_private.h"

#define WORKERS 6
#define ROUNDS 60

static struct surroundings s;
static struct otter *o;
static char *rooms[2], *tokens[2];
static gint busy;

static void one_life(struct client *c, int which, int round)
{
	g_autofree char *instance = g_strdup_printf("page-%06d", round);
	json_auto_t *reply = askf(c, "join", "{\"room\": \"%s\", \"token\": \"%s\", \"instance\": \"%s\"}", rooms[which], tokens[which], instance);
	if (!json_is_true(value_at(reply, "ok"))) {
		g_assert_true(g_str_equal(text_at(reply, "error.code"), "room_full") || g_str_equal(text_at(reply, "error.code"), "rate_limited"));
		return;
	}
	json_decref(ask(c, "ping", "{}"));
	json_auto_t *list = ask(c, "list", "{}");
	size_t i;
	json_t *other;
	json_array_foreach(value_at(list, "participants"), i, other) {
		json_decref(askf(c, "signal", "{\"to\": \"%s\", \"from_instance\": \"%s\", \"to_instance\": \"%s\", \"ack\": 1}", text_at(other, "participant"),
			instance, text_at(other, "instance")));
	}
	json_decref(ask(c, "update", "{\"hand\": true}"));
	json_decref(askf(c, "set", "{\"key\": \"key-%d\", \"value\": %d, \"ttl\": %d}", round % 5, round, 1 + round % 3));
	if (round % 3 == 0) {
		struct client *again = client_new(o);
		json_decref(askf(again, "resume", "{\"seat\": \"%s\", \"instance\": \"%s\"}", text_at(reply, "seat"), instance));
		json_decref(ask(again, "leave", "{}"));
		client_end(again);
	} else if (round % 3 == 1) {
		json_decref(ask(c, "leave", "{}"));
	} /* else: it goes without a word */
}

static void *work(void *arg)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct client *c = client_new(o);
		one_life(c, round % 2, GPOINTER_TO_INT(arg) * ROUNDS + round);
		client_end(c);
	}
	g_atomic_int_add(&busy, -1);
	return NULL;
}

static void *tick(void *arg)
{
	(void)arg;
	for (int i = 0; g_atomic_int_get(&busy) > 0; i++) {
		pass_ms(&s, i < 300 ? 10000 : 0); /* the tokens live for an hour */
		otter_tick(o);
		json_decref(room_get(o, rooms[0]).body);
		json_decref(way_in_connect(o, tokens[1]).body);
	}
	return NULL;
}

static void run(const char *folder)
{
	surroundings_init(&s);
	o = core_open(&s, folder);
	for (int i = 0; i < 2; i++) {
		rooms[i] = new_room(o, "{\"max_participants\": 4}");
		tokens[i] = new_token(o, rooms[i], NULL, NULL);
	}
	busy = WORKERS;
	pthread_t threads[WORKERS], clock;
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, work, GINT_TO_POINTER(i));
	pthread_create(&clock, NULL, tick, NULL);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	pthread_join(clock, NULL);
	pass_ms(&s, 30000);
	otter_tick(o);
	for (int i = 0; i < 2; i++) {
		struct asked got = room_get(o, rooms[i]);
		g_assert_cmpint(number_at(got.body, "participants"), ==, 0);
		json_decref(got.body);
		g_clear_pointer(&rooms[i], g_free);
		g_clear_pointer(&tokens[i], g_free);
	}
	core_end(g_steal_pointer(&o));
	surroundings_clear(&s);
}

static void many_lives_at_once_leave_no_seat_behind(void)
{
	run(NULL);
}

static void many_lives_at_once_leave_no_seat_behind_on_disk(void)
{
	char *folder = check_folder();
	run(folder);
	check_folder_end(folder);
}

/* ---- two requests of one handle at once, as Janus' pool runs them ---- */

#define PAIRS 1000

static struct client *shared;
static gint go;

static void *leave_when_told(void *arg)
{
	(void)arg;
	while (!g_atomic_int_get(&go))
		;
	json_auto_t *body = json_pack("{s:s, s:i}", "request", "leave", "id", 1000000);
	json_decref(otter_conn_request(shared->conn, body));
	return NULL;
}

static void a_leave_and_a_join_of_one_handle_at_once_leave_no_ghost(void)
{
	surroundings_init(&s);
	o = core_open(&s, NULL);
	rooms[0] = new_room(o, "{}");
	tokens[0] = new_token(o, rooms[0], NULL, NULL);
	for (int i = 0; i < PAIRS; i++) {
		shared = client_new(o);
		json_decref(join(shared, rooms[0], tokens[0], INSTANCE));
		g_atomic_int_set(&go, 0);
		pthread_t other;
		pthread_create(&other, NULL, leave_when_told, NULL);
		g_atomic_int_set(&go, 1);
		for (int n = 0; n < 50; n++)
			json_decref(askf(shared, "join", "{\"room\": \"%s\", \"token\": \"%s\", \"instance\": \"" INSTANCE "\"}", rooms[0], tokens[0]));
		pthread_join(other, NULL);
		client_end(shared);
		pass_ms(&s, 30000);
		otter_tick(o);
		struct asked got = room_get(o, rooms[0]);
		g_assert_cmpint(number_at(got.body, "participants"), ==, 0);
		json_decref(got.body);
		g_free(tokens[0]);
		tokens[0] = new_token(o, rooms[0], NULL, NULL);
	}
	g_clear_pointer(&rooms[0], g_free);
	g_clear_pointer(&tokens[0], g_free);
	core_end(g_steal_pointer(&o));
	surroundings_clear(&s);
}

/* ---- rooms that are forgotten, and entered in the same moment ---- */

#define VISITS 3000

static gint ticks, forgotten;
static pthread_t forgetter;

static void *forget_and_forget(void *arg)
{
	(void)arg;
	while (g_atomic_int_get(&busy) > 0) {
		pass_ms(&s, 60000);
		otter_tick(o);
		g_atomic_int_inc(&ticks);
		struct otter_room *room = otter_find_room(o, rooms[0]);
		if (room == NULL)
			g_atomic_int_inc(&forgotten);
		otter_room_unref(room);
	}
	return NULL;
}

static void begin_forgetting(void)
{
	busy = 1;
	forgotten = 0;
	pthread_create(&forgetter, NULL, forget_and_forget, NULL);
}

static void end_forgetting(void)
{
	char *folder = NULL;
	g_atomic_int_set(&busy, 0);
	pthread_join(forgetter, NULL);
	g_assert_cmpint(forgotten, >, 0);
	all_end(&s, &o, &rooms[0], &folder);
}

static void who_has_entered_is_seen_inside_however_often_the_room_is_forgotten(void)
{
	surroundings_init(&s);
	o = core_open(&s, NULL);
	rooms[0] = new_room(o, "{}");
	int64_t last_order = 0;
	begin_forgetting();
	for (int i = 0; i < VISITS; i++) {
		struct client *c = client_new(o);
		json_auto_t *reply = NULL;
		while (reply == NULL || !json_is_true(value_at(reply, "ok"))) { /* an hour may pass between the token and its use */
			g_autofree char *token = new_token(o, rooms[0], NULL, NULL);
			json_decref(reply);
			reply = askf(c, "join", "{\"room\": \"%s\", \"token\": \"%s\", \"instance\": \"" INSTANCE "\"}", rooms[0], token);
		}
		struct asked got = room_get(o, rooms[0]);
		g_assert_cmpint(number_at(got.body, "participants"), ==, 1);
		json_decref(got.body);
		g_assert_cmpint(number_at(reply, "me.order"), ==, last_order + 1);
		last_order++;
		json_decref(ask_ok(c, "leave", "{}"));
		client_end(c);
		for (gint now = g_atomic_int_get(&ticks); g_atomic_int_get(&ticks) < now + i % 4;) /* two looks later it is forgotten */
			g_thread_yield();
	}
	end_forgetting();
}

/* Whoever is on the way in has the room, and it is the one in the table until he lets go of it. */
static void a_room_that_somebody_has_is_not_forgotten(void)
{
	surroundings_init(&s);
	o = core_open(&s, NULL);
	rooms[0] = g_strdup("rm_none");
	const struct otter_room_record record = { .id = "rm_none", .max_participants = 2, .emptied_ms = OTTER_NEVER_ENTERED, .metadata = "{}" };
	begin_forgetting();
	for (int i = 0; i < VISITS; i++) {
		struct otter_room *room = otter_enter_room(o, &record);
		for (gint now = g_atomic_int_get(&ticks); g_atomic_int_get(&ticks) < now + 3;) {
			struct otter_room *found = otter_find_room(o, record.id);
			g_assert_true(found == room);
			otter_room_unref(found);
		}
		otter_room_unref(room);
		for (gint now = g_atomic_int_get(&ticks); g_atomic_int_get(&ticks) < now + i % 4;)
			g_thread_yield();
	}
	end_forgetting();
}

static const struct check checks[] = {
	{ "many lives at once leave no seat behind", many_lives_at_once_leave_no_seat_behind },
	{ "many lives at once leave no seat behind, on disk", many_lives_at_once_leave_no_seat_behind_on_disk },
	{ "a leave and a join of one handle at once leave no ghost", a_leave_and_a_join_of_one_handle_at_once_leave_no_ghost },
	{ "who has entered is seen inside, however often the room is forgotten", who_has_entered_is_seen_inside_however_often_the_room_is_forgotten },
	{ "a room that somebody has is not forgotten", a_room_that_somebody_has_is_not_forgotten },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "threads", checks);
}
