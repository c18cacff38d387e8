// SPDX-License-Identifier: EUPL-1.2
// Where in the ring a recording reads: from its beginning, and again after a failed write or when overtaken.
#ifndef BC_EVIDENCE_PLACE_H
#define BC_EVIDENCE_PLACE_H

#include "evidence/recording.h"

// Places a recording at its pre-event and declares what the ring has not of it: all of it, when it came to nothing. 0: the
// stage has gone on, or step again; -EAGAIN: no picture yet.
int bc_place_first(struct bc_recording *recording, int64_t end_ns, int64_t now_ns);

// Places the cursor where the next segment begins. 0; -EAGAIN: no such key frame yet; -ENODATA: nor will there be one;
// -EPIPE: overtaken meanwhile.
int bc_place_again(struct bc_recording *recording);

#endif
