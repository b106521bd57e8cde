/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rooms that nobody is in are forgotten, and what of them must last is found again; and what all rooms are looked at for: credentials in time. */
#include "fixture.h"

#include "core/otter_private.h"

#define RESUME_MS 30000
#define LOOK_MS 15000
#define FORGOTTEN_MS 60000

static struct surroundings s;
static struct otter *o;
static char *room, *folder;

static void begin_in(const char *spec)
{
	all_begin(&s, &o, &room, folder, spec);
}

static void begin_on_disk_in(const char *spec)
{
	folder = check_folder();
	begin_in(spec);
}

static void end(void)
{
	all_end(&s, &o, &room, &folder);
}

static void pass_and_tick(int64_t ms)
{
	for (; ms > 0; ms -= LOOK_MS) {
		pass_ms(&s, MIN(ms, LOOK_MS));
		otter_tick(o);
	}
}

static unsigned in_memory(void)
{
	OTTER_LOCKED(&o->rooms_lock);
	return g_hash_table_size(o->rooms);
}

/* Enter by a fresh link and leave: the order and the attach that were given. */
static void visit(int64_t *order, int64_t *attach)
{
	struct client *c = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	json_auto_t *reply = join(c, room, token, INSTANCE);
	*order = number_at(reply, "me.order");
	*attach = number_at(reply, "me.attach");
	json_decref(ask_ok(c, "leave", "{}"));
	client_end(c);
	settle(o); /* who brought him in has let go of the room */
}

/* ---- forgetting ---- */

static void ten_thousand_rooms_entered_and_left_leave_nothing_in_memory(void)
{
	begin_in("{\"expires_at\": \"2027-01-01T00:00:00Z\"}");
	for (int i = 0; i < 10000; i++) {
		struct client *c = client_new(o);
		g_autofree char *id = new_room(o, i % 2 == 0 ? "{}" : "{\"expires_at\": \"2027-01-01T00:00:00Z\"}");
		g_autofree char *token = new_token(o, id, NULL, NULL);
		json_decref(join(c, id, token, INSTANCE));
		json_decref(ask_ok(c, "leave", "{}"));
		client_end(c);
	}
	g_assert_cmpuint(in_memory(), ==, 10000);
	pass_and_tick(FORGOTTEN_MS + LOOK_MS);
	g_assert_cmpuint(in_memory(), ==, 0);
	end();
}

static void a_room_goes_on_counting(void)
{
	int64_t order, attach;
	visit(&order, &attach);
	pass_and_tick(FORGOTTEN_MS);
	g_assert_cmpuint(in_memory(), ==, 1); /* not a moment before */
	pass_and_tick(LOOK_MS);
	g_assert_cmpuint(in_memory(), ==, 0);
	visit(&order, &attach);
	g_assert_cmpint(order, ==, 2);
	g_assert_cmpint(attach, ==, 2);
}

static void a_forgotten_room_goes_on_counting_where_it_was(void)
{
	begin_in("{}");
	a_room_goes_on_counting();
	end();
	begin_on_disk_in("{}");
	a_room_goes_on_counting();
	end();
}

static void a_room_with_somebody_in_it_is_not_forgotten(void)
{
	begin_in("{}");
	struct client *c = joined(o, room, INSTANCE);
	pass_and_tick(10 * FORGOTTEN_MS);
	g_assert_cmpuint(in_memory(), ==, 1);
	client_end(c); /* away */
	pass_and_tick(RESUME_MS);
	g_assert_cmpuint(in_memory(), ==, 1);
	pass_and_tick(FORGOTTEN_MS + LOOK_MS);
	g_assert_cmpuint(in_memory(), ==, 0);
	end();
}

static void a_room_before_which_somebody_waits_is_not_forgotten(void)
{
	begin_in("{\"lobby\": true}");
	struct client *c = joined(o, room, INSTANCE);
	pass_and_tick(10 * FORGOTTEN_MS);
	g_assert_cmpuint(in_memory(), ==, 1);
	struct client *host = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, "host");
	json_decref(join(host, room, token, INSTANCE));
	json_decref(heard(host, "knock"));
	client_end(host);
	client_end(c);
	end();
}

