/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store: one set of promises, kept by memory and SQLite alike; and what SQLite promises beyond it. */
#include "fixture.h"
#include "core/store.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define ROOMS_EACH 200

static struct surroundings s;
static char *folder, *path, *url;
static struct otter_store *store;

static struct otter_store *reopen(void)
{
	struct otter_error e = { 0 };
	struct otter_store *opened = otter_store_open(&s.env, url, &e);
	g_assert_cmpstr(e.message, ==, "");
	return opened;
}

static void begin(bool sqlite)
{
	surroundings_init(&s);
	folder = check_folder();
	path = g_build_filename(folder, "otter.db", NULL);
	url = sqlite ? g_strconcat("sqlite:", path, NULL) : g_strdup("memory");
	store = reopen();
	g_assert_nonnull(store);
}

static void end(void)
{
	if (store != NULL)
		store->ops->close(g_steal_pointer(&store));
	g_clear_pointer(&url, g_free);
	g_clear_pointer(&path, g_free);
	check_folder_end(g_steal_pointer(&folder));
	surroundings_clear(&s);
}

/* ---- waiting for an answer ---- */

struct got {
	enum otter_err err;
	bool row;
	struct otter_room_record room; /* metadata is not kept */
	char metadata[64];
	struct otter_latch latch;
};

static void on_room(void *arg, enum otter_err err, const void *row)
{
	struct got *got = arg;
	got->err = err;
	got->row = row != NULL;
	if (row != NULL) {
		got->room = *(const struct otter_room_record *)row;
		g_strlcpy(got->metadata, got->room.metadata, sizeof got->metadata);
		got->room.metadata = NULL;
	}
	otter_latch_open(&got->latch, err);
}

static struct otter_room_record record(const char *id, const char *name)
{
	struct otter_room_record room = { .max_participants = 4, .created_ms = NOON_MS, .updated_ms = NOON_MS, .metadata = "{}" };
	g_strlcpy(room.id, id, sizeof room.id);
	g_strlcpy(room.unique_name, name, sizeof room.unique_name);
	return room;
}

static struct got create_room(struct otter_room_record room)
{
	struct got got = { 0 };
	otter_latch_init(&got.latch);
	store->ops->room_create(store, &room, on_room, &got);
	otter_latch_wait(&got.latch);
	return got;
}

static struct got create(const char *id, const char *name)
{
	return create_room(record(id, name));
}

static struct got peek(const char *id_or_name)
{
	struct got got = { 0 };
	otter_latch_init(&got.latch);
	store->ops->room_peek(store, id_or_name, on_room, &got);
	otter_latch_wait(&got.latch);
	return got;
}

/* Of what was answered, room_peek knows as much as room_get: here each time, before and after it. */
static struct got get(const char *id_or_name)
{
	struct got got = { 0 }, before = peek(id_or_name);
	otter_latch_init(&got.latch);
	store->ops->room_get(store, id_or_name, on_room, &got);
	otter_latch_wait(&got.latch);
	struct got after = peek(id_or_name);
	for (int i = 0; i < 2; i++) {
		const struct got *peeked = i == 0 ? &before : &after;
		g_assert_cmpint(peeked->err, ==, got.err);
		g_assert_cmpstr(peeked->room.id, ==, got.room.id);
		g_assert_cmpint(peeked->room.updated_ms, ==, got.room.updated_ms);
		g_assert_cmpint(peeked->room.closed_ms, ==, got.room.closed_ms);
		g_assert_cmpint(peeked->room.version, ==, got.room.version);
		g_assert_cmpstr(peeked->metadata, ==, got.metadata);
	}
	return got;
}

static struct got close_room(const char *id, int64_t at_ms)
{
	struct got got = { 0 };
	otter_latch_init(&got.latch);
	store->ops->room_close(store, id, at_ms, 0, on_room, &got);
	otter_latch_wait(&got.latch);
	return got;
}

/* ---- promises of both ---- */

static void a_room_comes_back_as_it_went_in(void)
{
	struct otter_room_record room = { .id = "rm_1",
		.unique_name = "weekly",
		.max_participants = 8,
		.privacy = OTTER_PRIVACY_RELAY,
		.empty_timeout_s = 60,
		.expires_ms = NOON_MS + 1,
		.created_ms = NOON_MS,
		.updated_ms = NOON_MS + 2,
		.metadata = "{\"a\":\"é\"}" };
	struct got made = create_room(room), by_id = get("rm_1"), by_name = get("weekly");
	g_assert_cmpint(made.err, ==, OTTER_OK);
	g_assert_cmpint(by_name.err, ==, OTTER_OK);
	g_assert_cmpstr(by_name.room.id, ==, "rm_1");
	g_assert_cmpstr(by_id.room.unique_name, ==, "weekly");
	g_assert_cmpint(by_id.room.max_participants, ==, 8);
	g_assert_cmpint(by_id.room.privacy, ==, OTTER_PRIVACY_RELAY);
	g_assert_cmpint(by_id.room.empty_timeout_s, ==, 60);
	g_assert_cmpint(by_id.room.expires_ms, ==, NOON_MS + 1);
	g_assert_cmpint(by_id.room.created_ms, ==, NOON_MS);
	g_assert_cmpint(by_id.room.updated_ms, ==, NOON_MS + 2);
	g_assert_cmpint(by_id.room.closed_ms, ==, 0);
	g_assert_cmpstr(by_id.metadata, ==, "{\"a\":\"é\"}");
}

static void what_is_not_there_is_not_found(void)
{
	g_assert_cmpint(get("rm_none").err, ==, OTTER_ROOM_NOT_FOUND);
	g_assert_cmpint(get("").err, ==, OTTER_ROOM_NOT_FOUND);
	g_assert_cmpint(close_room("rm_none", 1).err, ==, OTTER_ROOM_NOT_FOUND);
	g_assert_false(get("rm_none").row);
	create("rm_1", "");
	g_assert_cmpint(get("").err, ==, OTTER_ROOM_NOT_FOUND); /* a room without a name is not found by no name */
}

static void a_name_is_taken_once_and_the_conflict_shows_by_whom(void)
{
	create("rm_1", "weekly");
	struct got second = create("rm_2", "weekly");
	g_assert_cmpint(second.err, ==, OTTER_CONFLICT);
	g_assert_true(second.row);
	g_assert_cmpstr(second.room.id, ==, "rm_1");
	g_assert_cmpint(get("rm_2").err, ==, OTTER_ROOM_NOT_FOUND);
	g_assert_cmpint(create("rm_3", "Weekly").err, ==, OTTER_OK); /* names know their case */
}

static void rooms_without_a_name_do_not_meet(void)
{
	g_assert_cmpint(create("rm_1", "").err, ==, OTTER_OK);
	g_assert_cmpint(create("rm_2", "").err, ==, OTTER_OK);
}

static void a_name_is_free_again_once_its_room_is_closed(void)
{
	create("rm_1", "weekly");
	g_assert_cmpint(close_room("rm_1", NOON_MS + 5).err, ==, OTTER_OK);
	g_assert_cmpint(get("weekly").err, ==, OTTER_ROOM_NOT_FOUND);
	g_assert_cmpint(create("rm_2", "weekly").err, ==, OTTER_OK);
	g_assert_cmpstr(get("weekly").room.id, ==, "rm_2");
	g_assert_cmpint(get("rm_1").room.closed_ms, ==, NOON_MS + 5); /* the old one stays, by its id */
}

