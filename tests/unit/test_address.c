/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where a client comes from, and what proxies may say about it. */
#include "check.h"
#include "transports/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static struct otter_address parsed(const char *text)
{
	struct otter_address address;
	g_assert_true(otter_address_parse(text, &address));
	return address;
}

static void an_address_is_what_it_says_and_nothing_else(void)
{
	static const char *const good[] = { "127.0.0.1", "0.0.0.0", "::", "::1", "2001:db8::1", "::ffff:10.1.2.3", "FE80::1" };
	static const char *const bad[] = { "", " ", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4:80", "[::1]",
		"fe80::1%eth0", "::1/64", "unknown", "_hidden", ":::", "1::2::3", "::ffff:1.2.3.4.5", "0x7f.1.1.1", "1.2.3.4\n" };
	struct otter_address address;
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(otter_address_parse(good[i], &address));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(otter_address_parse(bad[i], &address));
}

static void ipv4_is_one_address_however_it_is_written(void)
{
	struct otter_address a = parsed("10.1.2.3"), b = parsed("::ffff:10.1.2.3"), c;
	struct sockaddr_in socket = { .sin_family = AF_INET };
	inet_pton(AF_INET, "10.1.2.3", &socket.sin_addr);
	otter_address_of_socket((struct sockaddr *)&socket, &c);
	g_assert_true(otter_address_equal(&a, &b) && otter_address_equal(&a, &c));
	g_assert_cmpuint(otter_address_hash(&a), ==, otter_address_hash(&b));
	otter_address_of_socket(&(struct sockaddr){ .sa_family = AF_UNIX }, &c);
	g_assert_true(otter_address_is_none(&c));
}

