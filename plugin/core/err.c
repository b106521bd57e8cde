/* SPDX-License-Identifier: GPL-3.0-or-later
 * The error table and errors as values. */
#include "err.h"

#include <glib.h>
#include <stdarg.h>

static const struct {
	const char *code, *text;
	int status;
} table[] = {
#define OTTER_ERR_ROW(name, code, status, text) [OTTER_##name] = { code, text, status },
	OTTER_ERRORS(OTTER_ERR_ROW)
#undef OTTER_ERR_ROW
};

const char *otter_err_code(enum otter_err err)
{
	return table[err].code;
}

int otter_err_status(enum otter_err err)
{
	return table[err].status;
}

const char *otter_err_text(enum otter_err err)
{
	return table[err].text;
}

enum otter_err otter_fail(struct otter_error *e, enum otter_err err, const char *fmt, ...)
{
	if (e == NULL || e->err != OTTER_OK)
		return err;
	e->err = err;
	if (fmt != NULL) {
		va_list ap;
		va_start(ap, fmt);
		g_vsnprintf(e->message, sizeof e->message, fmt, ap);
		va_end(ap);
	}
	return err;
}

enum otter_err otter_fail_field(struct otter_error *e, const char *field, const char *fmt, ...)
{
	if (e == NULL || e->err != OTTER_OK)
		return OTTER_INVALID_REQUEST;
	e->err = OTTER_INVALID_REQUEST;
	g_strlcpy(e->field, field, sizeof e->field);
	const char *end; /* of the whole characters, if the copy was cut inside one */
	g_utf8_validate(e->field, -1, &end);
	e->field[end - e->field] = '\0';
	va_list ap;
	va_start(ap, fmt);
	g_vsnprintf(e->message, sizeof e->message, fmt, ap);
	va_end(ap);
	return OTTER_INVALID_REQUEST;
}

enum otter_err otter_fail_rate(struct otter_error *e, int64_t retry_ms)
{
	if (retry_ms == 0)
		return OTTER_OK;
	if (e != NULL && e->err == OTTER_OK)
		e->retry_ms = retry_ms;
	return otter_fail(e, OTTER_RATE_LIMITED, NULL);
}

const char *otter_error_text(const struct otter_error *e)
{
	return e->message[0] != '\0' ? e->message : otter_err_text(e->err);
}

json_t *otter_error_json(const struct otter_error *e)
{
	/* A message may quote input that was cut in the middle of a character: never let that cost the answer. */
	g_autofree char *text = g_utf8_make_valid(otter_error_text(e), -1);
	json_t *json = json_pack("{s:s, s:s}", "code", otter_err_code(e->err), "message", text);
	if (e->field[0])
		json_object_set_new(json, "details", json_pack("{s:s}", "field", e->field));
	else if (e->retry_ms > 0)
		json_object_set_new(json, "details", json_pack("{s:I}", "retry_after_ms", (json_int_t)e->retry_ms));
	return json;
}
