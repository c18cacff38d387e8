// SPDX-License-Identifier: EUPL-1.2
// Values of a JSON object that anybody may have written. Each 0, or -EBADMSG: there is no such value, or out of range. Pure.
#ifndef BC_EVIDENCE_JSON_FIELD_H
#define BC_EVIDENCE_JSON_FIELD_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

int bc_field_integer(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret_value);

// Counts the key in *keys where it is there; else leaves the value as it is.
int bc_field_optional(const json_t *object, const char *key, int64_t min, int64_t max, size_t *keys, int64_t *ret_value);

// null is BC_TICKS_UNKNOWN.
int bc_field_ticks(const json_t *object, const char *key, int64_t *ret_ticks);

// Which of the words it is.
int bc_field_choice(const json_t *object, const char *key, const char *const *choice, size_t choices);

int bc_field_text(const json_t *object, const char *key, char *ret_text, size_t bytes);

#endif
