/* SPDX-License-Identifier: GPL-3.0-or-later
 * ICE candidates and SDP: besides surviving, what passes as hiding must hold no other related address, however a tolerant reader splits it. */
#include "fuzz.h"

#include "core/candidate.h"

#include <string.h>

/* As a browser reads it: any run of spaces separates, and after six fields come names and values. */
static void must_hide(const char *candidate)
{
	g_auto(GStrv) split = g_strsplit(candidate, " ", -1);
	g_autoptr(GPtrArray) fields = g_ptr_array_new();
	for (char **field = split; *field != NULL; field++)
		if ((*field)[0] != '\0')
			g_ptr_array_add(fields, *field);
	for (guint i = 6; i + 1 < fields->len; i += 2) {
		const char *name = fields->pdata[i], *value = fields->pdata[i + 1];
		MUST(g_ascii_strcasecmp(name, "raddr") != 0 || strcmp(value, "0.0.0.0") == 0 || strcmp(value, "::") == 0);
		MUST(g_ascii_strcasecmp(name, "typ") != 0 || strcmp(value, "relay") == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	if (otter_candidate_hides_address(text))
		must_hide(text);
	otter_sdp_hides_addresses(text);
	g_autofree char *sdp = g_strconcat("v=0\r\na=", text, "\r\n", NULL);
	otter_sdp_hides_addresses(sdp);
	return 0;
}
