/* SPDX-License-Identifier: GPL-3.0-or-later
 * What an operator sets, and the values that hold otherwise. */
#include "settings.h"

#include <glib.h>
#include <string.h>

#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789.-_"
#define PORT_DIGITS 5

/* The length of "[...]" or of a name, 0 if it is neither. */
static size_t host_length(const char *host)
{
	if (host[0] != '[')
		return strspn(host, HOST_CHARACTERS);
	size_t n = 1 + strspn(host + 1, "0123456789abcdef:.");
	return n > 1 && host[n] == ']' ? n + 1 : 0;
}

bool otter_is_origin(const char *text)
{
	size_t scheme = g_str_has_prefix(text, "https://") ? strlen("https://") : g_str_has_prefix(text, "http://") ? strlen("http://") : 0;
	size_t host = scheme > 0 ? host_length(text + scheme) : 0;
	const char *port = text + scheme + host;
	if (host == 0)
		return false;
	if (port[0] == '\0')
		return true;
	size_t digits = port[0] == ':' ? strspn(port + 1, "0123456789") : 0;
	return digits > 0 && digits <= PORT_DIGITS && port[1 + digits] == '\0';
}

char *otter_origin_of(const char *url)
{
	const char *host = url != NULL ? strstr(url, "://") : NULL;
	return host != NULL ? g_ascii_strdown(url, (gssize)((size_t)(host - url) + 3 + strcspn(host + 3, "/?#; "))) : NULL;
}

static char **list_copy(char *const *list)
{
	static char *const none[] = { NULL };
	return g_strdupv((char **)(list != NULL ? list : none));
}

static int64_t or_default(int64_t value, int64_t otherwise)
{
	return value > 0 ? value : otherwise;
}

void otter_settings_copy(struct otter_settings *to, const struct otter_settings *from, const char *public_url)
{
	const struct otter_limits *l = &from->limits;
	*to = (struct otter_settings){
		.allowed_origins = list_copy(from->allowed_origins),
		.trusted_proxies = list_copy(from->trusted_proxies),
		.public_origin = otter_origin_of(public_url),
		.limits = { .key_requests_per_second = or_default(l->key_requests_per_second, OTTER_KEY_REQUESTS_PER_SECOND),
			.connections = or_default(l->connections, OTTER_CONNECTIONS),
			.connections_per_address = or_default(l->connections_per_address, OTTER_CONNECTIONS_PER_ADDRESS),
			.request_seconds = or_default(l->request_seconds, OTTER_REQUEST_S),
			.login_failures = or_default(l->login_failures, OTTER_LOGIN_FAILURES),
			.login_window = or_default(l->login_window, OTTER_LOGIN_WINDOW_S) },
	};
}

void otter_settings_clear(struct otter_settings *settings)
{
	g_strfreev(settings->allowed_origins);
	g_strfreev(settings->trusted_proxies);
	g_free(settings->public_origin);
	*settings = (struct otter_settings){ 0 };
}
