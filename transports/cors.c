/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pages of other origins. */
#include "cors.h"

#include <glib.h>
#include <string.h>

#define PREFLIGHT_AGE "600" /* seconds; browsers keep it no longer than 7200 */

void otter_cors_set_own_origin(struct otter_cors *cors, const char *origin)
{
	g_atomic_pointer_set(&cors->own_origin, g_strdup(origin));
}

void otter_cors_clear(struct otter_cors *cors)
{
	g_free(cors->own_origin);
	*cors = (struct otter_cors){ 0 };
}

bool otter_cors_allows(const struct otter_cors *cors, const char *origin)
{
	if (origin == NULL)
		return false;
	return g_strv_contains((const char *const *)cors->settings->allowed_origins, origin) || g_strcmp0(origin, cors->settings->public_origin) == 0 ||
		g_strcmp0(origin, g_atomic_pointer_get((gpointer *)&cors->own_origin)) == 0;
}

void otter_cors_set_headers(const struct otter_cors *cors, struct otter_exchange *x)
{
	const char *origin = otter_http_header(x, "Origin");
	otter_http_set_header(x, "Vary", "Origin");
	if (!otter_cors_allows(cors, origin))
		return;
	otter_http_set_header(x, "Access-Control-Allow-Origin", origin);
	otter_http_set_header(x, "Access-Control-Expose-Headers", "Retry-After, X-Request-Id");
}

bool otter_cors_answer_preflight(const struct otter_cors *cors, struct otter_exchange *x, const char *method)
{
	if (strcmp(otter_http_method(x), "OPTIONS") != 0 || otter_http_header(x, "Access-Control-Request-Method") == NULL ||
		!otter_cors_allows(cors, otter_http_header(x, "Origin")))
		return false;
	otter_http_set_header(x, "Access-Control-Allow-Methods", method);
	otter_http_set_header(x, "Access-Control-Allow-Headers", "Authorization, Content-Type");
	otter_http_set_header(x, "Access-Control-Max-Age", PREFLIGHT_AGE);
	otter_http_answer_json(x, 204, NULL);
	return true;
}
