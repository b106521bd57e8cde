/* SPDX-License-Identifier: GPL-3.0-or-later
 * Public keys of foreign issuers: the outer form of a SubjectPublicKeyInfo (RFC 5280, 4.1), read strictly. libjwt, which verifies with the key, tells
 * a bad key from a bad signature only by refusing both, so a mistake is better found here. */
#include "public_key.h"

#include <glib.h>
#include <string.h>

#define BEGIN "-----BEGIN PUBLIC KEY-----"
#define END "-----END PUBLIC KEY-----"
#define RSA_MIN_BYTES 256 /* 2048 bits: RFC 7518, 3.3 */
#define RSA_MAX_BYTES 512

enum { DER_INTEGER = 0x02, DER_BIT_STRING = 0x03, DER_SEQUENCE = 0x30 };

struct der {
	const guchar *at;
	gsize left;
};

/* Enter the next element, which must have this tag: what is in it. False if it is not there or not whole. */
static bool der_take(struct der *in, guchar tag, struct der *out)
{
	gsize header = 2, len;
	if (in->left < 2 || in->at[0] != tag)
		return false;
	len = in->at[1];
	if (len >= 0x80) { /* the long form; ours are below 64 kB */
		gsize bytes = len & 0x7f;
		if (bytes < 1 || bytes > 2 || in->left < 2 + bytes)
			return false;
		len = bytes == 1 ? in->at[2] : (gsize)in->at[2] << 8 | in->at[3];
		header += bytes;
	}
	if (in->left - header < len)
		return false;
	*out = (struct der){ in->at + header, len };
	in->at += header + len;
	in->left -= header + len;
	return true;
}

static bool der_is(const struct der *in, const guchar *bytes, gsize len)
{
	return in->left == len && memcmp(in->at, bytes, len) == 0;
}

/* The key's algorithm, and the key itself: the content of a BIT STRING without unused bits. */
static bool read_key_info(const guchar *bytes, gsize n, struct der *algorithm, struct der *key)
{
	struct der all = { bytes, n }, info;
	if (!der_take(&all, DER_SEQUENCE, &info) || all.left != 0)
		return false;
	if (!der_take(&info, DER_SEQUENCE, algorithm) || !der_take(&info, DER_BIT_STRING, key) || info.left != 0)
		return false;
	if (key->left < 1 || key->at[0] != 0)
		return false;
	key->at++;
	key->left--;
	return true;
}

static bool is_p256(const struct der *algorithm, const struct der *key)
{
	/* id-ecPublicKey, prime256v1 */
	static const guchar wanted[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
	return der_is(algorithm, wanted, sizeof wanted) && key->left == 65 && key->at[0] == 0x04;
}

static bool is_rsa(const struct der *algorithm, const struct der *key)
{
	/* rsaEncryption, NULL */
	static const guchar wanted[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
	struct der all = *key, numbers, modulus, exponent;
	if (!der_is(algorithm, wanted, sizeof wanted) || !der_take(&all, DER_SEQUENCE, &numbers) || all.left != 0)
		return false;
	if (!der_take(&numbers, DER_INTEGER, &modulus) || !der_take(&numbers, DER_INTEGER, &exponent) || numbers.left != 0)
		return false;
	gsize zero = modulus.left > 0 && modulus.at[0] == 0 ? 1 : 0; /* the sign */
	return modulus.left - zero >= RSA_MIN_BYTES && modulus.left - zero <= RSA_MAX_BYTES && exponent.left >= 1 && exponent.left <= 8;
}

/* What stands between the lines of a PEM, decoded: new, or NULL. */
static guchar *decode(const char *pem, gsize *n)
{
	while (g_ascii_isspace(*pem))
		pem++;
	if (!g_str_has_prefix(pem, BEGIN))
		return NULL;
	const char *begin = pem + strlen(BEGIN), *end = strstr(begin, END);
	if (end == NULL)
		return NULL;
	for (const char *after = end + strlen(END); *after != '\0'; after++)
		if (!g_ascii_isspace(*after))
			return NULL;
	g_autofree char *text = g_strndup(begin, (gsize)(end - begin));
	return g_base64_decode(text, n);
}

enum otter_err otter_public_key_check(const char *pem, enum otter_issuer_alg alg, struct otter_error *e)
{
	gsize n = 0;
	struct der algorithm, key;
	if (strstr(pem, "PRIVATE KEY") != NULL)
		return otter_fail_field(e, "public_key", "This is a private key: keep it, make a new pair, and send the public one (openssl pkey -pubout).");
	g_autofree guchar *bytes = decode(pem, &n);
	if (bytes == NULL || !read_key_info(bytes, n, &algorithm, &key))
		return otter_fail_field(e, "public_key", "'public_key' must be one PEM that begins with " BEGIN " (openssl pkey -pubout).");
	if (alg == OTTER_ISSUER_ES256 && !is_p256(&algorithm, &key))
		return otter_fail_field(e, "public_key", "ES256 needs a public key on the curve P-256 (prime256v1), uncompressed.");
	if (alg == OTTER_ISSUER_RS256 && !is_rsa(&algorithm, &key))
		return otter_fail_field(e, "public_key", "RS256 needs an RSA public key of 2048 to 4096 bits.");
	return OTTER_OK;
}
