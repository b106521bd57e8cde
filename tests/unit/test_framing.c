/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where a request ends is beyond doubt, or it is refused. */
#include "check.h"
#include "head.h"
#include "transports/framing.h"

#define LINE "GET /v1/config HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define BYTES(text) text, sizeof text - 1

static const struct {
	const char *bytes;
	size_t size;
} clear[] = {
	{ BYTES(LINE HOST "\r\n") },
	{ BYTES("\r\n\r\n" LINE HOST "\r\n") },
	{ BYTES("GET / HTTP/1.0\r\n\r\n") },
	{ BYTES("GET / HTTP/1.0\r\nContent-Length: 0\r\n\r\n") },
	{ BYTES(LINE "host:a\r\n\r\n") },
	{ BYTES(LINE "HOST: \t a \t\r\n\r\n") },
	{ BYTES(LINE "Host:\r\n\r\n") },
	{ BYTES(LINE "A:\r\nHost: a\r\nB: \r\nC:x:y\r\n\r\n") },
	{ BYTES(LINE HOST "X: caf\xc3\xa9\r\n\r\n") },
	{ BYTES("GET /x? HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /x?a HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /x?a=b&c HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /x?=b HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("BREW / HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}") },
	{ BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES("POST / HTTP/1.1\r\n" HOST "transfer-encoding:CHUNKED\r\n\r\n0\r\n\r\n") },
};

static const struct {
	const char *bytes;
	size_t size;
} unclear[] = {
	/* bare LF: in the request line, between headers, at the end */
	{ BYTES("GET / HTTP/1.1\n" HOST "\r\n") },
	{ BYTES(LINE "Host: a\nX: b\r\n\r\n") },
	{ BYTES(LINE HOST "\n") },
	{ BYTES(LINE "Host: a\n\r\n") },
	{ BYTES(LINE "Host: a\n\n") },
	{ BYTES("GET / HTTP/1.0\n\n") },
	{ BYTES("GET / HTTP/1.0\r\n\n") },
	{ BYTES("GET / HTTP/1.0\n\r\n") },
	{ BYTES(LINE HOST "X: b\nContent-Length: 5\r\n\r\n") },
	{ BYTES(LINE HOST "Content-Length: 5\nX:\r\n\r\n") },
	/* CR alone */
	{ BYTES(LINE "Host: a\r\r\n\r\n") },
	{ BYTES(LINE "Host: a\rX: b\r\n\r\n") },
	/* NUL: in a value, as a line, in the target */
	{ BYTES(LINE "Host: a\0b\r\n\r\n") },
	{ BYTES(LINE HOST "\0Content-Length: 5\r\n\r\n") },
	{ BYTES(LINE HOST "\0\r\n") },
	{ BYTES("GET /a\0b HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /a\0b?c=d HTTP/1.1\r\n" HOST "\r\n") },
	/* folded */
	{ BYTES(LINE "Host: a\r\n b\r\n\r\n") },
	{ BYTES(LINE "Host: a\r\n\tb\r\nX: c\r\n\r\n") },
	{ BYTES(LINE HOST "X: c\r\n \r\n\r\n") },
	{ BYTES(LINE HOST "X:\r\n Content-Length: 5\r\n\r\n") },
	/* names and values */
	{ BYTES(LINE "Host : a\r\n\r\n") },
	{ BYTES(LINE "Host\t: a\r\n\r\n") },
	{ BYTES(LINE HOST ": a\r\n\r\n") },
	{ BYTES(LINE HOST "Content(Length: 5\r\n\r\n") },
	{ BYTES(LINE HOST "X: a\x01\r\n\r\n") },
	{ BYTES(LINE HOST "X: a\x7f\r\n\r\n") },
	{ BYTES(LINE HOST "X: \x0b\r\n\r\n") },
	/* the request line */
	{ BYTES("GET  / HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("G\tT / HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /\x01 HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /x?a\rb HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /x?a=\x01 HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /x?a=b&c\t HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n") },
	/* Host */
	{ BYTES(LINE "\r\n") },
	{ BYTES(LINE "X: a\r\n\r\n") },
	{ BYTES(LINE HOST HOST "\r\n") },
	{ BYTES(LINE "Host: a\r\nhost: b\r\n\r\n") },
	{ BYTES("GET / HTTP/1.0\r\n" HOST HOST "\r\n") },
	/* framings */
	{ BYTES(LINE HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ BYTES(LINE HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n") },
	{ BYTES(LINE HOST "Content-Length: 5\r\ncontent-length: 6\r\n\r\n") },
	{ BYTES(LINE HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n") },
	{ BYTES(LINE HOST "Transfer-Encoding: gzip, chunked\r\n\r\n") },
	{ BYTES(LINE HOST "Transfer-Encoding: identity\r\n\r\n") },
	{ BYTES(LINE HOST "Transfer-Encoding: xchunked\r\n\r\n") },
	{ BYTES(LINE HOST "Transfer-Encoding:\r\n\r\n") },
	{ BYTES("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n") },
};

static void what_is_clear_is_served_however_unusual(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(clear); i++) {
		struct head head;
		g_test_message("%s", clear[i].bytes);
		g_assert_true(head_parse(&head, clear[i].bytes, clear[i].size));
		g_assert_cmpstr(head_judge(&head), ==, NULL);
		head_clear(&head);
	}
}

static void what_two_readers_may_take_differently_is_refused(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(unclear); i++) {
		struct head head;
		g_test_message("%s", unclear[i].bytes);
		bool refused = !head_parse(&head, unclear[i].bytes, unclear[i].size) || head_judge(&head) != NULL;
		g_assert_true(refused);
		head_clear(&head);
	}
}

static void where_strings_are_copies_their_places_tell_nothing(void)
{
	char method[] = "GET", url[] = "/", version[] = "HTTP/1.1", name[] = "Host", value[] = "a";
	struct otter_framing f = otter_framing_begin(false, method, url, NULL, version);
	otter_framing_header(&f, name, value);
	g_assert_cmpstr(otter_framing_end(&f, 1), ==, NULL);
	otter_framing_header(&f, name, value);
	g_assert_nonnull(otter_framing_end(&f, 1));
}

static const struct check checks[] = {
	{ "what is clear is served, however unusual", what_is_clear_is_served_however_unusual },
	{ "what two readers may take differently is refused", what_two_readers_may_take_differently_is_refused },
	{ "where strings are copies, their places tell nothing", where_strings_are_copies_their_places_tell_nothing },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "framing", checks);
}
