/* SPDX-License-Identifier: GPL-3.0-or-later
 * The wire of signaling: what each request may look like. */
#include "check.h"
#include "core/protocol.h"

#define TO "\"to\":\"pt_1\",\"from_instance\":\"aaaaaaaa\",\"to_instance\":\"bbbbbbbb\""

union parsed {
	struct otter_join join;
	struct otter_resume resume;
	struct otter_signal signal;
	struct otter_update update;
};

enum what { JOIN, RESUME, SIGNAL, UPDATE };

static enum otter_err parse(enum what what, const json_t *body, union parsed *out, struct otter_error *e)
{
	switch (what) {
	case JOIN:
		return otter_parse_join(body, &out->join, e);
	case RESUME:
		return otter_parse_resume(body, &out->resume, e);
	case SIGNAL:
		return otter_parse_signal(body, &out->signal, e);
	case UPDATE:
		return otter_parse_update(body, &out->update, e);
	}
	g_assert_not_reached();
}

static json_t *read_json(const char *text)
{
	json_error_t why;
	json_t *json = json_loads(text, 0, &why);
	if (json == NULL)
		g_error("%s in %s", why.text, text);
	return json;
}

struct row {
	const char *text, *field; /* NULL: good; "": wrong as a whole */
};

static void judge(enum what what, const struct row *rows)
{
	for (; rows->text != NULL; rows++) {
		union parsed parsed;
		struct otter_error e = { 0 };
		json_auto_t *body = read_json(rows->text);
		g_test_message("%s: %s", rows->text, e.message);
		enum otter_err err = parse(what, body, &parsed, &e);
		g_assert_cmpint(err, ==, rows->field != NULL ? OTTER_INVALID_REQUEST : OTTER_OK);
		g_assert_cmpstr(e.field, ==, rows->field != NULL ? rows->field : "");
	}
}

static void a_join_names_its_room_and_instance(void)
{
	static const struct row rows[] = {
		{ "{\"room\":\"r\",\"instance\":\"aaaaaaaa\"}", NULL }, /* a missing token is judged as a token */
		{ "{\"room\":\"r\",\"token\":\"t\",\"instance\":\"A-_9aaaa\",\"display\":\"Ann\",\"media\":{\"audio\":true,\"more\":1},\"x\":1}", NULL },
		{ "{\"room\":\"r\",\"instance\":\"aaaaaaaa\",\"display\":null,\"media\":null}", NULL },
		{ "{\"instance\":\"aaaaaaaa\"}", "room" },
		{ "{\"room\":\"\",\"instance\":\"aaaaaaaa\"}", "room" },
		{ "{\"room\":7,\"instance\":\"aaaaaaaa\"}", "room" },
		{ "{\"room\":\"r\"}", "instance" },
		{ "{\"room\":\"r\",\"instance\":\"aaaaaaa\"}", "instance" },
		{ "{\"room\":\"r\",\"instance\":\"aaaaaaa \"}", "instance" },
		{ "{\"room\":\"r\",\"instance\":\"aaaaaaaé\"}", "instance" },
		{ "{\"room\":\"r\",\"instance\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", "instance" },
		{ "{\"room\":\"r\",\"instance\":\"aaaaaaaa\",\"token\":5}", "token" },
		{ "{\"room\":\"r\",\"instance\":\"aaaaaaaa\",\"display\":\"a\\u202Eb\"}", "display" },
		{ "{\"room\":\"r\",\"instance\":\"aaaaaaaa\",\"display\":[]}", "display" },
		{ "{\"room\":\"r\",\"instance\":\"aaaaaaaa\",\"media\":[]}", "media" },
		{ "{\"room\":\"r\",\"instance\":\"aaaaaaaa\",\"media\":{\"audio\":1}}", "media.audio" },
		{ 0 },
	};
	judge(JOIN, rows);
}

static void a_joins_fields_arrive(void)
{
	struct otter_join join;
	json_auto_t *body = read_json("{\"room\":\"r\",\"token\":\"t\",\"instance\":\"aaaaaaaa\",\"display\":\"Ann\",\"media\":{\"video\":true}}");
	g_assert_cmpint(otter_parse_join(body, &join, NULL), ==, OTTER_OK);
	g_assert_cmpstr(join.room, ==, "r");
	g_assert_cmpstr(join.token, ==, "t");
	g_assert_cmpstr(join.display, ==, "Ann");
	g_assert_cmpstr(join.instance, ==, "aaaaaaaa");
	g_assert_false(join.media.audio);
	g_assert_true(join.media.video);
}

