/* SPDX-License-Identifier: GPL-3.0-or-later
 * JSON objects into structs, by a table. */
#include "json.h"

#include "id.h"

#include <inttypes.h>
#include <string.h>

static enum otter_err read_string(const struct otter_json_field *f, const json_t *v, void *slot, struct otter_error *e)
{
	if (!json_is_string(v))
		return otter_fail_field(e, f->name, "'%s' must be a string.", f->name);
	int64_t n = (int64_t)json_string_length(v);
	if (n < f->min || n > f->max)
		return otter_fail_field(e, f->name, "'%s' must have %" PRId64 " to %" PRId64 " bytes.", f->name, f->min, f->max);
	*(const char **)slot = json_string_value(v);
	return OTTER_OK;
}

static enum otter_err read_integer(const struct otter_json_field *f, const json_t *v, void *slot, struct otter_error *e)
{
	int64_t n = json_integer_value(v);
	if (!json_is_integer(v) || n < f->min || n > f->max)
		return otter_fail_field(e, f->name, "'%s' must be an integer from %" PRId64 " to %" PRId64 ".", f->name, f->min, f->max);
	*(int64_t *)slot = n;
	return OTTER_OK;
}

static enum otter_err read_array(const struct otter_json_field *f, const json_t *v, void *slot, struct otter_error *e)
{
	int64_t n = (int64_t)json_array_size(v);
	if (!json_is_array(v) || n < f->min || n > f->max)
		return otter_fail_field(e, f->name, "'%s' must be an array of %" PRId64 " to %" PRId64 " elements.", f->name, f->min, f->max);
	*(const json_t **)slot = v;
	return OTTER_OK;
}

static enum otter_err read_value(const struct otter_json_field *f, const json_t *v, void *slot, struct otter_error *e)
{
	switch (f->type) {
	case OTTER_JSON_STRING:
		return read_string(f, v, slot, e);
	case OTTER_JSON_INTEGER:
		return read_integer(f, v, slot, e);
	case OTTER_JSON_ARRAY:
		return read_array(f, v, slot, e);
	case OTTER_JSON_BOOLEAN:
		if (!json_is_boolean(v))
			return otter_fail_field(e, f->name, "'%s' must be true or false.", f->name);
		*(bool *)slot = json_is_true(v);
		return OTTER_OK;
	case OTTER_JSON_OBJECT:
		if (!json_is_object(v))
			return otter_fail_field(e, f->name, "'%s' must be an object.", f->name);
		*(const json_t **)slot = v;
		return OTTER_OK;
	case OTTER_JSON_TIME:
		if (!json_is_string(v) || !otter_time_parse(json_string_value(v), slot) || *(int64_t *)slot == 0) /* 0: "none" everywhere */
			return otter_fail_field(e, f->name, "'%s' must be a time like 2026-11-23T10:00:00Z (RFC 3339).", f->name);
		return OTTER_OK;
	}
	return otter_fail(e, OTTER_INTERNAL, NULL);
}

static enum otter_err refuse_unknown(const json_t *object, const struct otter_json_field *fields, struct otter_error *e)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)object, name, value) {
		const struct otter_json_field *f = fields;
		while (f->name != NULL && strcmp(f->name, name) != 0)
			f++;
		if (f->name == NULL)
			return otter_fail_field(e, name, "There is no field '%.40s' here.", name);
	}
	return OTTER_OK;
}

enum otter_err otter_json_read(const json_t *object, const struct otter_json_field *fields, bool strict, void *out, struct otter_error *e)
{
	if (!json_is_object(object))
		return otter_fail(e, OTTER_INVALID_REQUEST, "A JSON object is expected.");
	for (const struct otter_json_field *f = fields; f->name != NULL; f++) {
		const json_t *v = json_object_get(object, f->name);
		if (v == NULL || json_is_null(v)) {
			if (f->required)
				return otter_fail_field(e, f->name, "'%s' is missing.", f->name);
			continue;
		}
		enum otter_err err = read_value(f, v, (char *)out + f->offset, e);
		if (err != OTTER_OK)
			return err;
	}
	return strict ? refuse_unknown(object, fields, e) : OTTER_OK;
}

json_t *otter_json_time(int64_t wall_ms)
{
	char text[OTTER_TIME_SIZE];
	if (wall_ms == 0)
		return json_null();
	otter_time_format(wall_ms, text);
	return json_string(text);
}
