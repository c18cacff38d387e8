// SPDX-License-Identifier: EUPL-1.2
// What the commands of bodycam-provision share.
#ifndef PROVISION_H
#define PROVISION_H

#include <stdbool.h>
#include <stddef.h>

#include "evidence/key_uri.h"
#include "format/record.h"

enum bc_provision_exit {
        BC_PROVISION_DONE = 0,
        BC_PROVISION_REFUSED = 1,
        BC_PROVISION_USAGE = 2,
};

struct bc_provision {
        const char *uri, *device, *name, *certificates, *to, *out, *next, *store, *anchor; // NULL: not given
        enum bc_record_algorithm algorithm;
        bool json;
};

#define BC_PROVISION_TEXT_BYTES 1024

// Says on standard error why not.
enum bc_provision_exit bc_provision_refuse(const char *text);

// The commands.
enum bc_provision_exit bc_provision_key(const struct bc_provision *provision);
enum bc_provision_exit bc_provision_request(const struct bc_provision *provision);
enum bc_provision_exit bc_provision_install(const struct bc_provision *provision);
enum bc_provision_exit bc_provision_anchor(const struct bc_provision *provision);
enum bc_provision_exit bc_provision_hand_over(const struct bc_provision *provision);
enum bc_provision_exit bc_provision_check(const struct bc_provision *provision);

// Makes a key where no key is. 0 or negative errno with the reason in text.
int bc_make_in_file(const char *path, enum bc_record_algorithm algorithm, char *text, size_t text_bytes);
int bc_make_in_tpm(uint32_t handle, enum bc_record_algorithm algorithm, char *text, size_t text_bytes);
int bc_make_in_token(const char *uri, enum bc_record_algorithm algorithm, char *text, size_t text_bytes);

// Opens the folder of a file. The folder's descriptor, and the file's name within path; or negative errno.
int bc_place_open(const char *path, const char **ret_name);

#endif
