#pragma once

// Text -> Problem. Two formats: the project's JSON (DESIGN: command-line
// contracts) and VPSolver's .vbp. Errors name the JSON pointer or the line and
// what is wrong there.

#include <string_view>

#include "autoscaler/consolidate/problem.h"

namespace ballast::consolidate {

// {"hosts":[{"name","cpu","memory","count","cost","resources":{},"headroom":{},
//            "must_stay_on"}],
//  "vms":[{"name","cpu","memory","count","host","resources":{},"migration_bytes"}],
//  "constraints":{"anti_affinity":[["a","b"],{"vms":["a","b"],"at_most":1}],
//                 "pinned":{"vm":"host" or [hosts]},"forbidden":{"vm":[hosts]},
//                 "max_moves","migration_bytes"}}
//
// cpu in cores, memory in bytes; demands are rounded up and capacities down to
// whole milli-cores, bytes and thousandths. `count` n > 1 makes name-1 to
// name-n, and the bare name stands for all of them in constraints.
Result<Problem> ReadProblemJson(std::string_view text);

// Dimensions; capacities; number of item types; a row of weights and demand for
// each. Whitespace separated, '#' and '//' start comments. As many hosts as VMs.
Result<Problem> ReadProblemVbp(std::string_view text);

// JSON when the first character is a brace, .vbp otherwise.
Result<Problem> ReadProblem(std::string_view text);

}  // namespace ballast::consolidate
