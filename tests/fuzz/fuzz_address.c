/* SPDX-License-Identifier: GPL-3.0-or-later
 * X-Forwarded-For, from a peer who may be a proxy: "peer\nnetwork network ...\nheader". What comes out is the peer unless it is trusted, and never
 * an address that the header does not name. */
#include "fuzz.h"

#include "transports/address.h"

#include <string.h>

static bool is_named(const char *list, const struct otter_address *address)
{
	g_auto(GStrv) entries = g_strsplit(list, ",", -1);
	struct otter_address entry;
	for (char **text = entries; *text != NULL; text++)
		if (otter_address_parse(g_strstrip(*text), &entry) && otter_address_equal(&entry, address))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) parts = g_strsplit(text, "\n", 3);
	struct otter_address peer;
	struct otter_proxies proxies;
	if (g_strv_length(parts) < 3 || !otter_address_parse(parts[0], &peer))
		return 0;
	g_auto(GStrv) networks = g_strsplit(parts[1], " ", -1);
	if (otter_proxies_init(&proxies, networks, NULL) != OTTER_OK)
		return 0;
	for (size_t i = 0; i < proxies.n; i++)
		MUST(otter_network_has(&proxies.networks[i], &proxies.networks[i].base));
	struct otter_address client = otter_client_address(&proxies, &peer, parts[2]), group = otter_address_group(&client),
			     again = otter_address_group(&group);
	if (!otter_address_equal(&client, &peer)) {
		MUST(otter_proxies_have(&proxies, &peer));
		MUST(is_named(parts[2], &client));
	}
	MUST(otter_address_equal(&group, &again));
	otter_proxies_clear(&proxies);
	return 0;
}
