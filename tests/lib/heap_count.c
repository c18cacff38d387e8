// SPDX-License-Identifier: EUPL-1.2
// heap-count.so, for LD_PRELOAD: counts allocations on the heap, by thread and by who asked.
//
// HEAP_COUNT names a file that holds struct heap_count, zeroed, which the test has mapped. While the test has set
// `counting`, each allocation is counted at the site it came from: a thread's name and a chain of return addresses, told
// as module and offset. Sites that find no room are counted in `lost`. Nothing is allocated here.
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SITES 512
#define DEPTH 10
#define OWN_FRAMES 2 // count() and the function that was called

// Of this machine's byte order; tests/scenario/heap.py knows both structs too.
struct site {
        char thread[16];
        uint64_t calls, bytes;
        uint64_t address[DEPTH]; // 0: the chain was shorter
        char where[DEPTH][128];  // module path, offset, symbol if it is a dynamic one
};

struct heap_count {
        atomic_uint counting;
        uint32_t sites;
        uint64_t lost;
        struct site site[SITES];
};

// glibc's allocator under its other names.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_flag busy = ATOMIC_FLAG_INIT;
static _Atomic(struct heap_count *) mapped;
static _Thread_local bool inside; // what is called below may allocate itself

static struct heap_count *map(void)
{
        struct heap_count *known = atomic_load(&mapped);
        const char *name;
        int fd;

        if (known)
                return known == MAP_FAILED ? NULL : known;
        name = getenv("HEAP_COUNT");
        fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
        known = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*known), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (fd >= 0)
                close(fd);
        atomic_store(&mapped, known);
        return known == MAP_FAILED ? NULL : known;
}

static void describe(struct site *site, int i)
{
        void *address = (void *)(uintptr_t)site->address[i];
        Dl_info info;

        if (site->address[i] && dladdr(address, &info) && info.dli_fname)
                snprintf(site->where[i], sizeof(site->where[i]), "%s %llx %s", info.dli_fname,
                         (unsigned long long)(site->address[i] - (uintptr_t)info.dli_fbase),
                         info.dli_sname ? info.dli_sname : "");
}

static struct site *find_site(struct heap_count *heap, const char *thread, const uint64_t *address)
{
        struct site *site;

        for (uint32_t i = 0; i < heap->sites; i++) {
                site = &heap->site[i];
                if (memcmp(site->address, address, sizeof(site->address)) == 0 && strcmp(site->thread, thread) == 0)
                        return site;
        }
        if (heap->sites == SITES)
                return NULL;
        site = &heap->site[heap->sites++];
        snprintf(site->thread, sizeof(site->thread), "%s", thread);
        memcpy(site->address, address, sizeof(site->address));
        for (int i = 0; i < DEPTH; i++)
                describe(site, i);
        return site;
}

static __attribute__((noinline)) void count(size_t bytes)
{
        struct heap_count *heap = inside ? NULL : map();
        void *chain[DEPTH + OWN_FRAMES] = { 0 };
        uint64_t address[DEPTH] = { 0 };
        char thread[16] = "";
        struct site *site;
        int depth;

        if (!heap || !atomic_load(&heap->counting))
                return;
        inside = true;
        depth = backtrace(chain, DEPTH + OWN_FRAMES);
        for (int i = OWN_FRAMES; i < depth; i++)
                address[i - OWN_FRAMES] = (uint64_t)(uintptr_t)chain[i];
        prctl(PR_GET_NAME, thread);
        while (atomic_flag_test_and_set(&busy))
                ;
        site = find_site(heap, thread, address);
        if (site) {
                site->calls++;
                site->bytes += bytes;
        } else {
                heap->lost++;
        }
        atomic_flag_clear(&busy);
        inside = false;
}

void *malloc(size_t size)
{
        count(size);
        return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
        count(number * size);
        return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size)
{
        count(size);
        return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
        count(size);
        return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
        count(size);
        return __libc_memalign(alignment, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
        void *memory;

        count(size);
        memory = __libc_memalign(alignment, size);
        if (!memory)
                return ENOMEM;
        *ret_memory = memory;
        return 0;
}
