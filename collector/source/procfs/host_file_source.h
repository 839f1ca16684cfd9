#pragma once

// The host's own fields (slot 0) from /proc and /sys: CPUs, CPU time, memory,
// pressure. Like every fallback it sets a field only where it is absent.
// Not thread-safe; owned by the tick thread.

#include <array>
#include <string>
#include <string_view>

#include "collector/base/fd.h"
#include "collector/source/source.h"

namespace ballast::source {

// Where to look; tests point it at a folder of their own.
struct HostPaths {
  std::string proc = "/proc";
  std::string sys = "/sys";
};

class HostFileSource final : public Source {
 public:
  explicit HostFileSource(const HostPaths& paths);

  std::string_view name() const override { return "host_files"; }
  // Workloads are none of its business.
  Result<> Track(const Tracked&) override { return Ok(); }
  void ReadFinal(Slot, model::FieldSet&) override {}
  void Untrack(Slot) override {}
  // Error: /proc/stat or /proc/meminfo, which every kernel has, cannot be read or understood.
  // Pressure may be absent.
  Result<> Collect(Sample& sample) override;

 private:
  struct File {
    std::string path;
    Fd fd = {};
  };

  // Empty: not there. Valid until the next call.
  std::string_view Read(File& file);
  void CollectPressure(model::FieldSet& host);

  File stat_, meminfo_, online_, possible_;
  std::array<File, 3> pressure_;  // cpu, memory, io
  std::string text_;
};

}  // namespace ballast::source
