/* SPDX-License-Identifier: GPL-3.0-or-later
 * Far more people than places, all at once: a room for 8 lets 8 in, and each of them knows the others.
 * A thousand times (a hundred under a sanitizer), or OTTER_CROWD_ROUNDS. */
#include "fixture.h"

#define CROWD 500
#define DOORS 4 /* threads that let people in */
#define PLACES 8
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS 100 /* each takes ten times as long */
#else
#define ROUNDS 1000
#endif

G_STATIC_ASSERT(CROWD % DOORS == 0);

static struct surroundings s;
static struct otter *o;
static unsigned rounds;
static char *room, *token; /* of this round */
static struct client *crowd[CROWD];
static json_t *replies[CROWD];
static pthread_barrier_t begin_round, end_round; /* between them the doors are busy, and nobody else touches the above */

static void *let_in(void *arg)
{
	int first = GPOINTER_TO_INT(arg);
	for (unsigned round = 0; round < rounds; round++) {
		pthread_barrier_wait(&begin_round);
		for (int i = first; i < CROWD; i += DOORS)
			replies[i] = askf(crowd[i], "join", "{\"room\": \"%s\", \"token\": \"%s\", \"instance\": \"page-%06d\"}", room, token, i);
		pthread_barrier_wait(&end_round);
	}
	return NULL;
}

/* Whose seat has which order: inside[0] has order 1. Everybody else is told that the room is full, and nothing more. */
static void find_inside(int inside[PLACES])
{
	for (int order = 1; order <= PLACES; order++)
		inside[order - 1] = -1;
	for (int i = 0; i < CROWD; i++) {
		if (!json_is_true(value_at(replies[i], "ok"))) {
			g_assert_cmpstr(text_at(replies[i], "error.code"), ==, "room_full");
			heard_nothing(crowd[i]);
			continue;
		}
		int64_t order = number_at(replies[i], "me.order");
		g_assert_cmpint(order, >=, 1);
		g_assert_cmpint(order, <=, PLACES);
		g_assert_cmpint(inside[order - 1], ==, -1);
		g_assert_cmpint(number_at(replies[i], "me.attach"), ==, order);
		inside[order - 1] = i;
	}
	for (int order = 1; order <= PLACES; order++)
		g_assert_cmpint(inside[order - 1], !=, -1);
}

/* Who came nth found those before him, in order, and hears of those behind him, in order. */
static void check_told(const int inside[PLACES], int nth)
{
	const json_t *found = value_at(replies[inside[nth]], "participants");
	g_assert_cmpuint(json_array_size(found), ==, (size_t)nth);
	for (int i = 0; i < nth; i++)
		g_assert_true(json_equal(json_array_get(found, (size_t)i), value_at(replies[inside[i]], "me")));
	g_assert_cmpint(number_at(replies[inside[nth]], "room.participants"), ==, nth + 1);
	for (int i = nth + 1; i < PLACES; i++) {
		json_auto_t *joined = heard(crowd[inside[nth]], "participant-joined");
		g_assert_true(json_equal(value_at(joined, "participant"), value_at(replies[inside[i]], "me")));
	}
	heard_nothing(crowd[inside[nth]]);
}

static void check_room(const char *status, int64_t participants)
{
	struct asked got = room_get(o, room);
	g_assert_cmpstr(text_at(got.body, "status"), ==, status);
	g_assert_cmpint(number_at(got.body, "participants"), ==, participants);
	json_decref(got.body);
}

static void go_home(const int inside[PLACES])
{
	for (int i = 0; i < PLACES; i++) {
		json_decref(ask_ok(crowd[inside[i]], "leave", "{}"));
		forget_all(crowd[inside[i]]);
	}
	for (int i = 0; i < CROWD; i++)
		g_clear_pointer(&replies[i], json_decref);
}

static void one_round(void)
{
	pass_ms(&s, 1000); /* nobody asks for too much */
	room = new_room(o, "{\"max_participants\": 8}");
	token = new_token(o, room, NULL, NULL);
	pthread_barrier_wait(&begin_round);
	pthread_barrier_wait(&end_round);
	int inside[PLACES];
	find_inside(inside);
	for (int i = 0; i < PLACES; i++)
		check_told(inside, i);
	check_room("full", PLACES);
	go_home(inside);
	check_room("open", 0);
	g_clear_pointer(&room, g_free);
	g_clear_pointer(&token, g_free);
}

static void of_five_hundred_who_join_at_once_eight_get_in_and_know_each_other(void)
{
	const char *asked = g_getenv("OTTER_CROWD_ROUNDS");
	rounds = asked != NULL ? (unsigned)g_ascii_strtoull(asked, NULL, 10) : ROUNDS;
	g_assert_cmpuint(rounds, >, 0);
	surroundings_init(&s);
	o = core_open(&s, NULL);
	for (int i = 0; i < CROWD; i++)
		crowd[i] = client_new(o);
	pthread_barrier_init(&begin_round, NULL, DOORS + 1);
	pthread_barrier_init(&end_round, NULL, DOORS + 1);
	pthread_t doors[DOORS];
	for (int i = 0; i < DOORS; i++)
		pthread_create(&doors[i], NULL, let_in, GINT_TO_POINTER(i));
	for (unsigned round = 0; round < rounds; round++)
		one_round();
	for (int i = 0; i < DOORS; i++)
		pthread_join(doors[i], NULL);
	pthread_barrier_destroy(&begin_round);
	pthread_barrier_destroy(&end_round);
	for (int i = 0; i < CROWD; i++)
		client_end(g_steal_pointer(&crowd[i]));
	core_end(g_steal_pointer(&o));
	surroundings_clear(&s);
}

static const struct check checks[] = {
	{ "of five hundred who join at once eight get in and know each other", of_five_hundred_who_join_at_once_eight_get_in_and_know_each_other },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "crowd", checks);
}
