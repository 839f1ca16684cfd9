#pragma once

// Virtual machines as a source of the pipeline: what a VMM's threads cost, and
// who the guest is. Not thread-safe; owned by the tick thread. It starts one
// thread, which looks for VMs and never touches what the tick thread owns.

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "collector/base/fd.h"
#include "collector/model/cgroup_layout.h"
#include "collector/source/source.h"
#include "collector/source/vmm/domain_watch.h"
#include "collector/source/vmm/vm_finder.h"

namespace ballast::source {

struct VmSourceOptions {
  VmFinderOptions finder;
  DomainWatchOptions libvirt;
  // Affects cost: a readdir of /proc and a stat file of each process.
  std::chrono::milliseconds look{2000};
  // A few files of each VM.
  std::chrono::milliseconds read{1000};
};

class VmSource final : public Source {
 public:
  // `clock` outlives the source. Error: no eventfd.
  static Result<std::unique_ptr<VmSource>> Start(const model::CgroupLayout& layout,
                                                 const Clock& clock, VmSourceOptions options);
  ~VmSource() override;

  std::string_view name() const override { return "vmm"; }
  Result<> Track(const Tracked& workload) override;
  void ReadFinal(Slot /*slot*/, model::FieldSet& /*last*/) override {}
  void Untrack(Slot slot) override;
  Result<> Collect(Sample& sample) override;
  // Readable when the set of VMs changed; Drain() tells who they are.
  int event_fd() const override { return changed_.get(); }
  void Drain(EventSink& sink) override;

 private:
  struct Vcpu {
    Fd schedstat;
    std::optional<SchedStat> last;
  };
  struct Measured {
    Vm vm;
    Slot slot = kHostSlot;  // kHostSlot: its cgroup is no workload's
    bool is_told = false;   // its identity, to the sink
    std::map<std::uint32_t, Vcpu> vcpus;
    Fd stat, statm;
    std::optional<std::uint64_t> overhead_ns;  // never steps back
    std::optional<std::uint64_t> resident_bytes;
  };

  VmSource(const model::CgroupLayout& layout, const Clock& clock, VmSourceOptions options,
           Fd changed);
  void Look();  // the finder's thread
  void TakeFound();
  void Adopt(std::vector<Vm> vms);
  Slot SlotOf(const Vm& vm) const;
  void Place();  // VMs to slots
  void Read(Measured& measured) const;
  static void Set(const Measured& measured, Sample& sample);

  VmSourceOptions options_;
  const Clock& clock_;
  std::map<std::uint32_t, std::string> mounts_;  // by hierarchy id
  Fd changed_;
  std::map<Slot, std::vector<model::CgroupDirectory>> tracked_;
  std::map<int, Measured> vms_;  // by pid
  std::optional<BootTime> last_read_;

  std::unique_ptr<DomainWatch> domains_;  // asked by the thread below
  std::mutex mutex_;                      // guards what follows
  std::condition_variable wake_;
  bool stop_ = false;
  std::optional<std::vector<Vm>> found_;  // by the thread, not yet taken
  std::thread thread_;
};

}  // namespace ballast::source
