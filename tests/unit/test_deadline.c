/* SPDX-License-Identifier: GPL-3.0-or-later
 * Things to do at a time. */
#include "check.h"
#include "core/deadline.h"

static GString *done;
static int freed;

static void note(void *context, void *arg)
{
	g_assert_true(context == (void *)done);
	g_string_append(done, arg);
}

static void count_free(void *arg)
{
	(void)arg;
	freed++;
}

static void begin(struct otter_deadlines *d)
{
	otter_deadlines_init(d);
	done = g_string_new(NULL);
	freed = 0;
}

static void end(struct otter_deadlines *d)
{
	otter_deadlines_clear(d);
	g_string_free(done, TRUE);
}

static void what_is_due_runs_in_order_and_the_rest_waits(void)
{
	struct otter_deadlines d;
	begin(&d);
	otter_deadlines_add(&d, 30, note, (void *)"c", count_free);
	otter_deadlines_add(&d, 10, note, (void *)"a", count_free);
	otter_deadlines_add(&d, 20, note, (void *)"b", count_free);
	g_assert_cmpint(otter_deadlines_run(&d, 9, done), ==, 10);
	g_assert_cmpstr(done->str, ==, "");
	g_assert_cmpint(otter_deadlines_run(&d, 20, done), ==, 30);
	g_assert_cmpstr(done->str, ==, "ab");
	g_assert_cmpint(freed, ==, 2);
	g_assert_cmpint(otter_deadlines_run(&d, 1000, done), ==, INT64_MAX);
	g_assert_cmpstr(done->str, ==, "abc");
	end(&d);
}

static void equal_times_keep_the_order_of_adding(void)
{
	struct otter_deadlines d;
	begin(&d);
	otter_deadlines_add(&d, 10, note, (void *)"a", NULL);
	otter_deadlines_add(&d, 10, note, (void *)"b", NULL);
	otter_deadlines_add(&d, 10, note, (void *)"c", NULL);
	otter_deadlines_run(&d, 10, done);
	g_assert_cmpstr(done->str, ==, "abc");
	end(&d);
}

static void clearing_frees_without_calling(void)
{
	struct otter_deadlines d;
	begin(&d);
	otter_deadlines_add(&d, 10, note, (void *)"a", count_free);
	otter_deadlines_add(&d, 20, note, (void *)"b", count_free);
	otter_deadlines_clear(&d);
	g_assert_cmpint(freed, ==, 2);
	g_assert_cmpstr(done->str, ==, "");
	end(&d); /* a second time it does nothing */
}

static struct otter_deadlines *renewed;

static void renew(void *context, void *arg)
{
	note(context, arg);
	otter_deadlines_add(renewed, 50, note, (void *)"later", NULL);
	otter_deadlines_add(renewed, 10, note, (void *)"now", NULL);
}

static void a_deadline_may_add_deadlines(void)
{
	struct otter_deadlines d;
	begin(&d);
	renewed = &d;
	otter_deadlines_add(&d, 10, renew, (void *)"a ", NULL);
	g_assert_cmpint(otter_deadlines_run(&d, 10, done), ==, 50);
	g_assert_cmpstr(done->str, ==, "a now");
	end(&d);
}

static const struct check checks[] = {
	{ "what is due runs in order and the rest waits", what_is_due_runs_in_order_and_the_rest_waits },
	{ "equal times keep the order of adding", equal_times_keep_the_order_of_adding },
	{ "clearing frees without calling", clearing_frees_without_calling },
	{ "a deadline may add deadlines", a_deadline_may_add_deadlines },
	{ 0 },
};

int main(int argc, char **argv)
{
	return check_main(argc, argv, "deadline", checks);
}
