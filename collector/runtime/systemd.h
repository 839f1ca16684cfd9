#pragma once

// systemd as the owner of a unit's limits: told over D-Bus, it keeps them
// through daemon-reload instead of writing its own again. Runtime settings only
// (below /run, gone with the next boot).
//
// Blocking, each call for at most a tenth of a second. Not thread-safe.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "collector/base/result.h"

struct sd_bus;

namespace ballast::runtime {

struct UnitProperty {
  std::string name;         // "MemoryHigh"
  std::uint64_t value = 0;  // kNoUnitLimit: infinity
};
inline constexpr std::uint64_t kNoUnitLimit = ~std::uint64_t{0};

class Systemd {
 public:
  // `address`: a D-Bus address; empty: the system bus.
  static Result<Systemd> Open(const std::string& address);

  // The unit's control group as systemd has it; an error where there is no such unit, or no systemd
  // on the bus.
  Result<std::string> ControlGroup(const std::string& unit);
  // All or none; in the control files when systemd takes the next call, at the latest.
  Result<> SetProperties(const std::string& unit, const std::vector<UnitProperty>& properties);

 private:
  struct Close {
    void operator()(sd_bus* bus) const;
  };
  explicit Systemd(sd_bus* bus) : bus_(bus) {}

  std::unique_ptr<sd_bus, Close> bus_;
};

}  // namespace ballast::runtime
