#include "autoscaler/consolidate/pricer.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ballast::consolidate {
namespace {

constexpr double kEps = 1e-9;
constexpr int kWeightSteps = 25;
// Between two looks at the limits; a power of two.
constexpr std::int64_t kNodesPerLook = 4096;
// Depth first up to here; more nodes are spent only on proof.
constexpr std::int64_t kQuickNodes = 2'000;
// Refilling one host: steps, steps without success that end it, nodes of each.
constexpr int kRefills = 60;
constexpr int kRefillPatience = 15;
constexpr std::int64_t kRefillNodes = 300;
// A label is about 100 bytes with its history.
constexpr std::int64_t kMostLabels = 100'000;

}  // namespace

Pricer::Pricer(const Instance& in)
    : in_(in),
      weights_(in.types.size(), std::vector<double>(in.resources, 1.0 / in.resources)),
      relative_(in.shapes.size() * static_cast<std::size_t>(in.resources)),
      set_count_(in.problem->anti_affinity.size()) {}

void Pricer::CollectItems(int type, const std::vector<double>& value,
                          const std::vector<int>& left) {
  items_.clear();
  const Type& host = in_.types[type];
  for (int s = 0; s < static_cast<int>(in_.shapes.size()); ++s) {
    if (value[s] <= kEps || left[s] <= 0 || !in_.Allows(s, type)) continue;
    Amount most = left[s];
    double* relative = relative_.data() + static_cast<std::size_t>(s) * in_.resources;
    for (int k = 0; k < in_.resources; ++k) {
      const Amount demand = in_.shapes[s].demand[k];
      relative[k] = 0;
      if (demand == 0) continue;
      most = std::min(most, host.capacity[k] / demand);
      relative[k] =
          static_cast<double>(demand) / static_cast<double>(std::max<Amount>(1, host.capacity[k]));
    }
    for (const int set : in_.shapes[s].sets)
      most = std::min<Amount>(most, in_.problem->anti_affinity[set].at_most);
    if (most > 0) items_.push_back({s, static_cast<int>(most), value[s], 0});
  }
}

void Pricer::SortByEfficiency(const std::vector<double>& weights) {
  for (Item& item : items_) {
    const double* relative =
        relative_.data() + static_cast<std::size_t>(item.shape) * in_.resources;
    item.size = 0;
    for (int k = 0; k < in_.resources; ++k) item.size += weights[k] * relative[k];
  }
  std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
    const double left = a.value * b.size, right = b.value * a.size;
    return left != right ? left > right : a.shape < b.shape;
  });
}

double Pricer::Relax(const std::vector<double>& weights, std::vector<double>* use) {
  SortByEfficiency(weights);
  double room = 1, value = 0;
  std::fill(use->begin(), use->end(), 0.0);
  for (const Item& item : items_) {
    const double all = item.size * item.most;
    const double share = all <= room ? item.most : room / item.size;
    value += share * item.value;
    room -= share * item.size;
    const double* relative =
        relative_.data() + static_cast<std::size_t>(item.shape) * in_.resources;
    for (int k = 0; k < in_.resources; ++k) (*use)[k] += share * relative[k];
    if (room <= kEps) break;
  }
  return value;
}

void Pricer::ChooseWeights(int type) {
  std::vector<double>& best_weights = weights_[type];
  std::vector<double> weights = best_weights, use(in_.resources);
  double best = Relax(weights, &use);
  if (in_.resources > 1) {
    for (int step = 1; step <= kWeightSteps; ++step) {
      double sum = 0;
      for (int k = 0; k < in_.resources; ++k) {
        // A floor lets a resource come back when it becomes the scarce one.
        weights[k] =
            std::max(1e-4, weights[k] * std::exp(std::clamp(use[k] - 1, -1.0, 1.0) * 1.5 / step));
        sum += weights[k];
      }
      for (double& weight : weights) weight /= sum;
      const double value = Relax(weights, &use);
      if (value >= best) continue;
      best = value;
      best_weights = weights;
    }
  }
  SortByEfficiency(best_weights);
  double size = 0, value = 0;
  for (Item& item : items_) {
    item.before_size = size;
    item.before_value = value;
    size += item.size * item.most;
    value += item.value * item.most;
  }
}

