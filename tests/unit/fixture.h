/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the tests of rooms share: surroundings whose time stands still, a core, and clients with a sink that remembers. */
#ifndef OTTER_FIXTURE_H
#define OTTER_FIXTURE_H

#include "check.h"
#include "core/conn.h"
#include "core/latch.h"
#include "core/otter.h"
#include "core/service.h"

#define NOON_MS INT64_C(1795435200000) /* 2026-11-23T12:00:00Z: where the wall clock starts */
#define INSTANCE "instance-1"

/* ---- surroundings: time passes by pass_ms alone ---- */
struct surroundings {
	struct otter_env env;
	int64_t wall_ms, mono_ms; /* atomic */
	otter_lock lock;
	GString *log;                   /* under lock */
	struct otter_observer observer; /* of a core that is opened; all zero: none */
};
void surroundings_init(struct surroundings *s);
void surroundings_clear(struct surroundings *s);
void pass_ms(struct surroundings *s, int64_t ms);
bool logged(struct surroundings *s, const char *text);

/* ---- the core ---- */
/* `folder` NULL: the memory store; otherwise SQLite in it. */
struct otter *core_open(struct surroundings *s, const char *folder);
void core_end(struct otter *o);
void core_restart(struct otter **o, struct surroundings *s, const char *folder);

/* Surroundings, a core (in `folder`, or in memory where it is NULL) and a room of this `spec` in it; and the end of them, where they are. */
void all_begin(struct surroundings *s, struct otter **o, char **room, const char *folder, const char *spec);
void all_end(struct surroundings *s, struct otter **o, char **room, char **folder);

/* The store has done what it was asked for before, and what followed from that. */
void settle(struct otter *o);

/* A break in what SQLite answers: it begins behind what was asked for before, and lasts until it is ended. */
struct store_break;
struct store_break *break_ask(struct otter *o);
void break_await(struct store_break *b);
void break_end(struct store_break *b);

/* An answer of the service, waited for. Copy of the error; the body is a new reference. */
struct asked {
	struct otter_error error;
	bool created;
	json_t *body;
};
typedef void (*verb_fn)(struct otter *o, const char *text, otter_answer_fn fn, void *arg);
struct asked wait_for(struct otter *o, verb_fn verb, const char *text);
typedef void (*verb_of_two_fn)(struct otter *o, const char *one, const char *other, otter_answer_fn fn, void *arg);
struct asked wait_for_two(struct otter *o, verb_of_two_fn verb, const char *one, const char *other);
struct asked room_create(struct otter *o, const char *json);
struct asked room_get(struct otter *o, const char *id);
struct asked room_close(struct otter *o, const char *id);
struct asked room_change(struct otter *o, const char *id, const char *json);
struct asked room_list(struct otter *o, const char *status, const char *after);
struct asked token_mint(struct otter *o, const char *room, const char *json);
struct asked revoke_jti(struct otter *o, const char *room, const char *jti);
struct asked revoke_identity(struct otter *o, const char *room, const char *identity);
struct asked put_out(struct otter *o, const char *room, const char *participant); /* with revoke */
struct asked way_in_connect(struct otter *o, const char *token);
struct asked way_in_credentials(struct otter *o, const char *token);

/* A room made from `json` ("{}"): its id, new string. */
char *new_room(struct otter *o, const char *json);
/* A token for it, 1 h: `sub` and `role` may be NULL. New string. */
char *new_token(struct otter *o, const char *room, const char *sub, const char *role);

/* ---- a client ---- */
struct client {
	gint refs, closed;
	int64_t last_id;
	struct otter_conn *conn;
	otter_lock lock;
	pthread_cond_t came;
	GQueue inbox;                              /* json_t, references; under lock */
	void (*on_message)(const json_t *message); /* or NULL: looks at each before it is in the inbox, in the thread that sends it */
};
struct client *client_new(struct otter *o);
void client_end(struct client *c); /* its socket goes, and so does it */

/* Ask `request` with the fields of `json` (an object as text); wait for the reply: new reference, or NULL if the core has ended the connection meanwhile. */
json_t *ask(struct client *c, const char *request, const char *json);
json_t *askf(struct client *c, const char *request, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same, where the reply must be ok, or this error. */
json_t *ask_ok(struct client *c, const char *request, const char *json);
void ask_error(struct client *c, const char *request, const char *json, const char *code);
json_t *join(struct client *c, const char *room, const char *token, const char *instance);
void join_error(struct client *c, const char *room, const char *token, const char *code);
/* A client that has joined by a fresh invite link. */
struct client *joined(struct otter *o, const char *room, const char *instance);

/* The next event in the inbox, which must be `name`: new reference. */
json_t *heard(struct client *c, const char *name);
/* Nothing is in the inbox. */
void heard_nothing(struct client *c);
void forget_all(struct client *c);

const char *text_at(const json_t *json, const char *path); /* "me.participant" */
int64_t number_at(const json_t *json, const char *path);
const json_t *value_at(const json_t *json, const char *path);

#endif
