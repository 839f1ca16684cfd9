#pragma once

// A flight recorder's file, record by record.

#include <functional>
#include <string>

#include "collector/base/result.h"
#include "collector/model/record.h"
#include "collector/record/frame_reader.h"

namespace ballast::cli {

// `path`: a file, or - for standard input. What was damaged or cut is passed over and counted in
// `reader`. Error: the file cannot be read.
Result<> ForEachRecord(const std::string& path, record::FrameReader& reader,
                       const std::function<void(const model::Record&)>& visit);

// 2026-11-30T09:12:13.123Z
std::string WallTimeOf(WallTime at);

}  // namespace ballast::cli
