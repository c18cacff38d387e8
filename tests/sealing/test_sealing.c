// SPDX-License-Identifier: EUPL-1.2
// From the sealer to the reader: round trips, and what the sealer must not do.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "film.h"
#include "parties.h"

#define PARTIES 5

// ---- allocations, those of OpenSSL too --------------------------------------------------------------------------

static unsigned long allocations;

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *memory, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *memory, size_t n);

void *__wrap_malloc(size_t n)
{
        allocations++;
        return __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
        allocations++;
        return __real_calloc(count, n);
}

void *__wrap_realloc(void *memory, size_t n)
{
        allocations++;
        return __real_realloc(memory, n);
}

static void *crypto_malloc(size_t n, const char *file, int line)
{
        (void)file, (void)line;
        return malloc(n);
}

static void *crypto_realloc(void *memory, size_t n, const char *file, int line)
{
        (void)file, (void)line;
        return realloc(memory, n);
}

static void crypto_free(void *memory, const char *file, int line)
{
        (void)file, (void)line;
        free(memory);
}

// ---- the world --------------------------------------------------------------------------------------------------

struct world {
        char *folder;
        struct party party[PARTIES]; // two RSA, two P-256, one P-384
        struct bc_opener *opener[PARTIES];
};

static int make_world(void **state)
{
        const char *kinds[PARTIES] = { "RSA-3072", "P-256", "P-384", "RSA-4096", "P-256" };
        struct world *world = calloc(1, sizeof(*world));
        char name[16], fault[BC_OPENER_FAULT_BYTES];

        assert_non_null(world);
        world->folder = party_folder_make();
        for (size_t i = 0; i < PARTIES; i++) {
                struct bc_opener_source source = { .key_path = world->party[i].key_path };

                snprintf(name, sizeof(name), "p%zu", i);
                party_make(&world->party[i], world->folder, name, &(struct party_wish){ .key = kinds[i] });
                assert_int_equal(bc_opener_load(&source, &world->opener[i], fault), 0);
        }
        *state = world;
        return 0;
}

static int remove_world(void **state)
{
        struct world *world = *state;

        for (size_t i = 0; i < PARTIES; i++)
                bc_opener_free(world->opener[i]);
        party_folder_remove(world->folder);
        free(world);
        return 0;
}

// For the parties whose bits are set.
static struct bc_agency *make_agency(const struct world *world, unsigned parties)
{
        const char *paths[PARTIES];
        struct bc_agency_source source = { .paths = paths, .now_unix_s = PARTY_NOW };
        struct bc_agency *agency;

        for (size_t i = 0; i < PARTIES; i++) {
                if (parties & 1u << i)
                        paths[source.count++] = world->party[i].certificate_path;
        }
        assert_int_equal(bc_agency_load(&source, &agency), 0);
        return agency;
}

static void check_round_trip(const struct world *world, struct bc_sealer *sealer, unsigned parties, uint32_t *random)
{
        struct bc_sealed_header about = film_about();
        size_t fragment_bytes[8], fragments = 1 + film_random(random, 8);
        struct film film;

        for (size_t i = 0; i < fragments; i++)
                fragment_bytes[i] = film_random(random, 4) == 0 ? (film_random(random, 4) * BC_SEALED_CHUNK_BYTES_MAX) :
                                                                  film_random(random, 200000);
        about.segment = 1 + film_random(random, 9999);
        film_make(&film, sealer, &about, *random, fragment_bytes, fragments);
        for (size_t i = 0; i < PARTIES; i++) {
                bool among = parties & 1u << i;
                struct film_outcome outcome;

                film_read(film.sealed, film.sealed_bytes, world->opener[i], &outcome);
                assert_int_equal(outcome.report.finding, among ? BC_UNSEAL_WHOLE : BC_UNSEAL_NO_KEY);
                assert_int_equal(outcome.plain_bytes, among ? film.plain_bytes : 0);
                assert_memory_equal(outcome.plain, film.plain, outcome.plain_bytes);
                assert_true(outcome.report.header_known);
                assert_memory_equal(outcome.report.header_hash, film.header_hash, sizeof(film.header_hash));
                assert_int_equal(outcome.report.header.segment, about.segment);
                assert_string_equal(outcome.report.header.device, "CAM-1");
                assert_int_equal(outcome.report.recipients, (size_t)__builtin_popcount(parties));
                if (among)
                        assert_int_equal(outcome.report.chunks, film.chunks);
                film_outcome_done(&outcome);
        }
        film_done(&film);
}

