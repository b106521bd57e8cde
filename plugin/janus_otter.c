/* SPDX-License-Identifier: GPL-3.0-or-later
 * janus.plugin.otter: the Janus face of the core. Opens the core, and makes each Janus handle a sink.
 *
 * Media never comes here: we never answer with a jsep, so Janus never makes a PeerConnection. */
#include "config.h"
#include "handles.h"
#include "janus_log.h"

#include "core/conn.h"
#include "core/otter.h"
#include "core/protocol.h"

#include <janus/plugins/plugin.h>

#include <jansson.h>

#define PACKAGE_NAME_ "janus.plugin.otter"

/* The plugin's one state. */
static struct {
	struct otter *otter;
	struct otter_handles *handles;
	janus_callbacks *callbacks;
	gint destroyed;
} plugin;

/* ---- life ---- */

static int plugin_init(janus_callbacks *callbacks, const char *config_path);
static void plugin_destroy(void);
static void plugin_create_session(janus_plugin_session *handle, int *error);
static void plugin_destroy_session(janus_plugin_session *handle, int *error);
static struct janus_plugin_result *plugin_handle_message(janus_plugin_session *handle, char *transaction, json_t *message, json_t *jsep);
static json_t *plugin_query_session(janus_plugin_session *handle);

static int get_api_compatibility(void)
{
	return JANUS_PLUGIN_API_VERSION;
}

static int get_version(void)
{
	return 1;
}

static const char *get_version_string(void)
{
	return OTTER_VERSION;
}

static const char *get_description(void)
{
	return "Rooms and signaling for peer-to-peer calls: introduces browsers to each other, never touches their media.";
}

static const char *get_name(void)
{
	return "Otter";
}

static const char *get_author(void)
{
	return "The authors of Otter for Janus";
}

static const char *get_package(void)
{
	return PACKAGE_NAME_;
}

/* Janus calls these for media, which we never have. */
static void no_media(janus_plugin_session *handle)
{
	(void)handle;
}

static janus_plugin face = {
	.init = plugin_init,
	.destroy = plugin_destroy,
	.get_api_compatibility = get_api_compatibility,
	.get_version = get_version,
	.get_version_string = get_version_string,
	.get_description = get_description,
	.get_name = get_name,
	.get_author = get_author,
	.get_package = get_package,
	.create_session = plugin_create_session,
	.handle_message = plugin_handle_message,
	.setup_media = no_media,
	.hangup_media = no_media,
	.destroy_session = plugin_destroy_session,
	.query_session = plugin_query_session,
};

janus_plugin *create(void);

__attribute__((visibility("default"))) janus_plugin *create(void)
{
	return &face;
}

/* ---- Janus' event handlers ---- */

static bool events_are_wanted(void *unused)
{
	(void)unused;
	return !g_atomic_int_get(&plugin.destroyed) && plugin.callbacks->events_is_enabled();
}

/* Janus takes the event, and hands it to a thread of its own. */
static void notify_event(void *unused, json_t *event)
{
	(void)unused;
	plugin.callbacks->notify_event(&face, NULL, event);
}

/* ---- begin and end ---- */

static int plugin_init(janus_callbacks *callbacks, const char *config_path)
{
	struct otter_error e = { 0 };
	g_autoptr(otter_plugin_config) config = otter_plugin_config_load(config_path, &e);
	plugin.callbacks = callbacks;
	if (config != NULL) {
		config->core.observer = (struct otter_observer){ .listens = events_are_wanted, .notify = notify_event };
		plugin.otter = otter_open(&config->core, &e);
	}
	if (plugin.otter == NULL) {
		JANUS_LOG(LOG_ERR, "[otter] Not started: %s\n", e.message[0] ? e.message : otter_err_text(e.err));
		return -1;
	}
	plugin.handles = otter_handles_new(callbacks, &face);
	return 0;
}

/* Janus may still run requests and handles while this is called, and after it: the core answers them with unavailable, and what they
 * stand on is freed by the process alone. */
static void plugin_destroy(void)
{
	if (plugin.otter != NULL)
		otter_close(plugin.otter);
	g_atomic_int_set(&plugin.destroyed, 1);
	if (plugin.handles != NULL)
		otter_handles_abandon(plugin.handles);
}

/* ---- handles ---- */

static void plugin_create_session(janus_plugin_session *handle, int *error)
{
	if (plugin.otter == NULL) {
		*error = -1;
		return;
	}
	otter_handles_add(plugin.handles, handle, plugin.otter);
}

static void plugin_destroy_session(janus_plugin_session *handle, int *error)
{
	if (plugin.handles == NULL || !otter_handles_remove(plugin.handles, handle))
		*error = -2;
}

static json_t *plugin_query_session(janus_plugin_session *handle)
{
	struct otter_conn *conn = otter_handles_find(plugin.handles, handle);
	json_t *json = conn != NULL ? otter_conn_describe(conn) : json_object();
	otter_conn_unref(conn);
	return json;
}

/* ---- messages ---- */

/* Janus has begun to make a PeerConnection of the jsep before we were asked, and only the end of the handle ends that. */
static json_t *refuse_jsep(struct otter_conn *conn, const json_t *message)
{
	struct otter_error e = { 0 };
	int64_t id = -1;
	otter_request_id(message, &id);
	otter_fail_field(&e, "jsep", "A jsep is refused: descriptions travel inside the body, as 'signal'. Media is peer to peer.");
	otter_conn_close(conn);
	return otter_reply_error(id, &e);
}

/* Owns transaction, message and jsep, as the Janus API has it. */
static struct janus_plugin_result *plugin_handle_message(janus_plugin_session *handle, char *transaction, json_t *message, json_t *jsep)
{
	struct otter_conn *conn = otter_handles_find(plugin.handles, handle);
	struct janus_plugin_result *result;
	if (conn == NULL) {
		/* detach has overtaken this message */
		result = janus_plugin_result_new(JANUS_PLUGIN_ERROR, "This handle is gone: attach again.", NULL);
	} else {
		json_t *reply = jsep != NULL ? refuse_jsep(conn, message) : otter_conn_request(conn, message);
		result = reply != NULL ? janus_plugin_result_new(JANUS_PLUGIN_OK, NULL, reply) : janus_plugin_result_new(JANUS_PLUGIN_OK_WAIT, NULL, NULL);
	}
	otter_conn_unref(conn);
	g_free(transaction);
	json_decref(message);
	json_decref(jsep);
	return result;
}