static void who_comes_and_goes_starts_the_minute_anew(void)
{
	begin_in("{}");
	int64_t order, attach;
	visit(&order, &attach);
	pass_and_tick(FORGOTTEN_MS);
	visit(&order, &attach);
	pass_and_tick(FORGOTTEN_MS);
	g_assert_cmpuint(in_memory(), ==, 1);
	end();
}

static void a_room_that_closes_when_it_is_empty_does_so_and_is_gone(void)
{
	begin_in("{\"empty_timeout\": 600}");
	int64_t order, attach;
	visit(&order, &attach);
	pass_and_tick(599000);
	g_assert_cmpuint(in_memory(), ==, 1);
	pass_and_tick(1000);
	g_assert_cmpuint(in_memory(), ==, 0);
	struct asked got = room_get(o, room);
	g_assert_cmpstr(text_at(got.body, "status"), ==, "closed");
	json_decref(got.body);
	end();
}

static void an_empty_timeout_that_comes_when_the_room_is_forgotten_counts(void)
{
	begin_in("{}");
	int64_t order, attach;
	visit(&order, &attach);
	pass_and_tick(FORGOTTEN_MS + LOOK_MS);
	g_assert_cmpuint(in_memory(), ==, 0);
	json_decref(room_change(o, room, "{\"empty_timeout\": 60}").body);
	visit(&order, &attach);
	g_assert_cmpint(order, ==, 2); /* it was made of what the change answered */
	pass_and_tick(60000);
	struct client *c = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	join_error(c, room, token, "room_closed");
	client_end(c);
	end();
}

static void an_expiry_holds_for_a_room_that_is_forgotten_and_for_one_that_was(void)
{
	begin_in("{\"expires_at\": \"2026-11-23T12:10:00Z\"}");
	int64_t order, attach;
	visit(&order, &attach);
	pass_and_tick(FORGOTTEN_MS + LOOK_MS);
	g_assert_cmpuint(in_memory(), ==, 0); /* its deadlines hold it no longer */
	struct client *c = joined(o, room, INSTANCE);
	pass_and_tick(450000); /* ten minutes in all, less 75 s */
	heard_nothing(c);
	pass_and_tick(FORGOTTEN_MS + LOOK_MS);
	json_auto_t *closed = heard(c, "closed");
	g_assert_cmpstr(text_at(closed, "reason"), ==, "expired");
	client_end(c);
	end();
	begin_in("{\"expires_at\": \"2026-11-23T12:10:00Z\"}");
	visit(&order, &attach);
	pass_and_tick(600000);
	g_assert_cmpuint(in_memory(), ==, 0);
	c = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	join_error(c, room, token, "room_closed");
	client_end(c);
	end();
}

/* ---- credentials in time ---- */

#define RENEW_MS (45 * 60 * 1000)

static void heard_credentials(struct client *c, const char *expires_at)
{
	json_auto_t *event = heard(c, "credentials");
	g_assert_cmpint(number_at(event, "ttl"), ==, 3600);
	g_assert_cmpstr(text_at(event, "expires_at"), ==, expires_at);
	g_assert_true(json_is_array(value_at(event, "ice_servers")));
	heard_nothing(c);
}

static void everybody_gets_fresh_credentials_at_three_quarters_of_their_life(void)
{
	begin_in("{}");
	struct client *ann = joined(o, room, "ann-page-1"), *bob = joined(o, room, "bob-page-1");
	forget_all(ann);
	pass_and_tick(RENEW_MS - LOOK_MS);
	heard_nothing(ann);
	pass_and_tick(LOOK_MS);
	heard_credentials(ann, "2026-11-23T13:45:00.000Z");
	heard_credentials(bob, "2026-11-23T13:45:00.000Z");
	pass_and_tick(RENEW_MS);
	heard_credentials(ann, "2026-11-23T14:30:00.000Z");
	client_end(ann);
	client_end(bob);
	end();
}

