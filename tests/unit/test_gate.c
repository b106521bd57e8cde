/* SPDX-License-Identifier: GPL-3.0-or-later
 * The signaling server's own gate. */
#include "fixture.h"
#include "core/digest.h"
#include "core/gate.h"

static void the_gate_token_is_what_janus_checks(void)
{
	struct surroundings s;
	surroundings_init(&s);
	g_autofree char *token = otter_gate_token(&s.env, "a secret of the gate", 86400);
	const char *data = "1795521600,janus,janus.plugin.otter"; /* a day after NOON_MS */
	g_autofree char *mac = otter_hmac_sha1_base64("a secret of the gate", data);
	g_autofree char *expected = g_strconcat(data, ":", mac, NULL);
	g_assert_cmpstr(token, ==, expected);
	surroundings_clear(&s);
}

static void another_secret_gives_another_signature(void)
{
	struct surroundings s;
	surroundings_init(&s);
	g_autofree char *one = otter_gate_token(&s.env, "one", 86400), *two = otter_gate_token(&s.env, "two", 86400);
	g_assert_cmpstr(strchr(one, ':'), !=, strchr(two, ':'));
	surroundings_clear(&s);
}

static const struct check checks[] = {
	{ "the gate token is what Janus checks", the_gate_token_is_what_janus_checks },
	{ "another secret gives another signature", another_secret_gives_another_signature },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "gate", checks);
}
