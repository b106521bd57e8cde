/* SPDX-License-Identifier: GPL-3.0-or-later
 * Public keys of foreign issuers. The keys below were made for this test alone. */
#include "check.h"
#include "core/public_key.h"

static const char p256[] = "-----BEGIN PUBLIC KEY-----\n"
			   "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAED24L8xzzUqR8eskz7mqqoIs1OA3s\n"
			   "9fpmNUJB+jvZShJiAssSCHEJHxsmbdfRRnQK5nAiBUQKX38NfPERbQrVQg==\n"
			   "-----END PUBLIC KEY-----\n";
static const char p256_compressed[] = "-----BEGIN PUBLIC KEY-----\n"
				      "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACD24L8xzzUqR8eskz7mqqoIs1OA3s\n"
				      "9fpmNUJB+jvZShI=\n"
				      "-----END PUBLIC KEY-----\n";
static const char p384[] = "-----BEGIN PUBLIC KEY-----\n"
			   "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEjnq41kQfe2X6MpiQ7sJyc4WS/vx4UmiO\n"
			   "oI7IBsVqy3v3XGU8lw6OhLX3w6D/LWyHMMrlOWMKsd6QJLDOUfwm3m5NKm21d/zc\n"
			   "n3saNHXaXsgAy9Fcqw0N3RR9eqKAkUd7\n"
			   "-----END PUBLIC KEY-----\n";
static const char ed25519[] = "-----BEGIN PUBLIC KEY-----\n"
			      "MCowBQYDK2VwAyEAJ40PwNjk5Qqj9lXJuzhUv0YxMyFfOIsFxfFQwjk0qBw=\n"
			      "-----END PUBLIC KEY-----\n";
static const char rsa_2048[] = "-----BEGIN PUBLIC KEY-----\n"
			       "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAx0TznQaQAbJrYw5PFOyH\n"
			       "LcIm2N69oOCOQKHRPfpMJiwpIc+59JSLb+UEQ5Ogkp6/OvJoSrGDg0ktOw3k4dMQ\n"
			       "LHqPXeW9Ik5Ky6uQYZriYSpt/jsL9kPn7jJgcnEi5IWzDX+9eyLJBXkuiPUKUnV8\n"
			       "ffmC6a0yYqHRIc0pXdmldJ1zZ39DlJ90Gjh5at29/VAMg5ypG8CILQ3SlTbW4BcE\n"
			       "jElwym8Z9haIPXDAVh5X0XeUkk2USTLJgEcaGdx3rbDgspMtIxX6YIxHbrc+BOyx\n"
			       "R2gHXgAQ+DtjGo7odSK6AXyDA/ls+NiY6dq81TIA4YA1Nz+UdCEuRTAtb7blnz+C\n"
			       "bwIDAQAB\n"
			       "-----END PUBLIC KEY-----\n";
static const char rsa_1024[] = "-----BEGIN PUBLIC KEY-----\n"
			       "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCxjCJJ9CDEj1nD/vvMah5yqLtM\n"
			       "Rd59wM6B6l4Du5L2lFD2+vZgslIQG95stLBMKBYA1hzLUEkPNtIOHcV1MTa2voo2\n"
			       "THsCLQWhunq/niOW+Xy0xuohSdAQeLRS9+AOqqc4YC2u9cLfgFLvQgcD29th2ZfS\n"
			       "++rlGQZVSn5Gop/2tQIDAQAB\n"
			       "-----END PUBLIC KEY-----\n";

static struct otter_error judge(const char *pem, enum otter_issuer_alg alg)
{
	struct otter_error e = { 0 };
	enum otter_err err = otter_public_key_check(pem, alg, &e);
	g_assert_cmpint(err, ==, e.err);
	g_assert_cmpstr(e.field, ==, err == OTTER_OK ? "" : "public_key");
	return e;
}

