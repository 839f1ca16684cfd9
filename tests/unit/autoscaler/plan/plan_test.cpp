#include "autoscaler/plan/plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "autoscaler/consolidate/random.h"

namespace ballast::plan {
namespace {

using consolidate::Random;

Problem TwoHosts(Amount capacity, const std::vector<Amount>& sizes,
                 const std::vector<int>& current) {
  Problem problem;
  problem.resources = {"memory"};
  for (const char* name : {"a", "b", "c"}) problem.hosts.push_back({name, {capacity}, 1, false});
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    consolidate::Vm vm;
    vm.name = fmt::format("vm{}", i);
    vm.demand = {sizes[i]};
    vm.migration_bytes = sizes[i];
    vm.current = current[i];
    problem.vms.push_back(vm);
  }
  return problem;
}

// Plays a plan in an order picked by chance among all that `after` allows, and
// looks at every moment whether anything is over. Durations are arbitrary here:
// any running step may be the next to complete.
class Replay {
 public:
  Replay(const PlanInput& input, const Plan& plan, Random& random)
      : input_(input), problem_(*input.problem), plan_(plan), random_(random) {
    for (std::size_t i = 0; i < problem_.vms.size(); ++i) {
      const int current = problem_.vms[i].current;
      where_.push_back(current == consolidate::kNoHost ? input.target[i] : current);
    }
    overloaded_ = Over();
  }

  // What went wrong, or nothing.
  std::string Run() {
    std::vector<int> state(plan_.steps.size());  // 0 waiting, 1 running, 2 done
    for (;;) {
      std::vector<int> can;
      for (std::size_t i = 0; i < state.size(); ++i) {
        const auto& after = plan_.steps[i].after;
        const bool ready =
            std::all_of(after.begin(), after.end(), [&](int s) { return state[s] == 2; });
        if (state[i] == 1 || (state[i] == 0 && ready)) can.push_back(static_cast<int>(i));
      }
      if (can.empty()) break;
      const int next = can[random_.Below(static_cast<int>(can.size()))];
      const Step& step = plan_.steps[next];
      if (state[next]++ == 0) {
        if (where_[step.vm] != step.from) return "a step starts where its VM is not";
        running_.push_back(next);
        if (auto wrong = Check(step.to); !wrong.empty()) return wrong;
      } else {
        std::erase(running_, next);
        where_[step.vm] = step.to;
      }
    }
    if (std::count(state.begin(), state.end(), 2) != std::ssize(state)) return "deadlock";
    return CheckEnd();
  }

 private:
  // Per host: VMs there, plus those on their way to it.
  std::vector<std::vector<int>> Presence() const {
    std::vector<std::vector<int>> on(problem_.hosts.size());
    for (std::size_t i = 0; i < where_.size(); ++i) on[where_[i]].push_back(static_cast<int>(i));
    for (const int step : running_) on[plan_.steps[step].to].push_back(plan_.steps[step].vm);
    return on;
  }

  std::vector<char> Over() const {
    const auto on = Presence();
    std::vector<char> over(on.size());
    for (std::size_t j = 0; j < on.size(); ++j)
      for (std::size_t k = 0; k < problem_.resources.size(); ++k) {
        Amount used = 0;
        for (const int vm : on[j]) used += problem_.vms[vm].demand[k];
        over[j] |= used > problem_.hosts[j].capacity[k];
      }
    return over;
  }

  std::string Check(int touched) const {
    // A host that was over at the start may stay so, but then nothing comes in.
    if (Over()[touched]) return "host over capacity";
    std::map<int, int> out, in, link;
    for (const int running : running_) {
      const Step& step = plan_.steps[running];
      const auto link_of = [&](int h) {
        return input_.link_of_host.empty() ? h : input_.link_of_host[h];
      };
      if (++out[step.from] > input_.limits.per_source) return "source limit";
      if (++in[step.to] > input_.limits.per_destination) return "destination limit";
      if (++link[link_of(step.from)] > input_.limits.per_link) return "link limit";
      if (link_of(step.to) != link_of(step.from) &&
          ++link[link_of(step.to)] > input_.limits.per_link)
        return "link limit";
    }
    const auto on = Presence();
    for (const auto& set : problem_.anti_affinity) {
      const auto together = std::count_if(on[touched].begin(), on[touched].end(), [&](int vm) {
        return std::find(set.vms.begin(), set.vms.end(), vm) != set.vms.end();
      });
      if (together > set.at_most) return "anti-affinity on the way";
    }
    return "";
  }

  std::string CheckEnd() const {
    for (std::size_t i = 0; i < where_.size(); ++i) {
      const bool undone = std::any_of(plan_.undone.begin(), plan_.undone.end(),
                                      [&](const Undone& u) { return u.vm == static_cast<int>(i); });
      if (undone == (where_[i] == input_.target[i])) return "undone and done disagree";
    }
    return "";
  }

