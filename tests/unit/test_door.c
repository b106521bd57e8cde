/* SPDX-License-Identifier: GPL-3.0-or-later
 * Who may come in, who waits, who is kept out, and when a room's time is over: REST and signaling together, on a clock that stands still. */
#include "fixture.h"

#include "core/otter_private.h"

#define DAY_MS INT64_C(86400000)

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
	pass_ms(&s, ms);
	otter_tick(o);
}

/* An answer that must be good: its body. */
static json_t *good(struct asked a)
{
	g_assert_cmpstr(a.error.message, ==, "");
	g_assert_cmpint(a.error.err, ==, OTTER_OK);
	return a.body;
}

static void assert_status(const char *status)
{
	json_auto_t *body = good(room_get(o, room));
	g_assert_cmpstr(text_at(body, "status"), ==, status);
}

/* A token that REST makes: new string. */
static char *minted(const char *json)
{
	json_auto_t *body = good(token_mint(o, room, json));
	return g_strdup(text_at(body, "token"));
}

static enum otter_err opens(const char *token)
{
	struct asked a = way_in_connect(o, token);
	json_decref(a.body);
	return a.error.err;
}

/* A guest who waits before the room: *reply is the server's, if it is not NULL. */
static struct client *waiting_by(const char *token, const char *instance, json_t **reply)
{
	struct client *c = client_new(o);
	json_t *told = join(c, room, token, instance);
	g_assert_true(json_is_true(value_at(told, "waiting")));
	if (reply != NULL)
		*reply = told;
	else
		json_decref(told);
	return c;
}

static struct client *host_of(void)
{
	g_autofree char *token = new_token(o, room, "hugo", "host");
	struct client *host = client_new(o);
	json_decref(join(host, room, token, "host-page"));
	return host;
}

/* ---- when its time is over ---- */

static void a_shorter_empty_timeout_counts_at_once(void)
{
	begin_in("{\"empty_timeout\": 86400}");
	struct client *c = joined(o, room, "page-aaa");
	json_decref(ask_ok(c, "leave", "{}"));
	json_decref(good(room_change(o, room, "{\"empty_timeout\": 60}")));
	pass_and_tick(59999);
	assert_status("open");
	pass_and_tick(1);
	assert_status("closed");
	client_end(c);
	end();
}

static void a_longer_empty_timeout_counts_too_and_so_does_none(void)
{
	begin_in("{\"empty_timeout\": 60}");
	struct client *c = joined(o, room, "page-aaa");
	json_decref(ask_ok(c, "leave", "{}"));
	json_decref(good(room_change(o, room, "{\"empty_timeout\": 120}")));
	pass_and_tick(119999);
	assert_status("open");
	json_decref(good(room_change(o, room, "{\"empty_timeout\": 0}")));
	pass_and_tick(DAY_MS);
	assert_status("open");
	json_decref(good(room_change(o, room, "{\"empty_timeout\": 10}")));
	pass_and_tick(1);
	assert_status("closed");
	client_end(c);
	end();
}

static void who_waits_before_a_room_that_closes_empty_hears_it(void)
{
	begin_in("{\"empty_timeout\": 60, \"lobby\": true}");
	struct client *host = host_of();
	json_decref(ask_ok(host, "leave", "{}"));
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *guest = waiting_by(token, INSTANCE, NULL);
	pass_and_tick(60000);
	json_auto_t *closed = heard(guest, "closed");
	g_assert_cmpstr(text_at(closed, "reason"), ==, "empty");
	client_end(guest);
	client_end(host);
	end();
}

static void a_close_of_another_version_leaves_the_room_open_and_its_time_is_looked_at_again(void)
{
	begin_in("{\"expires_at\": \"2026-11-23T12:01:00Z\"}");
	struct client *c = joined(o, room, "page-aaa");
	json_decref(good(room_change(o, room, "{\"expires_at\": \"2026-11-23T12:02:00Z\"}")));
	forget_all(c);
	otter_close_room(o, room, 1, "expired", NULL, NULL); /* as the clock had asked before the change */
	assert_status("occupied");
	heard_nothing(c);
	pass_and_tick(119999);
	assert_status("occupied");
	pass_and_tick(1);
	json_decref(heard(c, "closed"));
	client_end(c);
	end();
}

