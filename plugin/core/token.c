/* SPDX-License-Identifier: GPL-3.0-or-later
 * JSON Web Tokens: strict reading by us, signatures by libjwt. */
#include "token.h"

#include "id.h"
#include "json.h"

#include <glib.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#define BASE64URL OTTER_BASE62 "-_"
#define HS256 "HS256"

void otter_claims_clear(struct otter_claims *claims)
{
	g_free(claims->room);
	g_free(claims->sub);
	g_free(claims->name);
	g_free(claims->role);
	g_free(claims->jti);
	*claims = (struct otter_claims){ 0 };
}

/* ---- signing ---- */

static void add_text(jwt_t *jwt, const char *claim, const char *value)
{
	if (value != NULL)
		jwt_add_grant(jwt, claim, value);
}

static void add_time(jwt_t *jwt, const char *claim, int64_t value)
{
	if (value != 0)
		jwt_add_grant_int(jwt, claim, value);
}

char *otter_token_sign(const struct otter_signing_key *key, const char *iss, const char *audience,
	const struct otter_claims *claims)
{
	jwt_t *jwt = NULL;
	if (jwt_new(&jwt) != 0 || jwt_set_alg(jwt, JWT_ALG_HS256, key->secret, OTTER_TOKEN_SECRET) != 0)
		g_error("libjwt cannot make a token"); /* out of memory: aborts, as GLib does */
	jwt_add_header(jwt, "kid", key->kid);
	add_text(jwt, "iss", iss);
	add_text(jwt, "aud", audience);
	add_text(jwt, "room", claims->room);
	add_text(jwt, "sub", claims->sub);
	add_text(jwt, "name", claims->name);
	add_text(jwt, "role", claims->role);
	add_text(jwt, "jti", claims->jti);
	add_time(jwt, "iat", claims->iat_s);
	add_time(jwt, "exp", claims->exp_s);
	add_time(jwt, "nbf", claims->nbf_s);
	char *encoded = jwt_encode_str(jwt);
	char *token = g_strdup(encoded);
	free(encoded);
	jwt_free(jwt);
	return token;
}

/* ---- verifying ---- */

/* Decode one part. Only the canonical form passes: the alphabet of RFC 4648 section 5, no padding, no stray bits at the end, so that
 * a token has one spelling. New JSON object, or NULL. */
