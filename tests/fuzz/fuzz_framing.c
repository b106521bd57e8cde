/* SPDX-License-Identifier: GPL-3.0-or-later
 * A request's head, parsed as the HTTP library does: what framing lets pass reads the same to somebody who takes the standard by the letter. */
#include "fuzz.h"

#include "tests/unit/head.h"

#include <string.h>

/* Lines that end with CR LF alone, none of them folded. */
static void must_have_clear_lines(const char *head, size_t size)
{
	MUST(size >= 4 && memcmp(head + size - 4, "\r\n\r\n", 4) == 0);
	for (size_t i = 0; i < size; i++) {
		MUST(head[i] != '\n' || (i > 0 && head[i - 1] == '\r'));
		MUST(head[i] != '\r' || (i + 1 < size && head[i + 1] == '\n'));
		MUST(head[i] != '\n' || i + 1 == size || (head[i + 1] != ' ' && head[i + 1] != '\t'));
	}
}

/* What takes as much place as CR LF CR LF (framing.h), and a NUL in the query, which is not looked at. */
static bool is_hidden(const char *head, size_t size)
{
	const char *end = head + size - 4;
	return memchr(head, '\0', size) != NULL || (size >= 4 && (memcmp(end, "\r\n:\n", 4) == 0 || (memcmp(end, "\n:", 2) == 0 && end[3] == '\n')));
}

/* How many lines of the head begin with `name` and a colon. */
static int count(const char *head, size_t size, const char *name)
{
	g_autofree char *text = g_strndup(head, size);
	g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
	int n = 0;
	for (char **line = lines; *line != NULL; line++)
		n += g_ascii_strncasecmp(*line, name, strlen(name)) == 0 && (*line)[strlen(name)] == ':';
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct head head;
	if (head_parse(&head, (const char *)data, size) && head_judge(&head) == NULL) {
		const char *raw = (const char *)data + (head.method - head.buffer);
		if (!is_hidden(raw, head.size)) {
			must_have_clear_lines(raw, head.size);
			MUST(count(raw, head.size, "Content-Length") + count(raw, head.size, "Transfer-Encoding") <= 1);
			MUST(count(raw, head.size, "Host") <= 1);
		}
	}
	head_clear(&head);
	return 0;
}