static void test_random_sizes_and_recipients(void **state)
{
        const struct world *world = *state;
        uint32_t random = 2463534242u;

        for (unsigned parties = 1; parties < 1u << PARTIES; parties++) {
                BC_CLEANUP(bc_cleanup_agency) struct bc_agency *agency = make_agency(world, parties);
                BC_CLEANUP(bc_cleanup_sealer) struct bc_sealer *sealer = NULL;

                assert_int_equal(bc_sealer_new(agency, &sealer), 0);
                for (int i = 0; i < (getenv("BC_LONG") ? 20 : 2); i++)
                        check_round_trip(world, sealer, parties, &random);
        }
}

// With the certificate named, it alone is looked for; an encrypted key opens with the password of a file.
static void test_certificate_and_password(void **state)
{
        const struct world *world = *state;
        BC_CLEANUP(bc_cleanup_agency) struct bc_agency *agency = make_agency(world, 0x0b);
        BC_CLEANUP(bc_cleanup_sealer) struct bc_sealer *sealer = NULL;
        BC_CLEANUP(bc_cleanup_opener) struct bc_opener *opener = NULL, *locked = NULL;
        struct bc_opener_source source = { .key_path = world->party[1].key_path,
                                           .certificate_path = world->party[1].certificate_path };
        char fault[BC_OPENER_FAULT_BYTES], pass[PARTY_PATH_BYTES];
        struct film_outcome outcome;
        struct party party;
        struct film film;
        FILE *file;

        assert_int_equal(bc_sealer_new(agency, &sealer), 0);
        film_make(&film, sealer, &(struct bc_sealed_header){ .device = "D", .boot = 1, .recording = 1, .segment = 1 }, 1,
                  (size_t[]){ 100 }, 1);
        assert_int_equal(bc_opener_load(&source, &opener, fault), 0);
        film_read(film.sealed, film.sealed_bytes, opener, &outcome);
        assert_int_equal(outcome.report.finding, BC_UNSEAL_WHOLE);
        assert_int_not_equal(outcome.report.recipient, 0);
        film_outcome_done(&outcome);
        film_done(&film);

        source.certificate_path = world->party[4].certificate_path;
        assert_int_equal(bc_opener_load(&source, &locked, fault), -EINVAL);
        assert_non_null(strstr(fault, "is not the certificate of the key"));

        party_make(&party, world->folder, "locked",
                   &(struct party_wish){ .same_key_as = world->party[1].key_path, .password = "correct horse" });
        snprintf(pass, sizeof(pass), "%s/pass", world->folder);
        source = (struct bc_opener_source){ .key_path = party.key_path };
        assert_int_equal(bc_opener_load(&source, &locked, fault), -EINVAL);
        assert_non_null(strstr(fault, "is encrypted"));
        source.pass_path = pass;
        assert_int_equal(bc_opener_load(&source, &locked, fault), -EINVAL);
        assert_non_null(strstr(fault, "/pass: cannot be read"));
        file = fopen(pass, "we");
        assert_non_null(file);
        fputs("correct horse\nanother line\n", file);
        fclose(file);
        assert_int_equal(bc_opener_load(&source, &locked, fault), 0);
        file = fopen(pass, "we");
        assert_non_null(file);
        fputs("wrong\n", file);
        fclose(file);
        bc_opener_free(BC_TAKE(locked));
        assert_int_equal(bc_opener_load(&source, &locked, fault), -EINVAL);
        assert_non_null(strstr(fault, "the password does not open it"));
        source = (struct bc_opener_source){ .key_path = world->party[1].certificate_path };
        assert_int_equal(bc_opener_load(&source, &locked, fault), -EINVAL);
        assert_non_null(strstr(fault, "no private key"));
}

