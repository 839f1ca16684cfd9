#pragma once

#include <string>
#include <string_view>

#include "collector/doctor/diagnose.h"

namespace ballast::doctor {

// "bpf", "file" or "absent", as /api/v1/status says it too.
std::string_view NameOf(source::Via via);
// "ok", "note" or "missing".
std::string_view NameOf(Status status);

// For people: a line each for signals and checks, the advice below its line.
std::string ToText(const Report& report);
// One object: host, missing, signals[{what, via, why, advice}], checks[{what, status, why,
// advice}].
std::string ToJson(const Report& report);

}  // namespace ballast::doctor
