#pragma once

// One limit for many tasks, from an ensemble of simple models of which the one
// with the least regret is followed: the moving-window recommender with learned
// weights of Autopilot (Rzadca et al., "Autopilot: workload autoscaling at
// Google", EuroSys 2020, section 3.2.2).
//
// Per window the usage samples fall into buckets b. For each limit L and decay d,
//
//   over(L)  = (1-d) over(L)  + d * samples above L                          (1)
//   under(L) = (1-d) under(L) + d * samples below L, by how far, relative    (2)
//
// A model (d, margin) takes  argmin_L  w_o over + w_u under + w_c [L changes]  (3)
// times (1 + margin). Its own cost is what (1) and (2) say of the limit that it
// had taken before the window. The ensemble follows
//
//   argmin_m  cost_m + w_m [the model changes] + w_c [the limit changes]      (4)
//
// The paper counts a sample in (2) once; here it counts by the share of the limit that
// it leaves unused, so that the answer does not depend on how buckets are cut.
// The paper gives no weights; those here are ours.
// O(models * buckets) per window. Pure.

#include <vector>

namespace ballast::forecast {

struct EnsembleOptions {
  std::vector<double> decays{0.05, 0.15, 0.4};
  std::vector<double> margins{0.0, 0.05, 0.10, 0.15, 0.25, 0.40};
  // One sample above the limit costs as much as so many that leave it unused.
  double over_cost = 6;
  double under_cost = 1;
  double change_cost = 0.05;
  double model_change_cost = 0.05;
  double first_bucket = 1e7;
  double ratio = 1.05;
  int buckets = 240;
};

class RegretEnsemble {
 public:
  explicit RegretEnsemble(EnsembleOptions options = {});

  // One window's samples: for memory the highest of each task. None: no news.
  void Observe(const std::vector<double>& samples);
  // 0 before the first window.
  double Limit() const { return limit_; }

 private:
  struct Decayed {
    double decay = 0;
    std::vector<double> over;   // by bucket
    std::vector<double> under;  // by bucket
  };
  struct Model {
    std::size_t decayed = 0;
    double margin = 0;
    std::size_t best = 0;  // bucket
    double limit = 0;
    double cost = 0;
  };

  void Age(Decayed& decayed, const std::vector<double>& samples) const;
  double CostOf(double limit, const std::vector<double>& samples) const;
  std::size_t BestBucket(const Decayed& decayed, std::size_t before, bool first) const;
  void Follow(bool first);

  EnsembleOptions options_;
  std::vector<double> ends_;  // of the buckets: the limits there are
  std::vector<Decayed> decayed_;
  std::vector<Model> models_;
  std::size_t followed_ = 0;
  double limit_ = 0;
};

}  // namespace ballast::forecast
