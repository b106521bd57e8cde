/* SPDX-License-Identifier: GPL-3.0-or-later
 * The physical limit of REST here: a handler on libmicrohttpd, set up as ours is, that reads a request to its end and answers 201 with a fixed body.
 * With the argument "hmac" it signs 180 bytes by HMAC-SHA256 for each request, too. Prints its port; ends when its input does. */
#include <glib.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool with_hmac;

static enum MHD_Result answer(struct MHD_Connection *connection)
{
	static const char body[] = "{\"token\":\"eyJhbGciOiJIUzI1NiJ9.e30.AAAA\",\"url\":\"http://127.0.0.1/room/rm_1\",\"jti\":\"jt_1\"}";
	char signed_part[180] = "eyJ", mac[65] = "";
	if (with_hmac) {
		g_autofree char *hex = g_compute_hmac_for_data(
			G_CHECKSUM_SHA256, (const guchar *)"0123456789abcdef0123456789abcdef", 32, (guchar *)signed_part, sizeof signed_part);
		g_strlcpy(mac, hex, sizeof mac);
	}
	struct MHD_Response *response = MHD_create_response_from_buffer(sizeof body - 1, (void *)body, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "application/json");
	MHD_add_response_header(response, "X-Mac", mac);
	enum MHD_Result done = MHD_queue_response(connection, MHD_HTTP_CREATED, response);
	MHD_destroy_response(response);
	return done;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *upload,
	size_t *upload_size, void **con_cls)
{
	(void)cls, (void)url, (void)method, (void)version, (void)upload;
	if (*con_cls == NULL) {
		*con_cls = connection;
		return MHD_YES;
	}
	if (*upload_size == 0)
		return answer(connection);
	*upload_size = 0;
	return MHD_YES;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char rest[64];
	with_hmac = argc > 1 && strcmp(argv[1], "hmac") == 0;
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
	if (daemon == NULL)
		return 1;
	printf("%d\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	while (read(STDIN_FILENO, rest, sizeof rest) > 0)
		;
	MHD_stop_daemon(daemon);
	return 0;
}
