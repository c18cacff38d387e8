// SPDX-License-Identifier: EUPL-1.2
#include "evidence/recording.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/pulse.h"
#include "evidence/announce.h"
#include "evidence/declare.h"
#include "evidence/describe.h"
#include "evidence/inventory.h"
#include "evidence/place.h"

// A segment ends early at a key frame when it comes this close to the 4 GiB that its boxes can count.
#define SEGMENT_BYTES_ENOUGH (BC_SEGMENT_BYTES_MAX / 4 * 3)

_Static_assert(BC_SEALING_SEGMENTS_MAX == (BC_ATTEST_ENDED_MAX + 1) * (BC_RECORDER_CLOSING_MAX + 1),
               "a sealer for each segment that can be open");

// ---- beginning -----------------------------------------------------------------------------------------------

void bc_recording_init(struct bc_recording *recording, struct bc_ring *ring, struct bc_store *store,
                       const struct bc_stream *stream, const struct bc_recorder_config *config,
                       struct bc_fragment_buffer *buffer, struct bc_sealing *sealing, int64_t press_ns, const char *reason)
{
        struct bc_manifest *manifest = &recording->manifest;

        *recording = (struct bc_recording){
                .ring = ring,
                .store = store,
                .stream = stream,
                .config = config,
                .buffer = buffer,
                .sealing = sealing,
                .folder_fd = -1,
                .press_ns = press_ns,
                .sound_from_ns = config->pre_event_sound ? 0 : press_ns,
                .first_ns = -1,
                .durable_ns = -1,
                .last_picture_ns = -1,
                .number = 1,
        };
        bc_attest_init(&recording->attest, config->attestation, ring);
        bc_manifest_init(manifest);
        manifest->sealed = sealing;
        snprintf(manifest->device, sizeof(manifest->device), "%s", bc_store_device_id(store));
        snprintf(manifest->reason, sizeof(manifest->reason), "%s", reason);
        bc_describe_boot(manifest->boot_id);
        manifest->press_ticks = bc_ticks_from_ns(press_ns);
        manifest->pre_event_ticks = bc_ticks_from_ns(config->pre_event_ns);
}

void bc_recording_done(struct bc_recording *recording)
{
        BC_IN_DEVICE;

        bc_attest_done(&recording->attest);
        if (recording->segment_begun)
                bc_segment_done(&recording->segment);
        recording->segment_begun = false;
        bc_cleanup_fd(&recording->folder_fd);
        recording->folder_fd = -1;
        bc_manifest_done(&recording->manifest);
}

static int begin(struct bc_recording *recording)
{
        int r = bc_store_begin(recording->store, &recording->manifest.counter, &recording->folder_fd);

        if (r < 0)
                return r;
        bc_announce_begun(recording);
        recording->manifest_stale = true;
        recording->stage = recording->first_ns >= 0 ? BC_STAGE_WRITE : BC_STAGE_CLOSE;
        return 0;
}

static int save_manifest(struct bc_recording *recording)
{
        int r;

        if (!recording->manifest_stale)
                return 0;
        r = bc_manifest_save(&recording->manifest, recording->folder_fd);
        if (r == 0)
                recording->manifest_stale = false;
        return r;
}

// ---- segments ------------------------------------------------------------------------------------------------

// To the tick, as units of sound lie: one that starts at the very tick is in.
static int64_t sound_from(const struct bc_recording *recording)
{
        int64_t from_ns = recording->sound_from_ns > recording->segment_from_ns ? recording->sound_from_ns :
                                                                                  recording->segment_from_ns;

        return bc_ns_from_ticks(bc_ticks_from_ns(from_ns));
}

// Sound lies on a grid of whole units since boot, so its first unit is known before it is there.
static int64_t next_sound_ticks(const struct bc_recording *recording)
{
        struct bc_unit unit;
        int64_t ticks = bc_ticks_from_ns(sound_from(recording));

        if (bc_ring_peek(recording->ring, &recording->cursor, BC_LANE_SOUND, 0, &unit) == 0 &&
            unit.time_ns >= sound_from(recording))
                return bc_ticks_from_ns(unit.time_ns);
        return (ticks + BC_SOUND_UNIT_SAMPLES - 1) / BC_SOUND_UNIT_SAMPLES * BC_SOUND_UNIT_SAMPLES;
}

