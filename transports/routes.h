/* SPDX-License-Identifier: GPL-3.0-or-later
 * The routes of REST: from a method and a path to a verb of the core. */
#ifndef OTTER_ROUTES_H
#define OTTER_ROUTES_H

#include "cors.h"
#include "files.h"
#include "http.h"

#include "core/otter.h"

struct otter_routes {
	struct otter *otter;
	struct otter_files *files;
	struct otter_cors cors;
};

/* An otter_http_handler; the context is a struct otter_routes. What is no route is a file. */
void otter_routes_handle(void *context, struct otter_exchange *x);

#endif