static void a_name_is_free_again_once_its_room_has_expired(void)
{
	struct otter_room_record old = record("rm_1", "weekly"), young = record("rm_2", "weekly");
	old.expires_ms = NOON_MS + 10;
	create_room(old);
	young.created_ms = NOON_MS + 9;
	g_assert_cmpint(create_room(young).err, ==, OTTER_CONFLICT);
	young.created_ms = NOON_MS + 10;
	g_assert_cmpint(create_room(young).err, ==, OTTER_OK);
	g_assert_cmpint(get("rm_1").room.closed_ms, ==, NOON_MS + 10);
}

/* Sets max_participants 7, empty_timeout 60, expires_ms and metadata of what `mask` names. */
static struct got update(const char *id, unsigned mask, int64_t at_ms)
{
	struct got got = { 0 };
	otter_latch_init(&got.latch);
	struct otter_room_record to = record(id, "never");
	to.max_participants = 7;
	to.empty_timeout_s = 60;
	to.expires_ms = NOON_MS + 9000;
	to.metadata = mask & OTTER_ROOM_METADATA ? "{\"a\":1}" : NULL;
	to.updated_ms = at_ms;
	store->ops->room_update(store, &to, mask, on_room, &got);
	otter_latch_wait(&got.latch);
	return got;
}

static void an_update_changes_what_it_names_and_nothing_else(void)
{
	create("rm_a", "kitchen");
	struct got got = update("rm_a", OTTER_ROOM_MAX_PARTICIPANTS, NOON_MS + 1);
	g_assert_cmpint(got.err, ==, OTTER_OK);
	g_assert_cmpint(got.room.max_participants, ==, 7);
	g_assert_cmpint(got.room.updated_ms, ==, NOON_MS + 1);
	g_assert_cmpint(got.room.empty_timeout_s + got.room.expires_ms, ==, 0);
	g_assert_cmpstr(got.metadata, ==, "{}");
	update("rm_a", OTTER_ROOM_METADATA | OTTER_ROOM_EMPTY_TIMEOUT, NOON_MS + 2);
	update("rm_a", OTTER_ROOM_EXPIRES, NOON_MS + 3);
	got = get("kitchen");
	g_assert_cmpint(got.room.max_participants, ==, 7);
	g_assert_cmpint(got.room.empty_timeout_s, ==, 60);
	g_assert_cmpint(got.room.expires_ms, ==, NOON_MS + 9000);
	g_assert_cmpint(got.room.created_ms, ==, NOON_MS);
	g_assert_cmpstr(got.metadata, ==, "{\"a\":1}");
}

static void what_is_closed_or_expired_or_unknown_takes_no_update(void)
{
	create("rm_a", "");
	g_assert_cmpint(update("rm_b", OTTER_ROOM_MAX_PARTICIPANTS, NOON_MS).err, ==, OTTER_ROOM_NOT_FOUND);
	update("rm_a", OTTER_ROOM_EXPIRES, NOON_MS);
	struct got got = update("rm_a", OTTER_ROOM_MAX_PARTICIPANTS, NOON_MS + 9000);
	g_assert_cmpint(got.err, ==, OTTER_ROOM_CLOSED);
	g_assert_false(got.row);
	close_room("rm_a", NOON_MS + 1);
	g_assert_cmpint(update("rm_a", OTTER_ROOM_MAX_PARTICIPANTS, NOON_MS + 2).err, ==, OTTER_ROOM_CLOSED);
	g_assert_cmpint(get("rm_a").room.max_participants, ==, 4);
}

struct page_of_rooms {
	GString *ids;
	struct otter_latch latch;
};

static void on_room_of_page(void *arg, enum otter_err err, const void *row)
{
	struct page_of_rooms *l = arg;
	const struct otter_room_record *room = row;
	if (room != NULL)
		g_string_append_printf(l->ids, "%s%s ", room->id, room->metadata);
	else
		otter_latch_open(&l->latch, err);
}

static void assert_page(struct otter_room_query query, const char *ids)
{
	struct page_of_rooms l = { .ids = g_string_new(NULL) };
	otter_latch_init(&l.latch);
	store->ops->room_each(store, &query, on_room_of_page, &l);
	g_assert_cmpint(otter_latch_wait(&l.latch), ==, OTTER_OK);
	g_assert_cmpstr(l.ids->str, ==, ids);
	g_string_free(l.ids, TRUE);
}

static void rooms_are_listed_by_page_oldest_first_open_or_closed(void)
{
	static const char *const ids[] = { "rm_d", "rm_c", "rm_b", "rm_a" };
	for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
		struct otter_room_record room = record(ids[i], "");
		room.created_ms = NOON_MS + (i < 2 ? 0 : (int64_t)i); /* rm_d and rm_c in the same moment: by id */
		create_room(room);
	}
	close_room("rm_b", NOON_MS + 5);
	update("rm_a", OTTER_ROOM_EXPIRES, NOON_MS + 5);
	struct otter_room_query all = { .open = true, .closed = true, .now_ms = NOON_MS + 5, .limit = 100 };
	assert_page(all, "rm_c{} rm_d{} rm_b{} rm_a{} ");
	struct otter_room_query page = all;
	page.limit = 2;
	assert_page(page, "rm_c{} rm_d{} ");
	page.after_ms = NOON_MS;
	g_strlcpy(page.after_id, "rm_c", sizeof page.after_id);
	assert_page(page, "rm_d{} rm_b{} ");
	struct otter_room_query open = all;
	open.closed = false;
	assert_page(open, "rm_c{} rm_d{} rm_a{} ");
	open.now_ms = NOON_MS + 9000;
	assert_page(open, "rm_c{} rm_d{} ");
	struct otter_room_query closed = open;
	closed.open = false;
	closed.closed = true;
	assert_page(closed, "rm_b{} rm_a{} ");
}

static void closing_twice_keeps_the_first_time(void)
{
	create("rm_1", "");
	struct got first = close_room("rm_1", NOON_MS + 5), again = close_room("rm_1", NOON_MS + 9);
	g_assert_cmpint(first.room.closed_ms, ==, NOON_MS + 5);
	g_assert_cmpint(again.err, ==, OTTER_OK);
	g_assert_cmpstr(again.room.id, ==, ""); /* no row: it was not this one */
	g_assert_cmpint(get("rm_1").room.closed_ms, ==, NOON_MS + 5);
}

static void names_and_ids_are_no_sql(void)
{
	create("rm_1", "weekly");
	g_assert_cmpint(get("x' OR '1'='1").err, ==, OTTER_ROOM_NOT_FOUND);
	g_assert_cmpint(close_room("x' OR 1=1 --", 1).err, ==, OTTER_ROOM_NOT_FOUND);
	g_assert_cmpint(get("rm_1").room.closed_ms, ==, 0);
}

struct listed {
	int n;
	char first[32];
	struct otter_latch latch;
};

static void on_key(void *arg, enum otter_err err, const void *row)
{
	struct listed *listed = arg;
	if (row == NULL) {
		otter_latch_open(&listed->latch, err);
		return;
	}
	if (listed->n++ == 0)
		g_strlcpy(listed->first, row, sizeof listed->first); /* both key records begin with their id */
}

static void on_done(void *arg, enum otter_err err, const void *row)
{
	(void)row;
	otter_latch_open(arg, err);
}