static int make_segment(struct bc_recording *recording, const struct bc_init *init, int64_t first_picture_ns)
{
        char name[BC_SEGMENT_NAME_BYTES_MAX];
        struct bc_sealed_header about;
        int r;

        bc_segment_file_name(recording->number, recording->sealing, name);
        r = bc_segment_init(&recording->segment, recording->folder_fd, name, init);
        if (r < 0)
                return r;
        if (recording->sealing) {
                bc_describe_sealed(recording, &init->label, &about);
                r = bc_segment_seal(&recording->segment, recording->sealing, &about);
        }
        if (r == 0)
                r = bc_attest_begin(recording, first_picture_ns > recording->declared_ns ? bc_ticks_from_ns(recording->declared_ns) :
                                                                                           BC_RECORD_UNKNOWN);
        if (r < 0)
                bc_segment_done(&recording->segment);
        return r;
}

static int begin_segment(struct bc_recording *recording, int64_t first_picture_ns)
{
        struct bc_manifest_segment *entry;
        struct bc_init init;
        int r;

        for (int lane = 0; lane < BC_LANE_COUNT; lane++)
                recording->base_ticks[lane] = bc_ticks_from_ns(first_picture_ns);
        recording->base_ticks[BC_LANE_SOUND] = next_sound_ticks(recording);
        memset(recording->decode_ticks, 0, sizeof(recording->decode_ticks));
        bc_describe_segment(recording, &init);
        r = make_segment(recording, &init, first_picture_ns);
        if (r < 0)
                return r;
        entry = bc_manifest_add_segment(&recording->manifest, recording->number);
        if (!entry) {
                bc_segment_done(&recording->segment);
                bc_proof_done(&recording->attest.proof);
                return -ENOMEM;
        }
        entry->first_ticks = entry->end_ticks = recording->base_ticks[BC_LANE_PICTURE];
        entry->follows = recording->follows;
        entry->sealed = recording->sealing;
        recording->segment_begun = true;
        recording->manifest_stale = true;
        return 0;
}

static struct bc_manifest_segment *segment_entry(struct bc_recording *recording)
{
        return bc_manifest_find_segment(&recording->manifest, recording->number);
}

// Nothing of the segment is durable: it never was. Its number is free again, unless a file is in the way.
static void drop_segment(struct bc_recording *recording, int error)
{
        BC_IN_DEVICE;

        bc_attest_abandon(recording, error);
        if (error == -EEXIST || (recording->segment.fd >= 0 &&
                                 unlinkat(recording->folder_fd, recording->segment.name, 0) < 0)) {
                recording->number++;
                recording->file_left = true;
        }
        recording->manifest.segments--;
        bc_segment_done(&recording->segment);
        recording->segment_begun = false;
        recording->manifest_stale = true;
}

static int finalise_unsigned(struct bc_recording *recording, struct bc_manifest_segment *entry)
{
        int r = bc_segment_finalise(&recording->segment);

        if (r == 0) {
                entry->state = BC_SEGMENT_CLOSED;
                entry->bytes = bc_segment_file_bytes(&recording->segment);
        } else {
                // All its fragments are durable; the next start finalises it.
                bc_log_error("%s could not be finalised: %s", recording->segment.name, strerror(-r));
        }
        bc_segment_done(&recording->segment);
        return r;
}

// kind: whether the recording goes on.
static int end_segment(struct bc_recording *recording, enum bc_record_kind kind, int64_t now_ns)
{
        struct bc_manifest_segment *entry = segment_entry(recording);
        int r = 0;

        if (!recording->segment_begun)
                return 0;
        if (recording->segment.durable_bytes == 0) {
                drop_segment(recording, 0);
                return 0;
        }
        recording->follows = 0;
        if (recording->config->attestation)
                bc_attest_end(recording, kind, now_ns);
        else
                r = finalise_unsigned(recording, entry);
        recording->manifest_stale = true;
        recording->segment_begun = false;
        recording->number++;
        return r;
}

