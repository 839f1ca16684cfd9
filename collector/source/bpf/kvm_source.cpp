#include "collector/source/bpf/kvm_source.h"

#include <bpf/bpf.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "bpf/ballast.skel.h"
#include "collector/model/field.h"
#include "collector/source/bpf/kvm_exit_reason.h"

namespace ballast::source {

using model::EntityKind;
using model::Field;

KvmSource::KvmSource(KernelSide& kernel, const Clock& clock, KvmSourceOptions options)
    : kernel_(&kernel), clock_(clock), options_(std::move(options)) {}

Result<> KvmSource::Track(const Tracked& workload) {
  tracked_.Add(workload.slot);
  return Ok();
}

void KvmSource::Untrack(Slot slot) {
  tracked_.Erase(slot);
  with_vcpus_.erase(slot);
}

Result<> KvmSource::Collect(Sample& sample) {
  const BootTime now = clock_.Now();
  if (kernel_->waits_for_kvm() && (!last_try_ || now - *last_try_ >= options_.retry)) {
    last_try_ = now;
    kernel_->AttachKvm();
  }
  if (!last_read_ || now - *last_read_ >= options_.read) {
    last_read_ = now;
    Read();
  }
  for (const Slot slot : with_vcpus_) Set(tracked_.At(slot), slot, sample);
  return Ok();
}

void KvmSource::Read() {
  const int map = bpf_map__fd(kernel_->skeleton().maps.kvm_rows);
  std::vector<std::uint32_t> tids;
  std::uint32_t tid = 0;
  // A row that is deleted meanwhile makes the kernel begin anew: bounded by the map's size.
  const std::uint32_t most = bpf_map__max_entries(kernel_->skeleton().maps.kvm_rows);
  for (bool is_first = true; tids.size() < most; is_first = false) {
    if (bpf_map_get_next_key(map, is_first ? nullptr : &tid, &tid) != 0) break;
    tids.push_back(tid);
  }
  // What is known of vCPUs is of those that are there now.
  for (const Slot slot : std::exchange(with_vcpus_, {})) tracked_.At(slot).vcpus.clear();
  for (const std::uint32_t one : tids) {
    kvm_row row{};
    if (bpf_map_lookup_elem(map, &one, &row) != 0) continue;
    // Asked before the last look, so that nothing is counted after it.
    const bool is_gone = IsGone(one, row);
    if (is_gone && bpf_map_lookup_elem(map, &one, &row) != 0) continue;
    ReadRow(one, row);
    if (is_gone) Remove(one);
  }
}

bool KvmSource::IsGone(std::uint32_t tid, const kvm_row& row) const {
  std::error_code error;
  return !std::filesystem::exists(
      options_.proc + "/" + std::to_string(row.tgid) + "/task/" + std::to_string(tid), error);
}

void KvmSource::Remove(std::uint32_t tid) {
  bpf_map_delete_elem(bpf_map__fd(kernel_->skeleton().maps.kvm_rows), &tid);
  rows_.erase(tid);
}

void KvmSource::ReadRow(std::uint32_t tid, const kvm_row& row) {
  auto [known, is_new] = rows_.try_emplace(tid);
  kvm_row& last = known->second;
  if (!is_new && last.start_ns != row.start_ns) last = {};  // another thread
  if (Workload* const found = tracked_.Find(row.slot); found != nullptr) {
    Workload& workload = *found;
    for (std::uint32_t code = 0; code < KVM_CODES; ++code) {
      const std::uint32_t count = row.exits[code] - last.exits[code];  // modulo 2^32
      const std::uint64_t host_ns = row.host_ns[code] - last.host_ns[code];
      if (count == 0 && host_ns == 0) continue;
      Exits& exits = workload.exits[NameOfKvmExit(row.isa, code)];
      exits.count += count;
      exits.host_ns += host_ns;
      exits.is_changed = true;
    }
    if (row.vcpu != ~0U) {
      workload.vcpus[row.vcpu] = {row.halt_ns, row.ran_ns, row.waited_ns};
      with_vcpus_.insert(row.slot);
    }
  }
  last = row;
}

void KvmSource::Set(Workload& workload, Slot slot, Sample& sample) {
  sample.Of(slot).Set(Field::kVmVcpus, workload.vcpus.size());
  for (const auto& [index, vcpu] : workload.vcpus) {
    model::FieldSet& row = sample.Child(slot, EntityKind::kVcpu, std::to_string(index));
    row.Set(Field::kVcpuIndex, index);
    row.Set(Field::kVcpuTimeNs, vcpu.ran_ns);
    row.Set(Field::kVcpuStealNs, vcpu.waited_ns);
    row.Set(Field::kVcpuHaltNs, vcpu.halt_ns);
  }
  sample.KeepChildren(slot, EntityKind::kExit);
  for (auto& [reason, exits] : workload.exits) {
    if (!std::exchange(exits.is_changed, false)) continue;
    model::FieldSet& row = sample.Child(slot, EntityKind::kExit, reason);
    row.SetText(Field::kReason, reason);
    row.Set(Field::kVmExits, exits.count);
    row.Set(Field::kVmExitNs, exits.host_ns);
  }
}

}  // namespace ballast::source