static void keys_are_kept_and_their_ids_unique(void)
{
	struct otter_key_record key;
	char text[OTTER_KEY_SIZE];
	struct otter_latch latch;
	struct listed listed = { 0 };
	otter_latch_init(&latch);
	otter_latch_init(&listed.latch);
	otter_key_new(&s.env, "ci", OTTER_SCOPE_ALL, text, &key);
	store->ops->key_create(store, &key, on_done, &latch);
	g_assert_cmpint(otter_latch_wait(&latch), ==, OTTER_OK);
	store->ops->key_create(store, &key, on_done, &latch);
	g_assert_cmpint(otter_latch_wait(&latch), ==, OTTER_CONFLICT);
	store->ops->key_each(store, on_key, &listed);
	g_assert_cmpint(otter_latch_wait(&listed.latch), ==, OTTER_OK);
	g_assert_cmpint(listed.n, ==, 1);
	g_assert_cmpstr(listed.first, ==, key.id);
}

static void signing_keys_are_listed_oldest_first(void)
{
	struct otter_latch latch;
	struct listed listed = { 0 };
	otter_latch_init(&latch);
	otter_latch_init(&listed.latch);
	struct otter_signing_key_record old = { .kid = "sk_z", .created_ms = 1, .active = true }, young = { .kid = "sk_a", .created_ms = 2, .active = true };
	store->ops->signing_key_rotate(store, &old, 1, on_done, &latch);
	otter_latch_wait(&latch);
	store->ops->signing_key_rotate(store, &young, 5, on_done, &latch);
	otter_latch_wait(&latch);
	store->ops->signing_key_each(store, on_key, &listed);
	otter_latch_wait(&listed.latch);
	g_assert_cmpint(listed.n, ==, 2);
	g_assert_cmpstr(listed.first, ==, "sk_z");
}

/* ---- keys, issuers, revocations, and forgetting ---- */

#define DO(op, ...) \
	({ \
		struct otter_latch latch_; \
		otter_latch_init(&latch_); \
		store->ops->op(store, __VA_ARGS__, on_done, &latch_); \
		otter_latch_wait(&latch_); \
	})

static int count_rows(void (*each)(struct otter_store *, otter_store_fn, void *))
{
	struct listed listed = { 0 };
	otter_latch_init(&listed.latch);
	each(store, on_key, &listed);
	g_assert_cmpint(otter_latch_wait(&listed.latch), ==, OTTER_OK);
	return listed.n;
}

static struct otter_key_record new_key(unsigned scopes)
{
	char text[OTTER_KEY_SIZE];
	struct otter_key_record key;
	otter_key_new(&s.env, "ci", scopes, text, &key);
	g_assert_cmpint(DO(key_create, &key), ==, OTTER_OK);
	return key;
}

static void a_change_of_another_version_is_refused(void)
{
	struct otter_room_record made = record("rm_1", "");
	made.version = 1;
	create_room(made);
	struct otter_room_record to = { .id = "rm_1", .max_participants = 8, .version = 7, .updated_ms = NOON_MS + 1, .metadata = "{}" };
	g_assert_cmpint(DO(room_update, &to, OTTER_ROOM_MAX_PARTICIPANTS), ==, OTTER_PRECONDITION_FAILED);
	g_assert_cmpint(DO(room_close, "rm_1", NOON_MS, 7), ==, OTTER_PRECONDITION_FAILED);
	to.version = get("rm_1").room.version;
	to.lobby = to.locked = true;
	g_assert_cmpint(DO(room_update, &to, OTTER_ROOM_MAX_PARTICIPANTS | OTTER_ROOM_LOBBY | OTTER_ROOM_LOCKED), ==, OTTER_OK);
	struct otter_room_record now = get("rm_1").room;
	g_assert_cmpint(now.version, ==, to.version + 1);
	g_assert_true(now.lobby && now.locked && now.max_participants == 8);
	g_assert_cmpint(DO(room_close, "rm_1", NOON_MS, now.version), ==, OTTER_OK);
}

static void a_rotated_key_comes_back_with_all_its_secrets(void)
{
	struct otter_key_record key = new_key(OTTER_SCOPE_ALL);
	struct otter_key_rotation rotation = { .now_ms = NOON_MS, .overlap_until_ms = NOON_MS + 1000, .version = 1 };
	char text[OTTER_KEY_SIZE];
	memcpy(rotation.id, key.id, sizeof rotation.id);
	otter_key_text(&s.env, key.id, text, rotation.hash);
	g_assert_cmpint(DO(key_rotate, &rotation), ==, OTTER_OK);
	g_assert_cmpint(DO(key_rotate, &rotation), ==, OTTER_PRECONDITION_FAILED);
	g_assert_cmpint(DO(key_used, key.id, NOON_MS + 5, 17), ==, OTTER_OK);
	g_assert_cmpint(count_rows(store->ops->key_each), ==, 1);
	struct otter_key_rotation unknown = { .id = "none" };
	g_assert_cmpint(DO(key_rotate, &unknown), ==, OTTER_NOT_FOUND);
}

static void the_last_administrator_is_removed_by_force_alone(void)
{
	struct otter_key_record admin = new_key(OTTER_SCOPE_ALL), reader = new_key(OTTER_SCOPE_ROOMS_READ);
	struct otter_key_removal removal = { .now_ms = NOON_MS };
	memcpy(removal.id, admin.id, sizeof removal.id);
	g_assert_cmpint(DO(key_delete, &removal), ==, OTTER_CONFLICT);
	struct otter_key_record second = new_key(OTTER_SCOPE_KEYS_ADMIN);
	g_assert_cmpint(DO(key_delete, &removal), ==, OTTER_OK);
	g_assert_cmpint(DO(key_delete, &removal), ==, OTTER_NOT_FOUND);
	memcpy(removal.id, second.id, sizeof removal.id);
	g_assert_cmpint(DO(key_delete, &removal), ==, OTTER_CONFLICT);
	removal.force = true;
	g_assert_cmpint(DO(key_delete, &removal), ==, OTTER_OK);
	memcpy(removal.id, reader.id, sizeof removal.id);
	removal.force = false;
	g_assert_cmpint(DO(key_delete, &removal), ==, OTTER_OK);
	g_assert_cmpint(count_rows(store->ops->key_each), ==, 0);
}

static void an_issuer_is_there_once_for_each_kid(void)
{
	struct otter_issuer_record issuer = { .id = "is_1", .issuer = "https://app.example", .audience = "otter:join", .max_ttl_s = 60, .public_key = "PEM" };
	g_assert_cmpint(DO(issuer_create, &issuer), ==, OTTER_OK);
	strcpy(issuer.id, "is_2");
	g_assert_cmpint(DO(issuer_create, &issuer), ==, OTTER_CONFLICT);
	strcpy(issuer.kid, "two");
	g_assert_cmpint(DO(issuer_create, &issuer), ==, OTTER_OK);
	g_assert_cmpint(count_rows(store->ops->issuer_each), ==, 2);
	g_assert_cmpint(DO(issuer_delete, "is_1"), ==, OTTER_OK);
	g_assert_cmpint(DO(issuer_delete, "is_1"), ==, OTTER_NOT_FOUND);
	g_assert_cmpint(count_rows(store->ops->issuer_each), ==, 1);
}

static void on_revocation(void *arg, enum otter_err err, const void *row)
{
	(void)err;
	if (row != NULL)
		*(struct otter_revocation_record *)arg = *(const struct otter_revocation_record *)row;
}

