/* SPDX-License-Identifier: GPL-3.0-or-later
 * What hosts may ask for: eject, lock, mute, promote, close; and who may not. */
#include "fixture.h"

static struct surroundings s;
static struct otter *o;
static char *room, *folder;

/* Hal and Hetty are hosts, Gus is a guest; whatever they have heard is forgotten. */
static struct client *hal, *hetty, *gus;
static char *hal_id, *hetty_id, *gus_id, *gus_seat;

static struct client *come(const char *identity, const char *role, char **id, char **seat)
{
	struct client *c = client_new(o);
	g_autofree char *token = new_token(o, room, identity, role);
	g_autofree char *instance = g_strdup_printf("page-of-%s", identity);
	json_auto_t *reply = join(c, room, token, instance);
	*id = g_strdup(text_at(reply, "me.participant"));
	if (seat != NULL)
		*seat = g_strdup(text_at(reply, "seat"));
	return c;
}

static void begin(void)
{
	all_begin(&s, &o, &room, folder, "{}");
	hal = come("hal", "host", &hal_id, NULL);
	hetty = come("hetty", "host", &hetty_id, NULL);
	gus = come("gus", NULL, &gus_id, &gus_seat);
	settle(o); /* the others hear of him after he has his reply */
	forget_all(hal);
	forget_all(hetty);
	forget_all(gus);
}

static void begin_on_disk(void)
{
	folder = check_folder();
	begin();
}

static void drop_client(struct client **c)
{
	if (*c != NULL)
		client_end(g_steal_pointer(c));
}

static void end(void)
{
	drop_client(&hal);
	drop_client(&hetty);
	drop_client(&gus);
	g_clear_pointer(&hal_id, g_free);
	g_clear_pointer(&hetty_id, g_free);
	g_clear_pointer(&gus_id, g_free);
	g_clear_pointer(&gus_seat, g_free);
	all_end(&s, &o, &room, &folder);
}

static json_t *about(struct client *c, const char *request, const char *participant, const char *more)
{
	return askf(c, request, "{\"participant\": \"%s\"%s}", participant, more);
}

static void about_ok(struct client *c, const char *request, const char *participant, const char *more)
{
	json_auto_t *reply = about(c, request, participant, more);
	g_assert_cmpstr(text_at(reply, "error.code"), ==, NULL);
	g_assert_true(json_is_true(value_at(reply, "ok")));
}

static void about_error(struct client *c, const char *request, const char *participant, const char *more, const char *code)
{
	json_auto_t *reply = about(c, request, participant, more);
	g_assert_cmpstr(text_at(reply, "error.code"), ==, code);
}

static void heard_left(struct client *c, const char *participant, const char *reason)
{
	json_auto_t *event = heard(c, "participant-left");
	g_assert_cmpstr(text_at(event, "participant"), ==, participant);
	g_assert_cmpstr(text_at(event, "reason"), ==, reason);
}

static void heard_reason(struct client *c, const char *name, const char *reason)
{
	json_auto_t *event = heard(c, name);
	g_assert_cmpstr(text_at(event, "reason"), ==, reason);
}

/* Send it, and do not wait: SQLite answers from its own thread. */
static void send(struct client *c, int id, const char *request, const char *participant, bool revoke)
{
	json_auto_t *body = json_pack("{s:s, s:i, s:s, s:b}", "request", request, "id", id, "participant", participant, "revoke", revoke);
	g_assert_null(otter_conn_request(c->conn, body));
}

/* How many are inside, when all is done that was asked for before. */
static unsigned places_taken(void)
{
	settle(o);
	struct asked got = room_get(o, room);
	unsigned n = (unsigned)number_at(got.body, "participants");
	json_decref(got.body);
	return n;
}

/* ---- who may ---- */

static const char *const of_hosts[] = { "admit", "deny", "mute", "promote", "eject", "lock", "close" };

static void without_a_seat_a_hosts_request_is_a_conflict(void)
{
	begin();
	struct client *nobody = client_new(o);
	for (size_t i = 0; i < G_N_ELEMENTS(of_hosts); i++)
		ask_error(nobody, of_hosts[i], "{}", "conflict");
	client_end(nobody);
	end();
}

