/* SPDX-License-Identifier: GPL-3.0-or-later
 * The wire of signaling (plugin/PROTOCOL.md): requests into structs, replies and events out of them. */
#ifndef OTTER_PROTOCOL_H
#define OTTER_PROTOCOL_H

#include "records.h"
#include "err.h"

#include <stdbool.h>
#include <stdint.h>

#define OTTER_MESSAGE_MAX 65536 /* bytes of a signal's payload */
#define OTTER_DISPLAY_MAX 64    /* characters */
#define OTTER_CANDIDATES_MAX 64 /* in one signal */
#define OTTER_STATE_KEYS 64     /* in a room */
#define OTTER_STATE_BYTES 4096  /* of a value, as compact JSON */

struct otter_media {
	bool audio, video, screen;
};

/* Requests. Strings and json_t are borrowed from the body; NULL where absent. */
struct otter_join {
	const char *room, *token, *display, *instance;
	bool has_media;
	struct otter_media media; /* holds if has_media */
	bool knock;               /* not the request's: the token's link was taken back, so who comes by it has to knock */
};

struct otter_resume {
	const char *seat, *instance;
};

struct otter_signal {
	const char *to, *from_instance, *to_instance;
	int64_t seq;   /* 0: none */
	int64_t ack;   /* -1: none */
	int64_t round; /* 0: none */
	const json_t *description, *candidates, *tracks;
};

struct otter_update {
	const char *display;
	const json_t *media_json;
	struct otter_media media; /* holds if media_json is not NULL */
	int hand;                 /* -1: not said */
};

struct otter_set {
	const char *key;
	char text[OTTER_STATE_BYTES + 1]; /* of the value, as compact JSON; empty: it was null */
	int64_t ttl_s;                    /* 0: none */
};

/* Of hosts. */
struct otter_eject {
	const char *participant;
	bool revoke;
};

struct otter_mute {
	const char *participant, *kind;
};

/* Each: OTTER_OK, or invalid_request (too_large) with the field. */
enum otter_err otter_parse_join(const json_t *body, struct otter_join *out, struct otter_error *e);
enum otter_err otter_parse_resume(const json_t *body, struct otter_resume *out, struct otter_error *e);

/* Whom a host's request is about: borrowed. invalid_request. */
enum otter_err otter_parse_participant(const json_t *body, const char **participant, struct otter_error *e);
enum otter_err otter_parse_eject(const json_t *body, struct otter_eject *out, struct otter_error *e);
enum otter_err otter_parse_mute(const json_t *body, struct otter_mute *out, struct otter_error *e);
enum otter_err otter_parse_lock(const json_t *body, bool *locked, struct otter_error *e);
enum otter_err otter_parse_signal(const json_t *body, struct otter_signal *out, struct otter_error *e);
enum otter_err otter_parse_update(const json_t *body, struct otter_update *out, struct otter_error *e);
enum otter_err otter_parse_set(const json_t *body, struct otter_set *out, struct otter_error *e);

/* The `id` of a request: false if there is none that can be echoed. */
bool otter_request_id(const json_t *body, int64_t *id);

/* No description and no candidate in `signal` shows an address (for relay rooms). */
bool otter_signal_hides_addresses(const struct otter_signal *signal);

/* {"otter": "reply", "id", "ok": true}; add the rest. `id` negative: null. New reference, as all below. */
json_t *otter_reply(int64_t id);
json_t *otter_reply_error(int64_t id, const struct otter_error *e);

/* {"otter": "event", "event": name}; add the rest. */
json_t *otter_event(const char *name);
json_t *otter_event_signal(const char *from, const struct otter_signal *signal);

#endif
