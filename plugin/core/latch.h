/* SPDX-License-Identifier: GPL-3.0-or-later
 * Wait for one completion: for start-up and tests only. Closes again after each wait. */
#ifndef OTTER_LATCH_H
#define OTTER_LATCH_H

#include "err.h"
#include "lock.h"

#include <stdbool.h>

struct otter_latch {
	otter_lock lock;
	pthread_cond_t opened;
	bool open;
	enum otter_err err;
};

static inline void otter_latch_init(struct otter_latch *latch)
{
	otter_lock_init(&latch->lock);
	pthread_cond_init(&latch->opened, NULL);
	latch->open = false;
}

static inline void otter_latch_clear(struct otter_latch *latch)
{
	pthread_cond_destroy(&latch->opened);
	otter_lock_clear(&latch->lock);
}

static inline void otter_latch_open(struct otter_latch *latch, enum otter_err err)
{
	OTTER_LOCKED(&latch->lock);
	latch->open = true;
	latch->err = err;
	pthread_cond_signal(&latch->opened);
}

static inline enum otter_err otter_latch_wait(struct otter_latch *latch)
{
	OTTER_LOCKED(&latch->lock);
	while (!latch->open)
		pthread_cond_wait(&latch->opened, &latch->lock);
	latch->open = false;
	return latch->err;
}

#endif
