#pragma once

// A record as one line of JSON, with the names of the field table: what
// `ballast replay --format json` prints for scripts.

#include <string>

#include "collector/model/record.h"

namespace ballast::cli {

// {"kind":"event","event":"throttle_begin","sequence":..,"at_ns":..,"wall_ns":..,
//  "subject":..,"fields":{..},"rows":[{"ref":..,"kind":..,"parent":..,"fields":{..},"cleared":[..]}]}
// Histograms are {"counts":[..],"sum_ns":..}; a limit that is not set is "max".
std::string ToJsonLine(const model::Record& record);

}  // namespace ballast::cli
