// SPDX-License-Identifier: EUPL-1.2
// A temporary folder for a test, and files in it.
#ifndef FOLDER_H
#define FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLDER_PATH_BYTES 64

// In memory where there is such a place: what a real disk does is the power-cut test's business.
void folder_make(char ret_path[FOLDER_PATH_BYTES]);
void folder_remove(const char *path);

// Opens a folder; the caller closes.
int folder_open(const char *path);

void folder_write(int folder_fd, const char *name, const void *bytes, size_t size);
void folder_write_text(int folder_fd, const char *name, const char *text);
// The whole file, 0-terminated; the caller frees.
char *folder_read(int folder_fd, const char *name, size_t *ret_size);
bool folder_has(int folder_fd, const char *name);

#endif
