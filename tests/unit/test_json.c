/* SPDX-License-Identifier: GPL-3.0-or-later
 * JSON objects into structs, by a table. */
#include "check.h"
#include "core/json.h"

struct form {
	const char *name;
	int64_t count, at;
	bool on;
	const json_t *object, *list;
};

static const struct otter_json_field fields[] = {
	{ "name", OTTER_JSON_STRING, true, offsetof(struct form, name), 2, 4 },
	{ "count", OTTER_JSON_INTEGER, false, offsetof(struct form, count), 1, 9 },
	{ "on", OTTER_JSON_BOOLEAN, false, offsetof(struct form, on), 0, 0 },
	{ "object", OTTER_JSON_OBJECT, false, offsetof(struct form, object), 0, 0 },
	{ "list", OTTER_JSON_ARRAY, false, offsetof(struct form, list), 1, 2 },
	{ "at", OTTER_JSON_TIME, false, offsetof(struct form, at), 0, 0 },
	{ 0 },
};

/* The field that is complained about, or "" for none. New string. */
static char *complaint(const char *text, bool strict)
{
	struct form form = { 0 };
	struct otter_error e = { 0 };
	json_auto_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	enum otter_err err = otter_json_read(json, fields, strict, &form, &e);
	g_assert_cmpint(err, ==, e.err);
	g_assert_true(err == OTTER_OK || err == OTTER_INVALID_REQUEST);
	g_assert_true(err == OTTER_OK || e.message[0] != '\0');
	return g_strdup(err != OTTER_OK && e.field[0] == '\0' ? "the whole" : e.field);
}

static void every_type_is_read(void)
{
	struct form form = { 0 };
	json_auto_t *json =
		json_loads("{\"name\": \"ab\", \"count\": 9, \"on\": true, \"object\": {}, \"list\": [1], \"at\": \"1970-01-01T00:00:01Z\"}", 0, NULL);
	g_assert_cmpint(otter_json_read(json, fields, true, &form, NULL), ==, OTTER_OK);
	g_assert_cmpstr(form.name, ==, "ab");
	g_assert_cmpint(form.count, ==, 9);
	g_assert_true(form.on);
	g_assert_true(json_is_object(form.object));
	g_assert_cmpuint(json_array_size(form.list), ==, 1);
	g_assert_cmpint(form.at, ==, 1000);
}

static void what_is_absent_or_null_stays_as_it_was(void)
{
	struct form form = { .count = 5, .on = true };
	json_auto_t *json = json_loads("{\"name\": \"ab\", \"count\": null}", 0, NULL);
	g_assert_cmpint(otter_json_read(json, fields, true, &form, NULL), ==, OTTER_OK);
	g_assert_cmpint(form.count, ==, 5);
	g_assert_true(form.on);
}

static void a_wrong_value_is_refused_by_the_name_of_its_field(void)
{
	static const struct {
		const char *text, *field;
	} bad[] = {
		{ "{}", "name" },
		{ "{\"name\": null}", "name" },
		{ "{\"name\": 1}", "name" },
		{ "{\"name\": \"a\"}", "name" },
		{ "{\"name\": \"abcde\"}", "name" },
		{ "{\"name\": \"ééé\"}", "name" },
		{ "{\"name\": \"ab\", \"count\": 0}", "count" },
		{ "{\"name\": \"ab\", \"count\": 10}", "count" },
		{ "{\"name\": \"ab\", \"count\": 1.0}", "count" },
		{ "{\"name\": \"ab\", \"count\": \"1\"}", "count" },
		{ "{\"name\": \"ab\", \"count\": true}", "count" },
		{ "{\"name\": \"ab\", \"count\": -9223372036854775808}", "count" },
		{ "{\"name\": \"ab\", \"on\": 1}", "on" },
		{ "{\"name\": \"ab\", \"on\": \"true\"}", "on" },
		{ "{\"name\": \"ab\", \"object\": []}", "object" },
		{ "{\"name\": \"ab\", \"list\": {}}", "list" },
		{ "{\"name\": \"ab\", \"list\": []}", "list" },
		{ "{\"name\": \"ab\", \"list\": [1,2,3]}", "list" },
		{ "{\"name\": \"ab\", \"at\": 1}", "at" },
		{ "{\"name\": \"ab\", \"at\": \"soon\"}", "at" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *field = complaint(bad[i].text, false);
		g_assert_cmpstr(field, ==, bad[i].field);
	}
}

static void only_the_strict_refuse_an_unknown_field(void)
{
	g_autofree char *strict = complaint("{\"name\": \"ab\", \"Name\": 1}", true);
	g_autofree char *loose = complaint("{\"name\": \"ab\", \"Name\": 1}", false);
	g_assert_cmpstr(strict, ==, "Name");
	g_assert_cmpstr(loose, ==, "");
}

static void what_is_no_object_is_refused_as_a_whole(void)
{
	static const char *const texts[] = { "[]", "1", "null", "\"x\"", "true" };
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *field = complaint(texts[i], false);
		g_assert_cmpstr(field, ==, "the whole");
	}
	struct form form;
	g_assert_cmpint(otter_json_read(NULL, fields, false, &form, NULL), ==, OTTER_INVALID_REQUEST);
}

static const struct check checks[] = {
	{ "every type is read", every_type_is_read },
	{ "what is absent or null stays as it was", what_is_absent_or_null_stays_as_it_was },
	{ "a wrong value is refused by the name of its field", a_wrong_value_is_refused_by_the_name_of_its_field },
	{ "only the strict refuse an unknown field", only_the_strict_refuse_an_unknown_field },
	{ "what is no object is refused as a whole", what_is_no_object_is_refused_as_a_whole },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "json", checks);
}
