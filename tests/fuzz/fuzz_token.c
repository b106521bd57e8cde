/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tokens: the input as it is, and as the parts of a token whose signature holds. Input with a newline: header, newline, payload. */
#include "fuzz.h"

#include "core/digest.h"
#include "core/token.h"

#include <string.h>

static const struct otter_signing_key key = { .record = { .kid = "sk_AAAAAAAAAAAAAAAAAAAA", .active = true }, .secret = "0123456789abcdef0123456789abcde" };

/* A foreign issuer, so that its way is walked too (whose signature the fuzzer cannot make). */
static const struct otter_issuer_record foreign = { .id = "is_1",
	.issuer = "https://app.example",
	.audience = OTTER_AUDIENCE_JOIN,
	.alg = OTTER_ISSUER_ES256,
	.max_ttl_s = 3600,
	.public_key = "-----BEGIN PUBLIC KEY-----\n"
		      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAED24L8xzzUqR8eskz7mqqoIs1OA3s\n"
		      "9fpmNUJB+jvZShJiAssSCHEJHxsmbdfRRnQK5nAiBUQKX38NfPERbQrVQg==\n"
		      "-----END PUBLIC KEY-----\n" };
static const struct otter_issuer_record *const issuers[] = { &foreign };

static void judge(const char *token, const char *audience)
{
	const struct otter_token_rules rules = { &key, 1, issuers, G_N_ELEMENTS(issuers), "ot_1", audience, INT64_C(1795435200000) };
	struct otter_claims claims;
	struct otter_error e = { 0 };
	enum otter_err err = otter_token_verify(&rules, token, &claims, &e);
	MUST(err == e.err);
	MUST(err == OTTER_OK ? claims.room != NULL && claims.jti != NULL : claims.room == NULL && claims.jti == NULL);
	json_decref(otter_error_json(&e));
	otter_claims_clear(&claims);
}

static char *base64url(const void *data, size_t n)
{
	char *text = g_base64_encode(data, n);
	g_strdelimit(text, "+", '-');
	g_strdelimit(text, "/", '_');
	text[strcspn(text, "=")] = '\0';
	return text;
}

static char *seal(const char *header, size_t header_len, const char *payload)
{
	unsigned char mac[OTTER_SHA256_SIZE];
	g_autofree char *h = base64url(header, header_len), *p = base64url(payload, strlen(payload));
	g_autofree char *both = g_strconcat(h, ".", p, NULL);
	otter_hmac_sha256(key.secret, sizeof key.secret, both, strlen(both), mac);
	g_autofree char *signature = base64url(mac, sizeof mac);
	return g_strconcat(both, ".", signature, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	judge(text, OTTER_AUDIENCE_JOIN);
	const char *newline = strchr(text, '\n');
	if (newline == NULL)
		return 0;
	g_autofree char *token = seal(text, (size_t)(newline - text), newline + 1);
	judge(token, OTTER_AUDIENCE_JOIN);
	judge(token, OTTER_AUDIENCE_SEAT);
	return 0;
}
