// SPDX-License-Identifier: EUPL-1.2
#include "evidence/inventory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pulse.h"
#include "base/thread.h"
#include "evidence/endorsement.h"
#include "evidence/entry.h"
#include "evidence/stocktaking.h"

#define SIGNATURE_BYTES_MAX (64 << 10)
#define MANIFEST_BYTES_MAX (5 << 20)
#define NICE 10
#define PATIENCE 15 // seconds, for the signer

// ---- one recording ---------------------------------------------------------------------------------------------

static void tell_of_differing(const struct bc_inventory_kit *kit, uint64_t counter, size_t differing)
{
        struct bc_ledger_entry entry;
        char text[64];

        if (differing == 0 || !kit->ledger)
                return;
        snprintf(text, sizeof(text), "recording %llu: %zu files differ", (unsigned long long)counter, differing);
        bc_entry_alarm(&entry, bc_signer_now_ns(kit->signer), text);
        bc_ledger_tell(kit->ledger, &entry, true);
}

// A signer that hangs must not hold up a shutdown.
static int wait_for_signer(const struct bc_inventory_kit *kit, struct bc_signing *signing, bool (*is_stopped)(void *user),
                           void *user)
{
        int r = -ETIMEDOUT;

        for (int i = 0; r == -ETIMEDOUT && i < PATIENCE; i++) {
                if (is_stopped && is_stopped(user))
                        return -ECANCELED;
                r = bc_signer_wait(kit->signer, signing, bc_signer_now_ns(kit->signer) + BC_NS_PER_S);
        }
        return r < 0 ? r : signing->error;
}

// text: given away. *ret_der is the caller's.
static int endorse(const struct bc_inventory_kit *kit, char *text, size_t bytes, bool (*is_stopped)(void *user), void *user,
                   uint8_t **ret_der, size_t *ret_der_bytes)
{
        struct bc_signing *signing = bc_signing_new();
        int r;

        if (!signing) {
                free(text);
                return -ENOMEM;
        }
        signing->manifest = text;
        signing->manifest_bytes = bytes;
        bc_signer_ask(kit->signer, signing);
        r = wait_for_signer(kit, signing, is_stopped, user);
        if (r == 0)
                r = bc_endorsement_wrap(kit->algorithm, kit->chain, kit->chain_count, signing->signature,
                                        signing->signature_bytes, ret_der, ret_der_bytes);
        bc_signer_abandon(kit->signer, signing);
        return r;
}

int bc_inventory_finish(const struct bc_inventory_kit *kit, int folder_fd, struct bc_manifest *manifest,
                        bool (*is_stopped)(void *user), void *user)
{
        const struct bc_stocktaking stocktaking = { kit->public_key, is_stopped, user };
        BC_CLEANUP(bc_cleanup_memory) char *text = NULL;
        BC_CLEANUP(bc_cleanup_memory) uint8_t *der = NULL;
        char *to_be_signed;
        size_t bytes, der_bytes, differing;
        int r = bc_stocktaking_run(&stocktaking, folder_fd, manifest, &differing);

        if (r == 0)
                r = bc_manifest_print(manifest, &text, &bytes);
        if (r < 0)
                return r;
        tell_of_differing(kit, manifest->counter, differing);
        to_be_signed = strdup(text);
        r = to_be_signed ? endorse(kit, to_be_signed, bytes, is_stopped, user, &der, &der_bytes) : -ENOMEM;
        if (r == 0)
                r = bc_file_replace(folder_fd, BC_MANIFEST_NAME, text, bytes);
        if (r == 0)
                r = bc_file_replace(folder_fd, BC_MANIFEST_SIGNATURE_NAME, der, der_bytes);
        return r;
}

int bc_inventory_look(const struct bc_inventory_kit *kit, int folder_fd, uint64_t counter, enum bc_inventory_found *ret_found)
{
        BC_CLEANUP(bc_cleanup_memory) char *text = NULL;
        BC_CLEANUP(bc_cleanup_memory) char *der = NULL;
        size_t bytes, der_bytes;
        struct bc_manifest manifest;
        int r = bc_file_load(folder_fd, BC_MANIFEST_SIGNATURE_NAME, SIGNATURE_BYTES_MAX, &der, &der_bytes);

        *ret_found = BC_INVENTORY_NONE;
        if (r < 0 && r != -EFBIG && r != -EINVAL && r != -ELOOP)
                return r == -ENOENT ? 0 : r;
        *ret_found = BC_INVENTORY_ANOTHERS;
        if (r == 0)
                r = bc_file_load(folder_fd, BC_MANIFEST_NAME, MANIFEST_BYTES_MAX, &text, &bytes);
        if (r < 0)
                return r == -ENOENT || r == -EFBIG || r == -EINVAL || r == -ELOOP ? 0 : r;
        if (!bc_endorsement_recognise(&kit->public_key, (const uint8_t *)der, der_bytes, text, bytes))
                return 0;
        bc_manifest_init(&manifest);
        r = bc_manifest_parse(&manifest, text, bytes);
        if (r == 0 && manifest.counter == counter)
                *ret_found = manifest.final && manifest.state == BC_RECORDING_CLOSED ? BC_INVENTORY_DONE : BC_INVENTORY_OURS;
        bc_manifest_done(&manifest);
        return r == -ENOMEM ? r : 0;
}

