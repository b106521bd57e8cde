/* SPDX-License-Identifier: GPL-3.0-or-later
 * Secrets in files of their own, mode 0600. */
#include "secret.h"

#include "digest.h"
#include "id.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#define SECRET_CHARACTERS 43
#define FILE_MAX 4096

/* Only with its folder on disk is a new name on disk. */
static bool sync_folder_of(const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return done;
}

enum otter_err otter_secret_save(const char *path, const char *text, struct otter_error *e)
{
	g_autofree char *temporary = g_strdup_printf("%s.new", path);
	g_autofree char *line = g_strconcat(text, "\n", NULL);
	size_t n = strlen(line);
	unlink(temporary); /* of a crash: whoever may read that one shall not read the new one */
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool done = fd >= 0 && write(fd, line, n) == (ssize_t)n && fsync(fd) == 0;
	int why = errno;
	if (fd >= 0)
		close(fd);
	otter_wipe(line, n);
	if (done && rename(temporary, path) == 0 && sync_folder_of(path))
		return OTTER_OK;
	if (done)
		why = errno;
	unlink(temporary);
	return otter_fail(e, OTTER_UNAVAILABLE, "Cannot write %s: %s. Make its folder writable for Janus.", path, g_strerror(why));
}

enum otter_err otter_secret_load(const struct otter_env *env, const char *path, size_t min, bool create, char **out, struct otter_error *e)
{
	*out = NULL;
	char text[FILE_MAX + 1] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && create) {
		otter_base62_random(env, text, SECRET_CHARACTERS);
		enum otter_err err = otter_secret_save(path, text, e);
		if (err == OTTER_OK)
			*out = g_strdup(text);
		otter_wipe(text, sizeof text);
		return err;
	}
	ssize_t n = fd >= 0 ? read(fd, text, FILE_MAX) : -1;
	int why = errno;
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return otter_fail(e, OTTER_UNAVAILABLE, "Cannot read the secret in %s: %s.", path, g_strerror(why));
	g_strstrip(text);
	if (strlen(text) >= min)
		*out = g_strdup(text);
	otter_wipe(text, sizeof text);
	if (*out == NULL)
		return otter_fail(e, OTTER_UNAVAILABLE, "The secret in %s is shorter than %zu characters.", path, min);
	return OTTER_OK;
}
