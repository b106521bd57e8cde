/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fixture.h"

#include "core/protocol.h"
#include "core/rates.h"
#include "core/seat.h"

#define ALONE_BURST 120 /* 30 a second, four times that */
#define TOLD_BURST 2048

/* ---- the bucket ---- */

static const struct otter_rate ten = { .per_second = 10, .burst = 3 };

static void a_bucket_gives_a_burst_and_then_says_when_there_is_more(void)
{
	struct otter_bucket b = { 0 };
	for (int i = 0; i < 3; i++)
		g_assert_cmpint(otter_bucket_take(&b, ten, 5000), ==, 0);
	g_assert_cmpint(otter_bucket_take(&b, ten, 5000), ==, 100);
	g_assert_cmpint(otter_bucket_take(&b, ten, 5001), ==, 99);
	g_assert_cmpint(otter_bucket_take(&b, ten, 5099), ==, 1);
	g_assert_cmpint(otter_bucket_take(&b, ten, 5100), ==, 0);
	g_assert_cmpint(otter_bucket_take(&b, ten, 5100), ==, 100);
}

static void a_bucket_is_full_after_its_time_and_never_fuller(void)
{
	struct otter_bucket b = { 0 };
	for (int64_t now_ms = 1000; now_ms < INT64_C(1) << 45; now_ms *= 3) {
		int n = 0;
		while (otter_bucket_take(&b, ten, now_ms) == 0)
			n++;
		g_assert_cmpint(n, ==, 3);
	}
}

static void what_is_refused_takes_nothing(void)
{
	struct otter_bucket b = { 0 };
	for (int i = 0; i < 1000; i++)
		otter_bucket_take(&b, ten, 1000);
	g_assert_cmpint(otter_bucket_take(&b, ten, 1100), ==, 0);
}

static void in_the_long_run_the_rate_holds(void)
{
	for (unsigned others = 0; others < OTTER_ROOM_MAX; others++) {
		struct otter_bucket b = { 0 };
		struct otter_rate rate = otter_rate_of_requests(others);
		int64_t n = 0;
		for (int64_t now_ms = 1; now_ms <= 100000; now_ms++)
			n += otter_bucket_take(&b, rate, now_ms) == 0;
		int64_t wanted = 100 * rate.per_second + rate.burst;
		g_assert_cmpint(n, >=, wanted - 1);
		g_assert_cmpint(n, <=, wanted + wanted / 1000);
	}
}

static void a_bucket_keeps_its_debt_when_the_rate_changes(void)
{
	struct otter_bucket b = { 0 };
	while (otter_bucket_take(&b, otter_rate_of_requests(0), 1000) == 0)
		continue;
	int n = 0;
	while (otter_bucket_take(&b, otter_rate_of_requests(7), 1000) == 0)
		n++;
	g_assert_cmpint(n, <=, 1);
	while (otter_bucket_take(&b, otter_rate_of_requests(7), 2000) == 0)
		n++;
	g_assert_cmpint(n, >=, 169);
	g_assert_cmpint(n, <=, 172);
}

static void the_rates_are_those_of_the_contract(void)
{
	struct otter_rate pair = otter_rate_of_pair(), alone = otter_rate_of_requests(0), full = otter_rate_of_requests(7);
	g_assert_true(pair.per_second == 20 && pair.burst == 60);
	g_assert_true(alone.per_second == 30 && alone.burst == ALONE_BURST);
	g_assert_true(full.per_second == 30 + 7 * 20 && full.burst == 4 * full.per_second);
	g_assert_cmpint(otter_rate_of_told().burst, ==, TOLD_BURST);
}

/* ---- in a room ---- */

static struct surroundings s;
static struct otter *o;
static char *room;
static unsigned n;
static struct {
	struct client *client;
	char *id, *seat;
	char instance[16];
} people[OTTER_ROOM_MAX];

static void begin(unsigned how_many)
{
	surroundings_init(&s);
	o = core_open(&s, NULL);
	room = new_room(o, "{\"max_participants\": 8}");
	g_autofree char *token = new_token(o, room, NULL, NULL);
	for (n = 0; n < how_many; n++) {
		people[n].client = client_new(o);
		g_snprintf(people[n].instance, sizeof people[n].instance, "instance-%u", n);
		json_auto_t *reply = join(people[n].client, room, token, people[n].instance);
		people[n].id = g_strdup(text_at(reply, "me.participant"));
		people[n].seat = g_strdup(text_at(reply, "seat"));
	}
	for (unsigned i = 0; i < n; i++)
		forget_all(people[i].client);
}

static void end(void)
{
	for (unsigned i = 0; i < n; i++) {
		client_end(people[i].client);
		g_free(people[i].id);
		g_free(people[i].seat);
	}
	g_free(g_steal_pointer(&room));
	core_end(g_steal_pointer(&o));
	surroundings_clear(&s);
}

