// SPDX-License-Identifier: EUPL-1.2
#include "evidence/token.h"

#include <errno.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "evidence/refusal.h"
#include "evidence/secret.h"

#define PIN_BYTES_MAX 256
#define SLOTS_MAX 64

struct bc_token {
        P11KitUri *uri;
        CK_FUNCTION_LIST *module;
        CK_SESSION_HANDLE session;
        CK_OBJECT_HANDLE key; // private
        enum bc_record_algorithm algorithm;
        uint8_t point[97];
        size_t point_bytes;
};

// The names of the curves as CKA_EC_PARAMS has them: OBJECT IDENTIFIER 1.2.840.10045.3.1.7 and 1.3.132.0.34.
static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };

BC_DEFINE_CLEANUP(token, struct bc_token, bc_token_close)

static int failed(const char *uri, const char *what, CK_RV rv, char *text, size_t text_bytes)
{
        return bc_refusal(text, text_bytes, EIO, "key %s: %s: %s", uri, what, p11_kit_strerror(rv));
}

// ---- the token -----------------------------------------------------------------------------------------------

static int find_slot(struct bc_token *token, const char *uri, char *text, size_t text_bytes, CK_SLOT_ID *ret_slot)
{
        CK_SLOT_ID slots[SLOTS_MAX];
        CK_ULONG count = SLOTS_MAX;
        size_t found = 0;
        CK_RV rv = token->module->C_GetSlotList(CK_TRUE, slots, &count);

        if (rv != CKR_OK)
                return failed(uri, "its tokens cannot be listed", rv, text, text_bytes);
        for (CK_ULONG i = 0; i < count; i++) {
                CK_TOKEN_INFO info;

                if (token->module->C_GetTokenInfo(slots[i], &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED) ||
                    !p11_kit_uri_match_token_info(token->uri, &info))
                        continue;
                if (info.flags & CKF_USER_PIN_LOCKED)
                        return bc_refusal(text, text_bytes, EACCES, "key %s: the token's PIN is locked", uri);
                *ret_slot = slots[i];
                found++;
        }
        if (found == 0)
                return bc_refusal(text, text_bytes, ENOENT, "key %s: there is no such token", uri);
        if (found > 1)
                return bc_refusal(text, text_bytes, EINVAL, "key %s: it names %zu tokens, it must be one", uri, found);
        return 0;
}

static int log_in(struct bc_token *token, const char *uri, const char *source, char *text, size_t text_bytes)
{
        const char *path = strncmp(source, "file:", 5) == 0 ? source + 5 : source;
        uint8_t *pin;
        size_t size, length;
        CK_RV rv;
        int r;

        if (strncmp(path, "///", 3) == 0)
                path += 2;
        // RFC 7512 has "|command", too: nothing is run here.
        if (path[0] != '/')
                return bc_refusal(text, text_bytes, EINVAL, "key %s: pin-source must be file: and an absolute path", uri);
        r = bc_secret_load("PIN", path, PIN_BYTES_MAX, text, text_bytes, &pin, &size);
        if (r < 0)
                return r;
        length = strcspn((const char *)pin, "\r\n");
        rv = token->module->C_Login(token->session, CKU_USER, pin, length);
        bc_secret_free(pin, size);
        if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE)
                return bc_refusal(text, text_bytes, EACCES, "key %s: the token refuses the PIN in %s: %s", uri, path, p11_kit_strerror(rv));
        // Another session of this process is a login of this one, too.
        if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
                return failed(uri, "login", rv, text, text_bytes);
        return 0;
}

static int load_module(struct bc_token *token, const char *uri, char *text, size_t text_bytes)
{
        const char *path = p11_kit_uri_get_module_path(token->uri);
        CK_RV rv;

        if (!path || path[0] != '/')
                return bc_refusal(text, text_bytes, EINVAL, "key %s: it names no module (?module-path=/...)", uri);
        // Managed: several users of one module in this process do not end it for each other.
        token->module = p11_kit_module_load(path, 0);
        if (!token->module) {
                const char *message = p11_kit_message();

                return bc_refusal(text, text_bytes, ENOENT, "key %s: the module %s cannot be loaded: %s", uri, path,
                                  message ? message : "no reason given");
        }
        rv = p11_kit_module_initialize(token->module);
        if (rv != CKR_OK) {
                p11_kit_module_release(token->module);
                token->module = NULL;
                return failed(uri, "its module does not start", rv, text, text_bytes);
        }
        return 0;
}

