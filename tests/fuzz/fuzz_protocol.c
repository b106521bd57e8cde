/* SPDX-License-Identifier: GPL-3.0-or-later
 * Signaling: each line of the input is the body of a request, in a relay room with somebody else in it. In the text @ROOM, @TOKEN, @HOST (a host's token), @SEAT, @ME and @PEER stand for the
 * real values, which no fuzzer could guess. */
#include "fuzz.h"

#include "core/conn.h"
#include "core/otter_private.h"
#include "core/service.h"

#include <string.h>

struct sink {
	gint refs;
	char *seat, *participant; /* as the last welcome said */
};

static void send_message(void *data, json_t *message)
{
	struct sink *sink = data;
	char *text = json_dumps(message, JSON_COMPACT);
	MUST(text != NULL);
	free(text);
	const char *seat = json_string_value(json_object_get(message, "seat"));
	if (seat == NULL)
		return;
	g_free(sink->seat);
	g_free(sink->participant);
	sink->seat = g_strdup(seat);
	sink->participant = g_strdup(json_string_value(json_object_get(json_object_get(message, "me"), "participant")));
}

static void no_close(void *data)
{
	(void)data;
}

static void ref(void *data)
{
	((struct sink *)data)->refs++;
}

static void unref(void *data)
{
	((struct sink *)data)->refs--;
}

static const struct otter_sink_ops ops = { send_message, no_close, ref, unref };

static void keep_id(void *arg, struct otter_answer *answer)
{
	*(char **)arg = g_strdup(json_string_value(json_object_get(answer->body, "id")));
}

static void replace(GString *text, const char *what, const char *with)
{
	g_string_replace(text, what, with != NULL ? with : "none", 8);
}

static void request(struct otter_conn *conn, const char *text, size_t len)
{
	json_t *body = json_loadb(text, len, JSON_DECODE_ANY, NULL);
	json_t *reply = otter_conn_request(conn, body);
	if (reply != NULL) {
		char *dumped = json_dumps(reply, JSON_COMPACT);
		MUST(dumped != NULL);
		MUST(json_is_boolean(json_object_get(reply, "ok")));
		MUST(json_is_true(json_object_get(reply, "ok")) == (json_object_get(reply, "error") == NULL));
		free(dumped);
	}
	json_decref(reply);
	json_decref(body);
}

static void sit_down(struct otter_conn *conn, const char *room, const char *token)
{
	json_t *body = json_pack("{s:s, s:i, s:s, s:s, s:s}", "request", "join", "id", 1, "room", room, "token", token, "instance", "peer-instance");
	json_decref(otter_conn_request(conn, body));
	json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct otter_config config = { .env = &fuzz_env, .store = "memory", .resume_timeout_s = 30, .token_ttl_s = 3600 };
	struct otter_error e = { 0 };
	struct otter *o = otter_open(&config, &e);
	MUST(o != NULL);
	g_autofree char *room = NULL;
	json_t *spec = json_pack("{s:s}", "privacy", "relay");
	otter_do_room_create(o, spec, &(struct otter_conditions){ 0 }, keep_id, &room);
	json_decref(spec);
	struct otter_claims claims = { .room = room, .jti = (char *)"jt_1", .iat_s = 1, .exp_s = INT64_C(4000000000) };
	g_autofree char *token = otter_keyring_sign(&o->keyring, OTTER_AUDIENCE_JOIN, &claims);
	claims.role = (char *)"host";
	g_autofree char *host = otter_keyring_sign(&o->keyring, OTTER_AUDIENCE_JOIN, &claims);
	struct sink sink = { 0 }, peer_sink = { 0 };
	struct otter_conn *conn = otter_conn_new(o, &ops, &sink), *peer = otter_conn_new(o, &ops, &peer_sink);
	sit_down(peer, room, token);

	for (size_t at = 0; at < size;) {
		const uint8_t *newline = memchr(data + at, '\n', size - at);
		size_t len = newline != NULL ? (size_t)(newline - data) - at : size - at;
		GString *text = g_string_new_len((const char *)data + at, (gssize)len);
		if (memchr(text->str, '\0', text->len) == NULL) {
			replace(text, "@ROOM", room);
			replace(text, "@TOKEN", token);
			replace(text, "@HOST", host);
			replace(text, "@SEAT", sink.seat);
			replace(text, "@ME", sink.participant);
			replace(text, "@PEER", peer_sink.participant);
		}
		request(conn, text->str, text->len);
		g_string_free(text, TRUE);
		at += len + 1;
	}

	otter_conn_gone(conn);
	otter_conn_gone(peer);
	otter_conn_unref(conn);
	otter_conn_unref(peer);
	otter_close(o);
	otter_unref(o);
	MUST(sink.refs == 0 && peer_sink.refs == 0);
	g_free(sink.seat);
	g_free(sink.participant);
	g_free(peer_sink.seat);
	g_free(peer_sink.participant);
	return 0;
}
