/* SPDX-License-Identifier: GPL-3.0-or-later
 * Secrets in files of their own, mode 0600. */
#ifndef OTTER_SECRET_H
#define OTTER_SECRET_H

#include "env.h"
#include "err.h"

#include <stdbool.h>

/* Read the text in `path`, without white space around it: at most 4 kB, at least `min` characters. With `create` a file that does
 * not exist is made, of 43 random base62 characters (256 bits), mode 0600, on disk before this returns. Blocks: for start-up only.
 * New string in *out (wipe it before freeing); NULL on error, which says what to do. */
enum otter_err otter_secret_load(const struct otter_env *env, const char *path, size_t min, bool create, char **out, struct otter_error *e);

/* Write `text` and a newline to a new file, mode 0600, on disk before this returns; a file that is there is replaced as a whole. */
enum otter_err otter_secret_save(const char *path, const char *text, struct otter_error *e);

#endif
