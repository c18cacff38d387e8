// SPDX-License-Identifier: EUPL-1.2
// What the controller does about a card that stalls or fails, an encoder that fails, too many recordings at once.
#include "controller_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S BC_NS_PER_S

#define expect_store(world, expected)                             \
        do {                                                      \
                char text_[2048];                                 \
                world_tell_store(world, text_, sizeof(text_));          \
                assert_string_equal(text_, expected);             \
        } while (0)

#define expect_status(world, state_expected, flags_expected)                                                      \
        do {                                                                                                      \
                struct bc_status status_ = world_status(world);                                                      \
                assert_string_equal(bc_state_name(status_.state), bc_state_name(BC_STATE_##state_expected));      \
                assert_int_equal(status_.flags, flags_expected);                                                  \
        } while (0)

// Starts, or stops what goes on.
static void press(struct world *world)
{
        struct bc_status status = world_status(world);
        bool goes_on = status.state == BC_STATE_RECORDING && !(status.flags & BC_FLAG_POST_EVENT);

        assert_true(world_tell(world, goes_on ? BC_EVENT_RECORD_STOP : BC_EVENT_RECORD_START).accepted);
}

static void emergency(struct world *world)
{
        assert_true(world_tell(world, BC_EVENT_EMERGENCY_START).accepted);
}

static void release(struct world *world)
{
        assert_true(world_tell(world, BC_EVENT_EMERGENCY_RELEASE).accepted);
}

static void shut_down(struct world *world)
{
        assert_true(world_tell(world, BC_EVENT_SHUTDOWN).accepted);
}

// ---- stories ---------------------------------------------------------------------------------------------------

static void is_recording(struct world *world)
{
        expect_status(world, RECORDING, 0);
}

static void is_buffering(struct world *world)
{
        expect_status(world, BUFFERING, 0);
        assert_int_equal(world_status(world).recorder.waiting, 0);
}

static void test_a_recording(void **state)
{
        static const struct step steps[] = {
                { 10 * S, press },        { 15 * S, is_recording }, { 15 * S, press },
                { 20 * S, is_buffering }, { 20 * S, shut_down },    { 0 },
        };

        assert_int_equal(world_live(*state, steps), 0);
        expect_store((struct world *)*state, "1:closed -3.9..+7.0 ");
}

// A camera that is not there yet when the sensors go on: it is tried again each second.
static void test_a_camera_that_starts_late(void **state)
{
        static const struct step steps[] = {
                { 10 * S, press }, { 15 * S, is_recording }, { 15 * S, press }, { 20 * S, shut_down }, { 0 },
        };
        struct world *world = *state;

        world->camera_errors = 3;
        assert_int_equal(world_live(world, steps), 0);
        world->camera_errors = 0;
        expect_store(world, "1:closed -3.9..+7.0 ");
}

static void stall_from_now(struct world *world)
{
        world_stall_until(bc_clock_now_ns(world->clock) + 30 * S);
}

static void is_not_late(struct world *world)
{
        expect_status(world, RECORDING, 0);
}

static void is_late(struct world *world)
{
        expect_status(world, RECORDING, BC_FLAG_NOT_DURABLE);
        assert_string_equal(world->alarms, "what is recorded does not become durable; ");
}

// A card that stands still from the instant of the press is told of after two seconds, and nothing is lost.
static void test_a_stalled_card_is_an_alarm(void **state)
{
        static const struct step steps[] = {
                { 10 * S, stall_from_now }, { 10 * S, press },         { 11 * S, is_not_late }, { 13 * S, is_late },
                { 39 * S, is_late },        { 45 * S, is_recording },  { 45 * S, press },       { 50 * S, is_buffering },
                { 50 * S, shut_down },      { 0 },
        };

        assert_int_equal(world_live(*state, steps), 0);
        expect_store((struct world *)*state, "1:closed -3.9..+37.0 ");
}

// Later on, five seconds without progress are one.
static void test_a_card_that_stalls_in_between(void **state)
{
        static const struct step steps[] = {
                { 10 * S, press },       { 20 * S, stall_from_now }, { 23 * S, is_not_late }, { 28 * S, is_late },
                { 55 * S, is_recording }, { 55 * S, press },         { 60 * S, shut_down },   { 0 },
        };

        assert_int_equal(world_live(*state, steps), 0);
        expect_store((struct world *)*state, "1:closed -3.9..+47.0 ");
}

static void card_fails(struct world *world)
{
        (void)world;
        broken.fails = true;
}

static void card_works(struct world *world)
{
        (void)world;
        broken.fails = false;
}

static void is_in_trouble(struct world *world)
{
        expect_status(world, RECORDING, BC_FLAG_STORAGE_TROUBLE | BC_FLAG_NOT_DURABLE);
        assert_int_equal(strncmp(world->alarms, "the store cannot be written: Input/output error; ", 49), 0);
}

static void test_a_failing_card_is_an_alarm(void **state)
{
        static const struct step steps[] = {
                { 10 * S, card_fails }, { 10 * S, press },        { 15 * S, is_in_trouble }, { 20 * S, card_works },
                { 25 * S, is_recording }, { 25 * S, press },      { 30 * S, is_buffering },  { 30 * S, shut_down },
                { 0 },
        };

        assert_int_equal(world_live(*state, steps), 0);
        expect_store((struct world *)*state, "1:closed -3.9..+17.0 ");
}

static void press_and_dock(struct world *world)
{
        press(world);
        assert_true(world_tell(world, BC_EVENT_DOCK).accepted);
        assert_true(world_tell(world, BC_EVENT_UNDOCK).accepted);
}

// More recordings than the recorder takes: the one too many is owed, and one begun while it is owed goes on with it.
static void many_presses(struct world *world)
{
        for (unsigned i = 0; i < BC_RECORDER_QUEUE_MAX + 3; i++)
                press_and_dock(world);
        assert_int_equal(world_status(world).recorder.waiting, BC_RECORDER_QUEUE_MAX);
}

static unsigned count_recordings(const struct world *world, const char *what)
{
        char text[4096];
        unsigned count = 0;

        world_tell_store(world, text, sizeof(text));
        for (const char *at = text; (at = strstr(at, what)); at++)
                count++;
        return count;
}

static void test_too_many_recordings_at_once(void **state)
{
        static const struct step steps[] = {
                { 10 * S, stall_from_now }, { 11 * S, press },        { 12 * S, press },       { 15 * S, many_presses },
                { 16 * S, press },          { 50 * S, is_recording }, { 51 * S, press },       { 60 * S, is_buffering },
                { 60 * S, shut_down },      { 0 },
        };
        struct world *world = *state;

        assert_int_equal(world_live(world, steps), 0);
        // 1 of the first press, 15 of the many, and one that the rest and the last press went on with.
        assert_int_equal(count_recordings(world, ":closed"), BC_RECORDER_QUEUE_MAX + 1);
        assert_int_equal(count_recordings(world, ":open"), 0);
        assert_int_equal(count_recordings(world, "17:closed -3.9..+38.0"), 1);
}

static void encoder_fails(struct world *world)
{
        (void)world;
        broken.encoder_error = -EIO;
}

static void encoder_works(struct world *world)
{
        (void)world;
        broken.encoder_error = 0;
}

static void is_in_fault(struct world *world)
{
        expect_status(world, FAULT, BC_FLAG_WANTED | BC_FLAG_CANNOT_RECORD);
        assert_int_equal(strncmp(world->alarms, "nothing can be recorded; still nothing", 38), 0);
        assert_int_equal(world_tell(world, BC_EVENT_RECORD_START).refusal, BC_REFUSAL_FAULT);
}

// A failed encoder ends the recording; the pipeline is started anew until it holds, then the recording goes on.
static void test_a_failed_encoder(void **state)
{
        static const struct step steps[] = {
                { 10 * S, press },       { 20 * S + S / 20, encoder_fails }, { 35 * S, is_in_fault },
                { 35 * S, encoder_works },
                { 70 * S, is_recording },  { 70 * S, press },         { 75 * S, is_buffering }, { 75 * S, shut_down },
                { 0 },
        };
        struct world *world = *state;

        assert_int_equal(world_live(world, steps), 0);
        assert_int_equal(count_recordings(world, ":closed"), 2);
        assert_int_equal(count_recordings(world, "1:closed -3.9..+10.1"), 1);
}

static void is_in_fault_and_late(struct world *world)
{
        expect_status(world, FAULT, BC_FLAG_WANTED | BC_FLAG_CANNOT_RECORD | BC_FLAG_NOT_DURABLE);
}

// The pipeline starts anew with an empty ring, so not before the card has what is in it.
static void test_a_failed_encoder_on_a_stalled_card(void **state)
{
        static const struct step steps[] = {
                { 10 * S, press },           { 15 * S, stall_from_now }, { 20 * S + S / 20, encoder_fails },
                { 21 * S, encoder_works },   { 40 * S, is_in_fault_and_late }, { 100 * S, is_recording },
                { 100 * S, press },          { 105 * S, is_buffering },  { 105 * S, shut_down }, { 0 },
        };
        struct world *world = *state;

        assert_int_equal(world_live(world, steps), 0);
        assert_int_equal(count_recordings(world, ":closed"), 2);
        assert_int_equal(count_recordings(world, "1:closed -3.9..+10.1"), 1);
}

static void is_emergency(struct world *world)
{
        expect_status(world, EMERGENCY, 0);
        assert_true(world_status(world).durable);
        assert_null(world_status(world).missing);
}

// The recording that the encoder ended is on the card, but it is not the one asked for: that one does not exist.
static void is_emergency_in_vain(struct world *world)
{
        expect_status(world, EMERGENCY, BC_FLAG_CANNOT_RECORD);
        assert_int_equal(world_status(world).recorder.waiting, 0);
        assert_true(world_status(world).recorder.durable_ns >= 0);
        assert_false(world_status(world).durable);
        assert_non_null(world_status(world).missing);
}

// In an emergency the state stands, says that nothing is recorded, and a new recording follows the one that the failed
// encoder ended.
static void test_a_failed_encoder_in_an_emergency(void **state)
{
        static const struct step steps[] = {
                { 10 * S, emergency },   { 15 * S, is_emergency },  { 20 * S + S / 20, encoder_fails },
                { 30 * S, is_emergency_in_vain },
                { 35 * S, encoder_works },
                { 70 * S, is_emergency }, { 70 * S, release },       { 75 * S, is_buffering }, { 75 * S, shut_down },
                { 0 },
        };
        struct world *world = *state;

        assert_int_equal(world_live(world, steps), 0);
        assert_int_equal(count_recordings(world, ":closed"), 2);
}

// As one that begins in a fault: what it has is the seconds before the fault at the most.
static void test_an_emergency_after_an_encoder_failed(void **state)
{
        static const struct step steps[] = {
                { 10 * S + S / 20, encoder_fails }, { 12 * S, emergency },  { 20 * S, is_emergency_in_vain },
                { 25 * S, encoder_works },          { 70 * S, is_emergency }, { 70 * S, release },
                { 75 * S, is_buffering },           { 75 * S, shut_down },  { 0 },
        };

        assert_int_equal(world_live(*state, steps), 0);
}

static void is_standing_by(struct world *world)
{
        expect_status(world, STANDBY, 0);
        assert_int_equal(world_status(world).recorder.waiting, 0);
}

static void is_standing_by_late(struct world *world)
{
        expect_status(world, STANDBY, BC_FLAG_NOT_DURABLE);
}

static void sensors_off(struct world *world)
{
        assert_true(world_tell(world, BC_EVENT_SENSORS_OFF).accepted);
}

// Sensors go off only when what was recorded is on the card: the ring starts empty when they go on again.
static void test_sensors_off_wait_for_the_card(void **state)
{
        static const struct step steps[] = {
                { 10 * S, press },       { 14 * S, stall_from_now },  { 15 * S, press },     { 18 * S, sensors_off },
                { 20 * S, is_standing_by_late }, { 21 * S, press },        { 30 * S, press },     { 60 * S, is_standing_by },
                { 60 * S, shut_down },   { 0 },
        };
        struct world *world = *state;

        assert_int_equal(world_live(world, steps), 0);
        // The second one has its seconds before the press: the sensors had not gone off yet.
        expect_store(world, "1:closed -3.9..+7.0 2:closed -3.9..+11.0 ");
}

static void die(struct world *world)
{
        bc_loop_quit(world->loop, 7);
}

static void is_starting(struct world *world)
{
        expect_status(world, STARTING, 0);
}

static void break_for_good(struct world *world)
{
        card_fails(world);
}

// A shutdown with a card that does not come back ends all the same, and says so; the next start recovers it, and who
// presses while it does so is not kept waiting.
static void test_a_shutdown_without_a_card_and_a_press_while_recovering(void **state)
{
        static const struct step first[] = {
                { 10 * S, press }, { 20 * S, break_for_good }, { 22 * S, shut_down }, { 0 },
        };
        static const struct step second[] = {
                { 1 * S, is_starting }, { 2 * S, press }, { 10 * S, press }, { 40 * S, is_buffering },
                { 40 * S, shut_down },  { 0 },
        };
        static const struct step third[] = { { 10 * S, is_buffering }, { 10 * S, die }, { 0 } };
        struct world *world = *state;

        world->held_at_ns = 22 * S; // the shutdown lets the clock run, or would never end
        assert_int_equal(world_live(world, first), 1);
        world->held_at_ns = 0;
        world->stall_at_start_ns = 30 * S;
        assert_int_equal(world_live(world, second), 0);
        world->stall_at_start_ns = 0;
        expect_store(world, "1:recovered -3.9..+10.1 2:closed +0.1..+10.0 ");
        assert_int_equal(world_live(world, third), 7);
}

static void stall_ends(struct world *world)
{
        (void)world;
        world_stall_until(0);
}

// A shutdown while recovery is in a card that stands still: it ends with the file it has begun, and the rest is left to
// the next start.
static void test_a_shutdown_stops_recovery(void **state)
{
        static const struct step first[] = {
                { 10 * S, press }, { 20 * S, break_for_good }, { 22 * S, shut_down }, { 0 },
        };
        static const struct step second[] = {
                { 1 * S, is_starting }, { 2 * S, shut_down }, { 10 * S, stall_ends }, { 0 },
        };
        static const struct step third[] = { { 10 * S, is_buffering }, { 10 * S, shut_down }, { 0 } };
        struct world *world = *state;

        world->held_at_ns = 22 * S; // the shutdown lets the clock run
        assert_int_equal(world_live(world, first), 1);
        world->held_at_ns = 0;
        world->stall_at_start_ns = 1000 * S;
        assert_int_equal(world_live(world, second), 0);
        world->stall_at_start_ns = 0;
        assert_int_equal(world_live(world, third), 0);
        assert_int_equal(count_recordings(world, "1:recovered"), 1);
}

// bodycamctl(1) lists every flag, and no other.
static void test_the_manual_lists_the_flags(void **state)
{
        const char *source = getenv("BC_SOURCE_DIR");
        char path[512], line[512], expected[64];
        bool in_flags = false;
        unsigned bit = 0;
        FILE *page;

        (void)state;
        assert_non_null(source);
        snprintf(path, sizeof(path), "%s/docs/man/bodycamctl.1", source);
        page = fopen(path, "r");
        assert_non_null(page);
        while (fgets(line, sizeof(line), page)) {
                if (strncmp(line, ".SH ", 4) == 0)
                        in_flags = strcmp(line, ".SH FLAGS\n") == 0;
                // The first tells of the option.
                if (!in_flags || strncmp(line, ".B ", 3) != 0 || strstr(line, "bodycamctl"))
                        continue;
                size_t used = (size_t)snprintf(expected, sizeof(expected), ".B ");
                assert_true(bit < BC_FLAG_BITS);
                for (const char *c = bc_flag_name((enum bc_flag)(1 << bit++)); *c; c++)
                        used += (size_t)snprintf(expected + used, sizeof(expected) - used, *c == '-' ? "\\-" : "%c", *c);
                snprintf(expected + used, sizeof(expected) - used, "\n");
                assert_string_equal(line, expected);
        }
        assert_int_equal(bit, BC_FLAG_BITS);
        fclose(page);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_recording, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_a_camera_that_starts_late, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_a_stalled_card_is_an_alarm, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_a_card_that_stalls_in_between, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_a_failing_card_is_an_alarm, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_too_many_recordings_at_once, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_a_failed_encoder, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_a_failed_encoder_on_a_stalled_card, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_a_failed_encoder_in_an_emergency, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_an_emergency_after_an_encoder_failed, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_sensors_off_wait_for_the_card, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(test_a_shutdown_without_a_card_and_a_press_while_recovering, world_setup,
                                                world_teardown),
                cmocka_unit_test_setup_teardown(test_a_shutdown_stops_recovery, world_setup, world_teardown),
                cmocka_unit_test(test_the_manual_lists_the_flags),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
