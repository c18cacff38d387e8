// SPDX-License-Identifier: EUPL-1.2
#include "evidence/news.h"

#include "format/text.h"

static int64_t known(int64_t value, int64_t unknown)
{
        return value == unknown ? BC_RECORD_UNKNOWN : value;
}

// ---- what can be stated (docs/formats/record.md, 5) --------------------------------------------------------------

static bool gap_is_lawful(const struct bc_manifest_gap *gap)
{
        return (unsigned)gap->kind < BC_RECORD_GAP_KINDS && gap->from_ticks >= 0 && gap->count <= INT64_MAX &&
               (gap->to_ticks == BC_TICKS_UNKNOWN || gap->to_ticks >= gap->from_ticks);
}

static bool clock_is_lawful(const struct bc_manifest_clock *clock)
{
        bool set = clock->source != BC_UTC_NONE;

        return clock->from_ticks >= 0 && (unsigned)clock->source <= BC_RECORD_SOURCE_MAX &&
               (!set || (clock->utc_ns >= 0 && clock->uncertainty_ns >= 0));
}

size_t bc_news_sift(struct bc_manifest *manifest)
{
        const size_t before = manifest->gaps + manifest->clocks + manifest->marks;
        size_t gaps = 0, clocks = 0, marks = 0;

        for (size_t i = 0; i < manifest->gaps; i++)
                if (gap_is_lawful(&manifest->gap[i]))
                        manifest->gap[gaps++] = manifest->gap[i];
        for (size_t i = 0; i < manifest->clocks; i++)
                if (clock_is_lawful(&manifest->clock[i]))
                        manifest->clock[clocks++] = manifest->clock[i];
        for (size_t i = 0; i < manifest->marks; i++)
                if (manifest->mark[i].ticks >= 0)
                        manifest->mark[marks++] = manifest->mark[i];
        manifest->gaps = gaps;
        manifest->clocks = clocks;
        manifest->marks = marks;
        return before - gaps - clocks - marks;
}

// ---- asking ----------------------------------------------------------------------------------------------------

bool bc_news_waits(const struct bc_manifest *manifest)
{
        for (size_t i = 0; i < manifest->gaps; i++)
                if (manifest->gap[i].statement != BC_STATEMENT_STATED)
                        return true;
        for (size_t i = 0; i < manifest->clocks; i++)
                if (manifest->clock[i].statement != BC_STATEMENT_STATED)
                        return true;
        for (size_t i = 0; i < manifest->marks; i++)
                if (manifest->mark[i].statement != BC_STATEMENT_STATED)
                        return true;
        return false;
}

static bool ask_gaps(struct bc_manifest *manifest, struct bc_record *record)
{
        for (size_t i = 0; i < manifest->gaps; i++) {
                struct bc_manifest_gap *gap = &manifest->gap[i];

                if (gap->statement == BC_STATEMENT_STATED)
                        continue;
                if (record->gaps == BC_RECORD_GAPS_MAX)
                        return true;
                record->gap[record->gaps++] = (struct bc_record_gap){
                        .kind = (uint32_t)gap->kind + 1,
                        .from_ticks = gap->from_ticks,
                        .to_ticks = known(gap->to_ticks, BC_TICKS_UNKNOWN),
                        .count = gap->count > 0 ? gap->count : 1,
                };
                gap->statement = BC_STATEMENT_ASKED;
        }
        return false;
}

static bool ask_clock(struct bc_manifest *manifest, struct bc_record *record)
{
        for (size_t i = 0; i < manifest->clocks; i++) {
                struct bc_manifest_clock *clock = &manifest->clock[i];
                bool set = clock->source != BC_UTC_NONE;

                if (clock->statement == BC_STATEMENT_STATED)
                        continue;
                if (record->clocks == BC_RECORD_CLOCKS_MAX)
                        return true;
                record->clock[record->clocks++] = (struct bc_record_clock){
                        .from_ticks = clock->from_ticks,
                        .source = clock->source,
                        .utc_ns = set ? clock->utc_ns : BC_RECORD_UNKNOWN,
                        .uncertainty_ns = set ? clock->uncertainty_ns : BC_RECORD_UNKNOWN,
                        .step_ns = set ? known(clock->step_ns, BC_STEP_UNKNOWN) : BC_RECORD_UNKNOWN,
                };
                clock->statement = BC_STATEMENT_ASKED;
        }
        return false;
}

static bool ask_marks(struct bc_manifest *manifest, struct bc_record *record)
{
        for (size_t i = 0; i < manifest->marks; i++) {
                struct bc_manifest_mark *mark = &manifest->mark[i];
                struct bc_record_mark *asked = &record->mark[record->marks];

                if (mark->statement == BC_STATEMENT_STATED)
                        continue;
                if (record->marks == BC_RECORD_MARKS_MAX)
                        return true;
                asked->ticks = mark->ticks;
                (void)bc_text_clean(mark->text, asked->text, sizeof(asked->text));
                record->marks++;
                mark->statement = BC_STATEMENT_ASKED;
        }
        return false;
}

bool bc_news_ask(struct bc_manifest *manifest, struct bc_record *record)
{
        bool more = false;

        record->gaps = record->clocks = record->marks = 0;
        more |= ask_gaps(manifest, record);
        more |= ask_clock(manifest, record);
        more |= ask_marks(manifest, record);
        return more;
}

// What changed while the record was under way is news already.
static void settle(enum bc_statement *statement, bool durable)
{
        if (*statement == BC_STATEMENT_ASKED)
                *statement = durable ? BC_STATEMENT_STATED : BC_STATEMENT_NEW;
}

void bc_news_settle(struct bc_manifest *manifest, bool durable)
{
        for (size_t i = 0; i < manifest->gaps; i++)
                settle(&manifest->gap[i].statement, durable);
        for (size_t i = 0; i < manifest->clocks; i++)
                settle(&manifest->clock[i].statement, durable);
        for (size_t i = 0; i < manifest->marks; i++)
                settle(&manifest->mark[i].statement, durable);
}

size_t bc_news_unstated_marks(const struct bc_manifest *manifest)
{
        size_t count = 0;

        for (size_t i = 0; i < manifest->marks; i++)
                count += manifest->mark[i].statement != BC_STATEMENT_STATED;
        return count;
}