double Pricer::EnoughToBeat() const {
  return best_ * (1 + tolerance_) + kEps;
}

// Dantzig's bound of the items from `item` on for surrogate room `room`; items
// partly taken count whole, which only raises it.
double Pricer::BoundFrom(std::size_t item, double room) const {
  const double target = items_[item].before_size + room;
  auto critical =
      std::upper_bound(items_.begin() + static_cast<std::ptrdiff_t>(item), items_.end(), target,
                       [](double size, const Item& i) { return size < i.before_size; });
  --critical;  // the last item that begins inside the room
  const double inside = std::min(target - critical->before_size, critical->size * critical->most);
  const double part = critical->size > 0 ? inside / critical->size : critical->most;
  return critical->before_value - items_[item].before_value + part * critical->value;
}

bool Pricer::FitsSets(const Shape& shape) const {
  return std::all_of(shape.sets.begin(), shape.sets.end(), [this](int set) {
    return set_count_[set] < in_.problem->anti_affinity[set].at_most;
  });
}

void Pricer::Record(double value) {
  best_ = value;
  best_taken_ = taken_;
  Column column;
  column.type = type_;
  for (std::size_t i = 0; i < items_.size(); ++i)
    if (taken_[i] > 0) column.counts.push_back({items_[i].shape, taken_[i]});
  std::sort(column.counts.begin(), column.counts.end());
  result_.value = value;
  if (result_.columns.size() >= 4) result_.columns.erase(result_.columns.begin());
  result_.columns.push_back(std::move(column));
}

void Pricer::Descend(std::size_t item, double value, double room) {
  if (value > best_ + kEps) Record(value);
  for (std::size_t i = item; i < items_.size(); ++i) {
    const double bound = value + BoundFrom(i, room);
    if (bound <= EnoughToBeat()) return;
    if ((--nodes_left_ & (kNodesPerLook - 1)) == 0) {
      work_->Spend(kNodesPerLook);
      if (work_->exhausted()) nodes_left_ = -1;
    }
    if (nodes_left_ < 0) {
      open_bound_ = std::max(open_bound_, bound);
      return;
    }
    if (!CanTake(i)) continue;
    Change(i, 1);
    Descend(i, value + items_[i].value, std::max(0.0, room - items_[i].size));
    Change(i, -1);
  }
}

void Pricer::SearchDepthFirst(std::int64_t node_limit, WorkMeter& work) {
  open_bound_ = 0;
  nodes_left_ = node_limit;
  work_ = &work;
  Descend(0, 0.0, 1.0);
  work.Spend((node_limit - std::max<std::int64_t>(0, nodes_left_)) % kNodesPerLook);
}

// Large neighbourhoods within one host: some copies out by chance, the room they
// leave filled again depth first, kept when it is worth more. Where hosts hold
// dozens of VMs, depth first alone spends its nodes on the last few of them.
void Pricer::SearchByRefilling(WorkMeter& work) {
  const double floor = best_, tolerance = std::exchange(tolerance_, 0);
  double value = FillGreedily();
  for (int step = 0, failed = 0; step < kRefills && failed < kRefillPatience; ++step) {
    const std::vector<int> before = taken_;
    const double without = TakeOut(2 + random_.Below(4), value);
    double room = 1;
    for (std::size_t i = 0; i < items_.size(); ++i) room -= taken_[i] * items_[i].size;
    best_ = value;
    nodes_left_ = kRefillNodes;
    work_ = &work;
    Descend(0, without, std::max(0.0, room));
    work.Spend(kRefillNodes - std::max<std::int64_t>(0, nodes_left_));
    failed = best_ > value ? 0 : failed + 1;
    PutIn(best_ > value ? best_taken_ : before);
    value = best_;
  }
  PutIn(std::vector<int>(items_.size(), 0));
  best_ = std::max(floor, value);
  tolerance_ = tolerance;
}

