/* SPDX-License-Identifier: GPL-3.0-or-later
 * Public keys of issuers. */
#include "fuzz.h"

#include "core/public_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	for (int alg = OTTER_ISSUER_ES256; alg <= OTTER_ISSUER_RS256; alg++) {
		struct otter_error e = { 0 };
		MUST(otter_public_key_check(text, (enum otter_issuer_alg)alg, &e) == e.err);
		MUST(e.err == OTTER_OK || e.message[0] != '\0');
	}
	return 0;
}
