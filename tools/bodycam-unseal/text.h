// SPDX-License-Identifier: EUPL-1.2
// Names of files on a terminal and in JSON: they come from whoever made them.
#ifndef TOOLS_BODYCAM_UNSEAL_TEXT_H
#define TOOLS_BODYCAM_UNSEAL_TEXT_H

#define BC_TEXT_BYTES_MAX 4096

// The text with "?" for each control character, each character that turns the writing direction, and each byte that
// is no UTF-8. What has no room is left out. Returns ret_text.
const char *bc_text_plain(const char *text, char ret_text[BC_TEXT_BYTES_MAX]);

#endif