/* Whatever else is wrong with what he asks for. */
static void for_who_waits_a_hosts_request_is_a_conflict_and_so_is_what_needs_a_seat(void)
{
	begin();
	json_decref(room_change(o, room, "{\"lobby\": true}").body);
	struct client *ivy = client_new(o);
	g_autofree char *link = new_token(o, room, NULL, NULL);
	json_auto_t *reply = join(ivy, room, link, "page-of-ivy");
	g_assert_true(json_is_true(value_at(reply, "waiting")));
	static const char *const of_seats[] = { "list", "credentials", "signal", "update", "set" };
	static const char *const fields[] = { "{}", "{\"key\": 1, \"hand\": 1, \"locked\": 1, \"participant\": 1}" };
	for (size_t f = 0; f < G_N_ELEMENTS(fields); f++) {
		for (size_t i = 0; i < G_N_ELEMENTS(of_hosts); i++)
			ask_error(ivy, of_hosts[i], fields[f], "conflict");
		for (size_t i = 0; i < G_N_ELEMENTS(of_seats); i++)
			ask_error(ivy, of_seats[i], fields[f], "conflict");
	}
	json_decref(ask_ok(ivy, "leave", "{}")); /* which needs none */
	ask_error(ivy, "leave", "{}", "conflict");
	client_end(ivy);
	end();
}

static void a_guest_may_do_nothing_of_it(void)
{
	begin();
	g_autofree char *fields = g_strdup_printf("{\"participant\": \"%s\", \"kind\": \"mic\", \"locked\": true}", hal_id);
	for (size_t i = 0; i < G_N_ELEMENTS(of_hosts); i++)
		ask_error(gus, of_hosts[i], fields, "forbidden");
	heard_nothing(hal);
	heard_nothing(gus);
	g_assert_cmpuint(places_taken(), ==, 3);
	end();
}

static void a_field_that_is_wrong_is_named(void)
{
	begin();
	static const struct {
		const char *request, *fields, *field;
	} wrong[] = { { "eject", "{}", "participant" }, { "eject", "{\"participant\": \"pt_1\", \"revoke\": 1}", "revoke" }, { "lock", "{}", "locked" },
		{ "lock", "{\"locked\": \"yes\"}", "locked" }, { "mute", "{\"kind\": \"mic\"}", "participant" },
		{ "mute", "{\"participant\": \"pt_1\", \"kind\": \"audio\"}", "kind" }, { "mute", "{\"participant\": \"pt_1\"}", "kind" },
		{ "promote", "{}", "participant" } };
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		json_auto_t *reply = ask(hal, wrong[i].request, wrong[i].fields);
		g_assert_cmpstr(text_at(reply, "error.code"), ==, "invalid_request");
		g_assert_cmpstr(text_at(reply, "error.details.field"), ==, wrong[i].field);
	}
	end();
}

static void whoever_is_not_inside_is_not_found(void)
{
	begin();
	static const char *const requests[] = { "mute", "promote", "eject" };
	for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
		about_error(hal, requests[i], "pt_nobody", ", \"kind\": \"mic\"", "participant_not_found");
		about_error(hal, requests[i], "pt_nobody", ", \"kind\": \"mic\", \"revoke\": true", "participant_not_found");
	}
	end();
}

/* ---- mute ---- */

static void a_request_to_mute_reaches_him_alone(void)
{
	begin();
	static const char *const kinds[] = { "mic", "camera", "screen", "screen-audio" };
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *kind = g_strdup_printf(", \"kind\": \"%s\"", kinds[i]);
		about_ok(hal, "mute", gus_id, kind);
		json_auto_t *event = heard(gus, "mute-requested");
		g_assert_cmpstr(text_at(event, "by"), ==, hal_id);
		g_assert_cmpstr(text_at(event, "kind"), ==, kinds[i]);
	}
	heard_nothing(hetty);
	heard_nothing(hal);
	drop_client(&gus);
	about_error(hal, "mute", gus_id, ", \"kind\": \"mic\"", "peer_away");
	end();
}

/* ---- promote ---- */

static void who_is_promoted_hears_it_and_who_waits(void)
{
	begin();
	json_decref(room_change(o, room, "{\"lobby\": true}").body);
	struct client *ivy = client_new(o);
	g_autofree char *link = new_token(o, room, NULL, NULL);
	json_auto_t *reply = join(ivy, room, link, "page-of-ivy");
	forget_all(gus);
	about_error(hal, "promote", text_at(reply, "participant"), "", "participant_not_found"); /* he is not inside */
	about_ok(hal, "promote", gus_id, "");
	json_decref(heard(gus, "promoted"));
	json_auto_t *knock = heard(gus, "knock");
	g_assert_cmpstr(text_at(knock, "participant.participant"), ==, text_at(reply, "participant"));
	about_ok(gus, "admit", text_at(reply, "participant"), "");
	client_end(ivy);
	end();
}

