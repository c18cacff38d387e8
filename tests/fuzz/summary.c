// SPDX-License-Identifier: EUPL-1.2
// A manifest.json that anybody may have edited, beside a recording of the vectors (docs/formats/vectors/manifest): where the
// verifier has nothing against it, with the device's signature or without, it says what the one that lies there says.
#include <fcntl.h>
#include <string.h>

#include "everybody.h"
#include "place.h"
#include "target.h"
#include "unit/verify/forge.h"
#include "unit/verify/forge_cms.h"
#include "verify/report.h"

static struct {
        struct bc_trust *trust;
        struct bc_judge judge;
        struct bc_recording_verdict verdict; // but for what manifest.json says
        struct forge_identity device;
        json_t *manifest; // the one that lies there
} scene;

static void set_scene(void)
{
        char fault[200];

        FUZZ_EXPECT(bc_trust_new(&scene.trust) == 0);
        FUZZ_EXPECT(bc_trust_add_roots(scene.trust, BC_VECTORS "/root.pem", fault, sizeof(fault)) == 0);
        scene.judge = (struct bc_judge){ .trust = scene.trust, .now_utc_ns = INT64_C(1795655534000000000) };
        FUZZ_EXPECT(bc_recording_open(BC_VECTORS "/BC-0042-000017", &scene.verdict) == 0);
        for (size_t i = 0; i < scene.verdict.segments; i++)
                bc_recording_judge_segment(&scene.judge, &scene.verdict, i);
        bc_recording_judge(&scene.judge, &scene.verdict);
        FUZZ_EXPECT(scene.verdict.verdict == BC_VERDICT_AUTHENTIC && scene.verdict.endorsement == BC_ENDORSEMENT_SIGNED);
        memset(&scene.verdict.findings, 0, sizeof(scene.verdict.findings));
        scene.device = forge_identity_of_everybody("BC-0042", "P-256");
        scene.manifest = json_load_file(BC_VECTORS "/BC-0042-000017/manifest.json", 0, NULL);
        FUZZ_EXPECT(scene.manifest != NULL);
}

// Of a segment what the records tell, and of one that was not finished what they tell then.
static bool is_segment(const json_t *entry, const json_t *expected)
{
        static const char *const keys[] = { "file", "first_ticks", "end_ticks", "bytes", "fragments" };
        const char *state = json_string_value(json_object_get(entry, "state"));
        bool finished = state && (strcmp(state, "closed") == 0 || strcmp(state, "recovered") == 0);

        for (size_t i = 0; i < (finished ? 5 : 2); i++)
                if (!json_equal(json_object_get(entry, keys[i]), json_object_get(expected, keys[i])))
                        return false;
        return true;
}

static bool has(const json_t *list, const json_t *entry, bool segments)
{
        for (size_t i = 0; i < json_array_size(list); i++)
                if (segments ? is_segment(json_array_get(list, i), entry) : json_equal(json_array_get(list, i), entry))
                        return true;
        return false;
}

// Nothing of it is missing or otherwise; what may stand there besides is known.
static void check_same(const json_t *got, bool marks_may_follow)
{
        static const char *const lists[] = { "segments", "gaps", "clock", "marks" };
        const char *key;
        json_t *expected;

        json_object_foreach(scene.manifest, key, expected) {
                const json_t *value = json_object_get(got, key);
                bool is_list = false;

                if (strcmp(key, "files") == 0)
                        continue; // an older manifest has none, and a camera may not vouch for all of them
                for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
                        is_list |= strcmp(key, lists[i]) == 0;
                if (!is_list) {
                        FUZZ_EXPECT(json_equal(value, expected));
                        continue;
                }
                FUZZ_EXPECT(json_array_size(value) == json_array_size(expected) ||
                            (strcmp(key, "marks") == 0 && marks_may_follow));
                for (size_t i = 0; i < json_array_size(expected); i++)
                        FUZZ_EXPECT(has(value, json_array_get(expected, i), strcmp(key, "segments") == 0));
        }
}

static struct bc_recording_verdict judge(int folder_fd, bool is_signed)
{
        static char text[1 << 20];
        struct bc_recording_verdict verdict = scene.verdict;
        struct bc_report_item item = { .path = "folder", .recording = &verdict, .recordings = 1 };
        FILE *stream = fmemopen(text, sizeof(text), "w");

        verdict.fd = folder_fd;
        verdict.folder.manifest = true;
        verdict.folder.signature = is_signed;
        verdict.endorsement = BC_ENDORSEMENT_NONE;
        bc_summary_judge(&(struct bc_judge){ .trust = NULL }, &verdict); // the signer here has a root of its own
        verdict.verdict = verdict.findings.verdict;
        FUZZ_EXPECT(stream != NULL);
        bc_report_print(stream, &scene.judge, &item);
        fclose(stream);
        text[sizeof(text) - 1] = '\0';
        for (const char *at = text; *at; at++)
                FUZZ_EXPECT((uint8_t)*at >= 0x20 || *at == '\n');
        return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        if (!scene.trust)
                set_scene();
        json_t *got = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
        int folder_fd = fuzz_place_write("manifest.json", bytes, n);
        struct bc_recording_verdict verdict = judge(folder_fd, false);

        FUZZ_EXPECT(got || verdict.verdict == BC_VERDICT_TAMPERED);
        // Without the end: it lags behind by what a power cut took.
        bool lags = json_is_null(json_object_get(got, "stop_ticks"));
        if (verdict.verdict == BC_VERDICT_AUTHENTIC && !lags)
                check_same(got, false);
        if (verdict.verdict != BC_VERDICT_TAMPERED) {
                struct forge_cms how = { .signer = &scene.device.device, .issuer = { &scene.device.issuer } };
                struct forge_der der = forge_cms(&how, bytes, n);

                forge_file(fuzz_place_path(""), "manifest.sig", der.bytes, der.n);
                forge_der_done(&der);
                verdict = judge(folder_fd, true);
                FUZZ_EXPECT(verdict.endorsement == BC_ENDORSEMENT_SIGNED);
                if (verdict.verdict == BC_VERDICT_AUTHENTIC && !lags)
                        check_same(got, true);
                remove(fuzz_place_path("manifest.sig"));
        }
        json_decref(got);
        return 0;
}
