/* SPDX-License-Identifier: GPL-3.0-or-later
 * API keys. */
#include "check.h"
#include "core/id.h"
#include "core/key.h"

#define NOW_MS INT64_C(1795435200000)

static char text[OTTER_KEY_SIZE];
static struct otter_key_record record;

static void make(void)
{
	otter_key_new(otter_env_system(), "ci", OTTER_SCOPE_ROOMS_READ, text, &record);
}

static void a_new_key_has_its_shape(void)
{
	make();
	char id[OTTER_KEY_ID + 1];
	g_assert_cmpuint(strlen(text), ==, OTTER_KEY_SIZE - 1);
	g_assert_true(g_str_has_prefix(text, "otk_"));
	g_assert_true(otter_key_parse(text, id));
	g_assert_cmpstr(id, ==, record.id);
	g_assert_cmpstr(record.name, ==, "ci");
	g_assert_cmpuint(record.scopes, ==, OTTER_SCOPE_ROOMS_READ);
	g_assert_cmpint(record.created_ms, >, 0);
	g_auto(GStrv) parts = g_strsplit(text, "_", -1);
	g_assert_cmpuint(g_strv_length(parts), ==, 4); /* no "_" inside the parts */
}

static void a_key_matches_its_own_record_alone(void)
{
	make();
	char first[OTTER_KEY_SIZE];
	memcpy(first, text, sizeof first);
	g_assert_true(otter_key_matches(&record, first, NOW_MS));
	make();
	g_assert_false(otter_key_matches(&record, first, NOW_MS));
	g_assert_false(otter_key_matches(&record, "", NOW_MS));
	g_assert_false(otter_key_matches(&record, record.id, NOW_MS));
}

/* Another text for the key, as a rotation at NOW_MS makes it. */
static enum otter_err rotate(char next[OTTER_KEY_SIZE], int64_t overlap_ms)
{
	struct otter_key_rotation rotation = { .now_ms = NOW_MS, .overlap_until_ms = NOW_MS + overlap_ms };
	otter_key_text(otter_env_system(), record.id, next, rotation.hash);
	return otter_key_rotate(&record, &rotation);
}

static void a_rotated_key_has_two_texts_until_the_overlap_is_over(void)
{
	make();
	char next[OTTER_KEY_SIZE], id[OTTER_KEY_ID + 1];
	g_assert_cmpint(rotate(next, 1000), ==, OTTER_OK);
	g_assert_true(otter_key_parse(next, id));
	g_assert_cmpstr(id, ==, record.id);
	g_assert_cmpint(record.version, ==, 2);
	g_assert_cmpint(otter_key_overlap_until(&record, NOW_MS), ==, NOW_MS + 1000);
	g_assert_true(otter_key_matches(&record, text, NOW_MS + 999));
	g_assert_false(otter_key_matches(&record, text, NOW_MS + 1000));
	g_assert_true(otter_key_matches(&record, next, NOW_MS + 1000));
	g_assert_cmpint(otter_key_overlap_until(&record, NOW_MS + 1000), ==, 0);
}

static void without_an_overlap_the_old_text_ends_at_once(void)
{
	make();
	char next[OTTER_KEY_SIZE];
	g_assert_cmpint(rotate(next, 0), ==, OTTER_OK);
	g_assert_false(otter_key_matches(&record, text, NOW_MS));
	g_assert_cmpuint(record.n_secrets, ==, 1);
}

static void a_later_rotation_shortens_an_overlap_and_never_lengthens_it(void)
{
	make();
	char second[OTTER_KEY_SIZE], third[OTTER_KEY_SIZE];
	rotate(second, 1000);
	rotate(third, 5000);
	g_assert_false(otter_key_matches(&record, text, NOW_MS + 1000));
	g_assert_true(otter_key_matches(&record, second, NOW_MS + 4999));
	rotate(third, 10);
	g_assert_false(otter_key_matches(&record, second, NOW_MS + 10));
}

