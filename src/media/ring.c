// SPDX-License-Identifier: EUPL-1.2
// Invariants, all under the monitor's lock; the unit test holds random streams against them:
//  1. A lane holds the units first .. next-1; unit n has its index entry at n % units_max.
//  2. The bytes of a unit are contiguous. A unit that does not fit before the end of the lane's memory starts at
//     its beginning; the bytes skipped count as used by it (span), so used is the sum of the spans held.
//  3. Start times never go back within a lane.
//  4. The picture lane starts with a key frame, unless its only GOP had to go while it was still growing; then
//     nothing can be placed until the next key frame.
//  5. When a GOP goes, what starts before the oldest picture left goes with it in the other lanes.
//  6. While nothing is recorded, the second oldest key frame is younger than pre_event_ns.
#include "bodycam/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

struct entry {
        struct bc_unit unit;
        size_t offset; // of its first byte in the lane
        size_t span;   // size, and what was skipped in front of it
};

struct lane {
        uint8_t *bytes;
        size_t bytes_max, used, head;
        struct entry *index;
        size_t units_max;
        uint64_t first, next; // sequence numbers
        int64_t last_ns;      // start of the newest unit ever appended; -1: none
        int64_t end_ns;
        uint16_t end_lost; // frames, after the last unit
        bool ended;
};

struct bc_ring {
        struct bc_monitor monitor;
        struct lane lane[BC_LANE_COUNT];
        void *block;
        size_t block_bytes;
        int64_t pre_event_ns;
        bool pre_event_sound;
        bool recording;
        uint64_t changes;
        uint64_t evicted_for_space;
        int64_t forgotten_ns; // start of the newest picture that went while recording; -1: none
};

static struct entry *entry_of(const struct lane *lane, uint64_t sequence)
{
        return &lane->index[sequence % lane->units_max];
}

static bool is_empty(const struct lane *lane)
{
        return lane->first == lane->next;
}

// ---- making --------------------------------------------------------------------------------------------------

static void clear_lane(struct lane *lane)
{
        lane->first = lane->next; // sequence numbers go on: an old cursor is overtaken, not confused
        lane->used = 0;
        lane->head = 0;
        lane->last_ns = -1;
        lane->ended = false;
}

