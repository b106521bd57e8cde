/* SPDX-License-Identifier: GPL-3.0-or-later
 * The files of html/. */
#include "files.h"

#include "core/id.h"
#include "core/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct otter_files {
	int folder; /* descriptor: every file is opened below it */
	char *csp;
};

static const struct {
	const char *ending, *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".ico", "image/x-icon" },
	{ ".json", "application/json" },
	{ ".yaml", "application/yaml; charset=utf-8" },
	{ ".md", "text/markdown; charset=utf-8" },
	{ ".ts", "text/plain; charset=utf-8" },
	{ ".webmanifest", "application/manifest+json" },
};

/* The type of a file that may be served: NULL for any other. */
static const char *type_of(const char *path)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (g_str_has_suffix(path, types[i].ending))
			return types[i].type;
	return NULL;
}

struct otter_files *otter_files_new(const char *folder, const char *signaling_url, char *const *allowed_origins, struct otter_error *e)
{
	int fd = folder != NULL ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0) {
		otter_fail(e, OTTER_UNAVAILABLE, "static_dir is '%s': name the folder that has index.html.", folder != NULL ? folder : "");
		return NULL;
	}
	struct otter_files *files = g_new0(struct otter_files, 1);
	files->folder = fd;
	g_autofree char *signaling = otter_origin_of(signaling_url), *frames = g_strjoinv(" ", (char **)allowed_origins);
	files->csp = g_strdup_printf("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
				     "connect-src 'self' %s; base-uri 'none'; form-action 'none'; frame-ancestors %s",
		signaling != NULL ? signaling : "", frames[0] != '\0' ? frames : "'none'");
	return files;
}

void otter_files_free(struct otter_files *files)
{
	if (files == NULL)
		return;
	close(files->folder);
	g_free(files->csp);
	g_free(files);
}

/* Every segment is made of harmless characters and none is hidden: so no "..", no "%", no empty one. */
static bool is_harmless(const char *path)
{
	g_auto(GStrv) segments = g_strsplit(path, "/", -1);
	for (char **s = segments; *s != NULL; s++)
		if ((*s)[0] == '.' || !otter_text_made_of(*s, OTTER_BASE62 "._~-", 1, 128))
			return false;
	return true;
}

/* The file behind a path: borrowed, or NULL. */
static const char *file_of(const char *path)
{
	if (strcmp(path, "/") == 0)
		return "index.html";
	if (strcmp(path, "/docs") == 0)
		return "docs.html";
	if (!is_harmless(path + 1))
		return NULL;
	if (g_str_has_prefix(path, "/room/"))
		return strchr(path + strlen("/room/"), '/') == NULL ? "room.html" : NULL;
	return path + 1;
}

static void set_security_headers(const struct otter_files *files, struct otter_exchange *x)
{
	otter_http_set_header(x, "Content-Security-Policy", files->csp);
	otter_http_set_header(x, "Referrer-Policy", "no-referrer");
	otter_http_set_header(x, "X-Content-Type-Options", "nosniff");
	otter_http_set_header(x, "Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()");
	otter_http_set_header(x, "Cross-Origin-Opener-Policy", "same-origin");
	otter_http_set_header(x, "Cache-Control", "no-cache"); /* ask again, by ETag: a deploy is seen at once */
}

/* Does an If-None-Match name it (RFC 9110, 13.1.2)? Alone, in a list, or as W/ by a proxy that compresses. */
static bool is_named(const char *if_none_match, const char *etag)
{
	return if_none_match != NULL && (strcmp(if_none_match, "*") == 0 || strstr(if_none_match, etag) != NULL);
}

static void refuse(struct otter_exchange *x, enum otter_err err)
{
	struct otter_error e = { 0 };
	otter_fail(&e, err, NULL);
	if (err == OTTER_METHOD_NOT_ALLOWED)
		otter_http_set_header(x, "Allow", "GET");
	otter_http_answer_error(x, &e);
}

void otter_files_handle(struct otter_files *files, struct otter_exchange *x)
{
	const char *method = otter_http_method(x);
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		refuse(x, OTTER_METHOD_NOT_ALLOWED);
		return;
	}
	const char *name = file_of(otter_http_path(x));
	const char *type = name != NULL ? type_of(name) : NULL;
	struct stat st;
	int fd = type != NULL ? openat(files->folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		refuse(x, OTTER_NOT_FOUND);
		return;
	}
	g_autofree char *etag =
		g_strdup_printf("\"%" PRIx64 "-%" PRIx64 "\"", (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec);
	set_security_headers(files, x);
	if (g_str_has_prefix(name, "sdk/"))
		otter_http_set_header(x, "Access-Control-Allow-Origin", "*"); /* a library, for the pages of others */
	otter_http_set_header(x, "ETag", etag);
	if (is_named(otter_http_header(x, "If-None-Match"), etag)) {
		close(fd);
		otter_http_answer_text(x, 304, type, "");
		return;
	}
	otter_http_answer_file(x, type, fd, (size_t)st.st_size);
}
