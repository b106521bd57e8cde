/* SPDX-License-Identifier: GPL-3.0-or-later
 * JSON Web Tokens (RFC 7519, RFC 8725): join tokens and seat tokens. The only file that knows libjwt.
 *
 * libjwt 1.10 verifies a signature and nothing else, crashes on very long tokens, takes HS512 under an HS256 key and ignores
 * `crit`. So this file reads header and claims strictly by itself, and asks libjwt for the signature alone. */
#ifndef OTTER_TOKEN_H
#define OTTER_TOKEN_H

#include "env.h"
#include "err.h"
#include "records.h"

#define OTTER_TOKEN_MAX 4096                     /* bytes; libjwt copies a token to the stack */
#define OTTER_TOKEN_SECRET 32                    /* bytes of a signing key: the size of HS256 (RFC 8725, 3.5) */
#define OTTER_TOKEN_LEEWAY_S 60                  /* by which the clock of a foreign issuer may be ahead of ours */
#define OTTER_NOT_BEFORE_MAX_S (365 * 24 * 3600) /* from now: the latest nbf that we give a token */
#define OTTER_AUDIENCE_JOIN "otter:join"         /* opens a room */
#define OTTER_AUDIENCE_SEAT "otter:seat"         /* proves a seat, for resuming */

struct otter_signing_key {
	struct otter_signing_key_record record;
	unsigned char secret[OTTER_TOKEN_SECRET];
};

/* What a token says. Strings belong to the struct; NULL where the claim is absent. */
struct otter_claims {
	char *room; /* id; with `by_name` its unique name (foreign issuers only) */
	bool by_name;
	bool foreign; /* of an issuer, whose clock may be ahead of ours by OTTER_TOKEN_LEEWAY_S */
	char *sub;    /* join: identity; seat: participant */
	char *name;   /* display */
	char *role;   /* "guest" or "host" */
	char *jti;
	int64_t iat_s, exp_s, nbf_s; /* Unix seconds; exp_s 0: no end (seat tokens only); nbf_s 0: none */
};

void otter_claims_clear(struct otter_claims *claims);

/* Sign `claims` for `audience` as issuer `iss` with `key`: HS256, with its kid. New string. */
char *otter_token_sign(const struct otter_signing_key *key, const char *iss, const char *audience, const struct otter_claims *claims);

/* "ES256", "RS256". */
const char *otter_issuer_alg_name(enum otter_issuer_alg alg);

struct otter_token_rules {
	const struct otter_signing_key *keys;
	size_t n_keys;
	const struct otter_issuer_record *const *issuers; /* foreign ones: their tokens pass where `audience` is OTTER_AUDIENCE_JOIN */
	size_t n_issuers;
	const char *iss, *audience;
	int64_t now_ms;
};

/* Judge `token` (may be NULL): unauthorized (none), token_invalid (form, key, signature, claims), token_expired and not_yet_valid (only
 * after the signature held). On OTTER_OK `out` is filled: free it with otter_claims_clear. Otherwise `out` is all zero. */
enum otter_err otter_token_verify(const struct otter_token_rules *rules, const char *token, struct otter_claims *out, struct otter_error *e);

#endif
