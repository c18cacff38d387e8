// SPDX-License-Identifier: EUPL-1.2
// Build into a local with a cleanup attribute, publish at the end with BC_TAKE(): no goto ladders.
#ifndef BC_BASE_CLEANUP_H
#define BC_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BC_CLEANUP(function) __attribute__((cleanup(function)))

// The value of a pointer variable, which is NULL afterwards.
#define BC_TAKE(pointer)                          \
        ({                                        \
                __typeof__(pointer) *from_ = &(pointer); \
                __typeof__(pointer) taken_ = *from_;     \
                *from_ = NULL;                    \
                taken_;                           \
        })

// Defines the cleanup function bc_cleanup_NAME for a `type *` with its destructor.
#define BC_DEFINE_CLEANUP(name, type, destructor)                \
        static inline void bc_cleanup_##name(type **at)          \
        {                                                        \
                if (*at)                                         \
                        destructor(*at);                         \
        }

static inline void bc_cleanup_memory(void *at)
{
        free(*(void **)at);
}

static inline void bc_cleanup_fd(const int *at)
{
        if (*at >= 0)
                close(*at);
}

static inline void bc_cleanup_stream(FILE **at)
{
        if (*at)
                fclose(*at);
}

#endif
