/* SPDX-License-Identifier: GPL-3.0-or-later
 * coturn's SQLite user database, read only. */
#include "turndb.h"

#include <glib.h>
#include <sqlite3.h>

#define BUSY_TIMEOUT_MS 500 /* turnadmin holds its lock for one insert */

char *otter_turndb_newest_secret(const char *path, const char *realm, struct otter_error *e)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *select = NULL;
	char *secret = NULL;
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
		rc = sqlite3_prepare_v2(db, "SELECT value FROM turn_secret WHERE realm = ?1 AND value > '' ORDER BY rowid DESC LIMIT 1", -1, &select, NULL);
	}
	if (rc == SQLITE_OK) {
		sqlite3_bind_text(select, 1, realm, -1, SQLITE_STATIC);
		rc = sqlite3_step(select);
	}
	if (rc == SQLITE_ROW)
		secret = g_strdup((const char *)sqlite3_column_text(select, 0));
	else if (rc == SQLITE_DONE)
		otter_fail(e, OTTER_UNAVAILABLE, "%s has no secret for realm '%s': add one with turnadmin -s.", path, realm);
	else
		otter_fail(e, OTTER_UNAVAILABLE, "cannot read %s: %s.", path, db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
	sqlite3_finalize(select);
	sqlite3_close(db);
	return secret;
}
