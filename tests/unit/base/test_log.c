// SPDX-License-Identifier: EUPL-1.2
// What comes out at standard error, and that nobody waits for its reader.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

// A pipe in place of standard error.
struct world {
        int read_fd, stderr_fd;
        char text[65536 * 2];
};

static int setup(void **state)
{
        struct world *world = calloc(1, sizeof(*world));
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        world->read_fd = ends[0];
        assert_int_equal(fcntl(world->read_fd, F_SETFL, O_NONBLOCK), 0);
        world->stderr_fd = dup(STDERR_FILENO);
        assert_true(world->stderr_fd >= 0);
        assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
        close(ends[1]);
        unsetenv("JOURNAL_STREAM");
        unsetenv("BC_DEBUG");
        *state = world;
        return 0;
}

static int teardown(void **state)
{
        struct world *world = *state;

        assert_true(dup2(world->stderr_fd, STDERR_FILENO) >= 0);
        close(world->stderr_fd);
        if (world->read_fd >= 0)
                close(world->read_fd);
        unsetenv("JOURNAL_STREAM");
        unsetenv("BC_DEBUG");
        free(world);
        return 0;
}

// What was logged since the last time.
static const char *logged(struct world *world)
{
        size_t used = 0;
        ssize_t n;

        while ((n = read(world->read_fd, world->text + used, sizeof(world->text) - 1 - used)) > 0)
                used += (size_t)n;
        assert_true(n == 0 || errno == EAGAIN);
        world->text[used] = 0;
        return world->text;
}

static void test_priorities(void **state)
{
        bc_log_error("a %d", 1);
        bc_log_warning("b");
        bc_log_notice("c");
        bc_log_info("d");
        bc_log_debug("not asked for");
        assert_string_equal(logged(*state), "bodycam: error: a 1\nbodycam: warning: b\nbodycam: c\nbodycam: d\n");
        setenv("BC_DEBUG", "1", 1);
        bc_log_debug("e");
        assert_string_equal(logged(*state), "bodycam: e\n");
        setenv("JOURNAL_STREAM", "8:1", 1);
        bc_log_error("a");
        bc_log_warning("b");
        bc_log_notice("c");
        bc_log_info("d");
        bc_log_debug("e");
        assert_string_equal(logged(*state), "<3>a\n<4>b\n<5>c\n<6>d\n<7>e\n");
}

// A name or a reason from outside cannot end the line, begin another one, or reach the terminal.
static void test_no_line_is_forged(void **state)
{
        char text[40], expected[80];

        bc_log_info("file \"%s\"", "x\nbodycam: error: forged\r\033[2J\t\x7f");
        assert_string_equal(logged(*state), "bodycam: file \"x?bodycam: error: forged??[2J??\"\n");
        for (int c = 1; c < 256; c++) {
                bool control = c < 0x20 || c == 0x7f;
                snprintf(text, sizeof(text), "<%c>", c);
                snprintf(expected, sizeof(expected), "bodycam: <%c>\n", control ? '?' : c);
                bc_log_info("%s", text);
                assert_string_equal(logged(*state), expected);
        }
        setenv("JOURNAL_STREAM", "8:1", 1);
        bc_log_info("%s", "x\n<3>forged");
        assert_string_equal(logged(*state), "<6>x?<3>forged\n");
}

// However long it is, it is one line with an end.
static void test_long_lines_are_cut(void **state)
{
        char text[5000];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = 0;
        for (size_t length = 1000; length < sizeof(text); length += 7) {
                const char *line;
                bc_log_error("%.*s", (int)length, text);
                line = logged(*state);
                assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
                assert_true(strlen(line) >= 1000 && strlen(line) <= 1100);
                assert_int_equal(strncmp(line, "bodycam: error: xxx", 19), 0);
        }
}

static void log_until_full(void)
{
        char text[1001];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = 0;
        for (unsigned i = 0; i < 1000; i++)
                bc_log_info("%s", text);
}

// Were it to wait, the test's own time limit would end it.
static void test_a_full_pipe_is_not_waited_for(void **state)
{
        struct world *world = *state;
        const char *text;

        log_until_full();
        text = logged(world);
        assert_true(strlen(text) > 10000 && strlen(text) < 100000);
        assert_int_equal(text[strlen(text) - 1], '\n'); // whole lines only
        bc_log_info("room again");
        assert_string_equal(logged(world), "bodycam: room again\n");
}

static void ignore_pipe_signal(void)
{
        const struct sigaction ignore = { .sa_handler = SIG_IGN };

        assert_int_equal(sigaction(SIGPIPE, &ignore, NULL), 0);
}

static void test_a_reader_that_went_away(void **state)
{
        struct world *world = *state;

        ignore_pipe_signal(); // as bodycamd does
        close(world->read_fd);
        world->read_fd = -1;
        bc_log_error("to nobody");
}

static void test_no_standard_error_at_all(void **state)
{
        (void)state;
        close(STDERR_FILENO);
        bc_log_error("to nobody");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_priorities, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_line_is_forged, setup, teardown),
                cmocka_unit_test_setup_teardown(test_long_lines_are_cut, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_full_pipe_is_not_waited_for, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_reader_that_went_away, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_standard_error_at_all, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
