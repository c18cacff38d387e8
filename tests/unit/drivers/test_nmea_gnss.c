// SPDX-License-Identifier: EUPL-1.2
// The boat's log, replayed: when its reports come, that they end, and what is no log.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/stage.h"
#include "nmea/gnss.h"
#include "nmea/log.h"
#include "sentences.h"

#define START_NS (100 * BC_NS_PER_S + 12345678)

struct scene {
        struct bc_stage stage;
        struct bc_gnss *gnss;
        struct bc_fix seen[1000];
        unsigned count;
};

static void on_fix(void *user, const struct bc_fix *fix)
{
        struct scene *scene = user;

        assert_true(scene->count < 1000);
        scene->seen[scene->count++] = *fix;
}

static void on_error(void *user, int error)
{
        (void)user;
        fail_msg("%d", error);
}

static void do_start(void *user)
{
        struct scene *scene = user;
        struct bc_gnss_sink sink = { .on_fix = on_fix, .on_error = on_error, .user = scene };

        assert_int_equal(bc_gnss_start(scene->gnss, &sink), 0);
}

static void do_stop(void *user)
{
        struct scene *scene = user;

        bc_gnss_stop(scene->gnss);
}

static void do_stall_and_return(void *user)
{
        struct scene *scene = user;

        bc_nmea_gnss_set_fault(scene->gnss, BC_FAULT_STALL);
        bc_nmea_gnss_set_fault(scene->gnss, BC_FAULT_NONE);
}

static const char *boat(char *path, size_t path_bytes)
{
        snprintf(path, path_bytes, "%s/tests/data/boat.nmea", getenv("BC_SOURCE_DIR"));
        return path;
}

static struct bc_nmea_log log_of_boat(void)
{
        struct bc_nmea_log log;
        size_t size;
        char *bytes = sentences_of_boat(&size), text[256];

        assert_int_equal(bc_nmea_log_read(bytes, size, "boat", text, sizeof(text), &log), 0);
        free(bytes);
        return log;
}

static void check(const struct scene *scene, unsigned seen, const struct bc_nmea_log *log, size_t i)
{
        struct bc_fix expected = log->fixes[i];

        expected.time_ns += START_NS + BC_NS_PER_S;
        assert_memory_equal(&scene->seen[seen], &expected, sizeof(expected));
}

static void test_replay(void **state)
{
        struct scene *scene = calloc(1, sizeof(*scene));
        struct bc_nmea_log log = log_of_boat();
        char path[4096], text[512] = "";
        unsigned count;

        (void)state;
        assert_non_null(scene);
        assert_int_equal(bc_stage_init(&scene->stage, START_NS), 0);
        assert_int_equal(bc_nmea_gnss_open(scene->stage.loop, boat(path, sizeof(path)), text, sizeof(text),
                                           &scene->gnss),
                         0);
        assert_string_equal(scene->gnss->driver, "nmea");
        bc_stage_run_for(&scene->stage, BC_NS_PER_S);
        bc_stage_do(&scene->stage, do_start, scene); // the first one comes now
        assert_int_equal(scene->count, 1);
        bc_stage_run_for(&scene->stage, 30 * BC_NS_PER_S);
        count = scene->count;
        assert_in_range(count, 28, 31);
        for (unsigned i = 0; i < count; i++)
                check(scene, i, &log, i);

        bc_stage_do(&scene->stage, do_stop, scene); // the boat goes on meanwhile
        bc_stage_run_for(&scene->stage, 60 * BC_NS_PER_S);
        bc_stage_do(&scene->stage, do_start, scene);
        bc_stage_run_for(&scene->stage, 3600 * BC_NS_PER_S);
        for (unsigned i = count; i < scene->count; i++)
                check(scene, i, &log, log.count - scene->count + i);
        assert_true(scene->seen[count].time_ns >= START_NS + 91 * BC_NS_PER_S);
        assert_in_range(scene->count - count, 50, 59);

        count = scene->count; // it is over
        bc_stage_do(&scene->stage, do_stop, scene);
        bc_stage_do(&scene->stage, do_start, scene);
        bc_stage_run_for(&scene->stage, 3600 * BC_NS_PER_S);
        bc_stage_do(&scene->stage, do_stall_and_return, scene);
        bc_stage_run_for(&scene->stage, 3600 * BC_NS_PER_S);
        assert_int_equal(scene->count, count);
        bc_stage_done(&scene->stage);
        bc_gnss_free(scene->gnss);
        bc_nmea_log_done(&log);
        free(scene);
}

static void refuse(struct bc_loop *loop, const char *path, int expected, const char *reason)
{
        struct bc_gnss *gnss;
        char text[4400] = "";

        assert_int_equal(bc_nmea_gnss_open(loop, path, text, sizeof(text), &gnss), expected);
        if (strncmp(text, path, strlen(path)) != 0 || !strstr(text, reason))
                fail_msg("%s", text);
}

static void test_no_log(void **state)
{
        char path[] = "/tmp/bc-nmea-XXXXXX";
        struct bc_stage stage;
        int fd;

        (void)state;
        assert_int_equal(bc_stage_init(&stage, 0), 0);
        refuse(stage.loop, "/nowhere/boat.nmea", -ENOENT, "No such file");
        refuse(stage.loop, "/tmp", -EINVAL, "no regular file");
        fd = mkstemp(path);
        assert_true(fd >= 0);
        refuse(stage.loop, path, -EBADMSG, "no report of a receiver in 0 lines");
        assert_int_equal(write(fd, "\n$GPGGA,1*00\n", 13), 13);
        refuse(stage.loop, path, -EBADMSG, ":2: wrong checksum; 1 of 2 lines dropped");
        assert_int_equal(ftruncate(fd, BC_NMEA_FILE_MAX_BYTES + 1), 0);
        refuse(stage.loop, path, -EFBIG, "more than 67108864 bytes");
        close(fd);
        unlink(path);
        bc_stage_done(&stage);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_replay),
                cmocka_unit_test(test_no_log),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
