/* SPDX-License-Identifier: GPL-3.0-or-later
 * Locks: pthread mutexes, which ThreadSanitizer understands, with a guard that cannot be forgotten.
 *
 * The order, outermost first; a function that holds one takes only later ones:
 *   the memory store's  while it answers
 *   otter->rooms_lock   the table of rooms
 *   room->lock          seats of one room
 *   all others          leaves: no other lock is taken under them (the stores have one that seats and what they share are kept under)
 */
#ifndef OTTER_LOCK_H
#define OTTER_LOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

typedef pthread_mutex_t otter_lock;

static inline void otter_lock_init(otter_lock *lock)
{
	pthread_mutex_init(lock, NULL);
}

/* One that its holder may take again. */
static inline void otter_lock_init_recursive(otter_lock *lock)
{
	pthread_mutexattr_t recursive;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
}

static inline void otter_lock_clear(otter_lock *lock)
{
	pthread_mutex_destroy(lock);
}

static inline otter_lock *otter_lock_take(otter_lock *lock)
{
	pthread_mutex_lock(lock);
	return lock;
}

static inline void otter_lock_release(otter_lock **lock)
{
	if (*lock != NULL)
		pthread_mutex_unlock(*lock);
	*lock = NULL;
}

/* A condition for otter_lock_wait_ms, whose time no change of the wall clock touches. */
static inline void otter_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

/* Let go of `lock` until `cond` is signalled, or `ms` (not negative) have passed, or for no reason. */
static inline void otter_lock_wait_ms(pthread_cond_t *cond, otter_lock *lock, int64_t ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(cond, lock, &until);
}

/* Hold `lock` until the end of the block. */
#define OTTER_LOCKED_NAME2(line) otter_locked_##line
#define OTTER_LOCKED_NAME(line) OTTER_LOCKED_NAME2(line)
#define OTTER_LOCKED(lock) __attribute__((cleanup(otter_lock_release), unused)) otter_lock *OTTER_LOCKED_NAME(__LINE__) = otter_lock_take(lock)

#endif
