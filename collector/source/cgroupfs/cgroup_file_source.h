#pragma once

// Measurements from the cgroup control files: the fallback, field by field, for
// what no better source supplies on this host.
//
//   CgroupFileSource files(layout, {Field::kMemoryMaxBytes, Field::kPressureIoSomeNs}, {});
//
// Put it behind the better sources: it sets a field only where it is absent from
// the sample, and does not even open a file whose fields are all there.
// A file that does not exist (controller off, older kernel) leaves its fields
// absent; so does a group that is gone. Not thread-safe; owned by the tick thread.

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "collector/base/fd.h"
#include "collector/model/cgroup_layout.h"
#include "collector/source/cgroupfs/control_files.h"
#include "collector/source/slot_map.h"
#include "collector/source/source.h"

namespace ballast::source {

// Both affect cost only.
struct CgroupFileOptions {
  // Descriptors kept open (a read costs 3 us instead of 12), of files read every tick and, up to a
  // quarter, of slow ones; never more than half of RLIMIT_NOFILE. First come, first served: all are
  // read in every round, so a least-recently-used rule would always throw out the one read next.
  std::size_t max_open_files = 8192;
  // Ticks between two readings of a slow file (control_files.h); in between the last reading
  // stands. 10 is 1 s. Which tick is a workload's own, so that not all are read in the same one.
  std::uint32_t slow_every = 10;
  // Turns of a slow file that are left out while its workload uses no CPU: what
  // sleeps changes little. 10 is one reading in 10 s.
  std::uint32_t quiet_turns = 10;
  // The same of files that follow use, while neither CPU nor memory was used: a
  // process that is moved in and sleeps on shows after a minute.
  std::uint32_t still_turns = 60;
};

struct CgroupFileCounts {
  std::size_t open_files = 0;
  std::uint64_t reads = 0;         // files read, opened for it or not
  std::uint64_t failed_reads = 0;  // for reasons other than a file or group that is not there
};

class CgroupFileSource final : public Source {
 public:
  // All that the files can supply.
  static std::vector<model::Field> AllFields();

  CgroupFileSource(model::CgroupLayout layout, const std::vector<model::Field>& wanted,
                   CgroupFileOptions options);

  std::string_view name() const override { return "cgroup_files"; }
  // Again for a slot that is known: its directories changed.
  Result<> Track(const Tracked& workload) override;
  // The files are gone with their group: nothing to add.
  void ReadFinal(Slot, model::FieldSet&) override {}
  void Untrack(Slot slot) override;
  // Error: descriptors ran out; what could be read is in the sample.
  Result<> Collect(Sample& sample) override;

  const CgroupFileCounts& counts() const { return counts_; }

 private:
  // A file that holds a wanted field.
  struct WantedFile {
    const ControlFile* file;
    model::FieldSet::Mask wanted;  // of its fields
  };
  struct OpenFile {
    const ControlFile* file = nullptr;
    const WantedFile* wanted = nullptr;
    std::uint32_t directory = 0;  // index into Group::directories
    Fd fd = {};
    std::uint64_t absent_until = 0;              // tick before which opening it again is not tried
    std::uint32_t absent_ticks = 0;              // from the last try until then
    std::unique_ptr<model::FieldSet> kept = {};  // last reading of a slow file
  };
  struct Group {
    std::vector<std::string> directories = {};
    std::vector<OpenFile> files = {};  // in order of preference
    std::uint64_t slow_at = 0;         // tick from which its slow files are due
    std::uint64_t quiet_at = 0;        // the same, if it used no CPU since
    std::uint64_t still_at = 0;  // the same of those that follow use, if it used no memory either
    std::optional<std::uint64_t> usage_ns = {};  // when its slow files were last read
    std::optional<std::uint64_t> memory_bytes = {};
  };
  enum class Turn { kTick, kSlow, kAll };  // which files are due, each with those before

  enum class Outcome { kRead, kNotThere, kGroupGone, kNoDescriptor };

  void CollectGroup(Group& group, model::FieldSet& target);
  Turn TakeTurn(Group& group, const model::FieldSet& target) const;
  static bool IsDue(const OpenFile& file, Turn turn);
  bool IsWorthKeepingOpen(const OpenFile& file) const;
  void PutOff(OpenFile& file) const;
  void PutOffController(Group& group, const OpenFile& absent) const;
  void TakeOver(const ControlFile& file, const model::FieldSet& reading,
                model::FieldSet& target) const;
  Outcome Read(const Group& group, OpenFile& file, model::FieldSet& reading);
  Outcome Open(const Group& group, const OpenFile& file, Fd& fd);
  void Close(OpenFile& file);
  static void ForgetReadings(Group& group);
  void CloseAll();

  const model::CgroupLayout layout_;
  const CgroupFileOptions options_;
  std::bitset<model::kMaxFieldNumber + 1> wanted_;
  std::vector<WantedFile> files_;
  std::size_t max_open_files_ = 0;
  SlotMap<Group> groups_;
  std::uint64_t tick_ = 0;
  bool ran_out_ = false;
  std::string text_;         // of the file being read; kept to keep its memory
  model::FieldSet reading_;  // the same
  CgroupFileCounts counts_;
};

}  // namespace ballast::source