static void a_room_that_was_to_end_empty_and_is_changed_first_takes_people_again(void)
{
	begin_in("{\"empty_timeout\": 60}");
	struct client *c = joined(o, room, "page-aaa");
	json_decref(ask_ok(c, "leave", "{}"));
	struct otter_room *present = otter_find_room(o, room);
	present->ending = true; /* the clock has looked, and its close is on the way to the store */
	g_autofree char *token = new_token(o, room, NULL, NULL);
	join_error(c, room, token, "room_closed");
	json_decref(good(room_change(o, room, "{\"empty_timeout\": 120}")));
	otter_close_room(o, room, 1, "empty", NULL, NULL);
	pass_and_tick(119999);
	json_decref(join(c, room, token, "page-bbb"));
	json_decref(ask_ok(c, "leave", "{}"));
	pass_and_tick(120000);
	assert_status("closed");
	otter_room_unref(present);
	client_end(c);
	end();
}

static void a_room_that_the_store_has_forgotten_ends_for_those_inside(void)
{
	begin_in("{\"expires_at\": \"2026-11-23T12:01:00Z\"}");
	struct client *c = joined(o, room, "page-aaa");
	otter_close_room(o, "rm_none", 0, "expired", NULL, NULL); /* nothing to find: nothing happens */
	o->store->ops->sweep(o->store, NOON_MS + DAY_MS, NOON_MS + DAY_MS, NULL, NULL);
	g_assert_cmpint(room_get(o, room).error.err, ==, OTTER_ROOM_NOT_FOUND);
	pass_and_tick(60000);
	json_decref(heard(c, "closed"));
	client_end(c);
	end();
}

static void an_empty_timeout_that_comes_after_a_restart_counts(void)
{
	begin_on_disk_in("{}");
	struct client *c = joined(o, room, "page-aaa");
	json_decref(ask_ok(c, "leave", "{}"));
	client_end(c);
	pass_and_tick(0); /* the store hears that somebody was here */
	core_restart(&o, &s, folder);
	json_decref(good(room_change(o, room, "{\"empty_timeout\": 60}")));
	pass_and_tick(60000);
	/* It stands in the store's queue behind the close. */
	g_assert_cmpint(room_change(o, room, "{\"empty_timeout\": 60}").error.err, ==, OTTER_ROOM_CLOSED);
	assert_status("closed");
	end();
}

/* ---- who waits ---- */

static void one_identity_has_one_place_though_it_waited_before(void)
{
	begin_in("{\"lobby\": true}");
	g_autofree char *guest_token = new_token(o, room, "ann", NULL), *host_token = new_token(o, room, "ann", "host");
	json_auto_t *told = NULL;
	struct client *waits = waiting_by(guest_token, "ann-page-1", &told), *sits = client_new(o);
	json_decref(join(sits, room, host_token, "ann-page-2"));
	json_auto_t *ejected = heard(waits, "ejected");
	g_assert_cmpstr(text_at(ejected, "reason"), ==, "replaced");
	g_autofree char *admit = g_strdup_printf("{\"participant\": \"%s\"}", text_at(told, "participant"));
	ask_error(sits, "admit", admit, "participant_not_found");
	json_auto_t *list = ask_ok(sits, "list", "{}");
	g_assert_cmpuint(json_array_size(value_at(list, "participants")), ==, 1);
	client_end(waits);
	client_end(sits);
	end();
}

