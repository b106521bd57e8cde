/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where a client comes from: addresses, networks, and what proxies say about them. Pure functions. */
#ifndef OTTER_ADDRESS_H
#define OTTER_ADDRESS_H

#include "core/err.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define OTTER_ADDRESS_MAX 45 /* characters, of an address as text */

/* An IPv6 address, or an IPv4 address as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). All zero: none, as on a Unix socket. */
struct otter_address {
	uint8_t bytes[16];
};

/* Addresses that agree with `base` in its first `bits` bits. */
struct otter_network {
	struct otter_address base;
	unsigned bits; /* of 128: an IPv4 /8 is a /104 here */
};

bool otter_address_parse(const char *text, struct otter_address *out);                  /* no port, no brackets, no zone */
void otter_address_of_socket(const struct sockaddr *socket, struct otter_address *out); /* none unless it is IPv4 or IPv6 */
bool otter_address_is_none(const struct otter_address *address);
guint otter_address_hash(gconstpointer address); /* these two for a GHashTable */
gboolean otter_address_equal(gconstpointer a, gconstpointer b);

/* What is counted as one client: an IPv4 address, or the /64 of an IPv6 address, which is what one customer has at the least. */
struct otter_address otter_address_group(const struct otter_address *address);

/* "10.0.0.0/8", "fd00::/8", or an address for itself; bits of the address behind the prefix must be zero. */
bool otter_network_parse(const char *text, struct otter_network *out);
bool otter_network_has(const struct otter_network *network, const struct otter_address *address);

struct otter_proxies {
	struct otter_network *networks;
	size_t n;
};

/* Read a NULL-terminated list (NULL: empty); what is no network is named in `e`, and the list is empty then. Clear it after use. */
enum otter_err otter_proxies_init(struct otter_proxies *proxies, char *const *texts, struct otter_error *e);
void otter_proxies_clear(struct otter_proxies *proxies);
bool otter_proxies_have(const struct otter_proxies *proxies, const struct otter_address *address);

/* Who really asks. X-Forwarded-For (NULL: absent) is believed only as far as trusted proxies wrote it: from the right, the first entry
 * that is none of them. If the peer is none, or the header is not a list of addresses as far as it is read, it is the peer. */
struct otter_address otter_client_address(const struct otter_proxies *proxies, const struct otter_address *peer, const char *forwarded_for);

#endif
