#include "collector/source/bpf/tool_calls.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <utility>

#include "bpf/abi/event_abi.h"
#include "collector/model/field.h"
#include "collector/source/bpf/tool_text.h"

namespace ballast::source {
namespace {

using model::Field;

void AddDuration(std::uint64_t ns, model::Histogram& histogram) {
  const auto bucket = static_cast<std::size_t>(std::bit_width(ns / 1000));
  ++histogram.counts[std::min(bucket, histogram.counts.size() - 1)];
  histogram.sum_ns += ns;
}

// 0: not known.
std::uint64_t PeakBytes(const evt_tool& tool) {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return (tool.head.flags & EVT_NO_PEAK) != 0 ? 0 : tool.peak_pages * page;
}

std::vector<std::string_view> ArgumentsOf(const evt_tool& tool) {
  return SplitArguments({tool.args, std::min(tool.args_length, EVT_TOOL_ARGS)});
}

std::string NameOf(const KernelEvent& event, const std::vector<std::string_view>& arguments) {
  const evt_tool& tool = *event.tool;
  return ToolName({tool.file, ::strnlen(tool.file, EVT_TOOL_FILE)}, arguments, event.comm);
}

SourceEvent ToBegin(const KernelEvent& event, std::string_view name) {
  const evt_tool& tool = *event.tool;
  SourceEvent out{.kind = model::EventKind::kToolBegin, .slot = event.slot, .fields = {}};
  out.fields.SetText(Field::kProgram, name);
  out.fields.Set(Field::kPid, std::uint64_t{event.pid});
  out.fields.Set(Field::kEventTimeNs, static_cast<std::uint64_t>(event.at.count()));
  out.fields.Set(Field::kSpanId, std::uint64_t{tool.span});
  if (tool.parent != 0) out.fields.Set(Field::kParentSpanId, std::uint64_t{tool.parent});
  return out;
}

SourceEvent ToEvent(const KernelEvent& event, const evt_tool& tool, std::string_view name) {
  SourceEvent out{.kind = model::EventKind::kToolCall, .slot = event.slot, .fields = {}};
  model::FieldSet& fields = out.fields;
  fields.SetText(Field::kProgram, name);
  fields.Set(Field::kPid, std::uint64_t{event.pid});
  fields.Set(Field::kEventTimeNs, static_cast<std::uint64_t>(event.at.count()));
  fields.Set(Field::kBootRelativeStartNs, std::uint64_t{tool.start_ns});
  fields.Set(Field::kDurationNs, static_cast<std::uint64_t>(event.at.count()) - tool.start_ns);
  fields.Set(Field::kSpanId, std::uint64_t{tool.span});
  if (tool.parent != 0) fields.Set(Field::kParentSpanId, std::uint64_t{tool.parent});
  fields.Set(Field::kExitCode, std::uint64_t{tool.status});
  fields.Set(Field::kCpuUsageNs, std::uint64_t{tool.cpu_ns});
  if (const std::uint64_t peak = PeakBytes(tool)) fields.Set(Field::kResidentPeakBytes, peak);
  fields.Set(Field::kReadBytes, std::uint64_t{tool.read_bytes});
  fields.Set(Field::kWrittenBytes, std::uint64_t{tool.written_bytes});
  return out;
}

}  // namespace

bool ToolCalls::TakeToken(Workload& workload, BootTime now) {
  const std::chrono::duration<double> since = now - workload.refilled;
  workload.refilled = now;
  workload.tokens =
      std::min(kBurst, workload.tokens + std::max(0.0, since.count()) * kSpansPerSecond);
  if (workload.tokens < 1) return false;
  workload.tokens -= 1;
  return true;
}

ToolCalls::Program& ToolCalls::ProgramOf(Workload& workload, const std::string& name) {
  const auto known = workload.programs.find(name);
  if (known != workload.programs.end()) return known->second;
  const bool has_room = workload.programs.size() + 1 < kMaxPrograms;
  return workload.programs[has_room ? name : "other"];
}

std::optional<SourceEvent> ToolCalls::Begin(const KernelEvent& event) {
  if (!tracked_.contains(event.slot)) return std::nullopt;
  Workload& workload = workloads_[event.slot];
  if (!TakeToken(workload, event.at)) {
    ++begins_left_out_;
    return std::nullopt;
  }
  workload.begun.insert(event.tool->span);
  // Spans are numbered by time: the least is the oldest.
  if (workload.begun.size() > kMaxBegun) workload.begun.erase(workload.begun.begin());
  return ToBegin(event, NameOf(event, ArgumentsOf(*event.tool)));
}

std::optional<SourceEvent> ToolCalls::Take(const KernelEvent& event) {
  if (!tracked_.contains(event.slot)) return std::nullopt;
  const evt_tool& tool = *event.tool;
  const auto arguments = ArgumentsOf(tool);
  const std::string name = NameOf(event, arguments);

  Workload& workload = workloads_[event.slot];
  Program& program = ProgramOf(workload, name);
  program.calls += 1;
  program.cpu_ns += tool.cpu_ns;
  program.peak_bytes = std::max(program.peak_bytes, PeakBytes(tool));
  program.read_bytes += tool.read_bytes;
  program.written_bytes += tool.written_bytes;
  AddDuration(static_cast<std::uint64_t>(event.at.count()) - tool.start_ns, program.duration);
  program.is_changed = true;
  const bool is_begun = workload.begun.erase(tool.span) > 0;
  if (!is_begun && !TakeToken(workload, event.at)) {
    ++left_out_;
    return std::nullopt;
  }
  SourceEvent out = ToEvent(event, tool, name);
  if (has_command_lines_) out.fields.SetText(Field::kCommandLine, RedactedLine(arguments));
  return out;
}

void ToolCalls::Fill(Sample& sample) {
  for (auto& [slot, workload] : workloads_) {
    if (!sample.IsKept(slot)) sample.KeepChildren(slot, model::EntityKind::kTool);
    for (auto& [name, program] : workload.programs) {
      if (!std::exchange(program.is_changed, false)) continue;
      model::FieldSet& fields = sample.Child(slot, model::EntityKind::kTool, name);
      fields.SetText(Field::kProgram, name);
      fields.Set(Field::kCalls, program.calls);
      fields.Set(Field::kCpuUsageNs, program.cpu_ns);
      if (program.peak_bytes != 0) fields.Set(Field::kResidentPeakBytes, program.peak_bytes);
      fields.Set(Field::kReadBytes, program.read_bytes);
      fields.Set(Field::kWrittenBytes, program.written_bytes);
      fields.SetHistogram(Field::kCallDuration, program.duration);
    }
  }
}

void ToolCalls::Forget(Slot slot) {
  tracked_.erase(slot);
  workloads_.erase(slot);
}

}  // namespace ballast::source