static json_t *decode_part(const char *part, size_t len)
{
	g_autofree char *text = g_strndup(part, len);
	if (!otter_text_made_of(text, BASE64URL, 2, OTTER_TOKEN_MAX) || len % 4 == 1)
		return NULL;
	g_strdelimit(text, "-", '+');
	g_strdelimit(text, "_", '/');
	g_autofree char *padded = g_strconcat(text, len % 4 == 2 ? "==" : len % 4 == 3 ? "=" : "", NULL);
	gsize n;
	g_autofree guchar *bytes = g_base64_decode(padded, &n);
	g_autofree char *again = g_base64_encode(bytes, n);
	if (strcmp(again, padded) != 0)
		return NULL;
	json_t *json = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

struct header {
	const char *alg, *typ, *kid;
};

static const struct otter_json_field header_fields[] = {
	{ "alg", OTTER_JSON_STRING, true, offsetof(struct header, alg), 1, 16 },
	{ "typ", OTTER_JSON_STRING, true, offsetof(struct header, typ), 1, 16 },
	{ "kid", OTTER_JSON_STRING, true, offsetof(struct header, kid), 1, OTTER_KID_SIZE - 1 },
	{ 0 },
};

/* The key that the header names, or NULL. Strict: an unknown header field (crit, jku, jwk, x5u, ...) is refused, not ignored. */
static const struct otter_signing_key *find_key(const struct otter_token_rules *rules, const json_t *json)
{
	struct header header = { 0 };
	struct otter_error ignored = { 0 };
	if (otter_json_read(json, header_fields, true, &header, &ignored) != OTTER_OK)
		return NULL;
	if (strcmp(header.alg, HS256) != 0 || strcmp(header.typ, "JWT") != 0)
		return NULL;
	for (size_t i = 0; i < rules->n_keys; i++)
		if (strcmp(rules->keys[i].kid, header.kid) == 0)
			return &rules->keys[i];
	return NULL;
}

static bool signature_holds(const struct otter_signing_key *key, const char *token)
{
	jwt_t *jwt = NULL;
	if (jwt_decode(&jwt, token, key->secret, OTTER_TOKEN_SECRET) != 0)
		return false;
	bool ours = jwt_get_alg(jwt) == JWT_ALG_HS256;
	jwt_free(jwt);
	return ours;
}

struct payload {
	const char *iss, *aud, *room, *sub, *name, *role, *jti;
	int64_t iat, exp, nbf;
};

#define TEXT(claim, needed, max) { #claim, OTTER_JSON_STRING, needed, offsetof(struct payload, claim), 1, max }
#define TIME(claim, needed) { #claim, OTTER_JSON_INTEGER, needed, offsetof(struct payload, claim), 1, OTTER_JSON_INTEGER_MAX }

static const struct otter_json_field payload_fields[] = {
	TEXT(iss, true, 128), TEXT(aud, true, 64), TEXT(room, true, 64), TEXT(sub, false, 128), TEXT(name, false, 256),
	TEXT(role, false, 16), TEXT(jti, true, 64), TIME(iat, true), TIME(exp, false), TIME(nbf, false), { 0 },
};

static enum otter_err judge_claims(const struct otter_token_rules *rules, const struct payload *p, struct otter_error *e)
{
	bool seat = strcmp(rules->audience, OTTER_AUDIENCE_SEAT) == 0;
	if (strcmp(p->iss, rules->iss) != 0 || strcmp(p->aud, rules->audience) != 0)
		return otter_fail(e, OTTER_TOKEN_INVALID, NULL);
	if (!g_str_has_prefix(p->room, "rm_")) /* an id: a name may mean another room tomorrow */
		return otter_fail(e, OTTER_TOKEN_INVALID, NULL);
	if (p->role != NULL && strcmp(p->role, "guest") != 0 && strcmp(p->role, "host") != 0)
		return otter_fail(e, OTTER_TOKEN_INVALID, NULL);
	if (p->name != NULL && !otter_text_displayable(p->name, 64))
		return otter_fail(e, OTTER_TOKEN_INVALID, NULL);
	if (seat ? p->sub == NULL : p->exp == 0) /* a seat token ends with its seat; every other token has an end of its own */
		return otter_fail(e, OTTER_TOKEN_INVALID, NULL);
	if (p->exp != 0 && rules->now_s >= p->exp) /* RFC 7519, 4.1.4: "on or after" */
		return otter_fail(e, OTTER_TOKEN_EXPIRED, NULL);
	if (rules->now_s < p->nbf)
		return otter_fail(e, OTTER_NOT_YET_VALID, NULL);
	return OTTER_OK;
}

enum otter_err otter_token_verify(const struct otter_token_rules *rules, const char *token, struct otter_claims *out,
	struct otter_error *e)
{
	*out = (struct otter_claims){ 0 };
	if (token == NULL || token[0] == '\0')
		return otter_fail(e, OTTER_UNAUTHORIZED, "A token is needed: it stands in the room's url behind #token=, and goes as 'Authorization: Bearer TOKEN' or as 'token' of a join.");
	const char *first = NULL, *second = NULL;
	if (strnlen(token, OTTER_TOKEN_MAX + 1) <= OTTER_TOKEN_MAX)
		first = strchr(token, '.');
	if (first != NULL)
		second = strchr(first + 1, '.');
	if (second == NULL || strchr(second + 1, '.') != NULL || !otter_text_made_of(second + 1, BASE64URL, 43, 43))
		return otter_fail(e, OTTER_TOKEN_INVALID, NULL); /* HS256: 32 bytes are 43 characters */

	json_auto_t *header = decode_part(token, (size_t)(first - token));
	const struct otter_signing_key *key = header != NULL ? find_key(rules, header) : NULL;
	if (key == NULL || !signature_holds(key, token))
		return otter_fail(e, OTTER_TOKEN_INVALID, NULL);

	json_auto_t *json = decode_part(first + 1, (size_t)(second - first - 1));
	struct payload p = { 0 };
	struct otter_error ignored = { 0 };
	if (json == NULL || otter_json_read(json, payload_fields, false, &p, &ignored) != OTTER_OK)
		return otter_fail(e, OTTER_TOKEN_INVALID, NULL);
	enum otter_err err = judge_claims(rules, &p, e);
	if (err != OTTER_OK)
		return err;
	*out = (struct otter_claims){ .room = g_strdup(p.room), .sub = g_strdup(p.sub), .name = g_strdup(p.name),
		.role = g_strdup(p.role), .jti = g_strdup(p.jti), .iat_s = p.iat, .exp_s = p.exp, .nbf_s = p.nbf };
	return OTTER_OK;
}
