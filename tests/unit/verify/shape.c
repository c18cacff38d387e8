// SPDX-License-Identifier: EUPL-1.2
#include "shape.h"

#include <stdio.h>
#include <string.h>

#define WORDS_BYTES 1200

struct words {
        char text[WORDS_BYTES];
        size_t used;
};

static void say(struct words *words, const char *word)
{
        int n = snprintf(words->text + words->used, sizeof(words->text) - words->used, "%s ", word);

        if (n > 0 && words->used + (size_t)n < sizeof(words->text))
                words->used += (size_t)n;
}

static void say_fragment(struct words *words, uint32_t *random, bool key)
{
        char word[32];
        size_t n = 0;
        uint32_t pictures = 1 + forge_random(random, 4), sounds = forge_random(random, 4);

        for (uint32_t i = 0; i < pictures; i++)
                word[n++] = i == 0 && (key || forge_random(random, 2)) ? 'I' : 'P';
        for (uint32_t i = 0; i < sounds; i++)
                word[n++] = 'a';
        if (key || forge_random(random, 3) == 0)
                word[n++] = 't';
        if (key || forge_random(random, 4) == 0)
                word[n++] = 'g';
        word[n] = '\0';
        say(words, word);
}

// Fragments with records now and then; both the first fragment and the last box are as a recorder would have it.
static struct words body(uint32_t *random)
{
        struct words words = { .used = 0 };
        uint32_t fragments = 1 + forge_random(random, 6), habit = forge_random(random, 4);

        for (uint32_t i = 0; i < fragments; i++) {
                say_fragment(&words, random, i == 0);
                if (habit == 0)
                        continue; // one record for all
                if (habit == 1 || forge_random(random, 2))
                        say(&words, i > 0 && habit == 3 && forge_random(random, 2) ? "L" : "R");
        }
        return words;
}

// The segment counts up to the end of one of its boxes behind the records; the next one repeats what lies behind its last key
// frame.
static void abandon(struct forge *forge)
{
        struct forge_segment *segment = &forge->segment[forge->segments - 1];
        int64_t from = segment->init.label.base_ticks, ticks = from,
                limit = forge->end_ticks[1] < forge->end_ticks[0] ? forge->end_ticks[1] : forge->end_ticks[0] - 1;

        for (size_t i = 0; i < segment->table.track[0].samples && ticks <= limit; i++) {
                if (segment->table.track[0].sample[i].sync)
                        from = ticks;
                ticks += segment->table.track[0].sample[i].duration_ticks;
        }
        forge_abandon(forge, segment->size, from);
}

// Nothing of any track for a while, or of the sound alone; declared with the next record.
static void leave_out(struct forge *forge, uint32_t *random)
{
        int64_t from = forge->end_ticks[0], hole = 1 + forge_random(random, 200000);

        if (forge_random(random, 2)) {
                forge_declare(forge, 3, forge->last_ticks[1], forge->end_ticks[1] + hole, 1);
                forge->end_ticks[1] += (hole + 1023) / 1024 * 1024;
                return;
        }
        int64_t to = from + hole;
        int64_t least = from;
        for (size_t i = 1; i < FORGE_TRACKS; i++)
                least = forge->last_ticks[i] < least ? forge->last_ticks[i] : least;
        forge_declare(forge, 5, least, to, 1);
        for (size_t i = 0; i < FORGE_TRACKS; i++)
                if (forge->end_ticks[i] < to)
                        forge->end_ticks[i] += i == 1 ? (to - forge->end_ticks[i] + 1023) / 1024 * 1024
                                                      : to - forge->end_ticks[i];
}

struct forge *shape_new(const struct forge_identity *identity, uint32_t seed, uint32_t segments_max)
{
        struct forge *forge = forge_new(identity, seed * 2654435761u + 1);
        uint32_t random = seed + 77, segments = 1 + forge_random(&random, segments_max);

        forge->no_utc = forge_random(&random, 5) == 0;
        for (uint32_t i = 0; i < segments; i++) {
                struct words words = body(&random);
                bool last = i + 1 == segments;
                if (forge_random(&random, 3) == 0)
                        forge_mark(forge, forge->end_ticks[0] + 100, "knife \xe2\x80\xae efink");
                if (!last && forge_random(&random, 4) == 0) {
                        forge_write(forge, words.text);
                        abandon(forge);
                        continue;
                }
                static const char *const ends[] = { "X F", "X M", "X", "R X F", "R Z F", "R Z" };
                say(&words, last ? ends[forge_random(&random, 6)] : forge_random(&random, 2) ? "C F" : "R C F");
                forge->segments_stated = segments;
                forge_write(forge, words.text);
                if (!last && forge_random(&random, 3) == 0)
                        leave_out(forge, &random);
        }
        return forge;
}
