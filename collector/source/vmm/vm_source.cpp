#include "collector/source/vmm/vm_source.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace ballast::source {
namespace {

using model::EntityKind;
using model::Field;

const std::uint64_t kTickNs = 1'000'000'000ULL / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
const std::uint64_t kPageBytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));

// The beginning of a file of /proc on a kept descriptor; empty: the task is gone.
std::string ReadKept(Fd& fd, const std::string& path) {
  if (!fd.is_open()) fd.Reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1024> text{};
  const ssize_t got = fd.is_open() ? ::pread(fd.get(), text.data(), text.size(), 0) : -1;
  return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : std::string();
}

std::optional<std::uint64_t> ResidentBytes(const std::string& statm) {
  const std::size_t space = statm.find(' ');
  if (space == std::string::npos) return std::nullopt;
  return std::strtoull(statm.c_str() + space, nullptr, 10) * kPageBytes;
}

bool Contains(const std::string& directory, const std::string& path) {
  return path == directory || (path.starts_with(directory) && path.size() > directory.size() &&
                               path[directory.size()] == '/');
}

}  // namespace

VmSource::VmSource(const model::CgroupLayout& layout, const Clock& clock, VmSourceOptions options,
                   Fd changed)
    : options_(std::move(options)), clock_(clock), changed_(std::move(changed)) {
  for (const model::Hierarchy& hierarchy : layout.hierarchies)
    mounts_[hierarchy.id] = hierarchy.mount_point;
}

Result<std::unique_ptr<VmSource>> VmSource::Start(const model::CgroupLayout& layout,
                                                  const Clock& clock, VmSourceOptions options) {
  Fd changed(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!changed.is_open()) return Error::FromErrno(errno, "eventfd");
  std::unique_ptr<VmSource> source(
      new VmSource(layout, clock, std::move(options), std::move(changed)));
  if (!source->options_.libvirt.uri.empty()) {
    source->domains_ = DomainWatch::Start(source->options_.libvirt);
    source->options_.finder.domain_of = [watch = source->domains_.get()](const std::string& uuid) {
      return watch->Find(uuid);
    };
  }
  source->thread_ = std::thread([self = source.get()] {
    ::pthread_setname_np(::pthread_self(), "ballast-vms");
    self->Look();
  });
  return source;
}

VmSource::~VmSource() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void VmSource::Look() {
  VmFinder finder(options_.finder);
  std::vector<Vm> last;
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    std::vector<Vm> now = finder.Find();
    lock.lock();
    if (now != last) {
      last = now;
      found_ = std::move(now);
      const std::uint64_t one = 1;
      // A full counter is readable too, which is all that matters.
      [[maybe_unused]] const ssize_t written = ::write(changed_.get(), &one, sizeof(one));
    }
    wake_.wait_for(lock, options_.look, [this] { return stop_; });
  }
}

Result<> VmSource::Track(const Tracked& workload) {
  tracked_[workload.slot] = workload.directories;
  Place();
  return Ok();
}

void VmSource::Untrack(Slot slot) {
  tracked_.erase(slot);
  Place();
}

// The deepest workload around its cgroup, in any hierarchy.
Slot VmSource::SlotOf(const Vm& vm) const {
  Slot best = kHostSlot;
  std::size_t depth = 0;
  for (const auto& [hierarchy, path] : vm.cgroups) {
    const auto mount = mounts_.find(hierarchy);
    if (mount == mounts_.end()) continue;
    const std::string place = mount->second + path;
    for (const auto& [slot, directories] : tracked_)
      for (const model::CgroupDirectory& directory : directories)
        if (directory.hierarchy_id == hierarchy && Contains(directory.directory, place) &&
            directory.directory.size() - mount->second.size() > depth) {
          best = slot;
          depth = directory.directory.size() - mount->second.size();
        }
  }
  return best;
}

void VmSource::Place() {
  bool moved = false;
  for (auto& [pid, measured] : vms_) {
    const Slot slot = SlotOf(measured.vm);
    if (slot == measured.slot) continue;
    measured.slot = slot;
    measured.is_told = false;
    moved = true;
  }
  const std::uint64_t one = 1;
  if (moved) [[maybe_unused]]
    const ssize_t written = ::write(changed_.get(), &one, sizeof(one));
}

void VmSource::TakeFound() {
  std::optional<std::vector<Vm>> found;
  {
    const std::lock_guard lock(mutex_);
    found = std::exchange(found_, std::nullopt);
  }
  if (found) Adopt(*std::move(found));
}

