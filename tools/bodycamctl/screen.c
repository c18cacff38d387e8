// SPDX-License-Identifier: EUPL-1.2
#include "screen.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "lines.h"
#include "page.h"
#include "properties.h"
#include "span.h"
#include "status.h"
#include "text.h"

#define ALARMS 100     // that are kept
#define ALARMS_LEAST 4 // lines that they have at the least, with the empty one before them, where there are any

// The alternate screen, no cursor, no wrapping at the right edge; and back. xterm's and all that follow it.
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"
#define HOME "\033[H"
#define ERASE_LINE "\033[K"
#define ERASE_BELOW "\033[J"

struct alarm {
        char when[BC_LINES_WHEN_BYTES];
        char *text;
};

struct bc_screen {
        struct bc_loop *loop;
        struct bc_watch *keys;
        bool has_input, raw;
        struct termios before;
        json_t *properties;              // NULL: none yet
        char gone[BC_CLIENT_TEXT_BYTES]; // "": it is there
        int64_t gone_ns, back_ns;        // since when; back_ns 0: it never went
        char last_seen[200];             // what it did when it went
        struct alarm alarm[ALARMS];      // the newest first
        size_t alarms;
};

bool bc_screen_is_possible(void)
{
        const char *term = getenv("TERM");

        return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static int64_t now_ns(const struct bc_screen *screen)
{
        return bc_clock_now_ns(bc_loop_clock(screen->loop));
}

// ---- drawing -------------------------------------------------------------------------------------------------

// What was true when it was last seen is never shown as if it were.
static void describe_absence(const struct bc_screen *screen, struct bc_page *page)
{
        bc_page_add(page, BC_TONE_LOUD, "OFFLINE", "%s", screen->gone);
        bc_page_add(page, BC_TONE_PLAIN, "", "for %s; waiting for it",
                    bc_span_of_ns(now_ns(screen) - screen->gone_ns).text);
        if (screen->last_seen[0])
                bc_page_add(page, BC_TONE_QUIET, "last seen", "%s", screen->last_seen);
}

static void describe_alarms(const struct bc_screen *screen, struct bc_page *page)
{
        if (screen->alarms > 0)
                bc_page_add(page, BC_TONE_PLAIN, "", " ");
        for (size_t i = 0; i < screen->alarms; i++)
                bc_page_add(page, i == 0 ? BC_TONE_WARNING : BC_TONE_PLAIN, i == 0 ? "alarms" : "", "%s %s",
                            screen->alarm[i].when, screen->alarm[i].text);
}

static void draw(const struct bc_screen *screen)
{
        struct bc_page status, alarms;
        size_t columns = 80, rows = 24, body, for_status;

        (void)bc_page_terminal(STDOUT_FILENO, &columns, &rows);
        bc_page_init(&status, STDOUT_FILENO);
        bc_page_init(&alarms, STDOUT_FILENO);
        if (screen->gone[0])
                describe_absence(screen, &status);
        else if (screen->properties)
                bc_status_describe(screen->properties, &status);
        else
                bc_page_add(&status, BC_TONE_PLAIN, "", "asking bodycamd ...");
        if (!screen->gone[0] && screen->back_ns > 0)
                bc_page_add(&status, BC_TONE_NOTE, "daemon", "came back %s ago, after %s",
                            bc_span_of_ns(now_ns(screen) - screen->back_ns).text,
                            bc_span_of_ns(screen->back_ns - screen->gone_ns).text);
        describe_alarms(screen, &alarms);

        body = rows > 2 ? rows - 2 : 1; // an empty line and the keys
        for_status = status.lines;
        if (for_status + alarms.lines > body) {
                size_t least = alarms.lines < ALARMS_LEAST ? alarms.lines : ALARMS_LEAST;
                size_t most = body > least ? body - least : 1;
                for_status = for_status < most ? for_status : most;
        }
        fputs(HOME, stdout);
        bc_page_print(&status, 0, for_status, ERASE_LINE, stdout);
        bc_page_print(&alarms, 0, body > for_status ? body - for_status : 0, ERASE_LINE, stdout);
        fputs(ERASE_BELOW, stdout);
        if (rows > 2)
                printf("\033[%zu;1H%s%s" ERASE_LINE, rows, screen->has_input ? "q ends" : "Ctrl-C ends",
                       for_status < status.lines ? "; the window is too small for all of it" : "");
        if (fflush(stdout) != 0)
                bc_loop_quit(screen->loop, BC_CTL_REFUSED);
        bc_page_done(&status);
        bc_page_done(&alarms);
}

// ---- what is followed ------------------------------------------------------------------------------------------

static void on_status(void *user, const json_t *properties)
{
        struct bc_screen *screen = user;
        json_t *copy = json_copy((json_t *)properties);

        if (!copy)
                return;
        json_decref(screen->properties);
        screen->properties = copy;
        if (screen->gone[0])
                screen->back_ns = now_ns(screen);
        screen->gone[0] = 0;
        draw(screen);
}

static void on_alarm(void *user, const char *text, const json_t *properties)
{
        struct bc_screen *screen = user;
        struct alarm alarm = { .text = strdup(text) };

        if (!alarm.text)
                return;
        bc_lines_when(properties, alarm.when);
        if (screen->alarms == ALARMS)
                free(screen->alarm[--screen->alarms].text);
        memmove(screen->alarm + 1, screen->alarm, screen->alarms * sizeof(alarm));
        screen->alarm[0] = alarm;
        screen->alarms++;
        draw(screen);
}

static void on_gone(void *user, const char *text)
{
        struct bc_screen *screen = user;
        char when[BC_LINES_WHEN_BYTES];

        if (!screen->gone[0]) {
                screen->gone_ns = now_ns(screen);
                screen->last_seen[0] = 0;
                if (screen->properties) {
                        bc_lines_when(screen->properties, when);
                        snprintf(screen->last_seen, sizeof(screen->last_seen), "%s %.20s %.80s", when,
                                 bc_properties_text(screen->properties, "state"),
                                 bc_properties_text(screen->properties, "recording_name"));
                }
        }
        snprintf(screen->gone, sizeof(screen->gone), "%s", text);
        draw(screen);
}

static void on_tick(void *user)
{
        draw(user);
}

// ---- the terminal ----------------------------------------------------------------------------------------------

static void on_keys(void *user, uint32_t events)
{
        struct bc_screen *screen = user;
        char keys[64];
        ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

        (void)events;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0) { // the terminal is gone
                bc_loop_quit(screen->loop, BC_CTL_DONE);
                return;
        }
        for (ssize_t i = 0; i < n; i++)
                if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == 3 || keys[i] == 4)
                        bc_loop_quit(screen->loop, BC_CTL_DONE);
}

