// SPDX-License-Identifier: EUPL-1.2
// An encoder here is a rule that says how large the next frame becomes; the lane is what the ring would get.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "media/rate.h"

#define RATE_BPS 1000000
#define INTERVAL_NS (BC_NS_PER_S / 25)
#define UNITS_MAX 40000

static uint64_t next_random(uint64_t *seed)
{
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        return *seed >> 8;
}

struct lane {
        unsigned units, refused, thrown;
        int64_t time_ns[UNITS_MAX];
        uint32_t size_bytes[UNITS_MAX];
};

// Offers one frame; the encoder makes percent of the budget it is given. The budget, 0 when it is not encoded.
static uint32_t offer(struct bc_rate *rate, struct lane *lane, int64_t time_ns, uint32_t percent)
{
        uint32_t budget_bps, size_bytes;

        if (!bc_rate_admit(rate, time_ns)) {
                lane->refused++;
                return 0;
        }
        budget_bps = bc_rate_budget_bps(rate);
        size_bytes = (uint32_t)((uint64_t)budget_bps * (uint64_t)rate->interval_ns / (uint64_t)BC_NS_PER_S *
                                percent / 800);
        if (!bc_rate_spend(rate, size_bytes)) {
                lane->thrown++;
                return budget_bps;
        }
        assert_true(lane->units < UNITS_MAX);
        lane->time_ns[lane->units] = time_ns;
        lane->size_bytes[lane->units++] = size_bytes;
        return budget_bps;
}

// The most bytes that units starting within any span of that length have; also checks the number of units.
static uint64_t fullest_window(const struct lane *lane, int64_t span_ns, unsigned *ret_units)
{
        uint64_t sum = 0, most = 0;
        unsigned first = 0, units = 0;

        for (unsigned i = 0; i < lane->units; i++) {
                sum += lane->size_bytes[i];
                while (lane->time_ns[i] - lane->time_ns[first] > span_ns)
                        sum -= lane->size_bytes[first++];
                if (sum > most)
                        most = sum;
                if (i - first + 1 > units)
                        units = i - first + 1;
        }
        *ret_units = units;
        return most;
}

static void assert_bounded(const struct lane *lane)
{
        static const int spans_s[] = { 0, 1, 5, 20, 60 };

        for (size_t i = 0; i < sizeof(spans_s) / sizeof(spans_s[0]); i++) {
                int64_t span_ns = spans_s[i] * BC_NS_PER_S;
                unsigned units;

                assert_true(fullest_window(lane, span_ns, &units) <=
                            bc_rate_bytes(RATE_BPS, span_ns + BC_RATE_LEVEL_MAX_NS));
                assert_true(units <= bc_rate_units(25000, span_ns));
        }
}

static void test_an_obedient_encoder_is_left_alone(void **state)
{
        static struct lane lane;
        struct bc_rate rate;

        (void)state;
        lane = (struct lane){ 0 };
        bc_rate_init(&rate, RATE_BPS, INTERVAL_NS);
        for (int i = 0; i < 5000; i++)
                assert_int_equal(offer(&rate, &lane, i * INTERVAL_NS + i % 3 * BC_NS_PER_MS, 100), RATE_BPS);
        assert_int_equal(lane.refused + lane.thrown, 0);
}

// Whatever an encoder does with its budget and whenever frames come, no window holds more than is promised.
static void test_no_encoder_gets_over_the_bound(void **state)
{
        static struct lane lane;
        uint64_t seed = 88172645463325252u;

        (void)state;
        for (int run = 0; run < 300; run++) {
                int64_t time_ns = 0, pace_ns = INTERVAL_NS;
                uint32_t temper = 100;
                struct bc_rate rate;

                lane = (struct lane){ 0 };
                bc_rate_init(&rate, RATE_BPS, INTERVAL_NS);
                for (int i = 0; i < 5000; i++) {
                        if (next_random(&seed) % 200 == 0)
                                pace_ns = 1 + (int64_t)(next_random(&seed) % (3 * INTERVAL_NS));
                        if (next_random(&seed) % 100 == 0)
                                temper = (uint32_t)(next_random(&seed) % 20000);
                        time_ns += next_random(&seed) % 1000 == 0 ? 7 * BC_NS_PER_S : pace_ns;
                        offer(&rate, &lane, time_ns, (uint32_t)(next_random(&seed) % (temper + 1)));
                }
                assert_bounded(&lane);
                assert_true(lane.units > 100);
        }
}

