#pragma once

// Virtual machines under KVM (bpf/kvm.bpf.c) as a source of the pipeline: exits
// by reason, time the host spent on them, halts of each vCPU; and each vCPU's CPU
// time and steal as of its last exit, which source/vmm replaces by exact ones
// where it knows the thread. Before it in the pipeline's order.
//
// Counts are read once a second and named with their last values in between.
// Not thread-safe; owned by the tick thread. KernelSide outlives it.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "bpf/abi/kvm_abi.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/slot_map.h"
#include "collector/source/source.h"

namespace ballast::source {

struct KvmSourceOptions {
  std::string proc = "/proc";
  std::chrono::milliseconds read{1000};     // a system call or two for each vCPU
  std::chrono::milliseconds retry{10'000};  // to attach, while KVM is not loaded
};

class KvmSource final : public Source {
 public:
  KvmSource(KernelSide& kernel, const Clock& clock, KvmSourceOptions options = {});

  std::string_view name() const override { return "bpf_kvm"; }
  Result<> Track(const Tracked& workload) override;
  void ReadFinal(Slot /*slot*/, model::FieldSet& /*last*/) override {}
  void Untrack(Slot slot) override;
  Result<> Collect(Sample& sample) override;

 private:
  struct Exits {
    std::uint64_t count = 0;
    std::uint64_t host_ns = 0;
    bool is_changed = true;  // since they were last named
  };
  struct Vcpu {
    std::uint64_t halt_ns = 0;
    std::uint64_t ran_ns = 0;
    std::uint64_t waited_ns = 0;
  };
  struct Workload {
    std::map<std::string_view, Exits> exits;  // by reason
    std::map<std::uint32_t, Vcpu> vcpus;      // by index
  };

  void Read();
  void ReadRow(std::uint32_t tid, const kvm_row& row);
  void Remove(std::uint32_t tid);
  bool IsGone(std::uint32_t tid, const kvm_row& row) const;
  static void Set(Workload& workload, Slot slot, Sample& sample);

  KernelSide* kernel_;
  const Clock& clock_;  // outlives the source
  const KvmSourceOptions options_;
  std::optional<BootTime> last_read_;
  std::optional<BootTime> last_try_;
  std::map<std::uint32_t, kvm_row> rows_;  // by thread id, as last read
  SlotMap<Workload> tracked_;
  std::set<Slot> with_vcpus_;
};

}  // namespace ballast::source