static void a_name_may_have_64_characters_of_any_size(void)
{
	struct otter_join join;
	for (int n = 64; n <= 65; n++) {
		g_autoptr(GString) name = g_string_new(NULL);
		for (int i = 0; i < n; i++)
			g_string_append(name, "𝒪"); /* four bytes */
		json_auto_t *body = json_pack("{s:s, s:s, s:s}", "room", "r", "instance", "aaaaaaaa", "display", name->str);
		g_assert_cmpint(otter_parse_join(body, &join, NULL), ==, n == 64 ? OTTER_OK : OTTER_INVALID_REQUEST);
	}
}

static void a_resume_names_its_instance(void)
{
	static const struct row rows[] = {
		{ "{\"seat\":\"s\",\"instance\":\"aaaaaaaa\"}", NULL },
		{ "{\"instance\":\"aaaaaaaa\"}", NULL },
		{ "{\"seat\":\"s\"}", "instance" },
		{ "{\"seat\":{},\"instance\":\"aaaaaaaa\"}", "seat" },
		{ "{\"seat\":\"s\",\"instance\":\"a b c d e\"}", "instance" },
		{ 0 },
	};
	judge(RESUME, rows);
}

static void an_update_says_what_changed(void)
{
	static const struct row rows[] = {
		{ "{}", NULL },
		{ "{\"display\":\"\"}", NULL },
		{ "{\"hand\":true}", NULL },
		{ "{\"hand\":null,\"media\":null,\"display\":null}", NULL },
		{ "{\"hand\":1}", "hand" },
		{ "{\"media\":{\"screen\":\"yes\"}}", "media.screen" },
		{ "{\"display\":\"\\n\"}", "display" },
		{ 0 },
	};
	judge(UPDATE, rows);
	static const struct {
		const char *text;
		int hand;
	} hands[] = { { "{}", -1 }, { "{\"hand\":null}", -1 }, { "{\"hand\":false}", 0 }, { "{\"hand\":true}", 1 } };
	for (size_t i = 0; i < G_N_ELEMENTS(hands); i++) {
		struct otter_update update;
		json_auto_t *body = read_json(hands[i].text);
		otter_parse_update(body, &update, NULL);
		g_assert_cmpint(update.hand, ==, hands[i].hand);
		g_assert_null(update.media_json);
	}
}

