/* SPDX-License-Identifier: GPL-3.0-or-later
 * API keys: otk_<id>_<secret>_<crc>. For an application's backend; shown once, only a hash of it is kept. */
#ifndef OTTER_KEY_H
#define OTTER_KEY_H

#include "digest.h"
#include "env.h"
#include "err.h"

#include <stdbool.h>

#define OTTER_KEY_ID 12     /* base62 characters */
#define OTTER_KEY_SECRET 43 /* base62 characters: 256 bits */
#define OTTER_KEY_CRC 6     /* base62 characters of CRC-32 (ISO 3309) over what stands before: tells a typing mistake, and scanners of leaked secrets */
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

#define OTTER_KEY_NAME_SIZE 257 /* 64 characters of UTF-8 + NUL */
#define OTTER_KEY_SECRETS 8     /* that one key may have at a time: the newest, and those that overlap */

/* What is kept of a key. Its text changes when it is rotated; its id does not. */
struct otter_key_record {
	char id[OTTER_KEY_ID + 1];
	char name[OTTER_KEY_NAME_SIZE];
	unsigned scopes; /* enum otter_scope, or-ed */
	int64_t created_ms;
	int64_t expires_ms; /* 0: never */
	int64_t used_ms;    /* the last time; 0: never */
	int64_t uses;
	int64_t version; /* of all but the uses; 1 when it is made */
	unsigned n_secrets;
	struct otter_key_secret {
		unsigned char hash[OTTER_SHA256_SIZE]; /* SHA-256 of the whole text: 256 random bits need no salt and no stretching */
		int64_t until_ms;                      /* 0: as long as the key; an older one: the end of its overlap */
	} secrets[OTTER_KEY_SECRETS];                  /* newest first */
};

/* What is asked of a rotation, and of a removal. `version` 0: whatever it is. */
struct otter_key_rotation {
	char id[OTTER_KEY_ID + 1];
	int64_t version, now_ms;
	int64_t overlap_until_ms; /* when the secrets that it has now end, at the latest */
	unsigned char hash[OTTER_SHA256_SIZE];
};
struct otter_key_removal {
	char id[OTTER_KEY_ID + 1];
	int64_t version, now_ms;
	bool force;
};

/* Make a key: the text, which is shown once, and the record. */
void otter_key_new(const struct otter_env *env, const char *name, unsigned scopes, char text[OTTER_KEY_SIZE], struct otter_key_record *record);

/* Make another text for the key `id`, and its hash. */
void otter_key_text(const struct otter_env *env, const char *id, char text[OTTER_KEY_SIZE], unsigned char hash[OTTER_SHA256_SIZE]);

/* Give it a new secret; those that it has end with the overlap, and what has ended is forgotten. conflict: too many overlap. */
enum otter_err otter_key_rotate(struct otter_key_record *record, const struct otter_key_rotation *rotation);

/* Until when a secret but the newest works: 0 if there is none. */
int64_t otter_key_overlap_until(const struct otter_key_record *record, int64_t now_ms);

/* It may administer keys, and has not expired. */
bool otter_key_administers(const struct otter_key_record *record, int64_t now_ms);

/* The shape and the checksum are right; writes the id. Says nothing about whether the key is known. */
bool otter_key_parse(const char *text, char id[OTTER_KEY_ID + 1]);

/* `text` is one of the key's texts that work at `now_ms`; compared in constant time. Says nothing about whether the key has expired. */
bool otter_key_matches(const struct otter_key_record *record, const char *text, int64_t now_ms);

#endif
