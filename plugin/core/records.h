/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows of the store: what must outlive the process. (An API key's is in key.h.)
 *
 * A version counts the changes of a row: 1 when it is made. Where an operation takes one, 0 means whatever it is. */
#ifndef OTTER_RECORDS_H
#define OTTER_RECORDS_H

#include "id.h"

#include <stdbool.h>

#define OTTER_SALT_SIZE 32
#define OTTER_IDENTITY_SIZE 129   /* 128 bytes + NUL: an identity, an issuer, an audience */
#define OTTER_PUBLIC_KEY_MAX 4096 /* bytes of a PEM */
#define OTTER_NEVER_ENTERED (-1)  /* of emptied_ms */
#define OTTER_DISPLAY_SIZE 257    /* 64 characters of up to 4 bytes + NUL */
#define OTTER_INSTANCE_SIZE 65    /* 8 to 64 characters + NUL */
#define OTTER_STATE_KEY_SIZE 257  /* 64 characters of up to 4 bytes + NUL */

enum otter_privacy { OTTER_PRIVACY_DIRECT, OTTER_PRIVACY_RELAY };

struct otter_room_record {
	char id[OTTER_ID_SIZE];
	char unique_name[65];     /* empty: none */
	int64_t max_participants; /* 2..8 */
	enum otter_privacy privacy;
	bool lobby, locked;
	int64_t empty_timeout_s; /* 0: never */
	int64_t expires_ms;      /* 0: never */
	int64_t created_ms, updated_ms;
	int64_t closed_ms;               /* 0: not closed */
	int64_t emptied_ms;              /* when the last one left; 0: somebody is inside; or OTTER_NEVER_ENTERED. No setting: changes no version */
	int64_t version;                 /* of the settings */
	int64_t last_order, last_attach; /* that were ever given to a seat. No settings either */
	bool had_host_token;             /* a token of the role host was made for it, or used. No setting */
	const char *metadata;            /* compact JSON text of an object */
};

enum otter_seat_flag { OTTER_SEAT_AUDIO = 1 << 0, OTTER_SEAT_VIDEO = 1 << 1, OTTER_SEAT_SCREEN = 1 << 2, OTTER_SEAT_HAND = 1 << 3 };

/* A seat, for its owner to find it again after a restart of the server. */
struct otter_seat_record {
	char participant[OTTER_ID_SIZE], room[OTTER_ID_SIZE];
	char identity[OTTER_IDENTITY_SIZE]; /* empty: none */
	char jti[65];
	char display[OTTER_DISPLAY_SIZE];
	char instance[OTTER_INSTANCE_SIZE];
	bool host;
	unsigned flags; /* enum otter_seat_flag, or-ed */
	int64_t order, attach, joined_ms;
};

/* One of the values that those in a room share. */
struct otter_state_record {
	char room[OTTER_ID_SIZE];
	char key[OTTER_STATE_KEY_SIZE];
	char by[OTTER_ID_SIZE]; /* the participant who set it */
	int64_t order;          /* in which they were set */
	int64_t expires_ms;     /* 0: never */
	const char *value;      /* compact JSON text; NULL: none any more */
};

/* What may be changed of a room. */
enum otter_room_field {
	OTTER_ROOM_MAX_PARTICIPANTS = 1 << 0,
	OTTER_ROOM_EMPTY_TIMEOUT = 1 << 1,
	OTTER_ROOM_EXPIRES = 1 << 2,
	OTTER_ROOM_METADATA = 1 << 3,
	OTTER_ROOM_LOBBY = 1 << 4,
	OTTER_ROOM_LOCKED = 1 << 5,
	OTTER_ROOM_EVERYTHING = (1 << 6) - 1,
};

/* One page of a list of rooms. */
struct otter_room_query {
	int64_t after_ms; /* created_ms and id of the last room of the page before; 0 and "" for the first page */
	char after_id[OTTER_ID_SIZE];
	bool open, closed; /* which, at now_ms */
	bool entered;      /* of these only those that have an empty_timeout and were entered */
	int64_t now_ms;
	int limit;
};

/* A signing key as it lies in the store. The key itself is HMAC-SHA256(deployment's secret file, salt): neither the
 * database alone nor the file alone signs anything. */
struct otter_signing_key_record {
	char kid[OTTER_ID_SIZE];
	unsigned char salt[OTTER_SALT_SIZE];
	bool active;
	int64_t created_ms;
	int64_t verify_until_ms; /* of one that is not active: Unix time from which on it verifies nothing */
};

enum otter_issuer_alg { OTTER_ISSUER_ES256, OTTER_ISSUER_RS256 };

/* Somebody else who signs join tokens for this deployment: an application's backend. */
struct otter_issuer_record {
	char id[OTTER_ID_SIZE];
	char issuer[OTTER_IDENTITY_SIZE];   /* its tokens' iss */
	char audience[OTTER_IDENTITY_SIZE]; /* its tokens' aud */
	char kid[65];                       /* its tokens' kid; empty: any or none */
	enum otter_issuer_alg alg;
	int64_t max_ttl_s; /* the longest life of a token, exp - iat */
	int64_t created_ms;
	const char *public_key; /* PEM */
};

enum otter_revocation_kind { OTTER_REVOKED_JTI, OTTER_REVOKED_IDENTITY };

/* Tokens of a room that open it no more. */
struct otter_revocation_record {
	char room[OTTER_ID_SIZE];
	enum otter_revocation_kind kind;
	char value[OTTER_IDENTITY_SIZE]; /* the jti, or the identity */
	bool knock;                      /* not revoked: who comes by it has to knock */
	int64_t before_s;                /* issued until then; later tokens of the same identity are good */
	int64_t until_ms;                /* when none of them can be alive any more */
};

#endif
