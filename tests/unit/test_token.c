/* SPDX-License-Identifier: GPL-3.0-or-later
 * JSON Web Tokens: what is accepted, and a museum of what is not. Forgeries are signed here by hand, with the right key, unless they say otherwise. */
#include "check.h"
#include "core/token.h"

#define NOW_S INT64_C(1795435200)
#define KID "sk_AAAAAAAAAAAAAAAAAAAA"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}"
#define WITH_HEADER(more) "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"" KID "\"," more "}"
#define PAYLOAD_BUT(rest) "{\"iss\":\"ot_1\",\"aud\":\"otter:join\",\"room\":\"rm_1\",\"jti\":\"jt_1\",\"iat\":1795435000," rest "}"
#define PAYLOAD PAYLOAD_BUT("\"exp\":1795435201")

static const struct otter_signing_key key = { .record = { .kid = KID, .active = true }, .secret = "0123456789abcdef0123456789abcde" };
static const struct otter_token_rules join_rules = { &key, 1, NULL, 0, "ot_1", OTTER_AUDIENCE_JOIN, NOW_S * 1000 };
static const struct otter_token_rules seat_rules = { &key, 1, NULL, 0, "ot_1", OTTER_AUDIENCE_SEAT, NOW_S * 1000 };

/* ---- forging ---- */

static char *base64url(const void *data, size_t n)
{
	char *text = g_base64_encode(data, n);
	g_strdelimit(text, "+", '-');
	g_strdelimit(text, "/", '_');
	text[strcspn(text, "=")] = '\0';
	return text;
}

static char *sign(const char *text, GChecksumType type)
{
	guint8 mac[64];
	gsize n = sizeof mac;
	GHmac *hmac = g_hmac_new(type, key.secret, sizeof key.secret);
	g_hmac_update(hmac, (const guchar *)text, -1);
	g_hmac_get_digest(hmac, mac, &n);
	g_hmac_unref(hmac);
	return base64url(mac, n);
}

/* Two parts as they are, and the signature that fits them. */
static char *seal(const char *header, const char *payload)
{
	g_autofree char *both = g_strconcat(header, ".", payload, NULL);
	g_autofree char *signature = sign(both, G_CHECKSUM_SHA256);
	return g_strconcat(both, ".", signature, NULL);
}

static char *forge(const char *header, const char *payload, GChecksumType type)
{
	g_autofree char *h = base64url(header, strlen(header)), *p = base64url(payload, strlen(payload));
	g_autofree char *both = g_strconcat(h, ".", p, NULL);
	g_autofree char *signature = sign(both, type);
	return g_strconcat(both, ".", signature, NULL);
}

static enum otter_err judge_by(const struct otter_token_rules *rules, const char *token)
{
	struct otter_claims claims;
	struct otter_error e = { 0 };
	enum otter_err err = otter_token_verify(rules, token, &claims, &e);
	g_assert_cmpint(err, ==, e.err);
	if (err != OTTER_OK) { /* nothing of a refused token is handed on */
		g_assert_null(claims.room);
		g_assert_null(claims.sub);
		g_assert_cmpint(claims.exp_s, ==, 0);
	}
	otter_claims_clear(&claims);
	return err;
}

/* Takes `token`. */
static enum otter_err judge(char *token)
{
	enum otter_err err = judge_by(&join_rules, token);
	g_free(token);
	return err;
}

static enum otter_err judge_payload(const char *payload)
{
	return judge(forge(HEADER, payload, G_CHECKSUM_SHA256));
}

/* ---- what is accepted ---- */

static char *our_own(const char *audience)
{
	struct otter_claims claims = { .room = (char *)"rm_1",
		.sub = (char *)"ann",
		.name = (char *)"Änn",
		.role = (char *)"host",
		.jti = (char *)"jt_1",
		.iat_s = NOW_S,
		.exp_s = NOW_S + 60,
		.nbf_s = NOW_S };
	return otter_token_sign(&key, "ot_1", audience, &claims);
}