// After a failed write nothing behind the last durable fragment can be relied on.
static void abandon_segment(struct bc_recording *recording, int error)
{
        struct bc_manifest_segment *entry = segment_entry(recording);

        recording->stage = BC_STAGE_RESUME;
        recording->overtaken = false;
        if (recording->segment.durable_bytes == 0) {
                drop_segment(recording, error);
                return;
        }
        bc_attest_abandon(recording, error);
        bc_log_error("%s could not be written: %s; it is abandoned after %llu bytes", recording->segment.name,
                     strerror(-error), (unsigned long long)recording->segment.durable_bytes);
        entry->state = BC_SEGMENT_ABANDONED;
        entry->error = error;
        // With the record that followed its last fragment, which the anchor may know.
        entry->bytes = bc_segment_file_bytes(&recording->segment);
        bc_segment_done(&recording->segment);
        recording->segment_begun = false;
        recording->manifest_stale = true;
        recording->follows = recording->number++;
}

// ---- going on after a failed write or when overtaken -----------------------------------------------------------

static int resume(struct bc_recording *recording, int64_t end_ns, int64_t now_ns)
{
        int64_t until_ns = end_ns < now_ns ? end_ns : now_ns;
        struct bc_unit unit;
        int r;

        r = bc_place_again(recording);
        if (r == 0)
                r = bc_ring_peek(recording->ring, &recording->cursor, BC_LANE_PICTURE, 0, &unit);
        if (r == -EPIPE)
                return 0;
        if (r == -ENODATA || (r == 0 && unit.time_ns >= end_ns) ||
            (r == -EAGAIN && end_ns != BC_NS_NEVER && now_ns >= end_ns + BC_CUT_LAST_NS)) {
                if (recording->declared_ns < until_ns)
                        bc_declare_gap(recording, BC_GAP_OVERTAKEN, recording->declared_ns, until_ns, 0);
                recording->stage = BC_STAGE_CLOSE;
                return 0;
        }
        if (r < 0)
                return r;
        // A hole before it is declared once the writing succeeds: until then it may grow. That a segment was abandoned
        // is said before its successor exists; if it cannot be, then with the next fragment.
        (void)save_manifest(recording);
        recording->from_ns = unit.time_ns;
        recording->stage = BC_STAGE_WRITE;
        return 0;
}

// The segment ends though the recording does not.
static int interrupt(struct bc_recording *recording, int64_t now_ns)
{
        int64_t sound_ns = bc_ns_from_ticks(recording->sound_declared_ticks);

        // No sound twice: unlike after a failed write, what was written is good.
        if (recording->sound_from_ns < sound_ns)
                recording->sound_from_ns = sound_ns;
        recording->stage = BC_STAGE_RESUME;
        return end_segment(recording, BC_RECORD_CONTINUES, now_ns);
}

static int fall_behind(struct bc_recording *recording, int64_t now_ns)
{
        // The hole begins where the last complete picture ended, not where the next fragment would have begun.
        bc_log_warning("the ring overtook the recorder");
        recording->overtaken = true;
        return interrupt(recording, now_ns);
}

// Sound is missing before the fragment, and its track cannot have a hole: the next segment does not miss a picture for it.
static int begin_anew(struct bc_recording *recording, int64_t now_ns)
{
        uint32_t number = recording->number;
        int r;

        if (recording->segment.durable_bytes == 0)
                return fall_behind(recording, now_ns);
        bc_log_notice("the sound does not go on where it left off: a new segment");
        recording->overtaken = false;
        r = interrupt(recording, now_ns);
        recording->follows = number;
        return r;
}

// ---- one fragment --------------------------------------------------------------------------------------------

