/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of Janus handles: which connection of the core belongs to which.
 *
 * Janus may call handle_message for a handle that is being detached, or was: so a handle's pointer is only a name here, looked up in our own
 * table, and what is used afterwards is ours. */
#ifndef OTTER_HANDLES_H
#define OTTER_HANDLES_H

#include "core/conn.h"

#include <janus/plugins/plugin.h>

struct otter_handles;

/* Events go out through `callbacks` in the name of `face`; both must outlive the table. */
struct otter_handles *otter_handles_new(janus_callbacks *callbacks, janus_plugin *face);

/* A new handle. Takes over the reference to it that Janus made for the plugin. */
void otter_handles_add(struct otter_handles *handles, janus_plugin_session *handle, struct otter *otter);

/* The handle is gone; its seat, if any, is away. False if it is not in the table. */
bool otter_handles_remove(struct otter_handles *handles, janus_plugin_session *handle);

/* Its connection: new reference, or NULL. `handle` may be any pointer. */
struct otter_conn *otter_handles_find(struct otter_handles *handles, janus_plugin_session *handle);

/* The plugin stops: no event goes out any more. The table stays, for who still comes. */
void otter_handles_abandon(struct otter_handles *handles);

#endif
