/* SPDX-License-Identifier: GPL-3.0-or-later
 * The files of html/: pages, the SDK, styles. */
#ifndef OTTER_FILES_H
#define OTTER_FILES_H

#include "http.h"

struct otter_files;

/* Serve what lies below `folder`; pages may connect to `signaling_url` besides their own origin, and stand in frames of pages of `allowed_origins`
 * (NULL-terminated). NULL with the reason in `e`. */
struct otter_files *otter_files_new(const char *folder, const char *signaling_url, char *const *allowed_origins, struct otter_error *e);
void otter_files_free(struct otter_files *files); /* NULL is fine */

/* Answer with a file, 304, or not_found; /room/{id} is the room page, /docs the one that reads the description. */
void otter_files_handle(struct otter_files *files, struct otter_exchange *x);

#endif
