/* SPDX-License-Identifier: GPL-3.0-or-later
 * The HTTP server, on libmicrohttpd.
 *
 * What libmicrohttpd 0.9.75 leaves to us: its timeout is one of inactivity (so connections.c has the time), "%00" ends a path (so paths come
 * undecoded), requests of unclear framing are served (so framing.c looks first), and a connection must be suspended and resumed in step (so both
 * happen under a lock). */
#include "http.h"

#include "connections.h"
#include "framing.h"
#include "listen.h"
#include "throttle.h"

#include "core/digest.h"
#include "core/id.h"
#include "core/lock.h"

#include <arpa/inet.h>
#include <glib.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTION_MEMORY (32 * 1024) /* bytes: request line and headers */
#define ACCEPTED_BEYOND 16            /* libmicrohttpd's own limit lies above ours: at its own it stops to accept, and who is too much waits unheard */
#define JSON_DEPTH_MAX 32             /* objects and arrays in each other; ours have three */

/* Refuse what the standard forbids: from 1.0 on the library does, by degrees. Before, framing.c does it all, and better: strict, 0.9.75 answers a
 * request without Host with two heads. */
#if MHD_VERSION >= 0x01000000
#define STRICTNESS MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1
#else
#define STRICTNESS MHD_OPTION_STRICT_FOR_CLIENT, 0
#endif

struct otter_http {
	struct MHD_Daemon *daemon;
	struct otter_http_config config;
	struct otter_proxies proxies;
	struct otter_connections *connections;
	struct otter_throttle *throttle; /* NULL: nobody is throttled */
	char *socket;                    /* its path, or NULL */
	gint stopping;
	gint pending; /* exchanges that the handler has and did not answer yet */
};

struct otter_exchange {
	struct otter_http *http;
	struct MHD_Connection *connection;
	const char *method;
	char *path, *bearer; /* bearer: or NULL */
	char request_id[OTTER_ID_SIZE + 1];
	bool handled; /* the handler has, or had, it */
	bool too_large;
	GString *body;
	json_t *json;
	otter_lock lock; /* guards the two below */
	bool suspended;
	struct MHD_Response *response; /* set: answered */
	unsigned status;
	GPtrArray *headers; /* name, value, name, value, ... */
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
	return x->bearer;
}

/* What follows "Bearer ", without blanks around it: new string, or NULL. */
static char *bearer_of(const struct otter_exchange *x)
{
	const char *value = otter_http_header(x, "Authorization");
	if (value == NULL || strncasecmp(value, "Bearer ", strlen("Bearer ")) != 0)
		return NULL;
	return g_strstrip(g_strdup(value + strlen("Bearer ")));
}

/* X-Forwarded-For may come in several lines, which are one list (RFC 9110, 5.3). */
static enum MHD_Result join_forwarded_for(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	GString *list = arg;
	(void)kind;
	if (strcasecmp(name, "X-Forwarded-For") == 0)
		g_string_append_printf(list, "%s%s", list->len > 0 ? "," : "", value);
	return MHD_YES;
}

static struct otter_connection *connection_of(const struct otter_exchange *x)
{
	return MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static struct otter_address client_of(const struct otter_exchange *x)
{
	g_autoptr(GString) forwarded_for = g_string_new(NULL);
	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, join_forwarded_for, forwarded_for);
	return otter_client_address(&x->http->proxies, otter_connection_peer(connection_of(x)), forwarded_for->len > 0 ? forwarded_for->str : NULL);
}

static bool is_json_type(const char *type)
{
	size_t n = type != NULL ? strcspn(type, "; \t") : 0;
	return n == strlen("application/json") && strncasecmp(type, "application/json", n) == 0;
}

