// SPDX-License-Identifier: EUPL-1.2
#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/utc.h"
#include "bodycam/time.h"
#include "bodycam/wall.h"
#include "catalog.h"
#include "evidence/entry.h"
#include "evidence/ledger_file.h"
#include "evidence/manifest.h"
#include "format/cbor.h"
#include "text.h"

#define FIELDS_MAX 7
#define TICKS_MAX (INT64_MAX / 125000 - 1) // that are no more ns than there are
#define WORDS_BYTES 1120

// How a value is told to people; JSON has it as it is.
enum telling {
        AS_IT_IS,
        JSON_ONLY,
        AS_UTC,    // ns since 1970
        AS_SPAN,   // ns
        AS_TICKS,  // of media time: seconds since boot, as the column has them
        AS_SOURCE, // of a clock
        AS_RESET,
        AS_MEDIUM, // of the anchor
        AS_GAP,
        AS_EVENT,
};

// The words of docs/formats/ledger.md, 3.
static const struct {
        const char *name;
        struct {
                const char *name;
                enum telling telling;
        } field[FIELDS_MAX];
} kinds[BC_ENTRY_KINDS] = {
        [BC_ENTRY_START] = { "start",
                             { { "clean" },
                               { "reset", AS_RESET },
                               { "boot_id", JSON_ONLY },
                               { "last_ns", JSON_ONLY },
                               { "percent" },
                               { "anchor", AS_MEDIUM } } },
        [BC_ENTRY_STOP] = { "stop", { { "reason" } } },
        [BC_ENTRY_LIFE] = { "alive", { { "state" } } },
        [BC_ENTRY_STATE] = { "state", { { "from" }, { "to" }, { "event" }, { "by" } } },
        [BC_ENTRY_BEGINNING] = { "begun", { { "recording" }, { "press", AS_TICKS } } },
        [BC_ENTRY_CLOSING] = { "closed", { { "recording" }, { "segments" }, { "hash", JSON_ONLY } } },
        [BC_ENTRY_RECOVERY] = { "recovered", { { "recording" }, { "segment" }, { "hash", JSON_ONLY } } },
        [BC_ENTRY_GIVING_UP] = { "given up", { { "recording" }, { "reason" } } },
        [BC_ENTRY_GAP] = { "gap", { { "recording" }, { "kind", AS_GAP }, { "from", AS_TICKS }, { "to", AS_TICKS } } },
        [BC_ENTRY_MUTE] = { "mute", { { "on" }, { "by" } } },
        [BC_ENTRY_STEALTH] = { "stealth", { { "on" }, { "by" } } },
        [BC_ENTRY_CLOCK] = { "clock", { { "source", AS_SOURCE }, { "utc_ns", AS_UTC }, { "step_ns", AS_SPAN } } },
        [BC_ENTRY_SETTINGS] = { "settings", { { "sha256" } } },
        [BC_ENTRY_ALARM] = { "alarm", { { "text" } } },
        [BC_ENTRY_ROLLBACK] = { "rollback",
                                { { "ledger" }, { "ledger_hash", JSON_ONLY }, { "anchor" }, { "anchor_hash", JSON_ONLY } } },
        [BC_ENTRY_KEY] = { "key", { { "x5t" } } },
        [BC_ENTRY_FLOOD] = { "flood", { { "event", AS_EVENT }, { "count" } } },
        [BC_ENTRY_NONCE] = { "nonce", { { "value" } } },
        [BC_ENTRY_BREAK] = { "broke off",
                             { { "recording" },
                               { "segment" },
                               { "hash", JSON_ONLY },
                               { "medium", AS_MEDIUM },
                               { "age_ns", JSON_ONLY },
                               { "tail_bytes" },
                               { "tail_sha256", JSON_ONLY } } },
        [BC_ENTRY_MARK] = { "mark", { { "recording" }, { "at", AS_TICKS }, { "count" } } },
        [BC_ENTRY_NOTHING] = { "nothing",
                               { { "recording" },
                                 { "medium", AS_MEDIUM },
                                 { "named" },
                                 { "tail_bytes" },
                                 { "tail_sha256", JSON_ONLY } } },
};

struct show {
        bool json;
        size_t rows;
        struct bc_record record;
        struct bc_record_message message;
};

static const char *word(const char *const *words, size_t count, int64_t number)
{
        return number >= 0 && (size_t)number < count ? words[number] : NULL;
}

#define WORD(words, number) word(words, sizeof(words) / sizeof(words[0]), number)