static void of_two_revocations_of_the_same_tokens_the_stricter_counts(void)
{
	struct otter_revocation_record revocation = { .room = "rm_1", .value = "jt_1", .knock = true, .before_s = 5, .until_ms = 100 }, found = { 0 };
	g_assert_cmpint(DO(revoke, &revocation), ==, OTTER_OK);
	revocation = (struct otter_revocation_record){ .room = "rm_1", .value = "jt_1", .before_s = 3, .until_ms = 200 };
	g_assert_cmpint(DO(revoke, &revocation), ==, OTTER_OK);
	g_assert_cmpint(count_rows(store->ops->revocation_each), ==, 1);
	store->ops->revocation_each(store, on_revocation, &found);
	count_rows(store->ops->revocation_each); /* comes behind it */
	g_assert_false(found.knock);
	g_assert_cmpint(found.before_s, ==, 5);
	g_assert_cmpint(found.until_ms, ==, 200);
}

static void what_has_ended_long_enough_is_forgotten_and_nothing_else(void)
{
	struct otter_room_record expired = record("rm_expired", "");
	expired.expires_ms = NOON_MS + 10;
	create_room(expired);
	create("rm_closed", "");
	create("rm_open", "");
	close_room("rm_closed", NOON_MS + 20);
	struct otter_revocation_record revocation = { .room = "rm_1", .value = "jt_1", .until_ms = NOON_MS + 5 };
	DO(revoke, &revocation);
	struct otter_signing_key_record old = { .kid = "sk_1", .active = true }, young = { .kid = "sk_2", .active = true };
	DO(signing_key_rotate, &old, NOON_MS);
	DO(signing_key_rotate, &young, NOON_MS + 5);
	g_assert_cmpint(DO(sweep, NOON_MS + 4, NOON_MS + 10), ==, OTTER_OK);
	g_assert_cmpint(get("rm_expired").err, ==, OTTER_OK);
	g_assert_cmpint(count_rows(store->ops->signing_key_each), ==, 2);
	g_assert_cmpint(DO(sweep, NOON_MS + 5, NOON_MS + 15), ==, OTTER_OK);
	g_assert_cmpint(get("rm_expired").err, ==, OTTER_ROOM_NOT_FOUND);
	g_assert_cmpint(get("rm_closed").err, ==, OTTER_OK);
	g_assert_cmpint(count_rows(store->ops->revocation_each), ==, 0);
	g_assert_cmpint(count_rows(store->ops->signing_key_each), ==, 1);
	DO(sweep, NOON_MS + 5, NOON_MS + 21);
	g_assert_cmpint(get("rm_closed").err, ==, OTTER_ROOM_NOT_FOUND);
	g_assert_cmpint(get("rm_open").err, ==, OTTER_OK);
}

static void rooms_that_wait_for_their_empty_timeout_are_found(void)
{
	struct otter_room_record room = record("rm_waits", "");
	room.empty_timeout_s = 60;
	room.emptied_ms = OTTER_NEVER_ENTERED;
	create_room(room);
	create("rm_other", "");
	const struct otter_room_query query = { .open = true, .entered = true, .now_ms = NOON_MS, .limit = 10 };
	for (int entered = 0; entered < 2; entered++) {
		struct listed listed = { 0 };
		otter_latch_init(&listed.latch);
		store->ops->room_each(store, &query, on_key, &listed);
		otter_latch_wait(&listed.latch);
		g_assert_cmpint(listed.n, ==, entered);
		DO(room_emptied, "rm_waits", NOON_MS);
	}
	g_assert_cmpint(get("rm_waits").room.emptied_ms, ==, NOON_MS);
}

struct text {
	char value[64];
	struct otter_latch latch;
};

static void on_text(void *arg, enum otter_err err, const void *row)
{
	struct text *text = arg;
	g_strlcpy(text->value, row != NULL ? row : "", sizeof text->value);
	otter_latch_open(&text->latch, err);
}

static void the_first_deployment_id_stays(void)
{
	struct text text = { 0 };
	otter_latch_init(&text.latch);
	store->ops->deployment_id(store, "ot_one", on_text, &text);
	otter_latch_wait(&text.latch);
	g_assert_cmpstr(text.value, ==, "ot_one");
	store->ops->deployment_id(store, "ot_two", on_text, &text);
	otter_latch_wait(&text.latch);
	g_assert_cmpstr(text.value, ==, "ot_one");
}

/* ---- many at once ---- */

static gint answered, created, conflicts;

static void count(void *arg, enum otter_err err, const void *row)
{
	(void)arg;
	if (err == OTTER_OK)
		g_atomic_int_inc(&created);
	else if (err == OTTER_CONFLICT && row != NULL)
		g_atomic_int_inc(&conflicts);
	g_atomic_int_inc(&answered);
}

static void *create_many(void *arg)
{
	for (int i = 0; i < ROOMS_EACH; i++) {
		g_autofree char *id = g_strdup_printf("rm_%d_%d", GPOINTER_TO_INT(arg), i);
		struct otter_room_record room = record(id, "");
		store->ops->room_create(store, &room, count, NULL);
	}
	return NULL;
}

static void *create_one_name(void *arg)
{
	for (int i = 0; i < ROOMS_EACH; i++) {
		g_autofree char *id = g_strdup_printf("rm_%d_%d", GPOINTER_TO_INT(arg), i), *name = g_strdup_printf("name-%d", i);
		struct otter_room_record room = record(id, name);
		store->ops->room_create(store, &room, count, NULL);
	}
	return NULL;
}

static void run_threads(void *(*fn)(void *))
{
	pthread_t threads[THREADS];
	answered = created = conflicts = 0;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, fn, GINT_TO_POINTER(i));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void of_many_creates_of_one_name_exactly_one_creates(void)
{
	run_threads(create_one_name);
	store->ops->close(g_steal_pointer(&store)); /* waits until all is answered */
	g_assert_cmpint(answered, ==, THREADS * ROOMS_EACH);
	g_assert_cmpint(created, ==, ROOMS_EACH);
	g_assert_cmpint(conflicts, ==, (THREADS - 1) * ROOMS_EACH);
}

/* ---- seats ---- */

struct seats {
	GString *found;
	struct otter_latch latch;
};

static void on_seat(void *arg, enum otter_err err, const void *row)
{
	struct seats *seats = arg;
	const struct otter_seat_record *seat = row;
	if (seat == NULL)
		otter_latch_open(&seats->latch, err);
	else
		g_string_append_printf(
			seats->found, "%s:%s:%s:%d:%u:%s ", seat->room, seat->participant, seat->identity, seat->host, seat->flags, seat->instance);
}

static void assert_seats(const char *wanted)
{
	struct seats seats = { .found = g_string_new(NULL) };
	otter_latch_init(&seats.latch);
	store->ops->seat_each(store, on_seat, &seats);
	g_assert_cmpint(otter_latch_wait(&seats.latch), ==, OTTER_OK);
	g_assert_cmpstr(seats.found->str, ==, wanted);
	g_string_free(seats.found, TRUE);
}

static void put_seat(const char *participant, const char *room, int64_t order, unsigned flags)
{
	struct otter_seat_record seat = { .order = order, .attach = order + 10, .flags = flags, .host = order == 1, .jti = "jt_1", .instance = "page-one" };
	g_strlcpy(seat.participant, participant, sizeof seat.participant);
	g_strlcpy(seat.room, room, sizeof seat.room);
	g_strlcpy(seat.identity, order == 1 ? "ann" : "", sizeof seat.identity);
	store->ops->seat_put(store, &seat, NULL, NULL);
}