static void what_is_signed_here_is_accepted_with_all_its_claims(void)
{
	g_autofree char *token = our_own(OTTER_AUDIENCE_JOIN);
	struct otter_claims claims;
	struct otter_error e = { 0 };
	g_assert_cmpint(otter_token_verify(&join_rules, token, &claims, &e), ==, OTTER_OK);
	g_assert_cmpstr(claims.room, ==, "rm_1");
	g_assert_cmpstr(claims.sub, ==, "ann");
	g_assert_cmpstr(claims.name, ==, "Änn");
	g_assert_cmpstr(claims.role, ==, "host");
	g_assert_cmpstr(claims.jti, ==, "jt_1");
	g_assert_cmpint(claims.iat_s, ==, NOW_S);
	g_assert_cmpint(claims.exp_s, ==, NOW_S + 60);
	g_assert_cmpint(claims.nbf_s, ==, NOW_S);
	otter_claims_clear(&claims);
}

static void a_token_made_by_hand_is_accepted(void)
{
	g_assert_cmpint(judge_payload(PAYLOAD), ==, OTTER_OK); /* so the forgeries below fail for their own reason alone */
}

static void unknown_claims_are_ignored(void)
{
	g_assert_cmpint(judge_payload(PAYLOAD_BUT("\"exp\":1795435201,\"more\":{\"a\":[1]}")), ==, OTTER_OK);
}

static void a_key_that_only_verifies_verifies(void)
{
	struct otter_signing_key retired = key;
	retired.record.active = false;
	retired.record.verify_until_ms = NOW_S * 1000 + 1;
	struct otter_token_rules rules = join_rules;
	rules.keys = &retired;
	g_autofree char *token = our_own(OTTER_AUDIENCE_JOIN);
	g_assert_cmpint(judge_by(&rules, token), ==, OTTER_OK);
	retired.record.verify_until_ms = NOW_S * 1000;
	g_assert_cmpint(judge_by(&rules, token), ==, OTTER_TOKEN_INVALID);
}

static void the_kid_chooses_the_key(void)
{
	struct otter_signing_key two[2] = { { .record = { .kid = "sk_BBBBBBBBBBBBBBBBBBBB", .active = true }, .secret = "other" }, key };
	struct otter_token_rules rules = join_rules;
	rules.keys = two;
	rules.n_keys = 2;
	g_autofree char *token = our_own(OTTER_AUDIENCE_JOIN);
	g_assert_cmpint(judge_by(&rules, token), ==, OTTER_OK);
	g_autofree char *mislabelled = forge("{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"sk_BBBBBBBBBBBBBBBBBBBB\"}", PAYLOAD, G_CHECKSUM_SHA256);
	g_assert_cmpint(judge_by(&rules, mislabelled), ==, OTTER_TOKEN_INVALID);
	rules.n_keys = 0;
	g_assert_cmpint(judge_by(&rules, token), ==, OTTER_TOKEN_INVALID);
}

/* ---- time ---- */

static void a_token_ends_at_exactly_its_exp(void)
{
	g_assert_cmpint(judge_payload(PAYLOAD_BUT("\"exp\":1795435201")), ==, OTTER_OK);
	g_assert_cmpint(judge_payload(PAYLOAD_BUT("\"exp\":1795435200")), ==, OTTER_TOKEN_EXPIRED);
	g_assert_cmpint(judge_payload(PAYLOAD_BUT("\"exp\":1")), ==, OTTER_TOKEN_EXPIRED);
}

static void a_token_starts_at_exactly_its_nbf(void)
{
	g_assert_cmpint(judge_payload(PAYLOAD_BUT("\"exp\":1795439999,\"nbf\":1795435200")), ==, OTTER_OK);
	g_assert_cmpint(judge_payload(PAYLOAD_BUT("\"exp\":1795439999,\"nbf\":1795435201")), ==, OTTER_NOT_YET_VALID);
}

static void expired_is_said_only_when_the_signature_held(void)
{
	g_autofree char *token = forge(HEADER, PAYLOAD_BUT("\"exp\":1795435200"), G_CHECKSUM_SHA256);
	size_t n = strlen(token);
	token[n - 10] = token[n - 10] == 'A' ? 'B' : 'A';
	g_assert_cmpint(judge_by(&join_rules, token), ==, OTTER_TOKEN_INVALID);
}

