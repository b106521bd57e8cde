/* SPDX-License-Identifier: GPL-3.0-or-later
 * A room in memory: who sits in it, and what they say to each other.
 *
 *            join                    last one leaves
 *   open ───────────▶ occupied ◀──▶ full        any ──close, expiry, empty_timeout──▶ closed, for good
 *
 * Every verb takes the room's lock itself, decides and tells everybody concerned under it, so that all see one order of events. */
#ifndef OTTER_ROOM_H
#define OTTER_ROOM_H

#include "lock.h"
#include "protocol.h"
#include "seat.h"
#include "store.h"
#include "token.h"

#include <glib.h>

#define OTTER_WAITING_MAX 16 /* in a lobby */

struct otter;

struct otter_room {
	gint refs;
	struct otter *otter;                      /* outlives the room */
	otter_lock lock;                          /* guards all below */
	struct otter_room_record record;          /* its id never changes and needs no lock; metadata belongs to the room */
	struct otter_seat *seats[OTTER_ROOM_MAX]; /* the first n_seats, in order */
	unsigned n_seats;
	struct otter_seat *waiting[OTTER_WAITING_MAX]; /* the first n_waiting: in the lobby, oldest first */
	unsigned n_waiting;
	int64_t last_order, last_attach;
	struct otter_bucket told;        /* of `state`, to those who come */
	GPtrArray *state;                /* see room_state.c; NULL: nothing is set */
	int64_t last_set, state_look_ms; /* the number of the newest; and, monotonic, when it is looked for what is over, 0: never */
	int64_t empty_since_ms;          /* monotonic; 0: somebody is here, or nobody has been yet */
	int64_t idle_since_ms;           /* monotonic: when otter_room_idle_for first found nobody here, waiting ones included; 0: it did not */
	bool closed;
	bool ending;                           /* it was empty for too long: nobody gets in any more, and it is closed in a moment */
	bool entry_noted;                      /* the store knows that somebody was here once */
	bool presence_noted;                   /* a deadline that tells the store whether somebody is here is in the queue */
	int64_t expiry_look_ms, empty_look_ms; /* monotonic: when expires_at and empty_timeout are looked at next; 0: never */
};

/* Copies `record`. New reference. */
struct otter_room *otter_room_new(struct otter *o, const struct otter_room_record *record);
struct otter_room *otter_room_ref(struct otter_room *room);
void otter_room_unref(struct otter_room *room); /* NULL is fine */
void otter_room_unref_data(void *room);         /* the same, for who calls it through a pointer */

/* Take a seat for `conn`, take over the seat of the same identity, or wait in the lobby. The reply to request `id` goes out through the connection
 * before any event of the room. room_closed, locked, room_full, rate_limited. */
enum otter_err otter_room_join(
	struct otter_room *room, struct otter_conn *conn, int64_t id, const struct otter_join *join, const struct otter_claims *claims, struct otter_error *e);

/* Take the seat of `participant` again; the reply as in join. room_closed, seat_gone, rate_limited. */
enum otter_err otter_room_resume(
	struct otter_room *room, struct otter_conn *conn, int64_t id, const char *participant, const char *instance, struct otter_error *e);

/* The verbs of whoever has a seat through `conn`; conflict if it lost it meanwhile. */
/* Writes whose seat it was. */
enum otter_err otter_room_leave(struct otter_room *room, struct otter_conn *conn, char participant[OTTER_ID_SIZE], struct otter_error *e);
enum otter_err otter_room_list(struct otter_room *room, struct otter_conn *conn, json_t *reply, struct otter_error *e);
enum otter_err otter_room_update(struct otter_room *room, struct otter_conn *conn, const struct otter_update *update, struct otter_error *e);
enum otter_err otter_room_credentials(struct otter_room *room, struct otter_conn *conn, json_t *reply, struct otter_error *e);

/* Relay. `reply` gets "dropped" if the other's instance is not the current one. participant_not_found, peer_away, invalid_request, forbidden,
 * rate_limited. */
enum otter_err otter_room_signal(struct otter_room *room, struct otter_conn *conn, const struct otter_signal *signal, json_t *reply, struct otter_error *e);

/* Share a value with those who are in and who come later; the others hear it. `reply` goes out through the connection, in one order with what others
 * set. too_large, rate_limited. */
enum otter_err otter_room_set(struct otter_room *room, struct otter_conn *conn, const struct otter_set *set, json_t *reply, struct otter_error *e);