static void test_sealing_allocates_nothing(void **state)
{
        BC_CLEANUP(bc_cleanup_agency) struct bc_agency *agency = make_agency(*state, 7);
        BC_CLEANUP(bc_cleanup_sealer) struct bc_sealer *sealer = NULL;
        struct bc_sealed_header about = film_about();
        size_t room = bc_sealed_bytes(500000, true), n;
        uint8_t *plain = calloc(1, 500000), *sealed = malloc(room), begin[BC_SEALER_BEGIN_BYTES_MAX], hash[32];
        unsigned long before;

        assert_int_equal(bc_sealer_new(agency, &sealer), 0);
        before = allocations;
        assert_int_equal(bc_sealer_begin(sealer, &about, begin, sizeof(begin), &n, hash), 0);
        assert_int_not_equal(allocations, before); // the counter counts
        for (size_t i = 0; i < 100; i++) {
                before = allocations;
                assert_int_equal(bc_sealer_seal(sealer, plain, 500000 - i * 4999, sealed, room, &n), 0);
                assert_int_equal(allocations, before);
        }
        free(plain);
        free(sealed);
}

// ---- what is left of a file key ---------------------------------------------------------------------------------

// Opens the envelope in another process, so that nothing of it is left in this one; the key comes through a pipe into *ret_key.
static void learn_key(const struct bc_opener *opener, const uint8_t *bytes, size_t n, uint8_t *ret_key)
{
        struct bc_sealed_header header;
        struct bc_opened opened;
        size_t header_bytes;
        int ends[2], status;
        pid_t child;

        assert_int_equal(pipe(ends), 0);
        child = fork();
        if (child == 0) {
                bool good = bc_sealed_header_parse(bytes, n, &header, &header_bytes) == 0 &&
                            bc_opener_open(opener, header.envelope, header.envelope_bytes, &opened) == 0 &&
                            write(ends[1], opened.file_key, BC_SEALED_KEY_BYTES) == BC_SEALED_KEY_BYTES;
                _exit(!good);
        }
        assert_int_equal(read(ends[0], ret_key, BC_SEALED_KEY_BYTES), BC_SEALED_KEY_BYTES);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        close(ends[0]);
        close(ends[1]);
}

// How often these bytes stand in the writable memory of this process.
static unsigned count_in_memory(const uint8_t *bytes, size_t n)
{
        FILE *maps = fopen("/proc/self/maps", "re");
        unsigned count = 0;
        char line[512];

        assert_non_null(maps);
        while (fgets(line, sizeof(line), maps)) {
                char *end;
                const uint8_t *from = (const uint8_t *)(uintptr_t)strtoull(line, &end, 16);
                const uint8_t *to = (const uint8_t *)(uintptr_t)strtoull(end + 1, &end, 16);

                if (strncmp(end, " rw", 3) != 0)
                        continue;
                for (const uint8_t *at = from; at && at < to; at++) {
                        at = memmem(at, (size_t)(to - at), bytes, n);
                        if (!at)
                                break;
                        count++;
                }
        }
        fclose(maps);
        return count;
}

static void check_key_is_gone(const struct world *world)
{
        BC_CLEANUP(bc_cleanup_agency) struct bc_agency *agency = make_agency(world, 0x1f);
        BC_CLEANUP(bc_cleanup_sealer) struct bc_sealer *sealer = NULL;
        struct bc_sealed_header about = film_about();
        uint8_t bytes[BC_SEALER_BEGIN_BYTES_MAX], hash[32];
        uint8_t *key = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        size_t n;

        assert_ptr_not_equal(key, MAP_FAILED);
        assert_int_equal(bc_sealer_new(agency, &sealer), 0);
        for (int i = 0; i < 10; i++) {
                assert_int_equal(bc_sealer_begin(sealer, &about, bytes, sizeof(bytes), &n, hash), 0);
                learn_key(world->opener[i % PARTIES], bytes, n, key);
                assert_int_equal(count_in_memory(key, BC_SEALED_KEY_BYTES), 1); // the one just learnt, so it finds what is there
                assert_int_equal(count_in_memory(key, BC_SEALED_KEY_BYTES / 2), 1);
        }
        munmap(key, 4096);
}

