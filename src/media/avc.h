// SPDX-License-Identifier: EUPL-1.2
// H.264 as encoders give it (byte stream, ITU-T H.264 Annex B) turned into what files hold (ISO/IEC 14496-15).
// Functions on bytes alone. Errors: -EBADMSG malformed, -ENOBUFS no room.
#ifndef BC_MEDIA_AVC_H
#define BC_MEDIA_AVC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The AVCDecoderConfigurationRecord (14496-15, 5.3.3.1) of the parameter sets that stand in a byte stream. 8 bits, 4:2:0;
// anything else is -EBADMSG.
int bc_avc_config_make(const uint8_t *stream, size_t stream_bytes, uint8_t *config, size_t room_bytes,
                       size_t *ret_bytes);

// Bytes that bc_avc_unit_make() may write at the most.
size_t bc_avc_unit_room(size_t stream_bytes);

// One access unit: 4-byte lengths instead of start codes, without access unit delimiters and parameter sets. A
// parameter set that config does not hold already is -EPROTO: a file's track has one description.
// *ret_key: it is an IDR picture.
int bc_avc_unit_make(const uint8_t *config, size_t config_bytes, const uint8_t *stream, size_t stream_bytes,
                     uint8_t *unit, size_t room_bytes, size_t *ret_bytes, bool *ret_key);

#endif
