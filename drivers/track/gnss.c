// SPDX-License-Identifier: EUPL-1.2
#include "track/gnss.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "simulated/gnss.h"

#define EARTH_RADIUS_MM 6371008800.0 // mean radius R1 of WGS 84
#define RAD_PER_E7 (M_PI / 180e7)
#define RAD_PER_CDEG (M_PI / 18000)

// ---- geometry ------------------------------------------------------------------------------------------------

// From the centre of the earth: x to 0 E, y to 90 E, z to the north pole.
struct vector {
        double x, y, z;
};

static struct vector mix(struct vector a, double of_a, struct vector b, double of_b)
{
        return (struct vector){ a.x * of_a + b.x * of_b, a.y * of_a + b.y * of_b, a.z * of_a + b.z * of_b };
}

static double dot(struct vector a, struct vector b)
{
        return a.x * b.x + a.y * b.y + a.z * b.z;
}

static struct vector cross(struct vector a, struct vector b)
{
        return (struct vector){ a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x };
}

// Rodrigues' formula; axis of length 1, anticlockwise seen from its tip.
static struct vector rotate(struct vector v, struct vector axis, double angle)
{
        struct vector in_plane = mix(v, cos(angle), cross(axis, v), sin(angle));

        return mix(in_plane, 1, axis, dot(axis, v) * (1 - cos(angle)));
}

static struct vector up_at(double lat, double lon)
{
        return (struct vector){ cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat) };
}

static struct vector north_at(double lat, double lon)
{
        return (struct vector){ -sin(lat) * cos(lon), -sin(lat) * sin(lon), cos(lat) };
}

static struct vector east_at(double lon)
{
        return (struct vector){ -sin(lon), cos(lon), 0 };
}

// Any circle on a sphere is walked by turning about the point in its middle. Straight on, that point is a quarter
// of the earth's circumference to the right.
static void walk(const struct bc_track_config *config, double seconds, struct vector *place,
                 struct vector *ahead)
{
        double lat = config->lat_e7 * RAD_PER_E7, lon = config->lon_e7 * RAD_PER_E7;
        double course = config->course_cdeg * RAD_PER_CDEG;
        double reach = config->radius_mm == 0 ? M_PI / 2 : config->radius_mm / EARTH_RADIUS_MM;
        double angle = fmod(config->speed_mm_s * seconds / (EARTH_RADIUS_MM * sin(reach)), 2 * M_PI);
        struct vector up = up_at(lat, lon);
        struct vector forth = mix(north_at(lat, lon), cos(course), east_at(lon), sin(course));
        struct vector right = cross(forth, up);
        struct vector middle = mix(up, cos(reach), right, sin(reach));

        *place = rotate(up, middle, -angle);
        *ahead = rotate(forth, middle, -angle);
}

void bc_track_gnss_position(const struct bc_track_config *config, int64_t time_ns, struct bc_fix *ret_fix)
{
        int64_t since_ns = time_ns - config->origin_ns;
        struct vector place, ahead;
        double lat, lon, course;

        walk(config, (double)since_ns / (double)BC_NS_PER_S, &place, &ahead);
        lat = atan2(place.z, hypot(place.x, place.y));
        lon = atan2(place.y, place.x);
        course = atan2(dot(ahead, east_at(lon)), dot(ahead, north_at(lat, lon)));
        *ret_fix = (struct bc_fix){
                .time_ns = time_ns,
                .utc_ns = BC_UTC_UNKNOWN,
                .mode = config->alt_mm == BC_FIX_UNKNOWN ? BC_FIX_2D : BC_FIX_3D,
                .lat_e7 = (int32_t)lround(lat / RAD_PER_E7),
                .lon_e7 = (int32_t)lround(lon / RAD_PER_E7),
                .alt_mm = config->alt_mm,
                .speed_mm_s = config->speed_mm_s,
                .course_cdeg = (int32_t)((lround(course / RAD_PER_CDEG) + 36000) % 36000),
                .accuracy_mm = config->accuracy_mm,
                .dop_e2 = config->dop_e2,
        };
        if (config->utc_ns != BC_UTC_UNKNOWN &&
            __builtin_add_overflow(config->utc_ns, since_ns, &ret_fix->utc_ns))
                ret_fix->utc_ns = BC_UTC_UNKNOWN;
}

