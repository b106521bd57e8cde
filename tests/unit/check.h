/* SPDX-License-Identifier: GPL-3.0-or-later
 * A test program is a table of sentences, each with the function that proves it. */
#ifndef OTTER_CHECK_H
#define OTTER_CHECK_H

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

struct check {
	const char *sentence; /* NULL ends the table */
	void (*run)(void);
};

static inline int check_main(int argc, char **argv, const char *module, const struct check *checks)
{
	g_test_init(&argc, &argv, NULL);
	for (; checks->sentence != NULL; checks++) {
		g_autofree char *path = g_strdup_printf("/%s/%s", module, checks->sentence);
		g_test_add_func(path, checks->run);
	}
	return g_test_run();
}

/* A folder that lasts for one test. */
static inline char *check_folder(void)
{
	char *path = g_dir_make_tmp("otter-check-XXXXXX", NULL);
	g_assert_nonnull(path);
	return path;
}

/* Remove it with the files in it. Takes `path`. */
static inline void check_folder_end(char *path)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *file = g_build_filename(path, name, NULL);
		g_remove(file);
	}
	if (dir != NULL)
		g_dir_close(dir);
	g_assert_cmpint(g_rmdir(path), ==, 0);
	g_free(path);
}

#endif
