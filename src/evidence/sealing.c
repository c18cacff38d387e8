// SPDX-License-Identifier: EUPL-1.2
#include "evidence/sealing.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct bc_sealing {
        struct bc_sealer *sealer[BC_SEALING_SEGMENTS_MAX];
        bool taken[BC_SEALING_SEGMENTS_MAX];
        uint8_t *bytes;
        size_t room;
};

static size_t room_for(size_t plain_bytes)
{
        return BC_SEALER_BEGIN_BYTES_MAX + bc_sealed_bytes(plain_bytes, true);
}

int bc_sealing_new(const struct bc_agency *agency, size_t plain_bytes, struct bc_sealing **ret_sealing)
{
        BC_CLEANUP(bc_cleanup_sealing) struct bc_sealing *sealing = calloc(1, sizeof(*sealing));
        size_t room;
        int r;

        if (!sealing || !bc_sealing_room(sealing, plain_bytes, &room))
                return -ENOMEM;
        for (size_t i = 0; i < BC_SEALING_SEGMENTS_MAX; i++) {
                r = bc_sealer_new(agency, &sealing->sealer[i]);
                if (r < 0)
                        return r;
        }
        *ret_sealing = BC_TAKE(sealing);
        return 0;
}

void bc_sealing_free(struct bc_sealing *sealing)
{
        if (!sealing)
                return;
        for (size_t i = 0; i < BC_SEALING_SEGMENTS_MAX; i++)
                bc_sealer_free(sealing->sealer[i]);
        free(sealing->bytes);
        free(sealing);
}

struct bc_sealer *bc_sealing_take(struct bc_sealing *sealing)
{
        for (size_t i = 0; i < BC_SEALING_SEGMENTS_MAX; i++)
                if (!sealing->taken[i]) {
                        sealing->taken[i] = true;
                        return sealing->sealer[i];
                }
        return NULL;
}

void bc_sealing_give(struct bc_sealing *sealing, struct bc_sealer *sealer)
{
        bc_sealer_end(sealer);
        for (size_t i = 0; i < BC_SEALING_SEGMENTS_MAX; i++)
                if (sealing->sealer[i] == sealer)
                        sealing->taken[i] = false;
}

uint8_t *bc_sealing_room(struct bc_sealing *sealing, size_t plain_bytes, size_t *ret_room)
{
        size_t room = room_for(plain_bytes);
        uint8_t *bytes;

        if (room > sealing->room) {
                bytes = realloc(sealing->bytes, room);
                if (!bytes)
                        return NULL;
                sealing->bytes = bytes;
                sealing->room = room;
        }
        *ret_room = sealing->room;
        return sealing->bytes;
}
