// SPDX-License-Identifier: EUPL-1.2
#include "control/settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "bodycam/time.h"
#include "control/grammar.h"
#include "control/policy.h"
#include "control/settings_table.h"

#define ERROR_BYTES 768
#define PATH_BYTES 4096

// Where each key was set: file NULL is the built-in default.
struct bc_settings_places {
        struct {
                char *file; // owned
                unsigned line;
        } key[BC_SETTINGS_KEYS_MAX];
};

struct loader {
        struct bc_settings settings;
        struct bc_settings_places *places;
        const struct bc_settings_sink *sink;
        bool wrong[BC_SETTINGS_KEYS_MAX]; // a value that was refused: what depends on it is not judged
        bool unread;          // a file could not be read: what is missing may stand there
        unsigned errors;

        // The file being read.
        const char *file;
        const char *next, *end; // of its text
        unsigned line;
        unsigned seen_at[BC_SETTINGS_KEYS_MAX]; // line of each key in this file; 0: not there
        bool section_known;
        bool owes_key; // the line handed to the parser must come back as a key
        bool came_back;
};

static void free_places(struct bc_settings_places *places)
{
        for (size_t i = 0; places && i < BC_SETTINGS_KEYS_MAX; i++)
                free(places->key[i].file);
        free(places);
}

static void free_loader(struct loader **at)
{
        if (!*at)
                return;
        free_places((*at)->places);
        free(*at);
}

// ---- errors --------------------------------------------------------------------------------------------------

__attribute__((format(printf, 2, 3))) static void complain(struct loader *loader, const char *format, ...)
{
        char text[ERROR_BYTES];
        va_list arguments;

        loader->errors++;
        if (loader->errors == BC_SETTINGS_ERRORS_MAX + 1)
                loader->sink->on_error(loader->sink->user, "more errors than are worth showing");
        if (loader->errors > BC_SETTINGS_ERRORS_MAX)
                return;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        loader->sink->on_error(loader->sink->user, text);
}

static void complain_key(struct loader *loader, const struct bc_setting *setting, const char *value, int error)
{
        char allowed[160];

        bc_setting_allowed(setting, allowed, sizeof(allowed));
        complain(loader, "%s:%u: [%s] %s = %s: %s; allowed: %s", loader->file, loader->line, setting->section,
                 setting->key, value, error == -ERANGE ? "out of range" : "not understood", allowed);
}

static void complain_unknown_key(struct loader *loader, const char *section, const char *key)
{
        char keys[300] = "";
        size_t used = 0;

        for (size_t i = 0; i < bc_setting_count(); i++)
                if (strcmp(bc_setting_at(i)->section, section) == 0 && used < sizeof(keys))
                        used += (size_t)snprintf(keys + used, sizeof(keys) - used, "%s%s", used ? ", " : "",
                                                 bc_setting_at(i)->key);
        complain(loader, "%s:%u: [%s] %s: unknown key; allowed: %s", loader->file, loader->line, section, key, keys);
}

static void complain_unknown_section(struct loader *loader, const char *section, size_t length)
{
        char names[300] = "";
        size_t used = 0;

        for (size_t i = 0; i < bc_setting_count(); i++)
                if ((i == 0 || strcmp(bc_setting_at(i)->section, bc_setting_at(i - 1)->section) != 0) &&
                    used < sizeof(names))
                        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
                                                 bc_setting_at(i)->section);
        complain(loader, "%s:%u: [%.*s]: unknown section; allowed: %s", loader->file, loader->line,
                 (int)(length < 60 ? length : 60), section, names);
}

// ---- one file ------------------------------------------------------------------------------------------------

static int on_key(void *user, const char *section, const char *key, const char *value)
{
        struct loader *loader = user;
        const struct bc_setting *setting;
        size_t number;
        int r;

        loader->came_back = true;
        if (section[0] == 0) {
                complain(loader, "%s:%u: %s: stands before the first [section]", loader->file, loader->line, key);
                return 1;
        }
        if (!loader->section_known)
                return 1; // told at the section
        setting = bc_setting_find(section, key, &number);
        if (!setting) {
                complain_unknown_key(loader, section, key);
                return 1;
        }
        if (loader->seen_at[number] > 0) {
                complain(loader, "%s:%u: [%s] %s: stands in line %u already; allowed: once in a file", loader->file,
                         loader->line, section, key, loader->seen_at[number]);
                return 1;
        }
        loader->seen_at[number] = loader->line;
        r = bc_setting_parse(setting, value, &loader->settings);
        loader->wrong[number] = r < 0;
        if (r < 0)
                complain_key(loader, setting, value, r);
        free(loader->places->key[number].file);
        loader->places->key[number].file = strdup(loader->file);
        loader->places->key[number].line = loader->line;
        if (!loader->places->key[number].file)
                complain(loader, "%s:%u: out of memory", loader->file, loader->line);
        return 1;
}

