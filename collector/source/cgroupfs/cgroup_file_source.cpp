#include "collector/source/cgroupfs/cgroup_file_source.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace ballast::source {
namespace {

using model::Field;
using model::FieldSet;

// memory.stat, the longest, has 1.5 to 2.5 KB.
constexpr std::size_t kLongestFile = 16 * 1024;
// A controller may be switched on later: a file that is not there is looked for
// after 5 s, and after twice as long each time, until once in 80 s.
constexpr std::uint32_t kTicksUntilRetry = 50, kMostTicksUntilRetry = 800;

// In a cgroup2 directory whose controller is on.
constexpr std::array<std::string_view, 2> kAlwaysThere = {"memory.current", "pids.current"};

// Empty: none; pressure is told of whatever is on.
std::string_view ControllerOf(std::string_view file) {
  return file.ends_with(".pressure") ? std::string_view() : file.substr(0, file.find('.'));
}

std::size_t HalfOfDescriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 512;
  return static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 20)) / 2;
}

std::size_t Number(Field field) {
  return static_cast<std::size_t>(field);
}

// Whether `file` lies in a directory of this hierarchy.
bool LiesIn(const ControlFile& file, const model::Hierarchy& hierarchy) {
  if (hierarchy.is_v2) return file.controller.empty();
  return std::ranges::find(hierarchy.controllers, file.controller) != hierarchy.controllers.end();
}

}  // namespace

std::vector<Field> CgroupFileSource::AllFields() {
  std::vector<Field> fields;
  for (const ControlFile& file : ControlFiles())
    fields.insert(fields.end(), file.fields.begin(), file.fields.end());
  std::ranges::sort(fields);
  fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
  return fields;
}

CgroupFileSource::CgroupFileSource(model::CgroupLayout layout, const std::vector<Field>& wanted,
                                   CgroupFileOptions options)
    : layout_(std::move(layout)),
      options_(options),
      max_open_files_(std::min(options.max_open_files, HalfOfDescriptors())) {
  for (const Field field : wanted) wanted_.set(Number(field));
  for (const ControlFile& file : ControlFiles()) {
    FieldSet::Mask mask{};
    for (const Field field : file.fields)
      if (wanted_.test(Number(field))) FieldSet::Add(field, mask);
    if (mask != FieldSet::Mask{}) files_.push_back({&file, mask});
  }
  text_.resize(kLongestFile);
}

Result<> CgroupFileSource::Track(const Tracked& workload) {
  Untrack(workload.slot);
  Group group{.slow_at = tick_ + workload.slot % options_.slow_every};
  for (const model::CgroupDirectory& directory : workload.directories)
    group.directories.push_back(directory.directory);
  for (const WantedFile& wanted : files_)
    for (std::uint32_t i = 0; i < workload.directories.size(); ++i) {
      const auto hierarchy = std::ranges::find(
          layout_.hierarchies, workload.directories[i].hierarchy_id, &model::Hierarchy::id);
      if (hierarchy == layout_.hierarchies.end() || !LiesIn(*wanted.file, *hierarchy)) continue;
      OpenFile& added = group.files.emplace_back(
          OpenFile{.file = wanted.file, .wanted = &wanted, .directory = i});
      if (wanted.file->cadence != Cadence::kEveryTick) added.kept = std::make_unique<FieldSet>();
    }
  groups_[workload.slot] = std::move(group);
  return Ok();
}

void CgroupFileSource::Untrack(Slot slot) {
  Group* group = groups_.Find(slot);
  if (group == nullptr) return;
  for (OpenFile& file : group->files) Close(file);
  groups_.Erase(slot);
}

Result<> CgroupFileSource::Collect(Sample& sample) {
  ran_out_ = false;
  for (const Slot slot : groups_.slots())
    if (!sample.IsKept(slot)) CollectGroup(groups_.At(slot), sample.Of(slot));
  ++tick_;
  if (!ran_out_) return Ok();
  // Somebody else in this process needs descriptors more than we need speed.
  max_open_files_ = counts_.open_files / 2;
  CloseAll();
  return Error::FromErrno(EMFILE, "cgroup files: keeping fewer open; raise LimitNOFILE");
}

CgroupFileSource::Turn CgroupFileSource::TakeTurn(Group& group, const FieldSet& target) const {
  if (tick_ < group.slow_at) return Turn::kTick;
  const auto usage_ns = target.Get(Field::kCpuUsageNs);
  const auto memory_bytes = target.Get(Field::kMemoryUsageBytes);
  const bool is_quiet = usage_ns && usage_ns == group.usage_ns;
  if (is_quiet && tick_ < group.quiet_at) return Turn::kTick;
  group.slow_at = tick_ + options_.slow_every;
  group.quiet_at = tick_ + std::uint64_t{options_.slow_every} * options_.quiet_turns;
  const bool is_still = is_quiet && memory_bytes && memory_bytes == group.memory_bytes;
  if (is_still && tick_ < group.still_at) return Turn::kSlow;
  group.still_at = tick_ + std::uint64_t{options_.slow_every} * options_.still_turns;
  group.usage_ns = usage_ns;
  group.memory_bytes = memory_bytes;
  return Turn::kAll;
}

