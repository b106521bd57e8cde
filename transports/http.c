/* SPDX-License-Identifier: GPL-3.0-or-later
 * The HTTP server, on libmicrohttpd.
 *
 * What libmicrohttpd 0.9.75 leaves to us: its timeout is one of inactivity, "%00" ends a path (so paths come undecoded), a request with two framings
 * is served (so it is refused here), and a connection must be suspended and resumed in step (so both happen under a lock). */
#include "http.h"

#include "core/id.h"
#include "core/lock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <microhttpd.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define IDLE_TIMEOUT_S 15
#define CONNECTIONS_MAX 1000
#define LISTEN_BACKLOG 511
#define CONNECTION_MEMORY (32 * 1024) /* bytes: request line and headers */

struct otter_http {
	struct MHD_Daemon *daemon;
	struct otter_http_config config;
	char *socket; /* its path, or NULL */
	gint stopping;
	gint pending; /* exchanges that the handler has and did not answer yet */
};

struct otter_exchange {
	struct otter_http *http;
	struct MHD_Connection *connection;
	const char *method;
	char *path;
	char request_id[OTTER_ID_SIZE + 1];
	bool handled;              /* the handler has, or had, it */
	bool too_large;
	GString *body;
	json_t *json;
	otter_lock lock;           /* guards the two below */
	bool suspended;
	struct MHD_Response *response; /* set: answered */
	unsigned status;
	GPtrArray *headers;        /* name, value, name, value, ... */
};

/* ---- reading the request ---- */

const char *otter_http_method(const struct otter_exchange *x)
{
	return x->method;
}

const char *otter_http_path(const struct otter_exchange *x)
{
	return x->path;
}

const char *otter_http_request_id(const struct otter_exchange *x)
{
	return x->request_id;
}