static void seats_are_kept_room_by_room_and_their_numbers_never_come_again(void)
{
	create("rm_a", "");
	create("rm_b", "");
	put_seat("pt_3", "rm_b", 1, 0);
	put_seat("pt_2", "rm_a", 2, OTTER_SEAT_HAND);
	put_seat("pt_1", "rm_a", 1, 0);
	put_seat("pt_2", "rm_a", 2, OTTER_SEAT_AUDIO);
	assert_seats("rm_a:pt_1:ann:1:0:page-one rm_a:pt_2::0:1:page-one rm_b:pt_3:ann:1:0:page-one ");
	struct otter_latch latch;
	otter_latch_init(&latch);
	store->ops->seat_end(store, "pt_2", on_done, &latch);
	g_assert_cmpint(otter_latch_wait(&latch), ==, OTTER_OK);
	store->ops->seat_end(store, "pt_none", on_done, &latch);
	g_assert_cmpint(otter_latch_wait(&latch), ==, OTTER_OK);
	store->ops->seat_end(store, "pt_1", NULL, NULL);
	assert_seats("rm_b:pt_3:ann:1:0:page-one ");
	struct got got = get("rm_a");
	g_assert_cmpint(got.room.last_order, ==, 2);
	g_assert_cmpint(got.room.last_attach, ==, 12);
	g_assert_cmpint(got.room.version, ==, record("rm_a", "").version); /* no setting */
	close_room("rm_b", NOON_MS + 1);
	assert_seats("");
}

/* ---- what those in a room share ---- */

static void on_state(void *arg, enum otter_err err, const void *row)
{
	struct seats *states = arg;
	const struct otter_state_record *state = row;
	if (state == NULL)
		otter_latch_open(&states->latch, err);
	else
		g_string_append_printf(
			states->found, "%s:%s=%s:%s:%d:%d ", state->room, state->key, state->value, state->by, (int)state->order, (int)state->expires_ms);
}

static void assert_state(const char *wanted)
{
	struct seats states = { .found = g_string_new(NULL) };
	otter_latch_init(&states.latch);
	store->ops->state_each(store, on_state, &states);
	g_assert_cmpint(otter_latch_wait(&states.latch), ==, OTTER_OK);
	g_assert_cmpstr(states.found->str, ==, wanted);
	otter_latch_clear(&states.latch);
	g_string_free(states.found, TRUE);
}

static void put_state(const char *room, const char *key, const char *value, int64_t order)
{
	struct otter_state_record state = { .value = value, .order = order, .expires_ms = order * 7, .by = "pt_1" };
	g_strlcpy(state.room, room, sizeof state.room);
	g_strlcpy(state.key, key, sizeof state.key);
	store->ops->state_put(store, &state);
}

static void what_a_room_shares_is_kept_by_key_in_the_order_of_setting(void)
{
	create("rm_a", "");
	create("rm_b", "");
	put_state("rm_b", "x", "{\"a\":'\";--}", 1);
	put_state("rm_a", "x", "1", 1);
	put_state("rm_a", "y", "\"\xc3\xa9\"", 2);
	put_state("rm_a", "x", "2", 3);
	put_state("rm_a", "z", "true", 4);
	put_state("rm_a", "z", NULL, 5);
	put_state("rm_a", "never", NULL, 6);
	assert_state("rm_a:y=\"\xc3\xa9\":pt_1:2:14 rm_a:x=2:pt_1:3:21 rm_b:x={\"a\":'\";--}:pt_1:1:7 ");
	store->ops->state_forget(store, "rm_a");
	store->ops->state_forget(store, "rm_nobody");
	assert_state("rm_b:x={\"a\":'\";--}:pt_1:1:7 ");
	close_room("rm_b", NOON_MS + 1);
	assert_state("");
}

static void seats_of_rooms_that_are_forgotten_are_forgotten_and_what_was_shared_and_counted(void)
{
	create("rm_open", "");
	struct otter_room_record expired = record("rm_expired", "");
	expired.expires_ms = NOON_MS + 10;
	g_assert_cmpint(DO(room_create, &expired), ==, OTTER_OK);
	put_seat("pt_1", "rm_open", 1, 0);
	put_seat("pt_2", "rm_expired", 1, 0);
	put_state("rm_open", "x", "1", 1);
	put_state("rm_expired", "x", "1", 1);
	DO(sweep, NOON_MS, NOON_MS + 11);
	assert_seats("rm_open:pt_1:ann:1:0:page-one ");
	assert_state("rm_open:x=1:pt_1:1:7 ");
	create("rm_expired", ""); /* which in life no room of this id is again */
	g_assert_cmpint(get("rm_expired").room.last_order, ==, 0);
	g_assert_cmpint(get("rm_open").room.last_order, ==, 1);
}

static void a_room_is_made_with_or_without_a_hosts_token_and_has_one_for_good(void)
{
	create("rm_without", "");
	struct otter_room_record with = record("rm_with", "");
	with.had_host_token = true;
	g_assert_cmpint(DO(room_create, &with), ==, OTTER_OK);
	g_assert_false(get("rm_without").room.had_host_token);
	g_assert_true(get("rm_with").room.had_host_token);
	g_assert_cmpint(DO(room_hosted, "rm_without"), ==, OTTER_OK);
	g_assert_cmpint(DO(room_hosted, "rm_none"), ==, OTTER_OK);
	g_assert_true(get("rm_without").room.had_host_token);
	g_assert_cmpint(get("rm_without").room.version, ==, record("rm_without", "").version); /* no setting */
}

/* ---- SQLite alone ---- */

static void what_a_room_shares_outlives_the_process_and_no_room_that_is_swept(void)
{
	begin(true);
	create("rm_a", "");
	g_autofree char *large = g_strnfill(4096, '7');
	g_autofree char *wanted = g_strdup_printf("rm_a:x=%s:pt_1:1:7 ", large);
	put_state("rm_a", "x", large, 1);
	put_state("rm_gone", "x", "1", 1); /* as if it was set while its room was closed */
	store->ops->close(g_steal_pointer(&store));
	store = reopen();
	struct otter_latch latch;
	otter_latch_init(&latch);
	store->ops->sweep(store, NOON_MS, NOON_MS, on_done, &latch);
	g_assert_cmpint(otter_latch_wait(&latch), ==, OTTER_OK);
	otter_latch_clear(&latch);
	assert_state(wanted);
	end();
}

static void all_of_a_burst_is_answered_and_on_disk(void)
{
	begin(true);
	run_threads(create_many);
	store->ops->close(g_steal_pointer(&store));
	g_assert_cmpint(created, ==, THREADS * ROOMS_EACH);
	store = reopen();
	for (int t = 0; t < THREADS; t++)
		for (int i = 0; i < ROOMS_EACH; i += 7) {
			g_autofree char *id = g_strdup_printf("rm_%d_%d", t, i);
			g_assert_cmpint(get(id).err, ==, OTTER_OK);
		}
	end();
}

