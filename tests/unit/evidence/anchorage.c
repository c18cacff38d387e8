// SPDX-License-Identifier: EUPL-1.2
#include "anchorage.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evidence/anchor_tpm.h"

int anchorage_make(void **state)
{
        struct anchorage *here = calloc(1, sizeof(*here));

        assert_non_null(here);
        *state = here;
        chip_make(&here->chip);
        folder_make(here->folder);
        here->fd = folder_open(here->folder);
        snprintf(here->file, sizeof(here->file), "%s/anchor", here->folder);
        snprintf(here->both, sizeof(here->both), ANCHORAGE_PLACE " %s", here->file);
        assert_int_equal(bc_anchor_tpm_make(ANCHORAGE_INDEX, here->text, sizeof(here->text)), 0);
        return 0;
}

int anchorage_done(void **state)
{
        struct anchorage *here = *state;

        close(here->fd);
        folder_remove(here->folder);
        chip_done(&here->chip);
        free(here);
        return 0;
}

struct bc_anchor_state anchorage_state(uint64_t n)
{
        struct bc_anchor_state state = { .epoch = 1, .sequence = n + 1, .recording = n + 2, .segment = (uint32_t)n + 3, .index = (uint32_t)n + 4,
                                         .tail_ns = (int64_t)n + 5, .boot = n + 6, .counter = n + 7 };

        memset(state.hash, (int)n + 8, sizeof(state.hash));
        memset(state.tail_hash, (int)n + 9, sizeof(state.tail_hash));
        return state;
}

void anchorage_check(const struct bc_anchor_state *got, uint64_t n)
{
        struct bc_anchor_state expected = n > 0 ? anchorage_state(n) : (struct bc_anchor_state){ 0 };

        assert_memory_equal(got, &expected, sizeof(expected));
}

struct bc_anchor *anchorage_open(struct anchorage *here, const char *place, struct bc_anchor_found *ret_found)
{
        struct bc_anchor *anchor = NULL;
        int r = bc_anchor_open(place, false, here->text, sizeof(here->text), &anchor, ret_found);

        if (r < 0)
                fail_msg("%s", here->text);
        return anchor;
}

struct bc_anchor_found anchorage_look(struct anchorage *here, const char *place)
{
        struct bc_anchor_found found;

        bc_anchor_free(anchorage_open(here, place, &found));
        return found;
}

int anchorage_write(struct anchorage *here, struct bc_anchor *anchor, uint64_t n, enum bc_anchor_weight weight, int64_t now_ns)
{
        struct bc_anchor_state state = anchorage_state(n);

        return bc_anchor_write(anchor, &state, weight, now_ns, here->text, sizeof(here->text));
}

void anchorage_put(struct anchorage *here, const char *place, uint64_t n)
{
        struct bc_anchor_found found;
        struct bc_anchor *anchor = anchorage_open(here, place, &found);

        assert_int_equal(anchorage_write(here, anchor, n, BC_ANCHOR_LAST, 0), 0);
        bc_anchor_free(anchor);
}

uint64_t anchorage_in_tpm(struct anchorage *here)
{
        struct bc_anchor_found found = anchorage_look(here, ANCHORAGE_PLACE);

        return found.state.epoch > 0 ? found.state.sequence - 1 : 0;
}