static void the_promoted_is_a_host_for_everybody(void)
{
	begin();
	about_ok(hal, "promote", gus_id, "");
	json_decref(heard(gus, "promoted"));
	heard_nothing(gus);
	struct client *all[] = { hal, hetty };
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		json_auto_t *event = heard(all[i], "participant-updated");
		g_assert_cmpstr(text_at(event, "participant.participant"), ==, gus_id);
		g_assert_cmpstr(text_at(event, "participant.role"), ==, "host");
	}
	about_ok(gus, "eject", hetty_id, "");
	about_ok(hal, "promote", gus_id, ""); /* he is one already: nothing happens */
	json_decref(heard(hal, "participant-left"));
	heard_nothing(hal);
	end();
}

static void a_promotion_outlives_a_restart(void)
{
	begin_on_disk();
	about_ok(hal, "promote", gus_id, "");
	drop_client(&hal);
	drop_client(&hetty);
	drop_client(&gus);
	core_restart(&o, &s, folder);
	gus = client_new(o);
	json_auto_t *back = askf(gus, "resume", "{\"seat\": \"%s\", \"instance\": \"page-of-gus\"}", gus_seat);
	g_assert_cmpstr(text_at(back, "me.role"), ==, "host");
	end();
}

/* Neither of the two hears it before it would outlive the server. */
static void a_promotion_is_in_the_store_when_it_is_told(void)
{
	begin_on_disk();
	struct store_break *in = break_ask(o);
	break_await(in);
	send(hal, 77, "promote", gus_id, false);
	heard_nothing(hal);
	heard_nothing(gus);
	break_end(in);
	settle(o);
	json_decref(heard(gus, "promoted"));
	json_decref(heard(hal, "participant-updated"));
	{
		OTTER_LOCKED(&hal->lock);
		const json_t *reply = g_queue_peek_head(&hal->inbox);
		g_assert_cmpint(number_at(reply, "id"), ==, 77);
		g_assert_true(json_is_true(value_at(reply, "ok")));
	}
	end();
}

/* ---- eject ---- */

static void an_ejected_hears_it_then_the_others_and_then_the_host_has_his_reply(void)
{
	begin();
	json_auto_t *body = json_pack("{s:s, s:i, s:s}", "request", "eject", "id", 77, "participant", gus_id);
	g_assert_null(otter_conn_request(hal->conn, body));
	heard_reason(gus, "ejected", "ejected");
	heard_left(hetty, gus_id, "ejected");
	heard_left(hal, gus_id, "ejected");
	{
		OTTER_LOCKED(&hal->lock);
		const json_t *reply = g_queue_peek_head(&hal->inbox);
		g_assert_cmpint(number_at(reply, "id"), ==, 77);
		g_assert_true(json_is_true(value_at(reply, "ok")));
	}
	ask_error(gus, "list", "{}", "conflict");
	g_autofree char *token = new_token(o, room, "gus", NULL);
	json_decref(join(gus, room, token, "page-of-gus")); /* his link is as good as before */
	end();
}

static void ejected_with_revoke_he_does_not_come_back(void)
{
	begin_on_disk();
	about_ok(hal, "eject", gus_id, ", \"revoke\": true");
	heard_reason(gus, "ejected", "ejected");
	g_autofree char *token = new_token(o, room, "gus", NULL);
	join_error(gus, room, token, "token_revoked");
	end();
}

static void ejected_with_revoke_an_invite_link_has_to_knock(void)
{
	begin();
	struct client *ivy = client_new(o);
	g_autofree char *link = new_token(o, room, NULL, NULL);
	json_auto_t *reply = join(ivy, room, link, "page-of-ivy");
	about_ok(hal, "eject", text_at(reply, "me.participant"), ", \"revoke\": true");
	forget_all(hal);
	json_auto_t *again = join(ivy, room, link, "page-of-ivy");
	g_assert_true(json_is_true(value_at(again, "waiting")));
	json_decref(heard(hal, "knock"));
	about_error(hal, "eject", text_at(again, "participant"), "", "participant_not_found"); /* who waits is sent away by deny */
	client_end(ivy);
	end();
}

