/* SPDX-License-Identifier: GPL-3.0-or-later
 * ICE candidates in relay rooms.
 *
 *   candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type> [raddr <address>] [rport <port>] [<name> <value>]...
 */
#include "candidate.h"

#include <glib.h>
#include <string.h>

#define FIELDS_BEFORE_TYP 6
#define LINE_MAX_BYTES 1024 /* a browser's are below 200 */

static bool hides(char **fields)
{
	guint n = g_strv_length(fields);
	if (n < FIELDS_BEFORE_TYP + 2 || strcmp(fields[FIELDS_BEFORE_TYP], "typ") != 0 || strcmp(fields[FIELDS_BEFORE_TYP + 1], "relay") != 0)
		return false;
	if (n % 2 != 0) /* what follows comes in pairs */
		return false;
	for (guint i = 0; i < n; i++)
		if (fields[i][0] == '\0') /* two spaces: who knows how a reader pairs the rest */
			return false;
	for (guint i = FIELDS_BEFORE_TYP + 2; i < n; i += 2) {
		if (g_ascii_strcasecmp(fields[i], "raddr") == 0 && strcmp(fields[i + 1], "0.0.0.0") != 0 && strcmp(fields[i + 1], "::") != 0)
			return false;
		if (g_ascii_strcasecmp(fields[i], "typ") == 0) /* said twice: who knows which a reader takes */
			return false;
	}
	return true;
}

static bool line_hides(const char *line, size_t len)
{
	if (len >= 2 && strncmp(line, "a=", 2) == 0) {
		line += 2;
		len -= 2;
	}
	if (len == 0)
		return true;
	if (len > LINE_MAX_BYTES || len < strlen("candidate:") || g_ascii_strncasecmp(line, "candidate:", strlen("candidate:")) != 0)
		return false;
	g_autofree char *text = g_strndup(line, len);
	if (strpbrk(text, "\r\n\t") != NULL)
		return false;
	g_auto(GStrv) fields = g_strsplit(text, " ", -1);
	return hides(fields);
}

bool otter_candidate_hides_address(const char *candidate)
{
	return line_hides(candidate, strlen(candidate));
}

bool otter_sdp_hides_addresses(const char *sdp)
{
	for (const char *p = sdp; *p != '\0';) {
		size_t len = strcspn(p, "\r\n");
		if (len >= strlen("a=candidate") && g_ascii_strncasecmp(p, "a=candidate", strlen("a=candidate")) == 0 && !line_hides(p, len))
			return false;
		p += len;
		p += strspn(p, "\r\n");
	}
	return true;
}
