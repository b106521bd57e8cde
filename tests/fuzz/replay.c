/* SPDX-License-Identifier: GPL-3.0-or-later
 * Runs a fuzz target over the files of the folders (and over the files) given as arguments: for compilers without a fuzzer, and for `make check`. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

static unsigned replay_file(const char *path)
{
	g_autofree char *text = NULL;
	gsize n;
	if (!g_file_get_contents(path, &text, &n, NULL)) {
		fprintf(stderr, "cannot read %s\n", path);
		return 0;
	}
	g_autofree uint8_t *exact = g_malloc(MAX(n, 1)); /* without a NUL behind, so that AddressSanitizer sees who reads on */
	memcpy(exact, text, n);
	LLVMFuzzerTestOneInput(exact, n);
	return 1;
}

static unsigned replay(const char *path)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	if (dir == NULL)
		return replay_file(path);
	unsigned count = 0;
	for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *file = g_build_filename(path, name, NULL);
		count += replay_file(file);
	}
	g_dir_close(dir);
	return count;
}

int main(int argc, char **argv)
{
	unsigned count = 0;
	for (int i = 1; i < argc; i++)
		count += replay(argv[i]);
	printf("%u inputs\n", count);
	return count > 0 ? 0 : 1; /* no input: nothing was tested */
}
