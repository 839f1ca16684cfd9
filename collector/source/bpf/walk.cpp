#include "collector/source/bpf/walk.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

#include "bpf/ballast.skel.h"
#include "collector/base/fd.h"
#include "collector/model/field.h"

namespace ballast::source {
namespace {

using Optional = std::optional<std::uint64_t>;

// A new group is met by an iterator of its own; with more of them at a time, as at
// the start, one through all is cheaper.
constexpr std::size_t kMostMetOneByOne = 32;
// At ten runs a second, how long a group that was missed is not seen: 10 s.
constexpr std::uint32_t kVisitsBetweenWalks = 100;
// A visit keeps its CPU: 0.1 ms.
constexpr std::size_t kVisitsAtATime = 256;

std::uint64_t PageBytes() {
  static const auto bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

Optional Bytes(std::uint64_t pages) {
  return pages * PageBytes();
}

// PAGE_COUNTER_MAX, LONG_MAX / page size, is the kernel's "no limit".
Optional LimitBytes(std::uint64_t pages) {
  if (pages >= std::numeric_limits<std::int64_t>::max() / PageBytes()) return model::kUnlimited;
  return pages * PageBytes();
}

// scale_load(): 1024 times the share on 64-bit kernels. runc turns shares of
// [2, 262144] into weights of [1, 10000] linearly, and so do we, so that one
// workload has one weight on either kind of host.
std::uint64_t Weight(std::uint64_t scaled_shares, bool is_v2) {
  const std::uint64_t shares = scaled_shares >> 10;
  if (is_v2) return (shares * 100 + 512) / 1024;
  return 1 + (std::clamp<std::uint64_t>(shares, 2, 262144) - 2) * 9999 / 262142;
}

void AddCpu(const wlk_row& row, WalkTotals& totals) {
  if (row.present & WLK_HAS_CPU) {
    totals.usage_ns = row.usage_ns;
    totals.user_ns = row.user_ns;
    totals.system_ns = row.system_ns;
  }
  if (!(row.present & WLK_HAS_CFS)) return;
  totals.nr_periods = row.nr_periods;
  totals.nr_throttled = row.nr_throttled;
  totals.throttled_ns = row.throttled_ns;
  totals.period_ns = row.period_ns;
  totals.quota_ns = row.quota_ns;  // the kernel's "none" is all ones, as is kUnlimited
  if (row.present & WLK_HAS_BURST) totals.burst_ns = row.burst_ns;
  if (row.present & WLK_HAS_BURST_USE) {
    totals.nr_bursts = row.nr_bursts;
    totals.burst_used_ns = row.burst_used_ns;
  }
  totals.cpu_weight = Weight(row.shares, (row.present & WLK_IS_V2) != 0);
}

void AddMemory(const wlk_row& row, WalkTotals& totals) {
  if (!(row.present & WLK_HAS_MEMORY)) return;
  totals.memory_bytes = Bytes(row.memory_pages);
  totals.memory_max_bytes = LimitBytes(row.memory_max_pages);
  totals.memory_peak_bytes = Bytes(row.memory_watermark_pages);
  totals.high_events = row.high_events;
  totals.max_events = row.max_events;
  totals.oom_events = row.oom_events;
  totals.oom_kills = row.oom_kill_events;
  if (row.present & WLK_IS_V2) {
    totals.memory_high_bytes = LimitBytes(row.memory_high_pages);
    totals.memory_low_bytes = LimitBytes(row.memory_low_pages);
    totals.memory_min_bytes = LimitBytes(row.memory_min_pages);
    totals.low_events = row.low_events;
    totals.swap_bytes = Bytes(row.swap_pages);
    totals.swap_max_bytes = LimitBytes(row.swap_max_pages);
    return;
  }
  // memsw is memory plus swap; the two are read one after the other.
  totals.swap_bytes = Bytes(row.swap_pages - std::min(row.swap_pages, row.memory_pages));
  totals.limit_failures = row.failcnt;
  if (row.present & WLK_HAS_KMEM) totals.kernel_bytes = Bytes(row.kernel_pages);
  totals.under_oom = (row.present & WLK_UNDER_OOM) != 0;
}

void AddLists(const wlk_row& row, WalkTotals& totals) {
  if (!(row.present & WLK_HAS_LRU)) return;
  totals.inactive_anon_bytes = Bytes(row.inactive_anon_pages);
  totals.active_anon_bytes = Bytes(row.active_anon_pages);
  totals.inactive_file_bytes = Bytes(row.inactive_file_pages);
  totals.active_file_bytes = Bytes(row.active_file_pages);
  totals.unevictable_bytes = Bytes(row.unevictable_pages);
}

void AddPressure(const wlk_row& row, WalkTotals& totals) {
  if (!(row.present & WLK_HAS_PRESSURE)) return;
  totals.cpu_some_ns = row.cpu_some_ns;
  totals.cpu_full_ns = row.cpu_full_ns;
  totals.memory_some_ns = row.memory_some_ns;
  totals.memory_full_ns = row.memory_full_ns;
  totals.io_some_ns = row.io_some_ns;
  totals.io_full_ns = row.io_full_ns;
}

void Destroy(bpf_link* link) {
  bpf_link__destroy(link);
}

// v1's cpuacct alone: the kernel keeps its sums per CPU, out of the walk's reach.
bool HasRowFields(const model::Hierarchy& hierarchy) {
  const auto has = [&](std::string_view controller) {
    return std::ranges::count(hierarchy.controllers, controller) != 0;
  };
  return hierarchy.is_v2 || has("cpu") || has("memory");
}

}  // namespace

std::vector<model::Hierarchy> MeasuredHierarchies(const model::CgroupLayout& layout) {
  std::vector<model::Hierarchy> measured;
  for (const model::Hierarchy* hierarchy :
       {layout.FindV2(), layout.FindV1("cpu"), layout.FindV1("cpuacct"), layout.FindV1("memory")})
    if (hierarchy != nullptr && std::ranges::count(measured, *hierarchy) == 0)
      measured.push_back(*hierarchy);
  return measured;
}

CgroupWalk::CgroupWalk(const KernelSide& kernel, Maps maps)
    : kernel_(&kernel), maps_(std::move(maps)), flush_(nullptr, Destroy) {}

Result<CgroupWalk> CgroupWalk::Open(const KernelSide& kernel,
                                    const std::vector<model::Hierarchy>& hierarchies) {
  if (!kernel.IsAttached("wlk_on_cgroup"))
    return Error::Invalid("the kernel does not run the cgroup walk");
  const auto& maps = kernel.skeleton().maps;
  const std::size_t slots = kernel.options().slots;
  BALLAST_TRY(auto rows,
              MappedArray<const wlk_row>::Open(bpf_map__fd(maps.wlk_rows), slots * WLK_HIERARCHIES),
              "walk");
  BALLAST_TRY(auto roots,
              MappedArray<wlk_root>::Open(bpf_map__fd(maps.wlk_roots), slots * WLK_HIERARCHIES),
              "walk");
  BALLAST_TRY(auto wanted, MappedArray<std::uint64_t>::Open(bpf_map__fd(maps.wlk_wanted), slots),
              "walk");
  BALLAST_TRY(auto visits, MappedArray<std::uint64_t>::Open(bpf_map__fd(maps.wlk_visits), slots),
              "walk");
  CgroupWalk walk(kernel,
                  {std::move(rows), std::move(roots), std::move(wanted), std::move(visits)});
  for (const model::Hierarchy& hierarchy : hierarchies) {
    if (!HasRowFields(hierarchy)) continue;
    if (walk.places_.size() == WLK_HIERARCHIES) break;
    BALLAST_TRY_DO(walk.Attach(hierarchy), "walk " + hierarchy.mount_point);
  }
  return walk;
}

Result<CgroupWalk::LinkPtr> CgroupWalk::Iterator(int directory_fd, bool is_whole_tree) const {
  bpf_iter_link_info info{};
  info.cgroup.order = is_whole_tree ? BPF_CGROUP_ITER_DESCENDANTS_PRE : BPF_CGROUP_ITER_SELF_ONLY;
  info.cgroup.cgroup_fd = static_cast<__u32>(directory_fd);
  LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof(info));
  LinkPtr link(bpf_program__attach_iter(kernel_->skeleton().progs.wlk_on_cgroup, &options),
               Destroy);
  if (link == nullptr) return Error::FromErrno(errno, "attach iterator");
  return link;
}

Result<> CgroupWalk::Attach(const model::Hierarchy& hierarchy) {
  const Fd directory(::open(hierarchy.mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) return Error::FromErrno(errno, "open");
  BALLAST_TRY(auto iterator, Iterator(directory.get(), true), "every group");
  if (hierarchy.is_v2) {
    BALLAST_TRY(flush_, Iterator(directory.get(), false), "the root");
  }
  places_.push_back({hierarchy, std::move(iterator)});
  return Ok();
}

wlk_root& CgroupWalk::RootOf(std::uint32_t place, Slot slot) const {
  return maps_.roots[std::size_t{place} * kernel_->options().slots + slot];
}

void CgroupWalk::Track(Slot slot, const std::vector<model::CgroupDirectory>& directories) {
  std::erase_if(unmet_, [slot](const Unmet& unmet) { return unmet.slot == slot; });
  for (std::uint32_t place = 0; place < places_.size(); ++place) {
    const auto lies_at = std::ranges::find(directories, places_[place].hierarchy.id,
                                           &model::CgroupDirectory::hierarchy_id);
    wlk_root& root = RootOf(place, slot);
    const bool is_there = lies_at != directories.end();
    if (is_there && root.cgroup != 0 && root.cgroup_id == lies_at->id) continue;
    root = {};
    if (is_there) unmet_.push_back({slot, place, lies_at->directory});
  }
}

void CgroupWalk::Untrack(Slot slot) {
  Track(slot, {});
}

void CgroupWalk::Begin() {
  auto& bss = *kernel_->skeleton().bss;
  bss.wlk_generation = ++generation_;
  bss.wlk_cgroups = bss.wlk_tracked = bss.wlk_row_range = 0;
}

WalkCost CgroupWalk::Cost(std::chrono::steady_clock::time_point begin) const {
  const auto& bss = *kernel_->skeleton().bss;
  return {bss.wlk_cgroups, bss.wlk_tracked, bss.wlk_row_range,
          std::chrono::steady_clock::now() - begin};
}

Result<WalkCost> CgroupWalk::Run() {
  kernel_->skeleton().bss->wlk_selective = 0;
  Begin();
  return RunAll();
}

Result<WalkCost> CgroupWalk::RunOnly(const std::vector<Slot>& wanted,
                                     const std::vector<Slot>& dozing) {
  kernel_->skeleton().bss->wlk_selective = 1;
  Begin();
  if (kernel_->IsAttached("wlk_visit") && unmet_.size() <= kMostMetOneByOne &&
      ++visits_ < kVisitsBetweenWalks)
    return Visit(wanted, dozing);
  for (const auto* slots : {&wanted, &dozing})
    for (const Slot slot : *slots) maps_.wanted[slot] = generation_;
  return RunAll();
}

Result<WalkCost> CgroupWalk::RunAll() {
  const auto begin = std::chrono::steady_clock::now();
  unmet_.clear();
  visits_ = 0;
  for (std::uint32_t place = 0; place < places_.size(); ++place)
    BALLAST_TRY_DO(RunOne(place), "walk " + places_[place].hierarchy.mount_point);
  return Cost(begin);
}

Result<> CgroupWalk::RunOne(std::uint32_t place) {
  kernel_->skeleton().bss->wlk_place = place;
  return Read(places_[place].iterator.get());
}

Result<> CgroupWalk::Read(const bpf_link* link) const {
  const Fd iterator(bpf_iter_create(bpf_link__fd(link)));
  if (!iterator.is_open()) return Error::FromErrno(errno, "create iterator");
  char nothing[64];  // the program writes rows, not text: one read is the whole walk
  for (;;) {
    const ssize_t got = ::read(iterator.get(), nothing, sizeof(nothing));
    if (got == 0) return Ok();
    // EAGAIN: a million cgroups in one read; the kernel wants a breath.
    if (got < 0 && errno != EAGAIN && errno != EINTR)
      return Error::FromErrno(errno, "read iterator");
  }
}

// An iterator of this group alone notes where it is. Not there any more: its
// removal is on the way.
void CgroupWalk::Meet(const Unmet& unmet) const {
  const Fd directory(::open(unmet.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) return;
  kernel_->skeleton().bss->wlk_place = unmet.place;
  if (auto iterator = Iterator(directory.get(), false))
    static_cast<void>(Read(iterator->get()).has_value());
}

Result<WalkCost> CgroupWalk::Visit(const std::vector<Slot>& wanted,
                                   const std::vector<Slot>& dozing) {
  const auto begin = std::chrono::steady_clock::now();
  for (const Unmet& unmet : unmet_) Meet(unmet);
  unmet_.clear();
  auto& bss = *kernel_->skeleton().bss;
  // Of who dozes nothing waits to be flushed.
  if (flush_ != nullptr && !wanted.empty()) BALLAST_TRY_DO(Read(flush_.get()), "flush");
  std::size_t visits = 0;
  for (const Slot slot : wanted) maps_.visits[visits++] = slot;
  for (const Slot slot : dozing) maps_.visits[visits++] = slot | WLK_DOZES;
  const int program = bpf_program__fd(kernel_->skeleton().progs.wlk_visit);
  for (std::uint32_t place = 0; place < places_.size(); ++place) {
    bss.wlk_place = place;
    for (std::size_t from = 0; from < visits; from += kVisitsAtATime) {
      bss.wlk_visit_from = static_cast<__u32>(from);
      bss.wlk_visit_count = static_cast<__u32>(std::min(kVisitsAtATime, visits - from));
      LIBBPF_OPTS(bpf_test_run_opts, run);
      if (const int error = bpf_prog_test_run_opts(program, &run); error != 0)
        return Error::FromErrno(-error, "visit " + places_[place].hierarchy.mount_point);
    }
  }
  return Cost(begin);
}

const wlk_row* CgroupWalk::FindRow(std::size_t hierarchy, Slot slot) const {
  const wlk_row& row = maps_.rows[hierarchy * kernel_->options().slots + slot];
  return generation_ != 0 && row.generation == generation_ ? &row : nullptr;
}

std::uint64_t CgroupWalk::Fingerprint(Slot slot) const {
  constexpr std::uint64_t kOdd = 0x9e37'79b9'7f4a'7c15;
  std::uint64_t print = 0;
  for (std::size_t place = 0; place < places_.size(); ++place) {
    const wlk_row* row = FindRow(place, slot);
    if (row == nullptr) continue;
    std::array<std::uint64_t, sizeof(wlk_row) / sizeof(std::uint64_t)> words;
    std::memcpy(words.data(), row, sizeof(wlk_row));
    words[offsetof(wlk_row, generation) / sizeof(std::uint64_t)] = place + 1;
    for (const std::uint64_t word : words) print = (std::rotl(print, 23) ^ word) * kOdd;
  }
  return print;
}

std::optional<WalkTotals> CgroupWalk::Find(Slot slot) const {
  std::optional<WalkTotals> totals;
  for (std::size_t place = 0; place < places_.size(); ++place) {
    const wlk_row* row = FindRow(place, slot);
    if (row == nullptr) continue;
    if (!totals) totals.emplace();
    AddCpu(*row, *totals);
    AddMemory(*row, *totals);
    AddLists(*row, *totals);
    AddPressure(*row, *totals);
    totals->cgroups = std::max(totals->cgroups, row->cgroups);
  }
  return totals;
}

}  // namespace ballast::source
