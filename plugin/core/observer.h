/* SPDX-License-Identifier: GPL-3.0-or-later
 * An observer: hears what happens in rooms, for an operator's records. Of Janus' event handlers the core knows nothing else. */
#ifndef OTTER_OBSERVER_H
#define OTTER_OBSERVER_H

#include <jansson.h>
#include <stdbool.h>

/* {"event": "joined" | "left" | "promoted" | "locked" | "closed", "room": id, …}, with
 *   joined    participant, role
 *   left      participant, reason: left, timeout, ejected
 *   promoted  participant
 *   locked    locked: true or false
 *   closed    reason: request, host, expired, empty
 * A room that is closed ends all its seats, without a "left" for each, and is told of no more. That it is locked or closed is told of rooms that nobody is
 * in as well; not that such a one has expired. No secret, no name and no identity. Who waits before a room is not in it yet. */
struct otter_observer {
	/* Is anybody listening? NULL: never. Both are called from any thread, mostly with a room's lock held: they must not block, and not call into the core. */
	bool (*listens)(void *arg);
	void (*notify)(void *arg, json_t *event); /* takes `event` */
	void *arg;
};

/* Tell that `name` happened in the room of this id. `fmt` is json_pack's for an object with the rest: "{s:s}". */
void otter_observe(const struct otter_observer *observer, const char *name, const char *room, const char *fmt, ...);

#endif