/* Are there more than `levels` in each other? The parser has a limit of its own (2048), so this comes back. */
static bool is_deeper(json_t *json, int levels)
{
	const char *key;
	size_t i;
	json_t *value;
	if (!json_is_object(json) && !json_is_array(json))
		return false;
	if (levels == 0)
		return true;
	json_object_foreach(json, key, value)
		if (is_deeper(value, levels - 1))
			return true;
	json_array_foreach(json, i, value)
		if (is_deeper(value, levels - 1))
			return true;
	return false;
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
	if (is_deeper(x->json, JSON_DEPTH_MAX))
		return otter_fail(e, OTTER_INVALID_REQUEST, "The body has more than %d levels of objects and arrays.", JSON_DEPTH_MAX);
	*out = x->json;
	return OTTER_OK;
}

/* ---- answering ---- */

void otter_http_set_header(struct otter_exchange *x, const char *name, const char *value)
{
	g_ptr_array_add(x->headers, g_strdup(name));
	g_ptr_array_add(x->headers, g_strdup(value));
}

/* Is it in doubt whether what was read as a body was one? JSON was; anything else may be headers, behind a head whose end we saw too soon
 * (framing.h). */
static bool has_doubtful_body(const struct otter_exchange *x)
{
	return x->json == NULL && (x->body->len > 0 || x->too_large || otter_http_header(x, "Transfer-Encoding") != NULL);
}

/* Takes `response`. */
static void answer(struct otter_exchange *x, int status, struct MHD_Response *response)
{
	if (response == NULL)
		g_error("no memory for an answer"); /* aborts, as GLib does */
	for (guint i = 0; i + 1 < x->headers->len; i += 2)
		MHD_add_response_header(response, x->headers->pdata[i], x->headers->pdata[i + 1]);
	MHD_add_response_header(response, "X-Request-Id", x->request_id);
	if (has_doubtful_body(x))
		MHD_add_response_header(response, "Connection", "close"); /* nothing behind it is read */
	/* Once it has its response, the server's thread may send it and free the exchange: from then on only what is kept here is used. */
	struct otter_http *http = x->http;
	struct MHD_Connection *connection = x->connection;
	bool suspended;
	otter_connection_step(connection_of(x));
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

/* Was a credential shown that nobody knows? One that has expired was known once, and none at all is no guess. */
static bool is_failed_login(const struct otter_exchange *x, const struct otter_error *e)
{
	return (e->err == OTTER_UNAUTHORIZED || e->err == OTTER_TOKEN_INVALID) && !e->was_known &&
		(otter_http_header(x, "Authorization") != NULL || otter_http_query(x, "token") != NULL);
}

/* The error to answer instead of `e` to whoever guesses on and on: in `limited`, with when to try again; otherwise `e` itself. */
static const struct otter_error *throttled(struct otter_exchange *x, const struct otter_error *e, struct otter_error *limited, int64_t *retry_after_s)
{
	if (x->http->throttle == NULL || !is_failed_login(x, e))
		return e;
	struct otter_address client = client_of(x);
	int64_t wait_s = otter_throttle_failure(x->http->throttle, &client);
	if (wait_s == 0)
		return e;
	*retry_after_s = wait_s;
	otter_fail(limited, OTTER_RATE_LIMITED, "Too many unknown credentials came from this address; a valid one is served all the same.");
	return limited;
}

void otter_http_answer_error(struct otter_exchange *x, const struct otter_error *e)
{
	struct otter_error limited = { 0 };
	int64_t retry_after_s = 1;
	e = throttled(x, e, &limited, &retry_after_s);
	int status = otter_err_status(e->err);
	json_t *body = otter_error_json(e);
	json_object_set_new(body, "request_id", json_string(x->request_id));
	if (status == MHD_HTTP_UNAUTHORIZED)
		otter_http_set_header(x, "WWW-Authenticate", "Bearer");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE || status == MHD_HTTP_TOO_MANY_REQUESTS) {
		g_autofree char *seconds = g_strdup_printf("%" PRId64, retry_after_s);
		otter_http_set_header(x, "Retry-After", seconds);
	}
	if (status >= MHD_HTTP_INTERNAL_SERVER_ERROR)
		otter_log(x->http->config.env, OTTER_LOG_ERROR, "%s was answered %d: %s", x->request_id, status, otter_error_text(e));
	otter_http_answer_json(x, status, body);
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
	x->bearer = bearer_of(x);
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
	if (x->bearer != NULL)
		otter_wipe(x->bearer, strlen(x->bearer));
	g_free(x->bearer);
	g_free(x);
}

