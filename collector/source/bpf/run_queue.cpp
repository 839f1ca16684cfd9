#include "collector/source/bpf/run_queue.h"

#include <utility>

#include "bpf/ballast.skel.h"

namespace ballast::source {

Result<RunQueue> RunQueue::Open(const KernelSide& kernel) {
  if (!kernel.IsAttached("rql_on_switch"))
    return Error::Invalid("the kernel does not run the scheduler hook");
  const auto& maps = kernel.skeleton().maps;
  const std::uint32_t slots = kernel.options().slots;
  BALLAST_TRY(auto rows,
              MappedArray<const rql_row>::Open(bpf_map__fd(maps.rql_rows),
                                               std::size_t{slots} * kernel.cpus()),
              "run queue");
  BALLAST_TRY(auto limits, MappedArray<const rql_limit>::Open(bpf_map__fd(maps.rql_limits), slots),
              "run queue");
  BALLAST_TRY(auto active,
              MappedArray<const std::uint64_t>::Open(bpf_map__fd(maps.rql_active), slots),
              "run queue");
  BALLAST_TRY(auto on_cpu,
              MappedArray<const rql_cpu>::Open(bpf_map__fd(maps.rql_cpus), kernel.cpus()),
              "run queue");
  return RunQueue(kernel, std::move(rows), std::move(limits), std::move(active), std::move(on_cpu));
}

RunQueue::RunQueue(const KernelSide& kernel, MappedArray<const rql_row> rows,
                   MappedArray<const rql_limit> limits, MappedArray<const std::uint64_t> active,
                   MappedArray<const rql_cpu> on_cpu)
    : rows_(std::move(rows)),
      limits_(std::move(limits)),
      active_(std::move(active)),
      on_cpu_(std::move(on_cpu)),
      kernel_(&kernel),
      seen_on_cpu_(kernel.options().slots),
      cpus_(kernel.cpus()),
      last_(kernel.options().slots),
      totals_(kernel.options().slots) {}

void RunQueue::BeginTick() {
  const std::uint64_t tick = ++kernel_->skeleton().bss->rql_tick;
  for (std::size_t cpu = 0; cpu < on_cpu_.size(); ++cpu) seen_on_cpu_[on_cpu_[cpu].slot] = tick;
}

bool RunQueue::IsQuiet(Slot slot) const {
  const std::uint64_t tick = kernel_->skeleton().bss->rql_tick;
  return seen_on_cpu_[slot] != tick && active_[slot] + 2 < tick;
}

const rql_row& RunQueue::Row(Slot slot, std::uint32_t cpu) const {
  return rows_[std::size_t{slot} * cpus_ + cpu];
}

RunQueue::Folded RunQueue::Fold(Slot slot) const {
  Folded sum;
  for (std::uint32_t cpu = 0; cpu < cpus_; ++cpu) {
    const rql_row& row = Row(slot, cpu);
    for (std::size_t i = 0; i < RQL_BUCKETS; ++i) {
      sum.waits[i] += row.waits[i];
      sum.own_waits[i] += row.own_waits[i];
    }
    for (std::size_t i = 0; i < RQL_TAKERS; ++i) sum.preempted[i] += row.preempted[i];
    sum.wait_ns += row.wait_ns;
    sum.own_ns += row.own_ns;
    sum.ran_ns += row.ran_ns;
    sum.switches += row.switches;
  }
  return sum;
}

const RunQueueTotals& RunQueue::Read(Slot slot) {
  const Folded now = Fold(slot);
  Folded& last = last_[slot];
  RunQueueTotals& totals = totals_[slot];
  for (std::size_t i = 0; i < RQL_BUCKETS; ++i) {
    // Differences modulo 2^32 are right across any number of wraps but a whole one.
    totals.waits[i] += static_cast<std::uint32_t>(now.waits[i] - last.waits[i]);
    totals.own_waits[i] += static_cast<std::uint32_t>(now.own_waits[i] - last.own_waits[i]);
  }
  for (std::size_t i = 0; i < RQL_TAKERS; ++i)
    totals.preempted[i] += static_cast<std::uint32_t>(now.preempted[i] - last.preempted[i]);
  totals.wait_ns += now.wait_ns - last.wait_ns;
  totals.own_wait_ns += now.own_ns - last.own_ns;
  totals.ran_ns += now.ran_ns - last.ran_ns;
  totals.switches += now.switches - last.switches;
  last = now;
  return totals;
}

void RunQueue::Restart(Slot slot) {
  last_[slot] = Fold(slot);
  totals_[slot] = {};
}

}  // namespace ballast::source