// NULL: as it is.
static const char *name_of(enum telling telling, int64_t number)
{
        static const char *const resets[] = { "not known", "power", "watchdog", "software" };
        static const char *const media[] = { "none", "a file on another medium", "a file beside the store", "a TPM",
                                             "a file on another medium and a TPM", "a file beside the store and a TPM" };

        switch (telling) {
        case AS_SOURCE:
                return number >= 0 && number < BC_UTC_SOURCES ? bc_utc_source_name((enum bc_utc_source)number) : NULL;
        case AS_RESET:
                return WORD(resets, number);
        case AS_MEDIUM:
                return WORD(media, number);
        case AS_GAP:
                return number >= 1 && number <= BC_GAP_KINDS ? bc_gap_kind_name((enum bc_gap_kind)(number - 1)) : NULL;
        case AS_EVENT:
                return number >= 1 && number < BC_ENTRY_KINDS ? kinds[number].name : NULL;
        default:
                return NULL;
        }
}

static void tell_number(enum telling telling, int64_t number, char *text, size_t text_bytes)
{
        const char *name = name_of(telling, number);
        const bool far = telling == AS_TICKS && (number < 0 || number > TICKS_MAX);
        int64_t ns = telling == AS_TICKS && !far ? bc_ns_from_ticks(number) : number;
        uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

        if (name)
                snprintf(text, text_bytes, "%s", name);
        else if (telling == AS_UTC && text_bytes >= BC_UTC_TEXT_BYTES && bc_utc_format(number, text) == 0)
                return;
        else if (telling == AS_SPAN || (telling == AS_TICKS && !far))
                snprintf(text, text_bytes, "%s%" PRIu64 ".%03" PRIu64 " s", ns < 0 ? "-" : "", size / BC_NS_PER_S,
                         size % BC_NS_PER_S / BC_NS_PER_MS);
        else
                snprintf(text, text_bytes, "%" PRId64, number);
}

// One value as words, none for null, and as JSON.
static void read_value(struct bc_cbor_reader *reader, enum telling telling, char ret_text[WORDS_BYTES / FIELDS_MAX], json_t **ret_json)
{
        const size_t room = WORDS_BYTES / FIELDS_MAX;
        struct bc_cbor_item item = bc_cbor_get_plain(reader);
        char raw[WORDS_BYTES / FIELDS_MAX - 2] = "", tidy[sizeof(raw)];

        switch (item.type) {
        case BC_CBOR_INT:
                tell_number(telling, item.number, ret_text, room);
                *ret_json = json_integer(item.number);
                break;
        case BC_CBOR_BOOL:
                snprintf(ret_text, room, "%s", item.number ? "yes" : "no");
                *ret_json = json_boolean(item.number != 0);
                break;
        case BC_CBOR_TEXT:
                snprintf(raw, sizeof(raw), "%.*s", (int)(item.n < sizeof(raw) ? item.n : sizeof(raw) - 1),
                         (const char *)item.bytes);
                bc_text_tidy(raw, tidy, sizeof(tidy));
                snprintf(ret_text, room, "\"%s\"", tidy);
                *ret_json = bc_text_to_json(raw);
                break;
        case BC_CBOR_BYTES:
                for (size_t i = 0; i < item.n && 2 * i + 2 < sizeof(raw); i++)
                        snprintf(raw + 2 * i, 3, "%02x", (unsigned)item.bytes[i]);
                snprintf(ret_text, room, "%s", raw);
                *ret_json = json_string(raw);
                break;
        default:
                ret_text[0] = '\0';
                *ret_json = json_null();
                break;
        }
}

static void read_details(const struct bc_record_event *event, char ret_words[WORDS_BYTES], json_t *details)
{
        struct bc_cbor_reader reader = bc_cbor_reader_on(event->details.bytes, event->details.n);
        bool known = event->event > 0 && event->event < BC_ENTRY_KINDS;
        char text[WORDS_BYTES / FIELDS_MAX], number[24];
        size_t used = 0;
        int64_t key;

        ret_words[0] = '\0';
        bc_cbor_enter_map(&reader);
        while (bc_cbor_get_key(&reader, &key)) {
                const size_t field = known && key >= 1 && key <= FIELDS_MAX ? (size_t)key - 1 : FIELDS_MAX;
                const char *name = field < FIELDS_MAX ? kinds[event->event].field[field].name : NULL;
                const enum telling telling = name ? kinds[event->event].field[field].telling : AS_IT_IS;
                json_t *value = NULL;

                read_value(&reader, telling, text, &value);
                snprintf(number, sizeof(number), "%" PRId64, key);
                json_object_set_new(details, name ? name : number, value);
                if (telling == JSON_ONLY || !text[0])
                        continue;
                // "utc", "step": the unit is in the words.
                const int name_bytes = telling == AS_UTC || telling == AS_SPAN ? (int)strcspn(name, "_") : (int)strlen(name ? name : number);
                int n = snprintf(ret_words + used, WORDS_BYTES - used, " %.*s %s", name_bytes, name ? name : number, text);
                if (n < 0 || (size_t)n >= WORDS_BYTES - used)
                        return; // what has no room is cut
                used += (size_t)n;
        }
}