static void expired_goes_before_not_yet_valid(void)
{
	g_assert_cmpint(judge_payload(PAYLOAD_BUT("\"exp\":1795435200,\"nbf\":1795435300")), ==, OTTER_TOKEN_EXPIRED);
}

static void times_that_are_no_numbers_are_refused(void)
{
	static const char *const rests[] = { "\"exp\":\"1795439999\"", "\"exp\":1795439999.0", "\"exp\":1.8e9", "\"exp\":1e400", "\"exp\":-1", "\"exp\":0",
		"\"exp\":null", "\"exp\":true", "\"exp\":[1795439999]", "\"exp\":{}", "\"exp\":9223372036854775807", "\"exp\":9223372036854775808",
		"\"exp\":9007199254740992", "\"exp\":1795439999,\"nbf\":\"1795435000\"", "\"exp\":1795439999,\"nbf\":1e3", "\"exp\":1795439999,\"nbf\":-5",
		"\"exp\":1795439999,\"nbf\":0", "\"x\":1", "\"exp\":1795439999,\"exp\":1795439999", "\"exp\":1,\"exp\":1795439999",
		"\"exp\":1795439999,\"room\":\"rm_2\"" };
	for (size_t i = 0; i < G_N_ELEMENTS(rests); i++) {
		g_autofree char *payload = g_strdup_printf(PAYLOAD_BUT("%s"), rests[i]);
		g_test_message("%s", rests[i]);
		g_assert_cmpint(judge_payload(payload), ==, OTTER_TOKEN_INVALID);
	}
}

static void iat_must_be_a_time(void)
{
	g_assert_cmpint(judge_payload("{\"iss\":\"ot_1\",\"aud\":\"otter:join\",\"room\":\"rm_1\",\"jti\":\"j\",\"exp\":1795439999}"), ==, OTTER_TOKEN_INVALID);
	g_assert_cmpint(judge_payload("{\"iss\":\"ot_1\",\"aud\":\"otter:join\",\"room\":\"rm_1\",\"jti\":\"j\",\"exp\":1795439999,\"iat\":\"1\"}"), ==,
		OTTER_TOKEN_INVALID);
}

/* ---- algorithms and headers ---- */

static void hs384_and_hs512_are_refused_under_an_hs256_key(void)
{
	g_assert_cmpint(judge(forge("{\"alg\":\"HS384\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}", PAYLOAD, G_CHECKSUM_SHA384)), ==, OTTER_TOKEN_INVALID);
	g_assert_cmpint(judge(forge("{\"alg\":\"HS512\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}", PAYLOAD, G_CHECKSUM_SHA512)), ==, OTTER_TOKEN_INVALID);
	g_assert_cmpint(judge(forge(HEADER, PAYLOAD, G_CHECKSUM_SHA384)), ==, OTTER_TOKEN_INVALID);
	g_assert_cmpint(judge(forge("{\"alg\":\"HS512\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}", PAYLOAD, G_CHECKSUM_SHA256)), ==, OTTER_TOKEN_INVALID);
}

