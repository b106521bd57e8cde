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

void otter_key_new(const struct otter_env *env, const char *name, unsigned scopes, char text[OTTER_KEY_SIZE],
	struct otter_key_record *record)
{
	*record = (struct otter_key_record){ .scopes = scopes, .created_ms = otter_wall_ms(env) };
	g_strlcpy(record->name, name, sizeof record->name);
	otter_base62_random(env, record->id, OTTER_KEY_ID);
	char secret[OTTER_KEY_SECRET + 1], crc[OTTER_KEY_CRC + 1];
	otter_base62_random(env, secret, OTTER_KEY_SECRET);
	g_snprintf(text, OTTER_KEY_SIZE, PREFIX "%s_%s_", record->id, secret);
	write_crc(text, crc);
	g_strlcat(text, crc, OTTER_KEY_SIZE);
	otter_sha256(text, strlen(text), record->hash);
	otter_wipe(secret, sizeof secret);
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

bool otter_key_matches(const struct otter_key_record *record, const char *text)
{
	unsigned char hash[OTTER_SHA256_SIZE];
	otter_sha256(text, strlen(text), hash);
	return otter_equal_constant_time(hash, record->hash, sizeof hash);
}
