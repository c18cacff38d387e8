// SPDX-License-Identifier: EUPL-1.2
#include <getopt.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "provision.h"

#define OPTION(letter) (1u << ((letter) - 'a'))

struct command {
        const char *name, *help;
        unsigned required, allowed; // OPTION() bits; what is required is allowed
        enum bc_provision_exit (*run)(const struct bc_provision *provision);
};

static const struct command commands[] = {
        { "key",
          "bodycam-provision key --uri URI [--algorithm P-256|P-384]\n"
          "    Makes a key where URI says: file:/PATH (mode 0600), handle:0x81000001 (TPM 2.0) or pkcs11:... (a token).\n"
          "    Nothing that is there is replaced.\n",
          OPTION('u'), OPTION('a'), bc_provision_key },
        { "request",
          "bodycam-provision request --uri URI --device ID [--name TEXT] [--out FILE]\n"
          "    Writes a certificate request for the key (PKCS#10, PEM) to standard output or to a new file.\n",
          OPTION('u') | OPTION('d'), OPTION('n') | OPTION('o'), bc_provision_request },
        { "install",
          "bodycam-provision install --uri URI --device ID --certificates FILE --to FILE\n"
          "    Judges the certificates that a CA gave, as the recorder does, and puts them in place.\n",
          OPTION('u') | OPTION('d') | OPTION('c') | OPTION('t'), OPTION('j'), bc_provision_install },
        { "check",
          "bodycam-provision check --uri URI --device ID --certificates FILE [--json]\n"
          "    Judges key and certificates, as the recorder does, and says what they are.\n",
          OPTION('u') | OPTION('d') | OPTION('c'), OPTION('j'), bc_provision_check },
        { "anchor",
          "bodycam-provision anchor --anchor tpm2:0x01800bca\n"
          "    Makes an index in the memory of a TPM 2.0 for the ledger's anchor. Nothing that is there is replaced.\n",
          OPTION('b'), 0, bc_provision_anchor },
        { "hand-over",
          "bodycam-provision hand-over --uri URI --device ID --certificates FILE --next FILE --store DIR --anchor PLACE\n"
          "    The key that is there states in the ledger that the key of the next certificates signs from now on.\n"
          "    While the daemon is stopped; needed for another key alone, not for another certificate of the same key.\n",
          OPTION('u') | OPTION('d') | OPTION('c') | OPTION('e') | OPTION('s') | OPTION('b'), 0, bc_provision_hand_over },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static enum bc_provision_exit help(const struct command *command, FILE *to)
{
        if (!command)
                fputs("The key with which a body camera signs, and its certificates. bodycam-provision(1) has it all.\n\n", to);
        for (size_t i = 0; i < COMMANDS; i++)
                if (!command || command == &commands[i])
                        fputs(commands[i].help, to);
        if (!command)
                fputs("bodycam-provision --help | --version\n"
                      "\nExit status: 0 done; 1 refused, with the reason on standard error; 2 wrong usage.\n", to);
        return to == stdout ? BC_PROVISION_DONE : BC_PROVISION_USAGE;
}

static bool take_algorithm(struct bc_provision *provision, const char *word)
{
        provision->algorithm = strcmp(word, "P-384") == 0 ? BC_RECORD_ES384 : BC_RECORD_ES256;
        return strcmp(word, "P-384") == 0 || strcmp(word, "P-256") == 0;
}

enum parsed {
        PARSED,
        PARSED_BADLY,
        PARSED_HELP,
};

static enum parsed parse(const struct command *command, int argc, char **argv, struct bc_provision *provision)
{
        static const struct option options[] = {
                { "anchor", required_argument, NULL, 'b' },
                { "next", required_argument, NULL, 'e' },
                { "store", required_argument, NULL, 's' },
                { "algorithm", required_argument, NULL, 'a' },
                { "certificates", required_argument, NULL, 'c' },
                { "device", required_argument, NULL, 'd' },
                { "help", no_argument, NULL, 'h' },
                { "json", no_argument, NULL, 'j' },
                { "name", required_argument, NULL, 'n' },
                { "out", required_argument, NULL, 'o' },
                { "to", required_argument, NULL, 't' },
                { "uri", required_argument, NULL, 'u' },
                { 0 },
        };
        unsigned given = 0;
        int option;

        optind = 0; // begin anew (getopt(3))
        while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (option == '?')
                        return PARSED_BADLY;
                if (option == 'h')
                        return PARSED_HELP;
                if (!((command->required | command->allowed) & OPTION(option)) || given & OPTION(option))
                        return PARSED_BADLY;
                given |= OPTION(option);
                if (option == 'a' && !take_algorithm(provision, optarg))
                        return PARSED_BADLY;
                provision->certificates = option == 'c' ? optarg : provision->certificates;
                provision->device = option == 'd' ? optarg : provision->device;
                provision->json |= option == 'j';
                provision->name = option == 'n' ? optarg : provision->name;
                provision->next = option == 'e' ? optarg : provision->next;
                provision->store = option == 's' ? optarg : provision->store;
                provision->anchor = option == 'b' ? optarg : provision->anchor;
                provision->out = option == 'o' ? optarg : provision->out;
                provision->to = option == 't' ? optarg : provision->to;
                provision->uri = option == 'u' ? optarg : provision->uri;
        }
        return optind == argc && (given & command->required) == command->required ? PARSED : PARSED_BADLY;
}

// As the settings allow it: [device] id.
static bool is_device_id(const char *text)
{
        size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

        return n >= 1 && n <= BC_RECORD_DEVICE_BYTES_MAX && text[n] == 0;
}

static enum bc_provision_exit run(const struct command *command, int argc, char **argv)
{
        struct bc_provision provision = { .algorithm = BC_RECORD_ES256 };
        enum bc_provision_exit result;

        switch (parse(command, argc, argv, &provision)) {
        case PARSED_BADLY:
                return help(command, stderr);
        case PARSED_HELP:
                return help(command, stdout);
        case PARSED:
                break;
        }
        if (provision.device && !is_device_id(provision.device)) {
                fprintf(stderr, "bodycam-provision: a device's id is 1 to %d letters, digits, - and _\n", BC_RECORD_DEVICE_BYTES_MAX);
                return BC_PROVISION_USAGE;
        }
        result = command->run(&provision);
        if (fflush(stdout) != 0 || ferror(stdout))
                return bc_provision_refuse("standard output cannot be written");
        return result;
}

enum bc_provision_exit bc_provision_refuse(const char *text)
{
        fprintf(stderr, "bodycam-provision: %s\n", text);
        return BC_PROVISION_REFUSED;
}

int main(int argc, char **argv)
{
        const struct sigaction ignore = { .sa_handler = SIG_IGN };

        (void)sigaction(SIGPIPE, &ignore, NULL);
        // Before anything else of OpenSSL, which would read openssl.cnf.
        (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
        if (argc >= 2 && strcmp(argv[1], "--help") == 0)
                return help(NULL, stdout);
        if (argc == 2 && strcmp(argv[1], "--version") == 0)
                return puts("bodycam-provision " BC_VERSION) < 0;
        for (size_t i = 0; argc >= 2 && i < COMMANDS; i++)
                if (strcmp(argv[1], commands[i].name) == 0)
                        return run(&commands[i], argc - 1, argv + 1);
        return help(NULL, stderr);
}
