#include "collector/source/cgroupfs/cgroup_file_source.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
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
  for (const ControlFile& file : ControlFiles())
    if (std::ranges::any_of(file.fields, [&](Field f) { return wanted_.test(Number(f)); }))
      files_.push_back(&file);
  text_.resize(kLongestFile);
}

Result<> CgroupFileSource::Track(const Tracked& workload) {
  Untrack(workload.slot);
  Group group{.slow_at = tick_ + workload.slot % options_.slow_every};
  for (const model::CgroupDirectory& directory : workload.directories)
    group.directories.push_back(directory.directory);
  for (const ControlFile* file : files_)
    for (std::uint32_t i = 0; i < workload.directories.size(); ++i) {
      const auto hierarchy = std::ranges::find(
          layout_.hierarchies, workload.directories[i].hierarchy_id, &model::Hierarchy::id);
      if (hierarchy == layout_.hierarchies.end() || !LiesIn(*file, *hierarchy)) continue;
      OpenFile& added = group.files.emplace_back(OpenFile{.file = file, .directory = i});
      if (file->cadence == Cadence::kSlow) added.kept = std::make_unique<FieldSet>();
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

bool CgroupFileSource::TakeSlowTurn(Group& group, const FieldSet& target) const {
  if (tick_ < group.slow_at) return false;
  const auto usage_ns = target.Get(Field::kCpuUsageNs);
  if (usage_ns && usage_ns == group.usage_ns && tick_ < group.quiet_at) return false;
  group.usage_ns = usage_ns;
  group.slow_at = tick_ + options_.slow_every;
  group.quiet_at = tick_ + std::uint64_t{options_.slow_every} * options_.quiet_turns;
  return true;
}

void CgroupFileSource::CollectGroup(Group& group, FieldSet& target) {
  const bool is_slow_turn = TakeSlowTurn(group, target);
  for (OpenFile& open : group.files) {
    const bool has_reading = open.kept && !open.kept->empty();
    if (tick_ < open.absent_until && !has_reading) continue;
    if (IsSatisfied(*open.file, target)) continue;
    FieldSet& reading = open.kept ? *open.kept : reading_;
    const bool is_due = !open.kept || open.kept->empty() || is_slow_turn;
    if (is_due) {
      reading.ClearAll();
      if (tick_ < open.absent_until) continue;
      const Outcome outcome = Read(group, open, reading);
      if (outcome == Outcome::kRead) open.absent_ticks = 0;
      if (outcome == Outcome::kNotThere || outcome == Outcome::kGroupGone) PutOff(open);
      if (outcome == Outcome::kGroupGone) ForgetReadings(group);
      if (outcome == Outcome::kNoDescriptor) ran_out_ = true;
    }
    TakeOver(*open.file, reading, target);
  }
}

void CgroupFileSource::PutOff(OpenFile& file) const {
  file.absent_ticks = file.absent_ticks == 0
                          ? kTicksUntilRetry
                          : std::min(2 * file.absent_ticks, kMostTicksUntilRetry);
  file.absent_until = tick_ + file.absent_ticks;
}

bool CgroupFileSource::IsSatisfied(const ControlFile& file, const FieldSet& target) const {
  return std::ranges::all_of(file.fields,
                             [&](Field f) { return !wanted_.test(Number(f)) || target.Has(f); });
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
  if (!was_open && !file.kept && counts_.open_files < max_open_files_) {
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
