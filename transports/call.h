/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the handler of a route gets. */
#ifndef OTTER_CALL_H
#define OTTER_CALL_H

#include "files.h"
#include "http.h"

#include "core/otter.h"

struct otter_call {
	struct otter *otter;
	struct otter_files *files;
	struct otter_exchange *x;
	const char *id, *other_id; /* what stands in the path's holes, in order, or NULL; harmless characters only */
};

#endif
