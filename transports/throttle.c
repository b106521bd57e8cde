/* SPDX-License-Identifier: GPL-3.0-or-later
 * Failed logins of each network, in windows of one length: the order in which they start is the order in which they end.
 *
 *   oldest ◀── [network, start, failures] ── [..] ── [..] ──▶ newest      and a hash table into it, by network
 */
#include "throttle.h"

#include "core/lock.h"

#include <glib.h>

struct window {
	GList link; /* in oldest_first; its data is the window */
	struct otter_address network;
	int64_t start_ms, failures;
};

struct otter_throttle {
	const struct otter_env *env;
	int64_t failures, window_ms;
	otter_lock lock; /* guards the two below */
	GHashTable *windows;
	GQueue oldest_first;
};

struct otter_throttle *otter_throttle_new(const struct otter_env *env, int64_t failures, int64_t window_s)
{
	struct otter_throttle *throttle = g_new0(struct otter_throttle, 1);
	throttle->env = env;
	throttle->failures = failures;
	throttle->window_ms = window_s * 1000;
	throttle->windows = g_hash_table_new_full(otter_address_hash, otter_address_equal, NULL, g_free);
	otter_lock_init(&throttle->lock);
	return throttle;
}

void otter_throttle_free(struct otter_throttle *throttle)
{
	if (throttle == NULL)
		return;
	g_hash_table_destroy(throttle->windows);
	otter_lock_clear(&throttle->lock);
	g_free(throttle);
}

static void forget_oldest(struct otter_throttle *throttle)
{
	GList *link = g_queue_pop_head_link(&throttle->oldest_first);
	g_hash_table_remove(throttle->windows, &((struct window *)link->data)->network);
}

/* Under the lock. */
static struct window *window_of(struct otter_throttle *throttle, const struct otter_address *network, int64_t now_ms)
{
	GList *oldest;
	while ((oldest = throttle->oldest_first.head) != NULL && ((struct window *)oldest->data)->start_ms + throttle->window_ms <= now_ms)
		forget_oldest(throttle);
	struct window *window = g_hash_table_lookup(throttle->windows, network);
	if (window != NULL)
		return window;
	if (g_hash_table_size(throttle->windows) >= OTTER_THROTTLE_NETWORKS)
		forget_oldest(throttle);
	window = g_new0(struct window, 1);
	*window = (struct window){ .link = { .data = window }, .network = *network, .start_ms = now_ms };
	g_hash_table_insert(throttle->windows, &window->network, window);
	g_queue_push_tail_link(&throttle->oldest_first, &window->link);
	return window;
}

int64_t otter_throttle_failure(struct otter_throttle *throttle, const struct otter_address *client)
{
	struct otter_address network = otter_address_group(client);
	int64_t now_ms = otter_mono_ms(throttle->env);
	OTTER_LOCKED(&throttle->lock);
	struct window *window = window_of(throttle, &network, now_ms);
	if (window->failures < throttle->failures) {
		window->failures++;
		return 0;
	}
	return (window->start_ms + throttle->window_ms - now_ms + 999) / 1000;
}
