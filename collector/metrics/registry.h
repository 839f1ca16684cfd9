#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/metrics/catalogue.h"
#include "collector/metrics/own_family.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace ballast::metrics {

// Handles to one series each; cheap to copy, valid as long as their registry,
// used by any thread. One made by default counts into nothing, so that a module
// works without metrics.
class Counter {
 public:
  Counter() = default;
  explicit Counter(prometheus::Counter* series) : series_(series) {}
  void Add(double by = 1.0);
  double Value() const;

 private:
  prometheus::Counter* series_ = nullptr;
};

class Gauge {
 public:
  Gauge() = default;
  explicit Gauge(prometheus::Gauge* series) : series_(series) {}
  void Set(double value);
  double Value() const;

 private:
  prometheus::Gauge* series_ = nullptr;
};

class Histogram {
 public:
  Histogram() = default;
  explicit Histogram(prometheus::Histogram* series) : series_(series) {}
  // In the metric's unit: seconds or bytes.
  void Observe(double value);

 private:
  prometheus::Histogram* series_ = nullptr;
};

// A daemon's own metrics.
//
//   Registry registry;
//   auto late = registry.GetCounter(Metric::kTicksLate);
//   auto errors = registry.GetCounter(Metric::kSourceErrors, {"bpf_walk"});
//   page += registry.Serialize();
//
// Label values in the order of the catalogue; they come from our own code or a
// fixed set, never from workloads, so that the number of series stays small.
// Thread-safe. Keep the handle where it is used often: looking it up locks.
class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // Requires: the metric's kind, and a value for each of its labels.
  Counter GetCounter(Metric metric, std::initializer_list<std::string_view> label_values = {});
  Gauge GetGauge(Metric metric, std::initializer_list<std::string_view> label_values = {});
  Histogram GetHistogram(Metric metric);

  // Text format 0.0.4; families that nobody asked for are absent.
  std::string Serialize() const;
  // The same as values.
  std::vector<OwnFamily> Collect() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ballast::metrics
