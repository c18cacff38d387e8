// SPDX-License-Identifier: EUPL-1.2
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "app/daemon.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "control/settings.h"

static const char help[] =
        "usage: bodycamd --config FILE [--check | --print-settings]\n"
        "       bodycamd --print-settings | --help-settings | --help | --version\n"
        "\n"
        "Records what a body camera films, from before the press.\n"
        "\n"
        "  --config FILE      settings: FILE, then FILE.d/*.conf (bodycamd.conf(5))\n"
        "  --check            judge the settings and open what they name, print the bounds, exit\n"
        "  --print-settings   print the settings as a file, with what each means (without --config: the defaults)\n"
        "  --help-settings    every key with its range, default and meaning\n"
        "  --help, --version\n"
        "\n"
        "Exit status: 0 done, 1 failed while running, 2 usage, 3 settings, 4 camera, microphone or encoder, 5 store.\n";

enum mode { MODE_RUN, MODE_CHECK, MODE_PRINT };

static void on_error(void *user, const char *text)
{
        (void)user;
        bc_log_error("%s", text);
}

static enum bc_exit usage(void)
{
        fputs(help, stderr);
        return BC_EXIT_USAGE;
}

static enum bc_exit flushed(void)
{
        return fflush(stdout) == 0 && !ferror(stdout) ? BC_EXIT_DONE : BC_EXIT_FAILED;
}

static enum bc_exit run(enum mode mode, const char *path)
{
        const struct bc_settings_sink sink = { on_error, NULL };
        BC_CLEANUP(bc_settings_done) struct bc_settings settings = { 0 };

        if (!path && mode != MODE_PRINT)
                return usage();
        if (bc_settings_load(path, &sink, &settings) < 0)
                return BC_EXIT_SETTINGS;
        switch (mode) {
        case MODE_CHECK:
                return bc_daemon_check(&settings);
        case MODE_PRINT:
                bc_settings_print(&settings, stdout);
                return flushed();
        case MODE_RUN:
                break;
        }
        return bc_daemon_run(path, &settings);
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                { "config", required_argument, NULL, 'c' },
                { "check", no_argument, NULL, 'k' },
                { "print-settings", no_argument, NULL, 'p' },
                { "help-settings", no_argument, NULL, 's' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { 0 },
        };
        const char *path = NULL;
        enum mode mode = MODE_RUN;
        int option;

        while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
                switch (option) {
                case 'c':
                        path = optarg;
                        break;
                case 'k':
                        mode = MODE_CHECK;
                        break;
                case 'p':
                        mode = MODE_PRINT;
                        break;
                case 's':
                        bc_settings_help(stdout);
                        return flushed();
                case 'h':
                        fputs(help, stdout);
                        return flushed();
                case 'v':
                        puts("bodycamd " BC_VERSION);
                        return flushed();
                default:
                        return usage();
                }
        if (optind < argc)
                return usage();
        return run(mode, path);
}
