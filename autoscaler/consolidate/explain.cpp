#include "autoscaler/consolidate/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "autoscaler/consolidate/bounds.h"
#include "autoscaler/consolidate/budget.h"
#include "autoscaler/consolidate/checker.h"
#include "autoscaler/consolidate/construct.h"
#include "autoscaler/consolidate/packing.h"
#include "autoscaler/consolidate/settle.h"

namespace ballast::consolidate {
namespace {

// What `vm` would lack on `host`: the worst resource, as a share of the host's
// capacity. At most 0 when there is room.
struct Shortfall {
  double share = -1;
  int resource = 0;
  Amount amount = 0;
};

Shortfall ShortfallOf(const Packing& packing, int vm, int host) {
  const Instance& in = packing.instance();
  Shortfall worst;
  for (int k = 0; k < in.resources; ++k) {
    const Amount lacks = in.DemandOf(vm)[k] - packing.FreeOf(host)[k];
    const double share = static_cast<double>(lacks) /
                         static_cast<double>(std::max<Amount>(1, in.CapacityOf(host)[k]));
    if (k == 0 || share > worst.share) worst = {share, k, lacks};
  }
  return worst;
}

class Explainer {
 public:
  Explainer(const Problem& problem, const Solution& solution)
      : problem_(problem),
        solution_(solution),
        in_(MakeInstance(problem)),
        packing_(MakePacking(in_, solution.placement)) {
    for (int host = 0; host < in_.host_count(); ++host)
      if (packing_.is_used(host)) used_.push_back(host);
  }

  Explanation Run() {
    Explanation explanation;
    for (int vm = 0; vm < in_.vm_count(); ++vm) explanation.vms.push_back(ExplainVm(vm));
    for (int host = 0; host < in_.host_count(); ++host)
      if (packing_.is_used(host) || problem_.hosts[host].must_stay_on)
        explanation.hosts.push_back({host, ExplainHost(host, explanation.vms)});
    explanation.one_host_less = OneHostLess();
    return explanation;
  }

 private:
  const std::string& HostName(int host) const { return problem_.hosts[host].name; }

  std::string Lack(const Shortfall& shortfall) const {
    return fmt::format("{} more {}", shortfall.amount, problem_.resources[shortfall.resource]);
  }

  VmReason ExplainVm(int vm) const {
    const int host = packing_.HostOf(vm);
    VmReason reason{vm, "", kNoHost, "no other host in use may run it"};
    if (problem_.vms[vm].allowed.size() == 1) {
      reason.why = "pinned";
    } else if (problem_.vms[vm].current == host) {
      reason.why = "stays where it runs";
    } else if (problem_.vms[vm].current == kNoHost) {
      reason.why = "new; fills the room that was left here";
    } else if (!packing_.is_used(problem_.vms[vm].current)) {
      reason.why = fmt::format("host '{}' is emptied", HostName(problem_.vms[vm].current));
    } else {
      reason.why = fmt::format("makes room on host '{}'", HostName(problem_.vms[vm].current));
    }
    Shortfall least;
    for (const int other : used_) {
      if (other == host || !MayRunOn(problem_.vms[vm], other)) continue;
      const Shortfall here = ShortfallOf(packing_, vm, other);
      if (reason.runner_up != kNoHost && here.share >= least.share) continue;
      least = here;
      reason.runner_up = other;
    }
    if (reason.runner_up == kNoHost) return reason;
    if (packing_.Fits(vm, reason.runner_up))
      reason.runner_up_why = "has room for it too";
    else if (least.amount > 0)
      reason.runner_up_why = "needs " + Lack(least);
    else
      reason.runner_up_why = "anti-affinity";
    return reason;
  }

