// SPDX-License-Identifier: EUPL-1.2
// The container trial: one clip's packets through each way of writing them, and what becomes of the files. Driven by
// tools/trial/run and by tests; its results are in docs/formats/segment.md.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extras.h"
#include "lavf.h"
#include "own.h"

static int usage(void)
{
        fprintf(stderr, "usage: container write [--writer own|empty_moov|empty_moov_edits|delay_moov]\n"
                        "                 [--sound-start TICKS]\n"
                        "                 [--fragment TICKS] [--record BYTES] [--record-delay FRAGMENTS] [--append]\n"
                        "                 [--patch] [--extras full|empty] CLIP OUT\n"
                        "       container scan FILE\n");
        return 2;
}

struct write_options {
        struct own_options own;
        int writer; // -1: own, else enum lavf_way
        int64_t sound_start_ticks;
        bool extras, extras_empty; // own writer only
};

static int parse_number(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
        char *end;
        errno = 0;
        long long value = strtoll(text, &end, 10);
        if (errno != 0 || end == text || *end != '\0' || value < min || value > max)
                return -EINVAL;
        *ret_value = value;
        return 0;
}

static int parse_writer(const char *text, int *ret_writer)
{
        static const char *const names[] = { "own", "empty_moov", "empty_moov_edits", "delay_moov" };
        for (int i = 0; i < 4; i++)
                if (strcmp(text, names[i]) == 0) {
                        *ret_writer = i - 1;
                        return 0;
                }
        return -EINVAL;
}

static int parse_options(int argc, char **argv, struct write_options *ret_options)
{
        static const struct option known[] = {
                { "writer", required_argument, NULL, 'w' },       { "sound-start", required_argument, NULL, 's' },
                { "fragment", required_argument, NULL, 'f' },     { "record", required_argument, NULL, 'r' },
                { "record-delay", required_argument, NULL, 'd' }, { "append", no_argument, NULL, 'a' },
                { "patch", no_argument, NULL, 'p' },              { "extras", required_argument, NULL, 'e' },
                { 0 },
        };
        struct write_options options = { .own = { .fragment_ticks = BC_TICKS_PER_S / 2 }, .writer = -1 };
        int64_t value = 0;
        int r = 0;
        for (int c; r == 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
                if (c == 'w')
                        r = parse_writer(optarg, &options.writer);
                else if (c == 's')
                        r = parse_number(optarg, -BC_TRACK_START_TICKS_MAX, BC_TRACK_START_TICKS_MAX,
                                         &options.sound_start_ticks);
                else if (c == 'f')
                        r = parse_number(optarg, 1, 10 * BC_TICKS_PER_S, &options.own.fragment_ticks);
                else if (c == 'r' && (r = parse_number(optarg, 24, 16384, &value)) == 0)
                        options.own.record_bytes = (size_t)value;
                else if (c == 'd' && (r = parse_number(optarg, 0, 1000, &value)) == 0)
                        options.own.record_delay = (size_t)value;
                else if (c == 'a')
                        options.own.append = true;
                else if (c == 'p')
                        options.own.append = options.own.patch = true;
                else if (c == 'e' && (strcmp(optarg, "full") == 0 || strcmp(optarg, "empty") == 0)) {
                        options.extras = true;
                        options.extras_empty = strcmp(optarg, "empty") == 0;
                } else if (c == 'e' || c == '?')
                        r = -EINVAL;
        }
        if (r < 0 || argc - optind != 2 || (options.extras && options.writer >= 0))
                return -EINVAL;
        *ret_options = options;
        return 0;
}

static int command_write(int argc, char **argv)
{
        struct write_options options;
        __attribute__((cleanup(clip_close))) struct clip clip = { 0 };
        if (parse_options(argc, argv, &options) < 0)
                return usage();
        int r = clip_open(argv[optind], &clip);
        if (r == 0 && options.extras)
                r = clip_add_extras(&clip, options.extras_empty);
        if (r == 0) {
                clip.init.track[1].start_ticks = options.sound_start_ticks;
                r = options.writer < 0 ? own_write(&clip, &options.own, argv[optind + 1])
                                       : lavf_write(&clip, (enum lavf_way)options.writer,
                                                    options.own.fragment_ticks, argv[optind + 1]);
        }
        if (r < 0)
                fprintf(stderr, "%s: %s\n", argv[optind + 1], strerror(-r));
        return r < 0;
}

int main(int argc, char **argv)
{
        if (argc >= 2 && strcmp(argv[1], "write") == 0)
                return command_write(argc - 1, argv + 1);
        if (argc == 3 && strcmp(argv[1], "scan") == 0)
                return own_scan(argv[2]) < 0;
        return usage();
}
