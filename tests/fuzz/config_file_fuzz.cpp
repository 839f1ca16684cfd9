#include <cstdint>

#include "collector/base/check.h"
#include "collector/config/option_table.h"

using ballast::config::OptionTable;

// Whatever the file says: values within their bounds, or one line of error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  struct Row {
    double weight = 1.0;
  };
  int interval_ms = 100;
  std::uint64_t bytes = 4096;
  std::vector<std::string> list;
  std::vector<Row> rows;
  OptionTable table("fuzz");
  table.Add("tick.interval_ms", &interval_ms, {.min = 10, .max = 10'000}, "Integer.");
  table.AddBytes("buffer", &bytes, {.min = 1, .max = 1 << 20}, "Size.");
  table.Add("list", &list, "List.");
  table.AddRows<Row>("row", &rows, "Rows.", [](OptionTable& t, Row& r) {
    t.Add("weight", &r.weight, {.min = 0.1, .max = 9.0}, "Real.");
  });

  const auto read = table.ReadToml({reinterpret_cast<const char*>(data), size}, "f");
  if (!read)
    BALLAST_CHECK(read.error().ToString().find('\n') == std::string::npos, "an error is one line");
  BALLAST_CHECK(interval_ms >= 10 && interval_ms <= 10'000 && bytes >= 1 && bytes <= 1 << 20,
                "values stay in their bounds");
  for (const Row& row : rows)
    BALLAST_CHECK(row.weight >= 0.1 && row.weight <= 9.0, "values stay in their bounds");
  return 0;
}
