/* SPDX-License-Identifier: GPL-3.0-or-later
 * What an observer hears of rooms: everything that happens, and nothing that is secret. */
#include "fixture.h"

#include "core/json.h"
#include "core/otter_private.h"

static struct surroundings s;
static struct otter *o;
static char *room;

static struct {
	bool listening;
	GString *heard; /* "joined pt_1 guest\n" */
	GString *whole;
} observer;

static bool listens(void *arg)
{
	g_assert_true(arg == &observer);
	return observer.listening;
}

static const char *rest_of(const json_t *event)
{
	const json_t *locked = value_at(event, "locked");
	const char *role = text_at(event, "role"), *reason = text_at(event, "reason");
	return locked != NULL ? (json_is_true(locked) ? "true" : "false") : role != NULL ? role : reason != NULL ? reason : "-";
}

static void notify(void *arg, json_t *event)
{
	g_assert_true(arg == &observer);
	g_assert_cmpstr(text_at(event, "room"), ==, room);
	if (strcmp(text_at(event, "event"), "closed") == 0) /* so nobody joins or leaves any more */
		g_assert_cmpuint(otter_room_presence(o, room), ==, 0);
	const char *participant = text_at(event, "participant");
	g_string_append_printf(observer.heard, "%s %s %s\n", text_at(event, "event"), participant != NULL ? participant : "-", rest_of(event));
	g_autofree char *text = json_dumps(event, JSON_COMPACT);
	g_string_append(observer.whole, text);
	json_decref(event);
}

static void begin_in(const char *spec, bool listening)
{
	surroundings_init(&s);
	observer.listening = listening;
	observer.heard = g_string_new(NULL);
	observer.whole = g_string_new(NULL);
	s.observer = (struct otter_observer){ listens, notify, &observer };
	o = core_open(&s, NULL);
	room = new_room(o, spec);
}

static void begin(bool listening)
{
	begin_in("{\"max_participants\": 8}", listening);
}

static void end(void)
{
	core_end(g_steal_pointer(&o));
	g_clear_pointer(&room, g_free);
	g_string_free(observer.heard, TRUE);
	g_string_free(observer.whole, TRUE);
	surroundings_clear(&s);
}

/* Since the last time, exactly this. */
static void observed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void observed(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	g_autofree char *wanted = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	g_assert_cmpstr(observer.heard->str, ==, wanted);
	g_string_truncate(observer.heard, 0);
}

static struct client *come(const char *identity, const char *role, char **id)
{
	struct client *c = client_new(o);
	g_autofree char *token = new_token(o, room, identity, role);
	json_auto_t *reply = askf(c, "join", "{\"room\": \"%s\", \"token\": \"%s\", \"instance\": \"" INSTANCE "\", \"display\": \"Zoe Xavier\"}", room, token);
	*id = g_strdup(text_at(reply, "me.participant"));
	return c;
}

static void it_hears_who_comes_and_goes_and_how(void)
{
	begin(true);
	g_autofree char *host_id = NULL, *ann_id = NULL, *bob_id = NULL, *carl_id = NULL;
	struct client *host = come("hal", "host", &host_id), *ann = come("ann", NULL, &ann_id), *bob = come("bob", NULL, &bob_id),
		      *carl = come("carl", NULL, &carl_id);
	observed("joined %s host\njoined %s guest\njoined %s guest\njoined %s guest\n", host_id, ann_id, bob_id, carl_id);
	json_decref(ask_ok(ann, "leave", "{}"));
	observed("left %s left\n", ann_id);
	json_decref(askf(host, "eject", "{\"participant\": \"%s\"}", bob_id));
	observed("left %s ejected\n", bob_id);
	client_end(carl);
	observed("%s", "");
	pass_ms(&s, 30000);
	otter_tick(o);
	observed("left %s timeout\n", carl_id);
	client_end(host);
	client_end(ann);
	client_end(bob);
	end();
}

