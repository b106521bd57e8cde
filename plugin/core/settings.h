/* SPDX-License-Identifier: GPL-3.0-or-later
 * What an operator sets and the faces ask the core for: whom they let in, and how much of it. */
#ifndef OTTER_SETTINGS_H
#define OTTER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

/* Each at least 1; 0 where a configuration is silent: then the value below holds. */
struct otter_limits {
	int64_t key_requests_per_second; /* of one API key */
	int64_t connections;             /* to REST and the web app, at a time */
	int64_t connections_per_address; /* of these from one network: an IPv4 address, or an IPv6 /64 */
	int64_t request_seconds;         /* for a whole request to arrive, and for its answer to leave */
	int64_t login_failures;          /* of one network in a window, before further ones are told to wait */
	int64_t login_window;            /* seconds */
};

#define OTTER_KEY_REQUESTS_PER_SECOND 50000 /* above what a benchmark on one machine reaches: an emergency brake */
#define OTTER_CONNECTIONS 2000
#define OTTER_CONNECTIONS_PER_ADDRESS 256
#define OTTER_REQUEST_S 15
#define OTTER_LOGIN_FAILURES 10 /* these two as Nextcloud's signaling server has them */
#define OTTER_LOGIN_WINDOW_S 1800

struct otter_settings {
	char **allowed_origins; /* NULL-terminated; never NULL once copied */
	char **trusted_proxies; /* the same: addresses and networks, as written */
	char *public_origin;    /* that of public_url, or NULL */
	struct otter_limits limits;
};

/* Is it written as a browser writes the Origin of a page: "https://calls.example.org" or with a port, lower case, nothing behind? */
bool otter_is_origin(const char *text);

/* "https://host:port/path" -> "https://host:port": new string, or NULL if it has no such beginning. */
char *otter_origin_of(const char *url);

/* Copies `from` with the values that hold where it is silent. Clear it after use. */
void otter_settings_copy(struct otter_settings *to, const struct otter_settings *from, const char *public_url);
void otter_settings_clear(struct otter_settings *settings);

#endif
