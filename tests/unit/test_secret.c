/* SPDX-License-Identifier: GPL-3.0-or-later
 * Secrets in files of their own. */
#include "check.h"
#include "core/env.h"
#include "core/id.h"
#include "core/secret.h"

#include <sys/stat.h>

static char *folder, *path;

static void begin(void)
{
	folder = check_folder();
	path = g_build_filename(folder, "secret", NULL);
}

static void end(void)
{
	g_clear_pointer(&path, g_free);
	check_folder_end(g_steal_pointer(&folder));
}

static char *load(size_t min, bool create, struct otter_error *e)
{
	char *out = (char *)"not set";
	enum otter_err err = otter_secret_load(otter_env_system(), path, min, create, &out, e);
	g_assert_cmpint(err, ==, e->err);
	g_assert_true((err == OTTER_OK) == (out != NULL));
	g_assert_true(err == OTTER_OK || strstr(e->message, path) != NULL); /* the words say which file */
	return out;
}

static unsigned mode_of(const char *file)
{
	struct stat st;
	g_assert_cmpint(stat(file, &st), ==, 0);
	return st.st_mode & 0777;
}

static void a_secret_is_created_once_and_then_kept(void)
{
	begin();
	struct otter_error e = { 0 };
	g_autofree char *first = load(32, true, &e), *second = load(32, true, &e);
	g_assert_cmpstr(first, ==, second);
	g_assert_true(otter_text_made_of(first, OTTER_BASE62, 43, 43));
	end();
}

static void nobody_else_may_read_it(void)
{
	begin();
	struct otter_error e = { 0 };
	g_autofree char *secret = load(32, true, &e);
	g_assert_nonnull(secret);
	g_assert_cmpuint(mode_of(path), ==, 0600);
	end();
}

static void nobody_else_may_read_it_even_if_a_crash_left_a_readable_file(void)
{
	begin();
	g_autofree char *leftover = g_strconcat(path, ".new", NULL);
	g_assert_true(g_file_set_contents(leftover, "half", -1, NULL));
	g_chmod(leftover, 0644);
	struct otter_error e = { 0 };
	g_assert_cmpint(otter_secret_save(path, "a secret", &e), ==, OTTER_OK);
	g_assert_cmpuint(mode_of(path), ==, 0600);
	end();
}

static void a_missing_secret_is_only_created_when_asked_for(void)
{
	begin();
	struct otter_error e = { 0 };
	g_assert_null(load(1, false, &e));
	g_assert_cmpint(e.err, ==, OTTER_UNAVAILABLE);
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
	end();
}

static void a_short_secret_is_refused(void)
{
	begin();
	struct otter_error e = { 0 };
	g_file_set_contents(path, "  short\n", -1, NULL);
	g_assert_null(load(6, true, &e));
	g_assert_nonnull(strstr(e.message, "6 characters"));
	g_assert_null(strstr(e.message, "short\n"));
	end();
}

static void white_space_around_it_does_not_count(void)
{
	begin();
	struct otter_error e = { 0 };
	g_file_set_contents(path, "\n  five5 \n", -1, NULL);
	g_autofree char *secret = load(5, false, &e);
	g_assert_cmpstr(secret, ==, "five5");
	end();
}

static void an_empty_file_is_no_secret(void)
{
	begin();
	struct otter_error e = { 0 };
	g_file_set_contents(path, "", -1, NULL);
	g_assert_null(load(1, true, &e));
	end();
}

static void a_folder_in_its_place_is_refused_with_words(void)
{
	begin();
	struct otter_error e = { 0 };
	g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
	g_assert_null(load(1, true, &e));
	end();
}

static void a_folder_that_is_not_there_is_refused_with_words(void)
{
	begin();
	g_free(path);
	path = g_build_filename(folder, "no", "secret", NULL);
	struct otter_error e = { 0 };
	g_assert_null(load(1, true, &e));
	g_assert_nonnull(strstr(e.message, "No such file"));
	end();
}

static void saving_replaces_the_whole_file(void)
{
	begin();
	struct otter_error e = { 0 };
	g_assert_cmpint(otter_secret_save(path, "a longer first one", &e), ==, OTTER_OK);
	g_assert_cmpint(otter_secret_save(path, "second", &e), ==, OTTER_OK);
	g_autofree char *text = NULL;
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "second\n");
	end();
}

static const struct check checks[] = {
	{ "a secret is created once and then kept", a_secret_is_created_once_and_then_kept },
	{ "nobody else may read it", nobody_else_may_read_it },
	{ "nobody else may read it, even if a crash left a readable file", nobody_else_may_read_it_even_if_a_crash_left_a_readable_file },
	{ "a missing secret is only created when asked for", a_missing_secret_is_only_created_when_asked_for },
	{ "a short secret is refused", a_short_secret_is_refused },
	{ "white space around it does not count", white_space_around_it_does_not_count },
	{ "an empty file is no secret", an_empty_file_is_no_secret },
	{ "a folder in its place is refused with words", a_folder_in_its_place_is_refused_with_words },
	{ "a folder that is not there is refused with words", a_folder_that_is_not_there_is_refused_with_words },
	{ "saving replaces the whole file", saving_replaces_the_whole_file },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "secret", checks);
}