static void headers_that_are_not_exactly_ours_are_refused(void)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}",
		"{\"alg\":\"None\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}",
		"{\"alg\":\"nOnE\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}",
		"{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}",
		"{\"alg\":\"hs256\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}",
		"{\"alg\":\"HS256 \",\"typ\":\"JWT\",\"kid\":\"" KID "\"}",
		"{\"alg\":null,\"typ\":\"JWT\",\"kid\":\"" KID "\"}",
		"{\"alg\":[\"HS256\"],\"typ\":\"JWT\",\"kid\":\"" KID "\"}",
		"{\"typ\":\"JWT\",\"kid\":\"" KID "\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\",\"kid\":\"" KID "\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWE\",\"kid\":\"" KID "\"}",
		"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"" KID "\"}",
		"{\"alg\":\"HS256\",\"typ\":\"jwt\",\"kid\":\"" KID "\"}",
		WITH_HEADER("\"crit\":[\"exp\"]"),
		WITH_HEADER("\"crit\":[]"),
		WITH_HEADER("\"jku\":\"https://evil.example\""),
		WITH_HEADER("\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}"),
		WITH_HEADER("\"x5u\":\"https://evil.example\""),
		WITH_HEADER("\"cty\":\"JWT\""),
		WITH_HEADER("\"zip\":\"DEF\""),
		WITH_HEADER("\"alg\":\"HS256\""),
		WITH_HEADER("\"alg\":\"none\""),
		WITH_HEADER("\"kid\":\"" KID "\""),
		"{\"alg\":\"none\",\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"../../../../dev/null\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"/dev/null\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"x' UNION SELECT 'k\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"" KID "A\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"sk_\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"" KID "\\u0000\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":1}",
		"[]",
		"null",
		"\"HS256\"",
		"{}",
		"{",
		"",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}{}",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
		g_test_message("%s", headers[i]);
		g_assert_cmpint(judge(forge(headers[i], PAYLOAD, G_CHECKSUM_SHA256)), ==, OTTER_TOKEN_INVALID);
	}
}

static void none_without_a_signature_is_refused(void)
{
	g_autofree char *h =
		base64url("{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}", strlen("{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"" KID "\"}"));
	g_autofree char *p = base64url(PAYLOAD, strlen(PAYLOAD));
	g_assert_cmpint(judge(g_strconcat(h, ".", p, ".", NULL)), ==, OTTER_TOKEN_INVALID);
	g_assert_cmpint(judge(g_strconcat(h, ".", p, NULL)), ==, OTTER_TOKEN_INVALID);
}

/* ---- claims ---- */

static void a_token_of_another_deployment_is_refused(void)
{
	g_assert_cmpint(judge_payload("{\"iss\":\"ot_2\",\"aud\":\"otter:join\",\"room\":\"rm_1\",\"jti\":\"j\",\"iat\":1,\"exp\":1795439999}"), ==,
		OTTER_TOKEN_INVALID);
	g_assert_cmpint(judge_payload("{\"iss\":\"ot_1x\",\"aud\":\"otter:join\",\"room\":\"rm_1\",\"jti\":\"j\",\"iat\":1,\"exp\":1795439999}"), ==,
		OTTER_TOKEN_INVALID);
	g_assert_cmpint(judge_payload("{\"iss\":[\"ot_1\"],\"aud\":\"otter:join\",\"room\":\"rm_1\",\"jti\":\"j\",\"iat\":1,\"exp\":1795439999}"), ==,
		OTTER_TOKEN_INVALID);
}

static void a_token_for_another_audience_is_refused(void)
{
	g_assert_cmpint(judge_payload("{\"iss\":\"ot_1\",\"aud\":\"otter:admin\",\"room\":\"rm_1\",\"jti\":\"j\",\"iat\":1,\"exp\":1795439999}"), ==,
		OTTER_TOKEN_INVALID);
	g_assert_cmpint(judge_payload("{\"iss\":\"ot_1\",\"aud\":[\"otter:join\"],\"room\":\"rm_1\",\"jti\":\"j\",\"iat\":1,\"exp\":1795439999}"), ==,
		OTTER_TOKEN_INVALID);
	g_assert_cmpint(judge_payload("{\"iss\":\"ot_1\",\"room\":\"rm_1\",\"jti\":\"j\",\"iat\":1,\"exp\":1795439999}"), ==, OTTER_TOKEN_INVALID);
}

static void a_seat_token_does_not_join_and_a_join_token_does_not_resume(void)
{
	g_autofree char *join = our_own(OTTER_AUDIENCE_JOIN), *seat = our_own(OTTER_AUDIENCE_SEAT);
	g_assert_cmpint(judge_by(&join_rules, join), ==, OTTER_OK);
	g_assert_cmpint(judge_by(&seat_rules, seat), ==, OTTER_OK);
	g_assert_cmpint(judge_by(&join_rules, seat), ==, OTTER_TOKEN_INVALID);
	g_assert_cmpint(judge_by(&seat_rules, join), ==, OTTER_TOKEN_INVALID);
}

