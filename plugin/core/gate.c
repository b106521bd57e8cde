/* SPDX-License-Identifier: GPL-3.0-or-later
 * The signaling server's own gate. */
#include "gate.h"

#include "digest.h"

#include <glib.h>
#include <inttypes.h>

char *otter_gate_token(const struct otter_env *env, const char *secret, int64_t ttl_s)
{
	int64_t expiry_s = otter_wall_s(env) + ttl_s;
	g_autofree char *signed_part = g_strdup_printf("%" PRId64 ",janus," OTTER_GATE_PLUGIN, expiry_s);
	g_autofree char *signature = otter_hmac_sha1_base64(secret, signed_part);
	return g_strconcat(signed_part, ":", signature, NULL);
}