// A section's line is judged here: the parser says nothing of a section without keys or of what follows its ].
static void take_section(struct loader *loader, const char *text, size_t length)
{
        const char *close = memchr(text, ']', length);
        const char *rest = close ? close + 1 : NULL;
        char name[64];

        loader->section_known = false;
        while (rest && rest < text + length && (*rest == ' ' || *rest == '\t'))
                rest++;
        if (!rest || (rest < text + length && *rest != ';' && *rest != '#')) {
                complain(loader, "%s:%u: not a section; allowed: [name]", loader->file, loader->line);
                return;
        }
        length = (size_t)(close - text) - 1;
        if (length < sizeof(name)) {
                memcpy(name, text + 1, length);
                name[length] = 0;
                loader->section_known = bc_setting_has_section(name);
        }
        if (!loader->section_known)
                complain_unknown_section(loader, text + 1, length);
}

// Why a line cannot be handed on; NULL: it can.
static const char *unfit(const char *text, size_t length, int room)
{
        if (memchr(text, 0, length))
                return "holds a NUL byte";
        for (size_t i = 0; i < length; i++)
                if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
                        return "holds a control character";
        return room < 4 || length > (size_t)room - 3 ? "is too long" : NULL;
}

// What the line before owed: the parser keeps silent about lines that are no key.
static void settle_line(struct loader *loader)
{
        if (loader->owes_key && !loader->came_back)
                complain(loader, "%s:%u: not understood; allowed: key = value, [section], or a comment after ; or #",
                         loader->file, loader->line);
        loader->owes_key = loader->came_back = false;
}

// Hands the parser one line at a time, so that each has its number and none is cut or joined in silence. A line that
// is judged here is handed on as an empty one.
static char *read_line(char *to, int room, void *user)
{
        struct loader *loader = user;
        const char *text = loader->next, *newline, *why;
        size_t length;

        settle_line(loader);
        if (text >= loader->end)
                return NULL;
        newline = memchr(text, '\n', (size_t)(loader->end - text));
        length = (size_t)((newline ? newline : loader->end) - text);
        loader->next = newline ? newline + 1 : loader->end;
        loader->line++;
        if (length > 0 && text[length - 1] == '\r')
                length--;
        // No leading blanks: the parser would take the line for the rest of the one before.
        while (length > 0 && (*text == ' ' || *text == '\t')) {
                text++;
                length--;
        }
        why = unfit(text, length, room);
        if (why) {
                complain(loader, "%s:%u: the line %s; allowed: at most %d characters of text", loader->file,
                         loader->line, why, room - 3);
                length = 0;
        }
        if (length > 0 && text[0] == '[')
                take_section(loader, text, length);
        loader->owes_key = length > 0 && !strchr("[;#", text[0]);
        memcpy(to, text, length);
        memcpy(to + length, "\n", 2);
        return to;
}

static void read_text(struct loader *loader, const char *file, const char *text, size_t size)
{
        if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
                text += 3;
                size -= 3;
        }
        loader->file = file;
        loader->next = text;
        loader->end = text + size;
        loader->line = 0;
        loader->section_known = false;
        memset(loader->seen_at, 0, sizeof(loader->seen_at));
        // Its result tells of the first bad line only; all of them were told by now.
        (void)ini_parse_stream(read_line, loader, on_key, loader);
}

