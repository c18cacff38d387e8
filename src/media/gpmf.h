// SPDX-License-Identifier: EUPL-1.2
// A sample of the position track: GPMF, the key-length-value format that GoPro documents with its open parser
// (github.com/gopro/gpmf-parser, README). Map programs read GPS5 from it; what GPS5 has no place for stands in streams of
// its own, under keys of mixed case, which the format leaves to others.
//
// DEVC { DVID, DVNM, STRM { STNM, GPSF 0 } }     no position
// DEVC { DVID, DVNM, STRM { STNM, GPSF, GPSU, GPSP, UNIT, SCAL, GPS5 }, STRM { ... Crse }, STRM { ... Accu } }
//   GPSF: 2 or 3, as the fix. GPSU: the receiver's UTC, absent when it told none or one outside 2000 .. 2099. GPSP: horizontal
//   dilution of precision * 100, 9999 unknown. GPS5: latitude, longitude, altitude (0 unknown), speed, speed again (0 unknown).
//   Crse: course over ground. Accu: horizontal accuracy, 95 %. Each of the two is absent when unknown.
//
// Pure functions, any thread.
#ifndef BC_MEDIA_GPMF_H
#define BC_MEDIA_GPMF_H

#include <stddef.h>
#include <stdint.h>

#include "bodycam/gnss.h"

#define BC_GPMF_BYTES_MAX 512

// device: the name, at most 63 bytes of it are used. Returns the size.
size_t bc_gpmf_write(const char *device, const struct bc_fix *fix, uint8_t bytes[BC_GPMF_BYTES_MAX]);

#endif
