/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where a request ends must be beyond doubt (RFC 9112, 11.2): what a proxy before us reads as one request and we as two, or the other way
 * round, is a request that somebody smuggled past it. So whatever two readers may take differently is refused. Pure, no HTTP library.
 *
 * libmicrohttpd before 1.0 takes a bare LF for the end of a line, and folded lines, and does not tell. But it parses in place: the head is
 * one buffer, each line's CR LF became two NULs, ':' one, and the strings that it hands out point into it:
 *
 *   method␠url␠version␀␀name␀␠value␀␀name␀␠value␀␀␀␀body
 *   ▲                  ▲
 *   method             version + strlen + 2 is the first name, and so on; the last value's end + 4 is method + size of the head
 *
 * A bare LF leaves one NUL where there should be two, a NUL in a line ends its string too soon, and a folded line is moved elsewhere:
 * each shows as a pointer that is not where it should be. Pointers are compared, never followed beyond their string. Later versions refuse
 * all that themselves, and copy.
 *
 * What does not show: NUL LF leaves the same two NULs as CR LF; and a line that begins with ':', behind another header, becomes an empty one and
 * ends the head: LF ':' CR LF and CR LF ':' LF take as much place as CR LF CR LF. What a proxy takes for further headers is then read as a
 * body or as the next request. As a request it is refused, for a header's ':' is in no method. As a body it is no JSON, and http.c reads nothing
 * behind a body that was not. */
#ifndef OTTER_FRAMING_H
#define OTTER_FRAMING_H

#include <stdbool.h>
#include <stddef.h>

/* A request's head, as it is fed. */
struct otter_framing {
	bool in_place;    /* pointers tell */
	const char *head; /* its first byte */
	const char *next; /* where the next line must begin */
	int hosts, lengths, encodings;
	bool old;        /* HTTP/1.0 */
	const char *why; /* the first thing that is wrong: static text; NULL: nothing so far */
};

/* The request line; `argument`: the first name of the query's, or NULL. All borrowed until the end. */
struct otter_framing otter_framing_begin(bool in_place, const char *method, const char *url, const char *argument, const char *version);

/* Each name of the query's, and its value or NULL. */
void otter_framing_argument(struct otter_framing *f, const char *name, const char *value);

/* Each header, in the order in which they came. */
void otter_framing_header(struct otter_framing *f, const char *name, const char *value);

/* The head has `size` bytes. NULL: the request is clear; otherwise what is wrong, for its sender: static text. */
const char *otter_framing_end(struct otter_framing *f, size_t size);

#endif
