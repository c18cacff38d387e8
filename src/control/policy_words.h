// SPDX-License-Identifier: EUPL-1.2
// What the camera will do, in plain words, for whoever has to trust it: bodycamctl policy, bodycamd --check.
#ifndef BC_CONTROL_POLICY_WORDS_H
#define BC_CONTROL_POLICY_WORDS_H

#include "control/settings.h"

// A sentence each, by on_sentence.
void bc_policy_describe(const struct bc_settings *settings, void (*on_sentence)(void *user, const char *text), void *user);

#endif
