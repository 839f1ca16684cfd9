#pragma once

// Puts back what the journal remembers: on a clean exit, by `ballast release`,
// by systemd's ExecStopPost, and by the lease when the autoscaler is dead.
// Needs nothing but the journal. Nobody may be writing limits meanwhile: hold
// the lock of the state folder (state_folder.h).

#include <chrono>
#include <string>
#include <vector>

#include "autoscaler/actuate/journal.h"

namespace ballast::actuate {

struct Released {
  int restored = 0;   // files written
  int unchanged = 0;  // files that stood at their original already
  int gone = 0;       // groups that are no more, or are others under the same path
  // One sentence per file that could not be put back; those stay in the journal.
  std::vector<std::string> failures;
};

// A memory limit cannot go below what a burst holds at the moment; bursts of
// agents last one to two seconds. Programs that only release wait this long for
// them; the autoscaler itself, whose heart must beat meanwhile, less.
inline constexpr std::chrono::milliseconds kBurstPatience{5'000};
inline constexpr std::chrono::milliseconds kShortPatience{2'000};

// Works group by group; `journal` keeps what could not be put back. What fails
// is tried again until `patience` is over; blocks as long.
Released Release(Journal& journal, std::chrono::milliseconds patience = {});

// Loads, releases, saves. A journal of an earlier boot is dropped: its cgroups
// are gone with the kernel that had them.
Result<Released> ReleaseFile(const std::string& journal_path,
                             std::chrono::milliseconds patience = {});

// "3 limits put back, 1 unchanged, ..." for people.
std::string Summary(const Released& released);

}  // namespace ballast::actuate
