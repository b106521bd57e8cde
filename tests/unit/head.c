/* SPDX-License-Identifier: GPL-3.0-or-later
 * A request's head as libmicrohttpd 0.9.75 parses it (src/microhttpd/connection.c: get_next_header_line, parse_initial_message_line,
 * process_header_line, process_broken_line). */
#include "head.h"

#include "transports/framing.h"

#include <glib.h>
#include <string.h>

struct reader {
	char *at, *end; /* what was not read yet */
	char *spare;    /* memory behind the buffer, for what is moved */
	char *last, *colon;
};

/* The next line without its end, which became NULs; NULL: there is none. */
static char *next_line(struct reader *r, size_t *len)
{
	char *begin = r->at;
	for (char *p = r->at; p < r->end; p++) {
		bool crlf = *p == '\r' && p + 1 < r->end && p[1] == '\n';
		if (!crlf && *p != '\n')
			continue;
		*len = (size_t)(p - begin);
		memset(p, 0, crlf ? 2 : 1);
		r->at = p + (crlf ? 2 : 1);
		return begin;
	}
	return NULL;
}

static bool is_version(const char *text, size_t len)
{
	return len == strlen("HTTP/1.x") && memcmp(text, "HTTP/1.", 7) == 0 && g_ascii_isdigit(text[7]);
}

static bool parse_first(struct head *head, char *line, size_t len)
{
	char *uri = memchr(line, ' ', len), *back = line + len - 1;
	if (uri == NULL || uri == line)
		return false;
	*uri++ = '\0';
	head->method = line;
	while (*uri == ' ' && (size_t)(uri - line) < len)
		uri++;
	if ((size_t)(uri - line) == len)
		return false;
	while (*back == ' ' && back > uri)
		back--;
	while (*back != ' ' && back > uri)
		back--;
	if (back == uri || !is_version(back + 1, len - (size_t)(back + 1 - line)) || memchr(uri, ' ', (size_t)(back - uri)) != NULL)
		return false;
	*back = '\0';
	head->version = back + 1;
	char *query = memchr(uri, '?', (size_t)(back - uri));
	if (query != NULL) {
		*query++ = '\0';
		head->argument = *query != '\0' ? query : NULL;
	}
	head->url = uri;
	return true;
}

static bool parse_header(struct reader *r, char *line)
{
	char *colon = strchr(line, ':');
	if (colon == NULL)
		return false;
	*colon++ = '\0';
	r->last = line;
	r->colon = colon + strspn(colon, " \t");
	return true;
}

/* A line after the first header: the header before it is whole, or goes on. */
static bool parse_next(struct head *head, struct reader *r, char *line)
{
	if (line[0] == ' ' || line[0] == '\t') {
		size_t len = strlen(r->last);
		const char *more = line + strspn(line, " \t");
		char *moved = r->spare;
		memcpy(moved, r->last, len);
		memset(r->last, 0, len);
		strcpy(moved + len, more); /* the spare memory has room for all of the head */
		r->spare += len + strlen(more) + 1;
		r->last = moved;
		return true;
	}
	if (head->n == HEADERS_MAX)
		return false;
	head->headers[head->n].name = r->last;
	head->headers[head->n++].value = r->colon;
	return line[0] == '\0' || parse_header(r, line);
}

bool head_parse(struct head *head, const char *bytes, size_t size)
{
	*head = (struct head){ .buffer = g_malloc0(2 * size * (HEADERS_MAX + 2) + 1) };
	memcpy(head->buffer, bytes, size);
	struct reader r = { .at = head->buffer, .end = head->buffer + size, .spare = head->buffer + size + 1 };
	char *line;
	size_t len = 0;
	do
		line = next_line(&r, &len);
	while (line != NULL && line[0] == '\0');
	if (line == NULL || !parse_first(head, line, len))
		return false;
	for (int lines = 0; lines <= HEADERS_MAX && (line = next_line(&r, &len)) != NULL; lines++) {
		if (r.last == NULL ? line[0] != '\0' && !parse_header(&r, line) : !parse_next(head, &r, line))
			return false;
		if (line[0] == '\0') {
			head->size = (size_t)(r.at - head->method);
			return true;
		}
	}
	return false;
}

void head_clear(struct head *head)
{
	g_free(head->buffer);
	*head = (struct head){ 0 };
}

const char *head_judge(const struct head *head)
{
	struct otter_framing f = otter_framing_begin(true, head->method, head->url, head->argument, head->version);
	if (head->argument != NULL) /* as a whole: its characters are what matters */
		otter_framing_argument(&f, head->argument, NULL);
	for (size_t i = 0; i < head->n; i++)
		otter_framing_header(&f, head->headers[i].name, head->headers[i].value);
	return otter_framing_end(&f, head->size);
}
