#include "autoscaler/forecast/regret_ensemble.h"

#include <algorithm>
#include <cmath>

namespace ballast::forecast {

RegretEnsemble::RegretEnsemble(EnsembleOptions options) : options_(std::move(options)) {
  double end = options_.first_bucket;
  for (int i = 0; i < options_.buckets; ++i) {
    ends_.push_back(end);
    end *= options_.ratio;
  }
  for (std::size_t d = 0; d < options_.decays.size(); ++d) {
    decayed_.push_back(
        {options_.decays[d], std::vector<double>(ends_.size()), std::vector<double>(ends_.size())});
    for (const double margin : options_.margins)
      models_.push_back({.decayed = d, .margin = margin});
  }
}

// (1) and (2), for every limit at once; per sample, so that windows count alike.
void RegretEnsemble::Age(Decayed& decayed, const std::vector<double>& samples) const {
  const double share = decayed.decay / static_cast<double>(samples.size());
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    double above = 0;
    double unused = 0;
    for (const double sample : samples) {
      if (sample > ends_[i])
        ++above;
      else
        unused += 1 - sample / ends_[i];
    }
    decayed.over[i] = (1 - decayed.decay) * decayed.over[i] + share * above;
    decayed.under[i] = (1 - decayed.decay) * decayed.under[i] + share * unused;
  }
}

double RegretEnsemble::CostOf(double limit, const std::vector<double>& samples) const {
  double cost = 0;
  for (const double sample : samples)
    cost += sample > limit ? options_.over_cost : options_.under_cost * (1 - sample / limit);
  return cost / static_cast<double>(samples.size());
}

std::size_t RegretEnsemble::BestBucket(const Decayed& decayed, std::size_t before,
                                       bool first) const {
  std::size_t best = 0;
  double least = 0;
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    const double cost = options_.over_cost * decayed.over[i] +
                        options_.under_cost * decayed.under[i] +
                        (first || i == before ? 0 : options_.change_cost);
    if (i > 0 && cost >= least) continue;
    best = i;
    least = cost;
  }
  return best;
}

void RegretEnsemble::Follow(bool first) {
  std::size_t best = 0;
  double least = 0;
  for (std::size_t m = 0; m < models_.size(); ++m) {
    const double cost = models_[m].cost +
                        (first || m == followed_ ? 0 : options_.model_change_cost) +
                        (first || models_[m].limit == limit_ ? 0 : options_.change_cost);
    if (m > 0 && cost >= least) continue;
    best = m;
    least = cost;
  }
  followed_ = best;
  limit_ = models_[best].limit;
}

void RegretEnsemble::Observe(const std::vector<double>& samples) {
  if (samples.empty()) return;
  const bool first = limit_ == 0;
  // Each model pays for what it had chosen before it saw this window.
  for (Model& model : models_) {
    if (first) continue;
    const double decay = decayed_[model.decayed].decay;
    model.cost = (1 - decay) * model.cost + decay * CostOf(model.limit, samples);
  }
  for (Decayed& decayed : decayed_) Age(decayed, samples);
  for (Model& model : models_) {
    model.best = BestBucket(decayed_[model.decayed], model.best, first);
    model.limit = ends_[model.best] * (1 + model.margin);
  }
  Follow(first);
}

}  // namespace ballast::forecast