static int64_t segment_until(const struct bc_recording *recording)
{
        if (recording->segment_begun && recording->segment.durable_bytes >= SEGMENT_BYTES_ENOUGH)
                return 0;
        return recording->segment_from_ns + recording->config->segment_ns;
}

// Where the lane's track has come to.
static int64_t track_end_ticks(const struct bc_recording *recording, enum bc_lane lane)
{
        return recording->base_ticks[lane] + (int64_t)recording->decode_ticks[lane];
}

static void time_lane(struct bc_recording *recording, enum bc_lane lane, int64_t end_ns)
{
        bc_fragment_buffer_time(recording->buffer, lane, track_end_ticks(recording, lane), end_ns);
}

static size_t make_runs(const struct bc_recording *recording, struct bc_run run[BC_LANE_COUNT], int64_t base_ticks[BC_LANE_COUNT])
{
        const struct bc_fragment_buffer *buffer = recording->buffer;
        uint32_t track = 0;
        size_t runs = 0;

        for (enum bc_lane lane = 0; lane < BC_LANE_COUNT; lane++) {
                base_ticks[runs] = recording->base_ticks[lane];
                if (buffer->units[lane] > 0)
                        run[runs++] = (struct bc_run){
                                .track = track,
                                .decode_ticks = recording->decode_ticks[lane],
                                .sample = buffer->sample[lane],
                                .samples = buffer->units[lane],
                        };
                track += bc_stream_has(recording->stream, lane);
        }
        return runs;
}

// Where the sound that is durable ends.
static int64_t sound_end_ns(const struct bc_recording *recording)
{
        return bc_ns_from_ticks(track_end_ticks(recording, BC_LANE_SOUND));
}

static void note_durable(struct bc_recording *recording, const struct bc_cut *cut)
{
        struct bc_manifest_segment *entry = segment_entry(recording);
        const struct bc_fragment_buffer *buffer = recording->buffer;

        for (enum bc_lane lane = 0; lane < BC_LANE_COUNT; lane++)
                for (size_t i = 0; i < buffer->units[lane]; i++)
                        recording->decode_ticks[lane] += buffer->sample[lane][i].duration_ticks;
        bc_declare_units(recording, cut);
        if (cut->pictures > 0) {
                recording->durable_ns = cut->end_ns;
                entry->end_ticks = track_end_ticks(recording, BC_LANE_PICTURE);
                // Sound alone may run ahead of a picture that is still to come and to be declared.
                if (recording->declared_ns < cut->end_ns)
                        recording->declared_ns = cut->end_ns;
        }
        // Without units of sound nothing is known of it being muted.
        if (cut->sound_missing || cut->sound_ended)
                recording->manifest_stale |= bc_manifest_end_gap(&recording->manifest, BC_GAP_MUTED,
                                                                 track_end_ticks(recording, BC_LANE_SOUND));
        if (cut->sound_missing) {
                bc_declare_gap(recording, BC_GAP_LATE_SOUND, sound_end_ns(recording), cut->end_ns, 0);
                recording->sound_declared_ticks = bc_ticks_from_ns(cut->end_ns);
        }
        if (cut->sound_ended && !bc_manifest_lasts(&recording->manifest, BC_GAP_NO_SOUND))
                bc_declare_gap(recording, BC_GAP_NO_SOUND, sound_end_ns(recording), BC_NS_NEVER, 0);
        if (cut->picture_end_guessed)
                bc_declare_gap(recording, BC_GAP_NO_PICTURE, recording->last_picture_ns, cut->end_ns, 0);
        entry->bytes = bc_segment_file_bytes(&recording->segment);
        entry->fragments = recording->segment.table.fragments;
        recording->from_ns = cut->end_ns;
}

// A fragment on its way, for the record that joins it.
struct way {
        struct bc_recording *recording;
        struct bc_run run[BC_LANE_COUNT];
        int64_t base_ticks[BC_LANE_COUNT]; // of each run
        size_t runs;
        int64_t now_ns;
};

