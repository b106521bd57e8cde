/* SPDX-License-Identifier: GPL-3.0-or-later
 * Ids, times and other small texts. */
#include "id.h"

#include <glib.h>
#include <string.h>

#define TIME_MAX_MS 253402300799999 /* the end of the year 9999: what four digits can say */

void otter_base62_random(const struct otter_env *env, char *out, size_t n)
{
	for (size_t i = 0; i < n;) {
		unsigned char bytes[64];
		otter_random(env, bytes, sizeof bytes);
		for (size_t j = 0; j < sizeof bytes && i < n; j++)
			if (bytes[j] < 62 * 4) /* the rest would make some characters likelier */
				out[i++] = OTTER_BASE62[bytes[j] % 62];
	}
	out[n] = '\0';
}

void otter_id_new(const struct otter_env *env, const char *prefix, char out[OTTER_ID_SIZE])
{
	memcpy(out, prefix, 3);
	otter_base62_random(env, out + 3, OTTER_ID_RANDOM);
}

void otter_time_format(int64_t wall_ms, char out[OTTER_TIME_SIZE])
{
	wall_ms = CLAMP(wall_ms, 0, TIME_MAX_MS);
	g_autoptr(GDateTime) t = g_date_time_new_from_unix_utc(wall_ms / 1000);
	g_autofree char *seconds = g_date_time_format(t, "%Y-%m-%dT%H:%M:%S");
	g_snprintf(out, OTTER_TIME_SIZE, "%s.%03dZ", seconds, (int)(wall_ms % 1000));
}

/* Where `text` stops having the shape: d a digit, s a digit to 5, else the character itself. NULL if it stops too early. */
static const char *skip_shape(const char *text, const char *shape)
{
	for (; *shape != '\0'; shape++, text++) {
		bool fits = *shape == 'd' ? g_ascii_isdigit(*text) : *shape == 's' ? *text >= '0' && *text <= '5' : g_ascii_toupper(*text) == *shape;
		if (!fits)
			return NULL;
	}
	return text;
}

/* date-time of RFC 3339, 5.6, but for the leap second. */
static bool has_shape_of_time(const char *text)
{
	const char *p = skip_shape(text, "dddd-dd-ddTdd:sd:sd");
	if (p != NULL && *p == '.')
		for (p = skip_shape(p, ".d"); p != NULL && g_ascii_isdigit(*p);)
			p++;
	if (p != NULL)
		p = g_ascii_toupper(*p) == 'Z' ? p + 1 : *p == '-' ? skip_shape(p, "-dd:sd") : skip_shape(p, "+dd:sd");
	return p != NULL && *p == '\0';
}

bool otter_time_parse(const char *text, int64_t *wall_ms)
{
	/* GLib takes other forms of ISO 8601 too (week dates, no separators): insist on the shape of RFC 3339. */
	if (!has_shape_of_time(text))
		return false;
	g_autoptr(GDateTime) t = g_date_time_new_from_iso8601(text, NULL); /* NULL zone: a text without one is refused */
	if (t == NULL)
		return false;
	int64_t ms = g_date_time_to_unix(t) * 1000 + g_date_time_get_microsecond(t) / 1000;
	if (ms < 0 || ms > TIME_MAX_MS)
		return false;
	*wall_ms = ms;
	return true;
}

bool otter_text_made_of(const char *text, const char *allowed, size_t min, size_t max)
{
	size_t n = strspn(text, allowed);
	return text[n] == '\0' && n >= min && n <= max;
}

bool otter_text_displayable(const char *text, size_t max)
{
	size_t n = 0;
	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		bool bidi = c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
		if (bidi || g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029 || ++n > max)
			return false;
	}
	return true;
}

bool otter_equal_constant_time(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char different = 0;
	for (size_t i = 0; i < n; i++)
		different |= x[i] ^ y[i];
	return different == 0;
}
