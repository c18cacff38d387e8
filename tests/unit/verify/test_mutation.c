// SPDX-License-Identifier: EUPL-1.2
// Random changes to the files of random recordings: none may be taken for what the device wrote. 2,000; with BC_LONG=1 100,000.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/counts.h"
#include "shape.h"
#include "shared_trial.h"

#define MUTATIONS 2000
#define MUTATIONS_LONG 100000
#define PER_SHAPE 20

enum mutation {
        FLIP,
        SET,
        MOVE,
        COPY,
        CUT_TAIL,
        CUT_MIDDLE,
        INSERT,
        ZERO,
        FOREIGN, // a piece of another segment
        BOX_CUT, // at a box's begin
        BOX_DROP,
        BOX_DOUBLE,
        BOX_SWAP,
        MUTATIONS_KINDS,
};

static const char *const names[] = { "flip", "set",     "move",       "copy",     "cut tail",   "cut middle", "insert",
                                     "zero", "foreign", "cut at box", "drop box", "double box", "swap boxes" };

static struct trial_bytes swap_boxes(const struct forge_segment *segment, size_t a)
{
        struct trial_bytes made = trial_copy(segment);
        uint64_t at = segment->box_at[a], middle = segment->box_at[a + 1], end = segment->box_at[a + 2];

        memcpy(made.bytes + at, segment->bytes + middle, end - middle);
        memcpy(made.bytes + at + (end - middle), segment->bytes + at, middle - at);
        return made;
}

static struct trial_bytes mutate_boxes(const struct forge_segment *segment, enum mutation mutation, uint32_t *random)
{
        size_t box = forge_random(random, (uint32_t)segment->boxes);
        uint64_t at = segment->box_at[box], n = segment->box_at[box + 1] - at;

        if (mutation == BOX_CUT)
                return trial_splice(segment, at, segment->size - at, NULL, 0);
        if (mutation == BOX_DROP)
                return trial_splice(segment, at, n, NULL, 0);
        if (mutation == BOX_DOUBLE || segment->boxes < 2)
                return trial_splice(segment, at, 0, segment->bytes + at, n);
        return swap_boxes(segment, forge_random(random, (uint32_t)segment->boxes - 1));
}

static struct trial_bytes mutate(const struct forge *forge, const struct forge_segment *segment, enum mutation mutation,
                                 uint32_t *random)
{
        size_t size = segment->size, at = forge_random(random, (uint32_t)size),
               n = 1 + forge_random(random, (uint32_t)(size - at));
        const struct forge_segment *other = &forge->segment[forge_random(random, (uint32_t)forge->segments)];
        size_t from = forge_random(random, (uint32_t)size);
        struct trial_bytes made;

        if (mutation >= BOX_CUT)
                return mutate_boxes(segment, mutation, random);
        if (mutation == CUT_TAIL)
                return trial_splice(segment, at, size - at, NULL, 0);
        if (mutation == CUT_MIDDLE)
                return trial_splice(segment, at, n, NULL, 0);
        if (mutation == INSERT) {
                n = n > size - from ? size - from : n;
                return trial_splice(segment, at, 0, segment->bytes + from, n);
        }
        made = trial_copy(segment);
        n = n > size - from ? size - from : n;
        if (mutation == FLIP)
                made.bytes[at] ^= (uint8_t)(1u << forge_random(random, 8));
        else if (mutation == SET)
                made.bytes[at] = (uint8_t)forge_random(random, 256);
        else if (mutation == COPY)
                memcpy(made.bytes + at, segment->bytes + from, n);
        else if (mutation == ZERO)
                memset(made.bytes + at, 0, n);
        else if (mutation == FOREIGN)
                memcpy(made.bytes + at, other->bytes + (at < other->size ? at : 0),
                       at < other->size && n > other->size - at ? other->size - at
                       : n > other->size                        ? other->size
                                                                : n);
        else { // MOVE: what was in front of it comes behind
                memcpy(made.bytes + at, segment->bytes + from, n);
                memcpy(made.bytes + from, segment->bytes + at, n);
        }
        return made;
}

// Nothing but the final moov is gone, and the header was never patched: the file as it was a moment before it was finished.
static bool is_lawful_cut(const struct forge_segment *segment, const struct trial_bytes *made)
{
        return !segment->patched && segment->box[segment->boxes - 1] == FORGE_MOOV &&
               made->n == segment->box_at[segment->boxes - 1] && memcmp(made->bytes, segment->bytes, made->n) == 0;
}

static void judge_one(const struct forge *forge, const char *path, uint32_t seed, uint32_t *random, bool lone)
{
        const struct forge_segment *segment = &forge->segment[forge_random(random, (uint32_t)forge->segments)];
        enum mutation mutation = (enum mutation)forge_random(random, MUTATIONS_KINDS);
        struct trial_bytes made = mutate(forge, segment, mutation, random);
        bool same = made.n == segment->size && memcmp(made.bytes, segment->bytes, made.n) == 0;
        char name[32];

        snprintf(name, sizeof(name), "%04u.mp4", (unsigned)segment->number);
        forge_file(path, name, made.bytes, made.n);
        enum bc_verdict verdict = lone ? trial_file(&trial, made.bytes, made.n) : trial_path(&trial, path);
        if (verdict == BC_VERDICT_AUTHENTIC && !same && !is_lawful_cut(segment, &made)) {
                print_error("shape %u, segment %u: %s was not noticed\n", seed, (unsigned)segment->number, names[mutation]);
                fail();
        }
        if (same && !lone)
                trial_expect(&trial, verdict, BC_VERDICT_AUTHENTIC);
        forge_file(path, name, segment->bytes, segment->size);
        trial_bytes_done(&made);
}

static void test_mutations(void **state)
{
        uint32_t mutations = counts_of(MUTATIONS / 4, MUTATIONS, MUTATIONS_LONG), random = 20261126;
        char path[TRIAL_PATH_BYTES];

        (void)state;
        for (uint32_t seed = 1; seed <= mutations / PER_SHAPE; seed++) {
                struct forge *forge = shape_new(&trial.identity, 7000 + seed, 3);
                forge_save(forge, trial.folder, false, path, sizeof(path));
                for (int i = 0; i < PER_SHAPE; i++)
                        judge_one(forge, path, 7000 + seed, &random, i % 8 == 0);
                forge_remove(path);
                forge_free(forge);
        }
}

// Each byte of a whole recording in turn: no byte is outside.
static void test_rule_01_every_byte(void **state)
{
        struct forge *forge = forge_new(&trial.identity, 3);
        const struct forge_segment *segment = forge_write(forge, "IPaatg R IPaa X F");
        struct trial_bytes copy = trial_copy(segment);
        size_t step = counts_of(29, 7, 1);

        (void)state;
        trial_expect(&trial, trial_file(&trial, copy.bytes, copy.n), BC_VERDICT_AUTHENTIC);
        for (size_t at = 0; at < copy.n; at += step) {
                uint8_t bit = (uint8_t)(1u << (at / step % 8));
                copy.bytes[at] ^= bit;
                if (trial_file(&trial, copy.bytes, copy.n) == BC_VERDICT_AUTHENTIC)
                        fail_msg("byte %zu of %zu can be changed", at, copy.n);
                copy.bytes[at] ^= bit;
        }
        trial_bytes_done(&copy);
        forge_free(forge);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rule_01_every_byte),
                cmocka_unit_test(test_mutations),
        };

        return cmocka_run_group_tests(tests, trial_set_up, trial_tear_down);
}
