/* SPDX-License-Identifier: GPL-3.0-or-later
 * The API keys that are in force. */
#include "fixture.h"
#include "core/api_keys.h"

static struct surroundings s;
static char *folder, *url, *key_file;
static struct otter_store *store;
static struct otter_api_keys keys;

static void open_keys(void)
{
	struct otter_error e = { 0 };
	store = otter_store_open(&s.env, url, &e);
	g_assert_nonnull(store);
	g_assert_cmpint(otter_api_keys_open(&keys, &s.env, store, key_file, &e), ==, OTTER_OK);
}

static void close_keys(void)
{
	otter_api_keys_clear(&keys);
	store->ops->close(g_steal_pointer(&store));
}

static void begin(void)
{
	surroundings_init(&s);
	folder = check_folder();
	url = g_strconcat("sqlite:", folder, "/otter.db", NULL);
	key_file = g_build_filename(folder, "key", NULL);
	open_keys();
}

static void end(void)
{
	if (store != NULL)
		close_keys();
	g_clear_pointer(&url, g_free);
	g_clear_pointer(&key_file, g_free);
	check_folder_end(g_steal_pointer(&folder));
	surroundings_clear(&s);
}

/* The first API key as it was handed out. New string. */
static char *first_key(void)
{
	char *text;
	g_assert_true(g_file_get_contents(key_file, &text, NULL, NULL));
	return g_strstrip(text);
}

static enum otter_err check_key(const char *text, unsigned scopes)
{
	struct otter_error e = { 0 };
	enum otter_err err = otter_api_keys_check(&keys, text, scopes, &e);
	g_assert_cmpint(e.err, ==, err);
	g_assert_true(text == NULL || strlen(text) < 8 || strstr(e.message, text) == NULL); /* an error never repeats the key */
	return err;
}

static void the_first_key_is_written_once_and_opens_everything(void)
{
	begin();
	g_autofree char *key = first_key();
	g_assert_cmpint(check_key(key, OTTER_SCOPE_ALL), ==, OTTER_OK);
	g_assert_false(logged(&s, key));
	close_keys();
	open_keys();
	g_autofree char *again = first_key();
	g_assert_cmpstr(key, ==, again);
	g_assert_cmpint(check_key(key, OTTER_SCOPE_ALL), ==, OTTER_OK);
	end();
}

static void a_key_is_refused_in_each_way_it_can_be_wrong(void)
{
	begin();
	g_autofree char *key = first_key();
	char stranger[OTTER_KEY_SIZE];
	struct otter_key_record record;
	otter_key_new(&s.env, "x", OTTER_SCOPE_ALL, stranger, &record);
	g_autofree char *upper = g_ascii_strup(key, -1), *cut = g_strndup(key, strlen(key) - 1), *longer = g_strconcat(key, "x", NULL),
			*bearer = g_strconcat("Bearer ", key, NULL);
	g_assert_cmpint(check_key(NULL, 0), ==, OTTER_UNAUTHORIZED);
	g_assert_cmpint(check_key("", 0), ==, OTTER_UNAUTHORIZED);
	g_assert_cmpint(check_key("otk_", 0), ==, OTTER_UNAUTHORIZED);
	g_assert_cmpint(check_key(stranger, 0), ==, OTTER_UNAUTHORIZED);
	g_assert_cmpint(check_key(upper, 0), ==, OTTER_UNAUTHORIZED);
	g_assert_cmpint(check_key(cut, 0), ==, OTTER_UNAUTHORIZED);
	g_assert_cmpint(check_key(longer, 0), ==, OTTER_UNAUTHORIZED);
	g_assert_cmpint(check_key(bearer, 0), ==, OTTER_UNAUTHORIZED);
	end();
}

/* Puts a key with these scopes into force. Its text in `text`. */
static struct otter_key_record put(char text[OTTER_KEY_SIZE], unsigned scopes)
{
	struct otter_key_record record;
	otter_key_new(&s.env, "x", scopes, text, &record);
	otter_api_keys_put(&keys, &record);
	return record;
}

static void a_key_of_our_id_with_another_secret_is_unknown(void)
{
	begin();
	char text[OTTER_KEY_SIZE], other[OTTER_KEY_SIZE];
	unsigned char hash[OTTER_SHA256_SIZE];
	struct otter_key_record record = put(text, OTTER_SCOPE_ALL);
	otter_key_text(&s.env, record.id, other, hash);
	g_assert_cmpint(check_key(text, 0), ==, OTTER_OK);
	g_assert_cmpint(check_key(other, 0), ==, OTTER_UNAUTHORIZED);
	end();
}

static void a_key_opens_its_scopes_alone(void)
{
	begin();
	char text[OTTER_KEY_SIZE];
	put(text, OTTER_SCOPE_ROOMS_READ | OTTER_SCOPE_TOKENS_MINT);
	g_assert_cmpint(check_key(text, OTTER_SCOPE_ROOMS_READ), ==, OTTER_OK);
	g_assert_cmpint(check_key(text, OTTER_SCOPE_ROOMS_READ | OTTER_SCOPE_TOKENS_MINT), ==, OTTER_OK);
	g_assert_cmpint(check_key(text, OTTER_SCOPE_ROOMS_WRITE), ==, OTTER_FORBIDDEN);
	g_assert_cmpint(check_key(text, OTTER_SCOPE_ROOMS_READ | OTTER_SCOPE_KEYS_ADMIN), ==, OTTER_FORBIDDEN);
	end();
}