int bc_token_open(const char *uri, bool writing, char *text, size_t text_bytes, struct bc_token **ret_token)
{
        BC_CLEANUP(bc_cleanup_token) struct bc_token *token = calloc(1, sizeof(*token));
        const char *source;
        CK_SLOT_ID slot;
        CK_RV rv;
        int r;

        if (!token || !(token->uri = p11_kit_uri_new()))
                return bc_refusal(text, text_bytes, ENOMEM, "key: no memory");
        token->session = CK_INVALID_HANDLE;
        r = p11_kit_uri_parse(uri, P11_KIT_URI_FOR_ANY, token->uri);
        if (r != P11_KIT_URI_OK)
                return bc_refusal(text, text_bytes, EINVAL, "key %s: %s", uri, p11_kit_uri_message(r));
        if (p11_kit_uri_any_unrecognized(token->uri))
                return bc_refusal(text, text_bytes, EINVAL, "key %s: it has parts that RFC 7512 does not know", uri);
        r = load_module(token, uri, text, text_bytes);
        if (r == 0)
                r = find_slot(token, uri, text, text_bytes, &slot);
        if (r < 0)
                return r;
        rv = token->module->C_OpenSession(slot, CKF_SERIAL_SESSION | (writing ? CKF_RW_SESSION : 0), NULL, NULL, &token->session);
        if (rv != CKR_OK) {
                token->session = CK_INVALID_HANDLE;
                return failed(uri, "no session", rv, text, text_bytes);
        }
        source = p11_kit_uri_get_pin_source(token->uri);
        r = source ? log_in(token, uri, source, text, text_bytes) : 0;
        if (r < 0)
                return r;
        *ret_token = BC_TAKE(token);
        return 0;
}

void bc_token_close(struct bc_token *token)
{
        if (!token)
                return;
        if (token->module) {
                if (token->session != CK_INVALID_HANDLE)
                        (void)token->module->C_CloseSession(token->session);
                (void)p11_kit_module_finalize(token->module);
                p11_kit_module_release(token->module);
        }
        p11_kit_uri_free(token->uri);
        free(token);
}

// ---- the key -------------------------------------------------------------------------------------------------

static int find_object(struct bc_token *token, CK_OBJECT_CLASS class, const char *uri, char *text, size_t text_bytes,
                       CK_OBJECT_HANDLE *ret_object)
{
        const char *kind = class == CKO_PRIVATE_KEY ? "private" : "public";
        CK_KEY_TYPE type = CKK_EC;
        CK_ATTRIBUTE match[4] = {
                { CKA_CLASS, &class, sizeof(class) },
                { CKA_KEY_TYPE, &type, sizeof(type) },
        };
        CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(token->uri, CKA_LABEL);
        CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(token->uri, CKA_ID);
        CK_OBJECT_HANDLE found[2];
        CK_ULONG count = 0, n = 2;
        CK_RV rv;

        if (!label && !id)
                return bc_refusal(text, text_bytes, EINVAL, "key %s: it names no key (object=... or id=...)", uri);
        if (label)
                match[n++] = *label;
        if (id)
                match[n++] = *id;
        rv = token->module->C_FindObjectsInit(token->session, match, n);
        if (rv == CKR_OK) {
                rv = token->module->C_FindObjects(token->session, found, 2, &count);
                (void)token->module->C_FindObjectsFinal(token->session);
        }
        if (rv != CKR_OK)
                return failed(uri, "its keys cannot be listed", rv, text, text_bytes);
        if (count == 0)
                return bc_refusal(text, text_bytes, ENOENT, "key %s: the token has no such %s EC key%s", uri, kind,
                                  p11_kit_uri_get_pin_source(token->uri) ? "" : ", or shows it only with a PIN (pin-source=file:/...)");
        if (count > 1)
                return bc_refusal(text, text_bytes, EINVAL, "key %s: it names more than one %s key", uri, kind);
        *ret_object = found[0];
        return 0;
}

// CKA_EC_POINT is an OCTET STRING in DER around the point; some tokens give the point alone.
static int take_point(struct bc_token *token, const uint8_t *bytes, size_t size)
{
        size_t n = token->algorithm == BC_RECORD_ES256 ? 65 : 97;

        if (size == n + 2 && bytes[0] == 0x04 && bytes[1] == n) {
                bytes += 2;
                size -= 2;
        }
        if (size != n || bytes[0] != 0x04)
                return -EINVAL;
        memcpy(token->point, bytes, n);
        token->point_bytes = n;
        return 0;
}

