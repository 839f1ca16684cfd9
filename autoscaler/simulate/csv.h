#pragma once

// Comma-separated values as RFC 4180 has them: quoted fields, doubled quotes,
// line ends inside quotes, LF or CRLF, a byte order mark before the first.

#include <string>
#include <string_view>
#include <vector>

#include "collector/base/result.h"

namespace ballast::simulate {

struct CsvRow {
  std::size_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

// Empty lines are left out. The error names the line.
Result<std::vector<CsvRow>> ParseCsv(std::string_view text);

}  // namespace ballast::simulate
