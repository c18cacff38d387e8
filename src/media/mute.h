// SPDX-License-Identifier: EUPL-1.2
// When the microphone is muted: the spans of media time that are still on their way through the sound's stages.
//
// A press counts from its own time, which is a little past when it is heard of, while the sound of that instant may still
// be to come; so several spans may lie ahead of the encoder. There is room for BC_MUTE_SPANS_MAX of them. Where more would
// be needed at once, the sound between two of them is muted as well: nothing that was to be silent is ever heard.
//
// Plain data; the owner locks.
#ifndef BC_MEDIA_MUTE_H
#define BC_MEDIA_MUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BC_MUTE_SPANS_MAX 16

struct bc_mute_span {
        int64_t from_ns, to_ns; // to BC_NS_NEVER: still muted
};

// All zero: not muted.
struct bc_mute {
        struct bc_mute_span span[BC_MUTE_SPANS_MAX]; // in the order in which they were asked for; they may overlap
        size_t spans;
};

// From time_ns on it is muted, or not any more. No effect where it is so already; unmuted at a time before it was muted, it
// never was.
void bc_mute_set(struct bc_mute *mute, bool muted, int64_t time_ns);

bool bc_mute_is_on(const struct bc_mute *mute);

// Nothing before time_ns is asked for any more: spans that end there or earlier are forgotten.
void bc_mute_forget(struct bc_mute *mute, int64_t time_ns);

// Whether from_ns is muted. *ret_until_ns: up to when, but at most to_ns, the answer is the same; later than from_ns, which is
// before to_ns.
bool bc_mute_at(const struct bc_mute *mute, int64_t from_ns, int64_t to_ns, int64_t *ret_until_ns);

#endif
