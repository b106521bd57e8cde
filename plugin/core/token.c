/* SPDX-License-Identifier: GPL-3.0-or-later
 * JSON Web Tokens: strict reading by us, signatures by libjwt. */
#include "token.h"

#include "digest.h"
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

char *otter_token_sign(const struct otter_signing_key *key, const char *iss, const char *audience, const struct otter_claims *claims)
{
	jwt_t *jwt = NULL;
	if (jwt_new(&jwt) != 0 || jwt_set_alg(jwt, JWT_ALG_HS256, key->secret, OTTER_TOKEN_SECRET) != 0)
		g_error("libjwt cannot make a token"); /* out of memory: aborts, as GLib does */
	jwt_add_header(jwt, "kid", key->record.kid);
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
	{ "kid", OTTER_JSON_STRING, false, offsetof(struct header, kid), 1, 64 },
	{ 0 },
};

/* Strict: an unknown header field (crit, jku, jwk, x5u, ...) is refused, not ignored. `out` borrows from `json`. */
static bool read_header(const json_t *json, struct header *out)
{
	struct otter_error ignored = { 0 };
	return otter_json_read(json, header_fields, true, out, &ignored) == OTTER_OK && strcmp(out->typ, "JWT") == 0;
}

/* ---- whose token it is: the algorithm belongs to the key, never to the token (RFC 8725, 3.1) ---- */

static const struct {
	const char *name;
	jwt_alg_t alg;
} issuer_algs[] = { [OTTER_ISSUER_ES256] = { "ES256", JWT_ALG_ES256 }, [OTTER_ISSUER_RS256] = { "RS256", JWT_ALG_RS256 } };

const char *otter_issuer_alg_name(enum otter_issuer_alg alg)
{
	return issuer_algs[alg].name;
}

/* libjwt verifies with the algorithm of the token's header: it must be the key's. */
static bool signature_holds(const char *token, jwt_alg_t alg, const void *key, size_t len)
{
	jwt_t *jwt = NULL;
	if (jwt_decode(&jwt, token, key, (int)len) != 0)
		return false;
	bool same = jwt_get_alg(jwt) == alg;
	jwt_free(jwt);
	return same;
}

static bool signed_by_us(const struct otter_token_rules *rules, const struct header *header, const char *token)
{
	if (strcmp(header->alg, HS256) != 0 || header->kid == NULL)
		return false;
	for (size_t i = 0; i < rules->n_keys; i++) {
		const struct otter_signing_key_record *key = &rules->keys[i].record;
		if (strcmp(key->kid, header->kid) == 0 && (key->active || rules->now_ms < key->verify_until_ms))
			return signature_holds(token, JWT_ALG_HS256, rules->keys[i].secret, OTTER_TOKEN_SECRET);
	}
	return false;
}

/* The issuer of that name whose key it was signed with: NULL if there is none. */
static const struct otter_issuer_record *signed_by(const struct otter_token_rules *rules, const struct header *header, const char *iss, const char *token)
{
	bool may_join = strcmp(rules->audience, OTTER_AUDIENCE_JOIN) == 0; /* issuers make nothing else */
	for (size_t i = 0; may_join && i < rules->n_issuers; i++) {
		const struct otter_issuer_record *issuer = rules->issuers[i];
		if (strcmp(issuer->issuer, iss) != 0 || strcmp(issuer_algs[issuer->alg].name, header->alg) != 0)
			continue;
		if (issuer->kid[0] != '\0' && g_strcmp0(issuer->kid, header->kid) != 0)
			continue;
		if (signature_holds(token, issuer_algs[issuer->alg].alg, issuer->public_key, strlen(issuer->public_key)))
			return issuer;
	}
	return NULL;
}

/* ---- what it says ---- */

struct payload {
	const char *iss, *aud, *room, *room_name, *sub, *name, *role, *jti;
	int64_t iat, exp, nbf;
};

/* clang-format off */
#define TEXT(claim, needed, max) { #claim, OTTER_JSON_STRING, needed, offsetof(struct payload, claim), 1, max }
#define TIME(claim, needed) { #claim, OTTER_JSON_INTEGER, needed, offsetof(struct payload, claim), 1, OTTER_JSON_INTEGER_MAX }
/* clang-format on */

static const struct otter_json_field payload_fields[] = { TEXT(iss, true, 128), TEXT(aud, true, 128), TEXT(room, false, 64), TEXT(room_name, false, 64),
	TEXT(sub, false, 128), TEXT(name, false, 256), TEXT(role, false, 16), TEXT(jti, false, 64), TIME(iat, true), TIME(exp, false), TIME(nbf, false),
	{ 0 } };

static bool is_role(const char *role)
{
	return role == NULL || strcmp(role, "guest") == 0 || strcmp(role, "host") == 0;
}

/* Of our own tokens. A room is an id: a name may mean another room tomorrow. */
static bool fits_our_own(const struct otter_token_rules *rules, const struct payload *p)
{
	bool seat = strcmp(rules->audience, OTTER_AUDIENCE_SEAT) == 0;
	if (strcmp(p->iss, rules->iss) != 0 || strcmp(p->aud, rules->audience) != 0 || p->jti == NULL)
		return false;
	if (p->room == NULL || !g_str_has_prefix(p->room, "rm_") || p->room_name != NULL)
		return false;
	return seat ? p->sub != NULL : p->exp != 0; /* a seat token ends with its seat; every other token has an end of its own */
}

