/* SPDX-License-Identifier: GPL-3.0-or-later
 * Listening sockets. */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 511

/* -1 with errno of what failed. Takes `fd`. */
static int give_up(int fd)
{
	int why = errno;
	if (fd >= 0)
		close(fd);
	errno = why;
	return -1;
}

int otter_listen_tcp(const char *address, int64_t port, struct otter_error *e)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	if (inet_pton(AF_INET, address, &name.sin_addr) != 1) {
		otter_fail(e, OTTER_INVALID_REQUEST, "listen is '%s': write an IPv4 address, like 127.0.0.1.", address);
		return -1;
	}
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int yes = 1;
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 && bind(fd, (struct sockaddr *)&name, sizeof name) == 0 &&
		listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	fd = give_up(fd);
	otter_fail(e, OTTER_UNAVAILABLE, "cannot listen on %s port %d: %s.", address, (int)port, g_strerror(errno));
	return fd;
}

int otter_listen_unix(const char *path, struct otter_error *e)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	if (g_strlcpy(name.sun_path, path, sizeof name.sun_path) >= sizeof name.sun_path) {
		otter_fail(e, OTTER_INVALID_REQUEST, "admin_socket is longer than %zu characters: use a shorter path.", sizeof name.sun_path - 1);
		return -1;
	}
	struct stat found;
	if (lstat(path, &found) == 0 && !S_ISSOCK(found.st_mode)) {
		otter_fail(e, OTTER_INVALID_REQUEST, "admin_socket is %s, which is there already and no socket: name another path.", path);
		return -1;
	}
	unlink(path); /* left behind by one that was killed */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && fchmod(fd, 0600) == 0 && bind(fd, (struct sockaddr *)&name, sizeof name) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	fd = give_up(fd);
	otter_fail(e, OTTER_UNAVAILABLE, "cannot listen on %s: %s.", path, g_strerror(errno));
	return fd;
}
