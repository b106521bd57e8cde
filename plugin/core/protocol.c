/* SPDX-License-Identifier: GPL-3.0-or-later
 * The wire of signaling. */
#include "protocol.h"

#include "candidate.h"
#include "id.h"
#include "json.h"

#include <glib.h>
#include <string.h>

#define INSTANCE_CHARACTERS OTTER_BASE62 "-_"
#define INSTANCE_MIN 8
#define STATE_KEY_CHARACTERS 64
#define STATE_TTL_MAX_S 86400
#define STATE_DEPTH 32 /* arrays and objects in each other: the readers of others recurse */

static enum otter_err check_instance(const char *field, const char *instance, struct otter_error *e)
{
	if (!otter_text_made_of(instance, INSTANCE_CHARACTERS, INSTANCE_MIN, OTTER_INSTANCE_SIZE - 1))
		return otter_fail_field(e, field, "'%s' must be %d to %d characters of A-Z a-z 0-9 - _.", field, INSTANCE_MIN, OTTER_INSTANCE_SIZE - 1);
	return OTTER_OK;
}

static enum otter_err check_display(const char *display, struct otter_error *e)
{
	if (display != NULL && !otter_text_displayable(display, OTTER_DISPLAY_MAX))
		return otter_fail_field(
			e, "display", "'display' must have at most %d characters, none of them a control or direction character.", OTTER_DISPLAY_MAX);
	return OTTER_OK;
}

/* Read an object inside another: an error names the path to the field, like "media.audio". */
static enum otter_err read_inside(const char *parent, const json_t *json, const struct otter_json_field *fields, bool strict, void *out, struct otter_error *e)
{
	struct otter_error inner = { 0 };
	enum otter_err err = otter_json_read(json, fields, strict, out, &inner);
	if (err == OTTER_OK)
		return OTTER_OK;
	g_autofree char *path = inner.field[0] ? g_strdup_printf("%s.%s", parent, inner.field) : g_strdup(parent);
	return otter_fail_field(e, path, "In '%s': %s", parent, inner.message);
}

static enum otter_err read_media(const json_t *json, struct otter_media *media, struct otter_error *e)
{
	static const struct otter_json_field fields[] = {
		{ "audio", OTTER_JSON_BOOLEAN, false, offsetof(struct otter_media, audio), 0, 0 },
		{ "video", OTTER_JSON_BOOLEAN, false, offsetof(struct otter_media, video), 0, 0 },
		{ "screen", OTTER_JSON_BOOLEAN, false, offsetof(struct otter_media, screen), 0, 0 },
		{ 0 },
	};
	*media = (struct otter_media){ 0 };
	return json != NULL ? read_inside("media", json, fields, false, media, e) : OTTER_OK;
}

/* What a track is. */
static const char *const track_kinds[] = { "mic", "camera", "screen", "screen-audio", NULL };

static bool is_one_of(const char *text, const char *const *words)
{
	while (*words != NULL && strcmp(*words, text) != 0)
		words++;
	return *words != NULL;
}

/* ---- join, resume, update ---- */

enum otter_err otter_parse_join(const json_t *body, struct otter_join *out, struct otter_error *e)
{
	struct raw {
		struct otter_join join;
		const json_t *media;
	} raw = { 0 };
	static const struct otter_json_field fields[] = {
		{ "room", OTTER_JSON_STRING, true, offsetof(struct raw, join.room), 1, 64 },
		{ "token", OTTER_JSON_STRING, false, offsetof(struct raw, join.token), 0, INT64_MAX }, /* its length is the token's own matter */
		{ "display", OTTER_JSON_STRING, false, offsetof(struct raw, join.display), 0, 4 * OTTER_DISPLAY_MAX },
		{ "instance", OTTER_JSON_STRING, true, offsetof(struct raw, join.instance), INSTANCE_MIN, OTTER_INSTANCE_SIZE - 1 },
		{ "media", OTTER_JSON_OBJECT, false, offsetof(struct raw, media), 0, 0 },
		{ 0 },
	};
	enum otter_err err = otter_json_read(body, fields, false, &raw, e);
	if (err == OTTER_OK)
		err = check_instance("instance", raw.join.instance, e);
	if (err == OTTER_OK)
		err = check_display(raw.join.display, e);
	if (err == OTTER_OK)
		err = read_media(raw.media, &raw.join.media, e);
	raw.join.has_media = raw.media != NULL;
	*out = raw.join;
	return err;
}

