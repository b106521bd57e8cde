/* SPDX-License-Identifier: GPL-3.0-or-later
 * Ids, times and other small texts. */
#ifndef OTTER_ID_H
#define OTTER_ID_H

#include "env.h"

#include <stdbool.h>

#define OTTER_ID_RANDOM 20 /* base62 characters: 119 bits, never guessed, never twice */
#define OTTER_ID_SIZE 24   /* "rm_" + 20 + NUL */
#define OTTER_TIME_SIZE 25 /* "2026-11-23T10:00:00.000Z" + NUL */

/* Write `prefix` (3 characters) and 20 random base62 characters. */
void otter_id_new(const struct otter_env *env, const char *prefix, char out[OTTER_ID_SIZE]);

/* Write `n` random base62 characters and a NUL; uniform. */
void otter_base62_random(const struct otter_env *env, char *out, size_t n);

/* RFC 3339 in UTC with milliseconds, from 1970 to 9999; times outside become the nearest inside. */
void otter_time_format(int64_t wall_ms, char out[OTTER_TIME_SIZE]);

/* Unix time in ms of an RFC 3339 text with a zone (offsets allowed); false if it is none, or outside 1970-9999. */
bool otter_time_parse(const char *text, int64_t *wall_ms);

/* All of `text` is made of `allowed` and its length is within the bounds, in bytes. */
bool otter_text_made_of(const char *text, const char *allowed, size_t min, size_t max);

/* A name that people see: at most `max` characters of UTF-8, no control and no bidirectional-override character. */
bool otter_text_displayable(const char *text, size_t max);

/* Equal, in a time that depends on `n` alone. */
bool otter_equal_constant_time(const void *a, const void *b, size_t n);

#define OTTER_BASE62 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#endif