// Item after item, each the one worth most for its share of the room that is
// left of what it needs most: keeps the resources in balance.
double Pricer::FillGreedily() {
  double value = 0;
  for (int next = 0; next >= 0;) {
    next = -1;
    double most = 0;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (!CanTake(i)) continue;
      double share = 1e-9;
      for (int k = 0; k < in_.resources; ++k)
        share = std::max(share, static_cast<double>(in_.shapes[items_[i].shape].demand[k]) /
                                    static_cast<double>(std::max<Amount>(1, room_[k])));
      if (items_[i].value / share > most)
        most = items_[i].value / share, next = static_cast<int>(i);
    }
    if (next >= 0) value += items_[next].value, Change(next, 1);
  }
  return value;
}

double Pricer::TakeOut(int copies, double value) {
  for (int n = 0; n < copies; ++n) {
    std::vector<int> some;
    for (std::size_t i = 0; i < items_.size(); ++i)
      if (taken_[i] > 0) some.push_back(static_cast<int>(i));
    if (some.empty()) break;
    const int i = some[random_.Below(static_cast<int>(some.size()))];
    Change(i, -1);
    value -= items_[i].value;
  }
  return value;
}

void Pricer::PutIn(const std::vector<int>& taken) {
  for (std::size_t i = 0; i < items_.size(); ++i)
    if (taken[i] != taken_[i]) Change(i, taken[i] - taken_[i]);
}

bool Pricer::CanTake(std::size_t item) const {
  if (taken_[item] == items_[item].most) return false;
  const Shape& shape = in_.shapes[items_[item].shape];
  for (int k = 0; k < in_.resources; ++k)
    if (shape.demand[k] > room_[k]) return false;
  return shape.sets.empty() || FitsSets(shape);
}

void Pricer::Change(std::size_t item, int copies) {
  const Shape& shape = in_.shapes[items_[item].shape];
  taken_[item] += copies;
  for (int k = 0; k < in_.resources; ++k) room_[k] -= copies * shape.demand[k];
  for (const int set : shape.sets) set_count_[set] += copies;
}

Priced Pricer::Price(int type, const std::vector<double>& value, const std::vector<int>& left,
                     double floor, const Effort& effort, WorkMeter& work) {
  const std::int64_t node_limit = effort.nodes;
  tolerance_ = effort.tolerance;
  result_ = {};
  type_ = type;
  CollectItems(type, value, left);
  if (items_.empty()) {
    result_.upper_bound = 0;
    return std::move(result_);
  }
  ChooseWeights(type);
  room_ = in_.types[type].capacity;
  taken_.assign(items_.size(), 0);
  best_ = floor;
  work.Spend(static_cast<std::int64_t>(items_.size()) * (kWeightSteps + 2) / 2);
  SearchDepthFirst(std::min(node_limit, kQuickNodes), work);
  result_.upper_bound = std::max(EnoughToBeat(), open_bound_);
  if (nodes_left_ >= 0) return std::move(result_);
  const double open = open_bound_;
  // Where sizes are unique, hosts are small and depth first sees enough of them.
  if (in_.vm_count() >= 4 * std::ssize(in_.shapes)) SearchByRefilling(work);
  result_.upper_bound = std::max(EnoughToBeat(), open);
  if (node_limit <= kQuickNodes) return std::move(result_);
  // Proof is wanted: labels where fillings meet, more depth where they do not.
  const auto labels = static_cast<std::size_t>(std::min(node_limit, kMostLabels));
  const double bound = SearchByLabels(labels, work);
  result_.upper_bound = std::min(result_.upper_bound, std::max(EnoughToBeat(), bound + kEps));
  if (result_.upper_bound <= EnoughToBeat() + kEps) return std::move(result_);
  SearchDepthFirst(node_limit, work);
  result_.upper_bound = std::min(result_.upper_bound, std::max(EnoughToBeat(), open_bound_));
  return std::move(result_);
}

}  // namespace ballast::consolidate
