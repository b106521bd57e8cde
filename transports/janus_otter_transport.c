/* SPDX-License-Identifier: GPL-3.0-or-later
 * janus.transport.otter: the HTTP face of the core. REST, and the web app.
 *
 * It is a Janus transport so that Janus loads it, after the plugin; it carries no message of the Janus API. */
#include "http.h"
#include "routes.h"

#include "core/otter.h"
#include "core/service.h"
#include "janus_log.h"
#include "jcfg.h"

#include <jansson.h>
#include <janus/mutex.h>
#include <janus/transports/transport.h>

/* The transport's one state. */
static struct {
	struct otter_routes routes;
	struct otter_http *http, *admin; /* admin: or NULL */
} transport;

struct config {
	const char *listen, *static_dir, *ports_file, *admin_socket;
	int64_t port;
};

static const struct otter_jcfg_key keys[] = {
	{ "general", "listen", OTTER_JCFG_TEXT, offsetof(struct config, listen), 0, 0 },
	{ "general", "port", OTTER_JCFG_NUMBER, offsetof(struct config, port), 0, 65535 },
	{ "general", "static_dir", OTTER_JCFG_TEXT, offsetof(struct config, static_dir), 0, 0 },
	{ "general", "ports_file", OTTER_JCFG_TEXT, offsetof(struct config, ports_file), 0, 0 },
	{ "general", "admin_socket", OTTER_JCFG_TEXT, offsetof(struct config, admin_socket), 0, 0 },
	{ 0 },
};

/* Tell whoever started us where we listen: {"http": 8080}, written as a whole. */
static enum otter_err write_ports(const char *path, int port, struct otter_error *e)
{
	g_autofree char *text = g_strdup_printf("{\"http\": %d}\n", port);
	g_autoptr(GError) error = NULL;
	if (path == NULL || g_file_set_contents(path, text, -1, &error))
		return OTTER_OK;
	return otter_fail(e, OTTER_UNAVAILABLE, "cannot write ports_file: %s", error->message);
}

static enum otter_err start(const struct config *config, struct otter_error *e)
{
	transport.routes.otter = otter_ref();
	if (transport.routes.otter == NULL)
		return otter_fail(e, OTTER_UNAVAILABLE, "janus.plugin.otter is not running: load the plugin too.");
	const struct otter_settings *settings = otter_settings(transport.routes.otter);
	transport.routes.cors.settings = settings;
	transport.routes.files = otter_files_new(config->static_dir, otter_signaling_url(transport.routes.otter), settings->allowed_origins, e);
	if (transport.routes.files == NULL)
		return e->err;
	transport.http = otter_http_start(&(struct otter_http_config){ .env = otter_env_janus(),
						  .listen = config->listen,
						  .port = config->port,
						  .settings = settings,
						  .handler = otter_routes_handle,
						  .context = &transport.routes },
		e);
	if (transport.http == NULL)
		return e->err;
	if (config->admin_socket != NULL)
		transport.admin = otter_http_start(&(struct otter_http_config){ .env = otter_env_janus(),
							   .socket = config->admin_socket,
							   .settings = settings,
							   .handler = otter_routes_handle,
							   .context = &transport.routes },
			e);
	if (e->err != OTTER_OK)
		return e->err;
	int port = otter_http_port(transport.http);
	g_autofree char *url = g_strdup_printf("http://%s:%d", config->listen, port);
	otter_set_public_url(transport.routes.otter, url);
	otter_cors_set_own_origin(&transport.routes.cors, url);
	otter_log(otter_env_janus(), OTTER_LOG_INFO, "REST and the web app are at %s", url);
	return write_ports(config->ports_file, port, e);
}

static void transport_destroy(void)
{
	if (transport.http != NULL)
		otter_http_stop(g_steal_pointer(&transport.http));
	if (transport.admin != NULL)
		otter_http_stop(g_steal_pointer(&transport.admin));
	otter_files_free(g_steal_pointer(&transport.routes.files));
	otter_cors_clear(&transport.routes.cors);
	otter_unref(g_steal_pointer(&transport.routes.otter));
}

static int transport_init(janus_transport_callbacks *callbacks, const char *config_path)
{
	struct otter_error e = { 0 };
	struct config config = { .listen = "127.0.0.1", .port = 8080 };
	(void)callbacks;
	janus_config *file = otter_jcfg_open(config_path, "janus.transport.otter", &e);
	if (file != NULL && otter_jcfg_read(file, keys, &config, &e) == OTTER_OK)
		start(&config, &e);
	if (file != NULL)
		janus_config_destroy(file);
	if (e.err == OTTER_OK)
		return 0;
	JANUS_LOG(LOG_ERR, "[otter] The REST API is not started: %s\n", e.message[0] ? e.message : otter_err_text(e.err));
	transport_destroy();
	return -1;
}

/* ---- what Janus wants to know ---- */

static int get_api_compatibility(void)
{
	return JANUS_TRANSPORT_API_VERSION;
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
	return "REST API of Otter (rooms, keys, tokens, TURN credentials) and its web app.";
}

static const char *get_name(void)
{
	return "Otter REST API";
}

static const char *get_author(void)
{
	return "The authors of Otter for Janus";
}

static const char *get_package(void)
{
	return "janus.transport.otter";
}

/* Janus drops a transport that offers neither API; ours says Janus API, and never brings a message of it. */
static gboolean is_janus_api_enabled(void)
{
	return TRUE;
}

static gboolean is_admin_api_enabled(void)
{
	return FALSE;
}

static int send_message(janus_transport_session *session, void *request_id, gboolean admin, json_t *message)
{
	(void)session, (void)request_id, (void)admin;
	json_decref(message);
	return -1;
}

static void session_created(janus_transport_session *session, guint64 session_id)
{
	(void)session, (void)session_id;
}

static void session_over(janus_transport_session *session, guint64 session_id, gboolean timeout, gboolean claimed)
{
	(void)session, (void)session_id, (void)timeout, (void)claimed;
}

static void session_claimed(janus_transport_session *session, guint64 session_id)
{
	(void)session, (void)session_id;
}

static json_t *query_transport(json_t *request)
{
	(void)request;
	return json_pack("{s:i}", "http", transport.http != NULL ? otter_http_port(transport.http) : 0);
}

static janus_transport face = {
	.init = transport_init,
	.destroy = transport_destroy,
	.get_api_compatibility = get_api_compatibility,
	.get_version = get_version,
	.get_version_string = get_version_string,
	.get_description = get_description,
	.get_name = get_name,
	.get_author = get_author,
	.get_package = get_package,
	.is_janus_api_enabled = is_janus_api_enabled,
	.is_admin_api_enabled = is_admin_api_enabled,
	.send_message = send_message,
	.session_created = session_created,
	.session_over = session_over,
	.session_claimed = session_claimed,
	.query_transport = query_transport,
};

janus_transport *create(void);

__attribute__((visibility("default"))) janus_transport *create(void)
{
	return &face;
}
