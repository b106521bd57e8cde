/* SPDX-License-Identifier: GPL-3.0-or-later
 * API keys. */
#include "check.h"
#include "core/id.h"
#include "core/key.h"

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
	g_assert_true(otter_key_matches(&record, first));
	make();
	g_assert_false(otter_key_matches(&record, first));
	g_assert_false(otter_key_matches(&record, ""));
	g_assert_false(otter_key_matches(&record, record.id));
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
	g_assert_cmpuint(strlen(record.name), ==, 64);
}

static const struct check checks[] = {
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