static void who_waits_again_waits_by_the_newer_token(void)
{
	begin_in("{\"lobby\": true}");
	g_autofree char *old = minted("{\"identity\": \"ann\"}"), *young = minted("{\"identity\": \"ann\", \"display\": \"Ann B\"}");
	struct otter_claims of_old = { 0 }, of_young = { 0 };
	struct otter_error e = { 0 };
	otter_keyring_verify(&o->keyring, OTTER_AUDIENCE_JOIN, old, &of_old, &e);
	otter_keyring_verify(&o->keyring, OTTER_AUDIENCE_JOIN, young, &of_young, &e);
	struct client *first = waiting_by(old, "ann-page-1", NULL), *second = waiting_by(young, "ann-page-2", NULL);
	json_decref(heard(first, "ejected"));
	json_decref(good(revoke_jti(o, room, of_old.jti)));
	heard_nothing(second);
	json_decref(good(revoke_jti(o, room, of_young.jti)));
	json_auto_t *ejected = heard(second, "ejected");
	g_assert_cmpstr(text_at(ejected, "reason"), ==, "revoked");
	otter_claims_clear(&of_old);
	otter_claims_clear(&of_young);
	client_end(first);
	client_end(second);
	end();
}

static void a_room_that_is_locked_lets_nobody_in_with_its_lobby_gone(void)
{
	begin_in("{\"lobby\": true}");
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *guest = waiting_by(token, INSTANCE, NULL);
	json_decref(good(room_change(o, room, "{\"lobby\": false, \"locked\": true}")));
	heard_nothing(guest);
	json_decref(good(room_change(o, room, "{\"locked\": false}")));
	json_decref(heard(guest, "admitted"));
	client_end(guest);
	end();
}

static void who_waits_gets_the_credentials_of_who_is_not_in_yet(void)
{
	begin_in("{\"lobby\": true}");
	g_autofree char *token = new_token(o, room, NULL, NULL);
	json_auto_t *told = NULL;
	struct client *guest = waiting_by(token, INSTANCE, &told);
	json_auto_t *body = good(way_in_connect(o, text_at(told, "seat")));
	g_assert_cmpint(number_at(body, "ttl"), ==, 300);
	client_end(guest);
	end();
}

static struct asked room_of_token(struct otter *core, const char *id, const char *token)
{
	return wait_for_two(core, otter_do_room_of_token, id, token);
}

static void a_seat_that_has_ended_does_not_read_its_room(void)
{
	begin_in("{}");
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *c = client_new(o);
	json_auto_t *reply = join(c, room, token, INSTANCE);
	json_decref(good(room_of_token(o, room, text_at(reply, "seat"))));
	json_decref(good(put_out(o, room, text_at(reply, "me.participant"))));
	g_assert_cmpint(room_of_token(o, room, text_at(reply, "seat")).error.err, ==, OTTER_SEAT_GONE);
	client_end(c);
	end();
}

/* ---- who is kept out ---- */

static void revoking_twice_in_one_second_revokes_what_was_made_in_between(void)
{
	begin_in("{}");
	g_autofree char *first = minted("{\"identity\": \"ann\"}");
	json_decref(good(revoke_identity(o, room, "ann")));
	g_autofree char *second = minted("{\"identity\": \"ann\"}");
	g_assert_cmpint(opens(first), ==, OTTER_TOKEN_REVOKED);
	g_assert_cmpint(opens(second), ==, OTTER_OK);
	json_decref(good(revoke_identity(o, room, "ann")));
	g_assert_cmpint(opens(second), ==, OTTER_TOKEN_REVOKED);
	g_autofree char *third = minted("{\"identity\": \"ann\"}");
	g_assert_cmpint(opens(third), ==, OTTER_OK);
	end();
}

static void an_id_that_only_begins_like_somebodys_puts_nobody_out(void)
{
	begin_in("{}");
	g_autofree char *token = new_token(o, room, NULL, NULL);
	struct client *c = client_new(o);
	json_auto_t *reply = join(c, room, token, INSTANCE);
	g_autofree char *longer = g_strconcat(text_at(reply, "me.participant"), "junk", NULL);
	g_assert_cmpint(put_out(o, room, longer).error.err, ==, OTTER_PARTICIPANT_NOT_FOUND);
	heard_nothing(c);
	client_end(c);
	end();
}

static void what_others_chose_stays_one_line_of_the_log_and_no_name_is_in_it(void)
{
	begin_in("{}");
	json_decref(good(revoke_identity(o, room, "ann\nFAKE LINE")));
	g_assert_false(logged(&s, "FAKE"));
	otter_log(&s.env, OTTER_LOG_INFO, "said %s", "one\ntwo\x1b[31m");
	g_assert_true(logged(&s, "said one?two?[31m"));
	end();
}

