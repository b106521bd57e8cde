/* SPDX-License-Identifier: GPL-3.0-or-later
 * A request's head as libmicrohttpd 0.9.75 parses it, for tests of framing: in place, tolerant, in the same order. */
#ifndef OTTER_HEAD_H
#define OTTER_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#define HEADERS_MAX 64

struct head {
	char *buffer; /* a copy, with what was moved elsewhere behind it */
	const char *method, *url, *argument, *version;
	struct {
		const char *name, *value;
	} headers[HEADERS_MAX];
	size_t n, size; /* headers; bytes of the head */
};

/* false: libmicrohttpd would refuse it, or wait for more. Clear it in any case. */
bool head_parse(struct head *head, const char *bytes, size_t size);
void head_clear(struct head *head);

/* What framing says of it: NULL, or why not. */
const char *head_judge(const struct head *head);

#endif
