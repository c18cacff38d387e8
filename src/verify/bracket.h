// SPDX-License-Identifier: EUPL-1.2
// When a recording was made, by others' word and not by the device's clock (EVIDENCE 16; docs/formats/ledger.md, 7): not before
// the newest nonce that its beginning hangs on, not after the oldest witness of the ledger's record that names its end.
// Thread-bound.
#ifndef BC_VERIFY_BRACKET_H
#define BC_VERIFY_BRACKET_H

#include "verify/ledger.h"
#include "verify/recording.h"
#include "verify/witness.h"

// Before the recording is judged: its certificates are judged at `not after`, where it has one.
void bc_bracket_close(const struct bc_witnesses *witnesses, const struct bc_ledger_verdict *ledger,
                      struct bc_recording_verdict *recording);

// After it was judged: the other side, and what it claims against both. The recording's verdict follows.
void bc_bracket_judge(const struct bc_witnesses *witnesses, const struct bc_ledger_verdict *ledger,
                      struct bc_recording_verdict *recording);

#endif
