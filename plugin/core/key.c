/* SPDX-License-Identifier: GPL-3.0-or-later
 * API keys: making, reading, comparing. */
#include "key.h"

#include "id.h"

#include <glib.h>
#include <string.h>

#define PREFIX "otk_"
#define BEFORE_CRC (4 + OTTER_KEY_ID + 1 + OTTER_KEY_SECRET)

static uint32_t crc32(const char *data, size_t len)
{
	uint32_t crc = 0xFFFFFFFFu;
	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned char)data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
	}
	return ~crc;
}

static void write_crc(const char *text, char out[OTTER_KEY_CRC + 1])
{
	uint32_t crc = crc32(text, BEFORE_CRC);
	for (int i = OTTER_KEY_CRC - 1; i >= 0; i--, crc /= 62)
		out[i] = OTTER_BASE62[crc % 62];
	out[OTTER_KEY_CRC] = '\0';
}

void otter_key_text(const struct otter_env *env, const char *id, char text[OTTER_KEY_SIZE], unsigned char hash[OTTER_SHA256_SIZE])
{
	char secret[OTTER_KEY_SECRET + 1], crc[OTTER_KEY_CRC + 1];
	otter_base62_random(env, secret, OTTER_KEY_SECRET);
	g_snprintf(text, OTTER_KEY_SIZE, PREFIX "%s_%s_", id, secret);
	write_crc(text, crc);
	g_strlcat(text, crc, OTTER_KEY_SIZE);
	otter_sha256(text, strlen(text), hash);
	otter_wipe(secret, sizeof secret);
}

void otter_key_new(const struct otter_env *env, const char *name, unsigned scopes, char text[OTTER_KEY_SIZE], struct otter_key_record *record)
{
	*record = (struct otter_key_record){ .scopes = scopes, .created_ms = otter_wall_ms(env), .version = 1, .n_secrets = 1 };
	g_strlcpy(record->name, name, sizeof record->name);
	otter_base62_random(env, record->id, OTTER_KEY_ID);
	otter_key_text(env, record->id, text, record->secrets[0].hash);
}

static bool works(const struct otter_key_secret *secret, int64_t now_ms)
{
	return secret->until_ms == 0 || now_ms < secret->until_ms;
}

enum otter_err otter_key_rotate(struct otter_key_record *record, const struct otter_key_rotation *rotation)
{
	struct otter_key_secret kept[OTTER_KEY_SECRETS + 1] = { 0 };
	unsigned n = 1;
	memcpy(kept[0].hash, rotation->hash, sizeof kept[0].hash);
	for (unsigned i = 0; i < record->n_secrets; i++) {
		struct otter_key_secret *old = &record->secrets[i];
		int64_t until_ms = old->until_ms == 0 ? rotation->overlap_until_ms : MIN(old->until_ms, rotation->overlap_until_ms);
		if (until_ms > rotation->now_ms) {
			kept[n] = *old;
			kept[n++].until_ms = until_ms;
		}
	}
	if (n > OTTER_KEY_SECRETS)
		return OTTER_CONFLICT;
	memcpy(record->secrets, kept, sizeof record->secrets);
	record->n_secrets = n;
	record->version++;
	return OTTER_OK;
}

int64_t otter_key_overlap_until(const struct otter_key_record *record, int64_t now_ms)
{
	int64_t until_ms = 0;
	for (unsigned i = 1; i < record->n_secrets; i++)
		if (works(&record->secrets[i], now_ms))
			until_ms = MAX(until_ms, record->secrets[i].until_ms);
	return until_ms;
}

bool otter_key_administers(const struct otter_key_record *record, int64_t now_ms)
{
	return (record->scopes & OTTER_SCOPE_KEYS_ADMIN) != 0 && (record->expires_ms == 0 || now_ms < record->expires_ms);
}

bool otter_key_parse(const char *text, char id[OTTER_KEY_ID + 1])
{
	if (strlen(text) != OTTER_KEY_SIZE - 1 || strncmp(text, PREFIX, 4) != 0)
		return false;
	if (strspn(text + 4, OTTER_BASE62) != OTTER_KEY_ID || text[4 + OTTER_KEY_ID] != '_')
		return false;
	if (strspn(text + 5 + OTTER_KEY_ID, OTTER_BASE62) != OTTER_KEY_SECRET || text[BEFORE_CRC] != '_')
		return false;
	char crc[OTTER_KEY_CRC + 1];
	write_crc(text, crc);
	if (strcmp(crc, text + BEFORE_CRC + 1) != 0)
		return false;
	memcpy(id, text + 4, OTTER_KEY_ID);
	id[OTTER_KEY_ID] = '\0';
	return true;
}

bool otter_key_matches(const struct otter_key_record *record, const char *text, int64_t now_ms)
{
	unsigned char hash[OTTER_SHA256_SIZE];
	bool found = false;
	otter_sha256(text, strlen(text), hash);
	for (unsigned i = 0; i < record->n_secrets; i++)
		found |= otter_equal_constant_time(hash, record->secrets[i].hash, sizeof hash) && works(&record->secrets[i], now_ms);
	return found;
}