int bc_token_find(struct bc_token *token, const char *uri, char *text, size_t text_bytes)
{
        uint8_t curve[32], point[128];
        CK_ATTRIBUTE wanted[] = {
                { CKA_EC_PARAMS, curve, sizeof(curve) },
                { CKA_EC_POINT, point, sizeof(point) },
        };
        CK_OBJECT_HANDLE public;
        CK_RV rv;
        int r;

        r = find_object(token, CKO_PRIVATE_KEY, uri, text, text_bytes, &token->key);
        if (r == 0)
                r = find_object(token, CKO_PUBLIC_KEY, uri, text, text_bytes, &public);
        if (r < 0)
                return r;
        rv = token->module->C_GetAttributeValue(token->session, public, wanted, 2);
        if (rv != CKR_OK)
                return failed(uri, "its public key cannot be read", rv, text, text_bytes);
        if (wanted[0].ulValueLen == sizeof(p256) && memcmp(curve, p256, sizeof(p256)) == 0)
                token->algorithm = BC_RECORD_ES256;
        else if (wanted[0].ulValueLen == sizeof(p384) && memcmp(curve, p384, sizeof(p384)) == 0)
                token->algorithm = BC_RECORD_ES384;
        else
                return bc_refusal(text, text_bytes, EINVAL, "key %s: it is neither P-256 nor P-384", uri);
        if (take_point(token, point, wanted[1].ulValueLen) < 0)
                return bc_refusal(text, text_bytes, EINVAL, "key %s: its public key is no point", uri);
        return 0;
}

int bc_token_sign(struct bc_token *token, const uint8_t *hash, size_t hash_bytes, uint8_t *signature, size_t signature_bytes)
{
        CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
        uint8_t given[48]; // PKCS#11 does not promise to leave it alone
        CK_ULONG n = signature_bytes;

        if (hash_bytes > sizeof(given))
                return -EINVAL;
        memcpy(given, hash, hash_bytes);
        if (token->module->C_SignInit(token->session, &mechanism, token->key) != CKR_OK ||
            token->module->C_Sign(token->session, given, hash_bytes, signature, &n) != CKR_OK || n != signature_bytes)
                return -EIO;
        return 0;
}

enum bc_record_algorithm bc_token_algorithm(const struct bc_token *token)
{
        return token->algorithm;
}

struct bc_record_bytes bc_token_point(const struct bc_token *token)
{
        return (struct bc_record_bytes){ token->point, token->point_bytes };
}

// ---- a new key -----------------------------------------------------------------------------------------------

static CK_RV generate(struct bc_token *token, enum bc_record_algorithm algorithm, CK_ATTRIBUTE *label, CK_ATTRIBUTE *id)
{
        bool large = algorithm == BC_RECORD_ES384;
        CK_MECHANISM mechanism = { .mechanism = CKM_EC_KEY_PAIR_GEN };
        CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
        CK_OBJECT_HANDLE public_key, private_key;
        CK_ATTRIBUTE public[] = {
                *label,
                *id,
                { CKA_TOKEN, &yes, sizeof(yes) },
                { CKA_PRIVATE, &no, sizeof(no) },
                { CKA_VERIFY, &yes, sizeof(yes) },
                { CKA_EC_PARAMS, large ? (void *)p384 : (void *)p256, large ? sizeof(p384) : sizeof(p256) },
        };
        CK_ATTRIBUTE private[] = {
                *label,
                *id,
                { CKA_TOKEN, &yes, sizeof(yes) },
                { CKA_PRIVATE, &yes, sizeof(yes) },
                { CKA_SENSITIVE, &yes, sizeof(yes) },
                { CKA_EXTRACTABLE, &no, sizeof(no) },
                { CKA_SIGN, &yes, sizeof(yes) },
        };

        return token->module->C_GenerateKeyPair(token->session, &mechanism, public, sizeof(public) / sizeof(*public), private,
                                                sizeof(private) / sizeof(*private), &public_key, &private_key);
}

int bc_token_make(struct bc_token *token, const char *uri, enum bc_record_algorithm algorithm, char *text, size_t text_bytes)
{
        CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(token->uri, CKA_LABEL);
        CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(token->uri, CKA_ID);
        uint8_t number[8];
        CK_ATTRIBUTE fresh = { CKA_ID, number, sizeof(number) };
        CK_RV rv;
        int r = bc_token_find(token, uri, text, text_bytes);

        if (r == 0)
                return bc_refusal(text, text_bytes, EEXIST, "key %s: there is something already, which is not replaced", uri);
        if (r != -ENOENT)
                return r;
        if (!label)
                return bc_refusal(text, text_bytes, EINVAL, "key %s: a new key needs a name (object=...)", uri);
        if (!id && getrandom(number, sizeof(number), 0) != sizeof(number))
                return bc_refusal(text, text_bytes, EIO, "key %s: no random numbers", uri);
        rv = generate(token, algorithm, label, id ? id : &fresh);
        return rv == CKR_OK ? 0 : failed(uri, "the token makes none", rv, text, text_bytes);
}