  const PlanInput& input_;
  const Problem& problem_;
  const Plan& plan_;
  Random& random_;
  Placement where_;
  std::vector<int> running_;
  std::vector<char> overloaded_;
};

TEST(MakePlanTest, MoveWaitsForTheOneThatMakesRoom) {
  const Problem problem = TwoHosts(10, {8, 8}, {0, 1});
  const Plan plan = MakePlan(
      {.problem = &problem, .target = {1, 2}, .motion = {}, .link_of_host = {}, .limits = {}});

  ASSERT_EQ(plan.steps.size(), 2u);
  EXPECT_EQ(plan.steps[0].vm, 1);
  EXPECT_EQ(plan.steps[1].vm, 0);
  EXPECT_EQ(plan.steps[1].after, std::vector<int>{0});
}

TEST(MakePlanTest, SwapGoesThroughABypassHost) {
  const Problem problem = TwoHosts(10, {8, 7}, {0, 1});
  const Plan plan = MakePlan(
      {.problem = &problem, .target = {1, 0}, .motion = {}, .link_of_host = {}, .limits = {}});

  ASSERT_EQ(plan.steps.size(), 3u);
  EXPECT_TRUE(plan.steps[0].is_bypass);
  EXPECT_EQ(plan.steps[0].vm, 1) << "the smaller one makes the detour";
  EXPECT_TRUE(plan.undone.empty());
}

TEST(MakePlanTest, SwapWithoutABypassIsReported) {
  Problem problem = TwoHosts(10, {8, 7, 9}, {0, 1, 2});
  const Plan plan = MakePlan(
      {.problem = &problem, .target = {1, 0, 2}, .motion = {}, .link_of_host = {}, .limits = {}});

  EXPECT_TRUE(plan.steps.empty());
  ASSERT_EQ(plan.undone.size(), 2u);
  EXPECT_NE(plan.undone[0].why.find("no room"), std::string::npos);
}

TEST(MakePlanTest, MoveThatCannotConvergeIsReported) {
  const Problem problem = TwoHosts(10'000'000'000, {8'000'000'000}, {0});
  PlanInput input{.problem = &problem,
                  .target = {1},
                  .motion = {{.dirty_bytes_per_s = 5e9}},
                  .link_of_host = {},
                  .limits = {}};
  const Plan plan = MakePlan(input);

  EXPECT_TRUE(plan.steps.empty());
  ASSERT_EQ(plan.undone.size(), 1u);
  EXPECT_NE(plan.undone[0].why.find("converge"), std::string::npos);
}

TEST(MakePlanTest, LimitPerSourceSpreadsTheSchedule) {
  const Problem problem = TwoHosts(100, {10, 10, 10, 10}, {0, 0, 0, 0});
  PlanInput input{
      .problem = &problem, .target = {1, 1, 2, 2}, .motion = {}, .link_of_host = {}, .limits = {}};
  input.limits.per_source = 1;
  const Plan plan = MakePlan(input);

  ASSERT_EQ(plan.steps.size(), 4u);
  EXPECT_NEAR(plan.duration_s, 4 * plan.steps[0].predicted.duration_s, 1e-9);
}

// Random current and target placements, tight hosts, sets, limits, links; each
// plan is replayed in several random interleavings.
TEST(MakePlanTest, NoInterleavingOverloadsAnything) {
  Random random(7);
  int steps = 0, bypasses = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    Problem problem;
    problem.resources = {"cpu", "memory"};
    const int hosts = 2 + random.Below(6);
    for (int j = 0; j < hosts; ++j)
      problem.hosts.push_back(
          {fmt::format("h{}", j), {20 + random.Below(20), 20 + random.Below(20)}, 1, false});
    PlanInput input;
    std::vector<std::vector<Amount>> now, then;
    for (const auto& host : problem.hosts)
      now.push_back(host.capacity), then.push_back(host.capacity);
    const auto take = [](std::vector<Amount>& room, const std::vector<Amount>& demand) {
      for (std::size_t k = 0; k < room.size(); ++k)
        if (demand[k] > room[k]) return false;
      for (std::size_t k = 0; k < room.size(); ++k) room[k] -= demand[k];
      return true;
    };
    const int wanted = hosts * (2 + random.Below(5));
    for (int i = 0; i < wanted; ++i) {
      consolidate::Vm vm;
      vm.name = fmt::format("v{}", i);
      vm.demand = {random.Below(14), random.Below(14)};
      vm.migration_bytes = vm.demand[1] * 1000;
      // Both placements are valid: what does not fit in either is left out.
      const int from = random.Below(hosts), to = random.Below(hosts);
      std::vector<Amount> keep = now[from];
      if (!take(now[from], vm.demand)) continue;
      if (!take(then[to], vm.demand)) {
        now[from] = keep;
        continue;
      }
      vm.current = from;
      problem.vms.push_back(vm);
      input.target.push_back(to);
    }
    if (random.Below(3) == 0 && problem.vms.size() > 3) {
      // A set that holds in both placements, if the first VMs happen to allow it.
      consolidate::AntiAffinity set{{0, 1, 2}, 1};
      const auto apart = [&](auto where) {
        return where(0) != where(1) && where(0) != where(2) && where(1) != where(2);
      };
      if (apart([&](int i) { return problem.vms[i].current; }) &&
          apart([&](int i) { return input.target[i]; }))
        problem.anti_affinity.push_back(set);
    }
    input.problem = &problem;
    input.limits.per_source = 1 + random.Below(3);
    input.limits.per_destination = 1 + random.Below(3);
    input.limits.per_link = 1 + random.Below(4);
    if (random.Below(2) == 0)
      for (int j = 0; j < hosts; ++j) input.link_of_host.push_back(j / 2);
    const Plan plan = MakePlan(input);
    steps += static_cast<int>(plan.steps.size());
    for (const Step& step : plan.steps) bypasses += step.is_bypass;
    for (int replay = 0; replay < 3; ++replay)
      ASSERT_EQ(Replay(input, plan, random).Run(), "") << "trial " << trial;
  }
  EXPECT_GT(steps, 10'000) << "the cases must be worth replaying";
  EXPECT_GT(bypasses, 100);
}

}  // namespace
}  // namespace ballast::plan