static void a_key_ends_when_it_expires_or_is_removed(void)
{
	begin();
	char text[OTTER_KEY_SIZE];
	struct otter_key_record record = put(text, OTTER_SCOPE_ALL);
	record.expires_ms = NOON_MS + 1000;
	otter_api_keys_put(&keys, &record);
	g_assert_cmpint(check_key(text, 0), ==, OTTER_OK);
	pass_ms(&s, 1000);
	g_assert_cmpint(check_key(text, 0), ==, OTTER_UNAUTHORIZED);
	record.expires_ms = 0;
	otter_api_keys_put(&keys, &record);
	g_assert_cmpint(check_key(text, 0), ==, OTTER_OK);
	otter_api_keys_remove(&keys, record.id);
	g_assert_cmpint(check_key(text, 0), ==, OTTER_UNAUTHORIZED);
	end();
}

static void uses_are_counted_and_written_down(void)
{
	begin();
	g_autofree char *key = first_key();
	char id[OTTER_KEY_ID + 1];
	struct otter_key_record record;
	otter_key_parse(key, id);
	pass_ms(&s, 5000);
	for (int i = 0; i < 3; i++)
		check_key(key, 0);
	check_key(key, 1u << 20); /* forbidden: no use */
	otter_api_keys_flush(&keys, store);
	close_keys();
	open_keys();
	g_assert_true(otter_api_keys_get(&keys, id, &record));
	g_assert_cmpint(record.uses, ==, 3);
	g_assert_cmpint(record.used_ms, ==, NOON_MS + 5000);
	end();
}

static void a_key_that_asks_too_often_waits_and_the_others_do_not(void)
{
	begin();
	char one[OTTER_KEY_SIZE], other[OTTER_KEY_SIZE];
	keys.rate_per_s = 10;
	put(one, OTTER_SCOPE_ALL);
	put(other, OTTER_SCOPE_ALL);
	for (int i = 0; i < 10; i++)
		g_assert_cmpint(check_key(one, 0), ==, OTTER_OK);
	g_assert_cmpint(check_key(one, 0), ==, OTTER_RATE_LIMITED);
	g_assert_cmpint(check_key(other, 0), ==, OTTER_OK);
	pass_ms(&s, 100);
	g_assert_cmpint(check_key(one, 0), ==, OTTER_OK);
	g_assert_cmpint(check_key(one, 0), ==, OTTER_RATE_LIMITED);
	pass_ms(&s, 3600000);
	for (int i = 0; i < 10; i++)
		g_assert_cmpint(check_key(one, 0), ==, OTTER_OK);
	g_assert_cmpint(check_key(one, 0), ==, OTTER_RATE_LIMITED); /* nothing is saved up beyond one second */
	end();
}

static void no_secret_of_a_key_lies_in_the_database(void)
{
	begin();
	g_autofree char *key = first_key(), *secret = g_strndup(key + 5 + OTTER_KEY_ID, OTTER_KEY_SECRET), *id = g_strndup(key + 4, OTTER_KEY_ID);
	static const char *const suffixes[] = { "", "-wal" };
	bool found = false;
	for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *file = g_strconcat(url + strlen("sqlite:"), suffixes[i], NULL), *bytes = NULL;
		gsize n = 0;
		if (!g_file_get_contents(file, &bytes, &n, NULL))
			continue;
		found = found || memmem(bytes, n, id, strlen(id)) != NULL; /* so that looking would find */
		g_assert_null(memmem(bytes, n, secret, strlen(secret)));
	}
	g_assert_true(found);
	end();
}

static void a_key_file_that_cannot_be_written_is_an_error_with_words(void)
{
	surroundings_init(&s);
	struct otter_error e = { 0 };
	store = otter_store_open(&s.env, "memory", &e);
	g_assert_cmpint(otter_api_keys_open(&keys, &s.env, store, "/nowhere/at/all", &e), !=, OTTER_OK);
	g_assert_nonnull(strstr(e.message, "/nowhere/at/all"));
	close_keys();
	otter_api_keys_clear(&keys); /* a second time it does nothing */
	surroundings_clear(&s);
}

static const struct check checks[] = {
	{ "the first key is written once and opens everything", the_first_key_is_written_once_and_opens_everything },
	{ "a key is refused in each way it can be wrong", a_key_is_refused_in_each_way_it_can_be_wrong },
	{ "a key of our id with another secret is unknown", a_key_of_our_id_with_another_secret_is_unknown },
	{ "a key opens its scopes alone", a_key_opens_its_scopes_alone },
	{ "a key ends when it expires or is removed", a_key_ends_when_it_expires_or_is_removed },
	{ "uses are counted and written down", uses_are_counted_and_written_down },
	{ "a key that asks too often waits, and the others do not", a_key_that_asks_too_often_waits_and_the_others_do_not },
	{ "no secret of a key lies in the database", no_secret_of_a_key_lies_in_the_database },
	{ "a key file that cannot be written is an error with words", a_key_file_that_cannot_be_written_is_an_error_with_words },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "api_keys", checks);
}
