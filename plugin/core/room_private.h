/* SPDX-License-Identifier: GPL-3.0-or-later
 * A room in memory, for its own files: room.c has its life and how it looks, room_time.c its deadlines, room_seats.c who sits down and gets up,
 * room_lobby.c who waits to be let in, room_hosts.c what hosts ask for, room_talk.c what those inside say to each other, room_rates.c how much of
 * it, room_state.c what they share.
 *
 * Everything here is called with the room's lock held. */
#ifndef OTTER_ROOM_PRIVATE_H
#define OTTER_ROOM_PRIVATE_H

#include "conn_private.h"
#include "otter_private.h"
#include "room.h"

/* ---- who is here (room.c); NULL: nobody ---- */

struct otter_seat *room_seat_of_conn(struct otter_room *room, const struct otter_conn *conn);
struct otter_seat *room_seat_of_participant(struct otter_room *room, const char *participant);
struct otter_seat *room_seat_of_identity(struct otter_room *room, const char *identity);

/* The seat of who asks; conflict. */
struct otter_seat *room_own_seat(struct otter_room *room, struct otter_conn *conn, struct otter_error *e);

/* ---- telling (room.c): under the lock, so that everybody hears things in one order ---- */

void room_tell_others(struct otter_room *room, const struct otter_seat *except, json_t *event); /* takes `event` */
void room_tell_hosts(struct otter_room *room, json_t *event);                                   /* takes `event` */
void room_tell_updated(struct otter_room *room, const struct otter_seat *seat);

/* The event `name` with "participant": how the seat looks. */
json_t *room_event_about(const char *name, const struct otter_seat *seat);

/* He is inside, and was told: now the others are. */
void room_tell_joined(struct otter_room *room, const struct otter_seat *seat);

/* "participant-left". */
json_t *room_event_left(const struct otter_seat *seat, const char *reason);

/* Tell a connection that it has lost its seat, and let go of it. Takes the reference `conn`. `reason` may be NULL. */
void room_dismiss(struct otter_conn *conn, const char *event_name, const char *reason);

/* What whoever has just sat down is told goes into `message`: me, seat, room, participants, credentials, limits. */
void room_welcome(struct otter_room *room, struct otter_seat *seat, json_t *message);

/* Proves the seat, for resuming; ends with it, so it has no end of its own. New string. */
char *room_seat_token(struct otter_room *room, const struct otter_seat *seat);
json_t *room_json(struct otter_room *room);
json_t *room_others_json(struct otter_room *room, const struct otter_seat *except);

/* Fresh ones; from now on their life counts. */
json_t *room_credentials(struct otter_room *room, struct otter_seat *seat);

/* ---- time (room_time.c) ---- */

void room_watch_empty(struct otter_room *room);
void room_watch_expiry(struct otter_room *room);

/* The first one is here (0), or the last one left just now (Unix ms). */
void room_presence_changed(struct otter_room *room, int64_t emptied_ms);

/* The store keeps that somebody was here; and, for a room that closes when it is empty for too long, whether it is. */
void room_note_presence(struct otter_room *room);

/* ---- sitting down and getting up (room_seats.c) ---- */

/* Give a seat to a connection; whoever had it is told. A new instance counts as a new attachment: true. */
bool room_attach(struct otter_room *room, struct otter_seat *seat, struct otter_conn *conn, const char *instance);

/* What it is by now goes to the store. */
void room_keep(struct otter_room *room, const struct otter_seat *seat);

/* The same, and what its owner hears from now on waits for that: a seat that somebody was told of outlives the server. Or what `conn` hears. */
void room_keep_first(struct otter_room *room, const struct otter_seat *seat);
void room_keep_before(struct otter_room *room, const struct otter_seat *seat, struct otter_conn *conn);

/* Put a seat that is in no list among the seats, as the newest. */
void room_sit(struct otter_room *room, struct otter_seat *seat);

/* room_full, or OTTER_OK. */
enum otter_err room_has_place(const struct otter_room *room, struct otter_error *e);

/* ---- how much (room_rates.c): each takes one of a bucket, or fails with rate_limited ---- */

/* Take a seat again: a crowd of connections does not do it more often than one. And be welcomed at all: with all that is shared it is much to tell,
 * under the lock, and in the store's only thread. */
enum otter_err room_may_take_again(struct otter_room *room, struct otter_seat *seat, struct otter_error *e);
enum otter_err room_may_welcome(struct otter_room *room, struct otter_error *e);
enum otter_err room_may_say(struct otter_room *room, struct otter_seat *from, const struct otter_seat *to, struct otter_error *e);
enum otter_err room_may_set(struct otter_room *room, struct otter_seat *seat, struct otter_error *e);

/* ---- what they share (room_state.c) ---- */

/* All of it, right behind the welcome. */
void room_tell_state(struct otter_room *room, const struct otter_seat *seat);

/* Nobody is here any more: it is gone, from the store too. */
void room_forget_state(struct otter_room *room);

/* From memory alone. */
void room_state_free(struct otter_room *room);

/* ---- hosts (room_hosts.c) ---- */

/* The seat of who asks, if he is a host: NULL with the error. conflict, forbidden. */
struct otter_seat *room_host(struct otter_room *room, struct otter_conn *conn, struct otter_error *e);

/* The last host may be gone for good, or somebody waits whom nobody can let in: in a room that never had a host's token the oldest seat becomes host, if
 * there is no other. True: it did, and has heard who waits. */
bool room_hand_over(struct otter_room *room);

/* ---- the lobby (room_lobby.c); those who wait have a seat struct that is not among the seats ---- */

bool room_must_wait(const struct otter_room *room, const struct otter_join *join, const struct otter_claims *claims);
struct otter_seat *room_waiting_conn(struct otter_room *room, const struct otter_conn *conn);
struct otter_seat *room_waiting_participant(struct otter_room *room, const char *participant);

/* Wait, or wait again by another connection. The reply goes out. room_full: too many wait. */
enum otter_err room_wait(
	struct otter_room *room, struct otter_conn *conn, int64_t id, const struct otter_join *join, const struct otter_claims *claims, struct otter_error *e);
void room_wait_again(struct otter_room *room, struct otter_seat *seat, struct otter_conn *conn, int64_t id, const char *instance);

/* This identity comes in by another token than the one that it waits with: the newer connection counts. */
void room_wait_replaced(struct otter_room *room, const char *identity, const struct otter_conn *by);

/* Wait no more: hosts hear why. Frees the seat. */
void room_wait_end(struct otter_room *room, struct otter_seat *seat, const char *reason);

/* A host has come: he hears who waits. */
void room_tell_waiting(struct otter_room *room, const struct otter_seat *host);

/* The lobby was opened: whoever waits for no other reason comes in, as far as there is room. */
void room_admit_all(struct otter_room *room);

#endif
