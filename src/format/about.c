// SPDX-License-Identifier: EUPL-1.2
#include "format/about.h"

#include <string.h>

#include "format/box.h"
#include "format/text.h"

#define ITEMS 4
#define UTF8_TEXT 1 // type indicator of a value

// In the order of the file. The names are QuickTime's, and one of our own where it has none.
static const char *const key[ITEMS] = {
        "com.apple.quicktime.make",
        "com.apple.quicktime.model",
        "org.bodycam.device",
        "com.apple.quicktime.location.ISO6709",
};

static const char *item_of(const struct bc_init *init, size_t i)
{
        const struct bc_about *about = &init->about;
        const char *const text[ITEMS] = { about->make, about->model, init->label.device, about->location };
        return text[i];
}

static bool text_ok(const char *text)
{
        size_t n = strnlen(text, BC_ABOUT_TEXT_BYTES_MAX + 1);
        return n <= BC_ABOUT_TEXT_BYTES_MAX && bc_text_is_plain(text, n);
}

// A sign, min to max digits, and perhaps a point and one to nine more. NULL: no such number.
static const char *after_number(const char *at, size_t min, size_t max)
{
        if (*at != '+' && *at != '-')
                return NULL;
        size_t whole = strspn(++at, "0123456789");
        if (whole < min || whole > max)
                return NULL;
        at += whole;
        if (*at != '.')
                return at;
        size_t fraction = strspn(++at, "0123456789");
        return fraction >= 1 && fraction <= 9 ? at + fraction : NULL;
}

static bool location_ok(const char *text)
{
        if (!memchr(text, '\0', BC_ABOUT_LOCATION_BYTES_MAX + 1))
                return false;
        if (*text == '\0')
                return true;
        const char *at = after_number(text, 2, 2);
        if (at)
                at = after_number(at, 3, 3);
        if (at && *at != '/')
                at = after_number(at, 1, 5);
        return at && strcmp(at, "/") == 0;
}

bool bc_about_ok(const struct bc_about *about)
{
        return text_ok(about->make) && text_ok(about->model) && location_ok(about->location);
}

// QuickTime File Format, "Metadata": the handler, the keys in use, and their values by number.
static void put_meta(struct bc_writer *w, const struct bc_init *init, uint32_t items)
{
        size_t meta = bc_fullbox_open(w, BC_BOX_TYPE('m', 'e', 't', 'a'), 0, 0); // 14496-12, 8.11.1
        size_t hdlr = bc_fullbox_open(w, BC_BOX_TYPE('h', 'd', 'l', 'r'), 0, 0);
        bc_put_u32(w, 0);
        bc_put_bytes(w, "mdta", 4);
        bc_put_zeros(w, 12 + 1); // reserved, an empty name
        bc_box_close(w, hdlr);

        size_t keys = bc_fullbox_open(w, BC_BOX_TYPE('k', 'e', 'y', 's'), 0, 0);
        bc_put_u32(w, items);
        for (size_t i = 0; i < ITEMS; i++) {
                if (*item_of(init, i) == '\0')
                        continue;
                size_t name = bc_box_open(w, BC_BOX_TYPE('m', 'd', 't', 'a'));
                bc_put_bytes(w, key[i], strlen(key[i]));
                bc_box_close(w, name);
        }
        bc_box_close(w, keys);

        size_t ilst = bc_box_open(w, BC_BOX_TYPE('i', 'l', 's', 't'));
        for (uint32_t i = 0, number = 0; i < ITEMS; i++) {
                if (*item_of(init, i) == '\0')
                        continue;
                size_t item = bc_box_open(w, ++number);
                size_t data = bc_box_open(w, BC_BOX_TYPE('d', 'a', 't', 'a'));
                bc_put_u32(w, UTF8_TEXT);
                bc_put_u32(w, 0); // any country, any language
                bc_put_bytes(w, item_of(init, i), strlen(item_of(init, i)));
                bc_box_close(w, data);
                bc_box_close(w, item);
        }
        bc_box_close(w, ilst);
        bc_box_close(w, meta);
}

// 14496-12, 8.10.1
void bc_about_write(struct bc_writer *w, const struct bc_init *init)
{
        uint32_t items = 0;
        for (size_t i = 0; i < ITEMS; i++)
                items += *item_of(init, i) != '\0';
        if (items == 0)
                return;
        size_t udta = bc_box_open(w, BC_BOX_TYPE('u', 'd', 't', 'a'));
        put_meta(w, init, items);
        bc_box_close(w, udta);
}

// Which item the next key names; ITEMS: none of them.
static size_t get_key(struct bc_reader *r)
{
        uint32_t bytes = bc_get_u32(r);
        bc_get_u32(r);
        const uint8_t *name = bytes < 8 ? NULL : bc_get_bytes(r, bytes - 8);
        for (size_t i = 0; name && i < ITEMS; i++)
                if (strlen(key[i]) == bytes - 8 && memcmp(key[i], name, bytes - 8) == 0)
                        return i;
        r->failed = true;
        return ITEMS;
}

static void get_value(struct bc_reader *r, char *text, size_t bytes_max)
{
        bc_get_bytes(r, 8); // the item's header
        uint32_t bytes = bc_get_u32(r);
        bc_get_bytes(r, 12);
        const uint8_t *value = bytes < 16 ? NULL : bc_get_bytes(r, bytes - 16);
        if (!value || bytes - 16 > bytes_max) {
                r->failed = true;
                return;
        }
        memcpy(text, value, bytes - 16);
        text[bytes - 16] = '\0';
}

void bc_about_read(struct bc_reader *r, struct bc_about *about)
{
        char device[BC_LABEL_TEXT_BYTES_MAX + 1]; // the label has it
        const struct {
                char *text;
                size_t bytes_max;
        } into[ITEMS] = { { about->make, BC_ABOUT_TEXT_BYTES_MAX }, { about->model, BC_ABOUT_TEXT_BYTES_MAX },
                          { device, BC_LABEL_TEXT_BYTES_MAX }, { about->location, BC_ABOUT_LOCATION_BYTES_MAX } };
        struct bc_reader udta = *r;
        size_t item[ITEMS];
        uint32_t udta_bytes = bc_get_u32(&udta);
        if (!bc_get_bytes(r, udta_bytes))
                return;
        bc_get_bytes(&udta, 4 + 12 + 33 + 12); // type, meta, hdlr, keys to their number
        uint32_t items = bc_get_u32(&udta);
        if (items > ITEMS)
                udta.failed = true;
        for (uint32_t i = 0; !udta.failed && i < items; i++)
                item[i] = get_key(&udta);
        bc_get_bytes(&udta, 8); // ilst
        for (uint32_t i = 0; !udta.failed && i < items; i++)
                get_value(&udta, into[item[i]].text, into[item[i]].bytes_max);
        if (udta.failed)
                r->failed = true;
}