bool CgroupFileSource::IsDue(const OpenFile& file, Turn turn) {
  return !file.kept || file.kept->empty() || turn == Turn::kAll ||
         (turn == Turn::kSlow && file.file->cadence == Cadence::kSlow);
}

bool CgroupFileSource::IsWorthKeepingOpen(const OpenFile& file) const {
  if (file.file->cadence == Cadence::kUse) return false;
  const bool is_slow = file.file->cadence == Cadence::kSlow;
  return counts_.open_files < (is_slow ? max_open_files_ / 4 : max_open_files_);
}

void CgroupFileSource::CollectGroup(Group& group, FieldSet& target) {
  const Turn turn = TakeTurn(group, target);
  for (OpenFile& open : group.files) {
    if (target.HasAll(open.wanted->wanted)) continue;
    const bool has_reading = open.kept && !open.kept->empty();
    if (tick_ < open.absent_until && !has_reading) continue;
    FieldSet& reading = open.kept ? *open.kept : reading_;
    if (IsDue(open, turn)) {
      reading.ClearAll();
      if (tick_ < open.absent_until) continue;
      const Outcome outcome = Read(group, open, reading);
      if (outcome == Outcome::kRead) open.absent_ticks = 0;
      if (outcome == Outcome::kNotThere) PutOffController(group, open);
      if (outcome == Outcome::kNotThere || outcome == Outcome::kGroupGone) PutOff(open);
      if (outcome == Outcome::kGroupGone) ForgetReadings(group);
      if (outcome == Outcome::kNoDescriptor) ran_out_ = true;
    }
    TakeOver(*open.file, reading, target);
  }
}

// Where a controller is off in a cgroup2 directory none of its files is there: one
// look for the file that it always has spares one for each of the others.
void CgroupFileSource::PutOffController(Group& group, const OpenFile& absent) const {
  const auto* always = std::ranges::find_if(kAlwaysThere, [&](std::string_view name) {
    return absent.file->controller.empty() && ControllerOf(name) == ControllerOf(absent.file->name);
  });
  if (always == kAlwaysThere.end()) return;
  const std::string& directory = group.directories[absent.directory];
  if (::access((directory + '/' + std::string(*always)).c_str(), F_OK) == 0) return;
  for (OpenFile& other : group.files)
    if (&other != &absent && other.directory == absent.directory && tick_ >= other.absent_until &&
        ControllerOf(other.file->name) == ControllerOf(absent.file->name))
      PutOff(other);
}

void CgroupFileSource::PutOff(OpenFile& file) const {
  file.absent_ticks = file.absent_ticks == 0
                          ? kTicksUntilRetry
                          : std::min(2 * file.absent_ticks, kMostTicksUntilRetry);
  file.absent_until = tick_ + file.absent_ticks;
}

void CgroupFileSource::TakeOver(const ControlFile& file, const FieldSet& reading,
                                FieldSet& target) const {
  for (const Field field : file.fields)
    if (wanted_.test(Number(field)) && !target.Has(field)) target.Set(field, reading.Get(field));
}

CgroupFileSource::Outcome CgroupFileSource::Read(const Group& group, OpenFile& file,
                                                 FieldSet& reading) {
  Fd for_now;
  const bool was_open = file.fd.is_open();
  if (!was_open)
    if (const Outcome opened = Open(group, file, for_now); opened != Outcome::kRead) return opened;
  ++counts_.reads;
  const ssize_t got =
      ::pread(was_open ? file.fd.get() : for_now.get(), text_.data(), text_.size(), 0);
  if (got < 0) {
    const int error = errno;
    Close(file);
    if (error == ENODEV) return Outcome::kGroupGone;
    // EOPNOTSUPP: pressure files of a kernel booted with psi=0.
    if (error != EOPNOTSUPP) ++counts_.failed_reads;
    return Outcome::kNotThere;
  }
  if (!was_open && IsWorthKeepingOpen(file)) {
    file.fd = std::move(for_now);
    ++counts_.open_files;
  }
  file.file->parse(std::string_view(text_.data(), static_cast<std::size_t>(got)), reading);
  return Outcome::kRead;
}

CgroupFileSource::Outcome CgroupFileSource::Open(const Group& group, const OpenFile& file, Fd& fd) {
  const std::string path = group.directories[file.directory] + '/' + std::string(file.file->name);
  fd.Reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.is_open()) return Outcome::kRead;
  if (errno == EMFILE || errno == ENFILE) return Outcome::kNoDescriptor;
  if (errno != ENOENT && errno != ENODEV) ++counts_.failed_reads;
  return Outcome::kNotThere;
}

void CgroupFileSource::Close(OpenFile& file) {
  if (!file.fd.is_open()) return;
  file.fd.Reset();
  --counts_.open_files;
}

// Else the last readings of slow files would outlive their group by a second.
void CgroupFileSource::ForgetReadings(Group& group) {
  for (OpenFile& file : group.files)
    if (file.kept) file.kept->ClearAll();
}

void CgroupFileSource::CloseAll() {
  for (const Slot slot : groups_.slots())
    for (OpenFile& file : groups_.At(slot).files) Close(file);
}

}  // namespace ballast::source
