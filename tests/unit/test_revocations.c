/* SPDX-License-Identifier: GPL-3.0-or-later
 * The tokens that open their room no more. */
#include "fixture.h"
#include "core/revocations.h"

#define NOW_S INT64_C(1000000)

static struct surroundings s;
static struct otter_store *store;
static struct otter_revocations revocations;

static void begin(void)
{
	struct otter_error e = { 0 };
	surroundings_init(&s);
	store = otter_store_open(&s.env, "memory", &e);
	g_assert_cmpint(otter_revocations_open(&revocations, store, &e), ==, OTTER_OK);
}

static void end(void)
{
	otter_revocations_clear(&revocations);
	store->ops->close(g_steal_pointer(&store));
	surroundings_clear(&s);
}

static struct otter_revocation_record of(enum otter_revocation_kind kind, const char *value)
{
	struct otter_revocation_record record = { .room = "rm_1", .kind = kind, .before_s = NOW_S, .until_ms = NOW_S * 2000 };
	g_strlcpy(record.value, value, sizeof record.value);
	return record;
}

static enum otter_err judge(const char *room, const char *jti, const char *sub, int64_t iat_s, bool *knock)
{
	struct otter_error e = { 0 };
	struct otter_claims claims = { .jti = (char *)jti, .sub = (char *)sub, .iat_s = iat_s };
	return otter_revocations_judge(&revocations, room, &claims, knock, &e);
}

static void a_revoked_jti_opens_its_room_no_more_and_no_other_is_touched(void)
{
	begin();
	bool knock;
	struct otter_revocation_record record = of(OTTER_REVOKED_JTI, "jt_1");
	otter_revocations_put(&revocations, &record);
	g_assert_cmpint(judge("rm_1", "jt_1", NULL, NOW_S + 5, &knock), ==, OTTER_TOKEN_REVOKED);
	g_assert_cmpint(judge("rm_1", "jt_2", NULL, NOW_S, &knock), ==, OTTER_OK);
	g_assert_cmpint(judge("rm_2", "jt_1", NULL, NOW_S, &knock), ==, OTTER_OK);
	g_assert_cmpint(judge("rm_1", "jt_2", "jt_1", NOW_S, &knock), ==, OTTER_OK); /* an identity is no jti */
	g_assert_false(knock);
	end();
}

static void of_an_identity_the_tokens_until_then_are_revoked_and_later_ones_are_good(void)
{
	begin();
	bool knock;
	struct otter_revocation_record record = of(OTTER_REVOKED_IDENTITY, "ann");
	otter_revocations_put(&revocations, &record);
	g_assert_cmpint(judge("rm_1", "jt_1", "ann", NOW_S - 5, &knock), ==, OTTER_TOKEN_REVOKED);
	g_assert_cmpint(judge("rm_1", "jt_1", "ann", NOW_S, &knock), ==, OTTER_TOKEN_REVOKED);
	g_assert_cmpint(judge("rm_1", "jt_1", "ben", NOW_S, &knock), ==, OTTER_OK);
	int64_t iat_s = otter_revocations_iat(&revocations, "rm_1", "ann", NOW_S); /* made in the same second */
	g_assert_cmpint(judge("rm_1", "jt_2", "ann", iat_s, &knock), ==, OTTER_OK);
	g_assert_cmpint(otter_revocations_iat(&revocations, "rm_1", "ann", NOW_S + 100), ==, NOW_S + 100);
	g_assert_cmpint(otter_revocations_iat(&revocations, "rm_1", NULL, NOW_S), ==, NOW_S);
	end();
}

static void a_foreign_clock_that_is_ahead_saves_no_token(void)
{
	begin();
	bool knock;
	struct otter_error e = { 0 };
	struct otter_revocation_record record = of(OTTER_REVOKED_IDENTITY, "ann");
	otter_revocations_put(&revocations, &record);
	struct otter_claims claims = { .jti = (char *)"a-1", .sub = (char *)"ann", .iat_s = NOW_S + OTTER_TOKEN_LEEWAY_S, .foreign = true };
	g_assert_cmpint(otter_revocations_judge(&revocations, "rm_1", &claims, &knock, &e), ==, OTTER_TOKEN_REVOKED);
	claims.iat_s++;
	g_assert_cmpint(otter_revocations_judge(&revocations, "rm_1", &claims, &knock, NULL), ==, OTTER_OK);
	end();
}

static void a_link_that_knocks_is_let_through_with_a_word_and_revoked_is_stronger(void)
{
	begin();
	bool knock;
	struct otter_revocation_record record = of(OTTER_REVOKED_JTI, "jt_1");
	record.knock = true;
	otter_revocations_put(&revocations, &record);
	g_assert_cmpint(judge("rm_1", "jt_1", NULL, NOW_S, &knock), ==, OTTER_OK);
	g_assert_true(knock);
	record.knock = false;
	otter_revocations_put(&revocations, &record);
	record.knock = true;
	otter_revocations_put(&revocations, &record);
	g_assert_cmpint(judge("rm_1", "jt_1", NULL, NOW_S, &knock), ==, OTTER_TOKEN_REVOKED);
	end();
}

static void what_is_of_no_use_any_more_is_forgotten(void)
{
	begin();
	struct otter_revocation_record record = of(OTTER_REVOKED_JTI, "jt_1");
	otter_revocations_put(&revocations, &record);
	otter_revocations_sweep(&revocations, record.until_ms - 1);
	g_assert_cmpuint(g_hash_table_size(revocations.rows), ==, 1);
	otter_revocations_sweep(&revocations, record.until_ms);
	g_assert_cmpuint(g_hash_table_size(revocations.rows), ==, 0);
	end();
}

static const struct check checks[] = {
	{ "a foreign clock that is ahead saves no token", a_foreign_clock_that_is_ahead_saves_no_token },
	{ "a revoked jti opens its room no more, and no other is touched", a_revoked_jti_opens_its_room_no_more_and_no_other_is_touched },
	{ "of an identity the tokens until then are revoked, and later ones are good",
		of_an_identity_the_tokens_until_then_are_revoked_and_later_ones_are_good },
	{ "a link that knocks is let through with a word, and revoked is stronger", a_link_that_knocks_is_let_through_with_a_word_and_revoked_is_stronger },
	{ "what is of no use any more is forgotten", what_is_of_no_use_any_more_is_forgotten },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "revocations", checks);
}