int bc_inventory_withdraw(int folder_fd)
{
        BC_IN_DEVICE;

        if (unlinkat(folder_fd, BC_MANIFEST_SIGNATURE_NAME, 0) < 0)
                return errno == ENOENT ? 0 : -errno;
        return bc_folder_sync(folder_fd);
}

// ---- those that the recorder closes ----------------------------------------------------------------------------

struct due {
        struct bc_manifest manifest;
        int folder_fd;
};

struct bc_inventory {
        struct bc_store *store;
        const struct bc_inventory_kit *kit;
        struct bc_clock *clock;
        struct bc_thread *thread;
        struct bc_monitor monitor; // over the following
        struct due due[BC_INVENTORY_QUEUE_MAX];
        size_t dues;
        bool quit;
        int64_t until_ns; // once it is to end
};

static void free_due(struct due *due)
{
        BC_IN_DEVICE;

        bc_manifest_done(&due->manifest);
        bc_cleanup_fd(&due->folder_fd);
}

static bool is_over(void *user)
{
        struct bc_inventory *inventory = user;
        bool over;

        bc_monitor_lock(&inventory->monitor);
        over = inventory->quit && bc_clock_now_ns(inventory->clock) >= inventory->until_ns;
        bc_monitor_unlock(&inventory->monitor);
        return over;
}

static void finish(struct bc_inventory *inventory, struct due *due)
{
        BC_IN_DEVICE; // reads files all the time, and nobody waits for it
        unsigned long long counter = due->manifest.counter;
        int r = -ECANCELED;

        if (!is_over(inventory))
                r = bc_inventory_finish(inventory->kit, due->folder_fd, &due->manifest, is_over, inventory);

        if (r == 0)
                r = bc_store_close(inventory->store, counter);
        if (r == -ECANCELED)
                bc_log_notice("the manifest of recording %llu is left to the next start to sign", counter);
        else if (r < 0)
                bc_log_error("the manifest of recording %llu could not be signed: %s; it is tried again at the next start",
                             counter, strerror(-r));
        if (r < 0 && r != -ECANCELED && inventory->kit->on_failed)
                inventory->kit->on_failed(inventory->kit->user, r);
}

static void run(void *user)
{
        struct bc_inventory *inventory = user;
        struct due due;

        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); // of this thread, as Linux has it
        bc_monitor_lock(&inventory->monitor);
        for (;;) {
                while (inventory->dues == 0 && !inventory->quit)
                        (void)bc_monitor_wait(&inventory->monitor, BC_NS_NEVER);
                if (inventory->dues == 0)
                        break;
                due = inventory->due[0];
                inventory->dues--;
                memmove(&inventory->due[0], &inventory->due[1], inventory->dues * sizeof(due));
                bc_monitor_unlock(&inventory->monitor);
                finish(inventory, &due);
                free_due(&due);
                bc_monitor_lock(&inventory->monitor);
        }
        bc_monitor_unlock(&inventory->monitor);
}

BC_DEFINE_CLEANUP(inventory, struct bc_inventory, free)

int bc_inventory_new(struct bc_clock *clock, struct bc_store *store, const struct bc_inventory_kit *kit,
                     struct bc_inventory **ret_inventory)
{
        BC_CLEANUP(bc_cleanup_inventory) struct bc_inventory *inventory = calloc(1, sizeof(*inventory));
        int r;

        if (!inventory)
                return -ENOMEM;
        inventory->clock = clock;
        inventory->store = store;
        inventory->kit = kit;
        bc_monitor_init(&inventory->monitor, clock);
        r = bc_thread_start(clock, "inventory", run, inventory, &inventory->thread);
        if (r < 0) {
                bc_monitor_done(&inventory->monitor);
                return r;
        }
        *ret_inventory = BC_TAKE(inventory);
        return 0;
}

void bc_inventory_free(struct bc_inventory *inventory, int64_t give_up_ns)
{
        if (!inventory)
                return;
        bc_monitor_lock(&inventory->monitor);
        inventory->quit = true;
        inventory->until_ns = bc_clock_now_ns(inventory->clock) + give_up_ns;
        bc_monitor_wake(&inventory->monitor);
        bc_monitor_unlock(&inventory->monitor);
        bc_thread_join(inventory->thread);
        bc_monitor_done(&inventory->monitor);
        free(inventory);
}

void bc_inventory_add(struct bc_inventory *inventory, struct bc_manifest *manifest, int folder_fd)
{
        struct due due = { *manifest, folder_fd };
        bool room;

        bc_manifest_init(manifest); // given away
        bc_monitor_lock(&inventory->monitor);
        room = inventory->dues < BC_INVENTORY_QUEUE_MAX && !inventory->quit;
        if (room)
                inventory->due[inventory->dues++] = due;
        bc_monitor_wake(&inventory->monitor);
        bc_monitor_unlock(&inventory->monitor);
        if (room)
                return;
        bc_log_warning("the manifest of recording %llu is left to the next start to sign: too many wait",
                       (unsigned long long)due.manifest.counter);
        free_due(&due);
}