enum otter_err otter_parse_resume(const json_t *body, struct otter_resume *out, struct otter_error *e)
{
	static const struct otter_json_field fields[] = {
		{ "seat", OTTER_JSON_STRING, false, offsetof(struct otter_resume, seat), 0, INT64_MAX },
		{ "instance", OTTER_JSON_STRING, true, offsetof(struct otter_resume, instance), INSTANCE_MIN, OTTER_INSTANCE_SIZE - 1 },
		{ 0 },
	};
	*out = (struct otter_resume){ 0 };
	enum otter_err err = otter_json_read(body, fields, false, out, e);
	return err == OTTER_OK ? check_instance("instance", out->instance, e) : err;
}

enum otter_err otter_parse_update(const json_t *body, struct otter_update *out, struct otter_error *e)
{
	struct raw {
		const char *display;
		const json_t *media, *hand;
		bool hand_up;
	} raw = { .hand = json_object_get(body, "hand") };
	static const struct otter_json_field fields[] = {
		{ "display", OTTER_JSON_STRING, false, offsetof(struct raw, display), 0, 4 * OTTER_DISPLAY_MAX },
		{ "media", OTTER_JSON_OBJECT, false, offsetof(struct raw, media), 0, 0 },
		{ "hand", OTTER_JSON_BOOLEAN, false, offsetof(struct raw, hand_up), 0, 0 },
		{ 0 },
	};
	enum otter_err err = otter_json_read(body, fields, false, &raw, e);
	if (err == OTTER_OK)
		err = check_display(raw.display, e);
	*out = (struct otter_update){ .display = raw.display, .media_json = raw.media, .hand = json_is_boolean(raw.hand) ? raw.hand_up : -1 };
	return err == OTTER_OK ? read_media(raw.media, &out->media, e) : err;
}

/* ---- set ---- */

/* Recurses `levels` deep at most. */
static bool is_deeper(const json_t *json, unsigned levels)
{
	size_t i;
	const char *name;
	json_t *child;
	if (levels == 0)
		return json_is_object(json) || json_is_array(json);
	json_array_foreach(json, i, child)
		if (is_deeper(child, levels - 1))
			return true;
	json_object_foreach((json_t *)json, name, child)
		if (is_deeper(child, levels - 1))
			return true;
	return false;
}

static enum otter_err write_value(const json_t *value, char text[OTTER_STATE_BYTES + 1], struct otter_error *e)
{
	if (value == NULL)
		return otter_fail_field(e, "value", "'value' is missing: null takes the key away.");
	if (is_deeper(value, STATE_DEPTH))
		return otter_fail_field(e, "value", "'value' has more than %d arrays and objects in each other.", STATE_DEPTH);
	size_t n = json_is_null(value) ? 0 : json_dumpb(value, text, OTTER_STATE_BYTES, JSON_COMPACT | JSON_ENCODE_ANY);
	if (n > OTTER_STATE_BYTES)
		return otter_fail(e, OTTER_TOO_LARGE, "'value' may have at most %d bytes as compact JSON.", OTTER_STATE_BYTES);
	text[n] = '\0';
	return OTTER_OK;
}

enum otter_err otter_parse_set(const json_t *body, struct otter_set *out, struct otter_error *e)
{
	static const struct otter_json_field fields[] = {
		{ "key", OTTER_JSON_STRING, true, offsetof(struct otter_set, key), 1, 4 * STATE_KEY_CHARACTERS },
		{ "ttl", OTTER_JSON_INTEGER, false, offsetof(struct otter_set, ttl_s), 1, STATE_TTL_MAX_S },
		{ 0 },
	};
	out->ttl_s = 0;
	if (otter_json_read(body, fields, false, out, e) != OTTER_OK)
		return e->err;
	if (!otter_text_displayable(out->key, STATE_KEY_CHARACTERS))
		return otter_fail_field(e, "key", "'key' must have 1 to %d characters, none of them a control or direction character.", STATE_KEY_CHARACTERS);
	return write_value(json_object_get(body, "value"), out->text, e);
}

/* ---- of hosts ---- */

enum otter_err otter_parse_participant(const json_t *body, const char **participant, struct otter_error *e)
{
	static const struct otter_json_field fields[] = { { "participant", OTTER_JSON_STRING, true, 0, 1, OTTER_ID_SIZE - 1 }, { 0 } };
	return otter_json_read(body, fields, false, participant, e);
}

enum otter_err otter_parse_eject(const json_t *body, struct otter_eject *out, struct otter_error *e)
{
	static const struct otter_json_field fields[] = {
		{ "participant", OTTER_JSON_STRING, true, offsetof(struct otter_eject, participant), 1, OTTER_ID_SIZE - 1 },
		{ "revoke", OTTER_JSON_BOOLEAN, false, offsetof(struct otter_eject, revoke), 0, 0 },
		{ 0 },
	};
	*out = (struct otter_eject){ 0 };
	return otter_json_read(body, fields, false, out, e);
}

