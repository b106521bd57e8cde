/* SPDX-License-Identifier: GPL-3.0-or-later
 * The signaling server's own gate: the signed token without which it makes no session. */
#ifndef OTTER_GATE_H
#define OTTER_GATE_H

#include "env.h"

#define OTTER_GATE_PLUGIN "janus.plugin.otter"

/* "<expiry>,janus,janus.plugin.otter:<base64 HMAC-SHA1>", as Janus' token_auth_secret takes it: opens sessions, and this plugin alone, for
 * `ttl_s` from now. The client that stays longer connects anew and resumes. New string. */
char *otter_gate_token(const struct otter_env *env, const char *secret, int64_t ttl_s);

#endif
