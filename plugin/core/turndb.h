/* SPDX-License-Identifier: GPL-3.0-or-later
 * coturn's SQLite user database, read only. */
#ifndef OTTER_TURNDB_H
#define OTTER_TURNDB_H

#include "err.h"

/* The newest secret of `realm` in coturn's `turn_secret` table: the row that was written last. Opens and closes the database, blocks for a
 * disk read. New string, or NULL with the reason in `e`. */
char *otter_turndb_newest_secret(const char *path, const char *realm, struct otter_error *e);

#endif
