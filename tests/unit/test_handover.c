/* SPDX-License-Identifier: GPL-3.0-or-later
 * A room that never had a host's token: who becomes host there, and when; and that nobody does where there is such a token. */
#include "fixture.h"

#include "core/otter_private.h"

#define RESUME_MS 30000

static struct surroundings s;
static struct otter *o;
static char *room, *folder, *link_in;

static void begin_in(const char *spec)
{
	all_begin(&s, &o, &room, folder, spec);
	link_in = new_token(o, room, NULL, NULL);
}

static void begin(void)
{
	begin_in("{}");
}

static void end(void)
{
	g_clear_pointer(&link_in, g_free);
	all_end(&s, &o, &room, &folder);
}

/* Somebody inside, as a guest: new. */
struct guest {
	struct client *client;
	char *id, *seat;
};

static struct guest come_by(const char *token)
{
	struct guest guest = { .client = client_new(o) };
	json_auto_t *reply = join(guest.client, room, token, INSTANCE);
	g_assert_cmpstr(text_at(reply, "me.role"), ==, "guest");
	guest.id = g_strdup(text_at(reply, "me.participant"));
	guest.seat = g_strdup(text_at(reply, "seat"));
	return guest;
}

static struct guest come(void)
{
	return come_by(link_in);
}

static void go(struct guest *guest)
{
	if (guest->client != NULL)
		client_end(guest->client);
	g_free(guest->id);
	g_free(guest->seat);
}

/* By a link that was turned into knock: who waits. */
static struct client *knock_at_the_door(void)
{
	struct guest out = come();
	g_assert_cmpint(put_out(o, room, out.id).error.err, ==, OTTER_OK);
	struct client *c = client_new(o);
	json_auto_t *reply = join(c, room, link_in, INSTANCE);
	g_assert_true(json_is_true(value_at(reply, "waiting")));
	go(&out);
	return c;
}

static void is_host(struct client *c)
{
	json_decref(heard(c, "promoted"));
}

static void sees_the_host(struct client *c, const char *participant)
{
	json_auto_t *event = heard(c, "participant-updated");
	g_assert_cmpstr(text_at(event, "participant.participant"), ==, participant);
	g_assert_cmpstr(text_at(event, "participant.role"), ==, "host");
}

/* Ann is host, because somebody waits and nobody else could let him in; Bob and Carl are guests. All is forgotten that they heard. */
static struct guest ann, bob, carl;
static struct client *waits;

static void begin_with_ann_as_host(void)
{
	begin_in("{\"max_participants\": 8}");
	ann = come();
	bob = come();
	carl = come();
	waits = knock_at_the_door();
	forget_all(ann.client);
	forget_all(bob.client);
	forget_all(carl.client);
}

static void end_of_all(void)
{
	go(&ann);
	go(&bob);
	go(&carl);
	client_end(waits);
	end();
}

/* ---- somebody knocks ---- */

static void while_nobody_waits_a_room_without_a_hosts_token_has_no_host(void)
{
	begin();
	ann = come();
	bob = come();
	json_decref(heard(ann.client, "participant-joined"));
	json_decref(ask_ok(ann.client, "leave", "{}"));
	json_decref(heard(bob.client, "participant-left"));
	heard_nothing(bob.client);
	go(&ann);
	go(&bob);
	end();
}

static void when_somebody_knocks_the_oldest_becomes_host_and_hears_it_once(void)
{
	begin();
	ann = come();
	bob = come();
	struct guest out = come();
	g_assert_cmpint(put_out(o, room, out.id).error.err, ==, OTTER_OK);
	forget_all(ann.client);
	forget_all(bob.client);
	waits = client_new(o);
	json_auto_t *reply = join(waits, room, link_in, INSTANCE);
	is_host(ann.client);
	json_auto_t *knock = heard(ann.client, "knock");
	g_assert_cmpstr(text_at(knock, "participant.participant"), ==, text_at(reply, "participant"));
	heard_nothing(ann.client);
	sees_the_host(bob.client, ann.id);
	heard_nothing(bob.client);
	json_decref(askf(ann.client, "admit", "{\"participant\": \"%s\"}", text_at(reply, "participant")));
	json_decref(heard(waits, "admitted"));
	go(&out);
	go(&ann);
	go(&bob);
	client_end(waits);
	end();
}

static void who_comes_into_an_empty_room_before_which_somebody_waits_becomes_host(void)
{
	begin();
	waits = knock_at_the_door();
	struct asked minted = token_mint(o, room, "{}"); /* the other link has to knock */
	ann = come_by(text_at(minted.body, "token"));
	json_decref(minted.body);
	is_host(ann.client);
	json_decref(heard(ann.client, "knock"));
	heard_nothing(ann.client);
	go(&ann);
	client_end(waits);
	end();
}

/* ---- the last host goes ---- */

