/* SPDX-License-Identifier: GPL-3.0-or-later
 * The error table and errors as values. */
#include "check.h"
#include "core/err.h"

static void every_error_has_a_code_a_status_and_a_text(void)
{
#define ROW(name, code, status, text) \
	g_assert_cmpstr(otter_err_code(OTTER_##name), ==, code); \
	g_assert_cmpint(otter_err_status(OTTER_##name), ==, status); \
	g_assert_cmpstr(otter_err_text(OTTER_##name), ==, text);
	OTTER_ERRORS(ROW)
#undef ROW
}

static void codes_are_unique(void)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	for (int i = OTTER_OK; i <= OTTER_STORAGE_FULL; i++)
		g_assert_true(g_hash_table_add(seen, (char *)otter_err_code((enum otter_err)i)));
}

static void the_first_error_wins(void)
{
	struct otter_error e = { 0 };
	g_assert_cmpint(otter_fail(&e, OTTER_ROOM_FULL, "first %d", 1), ==, OTTER_ROOM_FULL);
	g_assert_cmpint(otter_fail(&e, OTTER_FORBIDDEN, "second"), ==, OTTER_FORBIDDEN);
	g_assert_cmpint(otter_fail_field(&e, "x", "third"), ==, OTTER_INVALID_REQUEST);
	g_assert_cmpint(e.err, ==, OTTER_ROOM_FULL);
	g_assert_cmpstr(e.message, ==, "first 1");
	g_assert_cmpstr(e.field, ==, "");
}

static void nobody_has_to_want_the_reason(void)
{
	g_assert_cmpint(otter_fail(NULL, OTTER_ROOM_FULL, "x"), ==, OTTER_ROOM_FULL);
	g_assert_cmpint(otter_fail_field(NULL, "x", "x"), ==, OTTER_INVALID_REQUEST);
}

static void without_a_message_the_table_speaks(void)
{
	struct otter_error e = { 0 };
	otter_fail(&e, OTTER_ROOM_FULL, NULL);
	json_auto_t *json = otter_error_json(&e);
	g_assert_cmpstr(json_string_value(json_object_get(json, "code")), ==, "room_full");
	g_assert_cmpstr(json_string_value(json_object_get(json, "message")), ==, "The room is full.");
	g_assert_null(json_object_get(json, "details"));
}

static void a_wrong_field_is_named(void)
{
	struct otter_error e = { 0 };
	otter_fail_field(&e, "media.audio", "no");
	json_auto_t *json = otter_error_json(&e);
	g_assert_cmpstr(json_string_value(json_object_get(json_object_get(json, "details"), "field")), ==, "media.audio");
}

static void a_long_message_is_cut_and_stays_utf8(void)
{
	g_autoptr(GString) text = g_string_new("x"); /* odd, so that the cut falls into a character */
	for (int i = 0; i < 300; i++)
		g_string_append(text, "é");
	struct otter_error e = { 0 };
	otter_fail(&e, OTTER_INTERNAL, "%s", text->str);
	json_auto_t *json = otter_error_json(&e);
	g_assert_nonnull(json);
	g_assert_true(g_utf8_validate(json_string_value(json_object_get(json, "message")), -1, NULL));
}

static void a_long_field_name_is_cut_and_still_named(void)
{
	g_autoptr(GString) name = g_string_new(NULL); /* 47 bytes are kept: the cut falls into a character */
	for (int i = 0; i < 40; i++)
		g_string_append(name, "é");
	struct otter_error e = { 0 };
	otter_fail_field(&e, name->str, "no");
	json_auto_t *json = otter_error_json(&e);
	g_assert_nonnull(json_object_get(json_object_get(json, "details"), "field"));
}

static void a_rate_says_when_it_may_be_done_again(void)
{
	struct otter_error e = { 0 };
	g_assert_cmpint(otter_fail_rate(&e, 0), ==, OTTER_OK);
	g_assert_cmpint(e.err, ==, OTTER_OK);
	g_assert_cmpint(otter_fail_rate(&e, 34), ==, OTTER_RATE_LIMITED);
	otter_fail_rate(&e, 99); /* the first one wins */
	json_auto_t *json = otter_error_json(&e);
	g_assert_cmpint(json_integer_value(json_object_get(json_object_get(json, "details"), "retry_after_ms")), ==, 34);
}

static const struct check checks[] = {
	{ "every error has a code, a status and a text", every_error_has_a_code_a_status_and_a_text },
	{ "codes are unique", codes_are_unique },
	{ "the first error wins", the_first_error_wins },
	{ "nobody has to want the reason", nobody_has_to_want_the_reason },
	{ "without a message the table speaks", without_a_message_the_table_speaks },
	{ "a wrong field is named", a_wrong_field_is_named },
	{ "a long message is cut and stays UTF-8", a_long_message_is_cut_and_stays_utf8 },
	{ "a long field name is cut and still named", a_long_field_name_is_cut_and_still_named },
	{ "a rate says when it may be done again", a_rate_says_when_it_may_be_done_again },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "err", checks);
}
