#pragma once

// Tool calls as the record has them: their execs and the spans that ended as
// events, their sums by workload and program as its children.
//
//   if (auto event = tools.Begin(kernel_event)) sink.OnEvent(*event);
//   if (auto event = tools.Take(kernel_event)) sink.OnEvent(*event);
//   tools.Fill(sample);          // each tick
//   tools.Forget(slot);          // the workload is dead
//
// A storm costs sums, not records: beyond kSpansPerSecond of a workload (after a
// burst of kBurst) spans are added up and counted as left out. A span whose begin
// was recorded has its end recorded, too: somebody waits for it.
// Not thread-safe; owned by the tick thread.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "collector/model/histogram.h"
#include "collector/source/bpf/event_ring.h"
#include "collector/source/source.h"

namespace ballast::source {

class ToolCalls {
 public:
  // Programs told apart in one workload; further ones are "other".
  static constexpr std::size_t kMaxPrograms = 32;
  // Per workload. A build of 10,000 compilers is told by its sums.
  static constexpr double kSpansPerSecond = 20;
  static constexpr double kBurst = 200;

  // Begun spans of a workload that are remembered; the oldest goes for a new one.
  static constexpr std::size_t kMaxBegun = 256;

  // With command lines, redacted, only if asked for.
  explicit ToolCalls(bool has_command_lines) : has_command_lines_(has_command_lines) {}

  void Track(Slot slot) { tracked_.insert(slot); }
  void Forget(Slot slot);
  // An exec, again where a span becomes another program; nullopt: left out.
  // Requires: `event.tool` is set.
  std::optional<SourceEvent> Begin(const KernelEvent& event);
  // Adds the span up; nullopt: only that. Requires: `event.tool` is set.
  std::optional<SourceEvent> Take(const KernelEvent& event);
  void Fill(Sample& sample);

  // Spans that were added up but not recorded one by one.
  std::uint64_t left_out() const { return left_out_; }
  std::uint64_t begins_left_out() const { return begins_left_out_; }

 private:
  struct Program {
    std::uint64_t calls = 0;
    std::uint64_t cpu_ns = 0;
    std::uint64_t peak_bytes = 0;  // the highest of its calls
    std::uint64_t read_bytes = 0;
    std::uint64_t written_bytes = 0;
    model::Histogram duration;
    bool is_changed = false;
  };
  struct Workload {
    std::map<std::string, Program> programs;
    double tokens = kBurst;
    BootTime refilled{};
    std::set<std::uint64_t> begun;  // spans; those whose end is lost leave with the oldest
  };

  static bool TakeToken(Workload& workload, BootTime now);
  static Program& ProgramOf(Workload& workload, const std::string& name);

  bool has_command_lines_;
  std::set<Slot> tracked_;
  std::map<Slot, Workload> workloads_;
  std::uint64_t left_out_ = 0;
  std::uint64_t begins_left_out_ = 0;
};

}  // namespace ballast::source