static void a_host_may_be_ejected_by_another_but_not_by_himself(void)
{
	begin();
	json_auto_t *reply = about(hal, "eject", hal_id, "");
	g_assert_cmpstr(text_at(reply, "error.code"), ==, "invalid_request");
	g_assert_nonnull(strstr(text_at(reply, "error.message"), "leave"));
	about_ok(hal, "eject", hetty_id, "");
	heard_reason(hetty, "ejected", "ejected");
	end();
}

/* Both ask at once: whoever is first in the store's queue stays, and the other one is no host any more when his turn comes. */
static void eject_each_other(bool first_revokes, bool other_revokes)
{
	begin_on_disk();
	struct store_break *both = break_ask(o);
	break_await(both);
	send(hal, 77, "eject", hetty_id, first_revokes);
	send(hetty, 78, "eject", hal_id, other_revokes);
	break_end(both);
	g_assert_cmpuint(places_taken(), ==, 2);
	ask_error(hetty, "list", "{}", "conflict");
	json_decref(ask_ok(hal, "list", "{}"));
	heard_reason(hetty, "ejected", "ejected");
	{
		OTTER_LOCKED(&hetty->lock);
		const json_t *reply = g_queue_peek_head(&hetty->inbox);
		g_assert_cmpint(number_at(reply, "id"), ==, 78);
		g_assert_cmpstr(text_at(reply, "error.code"), ==, "forbidden");
	}
	end();
}

static void of_two_hosts_who_eject_each_other_the_first_one_stays(void)
{
	eject_each_other(false, false);
}

static void of_two_hosts_who_eject_each_other_with_revoke_the_first_one_stays(void)
{
	eject_each_other(true, true);
	eject_each_other(true, false);
	eject_each_other(false, true);
}

/* His other page is on its way in while he is put out: it gets the place, and loses it when the revocation is in force. */
static void ejected_with_revoke_he_is_out_too_who_came_in_meanwhile(void)
{
	begin_on_disk();
	g_autofree char *token = new_token(o, room, "gus", NULL);
	struct client *again = client_new(o);
	struct store_break *break_before = break_ask(o);
	break_await(break_before);
	send(hal, 77, "eject", gus_id, true);
	json_auto_t *body = json_pack("{s:s, s:i, s:s, s:s, s:s}", "request", "join", "id", 79, "room", room, "token", token, "instance", "page-2-of-gus");
	g_assert_null(otter_conn_request(again->conn, body));
	break_end(break_before);
	g_assert_cmpuint(places_taken(), ==, 2);
	heard_reason(gus, "ejected", "ejected");
	{
		OTTER_LOCKED(&again->lock);
		json_auto_t *reply = g_queue_pop_head(&again->inbox);
		g_assert_cmpint(number_at(reply, "id"), ==, 79);
		g_assert_cmpstr(text_at(reply, "me.identity"), ==, "gus");
		g_assert_cmpstr(text_at(reply, "me.participant"), !=, gus_id);
	}
	heard_reason(again, "ejected", "revoked");
	client_end(again);
	end();
}

static void what_a_host_asked_for_is_done_though_his_socket_goes(void)
{
	begin_on_disk();
	send(hal, 77, "eject", gus_id, false);
	drop_client(&hal);
	g_assert_cmpuint(places_taken(), ==, 2);
	ask_error(gus, "list", "{}", "conflict");
	end();
}

/* The clock is asked for the time while the request is on its way: the moment at which the host leaves. */
static int64_t (*honest_wall_ms)(void *arg);
static struct client *leaves;

static int64_t wall_ms_while_a_host_leaves(void *arg)
{
	struct client *c = g_steal_pointer(&leaves);
	if (c != NULL) {
		json_auto_t *body = json_pack("{s:s, s:i}", "request", "leave", "id", 1000);
		json_decref(otter_conn_request(c->conn, body));
	}
	return honest_wall_ms(arg);
}

static void nothing_is_done_for_a_host_who_has_left_meanwhile(void)
{
	begin();
	honest_wall_ms = s.env.wall_ms;
	leaves = hal;
	s.env.wall_ms = wall_ms_while_a_host_leaves;
	ask_error(hal, "lock", "{\"locked\": true}", "forbidden"); /* the change is stamped before the store is asked */
	s.env.wall_ms = honest_wall_ms;
	g_assert_null(leaves); /* the moment did come */
	json_decref(heard(gus, "participant-left"));
	heard_nothing(gus);
	end();
}

