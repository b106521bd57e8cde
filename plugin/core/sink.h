/* SPDX-License-Identifier: GPL-3.0-or-later
 * A sink: how the core speaks to a participant. A Janus handle is one kind of it. */
#ifndef OTTER_SINK_H
#define OTTER_SINK_H

#include <jansson.h>

struct otter_sink_ops {
	/* Send one message; borrows it. Order is kept. Called from any thread, mostly with a room's lock held: it must not block, and it must not call
	 * into the core. (Both hold for a Janus handle: the core of Janus hands the event to its transport's queue, and calls no plugin.)
	 * What cannot be sent is lost; the end of the sink is told by otter_conn_gone. */
	void (*send)(void *sink, json_t *message);
	/* End the sink: its owner is silent and must come back by a new one. Without any lock held; must not call into the core before it returns. */
	void (*close)(void *sink);
	/* Somebody keeps the sink alive; and no longer does. Any thread. */
	void (*ref)(void *sink);
	void (*unref)(void *sink);
};

#endif
