/* SPDX-License-Identifier: GPL-3.0-or-later
 * Things to do at a time. */
#include "deadline.h"

struct deadline {
	int64_t due_ms;
	otter_deadline_fn fn;
	void *arg;
	GDestroyNotify free_arg;
};

static void deadline_free(void *data)
{
	struct deadline *entry = data;
	if (entry->free_arg != NULL)
		entry->free_arg(entry->arg);
	g_free(entry);
}

static gint by_time(gconstpointer a, gconstpointer b, gpointer unused)
{
	const struct deadline *x = a, *y = b;
	(void)unused;
	return (x->due_ms > y->due_ms) - (x->due_ms < y->due_ms);
}

void otter_deadlines_init(struct otter_deadlines *d)
{
	otter_lock_init(&d->lock);
	d->queue = g_sequence_new(NULL);
}

void otter_deadlines_stop(struct otter_deadlines *d)
{
	GSequence *queue;
	{
		OTTER_LOCKED(&d->lock);
		queue = g_steal_pointer(&d->queue);
	}
	if (queue == NULL)
		return;
	g_sequence_foreach(queue, (GFunc)(void (*)(void))deadline_free, NULL);
	g_sequence_free(queue);
}

void otter_deadlines_clear(struct otter_deadlines *d)
{
	otter_deadlines_stop(d);
	otter_lock_clear(&d->lock);
}

void otter_deadlines_add(struct otter_deadlines *d, int64_t due_ms, otter_deadline_fn fn, void *arg, GDestroyNotify free_arg)
{
	struct deadline *entry = g_new(struct deadline, 1);
	*entry = (struct deadline){ due_ms, fn, arg, free_arg };
	{
		OTTER_LOCKED(&d->lock);
		if (d->queue != NULL)
			g_sequence_insert_sorted(d->queue, g_steal_pointer(&entry), by_time, NULL);
	}
	if (entry != NULL)
		deadline_free(entry);
}

static struct deadline *take_due(struct otter_deadlines *d, int64_t now_ms, int64_t *next_ms)
{
	OTTER_LOCKED(&d->lock);
	*next_ms = INT64_MAX;
	GSequenceIter *first = d->queue != NULL ? g_sequence_get_begin_iter(d->queue) : NULL;
	if (first == NULL || g_sequence_iter_is_end(first))
		return NULL;
	struct deadline *entry = g_sequence_get(first);
	*next_ms = entry->due_ms;
	if (entry->due_ms > now_ms)
		return NULL;
	g_sequence_remove(first);
	return entry;
}

int64_t otter_deadlines_run(struct otter_deadlines *d, int64_t now_ms, void *context)
{
	int64_t next_ms;
	struct deadline *entry;
	while ((entry = take_due(d, now_ms, &next_ms)) != NULL) {
		entry->fn(context, entry->arg);
		deadline_free(entry);
	}
	return next_ms;
}
