/* SPDX-License-Identifier: GPL-3.0-or-later
 * Failed logins are counted by network, in windows, in bounded memory. */
#include "fixture.h"
#include "transports/throttle.h"

#define WINDOW_S 1800

static int64_t fail(struct otter_throttle *throttle, const char *text)
{
	struct otter_address client;
	g_assert_true(otter_address_parse(text, &client));
	return otter_throttle_failure(throttle, &client);
}

static void ten_are_free_and_the_next_wait_for_the_end_of_the_window(void)
{
	struct surroundings s;
	surroundings_init(&s);
	struct otter_throttle *throttle = otter_throttle_new(&s.env, 10, WINDOW_S);
	for (int i = 0; i < 10; i++) {
		g_assert_cmpint(fail(throttle, "192.0.2.1"), ==, 0);
		pass_ms(&s, 1000);
	}
	g_assert_cmpint(fail(throttle, "192.0.2.1"), ==, WINDOW_S - 10);
	g_assert_cmpint(fail(throttle, "192.0.2.2"), ==, 0);
	pass_ms(&s, (WINDOW_S - 10) * 1000 - 1);
	g_assert_cmpint(fail(throttle, "192.0.2.1"), ==, 1);
	pass_ms(&s, 1);
	for (int i = 0; i < 10; i++)
		g_assert_cmpint(fail(throttle, "192.0.2.1"), ==, 0);
	g_assert_cmpint(fail(throttle, "192.0.2.1"), ==, WINDOW_S);
	otter_throttle_free(throttle);
	surroundings_clear(&s);
}

static void who_has_a_network_of_ipv6_is_one(void)
{
	struct surroundings s;
	surroundings_init(&s);
	struct otter_throttle *throttle = otter_throttle_new(&s.env, 2, WINDOW_S);
	g_assert_cmpint(fail(throttle, "2001:db8::1"), ==, 0);
	g_assert_cmpint(fail(throttle, "2001:db8::2"), ==, 0);
	g_assert_cmpint(fail(throttle, "2001:db8::3"), ==, WINDOW_S);
	g_assert_cmpint(fail(throttle, "2001:db8:0:1::1"), ==, 0);
	otter_throttle_free(throttle);
	surroundings_clear(&s);
}

static void the_table_is_bounded_and_the_oldest_goes(void)
{
	struct surroundings s;
	surroundings_init(&s);
	struct otter_throttle *throttle = otter_throttle_new(&s.env, 1, WINDOW_S);
	g_assert_cmpint(fail(throttle, "192.0.2.1"), ==, 0);
	g_assert_cmpint(fail(throttle, "192.0.2.2"), ==, 0);
	for (int i = 0; i < OTTER_THROTTLE_NETWORKS - 1; i++) {
		g_autofree char *text = g_strdup_printf("10.0.%d.%d", i / 256, i % 256);
		g_assert_cmpint(fail(throttle, text), ==, 0);
	}
	g_assert_cmpint(fail(throttle, "192.0.2.2"), >, 0);
	g_assert_cmpint(fail(throttle, "192.0.2.1"), ==, 0); /* forgotten, and the oldest that is left goes for it */
	g_assert_cmpint(fail(throttle, "192.0.2.2"), ==, 0);
	otter_throttle_free(throttle);
	surroundings_clear(&s);
}

static const struct check checks[] = {
	{ "ten are free, and the next wait for the end of the window", ten_are_free_and_the_next_wait_for_the_end_of_the_window },
	{ "who has a network of IPv6 is one", who_has_a_network_of_ipv6_is_one },
	{ "the table is bounded, and the oldest goes", the_table_is_bounded_and_the_oldest_goes },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "throttle", checks);
}