static void so_many_may_overlap_and_then_none_is_lost(void)
{
	make();
	char next[OTTER_KEY_SIZE];
	for (int i = 1; i < OTTER_KEY_SECRETS; i++)
		g_assert_cmpint(rotate(next, 1000), ==, OTTER_OK);
	struct otter_key_record before = record;
	char refused[OTTER_KEY_SIZE];
	g_assert_cmpint(rotate(refused, 1000), ==, OTTER_CONFLICT);
	g_assert_cmpmem(&before, sizeof before, &record, sizeof record);
	g_assert_true(otter_key_matches(&record, text, NOW_MS));
	g_assert_true(otter_key_matches(&record, next, NOW_MS));
	g_assert_cmpint(rotate(next, 0), ==, OTTER_OK);
}

static void the_record_does_not_hold_the_secret(void)
{
	make();
	g_assert_null(memmem(&record, sizeof record, text + 5 + OTTER_KEY_ID, 16));
}

static void any_one_mistyped_character_is_noticed(void)
{
	make();
	char id[OTTER_KEY_ID + 1];
	for (size_t i = 0; i < OTTER_KEY_SIZE - 1; i++) {
		char wrong[OTTER_KEY_SIZE];
		memcpy(wrong, text, sizeof wrong);
		wrong[i] = wrong[i] == 'x' ? 'y' : 'x';
		g_assert_false(otter_key_parse(wrong, id));
	}
}

static void swapped_neighbours_are_noticed(void)
{
	make();
	char id[OTTER_KEY_ID + 1];
	for (size_t i = 4; i < OTTER_KEY_SIZE - 2; i++) {
		char wrong[OTTER_KEY_SIZE];
		memcpy(wrong, text, sizeof wrong);
		wrong[i] = text[i + 1];
		wrong[i + 1] = text[i];
		g_assert_true(text[i] == text[i + 1] || !otter_key_parse(wrong, id));
	}
}

static void other_texts_are_no_keys(void)
{
	make();
	char id[OTTER_KEY_ID + 1];
	g_autofree char *longer = g_strconcat(text, "a", NULL);
	g_autofree char *spaced = g_strconcat(" ", text, NULL);
	g_autofree char *endless = g_strnfill(1000000, 'a');
	g_autofree char *shorter = g_strndup(text, OTTER_KEY_SIZE - 2);
	const char *const bad[] = { "", "otk_", "otk", "Bearer x", longer, spaced, endless, shorter };
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(otter_key_parse(bad[i], id));
}

static void a_long_name_is_cut(void)
{
	g_autofree char *name = g_strnfill(500, 'n');
	otter_key_new(otter_env_system(), name, 0, text, &record);
	g_assert_cmpuint(strlen(record.name), ==, OTTER_KEY_NAME_SIZE - 1);
}

static const struct check checks[] = {
	{ "a rotated key has two texts until the overlap is over", a_rotated_key_has_two_texts_until_the_overlap_is_over },
	{ "without an overlap the old text ends at once", without_an_overlap_the_old_text_ends_at_once },
	{ "a later rotation shortens an overlap and never lengthens it", a_later_rotation_shortens_an_overlap_and_never_lengthens_it },
	{ "so many may overlap, and then none is lost", so_many_may_overlap_and_then_none_is_lost },
	{ "a new key has its shape", a_new_key_has_its_shape },
	{ "a key matches its own record alone", a_key_matches_its_own_record_alone },
	{ "the record does not hold the secret", the_record_does_not_hold_the_secret },
	{ "any one mistyped character is noticed", any_one_mistyped_character_is_noticed },
	{ "swapped neighbours are noticed", swapped_neighbours_are_noticed },
	{ "other texts are no keys", other_texts_are_no_keys },
	{ "a long name is cut", a_long_name_is_cut },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "key", checks);
}
