// SPDX-License-Identifier: EUPL-1.2
// The evidence store: where recordings lie, and the counter that names them.
//
//   STORE/lock                     held by the running daemon
//   STORE/counter.json             {"counter": N, "open": [..], "device": ID}: the last number given out, and the
//                                  recordings begun and not yet closed; replaced atomically
//   STORE/recordings/DEVICE-000N/  one folder per recording: 0001.mp4 ..., NNNN.tail, manifest.json
//
// Numbers come from the counter alone, never from listing the folder, and are never given out twice: the counter is
// durable before the folder exists. Thread-safe.
#ifndef BC_EVIDENCE_STORE_H
#define BC_EVIDENCE_STORE_H

#include <stddef.h>
#include <stdint.h>

struct bc_store;

#define BC_DEVICE_ID_BYTES_MAX 32
#define BC_RECORDING_NAME_BYTES_MAX (BC_DEVICE_ID_BYTES_MAX + 24)
#define BC_MANIFEST_NAME "manifest.json"
#define BC_MANIFEST_SIGNATURE_NAME "manifest.sig"

// Opens the store, making it where its parent folder exists, and takes its lock. device_id: [A-Za-z0-9_-], 1 to
// BC_DEVICE_ID_BYTES_MAX of them. On failure a negative errno and, in text, what and where: -EBUSY another daemon
// has it, -EBADMSG its counter is damaged or missing, ... A card that is full does not keep it from being opened.
int bc_store_open(const char *path, const char *device_id, char *text, size_t text_bytes, struct bc_store **ret_store);
void bc_store_free(struct bc_store *store);

const char *bc_store_device_id(const struct bc_store *store);

// The file descriptors of the store's folder and of recordings/; the store's.
int bc_store_fd(const struct bc_store *store);
int bc_store_recordings_fd(const struct bc_store *store);

// The name of recording number `counter` of this device.
void bc_store_name(const struct bc_store *store, uint64_t counter, char ret_name[BC_RECORDING_NAME_BYTES_MAX]);

// Begins a recording: gives out the next number, durably, as open, and makes its folder. The caller closes
// *ret_folder_fd. 0 or negative errno; nothing is left behind then but perhaps a number listed as open, which the next
// call uses.
int bc_store_begin(struct bc_store *store, uint64_t *ret_counter, int *ret_folder_fd);

// Recording `counter` is closed, or recovered: it is not looked at again at the next start. On failure it stays listed.
int bc_store_close(struct bc_store *store, uint64_t counter);

// What failed when it was opened, and did not keep it from being: negative errno, or 0.
int bc_store_open_error(const struct bc_store *store);

// Whether the store can be written at the moment: makes what is durable durable once more. 0 or negative errno.
int bc_store_probe(struct bc_store *store);

// The number of recordings that an earlier run began and that are not yet closed, and the number-th of them in
// ascending order (0: none). Those of this run are never among them: a recording may start while recovery runs.
size_t bc_store_left_open_count(struct bc_store *store);
uint64_t bc_store_left_open_at(struct bc_store *store, size_t number);

// Numbers up to this one were given out, by what is kept elsewhere: they are not given out again. 0; or a negative errno: that is not
// durable, but holds for this run.
int bc_store_raise(struct bc_store *store, uint64_t counter);

// The last number kept as used.
uint64_t bc_store_counter(struct bc_store *store);

// Bytes an ordinary recording may still fill.
int bc_store_room(struct bc_store *store, uint64_t *ret_bytes);

#endif