static void a_key_of_its_algorithm_is_taken(void)
{
	g_assert_cmpint(judge(p256, OTTER_ISSUER_ES256).err, ==, OTTER_OK);
	g_assert_cmpint(judge(rsa_2048, OTTER_ISSUER_RS256).err, ==, OTTER_OK);
	g_autofree char *spaced = g_strconcat("  \n", p256, "\n  ", NULL);
	g_assert_cmpint(judge(spaced, OTTER_ISSUER_ES256).err, ==, OTTER_OK);
}

static void a_key_of_another_kind_is_refused_with_words(void)
{
	g_assert_nonnull(strstr(judge(rsa_2048, OTTER_ISSUER_ES256).message, "P-256"));
	g_assert_nonnull(strstr(judge(p384, OTTER_ISSUER_ES256).message, "P-256"));
	g_assert_nonnull(strstr(judge(p256_compressed, OTTER_ISSUER_ES256).message, "uncompressed"));
	g_assert_nonnull(strstr(judge(ed25519, OTTER_ISSUER_ES256).message, "P-256"));
	g_assert_nonnull(strstr(judge(p256, OTTER_ISSUER_RS256).message, "RSA"));
	g_assert_nonnull(strstr(judge(rsa_1024, OTTER_ISSUER_RS256).message, "2048"));
}

static void a_private_key_is_refused_with_a_warning(void)
{
	g_assert_nonnull(strstr(judge("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", OTTER_ISSUER_ES256).message, "keep it"));
	g_assert_nonnull(strstr(judge("-----BEGIN EC PRIVATE KEY-----\nAAAA\n", OTTER_ISSUER_ES256).message, "keep it"));
}

static void what_is_no_pem_or_not_one_is_refused(void)
{
	g_autofree char *two = g_strconcat(p256, p256, NULL), *cut = g_strndup(p256, strlen(p256) - 10), *more = g_strconcat(p256, "x", NULL);
	static const char *const rows[] = { "", "tea", "-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-------END PUBLIC KEY-----",
		"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nMAAA\n-----END PUBLIC KEY-----",
		"-----BEGIN PUBLIC KEY-----\nMIQA\n-----END PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----" };
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_assert_cmpint(judge(rows[i], OTTER_ISSUER_RS256).err, ==, OTTER_INVALID_REQUEST);
	g_assert_cmpint(judge(two, OTTER_ISSUER_ES256).err, ==, OTTER_INVALID_REQUEST);
	g_assert_cmpint(judge(cut, OTTER_ISSUER_ES256).err, ==, OTTER_INVALID_REQUEST);
	g_assert_cmpint(judge(more, OTTER_ISSUER_ES256).err, ==, OTTER_INVALID_REQUEST);
}

/* Each byte of a good key wrong in turn, and each beginning of it: refused or taken, never more read than there is (the sanitizers watch). */
static void every_damage_is_survived(void)
{
	static const char *const keys[] = { p256, rsa_2048 };
	for (size_t k = 0; k < G_N_ELEMENTS(keys); k++)
		for (size_t i = 0; i < strlen(keys[k]); i++) {
			g_autofree char *damaged = g_strdup(keys[k]), *begun = g_strndup(keys[k], i);
			g_autofree char *ended = g_strconcat(begun, "\n-----END PUBLIC KEY-----\n", NULL);
			damaged[i] = damaged[i] == 'A' ? '/' : 'A';
			judge(damaged, OTTER_ISSUER_ES256);
			judge(damaged, OTTER_ISSUER_RS256);
			judge(ended, OTTER_ISSUER_RS256);
		}
}

static const struct check checks[] = {
	{ "a key of its algorithm is taken", a_key_of_its_algorithm_is_taken },
	{ "a key of another kind is refused with words", a_key_of_another_kind_is_refused_with_words },
	{ "a private key is refused with a warning", a_private_key_is_refused_with_a_warning },
	{ "what is no PEM, or not one, is refused", what_is_no_pem_or_not_one_is_refused },
	{ "every damage is survived", every_damage_is_survived },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "public_key", checks);
}
