/* SPDX-License-Identifier: GPL-3.0-or-later
 * The table of Janus handles, and the sink that each of them is. */
#include "handles.h"

#include "core/lock.h"

#include <glib.h>

struct otter_handles {
	janus_callbacks *callbacks;
	janus_plugin *face;
	gint abandoned;
	otter_lock lock;
	GHashTable *table; /* janus_plugin_session * -> struct sink; under lock */
};

/* What the core sees of a Janus handle. Alive as long as the table or a connection keeps it; and as long as it is, so is the handle. */
struct sink {
	gint refs;
	struct otter_handles *handles;
	janus_plugin_session *handle;
	struct otter_conn *conn; /* the table's reference; set once */
};

static void sink_ref(void *data)
{
	struct sink *sink = data;
	g_atomic_int_inc(&sink->refs);
}

static void sink_unref(void *data)
{
	struct sink *sink = data;
	if (!g_atomic_int_dec_and_test(&sink->refs))
		return;
	janus_refcount_decrease(&sink->handle->ref);
	g_free(sink);
}

/* push_event takes the JSON's reference count up by itself, and only hands it to the transport's queue. */
static void sink_send(void *data, json_t *message)
{
	struct sink *sink = data;
	if (!g_atomic_int_get(&sink->handles->abandoned))
		sink->handles->callbacks->push_event(sink->handle, sink->handles->face, NULL, message, NULL);
}

/* Janus detaches the handle a moment later, in a thread of its own, and tells the client. */
static void sink_close(void *data)
{
	struct sink *sink = data;
	if (!g_atomic_int_get(&sink->handles->abandoned))
		sink->handles->callbacks->end_session(sink->handle);
}

static const struct otter_sink_ops sink_ops = { .send = sink_send, .close = sink_close, .ref = sink_ref, .unref = sink_unref };

struct otter_handles *otter_handles_new(janus_callbacks *callbacks, janus_plugin *face)
{
	struct otter_handles *handles = g_new0(struct otter_handles, 1);
	handles->callbacks = callbacks;
	handles->face = face;
	otter_lock_init(&handles->lock);
	handles->table = g_hash_table_new(NULL, NULL);
	return handles;
}

void otter_handles_add(struct otter_handles *handles, janus_plugin_session *handle, struct otter *otter)
{
	/* handle->ref is not initialised yet while Janus calls create_session: the reference is ours to give back, not to take. */
	struct sink *sink = g_new0(struct sink, 1);
	*sink = (struct sink){ .refs = 1, .handles = handles, .handle = handle };
	sink->conn = otter_conn_new(otter, &sink_ops, sink);
	OTTER_LOCKED(&handles->lock);
	g_hash_table_insert(handles->table, handle, sink);
}

bool otter_handles_remove(struct otter_handles *handles, janus_plugin_session *handle)
{
	struct sink *sink;
	{
		OTTER_LOCKED(&handles->lock);
		sink = g_hash_table_lookup(handles->table, handle);
		g_hash_table_remove(handles->table, handle);
	}
	if (sink == NULL)
		return false;
	otter_conn_gone(sink->conn);
	otter_conn_unref(sink->conn);
	sink_unref(sink);
	return true;
}

struct otter_conn *otter_handles_find(struct otter_handles *handles, janus_plugin_session *handle)
{
	OTTER_LOCKED(&handles->lock);
	struct sink *sink = g_hash_table_lookup(handles->table, handle);
	return sink != NULL ? otter_conn_ref(sink->conn) : NULL;
}

void otter_handles_abandon(struct otter_handles *handles)
{
	g_atomic_int_set(&handles->abandoned, 1);
}
