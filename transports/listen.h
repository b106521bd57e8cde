/* SPDX-License-Identifier: GPL-3.0-or-later
 * Listening sockets: nobody is accepted yet. */
#ifndef OTTER_LISTEN_H
#define OTTER_LISTEN_H

#include "core/err.h"

#include <stdint.h>

/* A descriptor, or -1 with the reason in `e`. `address` is IPv4; port 0: any free one. */
int otter_listen_tcp(const char *address, int64_t port, struct otter_error *e);

/* The same for a Unix socket, which nobody but our own user can open, at no moment. What a run that was killed left there goes. */
int otter_listen_unix(const char *path, struct otter_error *e);

#endif