// ---- route ---------------------------------------------------------------------------------------------------

static void begin(void *route, int64_t now_ns)
{
        (void)route;
        (void)now_ns;
}

static int64_t latest(const struct bc_track_config *config, int64_t now_ns)
{
        int64_t since_ns = now_ns - config->origin_ns, over_ns = since_ns % config->interval_ns;

        return now_ns - (over_ns < 0 ? over_ns + config->interval_ns : over_ns);
}

static int64_t next(void *route, int64_t from_ns)
{
        const struct bc_track_config *config = route;
        int64_t latest_ns = latest(config, from_ns);

        return latest_ns == from_ns ? from_ns : latest_ns + config->interval_ns;
}

static void report(void *route, int64_t now_ns, struct bc_fix *ret_fix)
{
        bc_track_gnss_position(route, latest(route, now_ns), ret_fix);
}

static const struct bc_route_ops route_ops = { .begin = begin, .next = next, .report = report, .free = free };

// ---- opening -------------------------------------------------------------------------------------------------

struct limit {
        const char *what, *unit;
        int64_t value, min, max;
        int64_t unknown; // fine as well
};

static int check(const struct bc_track_config *config, char *text, size_t text_bytes)
{
        const struct limit limits[] = {
                { "origin", "ns", config->origin_ns, 0, INT64_MAX / 2, 0 },
                { "latitude", "degrees * 10^7", config->lat_e7, -900000000, 900000000, 0 },
                { "longitude", "degrees * 10^7", config->lon_e7, -1800000000, 1800000000, 0 },
                { "course", "degrees * 100", config->course_cdeg, 0, 35999, 0 },
                { "speed", "mm/s", config->speed_mm_s, 0, BC_TRACK_SPEED_MAX_MM_S, 0 },
                { "radius", "mm", llabs(config->radius_mm), 1000, BC_TRACK_RADIUS_MAX_MM, 0 },
                { "accuracy", "mm", config->accuracy_mm, 0, INT32_MAX, BC_FIX_UNKNOWN },
                { "dilution of precision", "/ 100", config->dop_e2, 0, INT32_MAX, BC_FIX_UNKNOWN },
                { "interval", "ns", config->interval_ns, BC_TRACK_INTERVAL_MIN_NS, BC_TRACK_INTERVAL_MAX_NS,
                  0 },
                { "UTC", "ns", config->utc_ns, 0, INT64_MAX, BC_UTC_UNKNOWN },
        };

        for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
                const struct limit *limit = &limits[i];

                if (limit->value == limit->unknown ||
                    (limit->value >= limit->min && limit->value <= limit->max))
                        continue;
                snprintf(text, text_bytes, "track: %s of %lld %s is out of range: %lld to %lld", limit->what,
                         (long long)limit->value, limit->unit, (long long)limit->min, (long long)limit->max);
                return -EINVAL;
        }
        return 0;
}

int bc_track_gnss_open(struct bc_loop *loop, const struct bc_track_config *config, char *text,
                       size_t text_bytes, struct bc_gnss **ret_gnss)
{
        struct bc_track_config *route;
        int r = check(config, text, text_bytes);

        if (r < 0)
                return r;
        route = malloc(sizeof(*route));
        if (!route) {
                snprintf(text, text_bytes, "track: no memory");
                return -ENOMEM;
        }
        *route = *config;
        if (route->interval_ns == 0)
                route->interval_ns = BC_NS_PER_S;
        r = bc_simulated_gnss_new(loop, "track", &route_ops, route, ret_gnss);
        if (r < 0) {
                snprintf(text, text_bytes, "track: no memory");
                free(route);
        }
        return r;
}

void bc_track_gnss_set_fault(struct bc_gnss *gnss, enum bc_fault fault)
{
        bc_simulated_gnss_set_fault(gnss, fault);
}
