// SPDX-License-Identifier: EUPL-1.2
// Settings that are to take the place of those that run.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bodycam/time.h"
#include "control/settings_table.h"

#define S BC_NS_PER_S
#define GOOD "[device]\nid = A1\n[store]\npath = /var/lib/x\n"

struct world {
        char folder[40], file[48];
        struct bc_settings running, next;
        char told[4096];
        unsigned count;
};

static int setup(void **state)
{
        struct world *world = calloc(1, sizeof(*world));

        snprintf(world->folder, sizeof(world->folder), "%s", "/tmp/bc-reload-XXXXXX");
        assert_non_null(mkdtemp(world->folder));
        snprintf(world->file, sizeof(world->file), "%s/c", world->folder);
        *state = world;
        return 0;
}

static int teardown(void **state)
{
        struct world *world = *state;

        bc_settings_done(&world->running);
        bc_settings_done(&world->next);
        (void)unlink(world->file);
        assert_int_equal(rmdir(world->folder), 0);
        free(world);
        return 0;
}

static void tell(void *user, const char *text)
{
        struct world *world = user;
        size_t used = strlen(world->told);

        world->count++;
        if (strncmp(text, world->folder, strlen(world->folder)) == 0)
                text += strlen(world->folder) + 1;
        snprintf(world->told + used, sizeof(world->told) - used, "%s\n", text);
}

static void load(struct world *world, const char *text, struct bc_settings *settings)
{
        const struct bc_settings_sink sink = { tell, world };
        FILE *file = fopen(world->file, "w");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
        bc_settings_done(settings);
        if (bc_settings_load(world->file, &sink, settings) < 0)
                fail_msg("%s", world->told);
}

static int judge(struct world *world)
{
        const struct bc_settings_sink sink = { tell, world };

        world->told[0] = 0;
        world->count = 0;
        return bc_settings_judge_reload(&world->running, &world->next, &sink);
}

static size_t reload(struct world *world)
{
        world->told[0] = 0;
        return bc_settings_reload(&world->running, &world->next, tell, world);
}

static void test_nothing_changes(void **state)
{
        struct world *world = *state;

        load(world, GOOD "[recording]\npost_event = 5 s\n", &world->running);
        load(world, "; moved\n\n" GOOD "[recording]\n\npost_event = 5000 ms\n", &world->next);
        assert_int_equal(judge(world), 0);
        assert_int_equal(reload(world), 0);
        assert_string_equal(world->told, "");
}

static void test_what_may_change(void **state)
{
        struct world *world = *state;
        char text[200];

        load(world, GOOD "[recording]\npost_event = 5 s\n", &world->running);
        load(world, GOOD "[dock]\n\ndwell = 1 min\n", &world->next); // post_event: the default again
        assert_int_equal(judge(world), 0);
        assert_int_equal(world->running.post_event_ns, 5 * S); // judging changes nothing
        assert_int_equal(reload(world), 2);
        assert_string_equal(world->told, "[recording] post_event: 5 s -> 10 s\n[dock] dwell: 10 s -> 1 min\n");
        assert_int_equal(world->running.post_event_ns, 10 * S);
        assert_int_equal(world->running.dock_dwell_ns, 60 * S);
        bc_settings_tell(&world->running, "dock", "dwell", text, sizeof(text));
        assert_string_equal(text + strlen(world->folder), "/c:7: [dock] dwell = 1 min");
        bc_settings_tell(&world->running, "recording", "post_event", text, sizeof(text));
        assert_string_equal(text, "(built in): [recording] post_event = 10 s");
        // And once more, from there.
        load(world, GOOD, &world->next);
        assert_int_equal(judge(world), 0);
        assert_int_equal(reload(world), 1);
        assert_string_equal(world->told, "[dock] dwell: 1 min -> 10 s\n");
}

// All of it is refused, and every key that needs a restart is named, one that is gone from the file as well.
static void test_what_may_not(void **state)
{
        struct world *world = *state;

        load(world, GOOD "[video]\nbit_rate = 4M\n[overlay]\ncontents = time\n", &world->running);
        load(world, "[device]\nid = A2\nunit = 7 B\n[store]\npath = /var/lib/x\n[dock]\ndwell = 20 s\n"
                    "[overlay]\ncontents = time device\n[simulation]\nenabled = yes\n", &world->next);
        assert_int_equal(judge(world), -EPERM);
        assert_int_equal(world->count, 5);
        assert_string_equal(world->told,
                            "c:2: [device] id = A2: is \"A1\" while this runs; a change needs a restart\n"
                            "c:3: [device] unit = 7 B: is \"\" while this runs; a change needs a restart\n"
                            "(built in): [video] bit_rate = 8M: is \"4M\" while this runs; a change needs a restart\n"
                            "c:9: [overlay] contents = time device: is \"time\" while this runs; a change needs a restart\n"
                            "c:11: [simulation] enabled = yes: is \"no\" while this runs; a change needs a restart\n");
        assert_int_equal(world->running.dock_dwell_ns, 10 * S);
}

// Each key of the table alone: whether it may change is what the table says.
static void test_every_key(void **state)
{
        struct world *world = *state;

        load(world, GOOD, &world->running);
        load(world, GOOD, &world->next);
        for (size_t i = 0; i < bc_setting_count(); i++) {
                const struct bc_setting *setting = bc_setting_at(i);
                bool time = setting->type == BC_SETTING_UTC || setting->type == BC_SETTING_DURATION;
                const int64_t other_ns = 7 * 3600 * S;
                char *at = (char *)&world->next + setting->offset, before[sizeof(other_ns)];

                // Another value, within its range or not: it is never loaded.
                memcpy(before, at, time ? sizeof(before) : 1);
                if (time)
                        memcpy(at, &other_ns, sizeof(other_ns));
                else
                        *at ^= 1;
                if (judge(world) != (setting->reloadable ? 0 : -EPERM))
                        fail_msg("[%s] %s: %s", setting->section, setting->key, world->told);
                assert_int_equal(world->count, setting->reloadable ? 0 : 1);
                memcpy(at, before, time ? sizeof(before) : 1);
        }
        assert_int_equal(judge(world), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_nothing_changes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_may_change, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_may_not, setup, teardown),
                cmocka_unit_test_setup_teardown(test_every_key, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
