/* SPDX-License-Identifier: GPL-3.0-or-later
 * ICE candidates in relay rooms. */
#include "check.h"
#include "core/candidate.h"

#define START "candidate:842163049 1 udp 1677729535 "
#define RELAY START "198.51.100.7 61000 typ relay"

static void all(const char *const *texts, bool hides)
{
	for (; *texts != NULL; texts++) {
		g_test_message("%s", *texts);
		g_assert_cmpint(otter_candidate_hides_address(*texts), ==, hides);
	}
}

static void a_relay_candidate_without_a_related_address_hides(void)
{
	static const char *const texts[] = { "", RELAY, RELAY " raddr 0.0.0.0 rport 0", RELAY " raddr :: rport 0", "a=" RELAY " raddr 0.0.0.0 rport 0",
		RELAY " raddr 0.0.0.0 rport 0 generation 0 ufrag abcd network-id 1 network-cost 10", START "2001:db8::1 61000 typ relay raddr :: rport 0",
		NULL };
	all(texts, true);
}

static void other_types_show(void)
{
	static const char *const texts[] = { START "192.168.1.5 50000 typ host", START "203.0.113.9 50000 typ srflx raddr 192.168.1.5 rport 50000",
		START "203.0.113.9 50000 typ prflx raddr 0.0.0.0 rport 0", START "4f1c.local 50000 typ host", START "192.168.1.5 9 typ host tcptype active",
		START "192.168.1.5 50000 typ RELAYED", START "192.168.1.5 50000 typ hostrelay", NULL };
	all(texts, false);
}

static void a_related_address_shows(void)
{
	static const char *const texts[] = { RELAY " raddr 192.168.1.5 rport 5", RELAY " RADDR 192.168.1.5 rport 5",
		RELAY " raddr 0.0.0.0 rport 0 raddr 10.0.0.1 rport 1", RELAY " generation 0 raddr 10.0.0.1", RELAY " raddr 0.0.0.00",
		RELAY " raddr ::1 rport 0", NULL };
	all(texts, false);
}

static void doubled_spaces_hide_no_related_address(void)
{
	static const char *const texts[] = { RELAY "  raddr 10.0.0.1 ", RELAY "  raddr 10.0.0.1 rport", RELAY " generation  raddr 10.0.0.1", NULL };
	all(texts, false);
}

static void a_type_said_twice_shows(void)
{
	static const char *const texts[] = { RELAY " typ host", RELAY " raddr 0.0.0.0 rport 0 TYP host", NULL };
	all(texts, false);
}

static void what_does_not_parse_shows(void)
{
	static const char *const texts[] = { "x", "candidate:", "candidate", " ", RELAY " odd", "a=a=" RELAY, " " RELAY,
		RELAY "\r\na=" START "10.0.0.1 1 typ host", RELAY "\n", RELAY "\traddr\t10.0.0.1", "candidate:1 1 udp 1 1.2.3.4 typ relay",
		"CANDIDAT:1 1 udp 1 1.2.3.4 5 typ relay", "typ relay", NULL };
	all(texts, false);
}

static void an_endless_candidate_shows(void)
{
	g_autofree char *pairs = g_strnfill(100000, ' ');
	g_autofree char *text = g_strconcat(RELAY, pairs, NULL);
	g_assert_false(otter_candidate_hides_address(text));
}

static void an_sdp_hides_when_each_of_its_candidates_does(void)
{
	g_assert_true(otter_sdp_hides_addresses(""));
	g_assert_true(otter_sdp_hides_addresses("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"));
	g_assert_true(otter_sdp_hides_addresses("v=0\r\na=" RELAY " raddr 0.0.0.0 rport 0\r\na=end-of-candidates\r\n"));
	g_assert_true(otter_sdp_hides_addresses("v=0\na=" RELAY "\n"));
}

static void one_candidate_that_shows_is_enough(void)
{
	static const char *const texts[] = { "v=0\r\na=" RELAY "\r\na=" START "192.168.1.5 5 typ host\r\n", "v=0\na=" START "192.168.1.5 5 typ host",
		"v=0\ra=" START "192.168.1.5 5 typ host", "a=" START "192.168.1.5 5 typ host", "v=0\r\nA=" START "192.168.1.5 5 typ host\r\n",
		"v=0\r\na=CANDIDATE:1 1 udp 1 192.168.1.5 5 typ host\r\n", "v=0\r\na=candidate\r\n", "v=0\r\n\r\n\r\na=" START "192.168.1.5 5 typ host\r\n" };
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_test_message("%s", texts[i]);
		g_assert_false(otter_sdp_hides_addresses(texts[i]));
	}
}

static const struct check checks[] = {
	{ "a relay candidate without a related address hides", a_relay_candidate_without_a_related_address_hides },
	{ "other types show", other_types_show },
	{ "a related address shows", a_related_address_shows },
	{ "doubled spaces hide no related address", doubled_spaces_hide_no_related_address },
	{ "a type said twice shows", a_type_said_twice_shows },
	{ "what does not parse shows", what_does_not_parse_shows },
	{ "an endless candidate shows", an_endless_candidate_shows },
	{ "an SDP hides when each of its candidates does", an_sdp_hides_when_each_of_its_candidates_does },
	{ "one candidate that shows is enough", one_candidate_that_shows_is_enough },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "candidate", checks);
}