/* The code of the reply, NULL if it is ok. Static, so that it outlives the reply. */
static const char *code_of(const json_t *reply)
{
	return json_is_true(value_at(reply, "ok")) ? NULL : g_intern_string(text_at(reply, "error.code"));
}

static const char *say(unsigned from, unsigned to, const char *what)
{
	json_auto_t *reply = askf(people[from].client, "signal", "{\"to\": \"%s\", \"from_instance\": \"%s\", \"to_instance\": \"%s\", %s}", people[to].id,
		people[from].instance, people[to].instance, what);
	return code_of(reply);
}

static bool ping(struct client *c)
{
	json_auto_t *reply = ask(c, "ping", "{}");
	const char *code = code_of(reply);
	g_assert_true(code == NULL || g_str_equal(code, "rate_limited"));
	return code == NULL;
}

static const char *resume(unsigned who)
{
	struct client *c = client_new(o);
	json_auto_t *reply = askf(c, "resume", "{\"seat\": \"%s\", \"instance\": \"%s\"}", people[who].seat, people[who].instance);
	client_end(people[who].client);
	people[who].client = c;
	return code_of(reply);
}

/* Ping until it is refused: how many were not. */
static int pings_of(struct client *c)
{
	int taken = 0;
	while (ping(c))
		taken++;
	return taken;
}

#define OFFER "\"description\": {\"type\": \"offer\", \"sdp\": \"v=0\"}"
#define CANDIDATE "\"candidates\": [{\"candidate\": \"candidate:1 1 udp 1 192.0.2.1 5 typ host\"}]"
#define ACK "\"ack\": 1"

static void a_mesh_of_eight_with_40_candidates_a_leg_meets_no_limit(void)
{
	begin(OTTER_ROOM_MAX);
	for (unsigned i = 0; i < n; i++) /* all at once, each candidate by itself, and time stands still */
		for (unsigned j = 0; j < n; j++) {
			if (i == j)
				continue;
			g_assert_cmpstr(say(i, j, OFFER), ==, NULL);
			for (int c = 0; c < 40; c++)
				g_assert_cmpstr(say(i, j, CANDIDATE), ==, NULL);
			for (int a = 0; a < 10; a++)
				g_assert_cmpstr(say(i, j, ACK), ==, NULL);
		}
	end();
}

static void a_pair_has_a_burst_of_60_and_others_their_own(void)
{
	begin(3);
	for (int i = 0; i < 60; i++)
		g_assert_cmpstr(say(0, 1, ACK), ==, NULL);
	json_auto_t *reply =
		askf(people[0].client, "signal", "{\"to\": \"%s\", \"from_instance\": \"instance-0\", \"to_instance\": \"instance-1\", " ACK "}", people[1].id);
	g_assert_cmpstr(code_of(reply), ==, "rate_limited");
	g_assert_cmpint(number_at(reply, "error.details.retry_after_ms"), ==, 50);
	g_assert_cmpstr(say(0, 2, ACK), ==, NULL);
	g_assert_cmpstr(say(1, 0, ACK), ==, NULL);
	forget_all(people[1].client);
	g_assert_cmpstr(say(0, 1, OFFER), ==, "rate_limited");
	heard_nothing(people[1].client);
	pass_ms(&s, 50);
	g_assert_cmpstr(say(0, 1, OFFER), ==, NULL);
	json_decref(heard(people[1].client, "signal"));
	end();
}

static void what_was_said_to_one_who_left_is_not_counted_against_the_next(void)
{
	begin(2);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 60; i++)
			g_assert_cmpstr(say(0, 1, ACK), ==, NULL);
		g_assert_cmpstr(say(0, 1, ACK), ==, "rate_limited");
		json_decref(ask_ok(people[1].client, "leave", "{}"));
		json_auto_t *reply = join(people[1].client, room, token, people[1].instance);
		g_free(people[1].id);
		people[1].id = g_strdup(text_at(reply, "me.participant"));
		pass_ms(&s, 10000);
	}
	end();
}

static void another_connection_fills_no_bucket(void)
{
	begin(2);
	for (int i = 0; i < 60; i++)
		g_assert_cmpstr(say(0, 1, ACK), ==, NULL);
	g_assert_cmpstr(resume(0), ==, NULL);
	g_assert_cmpstr(say(0, 1, ACK), ==, "rate_limited");
	pings_of(people[0].client);
	g_assert_cmpstr(resume(0), ==, "rate_limited"); /* of the seat: nothing is left for this one either */
	pass_ms(&s, 4000);
	g_assert_cmpstr(resume(0), ==, NULL);
	g_assert_cmpint(pings_of(people[0].client), ==, 4 * 50 - 2); /* the resume, at the rate of a connection without a seat */
	end();
}