static void credentials_that_one_asked_for_count(void)
{
	begin_in("{}");
	struct client *c = joined(o, room, INSTANCE);
	pass_and_tick(RENEW_MS - LOOK_MS);
	json_decref(ask_ok(c, "credentials", "{}"));
	pass_and_tick(RENEW_MS - LOOK_MS);
	heard_nothing(c);
	pass_and_tick(LOOK_MS);
	json_decref(heard(c, "credentials"));
	client_end(c);
	end();
}

static void a_resume_brings_credentials_and_who_is_away_gets_none(void)
{
	begin_in("{}");
	struct client *c = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	json_auto_t *reply = join(c, room, token, INSTANCE);
	pass_and_tick(RENEW_MS - LOOK_MS);
	client_end(c);
	pass_and_tick(LOOK_MS); /* due, and nobody is there */
	c = client_new(o);
	json_auto_t *back = askf(c, "resume", "{\"seat\": \"%s\", \"instance\": \"" INSTANCE "\"}", text_at(reply, "seat"));
	g_assert_true(json_is_array(value_at(back, "ice_servers")));
	pass_and_tick(RENEW_MS - LOOK_MS);
	heard_nothing(c);
	pass_and_tick(LOOK_MS);
	json_decref(heard(c, "credentials"));
	client_end(c);
	end();
}

static guint deadlines_waiting(void)
{
	OTTER_LOCKED(&o->deadlines.lock);
	return (guint)g_sequence_get_length(o->deadlines.queue);
}

static void coming_back_a_thousand_times_leaves_no_deadline_for_credentials(void)
{
	begin_in("{}");
	struct client *c = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, NULL);
	json_auto_t *reply = join(c, room, token, INSTANCE);
	pass_and_tick(RESUME_MS);
	guint before = deadlines_waiting();
	for (int i = 0; i < 1000; i++) {
		client_end(c);
		c = client_new(o);
		json_decref(askf(c, "resume", "{\"seat\": \"%s\", \"instance\": \"" INSTANCE "\"}", text_at(reply, "seat")));
	}
	pass_and_tick(RESUME_MS); /* those of its absences */
	g_assert_cmpuint(deadlines_waiting(), ==, before);
	client_end(c);
	end();
}

static const struct check checks[] = {
	{ "ten thousand rooms entered and left leave nothing in memory", ten_thousand_rooms_entered_and_left_leave_nothing_in_memory },
	{ "a forgotten room goes on counting where it was", a_forgotten_room_goes_on_counting_where_it_was },
	{ "a room with somebody in it is not forgotten", a_room_with_somebody_in_it_is_not_forgotten },
	{ "a room before which somebody waits is not forgotten", a_room_before_which_somebody_waits_is_not_forgotten },
	{ "who comes and goes starts the minute anew", who_comes_and_goes_starts_the_minute_anew },
	{ "a room that closes when it is empty does so, and is gone", a_room_that_closes_when_it_is_empty_does_so_and_is_gone },
	{ "an empty timeout that comes when the room is forgotten counts", an_empty_timeout_that_comes_when_the_room_is_forgotten_counts },
	{ "an expiry holds for a room that is forgotten, and for one that was", an_expiry_holds_for_a_room_that_is_forgotten_and_for_one_that_was },
	{ "everybody gets fresh credentials at three quarters of their life", everybody_gets_fresh_credentials_at_three_quarters_of_their_life },
	{ "credentials that one asked for count", credentials_that_one_asked_for_count },
	{ "a resume brings credentials, and who is away gets none", a_resume_brings_credentials_and_who_is_away_gets_none },
	{ "coming back a thousand times leaves no deadline for credentials", coming_back_a_thousand_times_leaves_no_deadline_for_credentials },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "room_table", checks);
}