static void test_one_huge_frame_is_thrown_away(void **state)
{
        struct bc_rate rate;

        (void)state;
        bc_rate_init(&rate, RATE_BPS, INTERVAL_NS);
        assert_true(bc_rate_admit(&rate, 0));
        assert_false(bc_rate_spend(&rate, 3 * RATE_BPS / 8 + 1));
        assert_false(bc_rate_spend(&rate, UINT32_MAX));
        assert_true(bc_rate_spend(&rate, 3 * RATE_BPS / 8));
        assert_false(bc_rate_spend(&rate, 1));

        // Then nothing is encoded until the level has gone down, and then with a quarter of the budget.
        assert_false(bc_rate_admit(&rate, 490 * BC_NS_PER_MS));
        assert_true(bc_rate_admit(&rate, 510 * BC_NS_PER_MS));
        assert_in_range(bc_rate_budget_bps(&rate), RATE_BPS / 4, RATE_BPS / 2);
        // After a pause as long as it was full all is as before (twice the budget: the frames are late).
        assert_true(bc_rate_admit(&rate, 4000 * BC_NS_PER_MS));
        assert_in_range(bc_rate_budget_bps(&rate), RATE_BPS, 2 * RATE_BPS);
}

// Frames at another pace than the nominal one: the bit rate is kept by the budget of each.
static void test_the_budget_follows_the_pace(void **state)
{
        static const struct {
                unsigned percent;                       // of the nominal pace
                unsigned from_permille, until_permille; // of the bit rate, over the last 40 s
                bool refuses;
        } paces[] = {
                { 25, 490, 510, false }, // no frame gets more than twice the budget
                { 50, 900, 1010, false },  { 90, 880, 1010, false },  { 110, 970, 1110, false },
                { 160, 950, 1090, false }, { 200, 950, 1050, false }, { 300, 900, 1050, true },
        };
        static struct lane lane;

        (void)state;
        for (size_t i = 0; i < sizeof(paces) / sizeof(paces[0]); i++) {
                int64_t step_ns = INTERVAL_NS * 100 / paces[i].percent;
                uint64_t sum = 0, permille;
                struct bc_rate rate;

                lane = (struct lane){ 0 };
                bc_rate_init(&rate, RATE_BPS, INTERVAL_NS);
                for (int64_t time_ns = 0; time_ns < 60 * BC_NS_PER_S; time_ns += step_ns)
                        offer(&rate, &lane, time_ns, 100);
                for (unsigned n = 0; n < lane.units; n++)
                        if (lane.time_ns[n] >= 20 * BC_NS_PER_S)
                                sum += lane.size_bytes[n];
                permille = sum * 8 * 1000 / (40 * (uint64_t)RATE_BPS);
                assert_in_range(permille, paces[i].from_permille, paces[i].until_permille);
                assert_int_equal(lane.refused > 0, paces[i].refuses);
                assert_bounded(&lane);
        }
}

static void test_bytes(void **state)
{
        (void)state;
        assert_int_equal(bc_rate_bytes(8000000, BC_NS_PER_S), 1000000);
        assert_int_equal(bc_rate_bytes(8000000, 1), 1);
        assert_int_equal(bc_rate_bytes(1, 9 * BC_NS_PER_S), 2);
        assert_int_equal(bc_rate_bytes(200000000, 24 * 3600 * BC_NS_PER_S), UINT64_C(2160000000000));
}

static void test_least(void **state)
{
        (void)state;
        assert_int_equal(bc_rate_least_bps(1920, 1080, 30000), 1244160);
        assert_int_equal(bc_rate_least_bps(1920, 1080, 5000), 414720);
        assert_int_equal(bc_rate_least_bps(16, 16, 30000), 64000);
        assert_true(bc_rate_least_bps(8192, 8192, 240000) > UINT32_MAX / 20);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_an_obedient_encoder_is_left_alone),
                cmocka_unit_test(test_no_encoder_gets_over_the_bound),
                cmocka_unit_test(test_one_huge_frame_is_thrown_away),
                cmocka_unit_test(test_the_budget_follows_the_pace),
                cmocka_unit_test(test_bytes),
                cmocka_unit_test(test_least),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
