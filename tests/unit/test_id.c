/* SPDX-License-Identifier: GPL-3.0-or-later
 * Ids, times and other small texts. */
#include "check.h"
#include "core/id.h"

static void ids_have_their_shape_and_never_repeat(void)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (int i = 0; i < 10000; i++) {
		char id[OTTER_ID_SIZE];
		otter_id_new(otter_env_system(), "rm_", id);
		g_assert_true(g_str_has_prefix(id, "rm_"));
		g_assert_true(otter_text_made_of(id + 3, OTTER_BASE62, OTTER_ID_RANDOM, OTTER_ID_RANDOM));
		g_assert_true(g_hash_table_add(seen, g_strdup(id)));
	}
}

static void all_62_characters_are_about_equally_likely(void)
{
	enum { N = 62 * 2000 };
	g_autofree char *text = g_malloc(N + 1);
	unsigned count[256] = { 0 };
	otter_base62_random(otter_env_system(), text, N);
	g_assert_cmpuint(strlen(text), ==, N);
	for (int i = 0; i < N; i++)
		count[(unsigned char)text[i]]++;
	for (const char *c = OTTER_BASE62; *c != '\0'; c++) { /* 2000 expected, deviation 45: nine of them never happen */
		g_assert_cmpuint(count[(unsigned char)*c], >, 1600);
		g_assert_cmpuint(count[(unsigned char)*c], <, 2400);
	}
}

static void times_are_written_in_utc_with_milliseconds(void)
{
	char text[OTTER_TIME_SIZE];
	otter_time_format(0, text);
	g_assert_cmpstr(text, ==, "1970-01-01T00:00:00.000Z");
	otter_time_format(INT64_C(1795435200007), text);
	g_assert_cmpstr(text, ==, "2026-11-23T12:00:00.007Z");
	otter_time_format(INT64_C(253402300799999), text);
	g_assert_cmpstr(text, ==, "9999-12-31T23:59:59.999Z");
}

static void times_of_rfc_3339_are_read(void)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-23T12:00:00Z", INT64_C(1795435200000) },
		{ "2026-11-23T12:00:00.5Z", INT64_C(1795435200500) },
		{ "2026-11-23T12:00:00.123456Z", INT64_C(1795435200123) },
		{ "2026-11-23T13:00:00+01:00", INT64_C(1795435200000) },
		{ "2026-11-23T06:30:00-05:30", INT64_C(1795435200000) },
		{ "2028-02-29T00:00:00Z", INT64_C(1835395200000) },
		{ "9999-12-31T23:59:59.999Z", INT64_C(253402300799999) },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		int64_t ms = -1;
		g_test_message("%s", good[i].text);
		g_assert_true(otter_time_parse(good[i].text, &ms));
		g_assert_cmpint(ms, ==, good[i].ms);
	}
}

static void other_texts_are_no_times(void)
{
	static const char *const bad[] = {
		"",
		"now",
		"0",
		"1795435200",
		"2026-11-23",
		"2026-11-23T12:00:00",
		"2026-11-23 12:00:00Z",
		"20261123T120000Z",
		"2026-W48-1T12:00:00Z",
		"2026-327T12:00:00.00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2026-11-31T00:00:00Z",
		"2026-11-23T25:00:00Z",
		"2026-11-23T12:60:00Z",
		"2026-11-23T12:00:61Z",
		"2026-11-23T12:00:00ZZ",
		"2026-11-23T12:00:00Zx",
		"2026-11-23T12:00:00.Z",
		"2026-11-23T12:00:00 Z",
		"2026-11-23T12:00:00+25:00",
		"2026-11-23T12:00:00+",
		"+026-11-23T12:00:00Z",
		"2026-11-23T12:00:-1Z",
		"1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+01:00",
		"0000-00-00T00:00:00Z",
		" 2026-11-23T12:00:00Z",
		"2026-11-23T12:00:00Z ",
		"2026-1-23T12:00:00.0Z",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		int64_t ms = 7;
		g_test_message("%s", bad[i]);
		g_assert_false(otter_time_parse(bad[i], &ms));
		g_assert_cmpint(ms, ==, 7);
	}
}

