/* SPDX-License-Identifier: GPL-3.0-or-later
 * TURN credentials, and coturn's database they are signed from. */
#include "fixture.h"
#include "core/digest.h"
#include "core/turn.h"
#include "core/turndb.h"

#include <sqlite3.h>

static struct surroundings s;
static char *folder, *path;

static void begin(void)
{
	surroundings_init(&s);
	folder = check_folder();
	path = g_build_filename(folder, "turndb", NULL);
}

static void end(void)
{
	g_clear_pointer(&path, g_free);
	check_folder_end(g_steal_pointer(&folder));
	surroundings_clear(&s);
}

static void sql(const char *text)
{
	sqlite3 *db;
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, text, NULL, NULL, NULL), ==, SQLITE_OK);
	sqlite3_close(db);
}

/* The table as coturn makes it. */
#define COTURN_TABLE "CREATE TABLE turn_secret (realm varchar(127) default '', value varchar(256), primary key (realm, value));"

static void the_secret_written_last_in_the_realm_is_the_one(void)
{
	begin();
	sql(COTURN_TABLE "INSERT INTO turn_secret VALUES ('otter', 'zzz'); INSERT INTO turn_secret VALUES ('otter', 'aaa'); INSERT INTO turn_secret VALUES "
			 "('other', 'mmm');");
	struct otter_error e = { 0 };
	g_autofree char *secret = otter_turndb_newest_secret(path, "otter", &e);
	g_assert_cmpstr(secret, ==, "aaa");
	g_assert_cmpint(e.err, ==, OTTER_OK);
	end();
}

static void what_is_wrong_with_the_database_is_said(void)
{
	begin();
	struct otter_error none = { 0 }, no_table = { 0 }, no_row = { 0 }, damaged = { 0 };
	g_assert_null(otter_turndb_newest_secret(path, "otter", &none));
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS)); /* looking makes no file */
	g_assert_nonnull(strstr(none.message, path));
	sql("CREATE TABLE x (y);");
	g_assert_null(otter_turndb_newest_secret(path, "otter", &no_table));
	g_assert_nonnull(strstr(no_table.message, "turn_secret"));
	sql(COTURN_TABLE);
	g_assert_null(otter_turndb_newest_secret(path, "otter", &no_row));
	g_assert_nonnull(strstr(no_row.message, "realm 'otter'"));
	g_autofree char *rubbish = g_strnfill(5000, 'x');
	g_file_set_contents(path, rubbish, -1, NULL);
	g_assert_null(otter_turndb_newest_secret(path, "otter", &damaged));
	g_assert_nonnull(strstr(damaged.message, "not a database"));
	end();
}

static void a_realm_is_no_sql(void)
{
	begin();
	sql(COTURN_TABLE "INSERT INTO turn_secret VALUES ('otter', 'aaa');");
	struct otter_error e = { 0 };
	g_assert_null(otter_turndb_newest_secret(path, "x' OR '1'='1", &e));
	end();
}

static const struct otter_turn_server servers[] = {
	{ .url = (char *)"turn:a.example.org:3478", .tls = (char *)"turns:a.example.org:443" },
	{ .url = (char *)"turn:b.example.org" },
};

static void credentials_are_what_coturn_computes(void)
{
	begin();
	sql(COTURN_TABLE "INSERT INTO turn_secret VALUES ('otter', 'north');");
	struct otter_turn turn;
	otter_turn_init(&turn, servers, 2, path, "otter");
	otter_turn_refresh(&turn, &s.env);
	json_auto_t *json = otter_turn_credentials(&turn, &s.env, "pt_1", 3600, false);
	g_assert_cmpint(number_at(json, "ttl"), ==, 3600);
	g_assert_cmpstr(text_at(json, "expires_at"), ==, "2026-11-23T13:00:00.000Z");
	g_assert_cmpuint(json_array_size(value_at(json, "ice_servers")), ==, 2);
	g_assert_cmpstr(text_at(json, "ice_servers.0.urls.0"), ==, "stun:a.example.org:3478");
	g_assert_cmpstr(text_at(json, "ice_servers.0.urls.1"), ==, "stun:b.example.org");
	g_assert_null(value_at(json, "ice_servers.0.username"));
	static const char *const urls[] = { "turn:a.example.org:3478?transport=udp", "turn:a.example.org:3478?transport=tcp",
		"turns:a.example.org:443?transport=tcp", "turn:b.example.org?transport=udp", "turn:b.example.org?transport=tcp", NULL };
	for (int i = 0; i <= 5; i++) {
		g_autofree char *at = g_strdup_printf("ice_servers.1.urls.%d", i);
		g_assert_cmpstr(text_at(json, at), ==, urls[i]);
	}
	g_assert_cmpstr(text_at(json, "ice_servers.1.username"), ==, "1795438800:pt_1");
	g_autofree char *mac = otter_hmac_sha1_base64("north", "1795438800:pt_1");
	g_assert_cmpstr(text_at(json, "ice_servers.1.credential"), ==, mac);
	otter_turn_clear(&turn);
	end();
}