static size_t join(void *user, const uint8_t *bytes, size_t n, uint8_t *behind)
{
        const struct way *way = user;

        return bc_attest_cover(way->recording, way->run, way->runs, way->base_ticks, bytes, n, behind, way->now_ns);
}

// Reads the fragment out of the ring and writes it. The cursor moves only when it is durable.
static int write_fragment(struct bc_recording *recording, const struct bc_cut *cut, int64_t now_ns)
{
        struct bc_fragment_buffer *buffer = recording->buffer;
        struct bc_cursor cursor = recording->cursor;
        struct way way = { .recording = recording, .now_ns = now_ns };
        const struct bc_segment_company company = { join, &way };
        const bool is_signed = recording->config->attestation;
        size_t payload_bytes;
        int r;

        r = bc_fragment_buffer_fill(buffer, recording->ring, &cursor, cut, &payload_bytes);
        if (r == 0 && !recording->segment_begun)
                r = begin_segment(recording, buffer->unit[BC_LANE_PICTURE][0].time_ns);
        if (r == 0)
                r = bc_fragment_buffer_time_sound(buffer, track_end_ticks(recording, BC_LANE_SOUND));
        if (r == -ESTALE)
                return begin_anew(recording, now_ns);
        if (r == -EPIPE)
                return fall_behind(recording, now_ns);
        if (r < 0)
                return r;
        time_lane(recording, BC_LANE_PICTURE, cut->end_ns);
        time_lane(recording, BC_LANE_TEXT, cut->text.end_ns);
        time_lane(recording, BC_LANE_POSITION, cut->position.end_ns);
        way.runs = make_runs(recording, way.run, way.base_ticks);
        r = bc_segment_append(&recording->segment, way.run, way.runs, buffer->bytes, buffer->room, payload_bytes,
                              is_signed ? &company : NULL);
        if (r == 0 && is_signed)
                r = bc_attest_wrote(recording, now_ns);
        if (r < 0) {
                abandon_segment(recording, r);
                return r == -EEXIST ? 0 : r; // a name in the way is nobody's trouble: the next number
        }
        recording->cursor = cursor;
        note_durable(recording, cut);
        return 0;
}

static int write_next(struct bc_recording *recording, int64_t end_ns, int64_t now_ns, int64_t *ret_wake_ns)
{
        struct bc_cut_rule rule = {
                .sound = recording->stream->sound.channels > 0,
                .segment_begun = recording->segment_begun,
                .fragment_ns = recording->config->fragment_ns,
                .payload_bytes_max = recording->config->fragment_bytes,
                .from_ns = recording->from_ns,
                .end_ns = end_ns,
        };
        struct bc_cut cut;
        int r, s;

        if (!recording->segment_begun && recording->number > BC_SEGMENTS_MAX) {
                bc_log_warning("the recording has %d segments, which is all it can have", BC_SEGMENTS_MAX);
                recording->stage = BC_STAGE_CLOSE;
                return 0;
        }
        if (!recording->segment_begun)
                recording->segment_from_ns = recording->from_ns;
        rule.segment_until_ns = segment_until(recording);
        rule.sound_from_ns = sound_from(recording);
        r = bc_cut_decide(recording->ring, &recording->cursor, &rule, now_ns, &cut, ret_wake_ns);
        if (r == -EAGAIN)
                bc_attest_rest(&recording->attest);
        if (r == -EPIPE)
                return fall_behind(recording, now_ns);
        if (r < 0)
                return r;
        if (cut.pictures > 0 || cut.sounds > 0 || cut.text.units > 0 || cut.position.units > 0) {
                r = write_fragment(recording, &cut, now_ns);
                if (r < 0 || recording->stage != BC_STAGE_WRITE)
                        return r;
        }
        // The last one of a recording ends with it.
        if (cut.segment_ends && !cut.recording_ends)
                r = end_segment(recording, BC_RECORD_CONTINUES, now_ns);
        if (cut.recording_ends) {
                bc_declare_end(recording, &cut, end_ns);
                recording->stage = BC_STAGE_CLOSE;
        }
        s = save_manifest(recording);
        return r < 0 ? r : s;
}

