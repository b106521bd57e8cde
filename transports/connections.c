/* SPDX-License-Identifier: GPL-3.0-or-later
 * The connections of a server.
 *
 * Every step has the same time, so a queue with the newest at its end is sorted by what is due: no heap, and a step is O(1). A late one is
 * shut down, not closed: its descriptor stays the owner's, who sees the end and closes. Both happen under the lock or after
 * otter_connection_closed, so the number never means another socket. */
#include "connections.h"

#include "core/lock.h"

#include <glib.h>
#include <sys/socket.h>
#include <time.h>

#define TICK_AT_MOST_MS 1000

struct otter_connection {
	struct otter_connections *all;
	GList link;    /* in due; its data is the connection */
	bool stepping; /* it is in due */
	int64_t due_ms;
	struct otter_address peer, network; /* network: none if it is not counted */
	int fd;
};

struct otter_connections {
	struct otter_connections_config config;
	otter_lock lock;    /* guards what is below, and due_ms, stepping and link of each */
	GQueue due;         /* the first is the next one */
	GHashTable *counts; /* struct otter_address -> GUINT_TO_POINTER(connections from there) */
	int64_t count;
	bool stop;
	pthread_cond_t wake; /* with lock */
	pthread_t clock;
};

/* ---- counting; under the lock ---- */

static int64_t count_of(const struct otter_connections *all, const struct otter_address *network)
{
	return (int64_t)GPOINTER_TO_SIZE(g_hash_table_lookup(all->counts, network));
}

/* How many there are of a network: `by` more, or less. */
static void count(struct otter_connections *all, const struct otter_address *network, int64_t by)
{
	int64_t n = count_of(all, network) + by;
	all->count += by;
	if (otter_address_is_none(network))
		return;
	if (n > 0)
		g_hash_table_replace(all->counts, g_memdup2(network, sizeof *network), GSIZE_TO_POINTER((gsize)n));
	else
		g_hash_table_remove(all->counts, network);
}

/* What a peer is counted as: none for a proxy, which stands for many, and for a Unix socket. */
static struct otter_address network_of(const struct otter_connections *all, const struct otter_address *peer)
{
	if (otter_proxies_have(all->config.proxies, peer))
		return (struct otter_address){ 0 };
	return otter_address_group(peer);
}

bool otter_connections_admit(struct otter_connections *all, const struct otter_address *peer)
{
	struct otter_address network = network_of(all, peer);
	OTTER_LOCKED(&all->lock);
	return all->count < all->config.most && count_of(all, &network) < all->config.most_per_address;
}

/* ---- the steps of one ---- */

/* Under the lock. */
static void rest(struct otter_connection *c)
{
	if (c->stepping)
		g_queue_unlink(&c->all->due, &c->link);
	c->stepping = false;
}

/* Under the lock. */
static void step(struct otter_connection *c)
{
	rest(c);
	c->due_ms = otter_mono_ms(c->all->config.env) + c->all->config.step_s * 1000;
	c->stepping = true;
	g_queue_push_tail_link(&c->all->due, &c->link);
}

struct otter_connection *otter_connection_opened(struct otter_connections *all, const struct otter_address *peer, int fd)
{
	struct otter_connection *c = g_new0(struct otter_connection, 1);
	*c = (struct otter_connection){ .all = all, .link = { .data = c }, .peer = *peer, .network = network_of(all, peer), .fd = fd };
	OTTER_LOCKED(&all->lock);
	count(all, &c->network, 1);
	step(c);
	return c;
}

void otter_connection_closed(struct otter_connection *c)
{
	{
		OTTER_LOCKED(&c->all->lock);
		count(c->all, &c->network, -1);
		rest(c);
	}
	g_free(c);
}

void otter_connection_step(struct otter_connection *c)
{
	OTTER_LOCKED(&c->all->lock);
	step(c);
}

void otter_connection_rest(struct otter_connection *c)
{
	OTTER_LOCKED(&c->all->lock);
	rest(c);
}

const struct otter_address *otter_connection_peer(const struct otter_connection *c)
{
	return &c->peer;
}

/* ---- the clock ---- */

/* Under the lock. */
static int64_t tick(struct otter_connections *all)
{
	int64_t now_ms = otter_mono_ms(all->config.env);
	struct otter_connection *next;
	while ((next = g_queue_peek_head(&all->due)) != NULL && next->due_ms <= now_ms) {
		shutdown(next->fd, SHUT_RDWR);
		rest(next);
	}
	return next != NULL ? MIN(next->due_ms - now_ms, TICK_AT_MOST_MS) : TICK_AT_MOST_MS;
}

int64_t otter_connections_tick(struct otter_connections *all)
{
	OTTER_LOCKED(&all->lock);
	return tick(all);
}

static void *clock_main(void *arg)
{
	struct otter_connections *all = arg;
	OTTER_LOCKED(&all->lock);
	while (!all->stop) {
		int64_t wait_ms = tick(all);
		otter_lock_wait_ms(&all->wake, &all->lock, wait_ms);
	}
	return NULL;
}

/* ---- all of them ---- */

struct otter_connections *otter_connections_new(const struct otter_connections_config *config)
{
	struct otter_connections *all = g_new0(struct otter_connections, 1);
	all->config = *config;
	all->counts = g_hash_table_new_full(otter_address_hash, otter_address_equal, g_free, NULL);
	otter_lock_init(&all->lock);
	otter_cond_init(&all->wake);
	if (!config->own_clock || pthread_create(&all->clock, NULL, clock_main, all) == 0)
		return all;
	all->config.own_clock = false;
	otter_connections_free(all);
	return NULL;
}

void otter_connections_free(struct otter_connections *all)
{
	if (all == NULL)
		return;
	if (all->config.own_clock) {
		{
			OTTER_LOCKED(&all->lock);
			all->stop = true;
			pthread_cond_signal(&all->wake);
		}
		pthread_join(all->clock, NULL);
	}
	g_hash_table_destroy(all->counts);
	pthread_cond_destroy(&all->wake);
	otter_lock_clear(&all->lock);
	g_free(all);
}
