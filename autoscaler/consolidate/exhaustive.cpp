#include "autoscaler/consolidate/exhaustive.h"

#include <algorithm>

namespace ballast::consolidate {
namespace {

class Exhaustive {
 public:
  Exhaustive(const Instance& in, const std::vector<int>& vms, bool feasibility_only,
             std::int64_t nodes, WorkMeter& work)
      : in_(in),
        order_(vms),
        feasibility_only_(feasibility_only),
        nodes_(nodes),
        work_(work),
        packing_(in) {
    // Large first: failures show early. Each resource counts by its scarcest host.
    std::vector<double> size(static_cast<std::size_t>(in.vm_count()));
    for (const int vm : vms)
      for (int k = 0; k < in.resources; ++k) {
        Amount most = 1;
        for (const Type& type : in.types) most = std::max(most, type.capacity[k]);
        size[vm] =
            std::max(size[vm], static_cast<double>(in.DemandOf(vm)[k]) / static_cast<double>(most));
      }
    std::stable_sort(order_.begin(), order_.end(), [&](int a, int b) { return size[a] > size[b]; });
    // Where someone lives, identical hosts differ in what moving costs.
    is_home_.assign(static_cast<std::size_t>(in.host_count()), 0);
    for (const Vm& vm : in.problem->vms)
      if (vm.current != kNoHost) is_home_[vm.current] = 1;
  }

  ExhaustiveResult Run() {
    Descend(0);
    return {nodes_ > 0 || finished_, std::move(best_)};
  }

 private:
  bool WorseThanBest() const {
    if (!best_) return false;
    return packing_.cost() != best_cost_ ? packing_.cost() > best_cost_ : bytes_ >= best_bytes_;
  }

  bool BreaksBudget() const {
    const Problem& problem = *in_.problem;
    return (problem.max_moves && moves_ > *problem.max_moves) ||
           (problem.max_migrated_bytes && bytes_ > *problem.max_migrated_bytes);
  }

  void Descend(std::size_t depth) {
    if (finished_ || --nodes_ <= 0 || BreaksBudget() || WorseThanBest()) return;
    work_.Spend(1);
    if (depth == order_.size()) {
      best_ = packing_.placement();
      best_cost_ = packing_.cost();
      best_bytes_ = bytes_;
      finished_ = feasibility_only_;
      return;
    }
    const int vm = order_[depth];
    const int current = in_.problem->vms[vm].current;
    std::vector<char> tried(in_.types.size());
    // Hosts in use first: they cost nothing more.
    for (const bool used : {true, false})
      for (int host = 0; host < in_.host_count(); ++host) {
        if (packing_.is_used(host) != used || !packing_.Fits(vm, host)) continue;
        if (!used && !is_home_[host] && std::exchange(tried[in_.type_of[host]], 1)) continue;
        const bool moves = current != kNoHost && current != host;
        packing_.Place(vm, host);
        moves_ += moves;
        bytes_ += moves ? in_.problem->vms[vm].migration_bytes : 0;
        Descend(depth + 1);
        moves_ -= moves;
        bytes_ -= moves ? in_.problem->vms[vm].migration_bytes : 0;
        packing_.Remove(vm);
      }
  }

  const Instance& in_;
  std::vector<int> order_;
  bool feasibility_only_;
  std::int64_t nodes_;
  WorkMeter& work_;
  Packing packing_;
  std::vector<char> is_home_;
  std::int64_t moves_ = 0;
  Amount bytes_ = 0;
  bool finished_ = false;
  std::optional<Placement> best_;
  Cost best_cost_ = 0;
  Amount best_bytes_ = 0;
};

}  // namespace

ExhaustiveResult SearchExhaustively(const Instance& in, const std::vector<int>& vms,
                                    bool feasibility_only, std::int64_t node_limit,
                                    WorkMeter& work) {
  return Exhaustive(in, vms, feasibility_only, node_limit, work).Run();
}

}  // namespace ballast::consolidate
