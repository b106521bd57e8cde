/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the core takes from its surroundings: time, randomness and a place to log to. Tests bring their own. */
#ifndef OTTER_ENV_H
#define OTTER_ENV_H

#include <stddef.h>
#include <stdint.h>

enum otter_level { OTTER_LOG_ERROR, OTTER_LOG_WARNING, OTTER_LOG_INFO, OTTER_LOG_DEBUG };

struct otter_env {
	int64_t (*wall_ms)(void *arg);                                    /* Unix time, ms */
	int64_t (*mono_ms)(void *arg);                                    /* a clock that never jumps, ms */
	void (*random)(void *arg, void *buf, size_t len);                 /* fit for keys; does not fail */
	void (*log)(void *arg, enum otter_level level, const char *line); /* any thread; line has no newline */
	void *arg;
};

/* The real clock, getentropy(3) and stderr. Static. */
const struct otter_env *otter_env_system(void);

int64_t otter_wall_ms(const struct otter_env *env);
int64_t otter_wall_s(const struct otter_env *env);
int64_t otter_mono_ms(const struct otter_env *env);
void otter_random(const struct otter_env *env, void *buf, size_t len);

/* One line to the log. Never a secret: ids, not tokens. */
void otter_log(const struct otter_env *env, enum otter_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