/* ---- is it clear where the request ends? ---- */

static enum MHD_Result feed_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	otter_framing_header(arg, name, value);
	return MHD_YES;
}

static enum MHD_Result feed_argument(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	otter_framing_argument(arg, name, value);
	return MHD_YES;
}

static enum MHD_Result take_name(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind, (void)value;
	*(const char **)arg = name;
	return MHD_NO; /* the first is enough */
}

/* Whether the library that runs parses heads in place: see framing.h. */
static bool parses_in_place(void)
{
	return g_str_has_prefix(MHD_get_version(), "0.");
}

/* NULL, or what is wrong: static text. */
static const char *unclear(struct otter_exchange *x, const char *url, const char *version)
{
	const char *argument = NULL;
	MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, take_name, &argument);
	struct otter_framing f = otter_framing_begin(parses_in_place(), x->method, url, argument, version);
	MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, feed_argument, &f);
	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, feed_header, &f);
	return otter_framing_end(&f, MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size);
}

/* ---- from a request to its answer ---- */

/* What is wrong with a request that is read to its end, before anybody looks at what it asks for. */
static enum otter_err judge(struct otter_exchange *x, struct otter_error *e)
{
	if (g_atomic_int_get(&x->http->stopping))
		return otter_fail(e, OTTER_UNAVAILABLE, "The server is stopping: try again in a moment.");
	if (x->too_large)
		return otter_fail(e, OTTER_TOO_LARGE, "A body may have at most %d bytes.", OTTER_HTTP_BODY_MAX);
	return OTTER_OK;
}

static enum MHD_Result reply(struct otter_exchange *x)
{
	return MHD_queue_response(x->connection, x->status, x->response);
}

/* Answer, and read nothing more from this connection. */
static void refuse(struct otter_exchange *x, const struct otter_error *e)
{
	otter_http_set_header(x, "Connection", "close");
	otter_http_answer_error(x, e);
}

/* The head is there: see whether it is clear what follows. */
static enum MHD_Result begin(struct otter_exchange *x, const char *url, const char *version)
{
	struct otter_error e = { 0 };
	const char *why = unclear(x, url, version);
	if (why == NULL)
		return MHD_YES;
	x->handled = true;
	g_atomic_int_inc(&x->http->pending);
	otter_fail(&e, OTTER_INVALID_REQUEST, "%s", why);
	refuse(x, &e);
	return reply(x);
}