static void rotate_signing_key(struct otter *core, const char *unused, otter_answer_fn fn, void *arg)
{
	(void)unused;
	otter_do_signing_key_rotate(core, NULL, fn, arg);
}

static void a_link_that_begins_later_outlives_a_rotation(void)
{
	begin_in("{}");
	g_autofree char *later = minted("{\"not_before\": \"2027-02-23T12:00:00Z\"}");
	json_decref(good(wait_for(o, rotate_signing_key, NULL)));
	g_assert_cmpint(opens(later), ==, OTTER_NOT_YET_VALID);
	pass_and_tick(92 * DAY_MS);
	g_assert_cmpint(opens(later), ==, OTTER_OK);
	end();
}

/* ---- the list ---- */

static void a_list_of_one_status_looks_at_some_rooms_at_a_time(void)
{
	begin_in("{}");
	for (int i = 0; i < 1100; i++)
		g_free(new_room(o, "{}"));
	pass_ms(&s, 1);
	g_autofree char *last = new_room(o, "{}");
	json_decref(good(room_close(o, last)));
	json_auto_t *first = good(room_list(o, "closed", NULL));
	g_assert_cmpuint(json_array_size(value_at(first, "rooms")), ==, 0);
	json_auto_t *second = good(room_list(o, "closed", text_at(first, "next")));
	g_assert_cmpuint(json_array_size(value_at(second, "rooms")), ==, 1);
	g_assert_cmpstr(text_at(second, "rooms.0.id"), ==, last);
	g_assert_true(json_is_null(value_at(second, "next")));
	json_auto_t *open = good(room_list(o, "open", NULL));
	g_assert_cmpuint(json_array_size(value_at(open, "rooms")), ==, 100);
	g_assert_nonnull(text_at(open, "next"));
	end();
}

static const struct check checks[] = {
	{ "a shorter empty_timeout counts at once", a_shorter_empty_timeout_counts_at_once },
	{ "a longer empty_timeout counts too, and so does none", a_longer_empty_timeout_counts_too_and_so_does_none },
	{ "who waits before a room that closes empty hears it", who_waits_before_a_room_that_closes_empty_hears_it },
	{ "a close of another version leaves the room open, and its time is looked at again",
		a_close_of_another_version_leaves_the_room_open_and_its_time_is_looked_at_again },
	{ "a room that was to end empty, and is changed first, takes people again", a_room_that_was_to_end_empty_and_is_changed_first_takes_people_again },
	{ "a room that the store has forgotten ends for those inside", a_room_that_the_store_has_forgotten_ends_for_those_inside },
	{ "an empty_timeout that comes after a restart counts", an_empty_timeout_that_comes_after_a_restart_counts },
	{ "one identity has one place, though it waited before", one_identity_has_one_place_though_it_waited_before },
	{ "who waits again waits by the newer token", who_waits_again_waits_by_the_newer_token },
	{ "a room that is locked lets nobody in with its lobby gone", a_room_that_is_locked_lets_nobody_in_with_its_lobby_gone },
	{ "who waits gets the credentials of who is not in yet", who_waits_gets_the_credentials_of_who_is_not_in_yet },
	{ "a seat that has ended does not read its room", a_seat_that_has_ended_does_not_read_its_room },
	{ "revoking twice in one second revokes what was made in between", revoking_twice_in_one_second_revokes_what_was_made_in_between },
	{ "an id that only begins like somebody's puts nobody out", an_id_that_only_begins_like_somebodys_puts_nobody_out },
	{ "what others chose stays one line of the log, and no name is in it", what_others_chose_stays_one_line_of_the_log_and_no_name_is_in_it },
	{ "a link that begins later outlives a rotation", a_link_that_begins_later_outlives_a_rotation },
	{ "a list of one status looks at some rooms at a time", a_list_of_one_status_looks_at_some_rooms_at_a_time },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "door", checks);
}