void VmSource::Adopt(std::vector<Vm> found) {
  std::map<int, Measured> next;
  for (Vm& vm : found) {
    const auto old = vms_.find(vm.pid);
    Measured measured;
    if (old != vms_.end() && old->second.vm.start_ticks == vm.start_ticks)
      measured = std::move(old->second);
    if (measured.vm.identity != vm.identity || measured.vm.vcpus != vm.vcpus) {
      measured.is_told = false;
      // A thread id may have become another vCPU's.
      measured.vcpus.clear();
    }
    measured.vm = std::move(vm);
    const int pid = measured.vm.pid;
    next.emplace(pid, std::move(measured));
  }
  vms_ = std::move(next);
  Place();
  last_read_.reset();
}

void VmSource::Drain(EventSink& sink) {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(changed_.get(), &count, sizeof(count));
  TakeFound();
  for (auto& [pid, measured] : vms_) {
    if (measured.slot == kHostSlot || std::exchange(measured.is_told, true)) continue;
    const VmmIdentity& identity = measured.vm.identity;
    model::FieldSet fields;
    fields.SetText(Field::kRuntime, identity.vmm);
    if (!identity.name.empty()) {
      fields.SetText(Field::kGuestName, identity.name);
      fields.SetText(Field::kName, identity.name);
    }
    if (!identity.title.empty()) fields.SetText(Field::kGuestTitle, identity.title);
    if (!identity.uuid.empty()) fields.SetText(Field::kGuestUuid, identity.uuid);
    fields.Set(Field::kPid, static_cast<std::uint64_t>(pid));
    sink.OnIdentity(measured.slot, EntityKind::kVm, fields);
  }
}

Result<> VmSource::Collect(Sample& sample) {
  const BootTime now = clock_.Now();
  const bool is_due = !last_read_ || now - *last_read_ >= options_.read;
  if (is_due) last_read_ = now;
  for (auto& [pid, measured] : vms_) {
    if (measured.slot == kHostSlot) continue;
    if (is_due) Read(measured);
    Set(measured, sample);
  }
  return Ok();
}

void VmSource::Read(Measured& measured) const {
  const std::string folder = options_.finder.proc + "/" + std::to_string(measured.vm.pid) + "/";
  std::uint64_t vcpus_ns = 0;
  for (const auto& [index, tid] : measured.vm.vcpus) {
    Vcpu& vcpu = measured.vcpus[index];
    vcpu.last = ParseSchedStat(
        ReadKept(vcpu.schedstat, folder + "task/" + std::to_string(tid) + "/schedstat"));
    if (vcpu.last) vcpus_ns += vcpu.last->ran_ns;
  }
  const auto stat = ParseProcessStat(ReadKept(measured.stat, folder + "stat"));
  if (stat && !measured.vm.vcpus.empty()) {
    // In ticks of 10 ms, so it may seem to step back beside the exact vCPU times.
    const std::uint64_t all_ns = stat->cpu_ticks * kTickNs;
    measured.overhead_ns =
        std::max(measured.overhead_ns.value_or(0), all_ns - std::min(all_ns, vcpus_ns));
  }
  measured.resident_bytes = ResidentBytes(ReadKept(measured.statm, folder + "statm"));
}

void VmSource::Set(const Measured& measured, Sample& sample) {
  model::FieldSet& fields = sample.Of(measured.slot);
  const Vm& vm = measured.vm;
  if (!vm.vcpus.empty()) fields.Set(Field::kVmVcpus, vm.vcpus.size());
  fields.Set(Field::kVmOverheadNs, measured.overhead_ns);
  fields.Set(Field::kVmResidentBytes, measured.resident_bytes);
  fields.Set(Field::kVmBalloonBytes, vm.balloon_bytes);
  fields.Set(Field::kVmGuestAvailableBytes, vm.guest_available_bytes);
  fields.Set(Field::kVmGuestUnusedBytes, vm.guest_unused_bytes);
  fields.Set(Field::kVmGuestUsableBytes, vm.guest_usable_bytes);
  fields.Set(Field::kVmMemoryMaxBytes, vm.identity.memory_bytes);
  for (const auto& [index, vcpu] : measured.vcpus) {
    if (!vcpu.last) continue;
    model::FieldSet& row = sample.Child(measured.slot, EntityKind::kVcpu, std::to_string(index));
    row.Set(Field::kVcpuIndex, index);
    row.Set(Field::kVcpuTimeNs, vcpu.last->ran_ns);
    row.Set(Field::kVcpuStealNs, vcpu.last->waited_ns);
  }
}

}  // namespace ballast::source