// ---- closing -------------------------------------------------------------------------------------------------

// A segment that was abandoned or could not be finalised, or a file that was left behind, is seen to by the next start:
// the recording stays listed.
static bool is_finished(const struct bc_recording *recording)
{
        const struct bc_manifest *manifest = &recording->manifest;

        for (size_t i = 0; i < manifest->segments; i++)
                if (manifest->segment[i].state != BC_SEGMENT_CLOSED)
                        return false;
        return !recording->file_left;
}

static int close_recording(struct bc_recording *recording, int64_t end_ns, const char *stop_reason, int64_t now_ns,
                           int64_t *ret_wake_ns)
{
        struct bc_manifest *manifest = &recording->manifest;
        int r;

        if (manifest->state == BC_RECORDING_OPEN)
                bc_declare_over(recording, end_ns, stop_reason, now_ns);
        // Not finalised is no loss, and not a reason to keep the next recording waiting.
        if (recording->segment_begun) {
                r = end_segment(recording, BC_RECORD_CLOSE, now_ns);
                recording->finalise_error = r < 0 ? r : recording->finalise_error;
                r = bc_attest_tend(recording, now_ns);
                if (r < 0)
                        return r;
        }
        if (!bc_attest_is_quiet(&recording->attest)) {
                *ret_wake_ns = now_ns + BC_ATTEST_RETRY_NS;
                return -EAGAIN;
        }
        r = save_manifest(recording);
        recording->finished = is_finished(recording);
        // Else it leaves the store's list once its final manifest is signed.
        if (r == 0 && recording->finished && !recording->config->inventory)
                r = bc_store_close(recording->store, manifest->counter);
        if (r < 0)
                return r;
        bc_announce_closed(recording, bc_ns_from_ticks(manifest->stop_ticks));
        recording->stage = BC_STAGE_DONE;
        return 0;
}

// A record that came by itself could not be written: as with any other write.
static int tend(struct bc_recording *recording, int64_t now_ns)
{
        int r = bc_attest_tend(recording, now_ns);

        if (r < 0)
                abandon_segment(recording, r);
        return r;
}

int bc_recording_step(struct bc_recording *recording, int64_t end_ns, const char *stop_reason, int64_t now_ns,
                      int64_t *ret_wake_ns)
{
        int r;

        recording->now_ns = now_ns;
        r = tend(recording, now_ns);

        *ret_wake_ns = BC_NS_NEVER;
        if (r < 0)
                return r;
        switch (recording->stage) {
        case BC_STAGE_PLACE:
                if (end_ns != BC_NS_NEVER)
                        *ret_wake_ns = end_ns + BC_CUT_LAST_NS;
                return bc_place_first(recording, end_ns, now_ns);
        case BC_STAGE_BEGIN:
                return begin(recording);
        case BC_STAGE_RESUME:
                if (end_ns != BC_NS_NEVER)
                        *ret_wake_ns = end_ns + BC_CUT_LAST_NS;
                return resume(recording, end_ns, now_ns);
        case BC_STAGE_WRITE:
                return write_next(recording, end_ns, now_ns, ret_wake_ns);
        case BC_STAGE_CLOSE:
                return close_recording(recording, end_ns, stop_reason, now_ns, ret_wake_ns);
        case BC_STAGE_DONE: // a mark may have come since it was closed
                return save_manifest(recording);
        }
        return 0;
}

void bc_recording_hand_over(struct bc_recording *recording)
{
        if (!recording->finished || !recording->config->inventory)
                return;
        bc_inventory_add(recording->config->inventory, &recording->manifest, recording->folder_fd);
        recording->folder_fd = -1;
}

int bc_recording_mark(struct bc_recording *recording, int64_t time_ns, const char *text)
{
        if (!bc_manifest_add_mark(&recording->manifest, bc_ticks_from_ns(time_ns), text))
                return -ENOMEM;
        recording->marks++;
        recording->manifest_stale = true;
        return 0;
}