static void show_event(struct show *show, const struct bc_record_event *event)
{
        const struct bc_record *record = &show->record;
        bool known = event->event > 0 && event->event < BC_ENTRY_KINDS;
        char words[WORDS_BYTES], utc[BC_UTC_TEXT_BYTES] = "", name[24];
        int64_t since_ns, utc_ns = 0;
        json_t *details = json_object();

        if (known)
                snprintf(name, sizeof(name), "%s", kinds[event->event].name);
        else
                snprintf(name, sizeof(name), "event %u", event->event);
        bool timed = record->utc.source != 0 && !__builtin_sub_overflow(event->time_ns, record->signed_ns, &since_ns) &&
                     !__builtin_add_overflow(record->utc.utc_ns, since_ns, &utc_ns) && bc_utc_format(utc_ns, utc) == 0;
        read_details(event, words, details);
        if (show->json) {
                json_t *row = json_pack("{s:I,s:I,s:I,s:I,s:o,s:s,s:o}", "epoch", (json_int_t)record->epoch, "boot",
                                        (json_int_t)record->boot, "record", (json_int_t)record->ledger, "boot_ns",
                                        (json_int_t)event->time_ns, "utc", timed ? json_string(utc) : json_null(), "event",
                                        name, "details", details);
                fputs(show->rows++ ? "," : "", stdout);
                bc_text_put_json(row);
                json_decref(row);
                return;
        }
        printf("%6" PRIu64 " %-20s %4" PRIu64 " %8" PRId64 ".%03" PRId64 " %s%s\n", record->ledger,
               timed ? utc : "time not known", record->boot, event->time_ns / BC_NS_PER_S,
               event->time_ns % BC_NS_PER_S / BC_NS_PER_MS, name, words);
        show->rows++;
        json_decref(details);
}

// true: it could be read to its end.
static bool show_file(struct show *show, int folder_fd, const char *name)
{
        BC_CLEANUP(bc_cleanup_memory) char *bytes = NULL;
        size_t size = 0, at = 0;
        int r = bc_file_load(folder_fd, name, BC_LEDGER_LOAD_BYTES_MAX, &bytes, &size);

        if (r < 0) {
                bc_client_warn("ledger/%s: %s", name, strerror(-r));
                return false;
        }
        while (at < size) {
                const uint8_t *box_bytes = (const uint8_t *)bytes + at;
                struct bc_box box;

                if (bc_box_parse(box_bytes, size - at, size - at, &box) < 0 ||
                    bc_record_parse(box_bytes, (size_t)box.bytes, &show->record, &show->message, NULL, 0, NULL) < 0 ||
                    show->record.kind != BC_RECORD_LEDGER)
                        break;
                for (size_t i = 0; i < show->record.events; i++)
                        show_event(show, &show->record.event[i]);
                at += (size_t)box.bytes;
        }
        if (at < size)
                bc_client_warn("ledger/%s: from byte %zu on it is no record, as a power cut leaves it", name, at);
        return true;
}

static enum bc_ctl_exit show_folder(struct bc_request *request, const char *store, int folder_fd)
{
        BC_CLEANUP(bc_cleanup_memory) struct show *show = calloc(1, sizeof(*show));
        BC_CLEANUP(bc_ledger_names_done) struct bc_ledger_names names = { 0 };
        bool whole = true;

        if (!show)
                return bc_client_complain(&request->client, BC_CTL_REFUSED, "%s", strerror(ENOMEM));
        show->json = request->client.json;
        int r = bc_ledger_names_list(folder_fd, &names);
        if (r < 0)
                return bc_client_complain(&request->client, BC_CTL_REFUSED, "%s/ledger: %s", store, strerror(-r));
        if (show->json)
                fputs("{\"entries\":[", stdout);
        else
                printf("%6s %-20s %4s %12s %s\n", "RECORD", "TIME (UTC)", "BOOT", "SINCE BOOT", "EVENT");
        for (size_t i = names.count; i-- > 0;) // the oldest first
                whole &= show_file(show, folder_fd, names.name[i].text);
        if (show->json)
                puts("]}");
        return whole ? BC_CTL_DONE : BC_CTL_REFUSED;
}

enum bc_ctl_exit bc_ledger_show(struct bc_request *request)
{
        struct bc_catalog catalog;
        enum bc_ctl_exit status = bc_catalog_open(request, &catalog);

        if (status != BC_CTL_DONE)
                return status;
        BC_CLEANUP(bc_cleanup_fd)
        int fd = openat(catalog.recordings_fd, "../ledger", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                status = bc_client_complain(&request->client, BC_CTL_REFUSED, "%s/ledger: %s", catalog.store,
                                            strerror(errno));
        else
                status = show_folder(request, catalog.store, fd);
        bc_catalog_close(&catalog);
        return status;
}
