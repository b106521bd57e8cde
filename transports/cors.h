/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pages of other origins: which may read answers (https://fetch.spec.whatwg.org, CORS), and which may show ours in a frame. */
#ifndef OTTER_CORS_H
#define OTTER_CORS_H

#include "http.h"

#include "core/settings.h"

struct otter_cors {
	const struct otter_settings *settings; /* borrowed */
	char *own_origin;                      /* where we listen; atomic: NULL until that is known */
};

/* Copies. Any thread, once. */
void otter_cors_set_own_origin(struct otter_cors *cors, const char *origin);
void otter_cors_clear(struct otter_cors *cors);

/* May a page of `origin` (NULL: no page asks) read what a token gets? The allowed ones, and our own page by each of its names. */
bool otter_cors_allows(const struct otter_cors *cors, const char *origin);

/* The headers of an answer to a token route. */
void otter_cors_set_headers(const struct otter_cors *cors, struct otter_exchange *x);

/* Answers if this is the question of a browser, before a `method` request, whether an allowed page may ask: true then. */
bool otter_cors_answer_preflight(const struct otter_cors *cors, struct otter_exchange *x, const char *method);

#endif
