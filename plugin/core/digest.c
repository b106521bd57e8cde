/* SPDX-License-Identifier: GPL-3.0-or-later
 * Hashes and keyed hashes, from GLib. */
#include "digest.h"

#include <glib.h>
#include <string.h>

void otter_sha256(const void *data, size_t len, unsigned char out[OTTER_SHA256_SIZE])
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize n = OTTER_SHA256_SIZE;
	g_checksum_update(sum, data, (gssize)len);
	g_checksum_get_digest(sum, out, &n);
}

void otter_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, unsigned char out[OTTER_SHA256_SIZE])
{
	GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA256, key, key_len);
	gsize n = OTTER_SHA256_SIZE;
	g_hmac_update(hmac, data, (gssize)len);
	g_hmac_get_digest(hmac, out, &n);
	g_hmac_unref(hmac);
}

char *otter_hmac_sha1_base64(const char *key, const char *text)
{
	guint8 out[20];
	gsize n = sizeof out;
	GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA1, (const guchar *)key, strlen(key));
	g_hmac_update(hmac, (const guchar *)text, (gssize)strlen(text));
	g_hmac_get_digest(hmac, out, &n);
	g_hmac_unref(hmac);
	return g_base64_encode(out, n);
}

void otter_wipe(void *secret, size_t len)
{
	explicit_bzero(secret, len);
}
