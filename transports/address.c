/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where a client comes from. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define ADDRESS_BITS 128u
#define V4_PREFIX_BITS 96u
#define V6_GROUP_BITS 64u
#define FORWARDED_MAX 32 /* entries that are looked at: no chain of proxies is longer */

static const uint8_t v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* ---- one address ---- */

static void set_v4(struct otter_address *out, const void *four)
{
	memcpy(out->bytes, v4_prefix, sizeof v4_prefix);
	memcpy(out->bytes + sizeof v4_prefix, four, 4);
}

static bool is_v4(const struct otter_address *address)
{
	return memcmp(address->bytes, v4_prefix, sizeof v4_prefix) == 0;
}

bool otter_address_parse(const char *text, struct otter_address *out)
{
	struct in_addr v4;
	if (strchr(text, ':') != NULL)
		return inet_pton(AF_INET6, text, out->bytes) == 1;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return false;
	set_v4(out, &v4);
	return true;
}

void otter_address_of_socket(const struct sockaddr *socket, struct otter_address *out)
{
	*out = (struct otter_address){ 0 };
	if (socket != NULL && socket->sa_family == AF_INET)
		set_v4(out, &((const struct sockaddr_in *)socket)->sin_addr);
	if (socket != NULL && socket->sa_family == AF_INET6)
		memcpy(out->bytes, &((const struct sockaddr_in6 *)socket)->sin6_addr, sizeof out->bytes);
}

bool otter_address_is_none(const struct otter_address *address)
{
	static const struct otter_address none;
	return otter_address_equal(address, &none);
}

guint otter_address_hash(gconstpointer address)
{
	const uint8_t *bytes = ((const struct otter_address *)address)->bytes;
	guint hash = 5381; /* djb2; the tables are bounded, so whoever chooses addresses to collide gains little */
	for (size_t i = 0; i < sizeof(struct otter_address); i++)
		hash = hash * 33 + bytes[i];
	return hash;
}

gboolean otter_address_equal(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, sizeof(struct otter_address)) == 0;
}

static struct otter_address first_bits(const struct otter_address *address, unsigned bits)
{
	struct otter_address masked = *address;
	if (bits < ADDRESS_BITS) {
		masked.bytes[bits / 8] &= (uint8_t)(0xff00u >> bits % 8);
		memset(masked.bytes + bits / 8 + 1, 0, sizeof masked.bytes - bits / 8 - 1);
	}
	return masked;
}

struct otter_address otter_address_group(const struct otter_address *address)
{
	return first_bits(address, is_v4(address) ? ADDRESS_BITS : V6_GROUP_BITS);
}

/* ---- networks ---- */

/* 0 to `most`, in decimal digits alone. */
static bool parse_bits(const char *text, unsigned most, unsigned *out)
{
	size_t n = strlen(text);
	if (n == 0 || n > 3 || strspn(text, "0123456789") != n || (n > 1 && text[0] == '0'))
		return false;
	*out = (unsigned)g_ascii_strtoull(text, NULL, 10);
	return *out <= most;
}

bool otter_network_parse(const char *text, struct otter_network *out)
{
	const char *slash = strchr(text, '/');
	g_autofree char *address = slash != NULL ? g_strndup(text, (gsize)(slash - text)) : g_strdup(text);
	unsigned before = strchr(address, ':') != NULL ? 0 : V4_PREFIX_BITS, bits = ADDRESS_BITS - before;
	if (!otter_address_parse(address, &out->base) || (slash != NULL && !parse_bits(slash + 1, ADDRESS_BITS - before, &bits)))
		return false;
	out->bits = before + bits;
	struct otter_address masked = first_bits(&out->base, out->bits);
	return otter_address_equal(&masked, &out->base);
}

bool otter_network_has(const struct otter_network *network, const struct otter_address *address)
{
	struct otter_address masked = first_bits(address, network->bits);
	return otter_address_equal(&masked, &network->base);
}

/* ---- proxies ---- */

enum otter_err otter_proxies_init(struct otter_proxies *proxies, char *const *texts, struct otter_error *e)
{
	size_t n = texts != NULL ? g_strv_length((char **)texts) : 0;
	*proxies = (struct otter_proxies){ .networks = g_new0(struct otter_network, n + 1), .n = n };
	for (size_t i = 0; i < n; i++)
		if (!otter_network_parse(texts[i], &proxies->networks[i])) {
			otter_proxies_clear(proxies);
			return otter_fail(e, OTTER_INVALID_REQUEST,
				"general.trusted_proxies: '%s' is no address or network: write it like \"10.1.2.3\" or \"10.0.0.0/8\".", texts[i]);
		}
	return OTTER_OK;
}

void otter_proxies_clear(struct otter_proxies *proxies)
{
	g_free(proxies->networks);
	*proxies = (struct otter_proxies){ 0 };
}

bool otter_proxies_have(const struct otter_proxies *proxies, const struct otter_address *address)
{
	for (size_t i = 0; i < proxies->n; i++)
		if (otter_network_has(&proxies->networks[i], address))
			return true;
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The address between two commas, with white space around it. */
static bool parse_entry(const char *start, const char *end, struct otter_address *out)
{
	char text[OTTER_ADDRESS_MAX + 1];
	while (start < end && is_blank(*start))
		start++;
	while (start < end && is_blank(end[-1]))
		end--;
	size_t n = (size_t)(end - start);
	if (n == 0 || n > OTTER_ADDRESS_MAX)
		return false;
	memcpy(text, start, n);
	text[n] = '\0';
	return otter_address_parse(text, out);
}

struct otter_address otter_client_address(const struct otter_proxies *proxies, const struct otter_address *peer, const char *forwarded_for)
{
	if (forwarded_for == NULL || !otter_proxies_have(proxies, peer))
		return *peer;
	const char *end = forwarded_for + strlen(forwarded_for);
	for (int i = 0; i < FORWARDED_MAX; i++) {
		const char *start = end;
		struct otter_address entry;
		while (start > forwarded_for && start[-1] != ',')
			start--;
		if (!parse_entry(start, end, &entry))
			return *peer;
		if (!otter_proxies_have(proxies, &entry))
			return entry;
		if (start == forwarded_for)
			return entry; /* nobody but proxies: the one that began */
		end = start - 1;
	}
	return *peer;
}
