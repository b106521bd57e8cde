/* SPDX-License-Identifier: GPL-3.0-or-later
 * API keys: otk_<id>_<secret>_<crc>. For an application's backend; shown once, only a hash of it is kept. */
#ifndef OTTER_KEY_H
#define OTTER_KEY_H

#include "digest.h"
#include "env.h"

#include <stdbool.h>

#define OTTER_KEY_ID 12      /* base62 characters */
#define OTTER_KEY_SECRET 43  /* base62 characters: 256 bits */
#define OTTER_KEY_CRC 6      /* base62 characters of CRC-32 (ISO 3309) over what stands before: tells a typing mistake, and scanners of leaked secrets */
#define OTTER_KEY_SIZE (4 + OTTER_KEY_ID + 1 + OTTER_KEY_SECRET + 1 + OTTER_KEY_CRC + 1)

/* What an API key may do. */
enum otter_scope {
	OTTER_SCOPE_ROOMS_READ = 1 << 0,
	OTTER_SCOPE_ROOMS_WRITE = 1 << 1,
	OTTER_SCOPE_TOKENS_MINT = 1 << 2,
	OTTER_SCOPE_KEYS_ADMIN = 1 << 3,
	OTTER_SCOPE_METRICS_READ = 1 << 4,
	OTTER_SCOPE_ALL = (1 << 5) - 1,
};

/* What is kept of a key. */
struct otter_key_record {
	char id[OTTER_KEY_ID + 1];
	char name[65];
	unsigned char hash[OTTER_SHA256_SIZE]; /* SHA-256 of the whole key: 256 random bits need no salt and no stretching */
	unsigned scopes;                       /* enum otter_scope, or-ed */
	int64_t created_ms;
};

/* Make a key: the text, which is shown once, and the record. */
void otter_key_new(const struct otter_env *env, const char *name, unsigned scopes, char text[OTTER_KEY_SIZE],
	struct otter_key_record *record);

/* The shape and the checksum are right; writes the id. Says nothing about whether the key is known. */
bool otter_key_parse(const char *text, char id[OTTER_KEY_ID + 1]);

/* `text` is the key of `record`; compared in constant time. */
bool otter_key_matches(const struct otter_key_record *record, const char *text);

#endif
