/* SPDX-License-Identifier: GPL-3.0-or-later
 * API keys. */
#include "fuzz.h"

#include "core/key.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	char id[OTTER_KEY_ID + 1];
	struct otter_key_record record = { 0 };
	if (otter_key_parse(text, id))
		MUST(strlen(id) == OTTER_KEY_ID && strncmp(text + 4, id, OTTER_KEY_ID) == 0);
	MUST(!otter_key_matches(&record, text, 0));
	return 0;
}
