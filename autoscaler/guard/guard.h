#pragma once

// Safety rules between the model's answer and the kernel. Each is one bounded
// rewrite of a proposal that says why; the list of them, in order, is the
// policy. A later guard overrules an earlier one, so what protects a workload
// comes last.
//
//   const GuardList guards = MakeNodeGuards({});
//   Proposal safe = RunGuards(guards, proposal, context);
//
// Pure: time is the record's own. Thread-safe: guards hold only their options.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/base/clock.h"

namespace ballast::guard {

// Millicores or bytes; one proposal is about one resource.
using Amount = std::int64_t;

// A limit counts as needed while demand takes this share of it.
inline constexpr double kNeededShare = 0.8;

// Text only when somebody looks: thousands are made and dropped per second.
struct Reason {
  std::string_view rule;  // a constant: "shrink step", "hold after growth", ...
  Amount value = 0;       // what the target became
  // What a change would have gained and cost, where that decided; unit-seconds.
  struct Trade {
    double gain = 0;
    double cost = 0;
  };
  std::optional<Trade> trade = std::nullopt;
};
// "shrink step: 750", "economic test: 800 (gains 40, costs 50 unit-seconds)"
std::string ToString(const Reason& reason);

// What was done to this limit before, in the records' time.
struct History {
  std::optional<BootTime> needed_at;   // demand last stood close to the limit
  std::optional<BootTime> changed_at;  // a limit was last written
  std::optional<BootTime> held_until;  // hands off: another writer, or a failed write
  int changes_left = 0;                // of the workload's budget; see ChangeBudget
  // How long what is lowered now is expected to stay down; see HoldTime.
  std::chrono::duration<double> expected_hold{10};
  // Whether it was watched long enough to know that it needs less.
  bool known_well = true;
};

struct Proposal {
  std::optional<Amount> current;  // nullopt: unlimited
  Amount target = 0;
  Amount demand = 0;
  Amount used = 0;              // now; peaks of the last tick included
  Amount floor = 0;             // guarantee or configured minimum
  Amount ceiling = 0;           // configured, or the capacity
  bool urgent = false;          // the kernel refused the workload just now
  bool held = false;            // stays unlimited, whatever the target says
  std::vector<Reason> reasons;  // oldest first; what `explain` prints

  bool keeps() const { return held || (current && target == *current); }
};

struct Context {
  BootTime at{};
  History history;
  int host_changes_left = 0;  // see ChangeBudget
};

class Guard {
 public:
  virtual ~Guard() = default;
  virtual void Apply(Proposal& proposal, const Context& context) const = 0;
};

using GuardList = std::vector<std::unique_ptr<const Guard>>;

Proposal RunGuards(const GuardList& guards, Proposal proposal, const Context& context);

}  // namespace ballast::guard
