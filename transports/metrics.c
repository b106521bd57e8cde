/* SPDX-License-Identifier: GPL-3.0-or-later
 * GET /metrics. No label grows with users. */
#include "metrics.h"

#include "core/service.h"

#include <glib.h>

#define TYPE "text/plain; version=0.0.4; charset=utf-8" /* of Prometheus' exposition format */

void otter_metrics(const struct otter_call *c)
{
	unsigned rooms, participants;
	otter_count(c->otter, &rooms, &participants);
	g_autofree char *text = g_strdup_printf("# HELP otter_build_info The version that runs.\n"
						"# TYPE otter_build_info gauge\n"
						"otter_build_info{version=\"" OTTER_VERSION "\"} 1\n"
						"# HELP otter_rooms Rooms with somebody inside.\n"
						"# TYPE otter_rooms gauge\n"
						"otter_rooms %u\n"
						"# HELP otter_participants Seats that are taken, away ones included.\n"
						"# TYPE otter_participants gauge\n"
						"otter_participants %u\n",
		rooms, participants);
	otter_http_answer_text(c->x, 200, TYPE, text);
}