/* One number or text that SQL answers. New string. */
static char *ask_sql(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &st, NULL), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_step(st), ==, SQLITE_ROW);
	char *text = g_strdup((const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
	return text;
}

static void what_is_answered_is_there_for_another_reader(void)
{
	begin(true);
	for (int i = 0; i < 50; i++) {
		g_autofree char *id = g_strdup_printf("rm_%d", i), *sql = g_strdup_printf("SELECT count(*) FROM room WHERE id = '%s'", id);
		create(id, "");
		g_autofree char *n = ask_sql(sql);
		g_assert_cmpstr(n, ==, "1");
	}
	end();
}

/* ---- the disk: how often something waited for it. SQLite calls this one ---- */

static gint syncs;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	g_atomic_int_inc(&syncs);
	return fsync(fd);
}

static enum otter_err end_seat(const char *participant)
{
	struct otter_latch latch;
	otter_latch_init(&latch);
	store->ops->seat_end(store, participant, on_done, &latch);
	enum otter_err err = otter_latch_wait(&latch);
	otter_latch_clear(&latch);
	return err;
}

static void nobody_waits_for_the_disk_until_somebody_does_and_then_for_all(void)
{
	begin(true);
	create("rm_a", "");
	gint before = g_atomic_int_get(&syncs);
	g_assert_cmpint(before, >, 0);
	put_seat("pt_1", "rm_a", 1, 0);
	put_state("rm_a", "x", "1", 1);
	assert_seats("rm_a:pt_1:ann:1:0:page-one ");
	store->ops->seat_end(store, "pt_1", NULL, NULL);
	store->ops->state_forget(store, "rm_a");
	store->ops->room_emptied(store, "rm_a", NOON_MS, NULL, NULL);
	assert_seats("");
	g_assert_cmpint(g_atomic_int_get(&syncs), ==, before);
	g_assert_cmpint(end_seat("pt_1"), ==, OTTER_OK); /* it is gone already, and now for good */
	g_assert_cmpint(g_atomic_int_get(&syncs), >, before);
	before = g_atomic_int_get(&syncs);
	g_assert_cmpint(end_seat("pt_1"), ==, OTTER_OK);
	g_assert_cmpint(g_atomic_int_get(&syncs), ==, before); /* there is nothing to wait for */
	end();
}

/* ---- another process writes, for longer than we wait ---- */

static sqlite3 *keep_from_writing(void)
{
	sqlite3 *other;
	g_assert_cmpint(sqlite3_open(path, &other), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
	return other;
}

/* What must not be lost fails: a seat ends, and what was shared is gone. */
static void fail_to_forget(void)
{
	create("rm_a", "");
	create("rm_b", "");
	put_seat("pt_1", "rm_a", 1, 0);
	put_seat("pt_2", "rm_a", 2, 0);
	put_state("rm_a", "x", "1", 1);
	put_state("rm_b", "x", "1", 1);
	put_state("rm_b", "y", "1", 2);
	assert_seats("rm_a:pt_1:ann:1:0:page-one rm_a:pt_2::0:0:page-one ");
	sqlite3 *other = keep_from_writing();
	store->ops->seat_end(store, "pt_1", NULL, NULL);
	store->ops->state_forget(store, "rm_a");
	put_state("rm_b", "x", NULL, 3);
	g_assert_cmpint(end_seat("pt_2"), ==, OTTER_UNAVAILABLE);
	put_state("rm_b", "x", "2", 4);
	g_assert_cmpint(sqlite3_close(other), ==, SQLITE_OK);
}

static void assert_forgotten(void)
{
	assert_seats("rm_a:pt_2::0:0:page-one "); /* who asked for it was told that it is there */
	assert_state("rm_b:y=1:pt_1:2:14 rm_b:x=2:pt_1:4:28 ");
}

static void what_nobody_waits_for_is_tried_again_in_its_order(void)
{
	begin(true);
	fail_to_forget();
	pass_ms(&s, 5000);
	get("rm_a"); /* it wakes the store */
	assert_forgotten();
	end();
}

static void what_nobody_waits_for_is_tried_again_at_the_end(void)
{
	begin(true);
	fail_to_forget();
	store->ops->close(g_steal_pointer(&store));
	store = reopen();
	assert_forgotten();
	end();
}

/* ---- a disk that takes no more: files may not grow beyond this ---- */

static void limit_files_to(rlim_t bytes)
{
	struct rlimit limit;
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	limit.rlim_cur = MIN(bytes, limit.rlim_max);
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

#define FULL_CREATES 400

struct full {
	struct got got[FULL_CREATES];
	char id[FULL_CREATES][OTTER_ID_SIZE];
};

/* All in flight at once, so that they share transactions. */
static void create_all(struct full *full)
{
	for (int i = 0; i < FULL_CREATES; i++) {
		g_snprintf(full->id[i], OTTER_ID_SIZE, "rm_full%d", i);
		struct otter_room_record room = record(full->id[i], "");
		otter_latch_init(&full->got[i].latch);
		store->ops->room_create(store, &room, on_room, &full->got[i]);
	}
	for (int i = 0; i < FULL_CREATES; i++)
		otter_latch_wait(&full->got[i].latch);
}

static void what_a_full_disk_refuses_is_not_there_and_the_rest_is_and_reads_go_on(void)
{
	begin(true);
	signal(SIGXFSZ, SIG_IGN); /* write(2) answers EFBIG instead */
	create("rm_before", "");
	g_autofree char *wal = g_strconcat(path, "-wal", NULL);
	struct stat st;
	g_assert_cmpint(stat(wal, &st), ==, 0);
	limit_files_to((rlim_t)st.st_size + 32 * 1024); /* some pages more */
	struct full *full = g_new0(struct full, 1);
	create_all(full);
	g_assert_cmpint(get("rm_before").err, ==, OTTER_OK);
	g_assert_cmpint(get("rm_nobody").err, ==, OTTER_ROOM_NOT_FOUND);
	struct got last = create("rm_last", "");
	limit_files_to(RLIM_INFINITY);
	int refused_ones = 0;
	for (int i = 0; i < FULL_CREATES; i++) {
		bool made = full->got[i].err == OTTER_OK;
		refused_ones += !made;
		g_assert_cmpint(get(full->id[i]).err, ==, made ? OTTER_OK : OTTER_ROOM_NOT_FOUND);
	}
	g_test_message("%d of %d refused, the last: %s", refused_ones, FULL_CREATES, otter_err_code(last.err));
	g_assert_cmpint(create("rm_after", "").err, ==, OTTER_OK); /* unaided */
	g_assert_cmpint(refused_ones, >, 0);
	g_free(full);
	end();
}

static void the_journal_is_wal_and_the_file_ours_alone(void)
{
	begin(true);
	g_autofree char *mode = ask_sql("PRAGMA journal_mode");
	g_assert_cmpstr(mode, ==, "wal");
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	create("rm_1", "");
	for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *file = g_strconcat(path, suffixes[i], NULL);
		struct stat st;
		g_assert_cmpint(stat(file, &st), ==, 0);
		g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
	}
	end();
}

/* Open what must not open: the reason. */
static void refused(const char *words)
{
	struct otter_error e = { 0 };
	g_assert_null(otter_store_open(&s.env, url, &e));
	g_test_message("%s", e.message);
	g_assert_cmpint(e.err, !=, OTTER_OK);
	g_assert_nonnull(strstr(e.message, words));
}

static void a_newer_schema_is_refused(void)
{
	begin(true);
	store->ops->close(g_steal_pointer(&store));
	sqlite3 *db;
	sqlite3_open(path, &db);
	sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL);
	sqlite3_close(db);
	refused("schema version 99");
	end();
}