static void a_zone_has_hours_and_minutes(void)
{
	int64_t ms;
	g_assert_false(otter_time_parse("2026-11-23T12:00:00+01", &ms));
	g_assert_false(otter_time_parse("2026-11-23T12:00:00+0100", &ms));
}

static void no_time_is_after_9999(void)
{
	int64_t ms = 0;
	g_assert_false(otter_time_parse("9999-12-31T23:59:59-01:00", &ms)); /* would be the year 10000 in UTC, which cannot be written */
}

static void what_is_written_is_read_back(void)
{
	for (int64_t ms = 0; ms < INT64_C(253402300800000); ms += INT64_C(86399999) * 97) {
		char text[OTTER_TIME_SIZE];
		int64_t again = -1;
		otter_time_format(ms, text);
		g_assert_true(otter_time_parse(text, &again));
		g_assert_cmpint(again, ==, ms);
	}
}

static void made_of_counts_bytes_and_knows_its_bounds(void)
{
	g_assert_true(otter_text_made_of("abc", "abc", 3, 3));
	g_assert_false(otter_text_made_of("abc", "abc", 4, 9));
	g_assert_false(otter_text_made_of("abc", "abc", 0, 2));
	g_assert_true(otter_text_made_of("", "abc", 0, 2));
	g_assert_false(otter_text_made_of("", "abc", 1, 2));
	g_assert_false(otter_text_made_of("ab\n", "abc", 1, 9));
	g_assert_false(otter_text_made_of("é", OTTER_BASE62, 1, 9));
}

static void names_of_people_are_displayable(void)
{
	static const char *const good[] = { "", "Ann", "Zoë", "李小龍", "עברית", "محمد", "👩‍👩‍👧", "O'Neil <b>&amp;", "a b" };
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(otter_text_displayable(good[i], 64));
}

static void control_and_direction_characters_are_not(void)
{
	static const char *const bad[] = { "a\nb", "a\tb", "\x01", "\x7f", "\xc2\x85" /* NEL */, "\xc2\x9f", "\xe2\x80\xa8" /* line separator */,
		"\xe2\x80\xa9", "\xe2\x80\xaeX" /* RLO */, "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x81\xa6", "\xe2\x81\xa7",
		"\xe2\x81\xa8", "\xe2\x81\xa9", "\xe2\x80\x8e" /* LRM */, "\xe2\x80\x8f", "\xd8\x9c" /* ALM */ };
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_test_message("%zu", i);
		g_assert_false(otter_text_displayable(bad[i], 64));
	}
}

static void a_name_is_measured_in_characters(void)
{
	g_assert_true(otter_text_displayable("éééé", 4));
	g_assert_false(otter_text_displayable("ééééé", 4));
}

static void equal_means_every_byte(void)
{
	g_assert_true(otter_equal_constant_time("abc", "abc", 3));
	g_assert_false(otter_equal_constant_time("abc", "abd", 3));
	g_assert_false(otter_equal_constant_time("abc", "bbc", 3));
	g_assert_true(otter_equal_constant_time("abc", "abd", 2));
	g_assert_true(otter_equal_constant_time("a", "b", 0));
}

static const struct check checks[] = {
	{ "ids have their shape and never repeat", ids_have_their_shape_and_never_repeat },
	{ "all 62 characters are about equally likely", all_62_characters_are_about_equally_likely },
	{ "times are written in UTC with milliseconds", times_are_written_in_utc_with_milliseconds },
	{ "times of RFC 3339 are read", times_of_rfc_3339_are_read },
	{ "other texts are no times", other_texts_are_no_times },
	{ "a zone has hours and minutes", a_zone_has_hours_and_minutes },
	{ "no time is after 9999", no_time_is_after_9999 },
	{ "what is written is read back", what_is_written_is_read_back },
	{ "made-of counts bytes and knows its bounds", made_of_counts_bytes_and_knows_its_bounds },
	{ "names of people are displayable", names_of_people_are_displayable },
	{ "control and direction characters are not", control_and_direction_characters_are_not },
	{ "a name is measured in characters", a_name_is_measured_in_characters },
	{ "equal means every byte", equal_means_every_byte },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "id", checks);
}