static void a_relay_room_is_offered_no_stun(void)
{
	begin();
	sql(COTURN_TABLE "INSERT INTO turn_secret VALUES ('otter', 'north');");
	struct otter_turn turn;
	otter_turn_init(&turn, servers, 2, path, "otter");
	otter_turn_refresh(&turn, &s.env);
	json_auto_t *json = otter_turn_credentials(&turn, &s.env, "pt_1", 60, true);
	g_assert_cmpuint(json_array_size(value_at(json, "ice_servers")), ==, 1);
	g_assert_cmpstr(text_at(json, "ice_servers.0.urls.0"), ==, "turn:a.example.org:3478?transport=udp");
	otter_turn_clear(&turn);
	end();
}

static void without_a_secret_only_stun_is_offered(void)
{
	begin();
	struct otter_turn turn;
	otter_turn_init(&turn, servers, 1, NULL, "otter");
	otter_turn_refresh(&turn, &s.env);
	json_auto_t *direct = otter_turn_credentials(&turn, &s.env, "pt_1", 60, false), *relay = otter_turn_credentials(&turn, &s.env, "pt_1", 60, true);
	g_assert_cmpuint(json_array_size(value_at(direct, "ice_servers")), ==, 1);
	g_assert_cmpuint(json_array_size(value_at(relay, "ice_servers")), ==, 0);
	otter_turn_clear(&turn);
	end();
}

static void without_a_server_nothing_is_offered(void)
{
	begin();
	struct otter_turn turn;
	otter_turn_init(&turn, NULL, 0, NULL, "otter");
	json_auto_t *json = otter_turn_credentials(&turn, &s.env, "pt_1", 60, false);
	g_assert_cmpuint(json_array_size(value_at(json, "ice_servers")), ==, 0);
	otter_turn_clear(&turn);
	end();
}

static void a_rotated_secret_is_used_at_once_and_a_lost_database_takes_nothing(void)
{
	begin();
	sql(COTURN_TABLE "INSERT INTO turn_secret VALUES ('otter', 'north');");
	struct otter_turn turn;
	otter_turn_init(&turn, servers, 1, path, "otter");
	otter_turn_refresh(&turn, &s.env);
	sql("INSERT INTO turn_secret VALUES ('otter', 'arctic');");
	otter_turn_refresh(&turn, &s.env);
	g_autofree char *mac = otter_hmac_sha1_base64("arctic", "1795435260:pt_1");
	json_auto_t *one = otter_turn_credentials(&turn, &s.env, "pt_1", 60, true);
	g_assert_cmpstr(text_at(one, "ice_servers.0.credential"), ==, mac);
	g_remove(path);
	otter_turn_refresh(&turn, &s.env);
	g_assert_true(logged(&s, "no TURN secret"));
	json_auto_t *two = otter_turn_credentials(&turn, &s.env, "pt_1", 60, true);
	g_assert_cmpstr(text_at(two, "ice_servers.0.credential"), ==, mac);
	g_assert_false(logged(&s, "arctic")); /* never the secret itself */
	otter_turn_clear(&turn);
	end();
}

static const struct check checks[] = {
	{ "the secret written last in the realm is the one", the_secret_written_last_in_the_realm_is_the_one },
	{ "what is wrong with the database is said", what_is_wrong_with_the_database_is_said },
	{ "a realm is no SQL", a_realm_is_no_sql },
	{ "credentials are what coturn computes", credentials_are_what_coturn_computes },
	{ "a relay room is offered no STUN", a_relay_room_is_offered_no_stun },
	{ "without a secret only STUN is offered", without_a_secret_only_stun_is_offered },
	{ "without a server nothing is offered", without_a_server_nothing_is_offered },
	{ "a rotated secret is used at once, and a lost database takes nothing", a_rotated_secret_is_used_at_once_and_a_lost_database_takes_nothing },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "turn", checks);
}