  std::string ExplainHost(int host, const std::vector<VmReason>& vms) const {
    int full = 0;
    double most = -1;
    for (int k = 0; k < in_.resources; ++k) {
      if (in_.CapacityOf(host)[k] == 0) continue;
      const double used = 1 - static_cast<double>(packing_.FreeOf(host)[k]) /
                                  static_cast<double>(in_.CapacityOf(host)[k]);
      if (used > most) most = used, full = k;
    }
    std::string why = fmt::format("{} VMs, {:.1f} % of its {}", packing_.VmsOn(host).size(),
                                  100 * std::max(0.0, most), problem_.resources[full]);
    if (problem_.hosts[host].must_stay_on) return why + "; must stay on";
    for (const int vm : packing_.VmsOn(host)) {
      if (problem_.vms[vm].allowed.size() == 1)
        return why + fmt::format("; VM '{}' is pinned here", problem_.vms[vm].name);
      const bool stuck = vms[vm].runner_up == kNoHost || !packing_.Fits(vm, vms[vm].runner_up);
      if (stuck)
        return why +
               fmt::format("; VM '{}' fits on no other host that is on", problem_.vms[vm].name);
    }
    return why + "; its VMs fit elsewhere one by one, not together";
  }

  // The host that comes closest to being emptied: its VMs put elsewhere as far
  // as they fit; what remains is what is missing.
  std::string OneHostLess() const {
    if (solution_.status == Status::kOptimal)
      return "nothing: no placement costs less (" + solution_.bound_method + ")";
    std::string best;
    double least = 0;
    for (const int host : used_) {
      if (in_.CostOf(host) == 0) continue;
      Packing trial = packing_;
      double missing = 0;
      std::string what;
      std::vector<int> vms = trial.VmsOn(host);
      std::sort(vms.begin(), vms.end(), [this](int a, int b) {
        return std::lexicographical_compare(in_.DemandOf(b).begin(), in_.DemandOf(b).end(),
                                            in_.DemandOf(a).begin(), in_.DemandOf(a).end());
      });
      for (const int vm : vms) {
        std::optional<Shortfall> closest;
        int where = kNoHost;
        for (const int other : used_) {
          if (other == host || !MayRunOn(problem_.vms[vm], other)) continue;
          const Shortfall here = ShortfallOf(trial, vm, other);
          if (closest && here.share >= closest->share) continue;
          closest = here;
          where = other;
        }
        if (where == kNoHost) {
          missing = 1e9;
          break;
        }
        trial.Remove(vm);
        if (trial.Fits(vm, where)) {
          trial.Place(vm, where);
          continue;
        }
        trial.Place(vm, host);
        missing += std::max(0.0, closest->share);
        what += fmt::format("{}{} on host '{}' for VM '{}'", what.empty() ? "" : ", ",
                            Lack(*closest), HostName(where), problem_.vms[vm].name);
      }
      if (missing >= 1e9 || (!best.empty() && missing >= least)) continue;
      least = missing;
      best = fmt::format("host '{}' could be switched off with {}", HostName(host),
                         what.empty() ? "moves that the migration budget does not allow" : what);
    }
    return best.empty() ? "no host can be emptied: its VMs may run nowhere else" : best;
  }

  const Problem& problem_;
  const Solution& solution_;
  Instance in_;
  Packing packing_;
  std::vector<int> used_;
};

}  // namespace

Explanation Explain(const Problem& problem, const Solution& solution) {
  return Explainer(problem, solution).Run();
}

std::vector<TradeOff> TradeOffs(const Problem& problem, const Solution& solution,
                                const SolveOptions& options) {
  const Instance in = MakeInstance(problem);
  WorkMeter work(options.work_limit, options.should_stop);
  std::vector<TradeOff> all;
  if (!solution.placement.empty())
    all.push_back({solution.cost, solution.hosts_used, solution.moves, solution.migrated_bytes});
  EmptyHostsWithinBudget(
      in, ResourceWeights(in, ComputeVolumeBound(in)), work, [&](const Packing& packing) {
        const auto audit = CheckPlacement(problem, packing.placement());
        if (audit)
          all.push_back({audit->cost, audit->hosts_used, audit->moves, audit->migrated_bytes});
      });
  std::sort(all.begin(), all.end(), [](const TradeOff& a, const TradeOff& b) {
    return a.migrated_bytes != b.migrated_bytes ? a.migrated_bytes < b.migrated_bytes
                                                : a.cost < b.cost;
  });
  std::vector<TradeOff> curve;
  for (const TradeOff& point : all)
    if (curve.empty() || point.cost < curve.back().cost) curve.push_back(point);
  return curve;
}

}  // namespace ballast::consolidate
