/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where a request ends must be beyond doubt. */
#include "framing.h"

#include "core/id.h"

#include <string.h>
#include <strings.h>

#define TOKEN_CHARACTERS OTTER_BASE62 "!#$%&'*+-.^_`|~" /* RFC 9110, 5.6.2 */
#define LINE_END 2                                      /* CR LF */

/* The first thing that is wrong is what is told. */
static void blame(struct otter_framing *f, const char *why)
{
	if (f->why == NULL)
		f->why = why;
}

/* A line was read: `begin` is where it begins, `end` the end of its last string. */
static void line(struct otter_framing *f, const char *begin, const char *end)
{
	if (f->in_place && begin != f->next)
		blame(f, "Each line of a request ends with CR LF, has no NUL, and is not folded (RFC 9112, 2.2 and 5.2).");
	f->next = end + LINE_END;
}

static bool is_token(const char *text)
{
	return text[0] != '\0' && text[strspn(text, TOKEN_CHARACTERS)] == '\0';
}

/* Visible characters alone: no blanks, no control characters. */
static bool is_target(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

/* Visible characters, blanks, tabs and bytes beyond ASCII (RFC 9110, 5.5). */
static bool is_value(const char *text)
{
	for (; *text != '\0'; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

struct otter_framing otter_framing_begin(bool in_place, const char *method, const char *url, const char *argument, const char *version)
{
	struct otter_framing f = { .in_place = in_place, .head = method, .next = method, .old = strcmp(version, "HTTP/1.0") == 0 };
	const char *end = url + strlen(url) + 1; /* of the path: behind it is the version, or what '?' starts */
	line(&f, method, version + strlen(version));
	if (in_place && (url != method + strlen(method) + 1 || (end != version && end != argument && end + 1 != version)))
		blame(&f, "A request line has one blank before its target and one behind it (RFC 9112, 3).");
	if (!is_token(method) || !is_target(url))
		blame(&f, "A request line is a method, a target without blanks and control characters, and a version (RFC 9112, 3).");
	return f;
}

void otter_framing_argument(struct otter_framing *f, const char *name, const char *value)
{
	const char *const texts[] = { name, value != NULL ? value : "" };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (!is_value(texts[i]) || strchr(texts[i], '\t') != NULL) /* a blank is what '+' became */
			blame(f, "A target has no control characters (RFC 9112, 3.2).");
}

void otter_framing_header(struct otter_framing *f, const char *name, const char *value)
{
	line(f, name, value + strlen(value));
	if (f->in_place && value <= name + strlen(name))
		blame(f, "A line must not be folded (RFC 9112, 5.2).");
	if (!is_token(name))
		blame(f, "A header's name has no spaces or separators (RFC 9112, 5.1).");
	if (!is_value(value))
		blame(f, "A header's value has no control characters (RFC 9110, 5.5).");
	f->hosts += strcasecmp(name, "Host") == 0;
	f->lengths += strcasecmp(name, "Content-Length") == 0;
	f->encodings += strcasecmp(name, "Transfer-Encoding") == 0;
	if (strcasecmp(name, "Transfer-Encoding") == 0 && strcasecmp(value, "chunked") != 0)
		blame(f, "The only Transfer-Encoding is chunked.");
}

const char *otter_framing_end(struct otter_framing *f, size_t size)
{
	if (f->in_place && f->next + LINE_END != f->head + size)
		blame(f, "A request's head ends with an empty line (RFC 9112, 2.1).");
	if (f->lengths + f->encodings > 1)
		blame(f, "A request has one Content-Length or one Transfer-Encoding (RFC 9112, 6.3).");
	if (f->old && f->encodings > 0)
		blame(f, "HTTP/1.0 has no Transfer-Encoding (RFC 9112, 6.1).");
	if (f->hosts > 1 || (f->hosts == 0 && !f->old))
		blame(f, "A request has one Host (RFC 9112, 3.2).");
	return f->why;
}
