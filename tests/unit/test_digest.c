/* SPDX-License-Identifier: GPL-3.0-or-later
 * Hashes and keyed hashes against published vectors. */
#include "check.h"
#include "core/digest.h"

static char *hex(const unsigned char *bytes)
{
	GString *text = g_string_new(NULL);
	for (int i = 0; i < OTTER_SHA256_SIZE; i++)
		g_string_append_printf(text, "%02x", bytes[i]);
	return g_string_free(text, FALSE);
}

static void sha256_is_that_of_fips_180(void)
{
	unsigned char out[OTTER_SHA256_SIZE];
	otter_sha256("abc", 3, out);
	g_autofree char *abc = hex(out);
	g_assert_cmpstr(abc, ==, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	otter_sha256("", 0, out);
	g_autofree char *nothing = hex(out);
	g_assert_cmpstr(nothing, ==, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void hmac_sha256_is_that_of_rfc_4231(void)
{
	unsigned char key[20], out[OTTER_SHA256_SIZE];
	memset(key, 0x0b, sizeof key);
	otter_hmac_sha256(key, sizeof key, "Hi There", 8, out);
	g_autofree char *one = hex(out);
	g_assert_cmpstr(one, ==, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	otter_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
	g_autofree char *two = hex(out);
	g_assert_cmpstr(two, ==, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void hmac_sha1_is_that_of_rfc_2202_in_base64(void)
{
	g_autofree char *mac = otter_hmac_sha1_base64("Jefe", "what do ya want for nothing?");
	g_assert_cmpstr(mac, ==, "7/zfauXrL6LSdBbV8YTfnCWafHk="); /* effcdf6ae5eb2fa2d27416d5f184df9c259a7c79 */
}

static void a_wiped_secret_is_gone(void)
{
	char secret[] = "secret";
	otter_wipe(secret, sizeof secret);
	for (size_t i = 0; i < sizeof secret; i++)
		g_assert_cmpint(secret[i], ==, 0);
}

static const struct check checks[] = {
	{ "SHA-256 is that of FIPS 180", sha256_is_that_of_fips_180 },
	{ "HMAC-SHA256 is that of RFC 4231", hmac_sha256_is_that_of_rfc_4231 },
	{ "HMAC-SHA1 is that of RFC 2202, in Base64", hmac_sha1_is_that_of_rfc_2202_in_base64 },
	{ "a wiped secret is gone", a_wiped_secret_is_gone },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "digest", checks);
}
