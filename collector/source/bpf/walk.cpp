#include "collector/source/bpf/walk.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "bpf/ballast.skel.h"
#include "collector/model/field.h"

namespace ballast::source {
namespace {

using Optional = std::optional<std::uint64_t>;

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

CgroupWalk::CgroupWalk(const KernelSide& kernel, MappedArray<const wlk_row> rows,
                       MappedArray<std::uint64_t> wanted)
    : kernel_(&kernel), rows_(std::move(rows)), wanted_(std::move(wanted)) {}

CgroupWalk::CgroupWalk(CgroupWalk&& other) noexcept
    : kernel_(other.kernel_),
      rows_(std::move(other.rows_)),
      wanted_(std::move(other.wanted_)),
      places_(std::exchange(other.places_, {})),
      generation_(other.generation_) {}

CgroupWalk::~CgroupWalk() {
  for (const Place& place : places_) bpf_link__destroy(place.link);
}

Result<CgroupWalk> CgroupWalk::Open(const KernelSide& kernel,
                                    const std::vector<model::Hierarchy>& hierarchies) {
  if (!kernel.IsAttached("wlk_on_cgroup"))
    return Error::Invalid("the kernel does not run the cgroup walk");
  BALLAST_TRY(
      auto rows,
      MappedArray<const wlk_row>::Open(bpf_map__fd(kernel.skeleton().maps.wlk_rows),
                                       std::size_t{kernel.options().slots} * WLK_HIERARCHIES),
      "walk");
  BALLAST_TRY(auto wanted,
              MappedArray<std::uint64_t>::Open(bpf_map__fd(kernel.skeleton().maps.wlk_wanted),
                                               kernel.options().slots),
              "walk");
  CgroupWalk walk(kernel, std::move(rows), std::move(wanted));
  for (const model::Hierarchy& hierarchy : hierarchies) {
    if (!HasRowFields(hierarchy)) continue;
    if (walk.places_.size() == WLK_HIERARCHIES) break;
    BALLAST_TRY_DO(walk.Attach(hierarchy), "walk " + hierarchy.mount_point);
  }
  return walk;
}

Result<> CgroupWalk::Attach(const model::Hierarchy& hierarchy) {
  Fd directory(::open(hierarchy.mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) return Error::FromErrno(errno, "open");
  bpf_iter_link_info info{};
  info.cgroup.order = BPF_CGROUP_ITER_DESCENDANTS_PRE;
  info.cgroup.cgroup_fd = static_cast<__u32>(directory.get());
  LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof(info));
  bpf_link* link = bpf_program__attach_iter(kernel_->skeleton().progs.wlk_on_cgroup, &options);
  if (link == nullptr) return Error::FromErrno(errno, "attach iterator");
  places_.push_back({hierarchy, std::move(directory), link});
  return Ok();
}

Result<WalkCost> CgroupWalk::Run() {
  kernel_->skeleton().bss->wlk_selective = 0;
  ++generation_;
  return RunAll();
}

Result<WalkCost> CgroupWalk::RunOnly(const std::vector<Slot>& wanted) {
  kernel_->skeleton().bss->wlk_selective = 1;
  ++generation_;
  for (const Slot slot : wanted) wanted_[slot] = generation_;
  return RunAll();
}

Result<WalkCost> CgroupWalk::RunAll() {
  const auto begin = std::chrono::steady_clock::now();
  auto& bss = *kernel_->skeleton().bss;
  bss.wlk_generation = generation_;
  bss.wlk_cgroups = bss.wlk_tracked = bss.wlk_row_range = 0;
  for (std::uint32_t place = 0; place < places_.size(); ++place)
    BALLAST_TRY_DO(RunOne(place), "walk " + places_[place].hierarchy.mount_point);
  return WalkCost{bss.wlk_cgroups, bss.wlk_tracked, bss.wlk_row_range,
                  std::chrono::steady_clock::now() - begin};
}

Result<> CgroupWalk::RunOne(std::uint32_t place) {
  kernel_->skeleton().bss->wlk_place = place;
  const Fd iterator(bpf_iter_create(bpf_link__fd(places_[place].link)));
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

const wlk_row* CgroupWalk::FindRow(std::size_t hierarchy, Slot slot) const {
  const wlk_row& row = rows_[hierarchy * kernel_->options().slots + slot];
  return generation_ != 0 && row.generation == generation_ ? &row : nullptr;
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
