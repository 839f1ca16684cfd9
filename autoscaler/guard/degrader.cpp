#include "autoscaler/guard/degrader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace ballast::guard {
namespace {

// Growth counts as far as it goes until the next decisions have taken effect: five ticks.
constexpr double kHorizonSeconds = 0.5;
// Of the latest tick in the smoothed growth.
constexpr double kNews = 0.5;
// A throttled workload keeps so much of its growth.
constexpr double kThrottledGrowth = 0.1;
// Who grows slower than the reserve in so many seconds is no cause.
constexpr double kSlowSeconds = 20;

}  // namespace

const char* ToString(DegradeLevel level) {
  switch (level) {
    case DegradeLevel::kNone:
      return "none";
    case DegradeLevel::kThrottled:
      return "throttled";
    case DegradeLevel::kFrozen:
      return "frozen";
  }
  return "unknown";
}

void Degrader::Observe(const std::vector<DegradeMember>& members, BootTime at) {
  for (const DegradeMember& member : members) {
    Known& known = known_[member.key];
    const double seconds = std::chrono::duration<double>(at - known.seen_at).count();
    if (known.seen_at != BootTime{} && seconds > 0) {
      const double growth = std::max(0.0, static_cast<double>(member.used - known.used) / seconds);
      known.growth += kNews * (growth - known.growth);
    }
    if (seconds > 0) known.used = member.used;
    known.seen_at = at;
  }
  std::erase_if(known_, [&](const auto& one) { return one.second.seen_at != at; });
}

void Degrader::Change(const model::WorkloadKey& key, Known& known, DegradeLevel to,
                      std::string_view reason, BootTime at, std::vector<DegradeStep>& steps) {
  steps.push_back({key, known.level, to, reason, free_, known.growth});
  known.level = to;
  known.changed_at = at;
}

std::vector<DegradeStep> Degrader::Judge(const MemoryRoom& room,
                                         const std::vector<DegradeMember>& members, BootTime at) {
  std::vector<DegradeStep> steps;
  if (options_.most == DegradeLevel::kNone) return steps;
  Observe(members, at);
  free_ = room.free;
  int first = std::numeric_limits<int>::min(), last = std::numeric_limits<int>::max();
  int waiting = std::numeric_limits<int>::min();  // the highest priority that waits
  for (const DegradeMember& member : members) {
    first = std::max(first, member.priority);
    last = std::min(last, member.priority);
    if (member.waits) waiting = std::max(waiting, member.priority);
  }
  steps = Overdue(at);
  std::vector<Candidate> candidates;
  // What those who come before the last are expected to take yet, and how far the candidates get
  // before anything changes.
  double expected = 0, growth = 0;
  for (const DegradeMember& member : members) {
    Known& known = known_.at(member.key);
    if (member.priority > last)
      expected += static_cast<double>(std::max<Amount>(0, member.demand - member.used));
    if (member.priority < first) {
      candidates.push_back({&member, &known});
      if (known.level != DegradeLevel::kFrozen) growth += known.growth;
    } else if (known.level != DegradeLevel::kNone) {
      Change(member.key, known, DegradeLevel::kNone, "nobody comes before it", at, steps);
    }
  }
  const double reserve = options_.reserve * static_cast<double>(room.capacity);
  slow_ = reserve / kSlowSeconds;
  const auto free = static_cast<double>(room.free);
  const double ahead = free - growth * kHorizonSeconds;
  const double wanted = std::max(2 * reserve, expected);
  const bool is_calm = free > std::max(3 * reserve, expected + reserve);
  if (!is_calm) calm_since_.reset();
  if (is_calm && !calm_since_) calm_since_ = at;

  // Somebody waits though there is room: for the limit that its owner gave it.
  const bool somebody_waits = free < 2 * reserve && waiting > last;
  if (somebody_waits)
    Worsen(candidates, DegradeLevel::kFrozen, "who comes before it waits",
           std::numeric_limits<double>::infinity(), at, steps);
  else if (ahead < reserve)
    Worsen(candidates, DegradeLevel::kFrozen, "reserve", reserve - ahead, at, steps);
  else if (ahead < wanted)
    Worsen(candidates, DegradeLevel::kThrottled, "twice the reserve, or what others expect to need",
           wanted - ahead, at, steps);
  else if (calm_since_ && at - *calm_since_ >= options_.calm)
    Ease(candidates, at, steps);
  if (!somebody_waits && ahead >= reserve) EaseQuiet(candidates, at, steps);
  return steps;
}

