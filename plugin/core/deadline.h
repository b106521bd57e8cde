/* SPDX-License-Identifier: GPL-3.0-or-later
 * Things to do at a time: one ordered queue. Entries are not taken back; who is called checks whether it still holds. */
#ifndef OTTER_DEADLINE_H
#define OTTER_DEADLINE_H

#include "lock.h"

#include <glib.h>
#include <stdint.h>

typedef void (*otter_deadline_fn)(void *context, void *arg);

struct otter_deadlines {
	otter_lock lock;
	GSequence *queue; /* struct deadline by due_ms; under lock; NULL: stopped */
};

void otter_deadlines_init(struct otter_deadlines *d);

/* Forget what is in the queue; from now on nothing is called any more, and what is added is freed at once. */
void otter_deadlines_stop(struct otter_deadlines *d);
void otter_deadlines_clear(struct otter_deadlines *d);

/* Call fn(context, arg) once `due_ms` (monotonic clock) has passed; then, or when the queue is stopped, free_arg(arg). */
void otter_deadlines_add(struct otter_deadlines *d, int64_t due_ms, otter_deadline_fn fn, void *arg, GDestroyNotify free_arg);

/* Call what is due at `now_ms`, in order, without the lock; what is added meanwhile too, if it is due. Returns the time of the next one, INT64_MAX if there is none. */
int64_t otter_deadlines_run(struct otter_deadlines *d, int64_t now_ms, void *context);

#endif
