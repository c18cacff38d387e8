// SPDX-License-Identifier: EUPL-1.2
#include "warning.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

// The gravest first: the order in which they are shown.
static const struct bc_warning warnings[] = {
        { "cannot-record", BC_TONE_ALERT, "nothing can be recorded: an encoder failed, or there is neither picture nor sound.",
          "Check camera and microphone; what fails is tried again by itself. If it stays, take another camera." },
        { "storage-full", BC_TONE_ALERT, "the store is full, but for what is kept for an emergency: there is room for less than a minute.",
          "Dock the camera, or change the card." },
        { "storage-trouble", BC_TONE_ALERT, "writing to the store fails; it is tried again every second.",
          "Check the card; what the memory holds is written as soon as it can be." },
        { "not-durable", BC_TONE_ALERT, "what is recorded is not safe on the card yet: a power cut would lose it.",
          "Keep the power on; the card is slow or stuck." },
        { "signatures-pending", BC_TONE_ALERT, "what is recorded has not been signed for more than two seconds: it proves nothing yet.",
          "Keep the power on; the key's TPM or token is slow or failed. If it stays, take another camera." },
        { "ledger-trouble", BC_TONE_ALERT, "the ledger or its anchor cannot be opened or written; it is tried again every second.",
          "Check the card, and the medium of [evidence] anchor; the journal names the file or the TPM's index." },
        { "no-picture", BC_TONE_ALERT, "the camera delivers nothing; a slate stands in for the picture.",
          "Check the camera." },
        { "no-audio", BC_TONE_WARNING, "the microphone delivers nothing; silence stands in for it.",
          "Check the microphone." },
        { "battery-low", BC_TONE_WARNING, "the battery lasts for half an hour or less.", "Charge the camera." },
        { "storage-low", BC_TONE_WARNING, "the store has room for half an hour or less.", "Dock the camera soon, or change the card." },
        { "button-stuck", BC_TONE_WARNING, "a button has been held down for so long that it must be stuck.",
          "Free the button; until then give commands." },
        { "unsigned", BC_TONE_WARNING, "nothing is signed: recordings will not prove that they are whole.",
          "Provision the camera: bodycam-provision(1)." },
        { "wanted", BC_TONE_WARNING, "a recording was asked for and starts as soon as something can be recorded.",
          "Nothing needs to be pressed again." },
        { "time-unset", BC_TONE_WARNING, "the clock was never set: the picture says TIME NOT SET.",
          "Connect the camera to the network, or take it where it has a position." },
        { "no-gnss", BC_TONE_NOTE, "there is no position that is fresh enough.", "Go where the sky can be seen." },
        { "muted", BC_TONE_NOTE, "the sound is muted: silence is recorded, and the recording says so.",
          "bodycamctl mute off." },
        { "stealth", BC_TONE_NOTE, "lights, sounds and vibration are off; it records as always.",
          "bodycamctl stealth off." },
        { "post-event", BC_TONE_NOTE, "the recording was stopped and ends by itself after its post-event seconds.",
          "Start it again to go on with it." },
};

const struct bc_warning *bc_warning_find(const char *flag)
{
        for (size_t i = 0; i < COUNT(warnings); i++)
                if (strcmp(warnings[i].flag, flag) == 0)
                        return &warnings[i];
        return NULL;
}

static const char *label_of(enum bc_tone tone)
{
        return tone == BC_TONE_ALERT ? "ALERT" : tone == BC_TONE_WARNING ? "WARNING" : "note";
}

void bc_warning_describe(const json_t *flags, struct bc_page *page)
{
        const json_t *flag;
        size_t i;

        for (size_t w = 0; w < COUNT(warnings); w++)
                json_array_foreach(flags, i, flag)
                        if (strcmp(json_string_value(flag), warnings[w].flag) == 0)
                                bc_page_add(page, warnings[w].tone, label_of(warnings[w].tone), "%s: %s %s",
                                            warnings[w].flag, warnings[w].meaning, warnings[w].remedy);
        json_array_foreach(flags, i, flag)
                if (!bc_warning_find(json_string_value(flag)))
                        bc_page_add(page, BC_TONE_WARNING, "WARNING", "%s: this bodycamctl is older and does not know what it means.",
                                    json_string_value(flag));
}
