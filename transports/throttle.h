/* SPDX-License-Identifier: GPL-3.0-or-later
 * Failed logins: who shows one unknown credential after the other is told to wait. Any thread. */
#ifndef OTTER_THROTTLE_H
#define OTTER_THROTTLE_H

#include "address.h"

#include "core/env.h"

#define OTTER_THROTTLE_NETWORKS 4096 /* remembered at a time, 0.5 MB; then the one whose window is the oldest is forgotten */

struct otter_throttle;

/* `failures` of one network are free in a window of `window_s` seconds, which starts with the first of them. `env` must outlive it. New. */
struct otter_throttle *otter_throttle_new(const struct otter_env *env, int64_t failures, int64_t window_s);
void otter_throttle_free(struct otter_throttle *throttle); /* NULL is fine */

/* A failure of this client: 0 if it is still a free one, otherwise the seconds to wait, at least 1. */
int64_t otter_throttle_failure(struct otter_throttle *throttle, const struct otter_address *client);

#endif