static void only_a_seat_token_may_have_no_end_and_it_names_its_participant(void)
{
	struct otter_claims claims = { .room = (char *)"rm_1", .sub = (char *)"pt_1", .jti = (char *)"pt_1", .iat_s = NOW_S };
	g_autofree char *seat = otter_token_sign(&key, "ot_1", OTTER_AUDIENCE_SEAT, &claims);
	g_assert_cmpint(judge_by(&seat_rules, seat), ==, OTTER_OK);
	g_autofree char *join = otter_token_sign(&key, "ot_1", OTTER_AUDIENCE_JOIN, &claims);
	g_assert_cmpint(judge_by(&join_rules, join), ==, OTTER_TOKEN_INVALID);
	claims.sub = NULL;
	g_autofree char *nobody = otter_token_sign(&key, "ot_1", OTTER_AUDIENCE_SEAT, &claims);
	g_assert_cmpint(judge_by(&seat_rules, nobody), ==, OTTER_TOKEN_INVALID);
}

static void claims_of_a_wrong_shape_are_refused(void)
{
	static const char *const rests[] = { "\"role\":\"admin\"", "\"role\":\"\"", "\"role\":[\"host\"]", "\"name\":\"a\\nb\"", "\"name\":\"\\u202Egnp\"",
		"\"sub\":1", "\"sub\":\"\"", "\"name\":\"\\u0000\"" };
	for (size_t i = 0; i < G_N_ELEMENTS(rests); i++) {
		g_autofree char *payload = g_strdup_printf(PAYLOAD_BUT("\"exp\":1795439999,%s"), rests[i]);
		g_test_message("%s", rests[i]);
		g_assert_cmpint(judge_payload(payload), ==, OTTER_TOKEN_INVALID);
	}
	static const char *const payloads[] = { "", "{}", "[]", "null", "7", "{\"iss\":", "{\"iss\":\"ot_1\"}", "\xff\xfe{}" };
	for (size_t i = 0; i < G_N_ELEMENTS(payloads); i++)
		g_assert_cmpint(judge_payload(payloads[i]), ==, OTTER_TOKEN_INVALID);
}

/* ---- form and signature ---- */

static void no_token_is_unauthorized(void)
{
	g_assert_cmpint(judge_by(&join_rules, NULL), ==, OTTER_UNAUTHORIZED);
	g_assert_cmpint(judge_by(&join_rules, ""), ==, OTTER_UNAUTHORIZED);
}

static void a_forged_signature_of_the_right_length_is_refused(void)
{
	g_autofree char *token = our_own(OTTER_AUDIENCE_JOIN);
	char *signature = strrchr(token, '.') + 1; /* CVE-2024-25189: half of its fix accepted any 43 characters here */
	size_t n = strlen(signature);
	memset(signature, 'A', n);
	g_assert_cmpint(judge_by(&join_rules, token), ==, OTTER_TOKEN_INVALID);
	for (size_t i = 0; i < n; i++) {
		g_autofree char *near = our_own(OTTER_AUDIENCE_JOIN);
		char *c = strrchr(near, '.') + 1 + i;
		*c = *c == 'A' ? 'Q' : 'A';
		g_assert_cmpint(judge_by(&join_rules, near), ==, OTTER_TOKEN_INVALID);
	}
}

static void the_signature_of_another_token_is_refused(void)
{
	g_autofree char *one = forge(HEADER, PAYLOAD, G_CHECKSUM_SHA256), *two = our_own(OTTER_AUDIENCE_JOIN);
	memcpy(strrchr(one, '.'), strrchr(two, '.'), 44);
	g_assert_cmpint(judge_by(&join_rules, one), ==, OTTER_TOKEN_INVALID);
}

static void a_token_signed_with_another_key_is_refused(void)
{
	struct otter_signing_key other = key;
	other.secret[31] ^= 1;
	struct otter_token_rules rules = join_rules;
	rules.keys = &other;
	g_autofree char *token = our_own(OTTER_AUDIENCE_JOIN);
	g_assert_cmpint(judge_by(&rules, token), ==, OTTER_TOKEN_INVALID);
}