/* What version 2 of the schema had: one hash for each key, in its row. */
static void a_database_of_an_older_schema_is_brought_forward_with_all_that_is_in_it(void)
{
	begin(true);
	store->ops->close(g_steal_pointer(&store));
	g_unlink(path);
	sqlite3 *db;
	char *why = NULL;
	sqlite3_open(path, &db);
	sqlite3_exec(db,
		"CREATE TABLE deployment (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL) STRICT;"
		"CREATE TABLE room (id TEXT PRIMARY KEY, unique_name TEXT, max_participants INTEGER NOT NULL, privacy INTEGER NOT NULL,"
		" empty_timeout_s INTEGER NOT NULL, expires_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,"
		" closed_ms INTEGER NOT NULL, metadata TEXT NOT NULL) STRICT, WITHOUT ROWID;"
		"CREATE UNIQUE INDEX room_name ON room (unique_name) WHERE closed_ms = 0 AND unique_name IS NOT NULL;"
		"CREATE TABLE api_key (id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL, scopes INTEGER NOT NULL,"
		" created_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
		"CREATE TABLE signing_key (kid TEXT PRIMARY KEY, salt BLOB NOT NULL, active INTEGER NOT NULL, created_ms INTEGER NOT NULL)"
		" STRICT, WITHOUT ROWID;"
		"CREATE INDEX room_created ON room (created_ms, id);"
		"INSERT INTO room VALUES ('rm_old', 'weekly', 4, 1, 0, 0, 5, 5, 0, '{}');"
		"INSERT INTO api_key VALUES ('AAAAAAAAAAAA', 'first', zeroblob(32), 31, 5);"
		"INSERT INTO signing_key VALUES ('sk_old', zeroblob(32), 1, 5); PRAGMA user_version = 2;",
		NULL, NULL, &why);
	g_assert_cmpstr(why, ==, NULL);
	sqlite3_close(db);
	store = reopen();
	struct got room = get("weekly");
	g_assert_cmpint(room.err, ==, OTTER_OK);
	g_assert_cmpint(room.room.privacy, ==, OTTER_PRIVACY_RELAY);
	g_assert_cmpint(room.room.version, ==, 1);
	g_assert_cmpint(room.room.emptied_ms, ==, OTTER_NEVER_ENTERED);
	g_assert_true(room.room.had_host_token); /* nobody knows */
	g_assert_cmpint(count_rows(store->ops->key_each), ==, 1);
	g_assert_cmpint(count_rows(store->ops->signing_key_each), ==, 1);
	struct otter_key_removal removal = { .id = "AAAAAAAAAAAA", .force = true };
	g_assert_cmpint(DO(key_delete, &removal), ==, OTTER_OK);
	end();
}

static void a_damaged_file_is_refused_with_words(void)
{
	begin(true);
	store->ops->close(g_steal_pointer(&store));
	g_autofree char *rubbish = g_strnfill(20000, 'x');
	g_file_set_contents(path, rubbish, -1, NULL);
	refused("not a database");
	g_autofree char *text = NULL;
	g_file_get_contents(path, &text, NULL, NULL);
	g_assert_cmpstr(text, ==, rubbish); /* and left as it is */
	end();
}

static void a_damaged_page_is_refused_or_answers_an_error(void)
{
	begin(true);
	for (int i = 0; i < 100; i++) {
		g_autofree char *id = g_strdup_printf("rm_%d", i);
		create(id, "");
	}
	store->ops->close(g_steal_pointer(&store));
	char *text;
	gsize n;
	g_assert_true(g_file_get_contents(path, &text, &n, NULL));
	memset(text + 4096, 0xa5, n - 4096); /* all pages but the schema's */
	g_file_set_contents(path, text, (gssize)n, NULL);
	g_free(text);
	struct otter_error e = { 0 };
	store = otter_store_open(&s.env, url, &e);
	if (store != NULL) {
		g_assert_cmpint(get("rm_1").err, ==, OTTER_UNAVAILABLE);
		g_assert_cmpint(create("rm_new", "x").err, ==, OTTER_UNAVAILABLE);
	}
	end();
}

static void a_folder_that_is_not_there_is_refused_with_words(void)
{
	begin(true);
	store->ops->close(g_steal_pointer(&store));
	g_free(url);
	url = g_strconcat("sqlite:", folder, "/no/otter.db", NULL);
	refused("/no/otter.db");
	end();
}

static void a_folder_that_may_not_be_written_is_refused_with_words(void)
{
	begin(true);
	store->ops->close(g_steal_pointer(&store));
	g_remove(path);
	g_chmod(folder, 0555);
	pid_t child = fork(); /* root may write everywhere: be nobody */
	if (child == 0) {
		struct otter_error e = { 0 };
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(77);
		_exit(otter_store_open(&s.env, url, &e) == NULL && strstr(e.message, path) != NULL ? 0 : 1);
	}
	int status;
	g_assert_cmpint(waitpid(child, &status, 0), ==, child);
	g_chmod(folder, 0700);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		g_test_skip("cannot become nobody here");
	else
		g_assert_cmpint(status, ==, 0);
	end();
}

static void an_unknown_url_is_refused_with_words(void)
{
	begin(true);
	store->ops->close(g_steal_pointer(&store));
	static const char *const urls[] = { "", "mem", "redis://x", "Memory", "/tmp/x.db" };
	for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
		g_free(url);
		url = g_strdup(urls[i]);
		refused("store is");
	}
	struct otter_error e = { 0 };
	g_assert_null(otter_store_open(&s.env, NULL, &e));
	end();
}

struct swept {
	bool more;
	struct otter_latch latch;
};

static void on_swept(void *arg, enum otter_err err, const void *row)
{
	struct swept *swept = arg;
	swept->more = row != NULL && *(const bool *)row;
	otter_latch_open(&swept->latch, err);
}

static bool sweep_leaves_more(void)
{
	struct swept swept = { 0 };
	otter_latch_init(&swept.latch);
	store->ops->sweep(store, NOON_MS + 10, NOON_MS + 10, on_swept, &swept);
	g_assert_cmpint(otter_latch_wait(&swept.latch), ==, OTTER_OK);
	return swept.more;
}

static void a_sweep_says_when_there_is_more(void)
{
	begin(true);
	for (int i = 0; i < 1100; i++) {
		g_autofree char *id = g_strdup_printf("rm_%d", i);
		struct otter_room_record room = record(id, "");
		room.expires_ms = NOON_MS + 1;
		store->ops->room_create(store, &room, NULL, NULL);
	}
	g_assert_true(sweep_leaves_more());
	g_assert_true(sweep_leaves_more());
	g_assert_false(sweep_leaves_more());
	g_autofree char *n = ask_sql("SELECT count(*) FROM room");
	g_assert_cmpstr(n, ==, "0");
	end();
}

/* ---- rooms that are kept in memory ---- */

#define MORE_THAN_ARE_KEPT 5000
#define CHANGES 2000

static void rooms_without_number_are_all_found(void)
{
	char id[32];
	for (int i = 0; i < MORE_THAN_ARE_KEPT; i++) {
		g_snprintf(id, sizeof id, "rm_%d", i);
		struct otter_room_record room = record(id, "");
		store->ops->room_create(store, &room, NULL, NULL);
	}
	for (int i = 0; i < MORE_THAN_ARE_KEPT; i++) {
		g_snprintf(id, sizeof id, "rm_%d", i);
		g_assert_cmpstr(peek(id).room.id, ==, id);
	}
}

static gint answered_version;
static gint changed_enough;

