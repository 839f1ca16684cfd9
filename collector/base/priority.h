#pragma once

// A daemon that must answer the burst which starves everybody else.

#include "collector/base/result.h"

namespace ballast {

// The calling thread, and those it starts from now on, runs soon after it is woken, on busy
// cores too. Three things, each best effort:
//   nice     how much of a contended core it gets; below the present one needs CAP_SYS_NICE
//            (systemd's Nice= gives it before it takes capabilities away)
//   session  the same for its session, where the kernel shares a core out to sessions first
//            (sched_autogroup_enabled): nice counts only inside one
//   slice    how much it asks for at once. A scheduler with EEVDF lets the running task finish its
//            slice (about 3 ms) before one with a later deadline; a short request has an early
//            one. Needs nothing; kernels before 6.12 ignore it.
// The error says which was refused.
Result<> RunSoon(int nice);

}  // namespace ballast
