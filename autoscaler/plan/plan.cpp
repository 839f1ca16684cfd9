// How the order is found. The planner plays the moves in list order against two
// views of each host:
//   room_now   capacity less everything that is there or on its way: what holds
//              if no earlier step has completed beyond those waited for;
//   releases   earlier steps that leave the host, oldest first, with the room
//              each gives back once it has completed.
// A move may be appended when its destination has room after all releases so
// far; it then waits for the oldest releases that suffice and counts them as
// room_now from then on. Later moves to that host wait for them too, for they
// may use what is left of that room. The waits are for completed steps only, and
// everything on its way counts in full, so no host is over in any interleaving
// that respects `after`.
//
// Limits are kept the same way: the n-th move of a host waits for a step that
// frees its slot.

#include "autoscaler/plan/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <numeric>

namespace ballast::plan {
namespace {

using consolidate::kNoHost;
using consolidate::MayRunOn;
using consolidate::Vm;

// Slots of one limit: each holds the step that used it last.
struct Slots {
  std::vector<int> last_step;  // -1: never used
};

class Planner {
 public:
  explicit Planner(const PlanInput& input)
      : input_(input), problem_(*input.problem), where_(problem_.vms.size()) {
    const std::size_t hosts = problem_.hosts.size();
    for (const auto& host : problem_.hosts) room_now_.push_back(host.capacity);
    releases_.resize(hosts);
    waited_for_.resize(hosts);
    for (std::size_t i = 0; i < where_.size(); ++i) {
      const int current = problem_.vms[i].current;
      where_[i] = current == kNoHost ? input.target[i] : current;
      TakeRoom(where_[i], problem_.vms[i]);
      if (where_[i] != input.target[i]) waiting_.push_back(static_cast<int>(i));
    }
    out_.resize(hosts, {std::vector<int>(std::max(1, input.limits.per_source), -1)});
    in_.resize(hosts, {std::vector<int>(std::max(1, input.limits.per_destination), -1)});
    int links = static_cast<int>(hosts);
    for (const int link : input.link_of_host) links = std::max(links, link + 1);
    link_.resize(links, {std::vector<int>(std::max(1, input.limits.per_link), -1)});
    CountSets();
  }

  Plan Make() {
    DropWhatCannotMove();
    // Cheap moves first: they free room soonest. Stable, so ties keep VM order.
    std::stable_sort(waiting_.begin(), waiting_.end(), [this](int a, int b) {
      return problem_.vms[a].migration_bytes < problem_.vms[b].migration_bytes;
    });
    while (!waiting_.empty()) {
      if (AppendAllThatFit()) continue;
      if (!input_.limits.allow_bypass || !AppendBypass()) break;
    }
    for (const int vm : waiting_) plan_.undone.push_back({vm, WhyNot(vm)});
    Schedule();
    return std::move(plan_);
  }

 private:
  void TakeRoom(int host, const Vm& vm) {
    for (std::size_t k = 0; k < vm.demand.size(); ++k) room_now_[host][k] -= vm.demand[k];
  }
  void GiveRoom(int host, const Vm& vm) {
    for (std::size_t k = 0; k < vm.demand.size(); ++k) room_now_[host][k] += vm.demand[k];
  }

  int LinkOf(int host) const {
    return input_.link_of_host.empty() ? host : input_.link_of_host[host];
  }

  Prediction Predict(int vm) const {
    const VmMotion motion = input_.motion.empty() ? VmMotion{} : input_.motion[vm];
    return PredictMove(problem_.vms[vm].migration_bytes, motion, input_.limits);
  }

  void DropWhatCannotMove() {
    std::erase_if(waiting_, [this](int vm) {
      const Prediction predicted = Predict(vm);
      if (predicted.converges && predicted.downtime_s <= input_.limits.most_downtime_s)
        return false;
      plan_.undone.push_back(
          {vm, fmt::format("would not converge: {:.0f} MB/s dirtied against {:.0f} MB/s copied, "
                           "downtime {:.2f} s",
                           input_.motion.empty() ? 0 : input_.motion[vm].dirty_bytes_per_s / 1e6,
                           input_.limits.bytes_per_s / 1e6, predicted.downtime_s)});
      return true;
    });
  }

  // Anti-affinity holds on the way too: both ends of a move count. A member
  // that leaves is counted until a step has waited for it to be gone.
  void CountSets() {
    sets_of_.resize(problem_.vms.size());
    for (std::size_t s = 0; s < problem_.anti_affinity.size(); ++s)
      for (const int vm : problem_.anti_affinity[s].vms)
        sets_of_[vm].push_back(static_cast<int>(s));
  }

  // Members of `set` on `host`: those that are or will be there, and, with
  // `leaving`, those on their way out that nobody has waited for.
  int SetCount(int set, int host, int except, std::vector<int>* leaving) const {
    int count = 0;
    for (const int vm : problem_.anti_affinity[set].vms)
      count += vm != except && where_[vm] == host;
    for (const int step : releases_[host])
      if (Contains(problem_.anti_affinity[set].vms, plan_.steps[step].vm)) {
        if (leaving != nullptr) leaving->push_back(step);
      }
    return count;
  }

  static bool Contains(const std::vector<int>& list, int value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  }