static enum MHD_Result handle(struct otter_exchange *x)
{
	struct otter_error e = { 0 };
	x->handled = true;
	g_atomic_int_inc(&x->http->pending);
	otter_connection_rest(connection_of(x));
	if (judge(x, &e) == OTTER_OK)
		x->http->config.handler(x->http->config.context, x);
	else
		refuse(x, &e);
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

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *upload,
	size_t *upload_size, void **con_cls)
{
	struct otter_exchange *x = *con_cls;
	if (x == NULL) {
		*con_cls = exchange_new(cls, connection, url, method);
		return begin(*con_cls, url, version);
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
	if (*con_cls == NULL)
		return;
	otter_connection_step(connection_of(*con_cls));
	exchange_free(*con_cls);
	*con_cls = NULL;
}

/* May this one connect? If not it is closed at once, without a word. */
static enum MHD_Result on_accept(void *cls, const struct sockaddr *address, socklen_t len)
{
	struct otter_http *http = cls;
	struct otter_address peer;
	(void)len;
	otter_address_of_socket(address, &peer);
	return otter_connections_admit(http->connections, &peer) ? MHD_YES : MHD_NO;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code)
{
	struct otter_http *http = cls;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) { /* its descriptor is open still, and closed when this returns */
		otter_connection_closed(g_steal_pointer(context));
		return;
	}
	struct otter_address peer;
	otter_address_of_socket(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr, &peer);
	*context = otter_connection_opened(http->connections, &peer, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
}

/* Leave "%00" and its like as they are: no path of ours needs decoding. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls, (void)connection;
	return strlen(text);
}

static void http_free(struct otter_http *http)
{
	otter_connections_free(http->connections);
	otter_throttle_free(http->throttle);
	otter_proxies_clear(&http->proxies);
	g_free(http->socket);
	g_free(http);
}

/* How many connections there may be: as many as are wished for, and as the process may open files, less what the rest of Janus needs. */
static int64_t connections_at_most(const struct otter_http_config *config)
{
	struct rlimit files;
	int64_t wish = config->settings->limits.connections;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
		return wish;
	int64_t most = (int64_t)(files.rlim_cur / 4 * 3);
	if (wish > most && config->socket == NULL) /* said once, not for the admin socket too */
		otter_log(config->env, OTTER_LOG_WARNING,
			"limits.connections is %" PRId64 ", but Janus may open %" PRIu64 " files: %" PRId64 " it is (see LimitNOFILE, ulimit -n)", wish,
			(uint64_t)files.rlim_cur, most);
	return MIN(wish, most);
}

/* The server before it listens: NULL with the reason in `e`. */
static struct otter_http *http_new(const struct otter_http_config *config, struct otter_error *e)
{
	const struct otter_limits *limits = &config->settings->limits;
	struct otter_http *http = g_new0(struct otter_http, 1);
	http->config = *config;
	http->socket = g_strdup(config->socket);
	http->config.socket = http->socket;
	http->config.listen = NULL; /* the caller's */
	if (otter_proxies_init(&http->proxies, config->settings->trusted_proxies, e) != OTTER_OK)
		goto fail;
	if (http->socket == NULL)
		http->throttle = otter_throttle_new(config->env, limits->login_failures, limits->login_window);
	http->connections = otter_connections_new(&(struct otter_connections_config){ .env = config->env,
		.proxies = &http->proxies,
		.most = connections_at_most(config),
		.most_per_address = limits->connections_per_address,
		.step_s = limits->request_seconds,
		.own_clock = true });
	if (http->connections != NULL)
		return http;
	otter_fail(e, OTTER_UNAVAILABLE, "cannot start the thread that watches connections.");
fail:
	http_free(http);
	return NULL;
}

/* Takes `fd` if it succeeds. */
static struct MHD_Daemon *start_daemon(struct otter_http *http, int fd)
{
	unsigned most = (unsigned)http->config.settings->limits.connections + ACCEPTED_BEYOND;
	return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, on_accept, http, on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
		MHD_OPTION_CONNECTION_LIMIT, most, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, STRICTNESS, MHD_OPTION_UNESCAPE_CALLBACK,
		keep_escapes, NULL, MHD_OPTION_END);
}

struct otter_http *otter_http_start(const struct otter_http_config *config, struct otter_error *e)
{
	struct otter_http *http = http_new(config, e);
	int fd = http == NULL ? -1 : config->socket != NULL ? otter_listen_unix(config->socket, e) : otter_listen_tcp(config->listen, config->port, e);
	if (fd >= 0)
		http->daemon = start_daemon(http, fd);
	if (fd >= 0 && http->daemon != NULL)
		return http;
	otter_fail(e, OTTER_UNAVAILABLE, "cannot start the HTTP server's thread."); /* unless there was another reason before */
	if (fd >= 0)
		close(fd);
	if (http != NULL)
		http_free(http);
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
	g_atomic_int_set(&http->stopping, 1);        /* who keeps a connection alive gets no new request through, so that the wait has an end */
	while (g_atomic_int_get(&http->pending) > 0) /* the core answers everything; a suspended connection must not be stopped */
		g_usleep(1000);
	MHD_stop_daemon(http->daemon);
	if (http->socket != NULL)
		unlink(http->socket);
	http_free(http);
}