static void on_resize(void *user, int signal)
{
        (void)signal;
        draw(user);
}

// Keys come one by one and are not shown. Ctrl-Z is no key here: it would leave the shell on this screen.
static void make_raw(struct bc_screen *screen)
{
        struct termios raw;

        if (tcgetattr(STDIN_FILENO, &screen->before) < 0)
                return;
        raw = screen->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        raw.c_cc[VSUSP] = _POSIX_VDISABLE;
        screen->raw = tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) == 0;
}

BC_DEFINE_CLEANUP(screen, struct bc_screen, bc_screen_free)

int bc_screen_new(struct bc_loop *loop, struct bc_screen **ret_screen, struct bc_follow_sink *ret_sink)
{
        BC_CLEANUP(bc_cleanup_screen) struct bc_screen *screen = calloc(1, sizeof(*screen));
        int r;

        if (!screen)
                return -ENOMEM;
        screen->loop = loop;
        screen->has_input = isatty(STDIN_FILENO);
        fputs(ENTER, stdout);
        r = bc_loop_on_signal(loop, SIGWINCH, on_resize, screen);
        if (r == 0 && screen->has_input) {
                make_raw(screen);
                r = bc_watch_new(loop, STDIN_FILENO, EPOLLIN, on_keys, screen, &screen->keys);
        }
        if (r < 0)
                return r;
        *ret_sink = (struct bc_follow_sink){ on_status, on_alarm, on_gone, on_tick, screen };
        *ret_screen = BC_TAKE(screen);
        return 0;
}

void bc_screen_free(struct bc_screen *screen)
{
        if (!screen)
                return;
        fputs(LEAVE, stdout);
        (void)fflush(stdout);
        if (screen->raw)
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &screen->before);
        bc_watch_free(screen->keys);
        for (size_t i = 0; i < screen->alarms; i++)
                free(screen->alarm[i].text);
        json_decref(screen->properties);
        free(screen);
}