// Once a file is begun its key is nowhere any more: not where it was made, nor where OpenSSL wrapped it or derived from it.
static void test_rule_19_file_key_is_gone(void **state)
{
#ifdef __SANITIZE_ADDRESS__
        skip(); // it has writable memory that may not be read
#endif
        check_key_is_gone(*state);
}

static void check_secrets_are_locked(const struct world *world)
{
        BC_CLEANUP(bc_cleanup_agency) struct bc_agency *agency = make_agency(world, 1);
        BC_CLEANUP(bc_cleanup_sealer) struct bc_sealer *sealer = NULL;
        unsigned pages[2] = { 0 };
        struct rlimit limit, none;

        for (int with = 0; with < 2; with++) {
                FILE *maps;
                char line[512];

                if (with)
                        assert_int_equal(bc_sealer_new(agency, &sealer), 0);
                maps = fopen("/proc/self/smaps", "re");
                assert_non_null(maps);
                while (fgets(line, sizeof(line), maps))
                        pages[with] += strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " lo") && strstr(line, " dd");
                fclose(maps);
        }
        assert_int_equal(pages[1], pages[0] + 1);
        // Where nothing may be locked there is no sealer. Root may always.
        assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
        none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
        if (geteuid() != 0) {
                struct bc_sealer *another = NULL;

                assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
                assert_true(bc_sealer_new(agency, &another) < 0);
                assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
        }
}

// The page it was in is locked and stays out of core dumps.
static void test_secrets_are_locked(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(TEST_EMULATED)
        skip(); // the one makes mlock() do nothing, the other does not tell
#endif
        check_secrets_are_locked(*state);
}

