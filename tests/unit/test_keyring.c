/* SPDX-License-Identifier: GPL-3.0-or-later
 * Who signs tokens that are good here. */
#include "fixture.h"
#include "core/keyring.h"

#define SECRET "the deployment's secret, of at least 32 characters"

static struct surroundings s;
static char *folder, *url;
static struct otter_store *store;
static struct otter_keyring ring;

static void open_ring(const char *secret)
{
	struct otter_error e = { 0 };
	store = otter_store_open(&s.env, url, &e);
	g_assert_nonnull(store);
	g_assert_cmpint(otter_keyring_open(&ring, &s.env, store, secret, &e), ==, OTTER_OK);
}

static void close_ring(void)
{
	otter_keyring_clear(&ring);
	store->ops->close(g_steal_pointer(&store));
}

static void on_done(void *arg, enum otter_err err, const void *row)
{
	(void)row;
	otter_latch_open(arg, err);
}

static void begin(void)
{
	surroundings_init(&s);
	folder = check_folder();
	url = g_strconcat("sqlite:", folder, "/otter.db", NULL);
	open_ring(SECRET);
}

static void end(void)
{
	if (store != NULL)
		close_ring();
	g_clear_pointer(&url, g_free);
	check_folder_end(g_steal_pointer(&folder));
	surroundings_clear(&s);
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
	g_assert_cmpint(otter_keyring_open(&ring, &s.env, store, "another secret, also of at least 32 characters", &e), ==, OTTER_UNAVAILABLE);
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
	struct otter_signing_key signing = g_array_index(ring.keys->signing_keys, struct otter_signing_key, 0);
	close_ring();
	static const char *const suffixes[] = { "", "-wal" };
	for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *file = g_strconcat(url + strlen("sqlite:"), suffixes[i], NULL), *bytes = NULL;
		gsize n = 0;
		if (!g_file_get_contents(file, &bytes, &n, NULL))
			continue;                                                                   /* a clean close leaves no -wal */
		g_assert_nonnull(memmem(bytes, n, signing.record.kid, strlen(signing.record.kid))); /* so that looking would find */
		g_assert_null(memmem(bytes, n, SECRET, strlen(SECRET)));
		g_assert_null(memmem(bytes, n, signing.secret, sizeof signing.secret));
	}
	end();
}

/* As POST /v1/signing-keys/rotate does it. */
static void rotate(int64_t overlap_ms)
{
	struct otter_signing_key_record key;
	struct otter_latch latch;
	int64_t until_ms = otter_wall_ms(&s.env) + overlap_ms;
	otter_keyring_propose(&ring, &key);
	otter_latch_init(&latch);
	store->ops->signing_key_rotate(store, &key, until_ms, on_done, &latch);
	g_assert_cmpint(otter_latch_wait(&latch), ==, OTTER_OK);
	otter_latch_clear(&latch);
	otter_keyring_rotate(&ring, &key, until_ms);
}

static void links_of_an_older_key_live_on_for_the_overlap_and_over_a_restart(void)
{
	begin();
	g_autofree char *old = sign();
	rotate(1000);
	g_autofree char *young = sign();
	for (int i = 0; i < 2; i++) {
		g_assert_cmpint(verify(old), ==, OTTER_OK);
		g_assert_cmpint(verify(young), ==, OTTER_OK);
		close_ring();
		open_ring(SECRET);
	}
	g_autofree char *after = sign();
	g_assert_cmpint(verify(after), ==, OTTER_OK);
	pass_ms(&s, 1000);
	g_assert_cmpint(verify(old), ==, OTTER_TOKEN_INVALID);
	g_assert_cmpint(verify(young), ==, OTTER_OK);
	otter_keyring_sweep(&ring);
	g_autoptr(GArray) left = otter_keyring_signing_keys(&ring);
	g_assert_cmpuint(left->len, ==, 1);
	end();
}

static void without_an_overlap_every_older_link_ends_at_once(void)
{
	begin();
	g_autofree char *first = sign();
	rotate(100000);
	g_autofree char *second = sign();
	rotate(0);
	g_assert_cmpint(verify(first), ==, OTTER_TOKEN_INVALID);
	g_assert_cmpint(verify(second), ==, OTTER_TOKEN_INVALID);
	end();
}

/* A clock that was set back must not make a retired key sign again. */
static void the_active_key_signs_whatever_the_clock_said(void)
{
	begin();
	pass_ms(&s, -3600000);
	rotate(7200000);
	g_autofree char *token = sign();
	close_ring();
	open_ring(SECRET);
	g_autofree char *again = sign();
	g_assert_cmpint(strncmp(token, again, strcspn(token, ".")), ==, 0); /* the header, with its kid */
	end();
}

static void a_token_on_its_way_is_judged_again_when_the_keys_have_changed(void)
{
	begin();
	struct otter_error e = { 0 };
	g_autofree char *token = sign();
	guint64 then = otter_keyring_generation(&ring);
	g_assert_cmpint(otter_keyring_still_verifies(&ring, OTTER_AUDIENCE_JOIN, token, then, &e), ==, OTTER_OK);
	rotate(60000);
	g_assert_cmpuint(otter_keyring_generation(&ring), >, then);
	g_assert_cmpint(otter_keyring_still_verifies(&ring, OTTER_AUDIENCE_JOIN, token, then, &e), ==, OTTER_OK);
	rotate(0);
	g_assert_cmpint(otter_keyring_still_verifies(&ring, OTTER_AUDIENCE_JOIN, token, then, &e), ==, OTTER_TOKEN_INVALID);
	end();
}

static const struct check checks[] = {
	{ "a token on its way is judged again when the keys have changed", a_token_on_its_way_is_judged_again_when_the_keys_have_changed },
	{ "links of an older key live on for the overlap, and over a restart", links_of_an_older_key_live_on_for_the_overlap_and_over_a_restart },
	{ "without an overlap every older link ends at once", without_an_overlap_every_older_link_ends_at_once },
	{ "the active key signs, whatever the clock said", the_active_key_signs_whatever_the_clock_said },
	{ "links outlive a restart", links_outlive_a_restart },
	{ "another secret beside the same database is refused with words", another_secret_beside_the_same_database_is_refused_with_words },
	{ "another deployment refuses our links", another_deployment_refuses_our_links },
	{ "no secret lies in the database", no_secret_lies_in_the_database },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "keyring", checks);
}
