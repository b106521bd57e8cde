/* SPDX-License-Identifier: GPL-3.0-or-later
 * janus.plugin.otter.jcfg: the configuration of the core. */
#include "config.h"

#include "janus_log.h"
#include "jcfg.h"

#include "core/settings.h"

/* clang-format off */
#define TEXT(category, name, member) { category, name, OTTER_JCFG_TEXT, offsetof(struct otter_config, member), 0, 0 }
#define LIST(category, name) { category, name, OTTER_JCFG_OTHER, 0, 0, 0 }
#define NUMBER(category, name, member, min, max) { category, name, OTTER_JCFG_NUMBER, offsetof(struct otter_config, member), min, max }
/* clang-format on */

static const struct otter_jcfg_key keys[] = {
	TEXT("general", "store", store),
	TEXT("general", "public_url", public_url),
	TEXT("general", "signaling_url", signaling_url),
	TEXT("general", "signing_secret_file", signing_secret_file),
	TEXT("general", "janus_token_secret_file", gate_secret_file),
	TEXT("general", "first_key_file", first_key_file),
	NUMBER("general", "resume_timeout", resume_timeout_s, 1, 3600),
	NUMBER("general", "token_ttl", token_ttl_s, 1, 365 * 24 * 3600),
	NUMBER("general", "token_ttl_max", token_ttl_max_s, 1, 365 * 24 * 3600),
	NUMBER("general", "janus_token_ttl", gate_ttl_s, 10, 24 * 3600),
	NUMBER("general", "closed_retention", closed_retention_s, 0, 365 * 24 * 3600),
	TEXT("turn", "secret_db", turn_secret_db),
	TEXT("turn", "realm", turn_realm),
	LIST("general", "allowed_origins"),
	LIST("general", "trusted_proxies"),
	LIST("turn", "servers"),
	NUMBER("limits", "key_requests_per_second", settings.limits.key_requests_per_second, 1, 1000000),
	NUMBER("limits", "connections", settings.limits.connections, 1, 100000),
	NUMBER("limits", "connections_per_address", settings.limits.connections_per_address, 1, 100000),
	NUMBER("limits", "request_seconds", settings.limits.request_seconds, 1, 3600),
	NUMBER("limits", "login_failures", settings.limits.login_failures, 1, 1000000),
	NUMBER("limits", "login_window", settings.limits.login_window, 1, 7 * 24 * 3600),
	{ 0 },
};

static const char *item_of(janus_config *file, janus_config_container *parent, const char *name)
{
	janus_config_item *item = janus_config_get(file, parent, janus_config_type_item, name);
	return item != NULL ? item->value : NULL;
}

/* turn: { servers = ( { url = "turn:host:port", tls = "turns:host:port", region = "eu" }, ... ) } */
static enum otter_err read_servers(otter_plugin_config *config, struct otter_error *e)
{
	janus_config_category *turn = janus_config_get(config->file, NULL, janus_config_type_category, "turn");
	janus_config_array *array = turn != NULL ? janus_config_get(config->file, turn, janus_config_type_array, "servers") : NULL;
	g_autoptr(GList) list = array != NULL ? janus_config_get_categories(config->file, array) : NULL;
	config->servers = g_new0(struct otter_turn_server, g_list_length(list) + 1);
	size_t n = 0;
	for (GList *l = list; l != NULL; l = l->next) {
		struct otter_turn_server *server = &config->servers[n++];
		server->url = (char *)item_of(config->file, l->data, "url");
		server->tls = (char *)item_of(config->file, l->data, "tls");
		server->region = (char *)item_of(config->file, l->data, "region");
		if (server->url == NULL || !g_str_has_prefix(server->url, "turn:"))
			return otter_fail(e, OTTER_INVALID_REQUEST, "turn.servers: each server needs a url like \"turn:turn.example.org:3478\".");
		if (server->tls != NULL && !g_str_has_prefix(server->tls, "turns:"))
			return otter_fail(e, OTTER_INVALID_REQUEST, "turn.servers: tls must be like \"turns:turn.example.org:443\".");
	}
	config->core.turn_servers = config->servers;
	config->core.n_turn_servers = n;
	return OTTER_OK;
}

