/* SPDX-License-Identifier: GPL-3.0-or-later
 * A fuzz target is one function that reads bytes from the network's side and must survive them. */
#ifndef OTTER_FUZZ_H
#define OTTER_FUZZ_H

#include "core/env.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. Unlike assert it is never compiled out. */
static inline void fuzz_must(int holds, const char *file, int line, const char *condition)
{
	if (holds)
		return;
	fprintf(stderr, "%s:%d: %s does not hold\n", file, line, condition);
	abort(); /* which a fuzzer catches, unlike the trap of g_error */
}
#define MUST(condition) fuzz_must((condition) ? 1 : 0, __FILE__, __LINE__, #condition)

/* What GLib or the core complain about by GLib's log is a finding too. */
static inline void fuzz_complaint(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer unused)
{
	(void)level, (void)unused;
	fprintf(stderr, "%s: %s\n", domain != NULL ? domain : "", message);
	abort();
}

static inline void __attribute__((constructor)) fuzz_listen(void)
{
	g_log_set_default_handler(fuzz_complaint, NULL);
}

static inline int64_t fuzz_noon_ms(void *arg)
{
	(void)arg;
	return INT64_C(1795435200000);
}

static inline void fuzz_random(void *arg, void *buf, size_t len)
{
	(void)arg;
	static uint32_t state = 1; /* the same ids in each run, so that an input means the same; numerical recipes' LCG */
	for (unsigned char *p = buf; len > 0; len--) {
		state = state * 1664525u + 1013904223u;
		*p++ = (unsigned char)(state >> 24);
	}
}

static inline void fuzz_log(void *arg, enum otter_level level, const char *line)
{
	(void)arg, (void)level, (void)line;
}

/* Time stands still, randomness repeats, nothing is logged. */
static const struct otter_env fuzz_env __attribute__((unused)) = { fuzz_noon_ms, fuzz_noon_ms, fuzz_random, fuzz_log, NULL };

#endif