static int divide_block(struct bc_ring *ring, const struct bc_ring_config *config)
{
        uint8_t *at;

        for (int i = 0; i < BC_LANE_COUNT; i++) {
                if (config->lane_bytes[i] > SIZE_MAX / 4 - ring->block_bytes)
                        return -EINVAL;
                ring->block_bytes += config->lane_bytes[i];
        }
        ring->block = mmap(NULL, ring->block_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (ring->block == MAP_FAILED) {
                ring->block = NULL;
                return -ENOMEM;
        }
        // Paging on the way to the encoder would be a stall; where the limit does not allow it, it is only slower.
        if (mlock(ring->block, ring->block_bytes) < 0)
                bc_log_debug("packet ring of %zu bytes is not locked in memory", ring->block_bytes);
        at = ring->block;
        for (int i = 0; i < BC_LANE_COUNT; i++) {
                struct lane *lane = &ring->lane[i];

                lane->bytes = at;
                lane->bytes_max = config->lane_bytes[i];
                at += lane->bytes_max;
                lane->last_ns = -1;
                if (lane->bytes_max == 0)
                        continue;
                lane->units_max = config->lane_units[i];
                lane->index = calloc(lane->units_max, sizeof(*lane->index));
                if (!lane->index)
                        return -ENOMEM;
        }
        return 0;
}

BC_DEFINE_CLEANUP(ring, struct bc_ring, bc_ring_free)

int bc_ring_new(struct bc_clock *clock, const struct bc_ring_config *config, struct bc_ring **ret_ring)
{
        BC_CLEANUP(bc_cleanup_ring) struct bc_ring *ring = NULL;
        int r;

        if (config->lane_bytes[BC_LANE_PICTURE] == 0 || config->pre_event_ns < 0)
                return -EINVAL;
        for (int i = 0; i < BC_LANE_COUNT; i++)
                if (config->lane_bytes[i] > 0 && config->lane_units[i] == 0)
                        return -EINVAL;
        ring = calloc(1, sizeof(*ring));
        if (!ring)
                return -ENOMEM;
        bc_monitor_init(&ring->monitor, clock);
        ring->pre_event_ns = config->pre_event_ns;
        ring->pre_event_sound = config->pre_event_sound;
        ring->forgotten_ns = -1;
        r = divide_block(ring, config);
        if (r < 0)
                return r;
        *ret_ring = BC_TAKE(ring);
        return 0;
}

void bc_ring_free(struct bc_ring *ring)
{
        if (!ring)
                return;
        for (int i = 0; i < BC_LANE_COUNT; i++)
                free(ring->lane[i].index);
        if (ring->block)
                munmap(ring->block, ring->block_bytes);
        bc_monitor_done(&ring->monitor);
        free(ring);
}

// ---- eviction ------------------------------------------------------------------------------------------------

static void evict_unit(struct lane *lane)
{
        lane->used -= entry_of(lane, lane->first)->span;
        lane->first++;
        if (is_empty(lane)) {
                lane->used = 0;
                lane->head = 0;
        }
}

// The sequence number of the first key frame after the oldest unit; lane->next when there is none.
static uint64_t second_key(const struct lane *lane)
{
        uint64_t sequence = lane->first;

        while (++sequence < lane->next)
                if (entry_of(lane, sequence)->unit.flags & BC_UNIT_KEY)
                        return sequence;
        return lane->next;
}

static void evict_before(struct lane *lane, int64_t time_ns)
{
        while (!is_empty(lane) && entry_of(lane, lane->first)->unit.time_ns < time_ns)
                evict_unit(lane);
}

static void evict_others_before(struct bc_ring *ring, int64_t time_ns)
{
        for (int i = 0; i < BC_LANE_COUNT; i++)
                if (i != BC_LANE_PICTURE)
                        evict_before(&ring->lane[i], time_ns);
}

static void evict_gop(struct bc_ring *ring)
{
        struct lane *picture = &ring->lane[BC_LANE_PICTURE];
        uint64_t until = second_key(picture);

        if (ring->recording)
                ring->forgotten_ns = entry_of(picture, until - 1)->unit.time_ns;
        while (picture->first < until)
                evict_unit(picture);
        if (!is_empty(picture))
                evict_others_before(ring, entry_of(picture, picture->first)->unit.time_ns);
}

// Makes room for size bytes in one piece; returns how many must be skipped in front of them.
static size_t make_room(struct bc_ring *ring, enum bc_lane which, size_t size)
{
        struct lane *lane = &ring->lane[which];

        for (;;) {
                size_t skip = lane->head + size > lane->bytes_max ? lane->bytes_max - lane->head : 0;
                uint64_t before = lane->first;

                if (lane->used + skip + size <= lane->bytes_max && lane->next - lane->first < lane->units_max)
                        return skip;
                if (which == BC_LANE_PICTURE)
                        evict_gop(ring);
                else
                        evict_unit(lane);
                ring->evicted_for_space += lane->first - before;
        }
}

// The law: while nothing is recorded, what is older than pre-event + one GOP is not kept.
static void obey_retention(struct bc_ring *ring)
{
        struct lane *picture = &ring->lane[BC_LANE_PICTURE];
        struct lane *sound = &ring->lane[BC_LANE_SOUND];
        int64_t newest_ns, horizon_ns;

        if (ring->recording)
                return;
        newest_ns = picture->last_ns > sound->last_ns ? picture->last_ns : sound->last_ns;
        horizon_ns = newest_ns - ring->pre_event_ns;
        while (!is_empty(picture)) {
                uint64_t key = second_key(picture);

                if (key < picture->next ? entry_of(picture, key)->unit.time_ns > horizon_ns :
                                          !picture->ended || picture->end_ns > horizon_ns)
                        break;
                evict_gop(ring);
        }
        if (is_empty(picture))
                evict_others_before(ring, horizon_ns);
        if (!ring->pre_event_sound)
                evict_before(sound, INT64_MAX);
}

void bc_ring_set_recording(struct bc_ring *ring, bool recording)
{
        bc_monitor_lock(&ring->monitor);
        ring->recording = recording;
        obey_retention(ring);
        bc_monitor_unlock(&ring->monitor);
}

// ---- writers -------------------------------------------------------------------------------------------------

static int append(struct bc_ring *ring, enum bc_lane which, const struct bc_unit *unit, const void *bytes)
{
        struct lane *lane = &ring->lane[which];
        struct entry *entry;
        size_t skip;

        // An empty unit could not be in any file, and would keep its reader there for ever.
        if (unit->time_ns < 0 || unit->time_ns < lane->last_ns || unit->size_bytes == 0)
                return -EINVAL;
        if (unit->size_bytes > lane->bytes_max)
                return -EMSGSIZE;
        if (lane->ended)
                return -EPIPE;
        skip = make_room(ring, which, unit->size_bytes);
        entry = entry_of(lane, lane->next);
        entry->unit = *unit;
        entry->offset = skip ? 0 : lane->head;
        entry->span = skip + unit->size_bytes;
        memcpy(lane->bytes + entry->offset, bytes, unit->size_bytes);
        lane->head = (entry->offset + unit->size_bytes) % lane->bytes_max; // never the byte behind the last one
        lane->used += entry->span;
        lane->last_ns = unit->time_ns;
        lane->next++;
        obey_retention(ring);
        ring->changes++;
        bc_monitor_wake(&ring->monitor);
        return 0;
}

int bc_ring_append(struct bc_ring *ring, enum bc_lane lane, const struct bc_unit *unit, const void *bytes)
{
        int r;

        bc_monitor_lock(&ring->monitor);
        r = append(ring, lane, unit, bytes);
        bc_monitor_unlock(&ring->monitor);
        return r;
}

void bc_ring_end(struct bc_ring *ring, enum bc_lane lane, int64_t end_ns)
{
        bc_ring_end_lossy(ring, lane, end_ns, 0);
}

void bc_ring_end_lossy(struct bc_ring *ring, enum bc_lane lane, int64_t end_ns, uint16_t lost)
{
        bc_monitor_lock(&ring->monitor);
        ring->lane[lane].ended = true;
        ring->lane[lane].end_lost = lost;
        ring->lane[lane].end_ns = end_ns > ring->lane[lane].last_ns ? end_ns : ring->lane[lane].last_ns;
        ring->changes++;
        bc_monitor_wake(&ring->monitor);
        bc_monitor_unlock(&ring->monitor);
}

void bc_ring_restart(struct bc_ring *ring)
{
        bc_monitor_lock(&ring->monitor);
        if (ring->recording && !is_empty(&ring->lane[BC_LANE_PICTURE]))
                ring->forgotten_ns = ring->lane[BC_LANE_PICTURE].last_ns;
        for (int i = 0; i < BC_LANE_COUNT; i++)
                clear_lane(&ring->lane[i]);
        ring->changes++;
        bc_monitor_wake(&ring->monitor);
        bc_monitor_unlock(&ring->monitor);
}

// ---- readers -------------------------------------------------------------------------------------------------

// The sequence number of the lane's first unit that starts at or after time_ns; lane->next when there is none.
static uint64_t first_at(const struct lane *lane, int64_t time_ns)
{
        uint64_t sequence = lane->first;

        while (sequence < lane->next && entry_of(lane, sequence)->unit.time_ns < time_ns)
                sequence++;
        return sequence;
}

static int place(const struct bc_ring *ring, int64_t from_ns, struct bc_cursor *ret_cursor)
{
        const struct lane *picture = &ring->lane[BC_LANE_PICTURE];
        struct bc_cursor cursor = { .next = { [BC_LANE_PICTURE] = picture->next } };
        int64_t start_ns;

        for (uint64_t sequence = picture->next; sequence-- > picture->first;) {
                const struct bc_unit *unit = &entry_of(picture, sequence)->unit;

                if (unit->flags & BC_UNIT_KEY) {
                        cursor.next[BC_LANE_PICTURE] = sequence;
                        if (unit->time_ns <= from_ns)
                                break;
                }
        }
        if (cursor.next[BC_LANE_PICTURE] == picture->next)
                return picture->ended ? -ENODATA : -EAGAIN;
        start_ns = entry_of(picture, cursor.next[BC_LANE_PICTURE])->unit.time_ns;
        for (int i = 0; i < BC_LANE_COUNT; i++)
                if (i != BC_LANE_PICTURE)
                        cursor.next[i] = first_at(&ring->lane[i], start_ns);
        *ret_cursor = cursor;
        return 0;
}

int bc_ring_place(struct bc_ring *ring, int64_t from_ns, struct bc_cursor *ret_cursor)
{
        int r;

        bc_monitor_lock(&ring->monitor);
        r = place(ring, from_ns, ret_cursor);
        bc_monitor_unlock(&ring->monitor);
        return r;
}

static int peek(const struct lane *lane, uint64_t sequence, uint64_t ahead, struct bc_unit *ret_unit)
{
        if (sequence < lane->first)
                return -EPIPE;
        if (ahead < lane->next - sequence && sequence <= lane->next) {
                *ret_unit = entry_of(lane, sequence + ahead)->unit;
                return 0;
        }
        if (!lane->ended)
                return -EAGAIN;
        *ret_unit = (struct bc_unit){ .time_ns = lane->end_ns, .lost = lane->end_lost };
        return -ENODATA;
}

int bc_ring_peek(struct bc_ring *ring, const struct bc_cursor *cursor, enum bc_lane lane, uint64_t ahead,
                 struct bc_unit *ret_unit)
{
        int r;

        bc_monitor_lock(&ring->monitor);
        r = peek(&ring->lane[lane], cursor->next[lane], ahead, ret_unit);
        bc_monitor_unlock(&ring->monitor);
        return r;
}

int bc_ring_read(struct bc_ring *ring, struct bc_cursor *cursor, enum bc_lane which, void *bytes,
                 size_t room_bytes, struct bc_unit *ret_unit)
{
        const struct lane *lane = &ring->lane[which];
        struct bc_unit unit;
        int r;

        bc_monitor_lock(&ring->monitor);
        r = peek(lane, cursor->next[which], 0, &unit);
        if (r == 0 && unit.size_bytes > room_bytes)
                r = -ENOBUFS;
        if (r == 0) {
                memcpy(bytes, lane->bytes + entry_of(lane, cursor->next[which])->offset, unit.size_bytes);
                cursor->next[which]++;
        }
        bc_monitor_unlock(&ring->monitor);
        if (r == 0 || r == -ENODATA)
                *ret_unit = unit;
        return r;
}

int bc_ring_wait(struct bc_ring *ring, uint64_t *seen, int64_t deadline_ns)
{
        int r = 0;

        bc_monitor_lock(&ring->monitor);
        while (ring->changes == *seen && r == 0)
                r = bc_monitor_wait(&ring->monitor, deadline_ns);
        *seen = ring->changes;
        bc_monitor_unlock(&ring->monitor);
        return r;
}

void bc_ring_wake(struct bc_ring *ring)
{
        bc_monitor_lock(&ring->monitor);
        ring->changes++;
        bc_monitor_wake(&ring->monitor);
        bc_monitor_unlock(&ring->monitor);
}

void bc_ring_level(struct bc_ring *ring, struct bc_ring_level *ret_level)
{
        const struct lane *picture = &ring->lane[BC_LANE_PICTURE];
        struct bc_cursor oldest;

        bc_monitor_lock(&ring->monitor);
        ret_level->oldest_ns = -1;
        ret_level->newest_ns = is_empty(picture) ? -1 : picture->last_ns;
        if (place(ring, -1, &oldest) == 0)
                ret_level->oldest_ns = entry_of(picture, oldest.next[BC_LANE_PICTURE])->unit.time_ns;
        for (int i = 0; i < BC_LANE_COUNT; i++) {
                ret_level->bytes[i] = ring->lane[i].used;
                ret_level->capacity_bytes[i] = ring->lane[i].bytes_max;
        }
        ret_level->evicted_for_space = ring->evicted_for_space;
        ret_level->forgotten_ns = ring->forgotten_ns;
        bc_monitor_unlock(&ring->monitor);
}