/* name = ( "text", ... ) or [ "text", ... ]: new list in *out, which stays empty if there is no such key. */
static enum otter_err read_texts(janus_config *file, const char *category, const char *name, char ***out, struct otter_error *e)
{
	janus_config_category *parent = janus_config_get(file, NULL, janus_config_type_category, category);
	janus_config_array *array = parent != NULL ? janus_config_get(file, parent, janus_config_type_array, name) : NULL;
	g_autoptr(GList) items = array != NULL ? janus_config_get_items(file, array) : NULL;
	g_autoptr(GPtrArray) texts = g_ptr_array_new();
	for (GList *l = items; l != NULL; l = l->next)
		g_ptr_array_add(texts, g_strdup(((janus_config_item *)l->data)->value));
	bool whole = array != NULL ? texts->len == g_list_length(array->list) : parent == NULL || item_of(file, parent, name) == NULL;
	g_ptr_array_add(texts, NULL);
	*out = (char **)g_ptr_array_free(g_steal_pointer(&texts), FALSE);
	return whole ? OTTER_OK : otter_fail(e, OTTER_INVALID_REQUEST, "%s.%s: write a list of texts, like [ \"one\", \"two\" ].", category, name);
}

static enum otter_err read_lists(otter_plugin_config *config, struct otter_error *e)
{
	if (read_texts(config->file, "general", "allowed_origins", &config->allowed_origins, e) != OTTER_OK ||
		read_texts(config->file, "general", "trusted_proxies", &config->trusted_proxies, e) != OTTER_OK)
		return e->err;
	for (char **origin = config->allowed_origins; *origin != NULL; origin++)
		if (!otter_is_origin(*origin))
			return otter_fail(e, OTTER_INVALID_REQUEST,
				"general.allowed_origins: '%s' is no origin: write it like \"https://app.example.org\", in lower case and with nothing behind.",
				*origin);
	config->core.settings.allowed_origins = config->allowed_origins;
	config->core.settings.trusted_proxies = config->trusted_proxies;
	return OTTER_OK;
}

/* Where people reach the pages, which load their files from the root. */
static enum otter_err check_public_url(const char *url, struct otter_error *e)
{
	g_autofree char *origin = otter_origin_of(url);
	if (url == NULL || url[0] == '\0' || (origin != NULL && otter_is_origin(origin) && strlen(origin) == strlen(url)))
		return OTTER_OK;
	return otter_fail(e, OTTER_INVALID_REQUEST, "general.public_url is '%s': write scheme, host and port alone, like \"https://calls.example.org\".", url);
}

otter_plugin_config *otter_plugin_config_load(const char *config_path, struct otter_error *e)
{
	g_autoptr(otter_plugin_config) config = g_new0(otter_plugin_config, 1);
	config->core = (struct otter_config){ .env = otter_env_janus(),
		.store = "memory",
		.own_clock = true,
		.resume_timeout_s = OTTER_RESUME_TIMEOUT_S,
		.token_ttl_s = OTTER_TOKEN_TTL_S,
		.token_ttl_max_s = OTTER_TOKEN_TTL_MAX_S,
		.gate_ttl_s = OTTER_GATE_TTL_S,
		.closed_retention_s = OTTER_CLOSED_RETENTION_S };
	config->file = otter_jcfg_open(config_path, "janus.plugin.otter", e);
	if (config->file == NULL || otter_jcfg_read(config->file, keys, &config->core, e) != OTTER_OK || read_servers(config, e) != OTTER_OK ||
		read_lists(config, e) != OTTER_OK || check_public_url(config->core.public_url, e) != OTTER_OK)
		return NULL;
	return g_steal_pointer(&config);
}

void otter_plugin_config_free(otter_plugin_config *config)
{
	if (config == NULL)
		return;
	g_free(config->servers);
	g_strfreev(config->allowed_origins);
	g_strfreev(config->trusted_proxies);
	if (config->file != NULL)
		janus_config_destroy(config->file);
	g_free(config);
}
