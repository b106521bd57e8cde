/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the handler of a route gets. */
#ifndef OTTER_CALL_H
#define OTTER_CALL_H

#include "http.h"

#include "core/otter.h"

struct otter_call {
	struct otter *otter;
	struct otter_exchange *x;
	const char *id, *other_id; /* what stands in the path's holes, or NULL; harmless characters only */
};

#endif
