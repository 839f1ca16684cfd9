#pragma once

#include <string>
#include <vector>

#include "collector/config/option_table.h"

namespace ballast::config {

enum class Mode { kObserve, kAuto };
struct Override {
  std::string prefix;
  double weight = 1.0;
};
struct ExampleOptions {
  std::string listen = "127.0.0.1:9435";
  int tick_ms = 100;
  double margin = 0.15;
  bool enabled = false;
  Mode mode = Mode::kObserve;
  std::uint64_t buffer_bytes = 1 << 20;
  std::vector<std::string> prefixes = {"/docker"};
  std::vector<Override> overrides;
};

// A table with one option of each type.
struct ExampleTable {
  ExampleTable() {
    table.Section("http", "The HTTP server.");
    table.Add("http.listen", &options.listen, "Address and port.");
    table.Add("tick.interval_ms", &options.tick_ms, {.min = 10, .max = 10000},
              "Time between ticks.");
    table.Add("margin", &options.margin, {.min = 0.0, .max = 1.0}, "Share kept free.");
    table.Add("enabled", &options.enabled, "On or off.");
    table.AddChoice("mode", &options.mode, {{"observe", Mode::kObserve}, {"auto", Mode::kAuto}},
                    "What it may do.");
    table.AddBytes("buffer", &options.buffer_bytes, {.min = 4096, .max = 1ULL << 30},
                   "Ring buffer.");
    table.Add("prefixes", &options.prefixes, "Cgroup paths.");
    table.AddRows<Override>("workload", &options.overrides, "Overrides by prefix.",
                            [](OptionTable& row, Override& o) {
                              row.Add("prefix", &o.prefix, "Cgroup path.");
                              row.Add("weight", &o.weight, {.min = 0.01, .max = 100.0}, "Share.");
                            });
  }
  ExampleOptions options;
  OptionTable table{"ballast-example"};
};

}  // namespace ballast::config