static void ipv6_counts_by_64_bits_and_ipv4_by_all(void)
{
	static const struct {
		const char *one, *other;
		bool together;
	} pairs[] = {
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.3", "10.1.2.4", false },
		{ "10.1.2.3", "::ffff:10.1.2.3", true },
		{ "2001:db8:1:2::3", "2001:db8:1:2:ffff::4", true },
		{ "2001:db8:1:2::3", "2001:db8:1:3::3", false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		struct otter_address one = parsed(pairs[i].one), other = parsed(pairs[i].other);
		one = otter_address_group(&one), other = otter_address_group(&other);
		g_assert_true(otter_address_equal(&one, &other) == pairs[i].together);
	}
}

static void a_network_has_what_agrees_with_its_prefix(void)
{
	static const struct {
		const char *network, *address;
		bool has;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.3", "10.1.2.2", false },
		{ "10.1.2.0/23", "10.1.3.9", true },
		{ "10.1.2.0/23", "10.1.4.0", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "fd00::/8", "fdff::1", true },
		{ "fd00::/8", "fe00::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "::1", "::1", true },
		{ "::1", "127.0.0.1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::ffff:10.0.0.0/104", "10.9.9.9", true },
	};
	static const char *const bad[] = { "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8 ", "10.0.0.1/8", "::/129",
		"fd00::1/8", "localhost", "10.0.0.0/8/8", "*", "10.0.0.0/0x8" };
	struct otter_network network;
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct otter_address address = parsed(cases[i].address);
		g_assert_true(otter_network_parse(cases[i].network, &network));
		g_assert_true(otter_network_has(&network, &address) == cases[i].has);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(otter_network_parse(bad[i], &network));
}

static void a_list_of_proxies_names_what_is_wrong_in_it(void)
{
	struct otter_proxies proxies;
	struct otter_error e = { 0 };
	char *good[] = { "10.0.0.0/8", "::1", NULL }, *bad[] = { "10.0.0.0/8", "10.0.0.0/99", NULL };
	g_assert_cmpint(otter_proxies_init(&proxies, good, &e), ==, OTTER_OK);
	g_assert_cmpuint(proxies.n, ==, 2);
	otter_proxies_clear(&proxies);
	g_assert_cmpint(otter_proxies_init(&proxies, bad, &e), ==, OTTER_INVALID_REQUEST);
	g_assert_nonnull(strstr(e.message, "10.0.0.0/99"));
	g_assert_cmpuint(proxies.n, ==, 0);
	g_assert_cmpint(otter_proxies_init(&proxies, NULL, &e), ==, OTTER_OK);
	otter_proxies_clear(&proxies);
}

static void proxies_are_believed_and_nobody_else(void)
{
	static const struct {
		const char *peer, *forwarded_for, *client;
	} cases[] = {
		{ "203.0.113.9", NULL, "203.0.113.9" },
		{ "203.0.113.9", "192.0.2.1", "203.0.113.9" }, /* a stranger says so */
		{ "10.0.0.1", NULL, "10.0.0.1" },
		{ "10.0.0.1", "192.0.2.1", "192.0.2.1" },
		{ "10.0.0.1", "  192.0.2.1\t", "192.0.2.1" },
		{ "10.0.0.1", "2001:db8::7", "2001:db8::7" },
		{ "10.0.0.1", "198.51.100.1, 192.0.2.1", "192.0.2.1" }, /* the left one is what the client wrote */
		{ "10.0.0.1", "127.0.0.1, 192.0.2.1", "192.0.2.1" },
		{ "10.0.0.1", "192.0.2.1, 10.0.0.2, 10.0.0.3", "192.0.2.1" },
		{ "10.0.0.1", "10.0.0.5, 10.0.0.2", "10.0.0.5" }, /* somebody inside */
		{ "10.0.0.1", "192.0.2.1,", "10.0.0.1" },
		{ "10.0.0.1", ",192.0.2.1", "192.0.2.1" },
		{ "10.0.0.1", ",10.0.0.2", "10.0.0.1" },
		{ "10.0.0.1", "", "10.0.0.1" },
		{ "10.0.0.1", ",", "10.0.0.1" },
		{ "10.0.0.1", "unknown", "10.0.0.1" },
		{ "10.0.0.1", "192.0.2.1, unknown", "10.0.0.1" },
		{ "10.0.0.1", "192.0.2.1:4711", "10.0.0.1" },
		{ "10.0.0.1", "[2001:db8::7]", "10.0.0.1" },
		{ "10.0.0.1", "192.0.2.1 10.0.0.2", "10.0.0.1" },
		{ "10.0.0.1", "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111", "10.0.0.1" },
		{ "::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1" },
	};
	char *trusted[] = { "10.0.0.0/8", NULL };
	struct otter_proxies proxies;
	g_assert_cmpint(otter_proxies_init(&proxies, trusted, NULL), ==, OTTER_OK);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct otter_address peer = parsed(cases[i].peer), expected = parsed(cases[i].client);
		struct otter_address client = otter_client_address(&proxies, &peer, cases[i].forwarded_for);
		g_test_message("%s, %s", cases[i].peer, cases[i].forwarded_for);
		g_assert_true(otter_address_equal(&client, &expected));
	}
	otter_proxies_clear(&proxies);
}

static void an_endless_list_of_proxies_is_not_followed(void)
{
	char *trusted[] = { "10.0.0.1", NULL };
	struct otter_proxies proxies;
	g_autoptr(GString) list = g_string_new("192.0.2.1");
	struct otter_address peer = parsed("10.0.0.1");
	g_assert_cmpint(otter_proxies_init(&proxies, trusted, NULL), ==, OTTER_OK);
	for (int i = 0; i < 1000; i++)
		g_string_append(list, ", 10.0.0.1");
	struct otter_address client = otter_client_address(&proxies, &peer, list->str);
	g_assert_true(otter_address_equal(&client, &peer));
	otter_proxies_clear(&proxies);
}

static const struct check checks[] = {
	{ "an address is what it says and nothing else", an_address_is_what_it_says_and_nothing_else },
	{ "IPv4 is one address however it is written", ipv4_is_one_address_however_it_is_written },
	{ "IPv6 counts by 64 bits, and IPv4 by all", ipv6_counts_by_64_bits_and_ipv4_by_all },
	{ "a network has what agrees with its prefix", a_network_has_what_agrees_with_its_prefix },
	{ "a list of proxies names what is wrong in it", a_list_of_proxies_names_what_is_wrong_in_it },
	{ "proxies are believed, and nobody else", proxies_are_believed_and_nobody_else },
	{ "an endless list of proxies is not followed", an_endless_list_of_proxies_is_not_followed },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "address", checks);
}
