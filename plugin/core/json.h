/* SPDX-License-Identifier: GPL-3.0-or-later
 * JSON objects from outside into structs, by a table: nothing behind it ever sees raw JSON. */
#ifndef OTTER_JSON_H
#define OTTER_JSON_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum otter_json_type {
	OTTER_JSON_STRING,  /* const char *, borrowed from the object; min and max: bytes */
	OTTER_JSON_INTEGER, /* int64_t; min and max: its value */
	OTTER_JSON_BOOLEAN, /* bool */
	OTTER_JSON_OBJECT,  /* json_t *, borrowed */
	OTTER_JSON_ARRAY,   /* json_t *, borrowed; min and max: elements */
	OTTER_JSON_TIME,    /* int64_t, ms: RFC 3339 */
};

struct otter_json_field {
	const char *name; /* NULL ends the table */
	enum otter_json_type type;
	bool required;
	size_t offset; /* in the struct; a field that is absent or null leaves it as it was */
	int64_t min, max;
};

#define OTTER_JSON_INTEGER_MAX 9007199254740991 /* 2^53 - 1: what every JSON reader can hold (RFC 8259, 6) */

/* Read `object` into `out`. With `strict` a field that the table does not name is an error, so that a typing mistake
 * in a setting is not taken for silence. invalid_request with details.field, or OTTER_OK. `out` borrows from `object`. */
enum otter_err otter_json_read(const json_t *object, const struct otter_json_field *fields, bool strict, void *out, struct otter_error *e);

/* A time as JSON: RFC 3339, or null for 0. New reference. */
json_t *otter_json_time(int64_t wall_ms);

#endif
