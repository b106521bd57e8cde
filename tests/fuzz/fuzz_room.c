/* SPDX-License-Identifier: GPL-3.0-or-later
 * The request that makes a room. */
#include "fuzz.h"

#include "core/service.h"

#include <stdlib.h>

static void judge(void *arg, struct otter_answer *answer)
{
	(*(int *)arg)++;
	MUST((answer->error.err == OTTER_OK) == (answer->body != NULL));
	json_t *json = answer->body != NULL ? json_incref(answer->body) : otter_error_json(&answer->error);
	char *text = json_dumps(json, JSON_COMPACT);
	MUST(text != NULL);
	MUST(answer->error.field[0] == '\0' || json_object_get(json_object_get(json, "details"), "field") != NULL);
	free(text);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct otter_config config = { .env = &fuzz_env, .store = "memory", .resume_timeout_s = 30, .token_ttl_s = 3600 };
	struct otter_error e = { 0 };
	struct otter *o = otter_open(&config, &e);
	MUST(o != NULL);
	json_t *body = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	int answers = 0;
	if (body != NULL)
		otter_do_room_create(o, body, &(struct otter_conditions){ 0 }, judge, &answers);
	MUST(body == NULL || answers == 1);
	json_decref(body);
	otter_close(o);
	otter_unref(o);
	return 0;
}
