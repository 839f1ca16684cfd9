#include "collector/source/bpf/event_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "collector/model/field.h"
#include "collector/source/bpf/drops.h"

namespace ballast::source {
namespace {

using model::Field;

std::optional<model::EventKind> RecordKind(KernelEventKind kind) {
  switch (kind) {
    case KernelEventKind::kThrottled:
      return model::EventKind::kThrottleBegin;
    case KernelEventKind::kMemoryLimit:
      return model::EventKind::kMemoryLimit;
    case KernelEventKind::kOomKill:
      return model::EventKind::kOomKill;
    case KernelEventKind::kToolCall:
      return model::EventKind::kToolCall;
    case KernelEventKind::kToolBegin:
      return model::EventKind::kToolBegin;
    case KernelEventKind::kCgroupMade:
    case KernelEventKind::kCgroupGone:
      return std::nullopt;
  }
  return std::nullopt;
}

SourceEvent ToSourceEvent(model::EventKind kind, const KernelEvent& event) {
  SourceEvent out{.kind = kind, .slot = event.slot, .fields = {}};
  out.fields.Set(Field::kEventTimeNs, static_cast<std::uint64_t>(event.at.count()));
  out.fields.Set(Field::kPid, std::uint64_t{event.pid});
  if (!event.comm.empty() && kind == model::EventKind::kOomKill)
    out.fields.SetText(Field::kVictim, event.comm);
  if (!event.cause.empty()) out.fields.SetText(Field::kOomCause, event.cause);
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (event.resident_pages != 0)
    out.fields.Set(Field::kVictimResidentBytes, event.resident_pages * page);
  return out;
}

CgroupChange ToChange(const KernelEvent& event) {
  return {.kind = event.kind == KernelEventKind::kCgroupMade ? CgroupChange::Kind::kMade
                                                             : CgroupChange::Kind::kRemoved,
          .hierarchy_id = static_cast<std::uint32_t>(event.hierarchy_id),
          .id = event.cgroup_id,
          .parent_id = event.parent_id,
          .path = std::string(event.path)};
}

void AddLoss(const DropCount& drop, Sample& sample) {
  if (drop.count == 0) return;
  const std::string name = std::string(drop.program) + "/" + std::string(drop.reason);
  model::FieldSet& fields = sample.Child(kHostSlot, model::EntityKind::kLoss, name);
  fields.SetText(Field::kMap, drop.program);
  fields.SetText(Field::kReason, drop.reason);
  fields.Set(Field::kEventsLost, drop.count);
}

}  // namespace

EventSource::EventSource(const KernelSide& kernel, const std::vector<model::Hierarchy>& measured)
    : kernel_(&kernel), slots_(kernel), tools_(kernel.options().command_lines) {
  for (const auto& hierarchy : measured) measured_.push_back(hierarchy.id);
}

Result<std::unique_ptr<EventSource>> EventSource::Open(
    const KernelSide& kernel, const std::vector<model::Hierarchy>& measured) {
  std::unique_ptr<EventSource> source(new EventSource(kernel, measured));
  BALLAST_TRY(
      source->ring_,
      EventRing::Open(kernel, [raw = source.get()](const KernelEvent& event) { raw->Hand(event); }),
      "events");
  return source;
}

Result<> EventSource::Track(const Tracked& workload) {
  tools_.Track(workload.slot);
  bool any = false;
  for (const auto& directory : workload.directories) {
    if (std::ranges::count(measured_, directory.hierarchy_id) == 0) continue;
    auto entered = slots_.Track(workload.slot, directory);
    // A directory that went away meanwhile is missed by nobody.
    if (!entered && entered.error().code() != std::errc::no_such_file_or_directory) return entered;
    any = any || entered.has_value();
  }
  return any ? Ok() : Error::FromErrno(ENOENT, "no measured directory of the workload is left");
}

void EventSource::ReadFinal(Slot /*slot*/, model::FieldSet& /*last*/) {}

void EventSource::Untrack(Slot slot) {
  slots_.Forget(slot);
  tools_.Forget(slot);
}

Result<> EventSource::Collect(Sample& sample) {
  for (const DropCount& drop : ReadDrops(*kernel_)) AddLoss(drop, sample);
  AddLoss({"tools", "span_rate", tools_.left_out()}, sample);
  AddLoss({"tools", "begin_span_rate", tools_.begins_left_out()}, sample);
  tools_.Fill(sample);
  return Ok();
}

void EventSource::Drain(EventSink& sink) {
  sink_ = &sink;
  // The only error is a handler's, and ours returns none.
  static_cast<void>(ring_->Consume());
  sink_ = nullptr;
}

void EventSource::Hand(const KernelEvent& event) {
  if (event.kind == KernelEventKind::kToolCall) {
    if (auto span = tools_.Take(event)) sink_->OnEvent(*std::move(span));
    return;
  }
  if (event.kind == KernelEventKind::kToolBegin) {
    if (auto begin = tools_.Begin(event)) sink_->OnEvent(*std::move(begin));
    return;
  }
  if (const auto kind = RecordKind(event.kind))
    sink_->OnEvent(ToSourceEvent(*kind, event));
  else
    sink_->OnCgroup(ToChange(event));
}

}  // namespace ballast::source
