// SPDX-License-Identifier: EUPL-1.2
// Faults a simulated sensor can be told to have.
#ifndef BODYCAM_SIMULATION_H
#define BODYCAM_SIMULATION_H

enum bc_fault {
        BC_FAULT_NONE,
        BC_FAULT_STALL,  // delivers nothing; what it captures meanwhile is lost
        BC_FAULT_UNPLUG, // as stall, and reports an error (on_error, or a negative errno of read)
};

#endif