enum otter_err otter_parse_mute(const json_t *body, struct otter_mute *out, struct otter_error *e)
{
	static const struct otter_json_field fields[] = {
		{ "participant", OTTER_JSON_STRING, true, offsetof(struct otter_mute, participant), 1, OTTER_ID_SIZE - 1 },
		{ "kind", OTTER_JSON_STRING, true, offsetof(struct otter_mute, kind), 1, 16 },
		{ 0 },
	};
	*out = (struct otter_mute){ 0 };
	enum otter_err err = otter_json_read(body, fields, false, out, e);
	if (err == OTTER_OK && !is_one_of(out->kind, track_kinds))
		err = otter_fail_field(e, "kind", "'kind' must be mic, camera, screen or screen-audio.");
	return err;
}

enum otter_err otter_parse_lock(const json_t *body, bool *locked, struct otter_error *e)
{
	static const struct otter_json_field fields[] = { { "locked", OTTER_JSON_BOOLEAN, true, 0, 0, 0 }, { 0 } };
	return otter_json_read(body, fields, false, locked, e);
}

/* ---- signal ---- */

static enum otter_err check_description(const json_t *json, size_t *bytes, struct otter_error *e)
{
	struct description {
		const char *type, *sdp;
	} d = { 0 };
	static const struct otter_json_field fields[] = {
		{ "type", OTTER_JSON_STRING, true, offsetof(struct description, type), 1, 16 },
		{ "sdp", OTTER_JSON_STRING, false, offsetof(struct description, sdp), 0, INT64_MAX },
		{ 0 },
	};
	static const char *const types[] = { "offer", "answer", "pranswer", "rollback", NULL };
	enum otter_err err = read_inside("description", json, fields, true, &d, e);
	if (err != OTTER_OK)
		return err;
	if (!is_one_of(d.type, types))
		return otter_fail_field(e, "description.type", "'description.type' must be offer, answer, pranswer or rollback.");
	if (d.sdp == NULL && strcmp(d.type, "rollback") != 0)
		return otter_fail_field(e, "description.sdp", "'description.sdp' is missing.");
	*bytes += d.sdp != NULL ? strlen(d.sdp) : 0;
	return OTTER_OK;
}

static enum otter_err check_candidate(const json_t *json, size_t index, size_t *bytes, struct otter_error *e)
{
	struct candidate {
		const char *candidate, *sdp_mid, *ufrag;
		int64_t sdp_mline_index;
	} c = { 0 };
	static const struct otter_json_field fields[] = {
		{ "candidate", OTTER_JSON_STRING, true, offsetof(struct candidate, candidate), 0, 1024 },
		{ "sdpMid", OTTER_JSON_STRING, false, offsetof(struct candidate, sdp_mid), 0, 256 },
		{ "sdpMLineIndex", OTTER_JSON_INTEGER, false, offsetof(struct candidate, sdp_mline_index), 0, 65535 },
		{ "usernameFragment", OTTER_JSON_STRING, false, offsetof(struct candidate, ufrag), 0, 256 },
		{ 0 },
	};
	char parent[32];
	g_snprintf(parent, sizeof parent, "candidates[%zu]", index);
	enum otter_err err = read_inside(parent, json, fields, true, &c, e);
	if (err == OTTER_OK)
		*bytes += strlen(c.candidate) + (c.sdp_mid != NULL ? strlen(c.sdp_mid) : 0) + (c.ufrag != NULL ? strlen(c.ufrag) : 0);
	return err;
}

static enum otter_err check_tracks(const json_t *json, size_t *bytes, struct otter_error *e)
{
	const char *mid;
	json_t *kind;
	json_object_foreach((json_t *)json, mid, kind) {
		if (!json_is_string(kind) || !is_one_of(json_string_value(kind), track_kinds))
			return otter_fail_field(e, "tracks", "'tracks' must map a mid to mic, camera, screen or screen-audio.");
		*bytes += strlen(mid) + json_string_length(kind);
	}
	return OTTER_OK;
}

static enum otter_err check_payload(const struct otter_signal *s, struct otter_error *e)
{
	size_t bytes = 0, i;
	json_t *candidate;
	enum otter_err err = s->description != NULL ? check_description(s->description, &bytes, e) : OTTER_OK;
	if (err == OTTER_OK && s->tracks != NULL)
		err = check_tracks(s->tracks, &bytes, e);
	if (s->candidates != NULL)
		json_array_foreach(s->candidates, i, candidate)
			if (err == OTTER_OK)
				err = check_candidate(candidate, i, &bytes, e);
	if (err == OTTER_OK && bytes > OTTER_MESSAGE_MAX)
		err = otter_fail(e, OTTER_TOO_LARGE, "A signal may have at most %d bytes of descriptions, candidates and tracks.", OTTER_MESSAGE_MAX);
	return err;
}

