// SPDX-License-Identifier: EUPL-1.2
#include "chip.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define WORD_BYTES 160

void chip_start(struct chip *chip)
{
        // --daemon: it returns when the socket is there.
        char words[][WORD_BYTES] = { "swtpm", "socket", "--tpm2", "--daemon", "--pid", "", "--tpmstate", "", "--server", "", "--ctrl", "",
                                     "--flags", "not-need-init,startup-clear" };
        char *list[sizeof(words) / sizeof(words[0]) + 1] = { NULL }, *text;
        int status = 0, fd = folder_open(chip->folder);
        pid_t child;
        size_t size;

        snprintf(words[5], WORD_BYTES, "file=%s/pid", chip->folder);
        snprintf(words[7], WORD_BYTES, "dir=%s", chip->folder);
        snprintf(words[9], WORD_BYTES, "type=unixio,path=%s/socket", chip->folder);
        snprintf(words[11], WORD_BYTES, "type=unixio,path=%s/socket.ctrl", chip->folder);
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                list[i] = words[i];
        assert_int_equal(posix_spawnp(&child, list[0], NULL, NULL, list, environ), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        text = folder_read(fd, "pid", &size);
        chip->pid = (pid_t)strtol(text, NULL, 10);
        assert_true(chip->pid > 1);
        free(text);
        close(fd);
}

void chip_end(struct chip *chip, bool abruptly)
{
        struct pollfd gone = { .fd = pidfd_open(chip->pid, 0), .events = POLLIN };

        assert_true(gone.fd >= 0);
        assert_int_equal(kill(chip->pid, abruptly ? SIGKILL : SIGTERM), 0);
        assert_int_equal(poll(&gone, 1, 60000), 1);
        close(gone.fd);
        chip->pid = 0;
}

void chip_make(struct chip *chip)
{
        char tcti[WORD_BYTES];

        *chip = (struct chip){ .pid = 0 };
        folder_make(chip->folder);
        chip_start(chip);
        snprintf(tcti, sizeof(tcti), "swtpm:path=%s/socket", chip->folder);
        assert_int_equal(setenv("TPM2OPENSSL_TCTI", tcti, 1), 0);
        assert_int_equal(setenv("TSS2_LOG", "all+none", 1), 0); // it would tell of each refusal that a test asks for
}

void chip_done(struct chip *chip)
{
        if (chip->pid != 0)
                chip_end(chip, false);
        assert_int_equal(unsetenv("TPM2OPENSSL_TCTI"), 0);
        folder_remove(chip->folder);
}
