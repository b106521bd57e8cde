/* SPDX-License-Identifier: GPL-3.0-or-later
 * An observer: hears what happens in rooms. */
#include "observer.h"

#include <stdarg.h>

void otter_observe(const struct otter_observer *observer, const char *name, const char *room, const char *fmt, ...)
{
	if (observer->listens == NULL || !observer->listens(observer->arg))
		return;
	va_list ap;
	va_start(ap, fmt);
	json_t *more = json_vpack_ex(NULL, 0, fmt, ap);
	va_end(ap);
	json_t *event = json_pack("{s:s, s:s}", "event", name, "room", room);
	json_object_update_new(event, more);
	observer->notify(observer->arg, event);
}