static void a_signal_is_a_description_candidates_or_a_pure_ack(void)
{
	static const struct row rows[] = {
		{ "{" TO ",\"ack\":0}", NULL },
		{ "{" TO ",\"ack\":9007199254740991}", NULL },
		{ "{" TO ",\"seq\":1,\"ack\":3,\"description\":{\"type\":\"offer\",\"sdp\":\"v=0\"},\"tracks\":{\"0\":\"mic\",\"1\":\"camera\",\"2\":"
		  "\"screen\",\"3\":\"screen-audio\"}}",
			NULL },
		{ "{" TO ",\"description\":{\"type\":\"rollback\"}}", NULL },
		{ "{" TO ",\"description\":{\"type\":\"answer\",\"sdp\":\"\"}}", NULL },
		{ "{" TO ",\"candidates\":[{\"candidate\":\"\"}]}", NULL },
		{ "{" TO ",\"candidates\":[{\"candidate\":\"candidate:1\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0,\"usernameFragment\":\"abcd\"}]}", NULL },
		{ "{" TO ",\"candidates\":[{\"candidate\":\"\",\"sdpMid\":null,\"sdpMLineIndex\":null,\"usernameFragment\":null}]}", NULL },
		{ "{" TO "}", "" },
		{ "{" TO ",\"seq\":1}", "" },
		{ "{" TO ",\"seq\":1,\"ack\":1}", "" },
		{ "{\"from_instance\":\"aaaaaaaa\",\"to_instance\":\"bbbbbbbb\",\"ack\":1}", "to" },
		{ "{\"to\":\"pt_1\",\"to_instance\":\"bbbbbbbb\",\"ack\":1}", "from_instance" },
		{ "{\"to\":\"pt_1\",\"from_instance\":\"aaaaaaaa\",\"ack\":1}", "to_instance" },
		{ "{" TO ",\"ack\":-1}", "ack" },
		{ "{" TO ",\"ack\":9007199254740992}", "ack" },
		{ "{" TO ",\"ack\":1.5}", "ack" },
		{ "{" TO ",\"seq\":0,\"description\":{\"type\":\"rollback\"}}", "seq" },
		{ "{" TO ",\"seq\":\"1\",\"description\":{\"type\":\"rollback\"}}", "seq" },
		{ "{" TO ",\"round\":1,\"description\":{\"type\":\"offer\",\"sdp\":\"\"}}", NULL },
		{ "{" TO ",\"round\":9007199254740991,\"description\":{\"type\":\"answer\",\"sdp\":\"\"}}", NULL },
		{ "{" TO ",\"round\":null,\"candidates\":[{\"candidate\":\"\"}]}", NULL },
		{ "{" TO ",\"round\":0,\"description\":{\"type\":\"rollback\"}}", "round" },
		{ "{" TO ",\"round\":9007199254740992,\"description\":{\"type\":\"rollback\"}}", "round" },
		{ "{" TO ",\"round\":\"1\",\"description\":{\"type\":\"rollback\"}}", "round" },
		{ "{" TO ",\"round\":1,\"candidates\":[{\"candidate\":\"\"}]}", "round" },
		{ "{" TO ",\"round\":1,\"ack\":1}", "round" },
		{ "{" TO ",\"description\":{\"type\":\"rollback\"},\"candidates\":[{\"candidate\":\"\"}]}", "candidates" },
		{ "{" TO ",\"description\":\"v=0\"}", "description" },
		{ "{" TO ",\"description\":{}}", "description.type" },
		{ "{" TO ",\"description\":{\"type\":\"Offer\",\"sdp\":\"\"}}", "description.type" },
		{ "{" TO ",\"description\":{\"type\":\"offer\"}}", "description.sdp" },
		{ "{" TO ",\"description\":{\"type\":\"offer\",\"sdp\":1}}", "description.sdp" },
		{ "{" TO ",\"description\":{\"type\":\"offer\",\"sdp\":\"\",\"extra\":1}}", "description.extra" },
		{ "{" TO ",\"candidates\":[]}", "candidates" },
		{ "{" TO ",\"candidates\":{}}", "candidates" },
		{ "{" TO ",\"candidates\":[1]}", "candidates[0]" },
		{ "{" TO ",\"candidates\":[{\"candidate\":\"\"},{}]}", "candidates[1].candidate" },
		{ "{" TO ",\"candidates\":[{\"candidate\":\"\",\"sdpMLineIndex\":-1}]}", "candidates[0].sdpMLineIndex" },
		{ "{" TO ",\"candidates\":[{\"candidate\":\"\",\"address\":\"10.0.0.1\"}]}", "candidates[0].address" },
		{ "{" TO ",\"tracks\":{\"0\":\"mic\"},\"ack\":1}", "tracks" },
		{ "{" TO ",\"description\":{\"type\":\"rollback\"},\"tracks\":{\"0\":\"Mic\"}}", "tracks" },
		{ "{" TO ",\"description\":{\"type\":\"rollback\"},\"tracks\":{\"0\":1}}", "tracks" },
		{ "{" TO ",\"description\":{\"type\":\"rollback\"},\"tracks\":[]}", "tracks" },
		{ 0 },
	};
	judge(SIGNAL, rows);
}

static enum otter_err parse_filled(json_t *body, size_t sdp_bytes)
{
	g_autofree char *sdp = g_strnfill(sdp_bytes, 'x');
	struct otter_signal signal;
	struct otter_error e = { 0 };
	json_object_set_new(body, "description", json_pack("{s:s, s:s}", "type", "offer", "sdp", sdp));
	return otter_parse_signal(body, &signal, &e);
}

static void a_signal_has_64_kib_and_64_candidates_at_most(void)
{
	json_auto_t *body = read_json("{" TO "}");
	g_assert_cmpint(parse_filled(body, 65536), ==, OTTER_OK);
	g_assert_cmpint(parse_filled(body, 65537), ==, OTTER_TOO_LARGE);
	json_object_set_new(body, "tracks", json_pack("{s:s}", "0", "mic"));
	g_assert_cmpint(parse_filled(body, 65536 - 4), ==, OTTER_OK);
	g_assert_cmpint(parse_filled(body, 65536 - 3), ==, OTTER_TOO_LARGE);
	for (int n = 64; n <= 65; n++) {
		json_auto_t *many = read_json("{" TO "}");
		json_t *list = json_array();
		for (int i = 0; i < n; i++)
			json_array_append_new(list, json_pack("{s:s}", "candidate", "candidate:1"));
		json_object_set_new(many, "candidates", list);
		struct otter_signal signal;
		g_assert_cmpint(otter_parse_signal(many, &signal, NULL), ==, n == 64 ? OTTER_OK : OTTER_INVALID_REQUEST);
	}
}