static void test_what_a_sealer_refuses(void **state)
{
        BC_CLEANUP(bc_cleanup_agency) struct bc_agency *agency = make_agency(*state, 1);
        BC_CLEANUP(bc_cleanup_sealer) struct bc_sealer *sealer = NULL;
        struct bc_sealed_header about = film_about(), bad;
        uint8_t bytes[BC_SEALER_BEGIN_BYTES_MAX], hash[32], plain[10] = { 0 };
        size_t n, begin_bytes;

        assert_int_equal(bc_sealer_new(agency, &sealer), 0);
        assert_int_equal(bc_sealer_seal(sealer, plain, 10, bytes, sizeof(bytes), &n), -EINVAL); // nothing is begun
        for (int i = 0; i < 6; i++) {
                bad = about;
                if (i == 0)
                        bad.device[0] = '\0';
                if (i == 1)
                        bad.device[0] = '\n';
                if (i == 2)
                        bad.boot = 0;
                if (i == 3)
                        bad.recording = 0;
                if (i == 4)
                        bad.segment = 0;
                if (i == 5)
                        bad.segment = 10000;
                assert_int_equal(bc_sealer_begin(sealer, &bad, bytes, sizeof(bytes), &n, hash), -EINVAL);
                assert_int_equal(bc_sealer_seal(sealer, plain, 10, bytes, sizeof(bytes), &n), -EINVAL);
        }
        assert_int_equal(bc_sealer_begin(sealer, &about, bytes, sizeof(bytes), &begin_bytes, hash), 0);
        assert_int_equal(bc_sealer_begin(sealer, &about, bytes, begin_bytes - 1, &n, hash), -ENOBUFS);
        assert_int_equal(bc_sealer_begin(sealer, &about, bytes, begin_bytes, &n, hash), 0);
        assert_int_equal(bc_sealer_seal(sealer, plain, 10, bytes, 29, &n), -ENOBUFS);
        assert_int_equal(bc_sealer_seal(sealer, plain, 10, bytes, 30, &n), 0);
        assert_int_equal(bc_sealer_seal(sealer, plain, 0, bytes, 0, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(bc_sealer_seal(sealer, plain, (size_t)BC_SEALED_PLAIN_BYTES_MAX - 9, bytes, SIZE_MAX, &n), -EFBIG);
        assert_int_equal(bc_sealer_finish(sealer, NULL, 0, bytes, 20, &n), 0);
        assert_int_equal(bc_sealer_finish(sealer, NULL, 0, bytes, 20, &n), -EINVAL); // it is finished
        assert_int_equal(bc_sealer_seal(sealer, plain, 10, bytes, sizeof(bytes), &n), -EINVAL);
}

static int compare_nonces(const void *a, const void *b)
{
        return memcmp(a, b, BC_SEALED_NONCE_BYTES);
}

// The nonce each chunk of a file opens with, by the reader's own count, occurs once; two files never share key or header.
static void test_rule_19_no_nonce_twice(void **state)
{
        const struct world *world = *state;
        BC_CLEANUP(bc_cleanup_agency) struct bc_agency *agency = make_agency(world, 2);
        BC_CLEANUP(bc_cleanup_sealer) struct bc_sealer *sealer = NULL;
        static uint8_t nonces[FILM_CHUNKS_MAX][BC_SEALED_NONCE_BYTES];
        struct bc_sealed_header about = film_about();
        size_t fragment_bytes[300];
        struct film film, other;
        struct film_outcome outcome;

        for (size_t i = 0; i < 300; i++)
                fragment_bytes[i] = i % 5 == 0 ? 140000 : 10;
        assert_int_equal(bc_sealer_new(agency, &sealer), 0);
        film_make(&film, sealer, &about, 5, fragment_bytes, 300);
        film_read(film.sealed, film.sealed_bytes, world->opener[1], &outcome);
        // It reads whole only with nonces that count from 0 and with the final flag in the last one.
        assert_int_equal(outcome.report.finding, BC_UNSEAL_WHOLE);
        assert_int_equal(outcome.report.chunks, film.chunks);
        for (size_t i = 0; i < film.chunks; i++)
                bc_sealed_nonce(i, i + 1 == film.chunks, nonces[i]);
        qsort(nonces, film.chunks, BC_SEALED_NONCE_BYTES, compare_nonces);
        for (size_t i = 1; i < film.chunks; i++)
                assert_memory_not_equal(nonces[i - 1], nonces[i], BC_SEALED_NONCE_BYTES);
        // The same segment again, as after a failed write: nothing of it is the same.
        film_make(&other, sealer, &about, 5, fragment_bytes, 300);
        assert_memory_equal(film.plain, other.plain, film.plain_bytes);
        assert_memory_not_equal(film.header_hash, other.header_hash, 32);
        assert_memory_not_equal(film.sealed + film.header_bytes, other.sealed + other.header_bytes, BC_SEALED_COMMITMENT_BYTES);
        for (size_t i = 0; i < film.chunks; i++)
                assert_memory_not_equal(film.sealed + film.chunk_offset[i] + 4, other.sealed + other.chunk_offset[i] + 4, 10);
        film_outcome_done(&outcome);
        film_done(&film);
        film_done(&other);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_sizes_and_recipients),
                cmocka_unit_test(test_certificate_and_password),
                cmocka_unit_test(test_sealing_allocates_nothing),
                cmocka_unit_test(test_rule_19_file_key_is_gone),
                cmocka_unit_test(test_secrets_are_locked),
                cmocka_unit_test(test_what_a_sealer_refuses),
                cmocka_unit_test(test_rule_19_no_nonce_twice),
        };

        if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
                return 1;
        return cmocka_run_group_tests(tests, make_world, remove_world);
}