static void *peek_on_and_on(void *arg)
{
	(void)arg;
	while (!g_atomic_int_get(&changed_enough)) {
		gint at_least = g_atomic_int_get(&answered_version);
		g_assert_cmpint(peek("weekly").room.version, >=, at_least);
	}
	return NULL;
}

/* Whoever heard of a change sees it, however many look on meanwhile and put what they read into memory. */
static void what_was_answered_is_seen_by_who_looks_after_it(void)
{
	pthread_t lookers[4];
	struct otter_room_record room = record("rm_1", "weekly");
	room.version = 1;
	create_room(room);
	g_atomic_int_set(&answered_version, 1);
	g_atomic_int_set(&changed_enough, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(lookers); i++)
		pthread_create(&lookers[i], NULL, peek_on_and_on, NULL);
	for (int i = 0; i < CHANGES; i++)
		g_atomic_int_set(&answered_version, (gint)update("rm_1", OTTER_ROOM_MAX_PARTICIPANTS, NOON_MS + i).room.version);
	g_atomic_int_set(&changed_enough, 1);
	for (size_t i = 0; i < G_N_ELEMENTS(lookers); i++)
		pthread_join(lookers[i], NULL);
	g_assert_cmpint(answered_version, ==, CHANGES + 1);
}

/* ---- the record itself ---- */

static void a_room_is_open_until_it_is_closed_or_expires(void)
{
	struct otter_room_record room = record("rm_1", "");
	g_assert_true(otter_room_record_open(&room, INT64_MAX));
	room.expires_ms = 10;
	g_assert_true(otter_room_record_open(&room, 9));
	g_assert_false(otter_room_record_open(&room, 10));
	room.closed_ms = 5;
	g_assert_false(otter_room_record_open(&room, 1));
}

/* ---- both run the same set ---- */

static const struct check both[] = {
	{ "seats are kept room by room, and their numbers never come again", seats_are_kept_room_by_room_and_their_numbers_never_come_again },
	{ "what a room shares is kept by key, in the order of setting", what_a_room_shares_is_kept_by_key_in_the_order_of_setting },
	{ "a room is made with or without a host's token, and has one for good", a_room_is_made_with_or_without_a_hosts_token_and_has_one_for_good },
	{ "a change of another version is refused", a_change_of_another_version_is_refused },
	{ "a rotated key comes back with all its secrets", a_rotated_key_comes_back_with_all_its_secrets },
	{ "the last administrator is removed by force alone", the_last_administrator_is_removed_by_force_alone },
	{ "an issuer is there once for each kid", an_issuer_is_there_once_for_each_kid },
	{ "of two revocations of the same tokens the stricter counts", of_two_revocations_of_the_same_tokens_the_stricter_counts },
	{ "what has ended long enough is forgotten, and nothing else", what_has_ended_long_enough_is_forgotten_and_nothing_else },
	{ "seats of rooms that are forgotten are forgotten, and what was shared and counted",
		seats_of_rooms_that_are_forgotten_are_forgotten_and_what_was_shared_and_counted },
	{ "rooms that wait for their empty_timeout are found", rooms_that_wait_for_their_empty_timeout_are_found },
	{ "an update changes what it names and nothing else", an_update_changes_what_it_names_and_nothing_else },
	{ "what is closed or expired or unknown takes no update", what_is_closed_or_expired_or_unknown_takes_no_update },
	{ "rooms are listed by page, oldest first, open or closed", rooms_are_listed_by_page_oldest_first_open_or_closed },
	{ "a room comes back as it went in", a_room_comes_back_as_it_went_in },
	{ "what is not there is not found", what_is_not_there_is_not_found },
	{ "a name is taken once, and the conflict shows by whom", a_name_is_taken_once_and_the_conflict_shows_by_whom },
	{ "rooms without a name do not meet", rooms_without_a_name_do_not_meet },
	{ "a name is free again once its room is closed", a_name_is_free_again_once_its_room_is_closed },
	{ "a name is free again once its room has expired", a_name_is_free_again_once_its_room_has_expired },
	{ "closing twice keeps the first time", closing_twice_keeps_the_first_time },
	{ "names and ids are no SQL", names_and_ids_are_no_sql },
	{ "keys are kept and their ids unique", keys_are_kept_and_their_ids_unique },
	{ "signing keys are listed oldest first", signing_keys_are_listed_oldest_first },
	{ "the first deployment id stays", the_first_deployment_id_stays },
	{ "of many creates of one name exactly one creates", of_many_creates_of_one_name_exactly_one_creates },
	{ "rooms without number are all found", rooms_without_number_are_all_found },
	{ "what was answered is seen by who looks after it", what_was_answered_is_seen_by_who_looks_after_it },
	{ 0 },
};

static const struct check sqlite_alone[] = {
	{ "what a room shares outlives the process, and no room that is swept", what_a_room_shares_outlives_the_process_and_no_room_that_is_swept },
	{ "a sweep says when there is more", a_sweep_says_when_there_is_more },
	{ "a database of an older schema is brought forward, with all that is in it", a_database_of_an_older_schema_is_brought_forward_with_all_that_is_in_it },
	{ "what a full disk refuses is not there, the rest is, and reads go on", what_a_full_disk_refuses_is_not_there_and_the_rest_is_and_reads_go_on },
	{ "nobody waits for the disk until somebody does, and then for all", nobody_waits_for_the_disk_until_somebody_does_and_then_for_all },
	{ "what nobody waits for is tried again, in its order", what_nobody_waits_for_is_tried_again_in_its_order },
	{ "what nobody waits for is tried again at the end", what_nobody_waits_for_is_tried_again_at_the_end },
	{ "all of a burst is answered and on disk", all_of_a_burst_is_answered_and_on_disk },
	{ "what is answered is there for another reader", what_is_answered_is_there_for_another_reader },
	{ "the journal is WAL and the file ours alone", the_journal_is_wal_and_the_file_ours_alone },
	{ "a newer schema is refused", a_newer_schema_is_refused },
	{ "a damaged file is refused with words", a_damaged_file_is_refused_with_words },
	{ "a damaged page is refused or answers an error", a_damaged_page_is_refused_or_answers_an_error },
	{ "a folder that is not there is refused with words", a_folder_that_is_not_there_is_refused_with_words },
	{ "a folder that may not be written is refused with words", a_folder_that_may_not_be_written_is_refused_with_words },
	{ "an unknown URL is refused with words", an_unknown_url_is_refused_with_words },
	{ "a room is open until it is closed or expires", a_room_is_open_until_it_is_closed_or_expires },
	{ 0 },
};

static void run_in_memory(gconstpointer check)
{
	begin(false);
	((const struct check *)check)->run();
	end();
}

static void run_in_sqlite(gconstpointer check)
{
	begin(true);
	((const struct check *)check)->run();
	end();
}

static void add(const char *module, const struct check *checks, GTestDataFunc run)
{
	for (; checks->sentence != NULL; checks++) {
		g_autofree char *name = g_strdup_printf("/store/%s/%s", module, checks->sentence);
		g_test_add_data_func(name, checks, run);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("memory", both, run_in_memory);
	add("sqlite", both, run_in_sqlite);
	for (const struct check *check = sqlite_alone; check->sentence != NULL; check++) {
		g_autofree char *name = g_strdup_printf("/store/sqlite/%s", check->sentence);
		g_test_add_func(name, check->run);
	}
	return g_test_run();
}
