/* SPDX-License-Identifier: GPL-3.0-or-later
 * The real surroundings: clock_gettime, getentropy, stderr. */
#include "env.h"

#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#define ENTROPY_AT_MOST 256 /* bytes a call, getentropy(3) */

static int64_t clock_ms(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *arg)
{
	(void)arg;
	return clock_ms(CLOCK_REALTIME);
}

static int64_t system_mono_ms(void *arg)
{
	(void)arg;
	return clock_ms(CLOCK_MONOTONIC);
}

static void system_random(void *arg, void *buf, size_t len)
{
	(void)arg;
	for (char *p = buf; len > 0;) {
		size_t n = MIN(len, (size_t)ENTROPY_AT_MOST);
		if (getentropy(p, n) != 0)
			g_error("no randomness from the kernel: refusing to make keys without it"); /* aborts */
		p += n;
		len -= n;
	}
}

static void system_log(void *arg, enum otter_level level, const char *line)
{
	static const char *const names[] = { "ERROR", "WARNING", "INFO", "DEBUG" };
	(void)arg;
	fprintf(stderr, "otter %s %s\n", names[level], line);
}

const struct otter_env *otter_env_system(void)
{
	static const struct otter_env env = {
		.wall_ms = system_wall_ms,
		.mono_ms = system_mono_ms,
		.random = system_random,
		.log = system_log,
	};
	return &env;
}

int64_t otter_wall_ms(const struct otter_env *env)
{
	return env->wall_ms(env->arg);
}

int64_t otter_wall_s(const struct otter_env *env)
{
	return env->wall_ms(env->arg) / 1000;
}

int64_t otter_mono_ms(const struct otter_env *env)
{
	return env->mono_ms(env->arg);
}

void otter_random(const struct otter_env *env, void *buf, size_t len)
{
	env->random(env->arg, buf, len);
}

void otter_log(const struct otter_env *env, enum otter_level level, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	g_autofree char *line = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	for (char *c = line; *c != '\0'; c++) /* what others have chosen may stand in it: it stays one line */
		if (g_ascii_iscntrl(*c))
			*c = '?';
	env->log(env->arg, level, line);
}
