// SPDX-License-Identifier: EUPL-1.2
// A long stream through sealer and reader with the address space closed behind them: memory does not grow with the file.
// BC_LONG=1: 1 GB instead of 50 MB.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "film.h"
#include "parties.h"

#define FRAGMENT_BYTES 500000
#define SPARE_BYTES (1024 * 1024)

// A sealed file that never is anywhere as a whole: made as it is read.
struct stream {
        struct bc_sealer *sealer;
        size_t fragment, fragments;
        uint64_t window_offset;
        size_t window_bytes;
        uint8_t *window, *plain;
        size_t room;
};

// The plain text: each byte says where it stands.
static void fill(uint8_t *bytes, size_t n, uint64_t at)
{
        for (size_t i = 0; i < n; i++)
                bytes[i] = (uint8_t)((at + i) * 2654435761u >> 13);
}

static void seal_more(struct stream *stream)
{
        uint8_t *to = stream->window + stream->window_bytes;
        size_t room = stream->room - stream->window_bytes, n;
        bool last = ++stream->fragment == stream->fragments;

        fill(stream->plain, FRAGMENT_BYTES, (uint64_t)(stream->fragment - 1) * FRAGMENT_BYTES);
        assert_int_equal(
                (last ? bc_sealer_finish : bc_sealer_seal)(stream->sealer, stream->plain, FRAGMENT_BYTES, to, room, &n),
                0);
        stream->window_bytes += n;
}

static int read_stream(void *user, uint64_t offset, void *bytes, size_t n)
{
        struct stream *stream = user;

        assert_true(offset >= stream->window_offset); // the reader does not go back
        while (offset + n > stream->window_offset + stream->window_bytes) {
                size_t gone = (size_t)(offset - stream->window_offset);

                memmove(stream->window, stream->window + gone, stream->window_bytes - gone);
                stream->window_offset = offset;
                stream->window_bytes -= gone;
                seal_more(stream);
        }
        memcpy(bytes, stream->window + (offset - stream->window_offset), n);
        return 0;
}

static size_t address_space(void)
{
        FILE *file = fopen("/proc/self/statm", "re");
        char line[128];

        assert_non_null(file);
        assert_non_null(fgets(line, sizeof(line), file));
        fclose(file);
        return strtoul(line, NULL, 10) * 4096;
}

static void check_stream(struct bc_sealer *sealer, const struct bc_opener *opener, size_t fragments)
{
        struct stream stream = { .sealer = sealer,
                                 .fragments = fragments,
                                 .room = BC_SEALER_BEGIN_BYTES_MAX + 3 * FRAGMENT_BYTES };
        struct bc_sealed_header about = film_about();
        struct bc_unseal_source source = { .read = read_stream, .user = &stream };
        BC_CLEANUP(bc_cleanup_unseal) struct bc_unseal *unseal = NULL;
        uint8_t hash[32], *expected = malloc(BC_SEALED_CHUNK_BYTES_MAX);
        struct rlimit limit, old;
        const uint8_t *plain;
        uint64_t at = 0;
        size_t n;

        stream.window = malloc(stream.room);
        stream.plain = malloc(FRAGMENT_BYTES);
        assert_non_null(stream.window);
        assert_non_null(stream.plain);
        assert_int_equal(bc_sealer_begin(sealer, &about, stream.window, stream.room, &stream.window_bytes, hash), 0);
        source.size = stream.window_bytes + bc_sealed_bytes(FRAGMENT_BYTES, false) * fragments;

        assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
        limit = old;
        limit.rlim_cur = address_space() + SPARE_BYTES;
        assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
        assert_null(malloc(16 * SPARE_BYTES)); // it is closed
        assert_int_equal(bc_unseal_new(opener, &source, &unseal), 0);
        while (bc_unseal_next(unseal, &plain, &n)) {
                fill(expected, n, at);
                assert_memory_equal(plain, expected, n);
                at += n;
        }
        assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
        assert_int_equal(bc_unseal_report(unseal)->finding, BC_UNSEAL_WHOLE);
        assert_int_equal(at, (uint64_t)fragments * FRAGMENT_BYTES);
        free(stream.window);
        free(stream.plain);
        free(expected);
}

static void test_memory_is_constant(void **state)
{
        char *folder = party_folder_make(), fault[BC_OPENER_FAULT_BYTES];
        BC_CLEANUP(bc_cleanup_agency) struct bc_agency *agency = NULL;
        BC_CLEANUP(bc_cleanup_sealer) struct bc_sealer *sealer = NULL;
        BC_CLEANUP(bc_cleanup_opener) struct bc_opener *opener = NULL;
        struct party party;
        const char *path = party.certificate_path;

        (void)state;
        party_make(&party, folder, "party", &(struct party_wish){ .key = "P-256" });
        assert_int_equal(bc_agency_load(&(struct bc_agency_source){ .paths = &path, .count = 1, .now_unix_s = PARTY_NOW },
                                        &agency),
                         0);
        assert_int_equal(bc_opener_load(&(struct bc_opener_source){ .key_path = party.key_path }, &opener, fault), 0);
        assert_int_equal(bc_sealer_new(agency, &sealer), 0);
        check_stream(sealer, opener, getenv("BC_LONG") ? 2000 : 100);
        party_folder_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory_is_constant) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
