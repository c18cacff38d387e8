// SPDX-License-Identifier: EUPL-1.2
// The recorder's properties as a JSON object, with keys in small letters: RecordingCounter is recording_counter.
//
// A daemon may be older or newer than this program: any property may be missing, or new. Texts are cleaned (text.h).
#ifndef BC_BODYCAMCTL_PROPERTIES_H
#define BC_BODYCAMCTL_PROPERTIES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

// Reads an a{sv}. 0 or negative errno; *ret_properties is the caller's then.
int bc_properties_read(sd_bus_message *message, json_t **ret_properties);

// Reads an "as" into an array. 0 or negative errno; *ret_list is the caller's then.
int bc_properties_read_strings(sd_bus_message *message, json_t **ret_list);

// false, and *ret_number untouched: it is missing, or no number.
bool bc_properties_number(const json_t *properties, const char *key, int64_t *ret_number);

// "" when it is missing, or no text.
const char *bc_properties_text(const json_t *properties, const char *key);

bool bc_properties_truth(const json_t *properties, const char *key);

// Whether a list holds the text.
bool bc_properties_holds(const json_t *properties, const char *key, const char *text);

#endif