/* Join and leave by the invite link, on another handle each time: how often he gets in. */
static int visits(const char *token)
{
	for (int count = 0;; count++) {
		struct client *c = client_new(o);
		json_auto_t *reply = askf(c, "join", "{\"room\": \"%s\", \"token\": \"%s\", \"instance\": \"" INSTANCE "\"}", room, token);
		const char *code = code_of(reply);
		if (code == NULL)
			json_decref(ask_ok(c, "leave", "{}"));
		client_end(c);
		if (code == NULL)
			continue;
		g_assert_cmpstr(code, ==, "rate_limited");
		return count;
	}
}

static void share(unsigned keys)
{
	for (unsigned i = 0; i < keys; i++) {
		pass_ms(&s, 50);
		json_decref(ask_ok(people[0].client, "set", i % 2 == 0 ? "{\"key\": \"even\", \"value\": 1}" : "{\"key\": \"odd\", \"value\": 1}"));
	}
}

static void where_much_is_shared_people_come_no_more_often_than_it_can_be_told(void)
{
	begin(2);
	share(2);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	g_assert_cmpint(visits(token), ==, TOLD_BURST / 2);
	g_assert_cmpstr(resume(1), ==, "rate_limited");
	g_autofree char *elsewhere = new_room(o, "{}");
	client_end(joined(o, elsewhere, INSTANCE)); /* it is this room's alone */
	pass_ms(&s, 1000);
	g_assert_cmpint(visits(token), ==, 128);
	pass_ms(&s, 8);
	g_assert_cmpstr(resume(1), ==, NULL);
	end();
}

static void where_nothing_is_shared_people_come_as_often_as_they_like(void)
{
	begin(2);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	for (int i = 0; i < 3000; i++) {
		struct client *c = client_new(o);
		json_decref(join(c, room, token, INSTANCE));
		json_decref(ask_ok(c, "leave", "{}"));
		client_end(c);
	}
	end();
}

static void who_finds_a_room_full_takes_nothing_from_who_gets_in(void)
{
	begin(OTTER_ROOM_MAX);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	for (int i = 0; i < 500; i++) {
		struct client *c = client_new(o);
		join_error(c, room, token, "room_full");
		client_end(c);
	}
	for (unsigned who = 0; who < n; who++)
		g_assert_cmpstr(resume(who), ==, NULL);
	end();
}

static void eight_who_come_and_load_again_four_times_meet_no_limit(void)
{
	begin(OTTER_ROOM_MAX);
	for (int i = 0; i < 4; i++)
		for (unsigned who = 0; who < n; who++)
			g_assert_cmpstr(resume(who), ==, NULL);
	end();
}

/* What a connection has used up before it had a seat is not asked of the seat. */
static void what_a_connection_is_refused_is_not_counted_against_its_seat(void)
{
	begin(0);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *c = client_new(o), *again = client_new(o);
	for (int i = 0; i < ALONE_BURST - 1; i++)
		g_assert_true(ping(c));
	json_auto_t *reply = join(c, room, token, INSTANCE);
	for (int i = 0; i < ALONE_BURST; i++)
		g_assert_false(ping(c));
	json_auto_t *back = askf(again, "resume", "{\"seat\": \"%s\", \"instance\": \"" INSTANCE "\"}", text_at(reply, "seat"));
	g_assert_cmpstr(code_of(back), ==, NULL);
	g_assert_cmpint(pings_of(again), ==, ALONE_BURST - 1); /* the resume */
	client_end(c);
	client_end(again);
	end();
}

static void who_has_more_others_may_ask_more(void)
{
	for (unsigned others = 0; others < OTTER_ROOM_MAX; others++) {
		begin(others + 1);
		pass_ms(&s, 60000);
		g_assert_cmpint(pings_of(people[0].client), ==, 4 * (30 + 20 * (int)others));
		end();
	}
}

static void a_connection_without_a_seat_has_a_limit_too(void)
{
	begin(0);
	struct client *c = client_new(o);
	for (int i = 0; i < ALONE_BURST; i++) {
		json_auto_t *reply = i % 2 == 0 ? otter_conn_request(c->conn, NULL)
						: ask(c, "join", "{\"room\": \"rm_x\", \"token\": \"x\", \"instance\": \"" INSTANCE "\"}");
		g_assert_cmpstr(code_of(reply), ==, i % 2 == 0 ? "invalid_request" : "token_invalid");
	}
	json_auto_t *nonsense = otter_conn_request(c->conn, NULL);
	g_assert_cmpstr(code_of(nonsense), ==, "rate_limited");
	g_assert_true(json_is_null(value_at(nonsense, "id")));
	json_auto_t *reply = ask(c, "join", "{}");
	g_assert_cmpstr(code_of(reply), ==, "rate_limited");
	g_assert_cmpint(number_at(reply, "error.details.retry_after_ms"), ==, 34);
	client_end(c);
	end();
}

