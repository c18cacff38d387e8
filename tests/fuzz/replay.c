// SPDX-License-Identifier: EUPL-1.2
// Runs each file of a folder through a target, without clang and libFuzzer: replay FOLDER
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "target.h"

#define FILE_BYTES_MAX (1 << 20)

int main(int argc, char **argv)
{
        static uint8_t bytes[FILE_BYTES_MAX];
        size_t files = 0;
        DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;

        if (!folder) {
                fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
                return 2;
        }
        for (const struct dirent *entry; (entry = readdir(folder));) {
                char path[4096];
                struct stat status;
                snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
                if (stat(path, &status) < 0 || !S_ISREG(status.st_mode))
                        continue;
                FILE *file = fopen(path, "re");
                size_t n = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
                if (!file || ferror(file) || !feof(file)) {
                        fprintf(stderr, "%s cannot be read whole\n", path);
                        return 1;
                }
                fclose(file);
                fprintf(stderr, "%s\n", entry->d_name); // the last one named is the one that ended the program
                uint8_t *alone = malloc(n > 0 ? n : 1); // a sanitizer sees what is read behind it
                if (!alone)
                        return 1;
                memcpy(alone, bytes, n);
                LLVMFuzzerTestOneInput(alone, n);
                free(alone);
                files++;
        }
        closedir(folder);
        printf("%zu files\n", files);
        return files > 0 ? 0 : 1;
}
