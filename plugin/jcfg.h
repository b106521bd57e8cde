/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reading a .jcfg of ours into a struct, by a table; for both faces. */
#ifndef OTTER_JCFG_H
#define OTTER_JCFG_H

#include "core/err.h"

#include <janus/config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum otter_jcfg_type {
	OTTER_JCFG_TEXT,   /* const char *, borrowed from the file */
	OTTER_JCFG_NUMBER, /* int64_t within min and max */
	OTTER_JCFG_OTHER,  /* known, and read by other means */
};

struct otter_jcfg_key {
	const char *category, *name; /* name NULL ends the table */
	enum otter_jcfg_type type;
	size_t offset; /* in the struct; an absent key leaves it as it was */
	int64_t min, max;
};

/* Parse FOLDER/PACKAGE.jcfg. NULL with the reason in `e`. Free with janus_config_destroy. */
janus_config *otter_jcfg_open(const char *folder, const char *package, struct otter_error *e);

/* Read `file` into `out`; a key that the table does not know gets a warning in the log. */
enum otter_err otter_jcfg_read(janus_config *file, const struct otter_jcfg_key *keys, void *out, struct otter_error *e);

#endif
