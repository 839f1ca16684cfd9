#pragma once

// The kill switch: while a file named `stop` is in the state folder, no autoscaler that uses the
// folder acts. It is looked for before every decision, and it outlives daemon and host, until
// somebody takes it away. `ballast stop` and `ballast resume` write and remove it; touch(1) and
// rm(1) do, too.
//
//   release          <- first line: put every limit back as well; anything else, nothing included:
//   keep them who, when, why   <- the rest: free text, repeated in the event
//
// Needs no lock: it must work while the folder is in use.

#include <optional>
#include <string>

#include "collector/base/result.h"

namespace ballast::actuate {

struct StopOrder {
  bool release = false;
  std::string why;

  bool operator==(const StopOrder&) const = default;
};

class StopFile {
 public:
  explicit StopFile(const std::string& state_folder) : path_(state_folder + "/stop") {}

  // Absent: nobody ordered a stop. A file that cannot be read is an order to keep what is applied.
  // One system call while there is none.
  std::optional<StopOrder> Find() const;
  // Makes the folder where it is missing.
  Result<> Write(const StopOrder& order) const;
  // false: there was none.
  Result<bool> Remove() const;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace ballast::actuate