static void read_file(struct loader *loader, int folder_fd, const char *name, const char *file)
{
        BC_CLEANUP(bc_cleanup_memory) char *text = NULL;
        size_t size = 0;
        int r = bc_file_load(folder_fd, name, BC_SETTINGS_FILE_BYTES_MAX, &text, &size);

        loader->unread |= r < 0;
        if (r == -EFBIG)
                complain(loader, "%s: larger than %d bytes", file, BC_SETTINGS_FILE_BYTES_MAX);
        else if (r == -EINVAL)
                complain(loader, "%s: not a regular file", file);
        else if (r == -ELOOP)
                complain(loader, "%s: is a symbolic link, which is not followed", file);
        else if (r < 0)
                complain(loader, "%s: cannot be read: %s", file, strerror(-r));
        else
                read_text(loader, file, text, size);
}

// ---- drop-ins ------------------------------------------------------------------------------------------------

static int is_drop_in(const struct dirent *entry)
{
        size_t length = strlen(entry->d_name);

        return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static void free_names(struct dirent ***names)
{
        for (size_t i = 0; *names && (*names)[i]; i++)
                free((*names)[i]);
        free(*names);
}

static void read_drop_ins(struct loader *loader, const char *path)
{
        BC_CLEANUP(free_names) struct dirent **names = NULL;
        struct dirent **found = NULL;
        char folder[PATH_BYTES], file[PATH_BYTES + 300];
        int count;

        if (snprintf(folder, sizeof(folder), "%s.d", path) >= (int)sizeof(folder)) {
                complain(loader, "%.100s...: the path is too long", path);
                return;
        }
        count = scandir(folder, &found, is_drop_in, by_bytes);
        if (count < 0) {
                loader->unread |= errno != ENOENT;
                if (errno != ENOENT)
                        complain(loader, "%s: cannot be read: %s", folder, strerror(errno));
                return;
        }
        names = calloc((size_t)count + 1, sizeof(*names));
        for (int i = 0; i < count; i++)
                if (names)
                        names[i] = found[i];
                else
                        free(found[i]);
        free(found);
        if (!names) {
                complain(loader, "%s: out of memory", folder);
                return;
        }
        if (count > BC_SETTINGS_DROP_INS_MAX) {
                complain(loader, "%s: holds %d files; allowed: at most %d", folder, count, BC_SETTINGS_DROP_INS_MAX);
                return;
        }
        for (int i = 0; i < count; i++) {
                snprintf(file, sizeof(file), "%s/%s", folder, names[i]->d_name);
                read_file(loader, AT_FDCWD, file, file);
        }
}

// ---- what must hold between keys -----------------------------------------------------------------------------

// Says where a key got the value it has.
static const char *place(const struct bc_settings_places *places, const char *section, const char *key, char *text,
                         size_t bytes)
{
        size_t number;

        if (!places || !bc_setting_find(section, key, &number) || !places->key[number].file)
                snprintf(text, bytes, "(built in)");
        else
                snprintf(text, bytes, "%s:%u", places->key[number].file, places->key[number].line);
        return text;
}

void bc_settings_tell(const struct bc_settings *settings, const char *section, const char *key, char *text,
                      size_t text_bytes)
{
        char where[PATH_BYTES], value[BC_SETTING_VALUE_BYTES] = "";
        size_t number;
        const struct bc_setting *setting = bc_setting_find(section, key, &number);

        if (setting)
                bc_setting_format(setting, settings, value);
        snprintf(text, text_bytes, "%s: [%s] %s = %s", place(settings->places, section, key, where, sizeof(where)),
                 section, key, value);
}

static void check_required(struct loader *loader, const char *path)
{
        for (size_t i = 0; i < bc_setting_count(); i++) {
                const struct bc_setting *setting = bc_setting_at(i);
                char allowed[160];
                if (!setting->required || loader->places->key[i].file)
                        continue;
                bc_setting_allowed(setting, allowed, sizeof(allowed));
                complain(loader, "%s: [%s] %s: missing; allowed: %s", path, setting->section, setting->key, allowed);
        }
}

static bool is_wrong(const struct loader *loader, const char *section, const char *key)
{
        size_t number;

        return bc_setting_find(section, key, &number) && loader->wrong[number];
}

static void check_clips(struct loader *loader)
{
        const struct bc_settings *s = &loader->settings;
        char where[PATH_BYTES];

        if (is_wrong(loader, "camera", "driver") || is_wrong(loader, "camera", "file"))
                return;
        if (s->camera_driver == BC_CAMERA_FILE && !s->camera_file[0])
                complain(loader, "%s: [camera] driver = file: [camera] file is missing; allowed: an absolute path",
                         place(loader->places, "camera", "driver", where, sizeof(where)));
        if (is_wrong(loader, "microphone", "driver") || is_wrong(loader, "microphone", "file"))
                return;
        if (s->mic_driver == BC_MIC_FILE && !s->mic_file[0] && s->camera_driver != BC_CAMERA_FILE)
                complain(loader, "%s: [microphone] driver = file: [microphone] file is missing, and the camera has no "
                                 "clip; allowed: an absolute path",
                         place(loader->places, "microphone", "driver", where, sizeof(where)));
}

static void check_clock(struct loader *loader)
{
        const struct bc_settings *s = &loader->settings;
        char where[PATH_BYTES];

        if (s->clock_mode == BC_CLOCK_SIMULATED && !s->simulation && !is_wrong(loader, "clock", "mode") &&
            !is_wrong(loader, "simulation", "enabled"))
                complain(loader, "%s: [clock] mode = simulated: only with [simulation] enabled = yes",
                         place(loader->places, "clock", "mode", where, sizeof(where)));
        if (s->clock_mode == BC_CLOCK_SIMULATED && s->utc_driver != BC_UTC_SIMULATED && !is_wrong(loader, "clock", "mode") &&
            !is_wrong(loader, "utc", "driver"))
                complain(loader, "%s: [clock] mode = simulated: only with [utc] driver = simulated",
                         place(loader->places, "clock", "mode", where, sizeof(where)));
}

static void check_telemetry(struct loader *loader)
{
        const struct bc_settings *s = &loader->settings;
        char where[PATH_BYTES];

        if (s->gnss_driver == BC_GNSS_NMEA && !s->gnss_file[0] && !is_wrong(loader, "gnss", "driver") &&
            !is_wrong(loader, "gnss", "file"))
                complain(loader, "%s: [gnss] driver = nmea: [gnss] file is missing; allowed: an absolute path",
                         place(loader->places, "gnss", "driver", where, sizeof(where)));
        if (s->overlay_contents && !s->overlay_font[0] && !is_wrong(loader, "overlay", "contents") &&
            !is_wrong(loader, "overlay", "font"))
                complain(loader, "%s: [overlay] font is missing; allowed: an absolute path, or no [overlay] contents",
                         place(loader->places, "overlay", "font", where, sizeof(where)));
}

// A segment stays below 4 GiB, with room for what rate control overshoots and for its index.
static void check_segment(struct loader *loader)
{
        const struct bc_settings *s = &loader->settings;
        char where[PATH_BYTES];

        if (is_wrong(loader, "recording", "segment") || is_wrong(loader, "video", "bit_rate") ||
            is_wrong(loader, "sound", "bit_rate"))
                return;
        int64_t rate_bps = s->video_bit_rate_bps + s->sound_bit_rate_bps;
        int64_t longest_s = (INT64_C(1) << 32) * 8 * 9 / 10 / rate_bps;
        if (s->segment_ns / BC_NS_PER_S > longest_s)
                complain(loader, "%s: [recording] segment: a file would pass 4 GiB at these bit rates; allowed: at most "
                                 "%lld s", place(loader->places, "recording", "segment", where, sizeof(where)),
                         (long long)longest_s);
}

static void complain_at(struct loader *loader, const char *section, const char *key, const char *why)
{
        char text[PATH_BYTES + BC_SETTING_VALUE_BYTES + 100];

        loader->settings.places = loader->places;
        bc_settings_tell(&loader->settings, section, key, text, sizeof(text));
        loader->settings.places = NULL;
        complain(loader, "%s: %s", text, why);
}

// What contradicts itself, or leaves nobody who could do what must be done.
static void check_policy(struct loader *loader)
{
        const struct bc_settings *s = &loader->settings;

        if (s->activation == BC_ACTIVATION_CONTROL_ROOM && s->bus == BC_BUS_NONE && !is_wrong(loader, "dbus", "bus"))
                complain_at(loader, "policy", "activation", "no command gets here with [dbus] bus = none: nobody could start "
                                                            "a recording");
        if (s->mute && s->mute_limit_ns == 0 && s->activation == BC_ACTIVATION_ALWAYS_ON)
                complain_at(loader, "policy", "mute_limit", "a mute could last from boot to dock with [policy] activation = "
                                                            "always-on");
        if (s->mute && s->mic_driver == BC_MIC_NONE && !is_wrong(loader, "microphone", "driver"))
                complain_at(loader, "policy", "mute", "there is nothing to mute with [microphone] driver = none");
}

// A hold that could never end, an emergency that nobody could.
static void check_buttons(struct loader *loader)
{
        const struct bc_settings *s = &loader->settings;
        char why[120];

        snprintf(why, sizeof(why), "could never end: a button that is held for %lld s is stuck",
                 (long long)(BC_GRAMMAR_STUCK_NS / BC_NS_PER_S));
        if (s->stop_hold_ns >= BC_GRAMMAR_STUCK_NS)
                complain_at(loader, "buttons", "stop_hold", why);
        snprintf(why, sizeof(why), "could never end: a button that is held for %lld s is stuck, and there are %lld s to let go in",
                 (long long)(BC_GRAMMAR_STUCK_NS / BC_NS_PER_S), (long long)(BC_GRAMMAR_LET_GO_NS / BC_NS_PER_S));
        if (s->emergency_release &&
            BC_GRAMMAR_TOGETHER_NS + s->release_hold_ns + BC_GRAMMAR_LET_GO_NS >= BC_GRAMMAR_STUCK_NS)
                complain_at(loader, "buttons", "release_hold", why);
        if (!s->emergency_release && s->bus == BC_BUS_NONE && !is_wrong(loader, "dbus", "bus"))
                complain_at(loader, "buttons", "emergency_release", "no command gets here with [dbus] bus = none: only the "
                                                                    "dock could end an emergency");
}

static void on_wrong_pattern(void *user, enum bc_signal signal, const char *why)
{
        struct loader *loader = user;
        enum bc_scheme scheme = (enum bc_scheme)loader->settings.indicator_scheme;
        char text[400];

        if (loader->settings.pattern[signal][0]) {
                complain_at(loader, "pattern", bc_signal_name(signal), why);
                return;
        }
        // The scheme's own are good where all outputs are.
        snprintf(text, sizeof(text), "\"%s\" of scheme %s, \"%.100s\", %s; [pattern] %s may have another one",
                 bc_signal_name(signal), bc_scheme_name(scheme), bc_signal_pattern(signal, scheme), why,
                 bc_signal_name(signal));
        complain_at(loader, "indicator", "outputs", text);
}

static void check_patterns(struct loader *loader)
{
        const struct bc_settings *s = &loader->settings;
        struct bc_pattern patterns[BC_SIGNAL_COUNT];

        if (!is_wrong(loader, "indicator", "scheme") && !is_wrong(loader, "indicator", "outputs"))
                (void)bc_signal_patterns((enum bc_scheme)s->indicator_scheme, s->pattern, (uint32_t)s->indicator_outputs,
                                         on_wrong_pattern, loader, patterns);
}

static void set_fallbacks(struct bc_settings *settings)
{
        for (size_t i = 0; i < bc_setting_count(); i++)
                // Cannot fail: a test parses every row's.
                (void)bc_setting_parse(bc_setting_at(i), bc_setting_at(i)->fallback, settings);
}

int bc_settings_load(const char *path, const struct bc_settings_sink *sink, struct bc_settings *ret_settings)
{
        BC_CLEANUP(free_loader) struct loader *loader = calloc(1, sizeof(*loader));

        if (loader)
                loader->places = calloc(1, sizeof(*loader->places));
        if (!loader || !loader->places) {
                sink->on_error(sink->user, "out of memory");
                return -EINVAL;
        }
        loader->sink = sink;
        set_fallbacks(&loader->settings);
        if (path) {
                read_file(loader, AT_FDCWD, path, path);
                read_drop_ins(loader, path);
                if (!loader->unread)
                        check_required(loader, path);
                check_clips(loader);
                check_clock(loader);
                check_telemetry(loader);
                check_segment(loader);
                check_policy(loader);
                check_buttons(loader);
                check_patterns(loader);
        }
        if (loader->errors > 0)
                return -EINVAL;
        loader->settings.places = BC_TAKE(loader->places);
        *ret_settings = loader->settings;
        return 0;
}

void bc_settings_done(struct bc_settings *settings)
{
        free_places(BC_TAKE(settings->places));
}
