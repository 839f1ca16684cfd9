#pragma once

// The programs of bpf/, loaded and attached, for as long as this object lives.
//
//   const KernelFacts facts = ReadKernelFacts();
//   BALLAST_TRY(auto kernel, KernelSide::Start(facts, {.slots = 1024}), "collector");
//   BALLAST_TRY(auto slots, SlotTable::Open(*kernel), "collector");   // slot_table.h
//   BALLAST_TRY(auto walk, CgroupWalk::Open(*kernel, hierarchies), "collector");
//
// A program this kernel cannot run is left out and listed in programs() with
// the reason; Start fails only when none is left. Nothing is pinned: when the
// process ends, whatever way, the kernel frees everything.
//
// Not thread-safe; owned by the collector's main, outlives every reader of it.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/base/result.h"
#include "collector/source/bpf/kernel_facts.h"

struct ballast_bpf;  // generated; only this folder's .cpp files know it

namespace ballast::source {

struct KernelSideOptions {
  // Affects cost: kernel memory, about 256 bytes x slots x CPUs.
  // Raise when DRP_SLOT_RANGE or a full SlotTable is reported. Slot 0 is `other`.
  std::uint32_t slots = 1024;
  // Groups in the slot table, inner ones included, over all hierarchies (80
  // bytes each). Raise when reason `slot table full` is counted.
  std::uint32_t max_cgroups = 65536;
  // Block devices a workload uses, on average (0.5 KB each). Raise when `block
  // rows_full` is counted.
  std::uint32_t devices_per_slot = 4;
  // A power of two and of pages. Raise when `ring full` is counted.
  std::uint32_t ring_bytes = 512 * 1024;

  // Affects decisions: at most one event per slot and gap.
  std::chrono::nanoseconds throttle_event_gap = std::chrono::milliseconds(5);
  std::chrono::nanoseconds memory_event_gap = std::chrono::milliseconds(2);
  // Record the command lines of tool calls, redacted, not only their programs.
  bool command_lines = false;
  // Bit n: births and deaths in hierarchy n are reported.
  std::uint64_t hierarchy_mask = ~std::uint64_t{0};
};

// ProgramState::because of programs that wait for KVM.
inline constexpr const char* kKvmNotLoaded = "KVM is not loaded";

struct ProgramState {
  std::string name;
  bool attached = false;
  std::string because;                      // why not; empty when attached
  std::uint32_t verified_instructions = 0;  // 0: this kernel does not tell
};

class KernelSide {
 public:
  // Errors are whole sentences that say what to do: not root, no BTF, refused.
  static Result<std::unique_ptr<KernelSide>> Start(const KernelFacts& facts,
                                                   const KernelSideOptions& options);
  ~KernelSide();
  KernelSide(const KernelSide&) = delete;
  KernelSide& operator=(const KernelSide&) = delete;

  const std::vector<ProgramState>& programs() const { return programs_; }
  bool IsAttached(std::string_view program) const;
  // Attaches those programs for KVM that are not yet: it is a module, which may
  // be loaded late. Why one is not is in programs(). Does nothing where all are.
  void AttachKvm();
  // Some are not, and may be later.
  bool waits_for_kvm() const { return !kvm_programs_.empty(); }
  const KernelSideOptions& options() const { return options_; }
  std::uint32_t cpus() const { return cpus_; }

  // For this folder: maps, programs and global variables.
  ballast_bpf& skeleton() const;

 private:
  struct Loaded;
  KernelSide(const KernelFacts& facts, const KernelSideOptions& options);
  Result<> Load(const KernelFacts& facts);
  void AttachAll();

  KernelSideOptions options_;
  std::uint32_t cpus_ = 1;
  std::vector<ProgramState> programs_;
  std::vector<std::string> kvm_programs_ = {"kvm_on_exit", "kvm_on_record", "kvm_on_entry",
                                            "kvm_on_wakeup"};  // to attach yet
  std::unique_ptr<Loaded> loaded_;
};

}  // namespace ballast::source