static void when_the_last_host_leaves_the_oldest_becomes_host(void)
{
	begin_with_ann_as_host();
	json_decref(ask_ok(ann.client, "leave", "{}"));
	json_decref(heard(bob.client, "participant-left"));
	is_host(bob.client);
	json_decref(heard(bob.client, "knock"));
	json_decref(heard(carl.client, "participant-left"));
	sees_the_host(carl.client, bob.id);
	end_of_all();
}

static void it_is_the_oldest_also_when_nobody_waits_any_more(void)
{
	begin_with_ann_as_host();
	json_decref(ask_ok(waits, "leave", "{}"));
	g_assert_cmpint(put_out(o, room, ann.id).error.err, ==, OTTER_OK);
	json_decref(heard(bob.client, "participant-left"));
	is_host(bob.client);
	heard_nothing(bob.client);
	end_of_all();
}

static void a_host_who_is_away_is_still_the_host_until_his_time_is_over(void)
{
	begin_with_ann_as_host();
	client_end(g_steal_pointer(&ann.client));
	json_decref(heard(bob.client, "participant-updated"));
	pass_ms(&s, RESUME_MS - 1);
	otter_tick(o);
	heard_nothing(bob.client);
	pass_ms(&s, 1);
	otter_tick(o);
	json_decref(heard(bob.client, "participant-left"));
	is_host(bob.client);
	end_of_all();
}

static void while_there_is_another_host_nothing_is_handed_over(void)
{
	begin_with_ann_as_host();
	json_decref(askf(ann.client, "promote", "{\"participant\": \"%s\"}", carl.id));
	forget_all(bob.client);
	json_decref(ask_ok(ann.client, "leave", "{}"));
	json_decref(heard(bob.client, "participant-left"));
	heard_nothing(bob.client);
	end_of_all();
}

static void whoever_is_away_finds_that_he_is_host_when_he_comes_back(void)
{
	begin_with_ann_as_host();
	client_end(bob.client);
	json_decref(ask_ok(ann.client, "leave", "{}"));
	bob.client = client_new(o);
	json_auto_t *back = askf(bob.client, "resume", "{\"seat\": \"%s\", \"instance\": \"" INSTANCE "\"}", bob.seat);
	g_assert_cmpstr(text_at(back, "me.role"), ==, "host");
	json_decref(heard(bob.client, "knock"));
	end_of_all();
}

static void revoke_and_out(struct otter *core, const char *jti, otter_answer_fn fn, void *arg)
{
	otter_do_token_revoke(core, room, &(struct otter_revoke){ .jti = jti, .inside = "out" }, fn, arg);
}

/* Carl is the host, and Bob, who is older, came by the same link. */
static void nobody_becomes_host_who_is_put_out_in_the_same_moment(void)
{
	begin_with_ann_as_host();
	struct asked minted = token_mint(o, room, "{}");
	struct guest dora = come_by(text_at(minted.body, "token"));
	json_decref(minted.body);
	json_decref(askf(ann.client, "promote", "{\"participant\": \"%s\"}", carl.id));
	json_decref(ask_ok(ann.client, "leave", "{}"));
	forget_all(bob.client);
	forget_all(dora.client);
	g_assert_cmpint(wait_for(o, revoke_and_out, "jt_test").error.err, ==, OTTER_OK);
	json_decref(heard(bob.client, "participant-left"));
	json_decref(heard(bob.client, "ejected"));
	heard_nothing(bob.client);
	json_decref(heard(dora.client, "participant-left"));
	json_decref(heard(dora.client, "participant-left"));
	is_host(dora.client);
	heard_nothing(dora.client);
	go(&dora);
	end_of_all();
}

static void who_is_left_alone_is_host_and_the_last_one_leaves_nothing_behind(void)
{
	begin_with_ann_as_host();
	json_decref(ask_ok(ann.client, "leave", "{}"));
	json_decref(ask_ok(bob.client, "leave", "{}"));
	forget_all(carl.client);
	json_auto_t *list = ask_ok(carl.client, "list", "{}");
	g_assert_cmpstr(text_at(list, "participants.0.role"), ==, "host");
	json_decref(ask_ok(carl.client, "leave", "{}"));
	heard_nothing(carl.client);
	end_of_all();
}

static void who_comes_again_by_a_guests_token_is_host_by_being_the_oldest_alone(void)
{
	begin();
	bob = come();
	g_autofree char *named = new_token(o, room, "ann", NULL);
	ann = come_by(named);
	waits = knock_at_the_door();
	json_decref(askf(bob.client, "promote", "{\"participant\": \"%s\"}", ann.id));
	json_decref(ask_ok(bob.client, "leave", "{}"));
	struct client *again = client_new(o);
	json_auto_t *reply = join(again, room, named, "another-page");
	g_assert_cmpstr(text_at(reply, "me.participant"), ==, ann.id);
	g_assert_cmpstr(text_at(reply, "me.role"), ==, "guest"); /* the newer token's; and then the room has no host */
	is_host(again);
	client_end(again);
	go(&ann);
	go(&bob);
	client_end(waits);
	end();
}

/* ---- where there is a host's token nobody becomes host by himself ---- */