  // The releases of `host` that a move of `vm` there must wait for; nullopt if
  // all of them are not enough. Takes none yet.
  std::optional<std::vector<int>> ReleasesFor(int vm, int host) const {
    std::vector<int> needed;
    std::vector<Amount> room = room_now_[host];
    const std::vector<Amount>& demand = problem_.vms[vm].demand;
    const auto fits = [&] {
      for (std::size_t k = 0; k < demand.size(); ++k)
        if (demand[k] > room[k]) return false;
      return true;
    };
    for (const int set : sets_of_[vm]) {
      std::vector<int> leaving;
      const int count = SetCount(set, host, vm, &leaving);
      if (count >= problem_.anti_affinity[set].at_most) return std::nullopt;
      // Conservative: whoever leaves is waited for, also where one more would do.
      needed.insert(needed.end(), leaving.begin(), leaving.end());
    }
    std::sort(needed.begin(), needed.end());
    needed.erase(std::unique(needed.begin(), needed.end()), needed.end());
    for (const int step : needed) AddDemand(room, step);
    for (const int step : releases_[host]) {
      if (fits()) break;
      if (Contains(needed, step)) continue;
      needed.push_back(step);
      AddDemand(room, step);
    }
    if (!fits()) return std::nullopt;
    return needed;
  }

  void AddDemand(std::vector<Amount>& room, int step) const {
    const std::vector<Amount>& demand = problem_.vms[plan_.steps[step].vm].demand;
    for (std::size_t k = 0; k < demand.size(); ++k) room[k] += demand[k];
  }

  // Waits for the slot that was used longest ago and takes it.
  static void TakeSlot(Slots& slots, int step, std::vector<int>& after) {
    const auto slot = std::min_element(slots.last_step.begin(), slots.last_step.end());
    if (*slot >= 0) after.push_back(*slot);
    *slot = step;
  }

  void Append(int vm, int host, std::vector<int> after, bool is_bypass) {
    const int from = where_[vm], index = static_cast<int>(plan_.steps.size());
    for (const int step : after) {
      std::erase(releases_[host], step);
      GiveRoom(host, problem_.vms[plan_.steps[step].vm]);
      waited_for_[host].push_back(step);
    }
    after = waited_for_[host];
    // A VM on its second leg waits for the first.
    if (Contains(detoured_, vm) && !is_bypass) after.push_back(last_step_of(vm));
    TakeSlot(out_[from], index, after);
    TakeSlot(in_[host], index, after);
    TakeSlot(link_[LinkOf(from)], index, after);
    if (LinkOf(host) != LinkOf(from)) TakeSlot(link_[LinkOf(host)], index, after);
    std::sort(after.begin(), after.end());
    after.erase(std::unique(after.begin(), after.end()), after.end());
    plan_.steps.push_back({vm, from, host, is_bypass, std::move(after), Predict(vm), 0});
    TakeRoom(host, problem_.vms[vm]);
    where_[vm] = host;
    releases_[from].push_back(index);
  }

  int last_step_of(int vm) const {
    for (std::size_t i = plan_.steps.size(); i > 0; --i)
      if (plan_.steps[i - 1].vm == vm) return static_cast<int>(i - 1);
    return -1;
  }

  bool AppendAllThatFit() {
    bool any = false;
    std::erase_if(waiting_, [&](int vm) {
      auto after = ReleasesFor(vm, input_.target[vm]);
      if (!after) return false;
      Append(vm, input_.target[vm], *std::move(after), false);
      any = true;
      return true;
    });
    return any;
  }

  // Takes the waiting VM that is cheapest to move to any host with room, if that
  // lets another one move. Each VM detours once, so this ends.
  bool AppendBypass() {
    for (const int vm : waiting_) {
      if (Contains(detoured_, vm) || !FreesSomeone(vm)) continue;
      for (int host = 0; host < static_cast<int>(problem_.hosts.size()); ++host) {
        if (host == where_[vm] || host == input_.target[vm]) continue;
        if (!MayRunOn(problem_.vms[vm], host)) continue;
        auto after = ReleasesFor(vm, host);
        if (!after) continue;
        detoured_.push_back(vm);
        Append(vm, host, *std::move(after), true);
        return true;
      }
    }
    return false;
  }

  // Whether somebody waits for the host that `vm` is on.
  bool FreesSomeone(int vm) const {
    return std::any_of(waiting_.begin(), waiting_.end(), [&](int other) {
      return other != vm && input_.target[other] == where_[vm];
    });
  }

  std::string WhyNot(int vm) const {
    return fmt::format(
        "host '{}' has no room before others leave it, and no host can take one of "
        "them for the time being",
        problem_.hosts[input_.target[vm]].name);
  }

  void Schedule() {
    for (Step& step : plan_.steps) {
      for (const int before : step.after)
        step.start_s = std::max(
            step.start_s, plan_.steps[before].start_s + plan_.steps[before].predicted.duration_s);
      plan_.duration_s = std::max(plan_.duration_s, step.start_s + step.predicted.duration_s);
      plan_.copied_bytes += step.predicted.copied_bytes;
    }
  }

  const PlanInput& input_;
  const Problem& problem_;
  Placement where_;                            // each VM after the steps so far
  std::vector<std::vector<Amount>> room_now_;  // by host
  std::vector<std::vector<int>> releases_;     // by host: steps that left, not waited for yet
  std::vector<std::vector<int>> waited_for_;   // by host: releases counted in room_now_
  std::vector<Slots> out_, in_, link_;
  std::vector<std::vector<int>> sets_of_;
  std::vector<int> waiting_, detoured_;
  Plan plan_;
};

}  // namespace

Plan MakePlan(const PlanInput& input) {
  return Planner(input).Make();
}

}  // namespace ballast::plan