static void a_signal_is_relayed_as_it_came_but_for_from(void)
{
	json_auto_t *body = read_json("{" TO ",\"seq\":1,\"ack\":3,\"round\":2,\"description\":{\"type\":\"offer\",\"sdp\":\"v=0\"},\"tracks\":{\"0\":\"mic\"},"
				      "\"from\":\"pt_forged\",\"x\":1}");
	struct otter_signal signal;
	g_assert_cmpint(otter_parse_signal(body, &signal, NULL), ==, OTTER_OK);
	json_auto_t *event = otter_event_signal("pt_9", &signal);
	json_auto_t *expected =
		read_json("{\"otter\":\"event\",\"event\":\"signal\",\"from\":\"pt_9\",\"from_instance\":\"aaaaaaaa\",\"to_instance\":\"bbbbbbbb\",\"seq\":1,"
			  "\"ack\":3,\"round\":2,\"description\":{\"type\":\"offer\",\"sdp\":\"v=0\"},\"tracks\":{\"0\":\"mic\"}}");
	g_assert_true(json_equal(event, expected));
}

static void a_pure_ack_is_relayed_without_a_seq(void)
{
	json_auto_t *body = read_json("{" TO ",\"ack\":0}");
	struct otter_signal signal;
	otter_parse_signal(body, &signal, NULL);
	json_auto_t *event = otter_event_signal("pt_9", &signal);
	g_assert_null(json_object_get(event, "seq"));
	g_assert_cmpint(json_integer_value(json_object_get(event, "ack")), ==, 0);
	g_assert_true(json_is_integer(json_object_get(event, "ack")));
}

static bool hides(const char *more)
{
	g_autofree char *text = g_strconcat("{" TO ",", more, "}", NULL);
	json_auto_t *body = read_json(text);
	struct otter_signal signal;
	g_assert_cmpint(otter_parse_signal(body, &signal, NULL), ==, OTTER_OK);
	return otter_signal_hides_addresses(&signal);
}

static void addresses_are_looked_for_in_descriptions_and_each_candidate(void)
{
	g_assert_true(hides("\"ack\":1"));
	g_assert_true(hides("\"description\":{\"type\":\"rollback\"}"));
	g_assert_true(hides("\"candidates\":[{\"candidate\":\"\"}]"));
	g_assert_false(hides("\"description\":{\"type\":\"offer\",\"sdp\":\"v=0\\r\\na=candidate:1 1 udp 1 10.0.0.1 5 typ host\\r\\n\"}"));
	g_assert_false(hides("\"candidates\":[{\"candidate\":\"\"},{\"candidate\":\"candidate:1 1 udp 1 10.0.0.1 5 typ host\"}]"));
}

static enum otter_err parse_set(const char *text, struct otter_error *e)
{
	json_auto_t *body = read_json(text);
	struct otter_set set;
	*e = (struct otter_error){ 0 };
	return otter_parse_set(body, &set, e);
}