enum otter_err otter_parse_signal(const json_t *body, struct otter_signal *out, struct otter_error *e)
{
	static const struct otter_json_field fields[] = {
		{ "to", OTTER_JSON_STRING, true, offsetof(struct otter_signal, to), 1, 64 },
		{ "from_instance", OTTER_JSON_STRING, true, offsetof(struct otter_signal, from_instance), 1, OTTER_INSTANCE_SIZE - 1 },
		{ "to_instance", OTTER_JSON_STRING, true, offsetof(struct otter_signal, to_instance), 1, OTTER_INSTANCE_SIZE - 1 },
		{ "seq", OTTER_JSON_INTEGER, false, offsetof(struct otter_signal, seq), 1, OTTER_JSON_INTEGER_MAX },
		{ "ack", OTTER_JSON_INTEGER, false, offsetof(struct otter_signal, ack), 0, OTTER_JSON_INTEGER_MAX },
		{ "round", OTTER_JSON_INTEGER, false, offsetof(struct otter_signal, round), 1, OTTER_JSON_INTEGER_MAX },
		{ "description", OTTER_JSON_OBJECT, false, offsetof(struct otter_signal, description), 0, 0 },
		{ "candidates", OTTER_JSON_ARRAY, false, offsetof(struct otter_signal, candidates), 1, OTTER_CANDIDATES_MAX },
		{ "tracks", OTTER_JSON_OBJECT, false, offsetof(struct otter_signal, tracks), 0, 0 },
		{ 0 },
	};
	*out = (struct otter_signal){ .ack = -1 };
	enum otter_err err = otter_json_read(body, fields, false, out, e);
	if (err != OTTER_OK)
		return err;
	if (out->description != NULL && out->candidates != NULL)
		return otter_fail_field(e, "candidates", "A signal has a description or candidates, not both.");
	if (out->tracks != NULL && out->description == NULL)
		return otter_fail_field(e, "tracks", "'tracks' goes with a description.");
	if (out->round != 0 && out->description == NULL)
		return otter_fail_field(e, "round", "'round' goes with a description.");
	if (out->description == NULL && out->candidates == NULL && (out->ack < 0 || out->seq != 0))
		return otter_fail(e, OTTER_INVALID_REQUEST, "A signal without description and candidates is a pure ack: it has 'ack' and no 'seq'.");
	return check_payload(out, e);
}

bool otter_signal_hides_addresses(const struct otter_signal *signal)
{
	const char *sdp = json_string_value(json_object_get(signal->description, "sdp"));
	if (sdp != NULL && !otter_sdp_hides_addresses(sdp))
		return false;
	size_t i;
	json_t *candidate;
	json_array_foreach(signal->candidates, i, candidate)
		if (!otter_candidate_hides_address(json_string_value(json_object_get(candidate, "candidate"))))
			return false;
	return true;
}

/* ---- replies and events ---- */

bool otter_request_id(const json_t *body, int64_t *id)
{
	const json_t *json = json_object_get(body, "id");
	*id = json_is_integer(json) ? json_integer_value(json) : -1;
	if (*id > OTTER_JSON_INTEGER_MAX)
		*id = -1;
	return *id >= 0;
}

json_t *otter_reply(int64_t id)
{
	return json_pack("{s:s, s:o, s:b}", "otter", "reply", "id", id >= 0 ? json_integer(id) : json_null(), "ok", 1);
}

json_t *otter_reply_error(int64_t id, const struct otter_error *e)
{
	return json_pack("{s:s, s:o, s:b, s:o}", "otter", "reply", "id", id >= 0 ? json_integer(id) : json_null(), "ok", 0, "error", otter_error_json(e));
}

json_t *otter_event(const char *name)
{
	return json_pack("{s:s, s:s}", "otter", "event", "event", name);
}

json_t *otter_event_signal(const char *from, const struct otter_signal *s)
{
	json_t *event = otter_event("signal");
	json_object_set_new(event, "from", json_string(from));
	json_object_set_new(event, "from_instance", json_string(s->from_instance));
	json_object_set_new(event, "to_instance", json_string(s->to_instance));
	if (s->seq != 0)
		json_object_set_new(event, "seq", json_integer(s->seq));
	if (s->ack >= 0)
		json_object_set_new(event, "ack", json_integer(s->ack));
	if (s->round != 0)
		json_object_set_new(event, "round", json_integer(s->round));
	if (s->description != NULL)
		json_object_set(event, "description", (json_t *)s->description);
	if (s->candidates != NULL)
		json_object_set(event, "candidates", (json_t *)s->candidates);
	if (s->tracks != NULL)
		json_object_set(event, "tracks", (json_t *)s->tracks);
	return event;
}
