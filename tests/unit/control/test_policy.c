// SPDX-License-Identifier: EUPL-1.2
// Every policy with every event, from everywhere, in every mode that can be reached.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "control/policy.h"

#define MODES (BC_PHASE_COUNT * 64)

static struct bc_mode mode_of(unsigned number)
{
        return (struct bc_mode){ (enum bc_phase)(number / 64), number & 1, number & 2, number & 4, number & 8, number & 16,
                                 number & 32 };
}

static unsigned number_of(const struct bc_mode *mode)
{
        return (unsigned)mode->phase * 64 + mode->docked + 2u * mode->sensors_wanted + 4u * mode->capable + 8u * mode->muted +
               16u * mode->stealthy + 32u * mode->reserve_only;
}

static void find_reachable(bool reached[MODES])
{
        struct bc_mode first = bc_mode_initial();
        bool more = true;

        reached[number_of(&first)] = true;
        while (more) {
                more = false;
                for (unsigned i = 0; i < MODES; i++)
                        for (unsigned event = 0; reached[i] && event < BC_EVENT_COUNT; event++) {
                                struct bc_mode mode = mode_of(i), next = bc_state_step(&mode, (enum bc_event)event).mode;

                                more |= !reached[number_of(&next)];
                                reached[number_of(&next)] = true;
                        }
        }
}

// What is refused, and where; all else is allowed.
static const struct {
        enum bc_activation activation;
        enum bc_event event;
        bool button, command;
        enum bc_refusal refusal;
} refused[] = {
        { BC_ACTIVATION_CONTROL_ROOM, BC_EVENT_RECORD_START, true, false, BC_REFUSAL_POLICY_START },
        { BC_ACTIVATION_CONTROL_ROOM, BC_EVENT_RECORD_STOP, true, false, BC_REFUSAL_POLICY_STOP },
        { BC_ACTIVATION_ALWAYS_ON, BC_EVENT_RECORD_STOP, true, true, BC_REFUSAL_POLICY_ALWAYS },
        { BC_ACTIVATION_ALWAYS_ON, BC_EVENT_SENSORS_OFF, true, true, BC_REFUSAL_POLICY_ALWAYS },
};

static enum bc_refusal expected(const struct bc_policy *policy, const struct bc_mode *mode, enum bc_event event,
                                enum bc_origin origin)
{
        bool emergency = mode->phase == BC_PHASE_EMERGENCY || mode->phase == BC_PHASE_EMERGENCY_OVER;

        // What the camera does by itself is not judged; what is refused anyway, by its own reason.
        if (origin == BC_ORIGIN_DEVICE || mode->phase == BC_PHASE_STOPPING)
                return BC_REFUSAL_NONE;
        if (event == BC_EVENT_RECORD_STOP && emergency)
                return BC_REFUSAL_NONE;
        if (event == BC_EVENT_RECORD_STOP && policy->activation == BC_ACTIVATION_ALWAYS_ON && mode->docked)
                return BC_REFUSAL_NONE;
        if (event == BC_EVENT_MUTE && !policy->mute)
                return BC_REFUSAL_POLICY_MUTE;
        if (event == BC_EVENT_STEALTH_ON && !policy->stealth)
                return BC_REFUSAL_POLICY_STEALTH;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
                if (refused[i].activation == policy->activation && refused[i].event == event &&
                    (origin == BC_ORIGIN_BUTTON ? refused[i].button : refused[i].command))
                        return refused[i].refusal;
        return BC_REFUSAL_NONE;
}

static struct bc_policy policy_of(unsigned number)
{
        return (struct bc_policy){ (enum bc_activation)(number / 4), number & 1, number & 2 };
}
#define POLICIES 12

static void test_every_policy_event_origin_and_mode(void **state)
{
        bool reached[MODES] = { false };
        unsigned judged = 0, modes = 0;

        (void)state;
        find_reachable(reached);
        for (unsigned i = 0; i < MODES; i++) {
                struct bc_mode mode = mode_of(i);

                if (!reached[i])
                        continue;
                modes++;
                for (unsigned p = 0; p < POLICIES; p++)
                        for (unsigned event = 0; event < BC_EVENT_COUNT; event++)
                                for (unsigned origin = 0; origin <= BC_ORIGIN_DEVICE; origin++) {
                                        struct bc_policy policy = policy_of(p);
                                        enum bc_refusal told = bc_policy_judge(&policy, &mode, (enum bc_event)event,
                                                                               (enum bc_origin)origin);

                                        if (told != expected(&policy, &mode, (enum bc_event)event, (enum bc_origin)origin))
                                                fail_msg("%s, %s%s, %s by %u: %s", bc_activation_name(policy.activation),
                                                         bc_phase_name(mode.phase), mode.docked ? " docked" : "",
                                                         bc_event_name((enum bc_event)event), origin, bc_refusal_text(told));
                                        // Nobody is kept from calling for help, and from what undoes discretion.
                                        if (event == BC_EVENT_EMERGENCY_START || event == BC_EVENT_EMERGENCY_RELEASE ||
                                            event == BC_EVENT_MARK || event == BC_EVENT_UNMUTE || event == BC_EVENT_STEALTH_OFF)
                                                assert_int_equal(told, BC_REFUSAL_NONE);
                                        judged++;
                                }
        }
        print_message("%u modes, %u judgements\n", modes, judged);
        assert_true(modes > 50);
}

static void test_what_has_to_record(void **state)
{
        static const bool wants[BC_PHASE_COUNT] = {
                [BC_PHASE_STARTING] = true, [BC_PHASE_STANDBY] = true,   [BC_PHASE_BUFFERING] = true,
                [BC_PHASE_ENDING] = true,   [BC_PHASE_EMERGENCY] = true, [BC_PHASE_FAULT] = true,
        };
        bool reached[MODES] = { false };

        (void)state;
        find_reachable(reached);
        for (unsigned i = 0; i < MODES; i++) {
                struct bc_mode mode = mode_of(i), after;

                for (unsigned p = 0; reached[i] && p < POLICIES; p++) {
                        struct bc_policy policy = policy_of(p);
                        bool always = policy.activation == BC_ACTIVATION_ALWAYS_ON;

                        assert_int_equal(bc_policy_wants_recording(&policy, &mode), always && !mode.docked && !mode.reserve_only && wants[mode.phase]);
                        // Done once, it is done: it records, or will as soon as it can.
                        after = bc_state_step(&mode, BC_EVENT_RECORD_START).mode;
                        if (!always || mode.docked || mode.reserve_only || mode.phase == BC_PHASE_STOPPING)
                                continue;
                        assert_false(bc_policy_wants_recording(&policy, &after));
                        assert_true(after.phase == BC_PHASE_RECORDING || after.phase == BC_PHASE_EMERGENCY_OVER ||
                                    (after.phase == BC_PHASE_FAULT_WANTED && !after.capable));
                }
        }
}

static void test_names(void **state)
{
        (void)state;
        assert_string_equal(bc_activation_name(BC_ACTIVATION_OFFICER), "officer");
        assert_string_equal(bc_activation_name(BC_ACTIVATION_CONTROL_ROOM), "control-room");
        assert_string_equal(bc_activation_name(BC_ACTIVATION_ALWAYS_ON), "always-on");
        assert_string_equal(bc_activation_name((enum bc_activation)3), "?");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_policy_event_origin_and_mode),
                cmocka_unit_test(test_what_has_to_record),
                cmocka_unit_test(test_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