static void a_changed_payload_is_refused(void)
{
	g_autofree char *token = forge(HEADER, PAYLOAD, G_CHECKSUM_SHA256);
	char *payload = strchr(token, '.') + 1;
	for (char *p = payload; *p != '.'; p++) {
		char was = *p;
		*p = was == 'A' ? 'B' : 'A';
		g_assert_cmpint(judge_by(&join_rules, token), ==, OTTER_TOKEN_INVALID);
		*p = was;
	}
}

static void every_truncation_is_refused(void)
{
	g_autofree char *token = our_own(OTTER_AUDIENCE_JOIN);
	for (size_t n = strlen(token) - 1; n > 0; n--) {
		token[n] = '\0';
		g_assert_cmpint(judge_by(&join_rules, token), ==, OTTER_TOKEN_INVALID);
	}
}

static void anything_around_a_token_is_refused(void)
{
	g_autofree char *token = our_own(OTTER_AUDIENCE_JOIN);
	static const char *const around[][2] = { { "", "=" }, { "", "A" }, { "", "." }, { "", ".AAAA" }, { "", "\n" }, { " ", "" }, { "", " " }, { ".", "" },
		{ "A", "" }, { "Bearer ", "" } };
	for (size_t i = 0; i < G_N_ELEMENTS(around); i++)
		g_assert_cmpint(judge(g_strconcat(around[i][0], token, around[i][1], NULL)), ==, OTTER_TOKEN_INVALID);
	static const char *const shapes[] = { ".", "..", "...", "a.b.c", "....", "a..b", "é.é.é" };
	for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++)
		g_assert_cmpint(judge_by(&join_rules, shapes[i]), ==, OTTER_TOKEN_INVALID);
}

/* A token has one spelling. These are signed over their odd spelling, so that only the reading refuses them. */
static void other_spellings_of_base64_are_refused(void)
{
	g_autofree char *h = base64url(HEADER, strlen(HEADER)), *p = base64url(PAYLOAD, strlen(PAYLOAD));
	g_autofree char *fits = seal(h, p);
	g_assert_cmpint(judge_by(&join_rules, fits), ==, OTTER_OK);

	const char *spaced_payload = PAYLOAD " "; /* a length that leaves stray bits */
	g_autofree char *payload = NULL;
	for (int spaces = 0; payload == NULL || strlen(payload) % 4 == 0; spaces++) {
		g_autofree char *text = g_strdup_printf("%s%*s", spaced_payload, spaces, "");
		g_free(payload);
		payload = base64url(text, strlen(text));
	}
	g_autofree char *canonical = seal(h, payload);
	g_assert_cmpint(judge_by(&join_rules, canonical), ==, OTTER_OK);
	g_autofree char *stray = g_strdup(payload);
	stray[strlen(stray) - 1]++; /* the next character of the alphabet: the same bytes, and a bit that means nothing */
	g_assert_cmpint(judge(seal(h, stray)), ==, OTTER_TOKEN_INVALID);
	g_autofree char *padded = g_strconcat(payload, strlen(payload) % 4 == 2 ? "==" : "=", NULL);
	g_assert_cmpint(judge(seal(h, padded)), ==, OTTER_TOKEN_INVALID);
	g_autofree char *broken = g_strconcat(p, "\n", NULL), *plus = g_strconcat("+", p + 1, NULL);
	g_assert_cmpint(judge(seal(h, broken)), ==, OTTER_TOKEN_INVALID);
	g_assert_cmpint(judge(seal(h, plus)), ==, OTTER_TOKEN_INVALID);
}

static void a_signature_with_stray_bits_is_refused(void)
{
	g_autofree char *token = our_own(OTTER_AUDIENCE_JOIN);
	char *last = token + strlen(token) - 1; /* 43 characters hold 258 bits: two of them mean nothing */
	*last = (char)(*last + 1);
	g_assert_cmpint(judge_by(&join_rules, token), ==, OTTER_TOKEN_INVALID);
}

