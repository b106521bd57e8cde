/* SPDX-License-Identifier: GPL-3.0-or-later
 * Things to do at a time: one ordered queue. Entries are not taken back; who is called checks whether it still holds. */
#ifndef OTTER_DEADLINE_H
#define OTTER_DEADLINE_H

/* A queue entry made while others run (a deadline that renews itself) is run in the same call only if it is due as well. */

#include "lock.h"

#include <glib.h>
#include <stdint.h>

typedef void (*otter_deadline_fn)(void *context, void *arg);

struct otter_deadlines {
	otter_lock lock;
	GSequence *queue; /* struct deadline by due_ms; under lock */
};

void otter_deadlines_init(struct otter_deadlines *d);
void otter_deadlines_clear(struct otter_deadlines *d);

/* Call fn(context, arg) once `due_ms` (monotonic clock) has passed; then, or when the queue is cleared, free_arg(arg). */
void otter_deadlines_add(struct otter_deadlines *d, int64_t due_ms, otter_deadline_fn fn, void *arg, GDestroyNotify free_arg);

/* Call what is due at `now_ms`, in order, without the lock. Returns the time of the next one, INT64_MAX if there is none. */
int64_t otter_deadlines_run(struct otter_deadlines *d, int64_t now_ms, void *context);

#endif