// `missing`: bytes that must not be taken within the horizon.
void Degrader::Worsen(const std::vector<Candidate>& candidates, DegradeLevel to,
                      std::string_view reason, double missing, BootTime at,
                      std::vector<DegradeStep>& steps) {
  to = std::min(to, options_.most);
  std::vector<Candidate> order;
  for (const Candidate& one : candidates) {
    const bool is_cause = one.member->waits || one.known->growth > slow_;
    const bool is_spent = to == DegradeLevel::kFrozen && one.known->is_spent;
    if (one.member->may_act && is_cause && !is_spent && one.known->level < to &&
        at >= one.known->left_alone_until)
      order.push_back(one);
  }
  std::ranges::sort(order, [](const Candidate& a, const Candidate& b) {
    if (a.member->priority != b.member->priority) return a.member->priority < b.member->priority;
    if (a.known->growth != b.known->growth) return a.known->growth > b.known->growth;
    return a.member->key < b.member->key;
  });
  const double kept = to == DegradeLevel::kFrozen ? 0 : kThrottledGrowth;
  for (const Candidate& one : order) {
    // One class of priority at a time; the next, if this was not enough at the next decision.
    if (missing <= 0 || one.member->priority != order.front().member->priority) return;
    missing -= one.known->growth * (1 - kept) * kHorizonSeconds;
    Change(one.member->key, *one.known, to, reason, at, steps);
  }
}

// The most important ones first, one level at a time.
void Degrader::Ease(const std::vector<Candidate>& candidates, BootTime at,
                    std::vector<DegradeStep>& steps) {
  int first = std::numeric_limits<int>::min();
  for (const Candidate& one : candidates)
    if (one.known->level != DegradeLevel::kNone) first = std::max(first, one.member->priority);
  for (const Candidate& one : candidates) {
    one.known->is_spent = false;
    if (one.known->level == DegradeLevel::kNone || one.member->priority != first) continue;
    if (at - one.known->changed_at < options_.calm) continue;
    Change(
        one.member->key, *one.known,
        one.known->level == DegradeLevel::kFrozen ? DegradeLevel::kThrottled : DegradeLevel::kNone,
        "room is back", at, steps);
  }
  calm_since_ = at;
}

// Memory may stay scarce for good; who asks for no more of it gets its CPU back.
void Degrader::EaseQuiet(const std::vector<Candidate>& candidates, BootTime at,
                         std::vector<DegradeStep>& steps) {
  for (const Candidate& one : candidates)
    if (one.known->level == DegradeLevel::kThrottled && one.known->growth <= slow_ &&
        !one.member->waits && at - one.known->changed_at >= options_.longest_freeze)
      Change(one.member->key, *one.known, DegradeLevel::kNone, "grows no more", at, steps);
}

std::vector<DegradeStep> Degrader::Overdue(BootTime at) {
  std::vector<DegradeStep> steps;
  for (auto& [key, known] : known_) {
    if (known.level != DegradeLevel::kFrozen || at - known.changed_at < options_.longest_freeze)
      continue;
    known.is_spent = true;
    Change(key, known, DegradeLevel::kThrottled, "longest freeze", at, steps);
  }
  return steps;
}

void Degrader::Failed(const model::WorkloadKey& key, DegradeLevel level, BootTime until) {
  const auto found = known_.find(key);
  if (found == known_.end()) return;
  Known& known = found->second;
  // Who could not be thawed is tried again at once.
  if (level == DegradeLevel::kFrozen) known.changed_at = until - options_.longest_freeze;
  known.level = level;
  known.left_alone_until = until;
}

DegradeLevel Degrader::LevelOf(const model::WorkloadKey& key) const {
  const auto found = known_.find(key);
  return found == known_.end() ? DegradeLevel::kNone : found->second.level;
}

bool Degrader::any() const {
  return std::ranges::any_of(
      known_, [](const auto& one) { return one.second.level != DegradeLevel::kNone; });
}

}  // namespace ballast::guard
