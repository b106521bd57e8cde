/* SPDX-License-Identifier: GPL-3.0-or-later
 * TURN credentials. */
#include "turn.h"

#include "digest.h"
#include "id.h"
#include "turndb.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

void otter_turn_init(struct otter_turn *turn, const struct otter_turn_server *servers, size_t n, const char *secret_db, const char *realm)
{
	*turn = (struct otter_turn){
		.n_servers = n, .servers = g_new0(struct otter_turn_server, n), .secret_db = g_strdup(secret_db), .realm = g_strdup(realm)
	};
	otter_lock_init(&turn->lock);
	for (size_t i = 0; i < n; i++)
		turn->servers[i] =
			(struct otter_turn_server){ .url = g_strdup(servers[i].url), .tls = g_strdup(servers[i].tls), .region = g_strdup(servers[i].region) };
}

static void free_secret(char *secret)
{
	if (secret != NULL)
		otter_wipe(secret, strlen(secret));
	g_free(secret);
}

void otter_turn_clear(struct otter_turn *turn)
{
	for (size_t i = 0; i < turn->n_servers; i++) {
		g_free(turn->servers[i].url);
		g_free(turn->servers[i].tls);
		g_free(turn->servers[i].region);
	}
	g_free(turn->servers);
	g_free(turn->secret_db);
	g_free(turn->realm);
	free_secret(turn->secret);
	otter_lock_clear(&turn->lock);
	*turn = (struct otter_turn){ 0 };
}

void otter_turn_refresh(struct otter_turn *turn, const struct otter_env *env)
{
	if (turn->secret_db == NULL)
		return;
	struct otter_error e = { 0 };
	char *secret = otter_turndb_newest_secret(turn->secret_db, turn->realm, &e);
	if (secret == NULL) { /* what we have stays: a database that cannot be read just now takes nothing from a running call */
		if (!turn->failing)
			otter_log(env, OTTER_LOG_WARNING, "no TURN secret: %s", e.message);
		turn->failing = true;
		return;
	}
	turn->failing = false;
	char *old;
	{
		OTTER_LOCKED(&turn->lock);
		old = turn->secret;
		turn->secret = secret;
	}
	if (g_strcmp0(old, secret) != 0)
		otter_log(env, OTTER_LOG_INFO, "TURN secret taken from %s", turn->secret_db);
	free_secret(old);
}

static json_t *turn_urls(const struct otter_turn *turn)
{
	json_t *urls = json_array();
	for (size_t i = 0; i < turn->n_servers; i++) {
		const struct otter_turn_server *s = &turn->servers[i];
		json_array_append_new(urls, json_sprintf("%s?transport=udp", s->url));
		json_array_append_new(urls, json_sprintf("%s?transport=tcp", s->url));
		if (s->tls != NULL)
			json_array_append_new(urls, json_sprintf("%s?transport=tcp", s->tls));
	}
	return urls;
}

static json_t *stun_urls(const struct otter_turn *turn)
{
	json_t *urls = json_array();
	for (size_t i = 0; i < turn->n_servers; i++) /* "turn:host" and "stun:host" differ in the scheme alone (RFC 7064, RFC 7065) */
		json_array_append_new(urls, json_sprintf("stun:%s", strchr(turn->servers[i].url, ':') + 1));
	return urls;
}

json_t *otter_turn_credentials(struct otter_turn *turn, const struct otter_env *env, const char *name, int64_t ttl_s, bool relay_only)
{
	int64_t expires_s = otter_wall_s(env) + ttl_s;
	char expires_at[OTTER_TIME_SIZE];
	otter_time_format(expires_s * 1000, expires_at);
	g_autofree char *user = g_strdup_printf("%" PRId64 ":%s", expires_s, name);
	g_autofree char *credential = NULL;
	{
		OTTER_LOCKED(&turn->lock);
		if (turn->secret != NULL)
			credential = otter_hmac_sha1_base64(turn->secret, user);
	}
	json_t *servers = json_array();
	if (turn->n_servers > 0 && !relay_only)
		json_array_append_new(servers, json_pack("{s:o}", "urls", stun_urls(turn)));
	if (turn->n_servers > 0 && credential != NULL)
		json_array_append_new(servers, json_pack("{s:o, s:s, s:s}", "urls", turn_urls(turn), "username", user, "credential", credential));
	return json_pack("{s:o, s:I, s:s}", "ice_servers", servers, "ttl", (json_int_t)ttl_s, "expires_at", expires_at);
}
