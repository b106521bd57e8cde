/* SPDX-License-Identifier: GPL-3.0-or-later
 * A seat: one place in a room. It outlives its connection: between two of them it is away. */
#ifndef OTTER_SEAT_H
#define OTTER_SEAT_H

#include "id.h"
#include "protocol.h"
#include "rates.h"
#include "token.h"

struct otter_conn;

#define OTTER_ROOM_MAX 8 /* seats in a room: a full mesh beyond that melts the uplink of its members */

enum otter_role { OTTER_ROLE_GUEST, OTTER_ROLE_HOST };

/* What one says to one other, known by his order. */
struct otter_pair {
	int64_t order; /* 0: nobody's */
	struct otter_bucket signals;
};

/* All under the room's lock. */
struct otter_seat {
	char participant[OTTER_ID_SIZE];
	char *identity; /* or NULL: came by an invite link */
	char *jti;      /* of the token that it was taken by */
	char *display;
	enum otter_role role;
	int64_t order;  /* place in the room; never changes, never repeats */
	int64_t attach; /* grows with each new instance */
	char instance[OTTER_INSTANCE_SIZE];
	struct otter_media media;
	bool hand;
	bool knocks; /* of one who waits: not for the lobby's sake alone */
	int64_t joined_ms;
	struct otter_conn *conn; /* a reference; NULL: away */
	int64_t connected_ms;    /* Unix ms: when this connection took it */
	int64_t away_until_ms;   /* monotonic; holds while conn is NULL */
	int64_t renew_ms;        /* monotonic: when its owner needs fresh TURN credentials; holds while conn is not NULL */
	struct otter_bucket requests, sets;
	struct otter_pair pairs[OTTER_ROOM_MAX - 1];
};

/* For who comes with this request and this token: a fresh participant, without a place and a connection. New. */
struct otter_seat *otter_seat_new(const struct otter_env *env, const struct otter_join *join, const struct otter_claims *claims);

/* The newest token of the same identity counts; the seat keeps what the request does not name. */
void otter_seat_take_over(struct otter_seat *seat, const struct otter_join *join, const struct otter_claims *claims);

/* As the store keeps it, for a seat in `room`; and back, away: new. */
struct otter_seat_record otter_seat_record(const struct otter_seat *seat, const char *room);
struct otter_seat *otter_seat_of_record(const struct otter_seat_record *record);

/* P of the protocol: new reference. */
json_t *otter_seat_json(const struct otter_seat *seat);

/* Among the first `n` of `seats`: whose connection, participant or identity (NULL: nobody's) it is. NULL: none. */
struct otter_seat *otter_seats_by_conn(struct otter_seat *const *seats, unsigned n, const struct otter_conn *conn);
struct otter_seat *otter_seats_by_participant(struct otter_seat *const *seats, unsigned n, const char *participant);
struct otter_seat *otter_seats_by_identity(struct otter_seat *const *seats, unsigned n, const char *identity);

/* Take `seat`, which is one of them, out; it is the caller's then. */
void otter_seats_take(struct otter_seat **seats, unsigned *n, const struct otter_seat *seat);

/* Frees it, its connection's reference included. NULL is fine. */
void otter_seat_free(struct otter_seat *seat);

const char *otter_role_name(enum otter_role role);
enum otter_role otter_role_of(const char *name); /* NULL: guest */

#endif