/* Of a foreign one: one room, by id or name; a life as long as its issuer may give; made in the past. */
static bool fits_issuer(const struct otter_token_rules *rules, const struct otter_issuer_record *issuer, const struct payload *p)
{
	if (strcmp(p->aud, issuer->audience) != 0)
		return false;
	if ((p->room != NULL) == (p->room_name != NULL) || (p->room != NULL && !g_str_has_prefix(p->room, "rm_")))
		return false;
	if (p->room_name != NULL && g_str_has_prefix(p->room_name, "rm_"))
		return false;
	return p->exp != 0 && p->exp - p->iat <= issuer->max_ttl_s && p->iat <= rules->now_ms / 1000 + OTTER_TOKEN_LEEWAY_S;
}

static enum otter_err judge_times(const struct otter_token_rules *rules, const struct payload *p, bool foreign, struct otter_error *e)
{
	int64_t now_s = rules->now_ms / 1000;
	if (p->exp != 0 && now_s >= p->exp) /* RFC 7519, 4.1.4: "on or after" */
		return otter_fail(e, OTTER_TOKEN_EXPIRED, NULL);
	if (now_s + (foreign ? OTTER_TOKEN_LEEWAY_S : 0) < p->nbf)
		return otter_fail(e, OTTER_NOT_YET_VALID, NULL);
	return OTTER_OK;
}

/* What a token without jti is called: by what was signed. (Not by the signature: of ECDSA there are two for each.) New string. */
static char *name_by_content(const char *token, size_t len)
{
	unsigned char hash[OTTER_SHA256_SIZE];
	otter_sha256(token, len, hash);
	GString *jti = g_string_new("ft_");
	for (int i = 0; i < 12; i++)
		g_string_append_printf(jti, "%02x", hash[i]);
	return g_string_free(jti, FALSE);
}

/* The parts of a token; borrowed from it. False if it has not the form of one. */
struct parts {
	const char *header, *payload, *signature;
	size_t header_len, payload_len;
};

static bool split(const char *token, struct parts *out)
{
	if (strnlen(token, OTTER_TOKEN_MAX + 1) > OTTER_TOKEN_MAX)
		return false;
	const char *first = strchr(token, '.'), *second = first != NULL ? strchr(first + 1, '.') : NULL;
	if (second == NULL || !otter_text_made_of(second + 1, BASE64URL, 43, 683)) /* HS256 has 43 characters, ES256 86, RS256 342 to 683 */
		return false;
	*out = (struct parts){ token, first + 1, second + 1, (size_t)(first - token), (size_t)(second - first - 1) };
	return true;
}

/* Who signed it, and does all of it fit them? `json` is what `p` borrows from. */
static bool is_genuine(
	const struct otter_token_rules *rules, const char *token, const struct parts *parts, const struct header *header, const struct payload *p)
{
	if (strcmp(header->alg, HS256) == 0)
		return strlen(parts->signature) == 43 && signed_by_us(rules, header, token) && fits_our_own(rules, p);
	const struct otter_issuer_record *issuer = signed_by(rules, header, p->iss, token);
	return issuer != NULL && fits_issuer(rules, issuer, p);
}

enum otter_err otter_token_verify(const struct otter_token_rules *rules, const char *token, struct otter_claims *out, struct otter_error *e)
{
	*out = (struct otter_claims){ 0 };
	if (token == NULL || token[0] == '\0')
		return otter_fail(e, OTTER_UNAUTHORIZED,
			"A token is needed: it stands in the room's url behind #token=, and goes as 'Authorization: Bearer TOKEN' or as 'token' of a join.");
	struct parts parts;
	if (!split(token, &parts))
		return otter_fail(e, OTTER_TOKEN_INVALID, NULL);
	json_auto_t *head = decode_part(parts.header, parts.header_len), *json = decode_part(parts.payload, parts.payload_len);
	struct header header = { 0 };
	struct payload p = { 0 };
	struct otter_error ignored = { 0 };
	if (head == NULL || json == NULL || !read_header(head, &header) || otter_json_read(json, payload_fields, false, &p, &ignored) != OTTER_OK ||
		!is_genuine(rules, token, &parts, &header, &p) || !is_role(p.role) || (p.name != NULL && !otter_text_displayable(p.name, 64)))
		return otter_fail(e, OTTER_TOKEN_INVALID, NULL);
	bool foreign = strcmp(header.alg, HS256) != 0; /* is_genuine saw to that */
	enum otter_err err = judge_times(rules, &p, foreign, e);
	if (err != OTTER_OK)
		return err;
	*out = (struct otter_claims){ .room = g_strdup(p.room != NULL ? p.room : p.room_name),
		.by_name = p.room == NULL,
		.foreign = foreign,
		.sub = g_strdup(p.sub),
		.name = g_strdup(p.name),
		.role = g_strdup(p.role),
		.jti = p.jti != NULL ? g_strdup(p.jti) : name_by_content(token, (size_t)(parts.signature - token) - 1),
		.iat_s = p.iat,
		.exp_s = p.exp,
		.nbf_s = p.nbf };
	return OTTER_OK;
}
