/* SPDX-License-Identifier: GPL-3.0-or-later
 * Times: what is read can be written, and reads the same again. */
#include "fuzz.h"

#include "core/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	char written[OTTER_TIME_SIZE];
	int64_t ms, again;
	if (!otter_time_parse(text, &ms))
		return 0;
	otter_time_format(ms, written);
	MUST(otter_time_parse(written, &again) && again == ms);
	return 0;
}
