#pragma once

// Degrade before kill: when memory is really out, who must stop growing so that
// somebody more important is not killed or kept waiting.
//
//   Degrader degrader(options);
//   for (const DegradeStep& step : degrader.Judge(room, members, at)) ...
//
// Only who has a strictly lower priority than somebody else is ever degraded: the
// lowest priority first, of those the one that grows most. Throttling slows growth,
// freezing ends it; neither gives memory back, so both come before the last of it is
// gone. What was taken is given back step by step once there is room, and nobody stays
// frozen longer than `longest_freeze`: then the kernel decides, as without us.
//
// Pure: time is the records'. Not thread-safe; owned by the loop.

#include <chrono>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "autoscaler/guard/guard.h"
#include "collector/model/entity.h"

namespace ballast::guard {

// In this order.
enum class DegradeLevel { kNone, kThrottled, kFrozen };
const char* ToString(DegradeLevel level);

struct DegradeOptions {
  // Affects decisions.
  DegradeLevel most = DegradeLevel::kFrozen;  // kNone: nobody is ever degraded
  // Of the memory that is given out: below twice this, growth is slowed; below it, it is ended.
  // Raise it where bursts of those who come first are larger.
  double reserve = 0.05;
  // Room must have been there for so long before something is given back.
  std::chrono::milliseconds calm{1'000};
  std::chrono::milliseconds longest_freeze{10'000};
};

// What is given out to the members, and what of it nobody uses. Bytes.
struct MemoryRoom {
  Amount capacity = 0;
  Amount free = 0;
};

struct DegradeMember {
  model::WorkloadKey key;
  int priority = 0;
  Amount used = 0;
  Amount demand = 0;     // what it is expected to need
  bool waits = false;    // it was refused memory, and what it needs cannot be given to it
  bool may_act = false;  // it may be throttled and frozen
};

struct DegradeStep {
  model::WorkloadKey key;
  DegradeLevel from{};
  DegradeLevel to{};
  std::string_view reason;     // "reserve", "longest freeze", ...; lives for ever
  Amount free = 0;             // when it was decided
  double growth_per_second{};  // of its memory, in bytes
};

class Degrader {
 public:
  explicit Degrader(DegradeOptions options) : options_(options) {}

  // What should change; the caller does it, and says so where it could not. Members that are
  // missing are gone.
  std::vector<DegradeStep> Judge(const MemoryRoom& room, const std::vector<DegradeMember>& members,
                                 BootTime at);
  // Who was frozen for too long, also while nobody knows what the members use.
  std::vector<DegradeStep> Overdue(BootTime at);
  // The last step could not be done: it stands at `level` in truth. It is not degraded further
  // until then, and a thaw is tried again then.
  void Failed(const model::WorkloadKey& key, DegradeLevel level, BootTime until);

  DegradeLevel LevelOf(const model::WorkloadKey& key) const;
  bool any() const;  // somebody is throttled or frozen

 private:
  struct Known {
    DegradeLevel level = DegradeLevel::kNone;
    BootTime changed_at{};
    BootTime seen_at{};
    Amount used = 0;
    double growth = 0;      // bytes per second, smoothed; 0 or more
    bool is_spent = false;  // it was frozen as long as anybody may be, and room did not come
    BootTime left_alone_until{};
  };
  struct Candidate {
    const DegradeMember* member;
    Known* known;
  };

  void Observe(const std::vector<DegradeMember>& members, BootTime at);
  void Change(const model::WorkloadKey& key, Known& known, DegradeLevel to, std::string_view reason,
              BootTime at, std::vector<DegradeStep>& steps);
  void Worsen(const std::vector<Candidate>& candidates, DegradeLevel to, std::string_view reason,
              double missing, BootTime at, std::vector<DegradeStep>& steps);
  void Ease(const std::vector<Candidate>& candidates, BootTime at, std::vector<DegradeStep>& steps);
  void EaseQuiet(const std::vector<Candidate>& candidates, BootTime at,
                 std::vector<DegradeStep>& steps);

  DegradeOptions options_;
  std::map<model::WorkloadKey, Known> known_;
  std::optional<BootTime> calm_since_;
  // Of the last Judge().
  Amount free_ = 0;
  double slow_ = 0;  // bytes per second; who grows no faster is no cause
};

}  // namespace ballast::guard
