/* SPDX-License-Identifier: GPL-3.0-or-later
 * How many connections there may be, and how long each may take for a step. */
#include "fixture.h"
#include "transports/connections.h"

#include <sys/socket.h>
#include <unistd.h>

#define STEP_S 15
#define STEP_MS (STEP_S * 1000)

static struct surroundings s;
static struct otter_proxies proxies;

static struct otter_connections *begin(int64_t most, int64_t most_per_address)
{
	char *trusted[] = { "10.0.0.0/8", NULL };
	surroundings_init(&s);
	otter_proxies_init(&proxies, trusted, NULL);
	return otter_connections_new(
		&(struct otter_connections_config){ .env = &s.env, .proxies = &proxies, .most = most, .most_per_address = most_per_address, .step_s = STEP_S });
}

static void end(struct otter_connections *all)
{
	otter_connections_free(all);
	otter_proxies_clear(&proxies);
	surroundings_clear(&s);
}

/* A connection with its other end. */
struct line {
	struct otter_connection *c;
	int fds[2];
};

static struct line line_open(struct otter_connections *all, const char *text)
{
	struct line line;
	struct otter_address peer = { 0 };
	if (text != NULL)
		g_assert_true(otter_address_parse(text, &peer));
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, line.fds), ==, 0);
	line.c = otter_connection_opened(all, &peer, line.fds[0]);
	return line;
}

static void line_close(struct line *line)
{
	otter_connection_closed(line->c);
	close(line->fds[0]);
	close(line->fds[1]);
}

static bool has_ended(const struct line *line)
{
	char byte;
	return read(line->fds[1], &byte, 1) == 0;
}

static bool admits(struct otter_connections *all, const char *text)
{
	struct otter_address peer = { 0 };
	if (text != NULL)
		g_assert_true(otter_address_parse(text, &peer));
	return otter_connections_admit(all, &peer);
}

static void one_address_has_its_share_and_all_have_theirs(void)
{
	struct otter_connections *all = begin(4, 2);
	struct line a = line_open(all, "192.0.2.1"), b = line_open(all, "192.0.2.1");
	g_assert_false(admits(all, "192.0.2.1"));
	g_assert_true(admits(all, "192.0.2.2"));
	line_close(&b);
	g_assert_true(admits(all, "192.0.2.1"));
	struct line c = line_open(all, "2001:db8::1"), d = line_open(all, "2001:db8::2");
	g_assert_false(admits(all, "2001:db8::3"));
	struct line e = line_open(all, "192.0.2.9");
	g_assert_false(admits(all, "192.0.2.7"));
	line_close(&a), line_close(&c), line_close(&d), line_close(&e);
	g_assert_true(admits(all, "2001:db8::3"));
	end(all);
}

static void a_proxy_and_a_unix_socket_are_not_counted_by_address(void)
{
	struct otter_connections *all = begin(5, 1);
	struct line a = line_open(all, "10.0.0.1"), b = line_open(all, "10.0.0.1"), c = line_open(all, NULL), d = line_open(all, NULL);
	g_assert_true(admits(all, "10.0.0.1") && admits(all, NULL));
	struct line e = line_open(all, "10.0.0.2");
	g_assert_false(admits(all, "10.0.0.1") || admits(all, NULL));
	line_close(&a), line_close(&b), line_close(&c), line_close(&d), line_close(&e);
	end(all);
}

static void who_takes_too_long_for_a_step_is_ended(void)
{
	struct otter_connections *all = begin(9, 9);
	struct line slow = line_open(all, "192.0.2.1");
	pass_ms(&s, 1000);
	struct line later = line_open(all, "192.0.2.1");
	pass_ms(&s, STEP_MS - 1001);
	g_assert_cmpint(otter_connections_tick(all), ==, 1);
	g_assert_false(has_ended(&slow));
	pass_ms(&s, 1);
	g_assert_cmpint(otter_connections_tick(all), ==, 1000);
	g_assert_true(has_ended(&slow));
	g_assert_false(has_ended(&later));
	pass_ms(&s, 1000);
	otter_connections_tick(all);
	g_assert_true(has_ended(&later));
	line_close(&slow), line_close(&later);
	end(all);
}

static void each_step_has_its_own_time_and_the_core_has_all_it_needs(void)
{
	struct otter_connections *all = begin(9, 9);
	struct line a = line_open(all, "192.0.2.1"), b = line_open(all, "192.0.2.1");
	pass_ms(&s, STEP_MS - 1);
	otter_connection_step(a.c);
	otter_connection_rest(b.c);
	pass_ms(&s, STEP_MS - 1);
	otter_connections_tick(all);
	g_assert_false(has_ended(&a) || has_ended(&b));
	pass_ms(&s, 1);
	otter_connections_tick(all);
	g_assert_true(has_ended(&a));
	pass_ms(&s, 100 * STEP_MS);
	otter_connections_tick(all);
	g_assert_false(has_ended(&b));
	otter_connection_step(b.c);
	pass_ms(&s, STEP_MS);
	otter_connections_tick(all);
	g_assert_true(has_ended(&b));
	line_close(&a), line_close(&b);
	end(all);
}

static void a_descriptor_that_was_closed_is_left_alone(void)
{
	struct otter_connections *all = begin(9, 9);
	struct line a = line_open(all, "192.0.2.1");
	int was = a.fds[0];
	line_close(&a);
	struct line b = line_open(all, "192.0.2.1");
	g_assert_cmpint(b.fds[0], ==, was);
	otter_connection_rest(b.c);
	pass_ms(&s, STEP_MS);
	otter_connections_tick(all);
	g_assert_false(has_ended(&b));
	line_close(&b);
	end(all);
}

static void the_clock_of_its_own_starts_and_stops(void)
{
	struct otter_connections *all = begin(9, 9);
	struct otter_connections *ticking = otter_connections_new(&(struct otter_connections_config){
		.env = otter_env_system(), .proxies = &proxies, .most = 9, .most_per_address = 9, .step_s = 1, .own_clock = true });
	struct line a = line_open(ticking, "192.0.2.1");
	while (!has_ended(&a)) /* or the test's own time limit ends this */
		g_usleep(1000);
	line_close(&a);
	otter_connections_free(ticking);
	end(all);
}

static const struct check checks[] = {
	{ "one address has its share, and all have theirs", one_address_has_its_share_and_all_have_theirs },
	{ "a proxy and a Unix socket are not counted by address", a_proxy_and_a_unix_socket_are_not_counted_by_address },
	{ "who takes too long for a step is ended", who_takes_too_long_for_a_step_is_ended },
	{ "each step has its own time, and the core has all it needs", each_step_has_its_own_time_and_the_core_has_all_it_needs },
	{ "a descriptor that was closed is left alone", a_descriptor_that_was_closed_is_left_alone },
	{ "the clock of its own starts and stops", the_clock_of_its_own_starts_and_stops },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "connections", checks);
}
