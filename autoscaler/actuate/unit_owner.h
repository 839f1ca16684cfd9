#pragma once

// systemd as the owner of a group's limits. What stands in the control files is
// told to it as the unit's own (runtime) settings, so that it does not write
// others when it reloads.
//
// Not thread-safe; owned by the actuator, or by one release.

#include <chrono>
#include <memory>
#include <string>

#include "autoscaler/actuate/control_dir.h"
#include "collector/base/result.h"
#include "collector/runtime/systemd.h"

namespace ballast::actuate {

class UnitOwner {
 public:
  // `address` of the bus; empty: the system bus. Connects when it is first needed.
  explicit UnitOwner(std::string address) : address_(std::move(address)) {}

  // The unit whose control group `path` is; empty: none, or no systemd answers.
  std::string UnitOf(const std::string& path);
  // False: systemd has no setting for that file, or did not answer a moment ago: who waits a tenth
  // of a second for every write helps nobody.
  Result<bool> Tell(const std::string& unit, const ControlDir& dir, const std::string& file,
                    const std::string& value);

 private:
  Result<runtime::Systemd*> Connect();

  std::string address_;
  std::unique_ptr<runtime::Systemd> systemd_;
  std::chrono::steady_clock::time_point silent_until_{};
};

// The settings that say the same as `value` in `file`; empty: systemd has none.
std::vector<runtime::UnitProperty> PropertiesFor(const ControlDir& dir, const std::string& file,
                                                 const std::string& value);

}  // namespace ballast::actuate
