/* SPDX-License-Identifier: GPL-3.0-or-later
 * Hashes and keyed hashes, from GLib. */
#ifndef OTTER_DIGEST_H
#define OTTER_DIGEST_H

#include <stddef.h>

#define OTTER_SHA256_SIZE 32

void otter_sha256(const void *data, size_t len, unsigned char out[OTTER_SHA256_SIZE]);
void otter_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, unsigned char out[OTTER_SHA256_SIZE]);

/* Base64 of HMAC-SHA1 over a text, the form that TURN (RFC 8656 with the REST memo) and Janus' signed tokens share.
 * New string. */
char *otter_hmac_sha1_base64(const char *key, const char *text);

/* Overwrite a secret before it is freed; never optimised away. */
void otter_wipe(void *secret, size_t len);

#endif