static void tokens_above_4_kib_are_refused_before_anything_reads_them(void)
{
	g_autofree char *huge = g_strnfill(12 * 1024 * 1024, 'A'); /* crashes libjwt, which copies a token to the stack */
	huge[1000] = huge[2000] = '.';
	g_assert_cmpint(judge_by(&join_rules, huge), ==, OTTER_TOKEN_INVALID);
	g_autofree char *dots = g_strnfill(12 * 1024 * 1024, '.');
	g_assert_cmpint(judge_by(&join_rules, dots), ==, OTTER_TOKEN_INVALID);
}

static void a_token_of_exactly_4_kib_is_still_read(void)
{
	size_t filling = 1;
	for (;; filling++) {
		g_autofree char *x = g_strnfill(filling, 'x');
		g_autofree char *payload = g_strdup_printf(PAYLOAD_BUT("\"exp\":1795439999,\"x\":\"%s\""), x);
		g_autofree char *token = forge(HEADER, payload, G_CHECKSUM_SHA256);
		if (strlen(token) < 4090)
			continue;
		g_assert_cmpint(judge_by(&join_rules, token), ==, strlen(token) <= OTTER_TOKEN_MAX ? OTTER_OK : OTTER_TOKEN_INVALID);
		if (strlen(token) > OTTER_TOKEN_MAX)
			break;
	}
}

static void deep_nesting_is_refused(void)
{
	g_autofree char *open = g_strnfill(2500, '[');
	g_assert_cmpint(judge_payload(open), ==, OTTER_TOKEN_INVALID);
}

static const struct check checks[] = {
	{ "what is signed here is accepted, with all its claims", what_is_signed_here_is_accepted_with_all_its_claims },
	{ "a token made by hand is accepted", a_token_made_by_hand_is_accepted },
	{ "unknown claims are ignored", unknown_claims_are_ignored },
	{ "a key that only verifies verifies", a_key_that_only_verifies_verifies },
	{ "the kid chooses the key", the_kid_chooses_the_key },
	{ "a token ends at exactly its exp", a_token_ends_at_exactly_its_exp },
	{ "a token starts at exactly its nbf", a_token_starts_at_exactly_its_nbf },
	{ "expired is said only when the signature held", expired_is_said_only_when_the_signature_held },
	{ "expired goes before not yet valid", expired_goes_before_not_yet_valid },
	{ "times that are no numbers are refused", times_that_are_no_numbers_are_refused },
	{ "iat must be a time", iat_must_be_a_time },
	{ "HS384 and HS512 are refused under an HS256 key", hs384_and_hs512_are_refused_under_an_hs256_key },
	{ "headers that are not exactly ours are refused", headers_that_are_not_exactly_ours_are_refused },
	{ "none without a signature is refused", none_without_a_signature_is_refused },
	{ "a token of another deployment is refused", a_token_of_another_deployment_is_refused },
	{ "a token for another audience is refused", a_token_for_another_audience_is_refused },
	{ "a seat token does not join, and a join token does not resume", a_seat_token_does_not_join_and_a_join_token_does_not_resume },
	{ "only a seat token may have no end, and it names its participant", only_a_seat_token_may_have_no_end_and_it_names_its_participant },
	{ "claims of a wrong shape are refused", claims_of_a_wrong_shape_are_refused },
	{ "no token is unauthorized", no_token_is_unauthorized },
	{ "a forged signature of the right length is refused", a_forged_signature_of_the_right_length_is_refused },
	{ "the signature of another token is refused", the_signature_of_another_token_is_refused },
	{ "a token signed with another key is refused", a_token_signed_with_another_key_is_refused },
	{ "a changed payload is refused", a_changed_payload_is_refused },
	{ "every truncation is refused", every_truncation_is_refused },
	{ "anything around a token is refused", anything_around_a_token_is_refused },
	{ "other spellings of Base64 are refused", other_spellings_of_base64_are_refused },
	{ "a signature with stray bits is refused", a_signature_with_stray_bits_is_refused },
	{ "tokens above 4 KiB are refused before anything reads them", tokens_above_4_kib_are_refused_before_anything_reads_them },
	{ "a token of exactly 4 KiB is still read", a_token_of_exactly_4_kib_is_still_read },
	{ "deep nesting is refused", deep_nesting_is_refused },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "token", checks);
}
