#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "collector/base/result.h"

namespace ballast::config {

// "512MiB", "1.5 GiB", "2GB", "4096": units B, kB, MB, GB, TB (1000) and KiB,
// MiB, GiB, TiB (1024); no unit is bytes.
Result<std::uint64_t> ParseByteSize(std::string_view text);
// The shortest exact form: 536870912 -> "512MiB", 1000 -> "1000B".
std::string FormatByteSize(std::uint64_t bytes);

}  // namespace ballast::config
