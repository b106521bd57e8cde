/* SPDX-License-Identifier: GPL-3.0-or-later
 * The keys that are in force. */
#include "fixture.h"
#include "core/keyring.h"

#define SECRET "the deployment's secret, of at least 32 characters"

static struct surroundings s;
static char *folder, *url, *key_file;
static struct otter_store *store;
static struct otter_keyring ring;

static void open_ring(const char *secret)
{
	struct otter_error e = { 0 };
	store = otter_store_open(&s.env, url, &e);
	g_assert_nonnull(store);
	g_assert_cmpint(otter_keyring_open(&ring, &s.env, store, secret, key_file, &e), ==, OTTER_OK);
}

static void close_ring(void)
{
	otter_keyring_clear(&ring);
	store->ops->close(g_steal_pointer(&store));
}

static void begin(void)
{
	surroundings_init(&s);
	folder = check_folder();
	url = g_strconcat("sqlite:", folder, "/otter.db", NULL);
	key_file = g_build_filename(folder, "key", NULL);
	open_ring(SECRET);
}

static void end(void)
{
	if (store != NULL)
		close_ring();
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
	enum otter_err err = otter_keyring_check_api_key(&ring, text, scopes, &e);
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
	close_ring();
	open_ring(SECRET);
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

static void a_key_of_our_id_with_another_secret_is_unknown(void)
{
	begin();
	struct otter_key_record *own = &g_array_index(ring.api_keys, struct otter_key_record, 0), other;
	char text[OTTER_KEY_SIZE];
	otter_key_new(&s.env, "x", OTTER_SCOPE_ALL, text, &other);
	memcpy(own->id, other.id, sizeof own->id); /* the same id, another hash */
	g_assert_cmpint(check_key(text, 0), ==, OTTER_UNAUTHORIZED);
	end();
}

static void a_key_opens_its_scopes_alone(void)
{
	begin();
	g_autofree char *key = first_key();
	g_array_index(ring.api_keys, struct otter_key_record, 0).scopes = OTTER_SCOPE_ROOMS_READ | OTTER_SCOPE_TOKENS_MINT;
	g_assert_cmpint(check_key(key, OTTER_SCOPE_ROOMS_READ), ==, OTTER_OK);
	g_assert_cmpint(check_key(key, OTTER_SCOPE_ROOMS_READ | OTTER_SCOPE_TOKENS_MINT), ==, OTTER_OK);
	g_assert_cmpint(check_key(key, OTTER_SCOPE_ROOMS_WRITE), ==, OTTER_FORBIDDEN);
	g_assert_cmpint(check_key(key, OTTER_SCOPE_ROOMS_READ | OTTER_SCOPE_KEYS_ADMIN), ==, OTTER_FORBIDDEN);
	end();
}

static char *sign(void)
{
	struct otter_claims claims = { .room = (char *)"rm_1", .jti = (char *)"jt_1", .iat_s = NOON_MS / 1000, .exp_s = NOON_MS / 1000 + 60 };
	return otter_keyring_sign(&ring, OTTER_AUDIENCE_JOIN, &claims);
}

static enum otter_err verify(const char *token)
{
	struct otter_claims claims;
	struct otter_error e = { 0 };
	enum otter_err err = otter_keyring_verify(&ring, OTTER_AUDIENCE_JOIN, token, &claims, &e);
	otter_claims_clear(&claims);
	return err;
}

static void links_outlive_a_restart(void)
{
	begin();
	g_autofree char *token = sign();
	g_assert_cmpint(verify(token), ==, OTTER_OK);
	close_ring();
	open_ring(SECRET);
	g_assert_cmpint(verify(token), ==, OTTER_OK);
	pass_ms(&s, 60000);
	g_assert_cmpint(verify(token), ==, OTTER_TOKEN_EXPIRED);
	end();
}

/* Else all links would die without a word: a lost secret file is made anew at the next start. */
static void another_secret_beside_the_same_database_is_refused_with_words(void)
{
	begin();
	close_ring();
	struct otter_error e = { 0 };
	store = otter_store_open(&s.env, url, &e);
	g_assert_cmpint(otter_keyring_open(&ring, &s.env, store, "another secret, also of at least 32 characters", key_file, &e), ==, OTTER_UNAVAILABLE);
	g_assert_nonnull(strstr(e.message, "restore"));
	end();
}

static void another_deployment_refuses_our_links(void)
{
	begin();
	g_autofree char *token = sign();
	close_ring();
	g_free(url);
	url = g_strdup("memory");
	open_ring(SECRET);
	g_assert_cmpint(verify(token), ==, OTTER_TOKEN_INVALID);
	end();
}

static void no_secret_lies_in_the_database(void)
{
	begin();
	g_autofree char *key = first_key(), *key_secret = g_strndup(key + 5 + OTTER_KEY_ID, OTTER_KEY_SECRET);
	struct otter_signing_key signing = g_array_index(ring.signing_keys, struct otter_signing_key, 0);
	close_ring();
	static const char *const suffixes[] = { "", "-wal" };
	for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *file = g_strconcat(url + strlen("sqlite:"), suffixes[i], NULL), *bytes = NULL;
		gsize n = 0;
		if (!g_file_get_contents(file, &bytes, &n, NULL))
			continue; /* a clean close leaves no -wal */
		g_assert_nonnull(memmem(bytes, n, signing.kid, strlen(signing.kid))); /* so that looking would find */
		g_assert_null(memmem(bytes, n, SECRET, strlen(SECRET)));
		g_assert_null(memmem(bytes, n, key_secret, strlen(key_secret)));
		g_assert_null(memmem(bytes, n, signing.secret, sizeof signing.secret));
	}
	end();
}

static void a_key_file_that_cannot_be_written_is_an_error_with_words(void)
{
	surroundings_init(&s);
	struct otter_error e = { 0 };
	store = otter_store_open(&s.env, "memory", &e);
	g_assert_cmpint(otter_keyring_open(&ring, &s.env, store, SECRET, "/nowhere/at/all", &e), !=, OTTER_OK);
	g_assert_nonnull(strstr(e.message, "/nowhere/at/all"));
	close_ring();
	otter_keyring_clear(&ring); /* a second time it does nothing */
	surroundings_clear(&s);
}

static const struct check checks[] = {
	{ "the first key is written once and opens everything", the_first_key_is_written_once_and_opens_everything },
	{ "a key is refused in each way it can be wrong", a_key_is_refused_in_each_way_it_can_be_wrong },
	{ "a key of our id with another secret is unknown", a_key_of_our_id_with_another_secret_is_unknown },
	{ "a key opens its scopes alone", a_key_opens_its_scopes_alone },
	{ "links outlive a restart", links_outlive_a_restart },
	{ "another secret beside the same database is refused with words", another_secret_beside_the_same_database_is_refused_with_words },
	{ "another deployment refuses our links", another_deployment_refuses_our_links },
	{ "no secret lies in the database", no_secret_lies_in_the_database },
	{ "a key file that cannot be written is an error with words", a_key_file_that_cannot_be_written_is_an_error_with_words },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "keyring", checks);
}