static void leaving_and_coming_again_fills_no_bucket(void)
{
	begin(1);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	pass_ms(&s, 60000);
	g_assert_cmpint(pings_of(people[0].client), ==, ALONE_BURST);
	pass_ms(&s, 67); /* two requests */
	json_decref(ask_ok(people[0].client, "leave", "{}"));
	json_decref(join(people[0].client, room, token, people[0].instance));
	g_assert_false(ping(people[0].client));
	end();
}

static void who_was_refused_and_listens_stays(void)
{
	begin(2);
	struct client *ann = people[0].client;
	for (int second = 0; second < 60; second++) { /* a clumsy one: twice what is allowed, for a minute */
		for (int i = 0; i < 100; i++)
			ping(ann);
		pass_ms(&s, 1000);
	}
	g_assert_cmpint(g_atomic_int_get(&ann->closed), ==, 0);
	end();
}

static void who_hammers_gets_errors_and_then_is_out_and_nobody_else_suffers(void)
{
	begin(3);
	struct client *ann = people[0].client;
	int taken = 0, refused = 0;
	pass_ms(&s, 60000);
	while (g_atomic_int_get(&ann->closed) == 0 && refused < 100000) {
		if (say(0, 1, ACK) == NULL)
			taken++;
		else if (++refused % 100 == 0)
			g_assert_cmpstr(say(2, 1, ACK), ==, NULL); /* what Carol says goes on */
	}
	g_assert_cmpint(taken, ==, 60);
	g_assert_cmpint(refused, ==, 4 * 70 - 60 + 4 * 4 * 70 + 1);
	json_auto_t *event = heard(people[2].client, "participant-updated");
	g_assert_cmpstr(text_at(event, "participant.participant"), ==, people[0].id);
	g_assert_true(json_is_false(value_at(event, "participant.connected")));
	heard_nothing(people[2].client);
	g_assert_false(ping(ann)); /* what is on its way still is refused, and ends nothing a second time */
	g_assert_true(logged(&s, "asked on and on"));
	pass_ms(&s, 1000);
	g_assert_cmpstr(resume(0), ==, NULL); /* the seat is his: he may come again */
	g_assert_cmpstr(say(0, 1, OFFER), ==, NULL);
	end();
}

static const struct check checks[] = {
	{ "a bucket gives a burst, and then says when there is more", a_bucket_gives_a_burst_and_then_says_when_there_is_more },
	{ "a bucket is full after its time, and never fuller", a_bucket_is_full_after_its_time_and_never_fuller },
	{ "what is refused takes nothing", what_is_refused_takes_nothing },
	{ "in the long run the rate holds", in_the_long_run_the_rate_holds },
	{ "a bucket keeps its debt when the rate changes", a_bucket_keeps_its_debt_when_the_rate_changes },
	{ "the rates are those of the contract", the_rates_are_those_of_the_contract },
	{ "a mesh of eight with 40 candidates a leg meets no limit", a_mesh_of_eight_with_40_candidates_a_leg_meets_no_limit },
	{ "a pair has a burst of 60, and others their own", a_pair_has_a_burst_of_60_and_others_their_own },
	{ "what was said to one who left is not counted against the next", what_was_said_to_one_who_left_is_not_counted_against_the_next },
	{ "another connection fills no bucket", another_connection_fills_no_bucket },
	{ "what a connection is refused is not counted against its seat", what_a_connection_is_refused_is_not_counted_against_its_seat },
	{ "where much is shared people come no more often than it can be told", where_much_is_shared_people_come_no_more_often_than_it_can_be_told },
	{ "where nothing is shared people come as often as they like", where_nothing_is_shared_people_come_as_often_as_they_like },
	{ "who finds a room full takes nothing from who gets in", who_finds_a_room_full_takes_nothing_from_who_gets_in },
	{ "eight who come and load again four times meet no limit", eight_who_come_and_load_again_four_times_meet_no_limit },
	{ "who has more others may ask more", who_has_more_others_may_ask_more },
	{ "a connection without a seat has a limit too", a_connection_without_a_seat_has_a_limit_too },
	{ "leaving and coming again fills no bucket", leaving_and_coming_again_fills_no_bucket },
	{ "who was refused and listens stays", who_was_refused_and_listens_stays },
	{ "who hammers gets errors and then is out, and nobody else suffers", who_hammers_gets_errors_and_then_is_out_and_nobody_else_suffers },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "rates", checks);
}
