// SPDX-License-Identifier: EUPL-1.2
// Files that must survive a power cut. All return 0 or negative errno; short writes are completed, EINTR is repeated.
// While one of these runs, the thread is in a call on a device (base/pulse.h).
#ifndef BC_BASE_FILE_H
#define BC_BASE_FILE_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>

// Writes all of bytes at offset.
int bc_file_write_at(int fd, const void *bytes, size_t size, uint64_t offset);

// Reads exactly size bytes at offset; -ENODATA when the file ends before.
int bc_file_read_at(int fd, void *bytes, size_t size, uint64_t offset);

// Makes a new file for writing, 0640; an existing one is never opened. The file descriptor or negative errno.
int bc_file_create(int folder_fd, const char *name);

// The same, and all that is written goes to its end, whatever the offset says: nothing in it can be written twice.
int bc_file_create_appending(int folder_fd, const char *name);

// Make durable what was written to a file: all of it, or its content alone.
int bc_file_sync(int fd);
int bc_file_sync_data(int fd);

// Makes the entries of a folder durable.
int bc_folder_sync(int folder_fd);

// Calls take for each entry of a folder but "." and "..", in no order, until it answers something else than 0. Returns that
// answer, 0 at the end, or negative errno where the folder cannot be read.
int bc_folder_each(int folder_fd, int (*take)(void *user, const struct dirent *entry), void *user);

// mkdir that is durable when it returns; an existing folder is fine when exist_ok, else -EEXIST.
int bc_folder_make(int parent_fd, const char *name, int exist_ok);

// Replaces the file NAME in a folder by bytes, atomically and durably: after a power cut the old or the new content
// is there, whole. Uses NAME.new in the same folder. NAME: at most 200 characters.
int bc_file_replace(int folder_fd, const char *name, const void *bytes, size_t size);

// Somebody else's, in the place of one of ours: it becomes NAME.foreign1, or 2 and so on where that is taken, with a number at random behind
// 99; nothing of it is lost. The new name is in ret_name, of at least as many bytes as NAME and 19 more. Durable.
int bc_file_put_aside(int folder_fd, const char *name, char *ret_name, size_t bytes);

// Reads a whole regular file of at most size_max bytes into memory the caller frees; a 0 byte follows it.
// -EFBIG when larger, -EINVAL when it is not a regular file.
int bc_file_load(int folder_fd, const char *name, size_t size_max, char **ret_bytes, size_t *ret_size);

#endif
