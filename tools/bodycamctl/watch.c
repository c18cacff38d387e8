// SPDX-License-Identifier: EUPL-1.2
#include "watch.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/loop.h"
#include "follow.h"
#include "lines.h"
#include "page.h"
#include "screen.h"

BC_DEFINE_CLEANUP(clock, struct bc_clock, bc_clock_free)
BC_DEFINE_CLEANUP(loop, struct bc_loop, bc_loop_free)
BC_DEFINE_CLEANUP(follow, struct bc_follow, bc_follow_free)
BC_DEFINE_CLEANUP(screen, struct bc_screen, bc_screen_free)
BC_DEFINE_CLEANUP(lines, struct bc_lines, bc_lines_free)

static void on_end(void *user, int signal)
{
        (void)signal;
        bc_loop_quit(user, BC_CTL_DONE);
}

static int catch_signals(struct bc_loop *loop)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
        int r = 0;

        for (size_t i = 0; r == 0 && i < sizeof(signals) / sizeof(signals[0]); i++)
                r = bc_loop_on_signal(loop, signals[i], on_end, loop);
        return r;
}

enum bc_ctl_exit bc_watch_show(struct bc_request *request)
{
        BC_CLEANUP(bc_cleanup_clock) struct bc_clock *clock = NULL;
        BC_CLEANUP(bc_cleanup_loop) struct bc_loop *loop = NULL;
        BC_CLEANUP(bc_cleanup_screen) struct bc_screen *screen = NULL;
        BC_CLEANUP(bc_cleanup_lines) struct bc_lines *lines = NULL;
        BC_CLEANUP(bc_cleanup_follow) struct bc_follow *follow = NULL; // goes first: it tells the others
        struct bc_follow_sink sink = { 0 };
        int r = bc_clock_new_real(&clock);

        if (r == 0)
                r = bc_loop_new(clock, &loop);
        if (r == 0)
                r = catch_signals(loop);
        if (r == 0 && !request->client.json && bc_screen_is_possible())
                r = bc_screen_new(loop, &screen, &sink);
        else if (r == 0)
                r = bc_lines_new(loop, request->client.json, &lines, &sink);
        if (r == 0)
                r = bc_follow_new(loop, &request->client, &sink, &follow);
        if (r == 0)
                r = bc_loop_run(loop);
        bc_screen_free(BC_TAKE(screen)); // the terminal is as it was before anything is said
        if (r < 0)
                return bc_client_complain(&request->client, BC_CTL_REFUSED, "watch: %s", strerror(-r));
        return (enum bc_ctl_exit)r;
}
