#pragma once

// The pricing problem of column generation: the most valuable way to fill one
// host of a type,
//
//   z_t = max sum_s pi_s a_s   with  sum_s a_s w_sk <= R_tk,  0 <= a_s <= left_s
//
// and anti-affinity. Depth first over shapes by falling value per surrogate
// size; a node is cut by Dantzig's bound of the surrogate knapsack, whose
// multipliers minimise that bound at the root (exponentiated subgradient, warm
// from the last call). Where that runs into the node limit (hosts of forty VMs,
// many ways worth nearly the same), a host is filled greedily and refilled in
// parts, and where proof is wanted another search merges partial fillings that
// leave the same room. Exact unless the limits end it; the upper bound is valid
// either way. Not thread-safe; owned by one column generation.

#include <vector>

#include "autoscaler/consolidate/column.h"
#include "autoscaler/consolidate/random.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

struct Priced {
  double value = 0;             // of the best column found
  double upper_bound = 0;       // of every column
  std::vector<Column> columns;  // best last; each better than the one before
};

class Pricer {
 public:
  struct Effort {
    std::int64_t nodes = 2'000;  // up to this many, depth first and refilling alone
    double tolerance = 0;        // relative; fillings better by less than this are not looked for
  };

  explicit Pricer(const Instance& in);

  // `value` (pi) and `left` are per shape. Columns of value below `floor` are of
  // no interest: the search may cut them, and then upper_bound is `floor`.
  Priced Price(int type, const std::vector<double>& value, const std::vector<int>& left,
               double floor, const Effort& effort, WorkMeter& work);

 private:
  struct Item {
    int shape = 0;
    int most = 0;                              // copies
    double value = 0;                          // of one
    double size = 0;                           // surrogate, of one; the host's is 1
    double before_size = 0, before_value = 0;  // sums over the items before this one
  };

  void CollectItems(int type, const std::vector<double>& value, const std::vector<int>& left);
  // Dantzig's bound under `weights`, the use of each resource there into `use`.
  double Relax(const std::vector<double>& weights, std::vector<double>* use);
  void SortByEfficiency(const std::vector<double>& weights);
  void ChooseWeights(int type);
  double EnoughToBeat() const;  // bounds up to this end a branch
  double BoundFrom(std::size_t item, double room) const;
  void SearchDepthFirst(std::int64_t node_limit, WorkMeter& work);
  void Descend(std::size_t item, double value, double room);
  // The best upper bound the search by labels can give; columns it finds are
  // recorded. In pricer_labels.cpp.
  double SearchByLabels(std::size_t most_labels, WorkMeter& work);
  // Good columns of large hosts, no proof; what it finds is recorded.
  void SearchByRefilling(WorkMeter& work);
  double FillGreedily();
  // Copies leave by chance; what the rest is worth.
  double TakeOut(int copies, double value);
  void PutIn(const std::vector<int>& taken);
  bool CanTake(std::size_t item) const;
  void Change(std::size_t item, int copies);
  bool FitsSets(const Shape& shape) const;
  void Record(double value);

  const Instance& in_;                        // outlives the pricer
  std::vector<std::vector<double>> weights_;  // by type, of resources; sum_k weight_k = 1
  std::vector<Item> items_;
  std::vector<double> relative_;  // [shape * resources + k], of the type's capacity
  // Search state.
  std::vector<Amount> room_;
  std::vector<int> taken_;       // as items_
  std::vector<int> best_taken_;  // of the best filling recorded
  Random random_{1};             // of refilling; fixed, so that answers repeat
  std::vector<int> set_count_;   // by anti-affinity set
  double best_ = 0;
  double tolerance_ = 0;
  double open_bound_ = 0;  // the best that cut-off branches could hold
  std::int64_t nodes_left_ = 0;
  WorkMeter* work_ = nullptr;  // of the call that is running
  int type_ = 0;
  Priced result_;
};

}  // namespace ballast::consolidate