/* ---- lock ---- */

static void a_locked_room_refuses_guests_until_it_is_unlocked(void)
{
	begin_on_disk();
	json_decref(ask_ok(hal, "lock", "{\"locked\": true}"));
	struct client *all[] = { hal, hetty, gus };
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		json_auto_t *event = heard(all[i], "room-updated");
		g_assert_true(json_is_true(value_at(event, "room.locked")));
	}
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *ivy = client_new(o);
	join_error(ivy, room, token, "locked");
	json_decref(ask_ok(hal, "lock", "{\"locked\": false}"));
	json_decref(join(ivy, room, token, "page-of-ivy"));
	client_end(ivy);
	end();
}

/* ---- close ---- */

static void a_host_closes_the_room_and_still_has_his_reply(void)
{
	begin_on_disk();
	json_decref(ask_ok(hal, "close", "{}"));
	struct client *all[] = { hal, hetty, gus };
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		heard_reason(all[i], "closed", "host");
	struct asked got = room_get(o, room);
	g_assert_cmpstr(text_at(got.body, "status"), ==, "closed");
	json_decref(got.body);
	ask_error(hal, "close", "{}", "conflict");
	end();
}

static void what_a_host_asked_for_is_answered_before_the_core_is_closed(void)
{
	begin_on_disk();
	send(hal, 77, "eject", gus_id, false);
	otter_close(o);
	json_decref(heard(hal, "participant-left"));
	{
		OTTER_LOCKED(&hal->lock);
		g_assert_cmpint(number_at(g_queue_peek_head(&hal->inbox), "id"), ==, 77);
	}
	ask_error(hal, "lock", "{\"locked\": true}", "unavailable");
	drop_client(&hal);
	drop_client(&hetty);
	drop_client(&gus);
	otter_unref(g_steal_pointer(&o));
	end();
}

static const struct check checks[] = {
	{ "without a seat a host's request is a conflict", without_a_seat_a_hosts_request_is_a_conflict },
	{ "for who waits a host's request is a conflict, and so is what needs a seat",
		for_who_waits_a_hosts_request_is_a_conflict_and_so_is_what_needs_a_seat },
	{ "a guest may do nothing of it", a_guest_may_do_nothing_of_it },
	{ "a field that is wrong is named", a_field_that_is_wrong_is_named },
	{ "whoever is not inside is not found", whoever_is_not_inside_is_not_found },
	{ "a request to mute reaches him alone", a_request_to_mute_reaches_him_alone },
	{ "who is promoted hears it, and who waits", who_is_promoted_hears_it_and_who_waits },
	{ "the promoted is a host for everybody", the_promoted_is_a_host_for_everybody },
	{ "a promotion outlives a restart", a_promotion_outlives_a_restart },
	{ "a promotion is in the store when it is told", a_promotion_is_in_the_store_when_it_is_told },
	{ "an ejected hears it, then the others, and then the host has his reply", an_ejected_hears_it_then_the_others_and_then_the_host_has_his_reply },
	{ "ejected with revoke he does not come back", ejected_with_revoke_he_does_not_come_back },
	{ "ejected with revoke an invite link has to knock", ejected_with_revoke_an_invite_link_has_to_knock },
	{ "a host may be ejected by another, but not by himself", a_host_may_be_ejected_by_another_but_not_by_himself },
	{ "of two hosts who eject each other the first one stays", of_two_hosts_who_eject_each_other_the_first_one_stays },
	{ "of two hosts who eject each other with revoke the first one stays", of_two_hosts_who_eject_each_other_with_revoke_the_first_one_stays },
	{ "ejected with revoke he is out too who came in meanwhile", ejected_with_revoke_he_is_out_too_who_came_in_meanwhile },
	{ "what a host asked for is done though his socket goes", what_a_host_asked_for_is_done_though_his_socket_goes },
	{ "nothing is done for a host who has left meanwhile", nothing_is_done_for_a_host_who_has_left_meanwhile },
	{ "a locked room refuses guests until it is unlocked", a_locked_room_refuses_guests_until_it_is_unlocked },
	{ "a host closes the room, and still has his reply", a_host_closes_the_room_and_still_has_his_reply },
	{ "what a host asked for is answered before the core is closed", what_a_host_asked_for_is_answered_before_the_core_is_closed },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "hosts", checks);
}
