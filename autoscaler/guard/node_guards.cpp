#include "autoscaler/guard/node_guards.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ballast::guard {
namespace {

Amount Share(Amount of, double share) {
  return static_cast<Amount>(std::ceil(static_cast<double>(of) * share));
}

void Set(Proposal& proposal, Amount target, std::string_view rule) {
  if (target == proposal.target) return;
  proposal.target = target;
  proposal.reasons.push_back({rule, target});
}

void Keep(Proposal& proposal, std::string_view rule) {
  if (proposal.current) return Set(proposal, *proposal.current, rule);
  proposal.held = true;  // unlimited stays unlimited
  proposal.reasons.push_back({rule, proposal.target});
}

class Bounds final : public Guard {
 public:
  void Apply(Proposal& p, const Context&) const override {
    if (p.target < p.floor) Set(p, p.floor, "guarantee");
    if (p.target > p.ceiling) Set(p, p.ceiling, "ceiling");
  }
};

// Down only after a quiet time, and then in steps. An unlimited workload steps
// down from its ceiling.
class ShrinkSlowly final : public Guard {
 public:
  explicit ShrinkSlowly(const GuardOptions& options) : options_(options) {}

  void Apply(Proposal& p, const Context& context) const override {
    const Amount from = p.current.value_or(p.ceiling);
    if (p.target >= from) return;
    if (!context.history.known_well) return Keep(p, "not known well");
    if (Within(context.history.needed_at, context.at, options_.shrink_hold))
      return Set(p, from, "hold after need");
    if (Within(context.history.changed_at, context.at, options_.shrink_interval))
      return Set(p, from, "shrink interval");
    Set(p, std::max(p.target, from - Share(from, options_.shrink_step)), "shrink step");
  }

 private:
  static bool Within(const std::optional<BootTime>& then, BootTime now,
                     std::chrono::milliseconds span) {
    return then && now < *then + span;
  }
  GuardOptions options_;
};

// Small moves are dropped, except where the kernel just refused the workload.
class Deadband final : public Guard {
 public:
  explicit Deadband(const GuardOptions& options) : options_(options) {}

  void Apply(Proposal& p, const Context&) const override {
    if (!p.current || p.urgent) return;
    const Amount least = std::max(Share(*p.current, options_.deadband), options_.deadband_least);
    if (std::abs(p.target - *p.current) < least) Keep(p, "deadband");
  }

 private:
  GuardOptions options_;
};

// Is the change worth it? What demand comes close to is given without asking.
class EconomicTest final : public Guard {
 public:
  explicit EconomicTest(const GuardOptions& options) : options_(options) {}

  void Apply(Proposal& p, const Context& context) const override {
    // Who has no limit yet gets its first one, even where that is the ceiling.
    if (options_.change_price <= 0 || p.urgent || p.keeps() || !p.current) return;
    const Amount from = *p.current;
    const bool needed = static_cast<double>(p.demand) >= kNeededShare * static_cast<double>(from);
    if (p.target > from && needed) return;
    const double gain =
        static_cast<double>(std::abs(p.target - from)) * context.history.expected_hold.count();
    if (gain >= options_.change_price) return;
    Keep(p, "economic test");
    if (!p.reasons.empty()) p.reasons.back().trade = {gain, options_.change_price};
  }

 private:
  GuardOptions options_;
};

// Churn is bounded per workload and host. What the kernel refused is never
// made to wait: each answer raises a limit, and the ceiling ends that.
class ChangeBudget final : public Guard {
 public:
  void Apply(Proposal& p, const Context& context) const override {
    if (p.urgent || p.keeps()) return;
    if (context.history.changes_left <= 0) return Keep(p, "change budget of the workload");
    if (context.host_changes_left <= 0) Keep(p, "change budget of the host");
  }
};

// Never below what is used now plus a margin: on v1 such a write fails (EBUSY),
// on v2 it reclaims or kills.
class AboveUse final : public Guard {
 public:
  explicit AboveUse(const GuardOptions& options) : options_(options) {}

  void Apply(Proposal& p, const Context&) const override {
    const Amount least =
        p.used + std::max(Share(p.used, options_.use_margin), options_.use_margin_least);
    if (p.target >= least) return;
    // A limit that stands closer to use than the margin is not moved for the margin alone.
    const bool stays_above_use = p.current && *p.current >= p.used && p.target <= *p.current;
    Set(p, stays_above_use ? std::min(least, *p.current) : least, "use plus margin");
  }

 private:
  GuardOptions options_;
};

// A configured ceiling holds even against use; only what is used already may
// stand above it, because no limit is ever set below use.
class HoldCeiling final : public Guard {
 public:
  void Apply(Proposal& p, const Context&) const override {
    const Amount most = std::max(p.ceiling, p.used);
    if (p.target > most) Set(p, most, "ceiling");
  }
};

class CoolDown final : public Guard {
 public:
  void Apply(Proposal& p, const Context& context) const override {
    if (context.history.held_until && context.at < *context.history.held_until)
      Keep(p, "cool-down");
  }
};

}  // namespace

std::string ToString(const Reason& reason) {
  if (!reason.trade) return fmt::format("{}: {}", reason.rule, reason.value);
  return fmt::format("{}: {} (gains {:.0f}, costs {:.0f} unit-seconds)", reason.rule, reason.value,
                     reason.trade->gain, reason.trade->cost);
}

Proposal RunGuards(const GuardList& guards, Proposal proposal, const Context& context) {
  for (const auto& guard : guards) guard->Apply(proposal, context);
  return proposal;
}

GuardList MakeNodeGuards(const GuardOptions& options) {
  GuardList guards;
  guards.push_back(std::make_unique<Bounds>());
  guards.push_back(std::make_unique<ShrinkSlowly>(options));
  guards.push_back(std::make_unique<Deadband>(options));
  guards.push_back(std::make_unique<EconomicTest>(options));
  guards.push_back(std::make_unique<ChangeBudget>());
  guards.push_back(std::make_unique<AboveUse>(options));
  guards.push_back(std::make_unique<HoldCeiling>());
  guards.push_back(std::make_unique<CoolDown>());
  return guards;
}

}  // namespace ballast::guard
