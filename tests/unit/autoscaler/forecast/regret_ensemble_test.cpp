#include "autoscaler/forecast/regret_ensemble.h"

#include <gtest/gtest.h>

namespace ballast::forecast {
namespace {

std::vector<double> Window(int count, double value) {
  return std::vector<double>(static_cast<std::size_t>(count), value);
}

TEST(RegretEnsembleTest, NoWindowIsNoLimit) {
  EXPECT_EQ(RegretEnsemble().Limit(), 0);
}

TEST(RegretEnsembleTest, SteadyUseIsCoveredWithLittleRoom) {
  RegretEnsemble ensemble;
  for (int i = 0; i < 50; ++i) ensemble.Observe(Window(20, 300e6));

  EXPECT_GE(ensemble.Limit(), 300e6);
  EXPECT_LE(ensemble.Limit(), 300e6 * 1.15);
}

TEST(RegretEnsembleTest, DearOverrunsBuyTheHighestSample) {
  EnsembleOptions dear;
  dear.over_cost = 1000;
  EnsembleOptions cheap;
  cheap.over_cost = 1;
  RegretEnsemble careful(dear);
  RegretEnsemble careless(cheap);
  std::vector<double> window = Window(19, 200e6);
  window.push_back(1500e6);
  for (int i = 0; i < 50; ++i) {
    careful.Observe(window);
    careless.Observe(window);
  }

  EXPECT_GE(careful.Limit(), 1500e6);
  EXPECT_LT(careless.Limit(), 400e6);
}

TEST(RegretEnsembleTest, FollowsWhenUseRises) {
  RegretEnsemble ensemble;
  for (int i = 0; i < 20; ++i) ensemble.Observe(Window(20, 200e6));
  for (int i = 0; i < 20; ++i) ensemble.Observe(Window(20, 900e6));

  EXPECT_GE(ensemble.Limit(), 900e6);
}

TEST(RegretEnsembleTest, AWindowWithoutSamplesIsNoNews) {
  RegretEnsemble ensemble;
  ensemble.Observe(Window(5, 200e6));
  const double before = ensemble.Limit();

  ensemble.Observe({});

  EXPECT_EQ(ensemble.Limit(), before);
}

}  // namespace
}  // namespace ballast::forecast