const char *otter_http_header(const struct otter_exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

const char *otter_http_query(const struct otter_exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool otter_http_is_admin(const struct otter_exchange *x)
{
	return x->http->config.socket != NULL;
}

const char *otter_http_bearer(const struct otter_exchange *x)
{
	const char *value = otter_http_header(x, "Authorization");
	if (value == NULL || strncasecmp(value, "Bearer ", strlen("Bearer ")) != 0)
		return NULL;
	return value + strlen("Bearer ") + strspn(value + strlen("Bearer "), " ");
}

static bool is_json_type(const char *type)
{
	size_t n = type != NULL ? strcspn(type, "; \t") : 0;
	return n == strlen("application/json") && strncasecmp(type, "application/json", n) == 0;
}

enum otter_err otter_http_json(struct otter_exchange *x, const json_t **out, struct otter_error *e)
{
	*out = NULL;
	if (x->body->len == 0)
		return OTTER_OK;
	if (!is_json_type(otter_http_header(x, "Content-Type")))
		return otter_fail(e, OTTER_UNSUPPORTED_MEDIA_TYPE, NULL);
	json_error_t why;
	if (x->json == NULL)
		x->json = json_loadb(x->body->str, x->body->len, JSON_REJECT_DUPLICATES, &why);
	if (x->json == NULL)
		return otter_fail(e, OTTER_INVALID_REQUEST, "The body is not JSON: %s (line %d, column %d).", why.text, why.line, why.column);
	*out = x->json;
	return OTTER_OK;
}

/* ---- answering ---- */

void otter_http_set_header(struct otter_exchange *x, const char *name, const char *value)
{
	g_ptr_array_add(x->headers, g_strdup(name));
	g_ptr_array_add(x->headers, g_strdup(value));
}

/* Takes `response`. */
static void answer(struct otter_exchange *x, int status, struct MHD_Response *response)
{
	if (response == NULL)
		g_error("no memory for an answer"); /* aborts, as GLib does */
	for (guint i = 0; i + 1 < x->headers->len; i += 2)
		MHD_add_response_header(response, x->headers->pdata[i], x->headers->pdata[i + 1]);
	MHD_add_response_header(response, "X-Request-Id", x->request_id);
	/* Once it has its response, the server's thread may send it and free the exchange: from then on only what is kept here is used. */
	struct otter_http *http = x->http;
	struct MHD_Connection *connection = x->connection;
	bool suspended;
	{
		OTTER_LOCKED(&x->lock);
		x->status = (unsigned)status;
		x->response = response;
		suspended = x->suspended;
	}
	if (suspended)
		MHD_resume_connection(connection);
	g_atomic_int_add(&http->pending, -1);
}

void otter_http_answer_text(struct otter_exchange *x, int status, const char *type, const char *text)
{
	otter_http_set_header(x, "Content-Type", type);
	answer(x, status, MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY));
}

void otter_http_answer_json(struct otter_exchange *x, int status, json_t *body)
{
	otter_http_set_header(x, "Cache-Control", "no-store");
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	if (text != NULL)
		otter_http_set_header(x, "Content-Type", "application/json");
	answer(x, status, MHD_create_response_from_buffer(text != NULL ? strlen(text) : 0, text, MHD_RESPMEM_MUST_FREE));
}

void otter_http_answer_error(struct otter_exchange *x, const struct otter_error *e)
{
	json_t *body = otter_error_json(e);
	json_object_set_new(body, "request_id", json_string(x->request_id));
	if (otter_err_status(e->err) == MHD_HTTP_UNAUTHORIZED)
		otter_http_set_header(x, "WWW-Authenticate", "Bearer");
	if (otter_err_status(e->err) == MHD_HTTP_SERVICE_UNAVAILABLE)
		otter_http_set_header(x, "Retry-After", "1");
	otter_http_answer_json(x, otter_err_status(e->err), body);
}

void otter_http_answer_file(struct otter_exchange *x, const char *type, int fd, size_t size)
{
	otter_http_set_header(x, "Content-Type", type);
	answer(x, MHD_HTTP_OK, MHD_create_response_from_fd(size, fd));
}

/* ---- libmicrohttpd's side ---- */

static struct otter_exchange *exchange_new(struct otter_http *http, struct MHD_Connection *connection, const char *url, const char *method)
{
	struct otter_exchange *x = g_new0(struct otter_exchange, 1);
	x->http = http;
	x->connection = connection;
	x->method = method;
	x->path = g_strdup(url);
	x->body = g_string_new(NULL);
	x->headers = g_ptr_array_new_with_free_func(g_free);
	otter_id_new(http->config.env, "rq_", x->request_id);
	otter_lock_init(&x->lock);
	return x;
}

static void exchange_free(struct otter_exchange *x)
{
	if (x->response != NULL)
		MHD_destroy_response(x->response);
	json_decref(x->json);
	g_string_free(x->body, TRUE);
	g_ptr_array_free(x->headers, TRUE);
	otter_lock_clear(&x->lock);
	g_free(x->path);
	g_free(x);
}

#define TOKEN_CHARACTERS OTTER_BASE62 "!#$%&'*+-.^_`|~" /* RFC 9110, 5.6.2 */

struct headers {
	int framings;
	bool odd; /* a name that is none: "Content-Length : 5" is no framing here, and one for the next hop */
};

static enum MHD_Result look_at_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct headers *headers = arg;
	(void)kind, (void)value;
	if (strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0)
		headers->framings++;
	if (!otter_text_made_of(name, TOKEN_CHARACTERS, 1, CONNECTION_MEMORY))
		headers->odd = true;
	return MHD_YES;
}

/* What is wrong with a request that is read to its end, before anybody looks at what it asks for. */
static enum otter_err judge(struct otter_exchange *x, struct otter_error *e)
{
	struct headers headers = { 0 };
	if (g_atomic_int_get(&x->http->stopping))
		return otter_fail(e, OTTER_UNAVAILABLE, "The server is stopping: try again in a moment.");
	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, look_at_header, &headers);
	if (headers.odd)
		return otter_fail(e, OTTER_INVALID_REQUEST, "A header's name has no spaces or separators (RFC 9112, 5.1).");
	if (headers.framings > 1) /* the next hop may see another request in it (RFC 9112, 6.3) */
		return otter_fail(e, OTTER_INVALID_REQUEST, "A request has one Content-Length or one Transfer-Encoding.");
	if (x->too_large)
		return otter_fail(e, OTTER_TOO_LARGE, "A body may have at most %d bytes.", OTTER_HTTP_BODY_MAX);
	return OTTER_OK;
}

static enum MHD_Result reply(struct otter_exchange *x)
{
	return MHD_queue_response(x->connection, x->status, x->response);
}