/* With Bob inside as a guest, and somebody who knocks: nobody is promoted. */
static void nobody_becomes_host(void)
{
	bob = come();
	waits = knock_at_the_door();
	forget_all(bob.client);
	json_auto_t *list = ask_ok(bob.client, "list", "{}");
	g_assert_cmpstr(text_at(list, "participants.0.role"), ==, "guest");
	go(&bob);
	client_end(waits);
}

static void not_where_a_host_url_was_given(void)
{
	begin_in("{\"host_url\": true}");
	nobody_becomes_host();
	end();
}

static void not_where_it_was_given_later_by_the_rooms_name(void)
{
	begin_in("{\"unique_name\": \"weekly\"}");
	json_decref(room_create(o, "{\"unique_name\": \"weekly\", \"host_url\": true}").body);
	nobody_becomes_host();
	end();
}

static void not_where_a_hosts_token_was_minted(void)
{
	begin();
	json_decref(token_mint(o, room, "{\"role\": \"host\"}").body);
	nobody_becomes_host();
	end();
	begin();
	json_decref(token_mint(o, room, "{\"role\": \"guest\"}").body);
	bob = come();
	waits = knock_at_the_door();
	json_auto_t *list = ask_ok(bob.client, "list", "{}");
	g_assert_cmpstr(text_at(list, "participants.0.role"), ==, "host"); /* a guest's token is none */
	go(&bob);
	client_end(waits);
	end();
}

static void not_where_a_host_came_by_a_token_whoever_signed_it(void)
{
	begin();
	bob = come();
	struct client *host = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, "host"); /* the store has not heard of it */
	json_decref(join(host, room, token, INSTANCE));
	forget_all(bob.client);
	json_decref(ask_ok(host, "leave", "{}"));
	json_decref(heard(bob.client, "participant-left"));
	heard_nothing(bob.client);
	client_end(host);
	go(&bob);
	end();
}

static void a_token_that_is_minted_while_people_are_inside_counts_at_once(void)
{
	begin_with_ann_as_host();
	json_decref(token_mint(o, room, "{\"role\": \"host\"}").body);
	json_decref(ask_ok(ann.client, "leave", "{}"));
	json_decref(heard(bob.client, "participant-left"));
	heard_nothing(bob.client);
	end_of_all();
}

static void that_there_is_a_hosts_token_outlives_a_restart(void)
{
	folder = check_folder();
	begin();
	struct client *host = client_new(o);
	g_autofree char *token = new_token(o, room, NULL, "host");
	json_decref(join(host, room, token, INSTANCE));
	json_decref(ask_ok(host, "leave", "{}"));
	client_end(host);
	core_restart(&o, &s, folder);
	nobody_becomes_host();
	end();
	folder = check_folder();
	begin();
	json_decref(token_mint(o, room, "{\"role\": \"host\"}").body);
	core_restart(&o, &s, folder);
	nobody_becomes_host();
	end();
}

static const struct check checks[] = {
	{ "while nobody waits a room without a host's token has no host", while_nobody_waits_a_room_without_a_hosts_token_has_no_host },
	{ "when somebody knocks the oldest becomes host, and hears it once", when_somebody_knocks_the_oldest_becomes_host_and_hears_it_once },
	{ "who comes into an empty room before which somebody waits becomes host", who_comes_into_an_empty_room_before_which_somebody_waits_becomes_host },
	{ "when the last host leaves the oldest becomes host", when_the_last_host_leaves_the_oldest_becomes_host },
	{ "it is the oldest also when nobody waits any more", it_is_the_oldest_also_when_nobody_waits_any_more },
	{ "a host who is away is still the host until his time is over", a_host_who_is_away_is_still_the_host_until_his_time_is_over },
	{ "while there is another host nothing is handed over", while_there_is_another_host_nothing_is_handed_over },
	{ "whoever is away finds that he is host when he comes back", whoever_is_away_finds_that_he_is_host_when_he_comes_back },
	{ "nobody becomes host who is put out in the same moment", nobody_becomes_host_who_is_put_out_in_the_same_moment },
	{ "who is left alone is host, and the last one leaves nothing behind", who_is_left_alone_is_host_and_the_last_one_leaves_nothing_behind },
	{ "who comes again by a guest's token is host by being the oldest alone", who_comes_again_by_a_guests_token_is_host_by_being_the_oldest_alone },
	{ "not where a host_url was given", not_where_a_host_url_was_given },
	{ "not where it was given later, by the room's name", not_where_it_was_given_later_by_the_rooms_name },
	{ "not where a host's token was minted", not_where_a_hosts_token_was_minted },
	{ "not where a host came by a token, whoever signed it", not_where_a_host_came_by_a_token_whoever_signed_it },
	{ "a token that is minted while people are inside counts at once", a_token_that_is_minted_while_people_are_inside_counts_at_once },
	{ "that there is a host's token outlives a restart", that_there_is_a_hosts_token_outlives_a_restart },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "handover", checks);
}
