// SPDX-License-Identifier: EUPL-1.2
// Buttons: edges, once each, to whoever listens.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "simulated/buttons.h"

struct edges {
        unsigned count;
        enum bc_button button;
        bool pressed;
        int64_t time_ns;
};

static void on_button(void *user, enum bc_button button, bool pressed, int64_t time_ns)
{
        struct edges *edges = user;

        edges->count++;
        edges->button = button;
        edges->pressed = pressed;
        edges->time_ns = time_ns;
}

static void test_edges(void **state)
{
        struct edges edges = { 0 };
        struct bc_buttons_sink sink = { .on_button = on_button, .user = &edges };
        struct bc_buttons *buttons;

        (void)state;
        assert_int_equal(bc_simulated_buttons_open(&buttons), 0);
        assert_true(buttons->simulated);
        assert_string_equal(buttons->driver, "simulated");
        assert_int_equal(bc_simulated_button_set(buttons, BC_BUTTON_RECORD, true, 1), -ENODEV);

        assert_int_equal(bc_buttons_start(buttons, &sink), 0);
        assert_int_equal(bc_buttons_start(buttons, &sink), -EALREADY);
        assert_int_equal(bc_simulated_button_set(buttons, BC_BUTTON_EMERGENCY, true, 123), 0);
        assert_int_equal(edges.count, 1);
        assert_int_equal(edges.button, BC_BUTTON_EMERGENCY);
        assert_true(edges.pressed);
        assert_int_equal(edges.time_ns, 123);
        assert_int_equal(bc_simulated_button_set(buttons, BC_BUTTON_EMERGENCY, true, 124), -EALREADY);
        assert_int_equal(bc_simulated_button_set(buttons, BC_BUTTON_RECORD, true, 125), 0); // each by itself
        assert_int_equal(bc_simulated_button_set(buttons, BC_BUTTON_EMERGENCY, false, 126), 0);
        assert_int_equal(edges.count, 3);
        assert_false(edges.pressed);
        assert_int_equal(bc_simulated_button_set(buttons, BC_BUTTON_COUNT, true, 127), -EINVAL);
        assert_int_equal(bc_simulated_button_set(buttons, (enum bc_button)-1, true, 127), -EINVAL);

        bc_buttons_stop(buttons);
        assert_int_equal(bc_simulated_button_set(buttons, BC_BUTTON_RECORD, false, 128), -ENODEV);
        assert_int_equal(edges.count, 3);
        bc_buttons_free(buttons);
        bc_buttons_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_edges) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
