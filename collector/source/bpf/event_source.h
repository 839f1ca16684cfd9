#pragma once

// Enters workloads into the kernel's slot table, hands on what the kernel
// reports at once, and tells what was lost. First of the BPF sources: the others
// read what it enters. Not thread-safe; owned by the tick thread.

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "collector/source/bpf/event_ring.h"
#include "collector/source/bpf/slot_table.h"
#include "collector/source/bpf/tool_calls.h"
#include "collector/source/source.h"

namespace ballast::source {

class EventSource final : public Source {
 public:
  // Of a workload's directories, those in `measured` are entered.
  static Result<std::unique_ptr<EventSource>> Open(const KernelSide& kernel,
                                                   const std::vector<model::Hierarchy>& measured);

  std::string_view name() const override { return "bpf_events"; }
  Result<> Track(const Tracked& workload) override;
  void ReadFinal(Slot slot, model::FieldSet& last) override;
  void Untrack(Slot slot) override;
  // Tool calls by program, and the losses, one child of the host for each reason that has any.
  Result<> Collect(Sample& sample) override;
  int event_fd() const override { return ring_->poll_fd(); }
  void Drain(EventSink& sink) override;

 private:
  EventSource(const KernelSide& kernel, const std::vector<model::Hierarchy>& measured);
  void Hand(const KernelEvent& event);

  const KernelSide* kernel_;
  std::vector<std::uint32_t> measured_;  // hierarchy ids
  SlotTable slots_;
  ToolCalls tools_;
  std::unique_ptr<EventRing> ring_;
  EventSink* sink_ = nullptr;  // set while Drain runs
};

}  // namespace ballast::source