static void a_set_names_a_key_and_a_value(void)
{
	g_autofree char *key_64 = g_strnfill(64, 'k'), *key_65 = g_strnfill(65, 'k');
	g_autofree char *longest = g_strdup_printf("{\"key\":\"%s\",\"value\":1}", key_64), *too_long = g_strdup_printf("{\"key\":\"%s\",\"value\":1}", key_65);
	const struct row rows[] = {
		{ "{\"key\":\"k\",\"value\":null}", NULL },
		{ "{\"key\":\"k\",\"value\":false,\"ttl\":1,\"more\":2}", NULL },
		{ "{\"key\":\"k\",\"value\":[{\"a\":[1.5,\"x\"]}],\"ttl\":86400}", NULL },
		{ "{\"key\":\"\u00e9 \xf0\x9f\xa6\xa6\",\"value\":\"\"}", NULL },
		{ longest, NULL },
		{ too_long, "key" },
		{ "{\"value\":1}", "key" },
		{ "{\"key\":\"\",\"value\":1}", "key" },
		{ "{\"key\":1,\"value\":1}", "key" },
		{ "{\"key\":\"a\\nb\",\"value\":1}", "key" },
		{ "{\"key\":\"\xe2\x80\xae\",\"value\":1}", "key" },
		{ "{\"key\":\"k\"}", "value" },
		{ "{\"key\":\"k\",\"value\":1,\"ttl\":0}", "ttl" },
		{ "{\"key\":\"k\",\"value\":1,\"ttl\":86401}", "ttl" },
		{ "{\"key\":\"k\",\"value\":1,\"ttl\":1.5}", "ttl" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct otter_error e;
		g_assert_cmpint(parse_set(rows[i].text, &e), ==, rows[i].field != NULL ? OTTER_INVALID_REQUEST : OTTER_OK);
		g_assert_cmpstr(e.field, ==, rows[i].field != NULL ? rows[i].field : "");
	}
}

static void a_value_has_4096_bytes_as_compact_json_and_32_levels_at_most(void)
{
	struct otter_error e;
	for (size_t n = 4095; n <= 4097; n++) {
		g_autofree char *text = g_strnfill(n - 2, 'x');
		g_autofree char *body = g_strdup_printf("{\"key\": \"k\", \"value\":    \"%s\"}", text); /* blanks do not count */
		g_assert_cmpint(parse_set(body, &e), ==, n <= 4096 ? OTTER_OK : OTTER_TOO_LARGE);
	}
	for (size_t levels = 31; levels <= 33; levels++) {
		g_autofree char *open = g_strnfill(levels, '['), *close = g_strnfill(levels, ']');
		g_autofree char *body = g_strdup_printf("{\"key\": \"k\", \"value\": %s%s}", open, close);
		g_assert_cmpint(parse_set(body, &e), ==, levels <= 32 ? OTTER_OK : OTTER_INVALID_REQUEST);
	}
}

static void an_id_is_an_integer_that_javascript_can_hold(void)
{
	static const struct {
		const char *text;
		int64_t id;
	} rows[] = { { "{\"id\":0}", 0 }, { "{\"id\":9007199254740991}", 9007199254740991 }, { "{}", -1 }, { "{\"id\":-1}", -1 }, { "{\"id\":\"1\"}", -1 },
		{ "{\"id\":1.0}", -1 }, { "{\"id\":9007199254740992}", -1 }, { "{\"id\":null}", -1 }, { "{\"id\":true}", -1 } };
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		json_auto_t *body = read_json(rows[i].text);
		int64_t id;
		g_assert_cmpint(otter_request_id(body, &id), ==, rows[i].id >= 0);
		g_assert_cmpint(id, ==, rows[i].id);
	}
}

static void replies_echo_the_id_or_null(void)
{
	struct otter_error e = { 0 };
	otter_fail(&e, OTTER_ROOM_FULL, NULL);
	json_auto_t *good = otter_reply(7), *bad = otter_reply_error(-1, &e);
	json_auto_t *good_text = read_json("{\"otter\":\"reply\",\"id\":7,\"ok\":true}");
	json_auto_t *bad_text =
		read_json("{\"otter\":\"reply\",\"id\":null,\"ok\":false,\"error\":{\"code\":\"room_full\",\"message\":\"The room is full.\"}}");
	g_assert_true(json_equal(good, good_text));
	g_assert_true(json_equal(bad, bad_text));
}

static const struct check checks[] = {
	{ "a join names its room and instance", a_join_names_its_room_and_instance },
	{ "a join's fields arrive", a_joins_fields_arrive },
	{ "a name may have 64 characters of any size", a_name_may_have_64_characters_of_any_size },
	{ "a resume names its instance", a_resume_names_its_instance },
	{ "an update says what changed", an_update_says_what_changed },
	{ "a signal is a description, candidates or a pure ack", a_signal_is_a_description_candidates_or_a_pure_ack },
	{ "a signal has 64 KiB and 64 candidates at most", a_signal_has_64_kib_and_64_candidates_at_most },
	{ "a signal is relayed as it came, but for from", a_signal_is_relayed_as_it_came_but_for_from },
	{ "a pure ack is relayed without a seq", a_pure_ack_is_relayed_without_a_seq },
	{ "addresses are looked for in descriptions and each candidate", addresses_are_looked_for_in_descriptions_and_each_candidate },
	{ "a set names a key and a value", a_set_names_a_key_and_a_value },
	{ "a value has 4096 bytes as compact JSON and 32 levels at most", a_value_has_4096_bytes_as_compact_json_and_32_levels_at_most },
	{ "an id is an integer that JavaScript can hold", an_id_is_an_integer_that_javascript_can_hold },
	{ "replies echo the id or null", replies_echo_the_id_or_null },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "protocol", checks);
}
