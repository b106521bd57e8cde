/* SPDX-License-Identifier: GPL-3.0-or-later
 * What an operator sets, and what holds otherwise. */
#include "fixture.h"
#include "core/settings.h"

static void an_origin_is_what_a_browser_writes(void)
{
	static const char *const good[] = { "https://app.example.org", "http://localhost:3000", "https://[2001:db8::1]:8443", "http://127.0.0.1",
		"https://a_b.example" };
	static const char *const bad[] = { "", "*", "null", "app.example.org", "https://", "https://app.example.org/", "https://App.example.org", "https://a b",
		"https://a;b", "https://a'", "https://a:", "https://a:123456", "https://a:80/", "https://a:b", "https://u@a", "ws://a", "https://*.example.org",
		"https://[::1", "https://a?b", "https://a\n" };
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(otter_is_origin(good[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(otter_is_origin(bad[i]));
}

static void the_origin_of_a_url_is_its_beginning(void)
{
	static const char *const pairs[][2] = { { "https://calls.example.org/x/y?z", "https://calls.example.org" },
		{ "ws://127.0.0.1:8188", "ws://127.0.0.1:8188" }, { "HTTPS://Calls.example.org#a", "https://calls.example.org" }, { "nothing", NULL },
		{ "", NULL }, { NULL, NULL } };
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		g_autofree char *origin = otter_origin_of(pairs[i][0]);
		g_assert_cmpstr(origin, ==, pairs[i][1]);
	}
}

static void what_is_not_said_has_its_default(void)
{
	struct surroundings s;
	surroundings_init(&s);
	struct otter *o = core_open(&s, NULL);
	const struct otter_settings *settings = otter_settings(o);
	g_assert_cmpint(settings->limits.connections, ==, OTTER_CONNECTIONS);
	g_assert_cmpint(settings->limits.key_requests_per_second, ==, OTTER_KEY_REQUESTS_PER_SECOND);
	g_assert_cmpuint(g_strv_length(settings->allowed_origins) + g_strv_length(settings->trusted_proxies), ==, 0);
	core_end(o);
	surroundings_clear(&s);
}

static void what_is_said_is_copied(void)
{
	char origin[] = "https://a.example", *origins[] = { origin, NULL };
	struct otter_settings said = { .allowed_origins = origins, .limits = { .login_failures = 3 } }, kept;
	otter_settings_copy(&kept, &said, "https://calls.example.org/otter");
	origin[0] = 'x';
	g_assert_cmpstr(kept.allowed_origins[0], ==, "https://a.example");
	g_assert_cmpstr(kept.public_origin, ==, "https://calls.example.org");
	g_assert_cmpint(kept.limits.login_failures, ==, 3);
	g_assert_cmpint(kept.limits.login_window, ==, OTTER_LOGIN_WINDOW_S);
	otter_settings_clear(&kept);
	otter_settings_clear(&kept);
}

static const struct check checks[] = {
	{ "an origin is what a browser writes", an_origin_is_what_a_browser_writes },
	{ "the origin of a URL is its beginning", the_origin_of_a_url_is_its_beginning },
	{ "what is not said has its default", what_is_not_said_has_its_default },
	{ "what is said is copied", what_is_said_is_copied },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "settings", checks);
}