static void it_hears_what_hosts_do(void)
{
	begin(true);
	g_autofree char *host_id = NULL, *ann_id = NULL;
	struct client *host = come("hal", "host", &host_id), *ann = come("ann", NULL, &ann_id);
	observed("joined %s host\njoined %s guest\n", host_id, ann_id);
	json_decref(askf(host, "promote", "{\"participant\": \"%s\"}", ann_id));
	observed("promoted %s -\n", ann_id);
	json_decref(ask_ok(host, "lock", "{\"locked\": true}"));
	observed("locked - true\n");
	json_decref(ask_ok(ann, "lock", "{\"locked\": true}")); /* it is already */
	observed("%s", "");
	json_decref(ask_ok(ann, "lock", "{\"locked\": false}"));
	observed("locked - false\n");
	json_decref(ask_ok(ann, "close", "{}"));
	observed("closed - host\n");
	json_decref(room_close(o, room).body); /* which it is already */
	observed("%s", "");
	client_end(host);
	client_end(ann);
	end();
}

static void a_room_that_nobody_has_entered_is_closed_too(void)
{
	begin(true);
	json_decref(room_close(o, room).body);
	observed("closed - request\n");
	json_decref(room_close(o, room).body);
	observed("%s", "");
	end();
}

/* Whoever took the name has closed it in the store: its seats end when its time is looked at. */
static void an_expired_room_whose_name_another_has_taken_is_closed_too(void)
{
	json_auto_t *expires = otter_json_time(NOON_MS + 1000);
	g_autofree char *spec = g_strdup_printf("{\"unique_name\": \"daily\", \"expires_at\": \"%s\"}", json_string_value(expires));
	begin_in(spec, true);
	g_autofree char *id = NULL;
	struct client *c = come("ann", NULL, &id);
	observed("joined %s guest\n", id);
	pass_ms(&s, 2000);
	struct asked next = room_create(o, "{\"unique_name\": \"daily\"}");
	g_assert_true(next.created);
	json_decref(next.body);
	otter_tick(o);
	observed("closed - expired\n");
	json_decref(room_close(o, room).body);
	observed("%s", "");
	client_end(c);
	end();
}

static void a_room_that_nobody_has_entered_is_locked_too(void)
{
	begin(true);
	json_decref(room_change(o, room, "{\"locked\": true}").body);
	observed("locked - true\n");
	json_decref(room_change(o, room, "{\"locked\": true, \"max_participants\": 4}").body); /* it is already */
	observed("%s", "");
	json_decref(room_change(o, room, "{\"locked\": false, \"empty_timeout\": 60}").body);
	observed("locked - false\n");
	end();
}

static void no_name_no_identity_and_no_token_is_told(void)
{
	begin(true);
	g_autofree char *id = NULL;
	struct client *c = come("ann@example.org", "host", &id);
	json_decref(ask_ok(c, "close", "{}"));
	g_assert_nonnull(strstr(observer.whole->str, id));
	g_assert_null(strstr(observer.whole->str, "Xavier"));
	g_assert_null(strstr(observer.whole->str, "example"));
	g_assert_null(strstr(observer.whole->str, "eyJ"));
	client_end(c);
	end();
}

static void who_does_not_listen_hears_nothing(void)
{
	begin(false);
	g_autofree char *id = NULL;
	struct client *c = come("ann", "host", &id);
	json_decref(ask_ok(c, "close", "{}"));
	observed("%s", "");
	client_end(c);
	end();
}

static const struct check checks[] = {
	{ "it hears who comes and goes, and how", it_hears_who_comes_and_goes_and_how },
	{ "it hears what hosts do", it_hears_what_hosts_do },
	{ "a room that nobody has entered is closed too", a_room_that_nobody_has_entered_is_closed_too },
	{ "an expired room whose name another has taken is closed too", an_expired_room_whose_name_another_has_taken_is_closed_too },
	{ "a room that nobody has entered is locked too", a_room_that_nobody_has_entered_is_locked_too },
	{ "no name, no identity and no token is told", no_name_no_identity_and_no_token_is_told },
	{ "who does not listen hears nothing", who_does_not_listen_hears_nothing },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "observer", checks);
}