/* Somebody asks through `conn` at all, whatever it is: 0, or in how many ms he may again, by what it and his seat here, if he has one, have asked before.
 * Says how many others are in with him. */
int64_t otter_room_ask(struct otter_room *room, struct otter_conn *conn, unsigned *n_others);

/* Before a restart somebody had this seat (they come in order): it is away until the resume timeout. */
void otter_room_restore(struct otter_room *room, const struct otter_seat_record *record);

/* And this was shared by those who had seats (in order). False: it is of no use any more, nobody is to come. */
bool otter_room_restore_state(struct otter_room *room, const struct otter_state_record *record);

/* The connection is gone or silent: its seat, if it still has it, is away until the resume timeout. */
void otter_room_away(struct otter_room *room, struct otter_conn *conn);

/* See to it that it closes when its time is over. Again, when it was to be closed and was not. */
void otter_room_watch(struct otter_room *room);

/* Nobody sits or waits here, nor did when it was asked `ms` ago; and no empty_timeout runs. Ask again and again. */
bool otter_room_idle_for(struct otter_room *room, int64_t ms);

/* Give fresh TURN credentials to everybody who has used up 75 % of the life of his. */
void otter_room_renew_credentials(struct otter_room *room);

/* Its settings have changed in the store; everybody inside hears it. */
void otter_room_change(struct otter_room *room, const struct otter_room_record *record);

/* End the seat of `participant`: ejected. False if there is none. */
bool otter_room_eject(struct otter_room *room, const char *participant);

/* These tokens were revoked: with `out` the seats that were taken by them end. */
void otter_room_revoke(struct otter_room *room, const struct otter_revocation_record *revocation, bool out);

/* A host lets in who waits, or sends him away. forbidden, participant_not_found, room_full, rate_limited. */
enum otter_err otter_room_admit(struct otter_room *room, struct otter_conn *conn, const char *participant, struct otter_error *e);
enum otter_err otter_room_deny(struct otter_room *room, struct otter_conn *conn, const char *participant, struct otter_error *e);

/* Is it a host who asks through `conn`? conflict, forbidden. Writes who. And has `participant` a host's seat? */
enum otter_err otter_room_host(struct otter_room *room, struct otter_conn *conn, char participant[OTTER_ID_SIZE], struct otter_error *e);
bool otter_room_has_host(struct otter_room *room, const char *participant);

/* A host asks somebody to mute himself, or makes him a host too. forbidden, participant_not_found; mute: peer_away. */
enum otter_err otter_room_mute(struct otter_room *room, struct otter_conn *conn, const struct otter_mute *mute, struct otter_error *e);
enum otter_err otter_room_promote(struct otter_room *room, struct otter_conn *conn, const char *participant, struct otter_error *e);

/* There is a host's token for it: from now on nobody becomes host by himself. */
void otter_room_note_host_token(struct otter_room *room);

/* How to keep out whom `participant` is, if he comes again: writes kind, value and knock (an invite link is for many, so it is not revoked: who
 * comes by it knocks). False if there is no such seat. */
bool otter_room_came_by(struct otter_room *room, const char *participant, struct otter_revocation_record *out);

/* [P], in order: new reference. */
json_t *otter_room_participants(struct otter_room *room);

/* Tell everybody inside that the server stops in `after_ms`: how many they are. */
unsigned otter_room_drain(struct otter_room *room, int64_t after_ms);

/* End all seats with `closed {reason}`; nobody gets in any more. A second time it does nothing: false. */
bool otter_room_close(struct otter_room *room, const char *reason);

/* Has `conn` a seat here, or does it wait (*waits)? */
bool otter_room_seats(struct otter_room *room, const struct otter_conn *conn, bool *waits);

/* Writes what otter_conn_describe tells, if `conn` has a seat or waits here. */
void otter_room_describe(struct otter_room *room, const struct otter_conn *conn, json_t *out);

/* Is `participant`'s seat taken (connected or away)? *waits: he waits to be let in. */
bool otter_room_has(struct otter_room *room, const char *participant, bool *waits);
unsigned otter_room_count(struct otter_room *room);
bool otter_room_locked(struct otter_room *room);

/* R of the protocol, and the room of REST without its URLs: new reference. */
json_t *otter_room_record_json(const struct otter_room_record *record, unsigned participants, int64_t now_ms);

#endif