static enum MHD_Result handle(struct otter_exchange *x)
{
	struct otter_error e = { 0 };
	x->handled = true;
	g_atomic_int_inc(&x->http->pending);
	if (judge(x, &e) == OTTER_OK) {
		x->http->config.handler(x->http->config.context, x);
	} else {
		otter_http_set_header(x, "Connection", "close");
		otter_http_answer_error(x, &e);
	}
	{
		OTTER_LOCKED(&x->lock);
		if (x->response == NULL) {
			x->suspended = true;
			MHD_suspend_connection(x->connection);
			return MHD_YES;
		}
	}
	return reply(x);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
	const char *upload, size_t *upload_size, void **con_cls)
{
	struct otter_exchange *x = *con_cls;
	(void)version;
	if (x == NULL) {
		*con_cls = exchange_new(cls, connection, url, method);
		return MHD_YES;
	}
	if (*upload_size > 0) {
		x->too_large = x->too_large || x->body->len + *upload_size > OTTER_HTTP_BODY_MAX;
		if (!x->too_large)
			g_string_append_len(x->body, upload, (gssize)*upload_size);
		*upload_size = 0; /* the rest of a body that is too large is read and forgotten, so that its sender hears why */
		return MHD_YES;
	}
	return x->handled ? reply(x) : handle(x);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode code)
{
	(void)cls, (void)connection, (void)code;
	if (*con_cls != NULL)
		exchange_free(*con_cls);
	*con_cls = NULL;
}

/* Leave "%00" and its like as they are: no path of ours needs decoding. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls, (void)connection;
	return strlen(text);
}

/* A listening socket for an address and a port. -1 with the reason in `e`. */
static int listen_tcp(const struct otter_http_config *config, struct otter_error *e)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)config->port) };
	if (inet_pton(AF_INET, config->listen, &address.sin_addr) != 1) {
		otter_fail(e, OTTER_INVALID_REQUEST, "listen is '%s': write an IPv4 address, like 127.0.0.1.", config->listen);
		return -1;
	}
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int yes = 1;
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
	    bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	otter_fail(e, OTTER_UNAVAILABLE, "cannot listen on %s port %d: %s.", config->listen, (int)config->port, g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The same for a Unix socket, which nobody but our own user can open, at no moment. */
static int listen_unix(const struct otter_http_config *config, struct otter_error *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = -1;
	if (g_strlcpy(address.sun_path, config->socket, sizeof address.sun_path) >= sizeof address.sun_path) {
		otter_fail(e, OTTER_INVALID_REQUEST, "admin_socket is longer than %zu characters: use a shorter path.", sizeof address.sun_path - 1);
		return -1;
	}
	unlink(config->socket); /* of a run that was killed */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && fchmod(fd, 0600) == 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	otter_fail(e, OTTER_UNAVAILABLE, "cannot listen on %s: %s.", config->socket, g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

struct otter_http *otter_http_start(const struct otter_http_config *config, struct otter_error *e)
{
	int fd = config->socket != NULL ? listen_unix(config, e) : listen_tcp(config, e);
	if (fd < 0)
		return NULL;
	struct otter_http *http = g_new0(struct otter_http, 1);
	http->config = *config;
	http->socket = g_strdup(config->socket);
	http->config.socket = http->socket;
	http->config.listen = NULL; /* the caller's */
	http->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
	if (http->daemon != NULL)
		return http;
	otter_fail(e, OTTER_UNAVAILABLE, "cannot start the HTTP server's thread.");
	close(fd);
	g_free(http->socket);
	g_free(http);
	return NULL;
}

int otter_http_port(const struct otter_http *http)
{
	struct sockaddr_in address = { 0 };
	socklen_t len = sizeof address;
	int fd = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_LISTEN_FD)->listen_fd;
	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 || address.sin_family != AF_INET)
		return 0;
	return ntohs(address.sin_port);
}

void otter_http_stop(struct otter_http *http)
{
	MHD_socket listener = MHD_quiesce_daemon(http->daemon);
	if (listener != MHD_INVALID_SOCKET)
		close(listener);
	g_atomic_int_set(&http->stopping, 1); /* who keeps a connection alive gets no new request through, so that the wait has an end */
	while (g_atomic_int_get(&http->pending) > 0) /* the core answers everything; a suspended connection must not be stopped */
		g_usleep(1000);
	MHD_stop_daemon(http->daemon);
	if (http->socket != NULL)
		unlink(http->socket);
	g_free(http->socket);
	g_free(http);
}
