#include "collector/metrics/registry.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "collector/base/check.h"

namespace ballast::metrics {
namespace {

prometheus::Labels MakeLabels(const Spec& spec, std::initializer_list<std::string_view> values) {
  prometheus::Labels labels;
  std::string_view names = spec.labels;
  for (const std::string_view value : values) {
    BALLAST_CHECK(!names.empty(), "no more label values than the catalogue has names");
    const std::size_t comma = names.find(',');
    labels.emplace(std::string(names.substr(0, comma)), std::string(value));
    names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
  }
  BALLAST_CHECK(names.empty(), "a value for each label of the catalogue");
  return labels;
}

// Powers of two from 64 us to 16 s: ticks and reactions are between 0.1 ms and
// a few ms, and both ends of "something is wrong" stay visible.
prometheus::Histogram::BucketBoundaries DurationBuckets() {
  prometheus::Histogram::BucketBoundaries edges;
  for (double edge = 64e-6; edge < 17.0; edge *= 2.0) edges.push_back(edge);
  return edges;
}

}  // namespace

struct Registry::Impl {
  prometheus::Registry registry;

  template <typename Builder>
  auto& Family(Builder builder, const Spec& spec) {
    return builder.Name(std::string(spec.name)).Help(std::string(spec.help)).Register(registry);
  }
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

Counter Registry::GetCounter(Metric metric, std::initializer_list<std::string_view> label_values) {
  const Spec& spec = SpecOf(metric);
  BALLAST_CHECK(spec.kind == Kind::kCounter, "a counter of the catalogue");
  return Counter(
      &impl_->Family(prometheus::BuildCounter(), spec).Add(MakeLabels(spec, label_values)));
}

Gauge Registry::GetGauge(Metric metric, std::initializer_list<std::string_view> label_values) {
  const Spec& spec = SpecOf(metric);
  BALLAST_CHECK(spec.kind == Kind::kGauge, "a gauge of the catalogue");
  return Gauge(&impl_->Family(prometheus::BuildGauge(), spec).Add(MakeLabels(spec, label_values)));
}

Histogram Registry::GetHistogram(Metric metric) {
  const Spec& spec = SpecOf(metric);
  BALLAST_CHECK(spec.kind == Kind::kHistogram, "a histogram of the catalogue");
  return Histogram(&impl_->Family(prometheus::BuildHistogram(), spec)
                        .Add(MakeLabels(spec, {}), DurationBuckets()));
}

std::string Registry::Serialize() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

namespace {

OwnSample ToSample(const prometheus::ClientMetric& metric, prometheus::MetricType type) {
  OwnSample sample;
  for (const auto& label : metric.label) sample.labels.emplace_back(label.name, label.value);
  if (type == prometheus::MetricType::Counter) sample.value = metric.counter.value;
  if (type == prometheus::MetricType::Gauge) sample.value = metric.gauge.value;
  if (type == prometheus::MetricType::Histogram) {
    for (const auto& bucket : metric.histogram.bucket)
      sample.buckets.emplace_back(bucket.upper_bound, bucket.cumulative_count);
    sample.sum = metric.histogram.sample_sum;
  }
  return sample;
}

}  // namespace

std::vector<OwnFamily> Registry::Collect() const {
  std::vector<OwnFamily> families;
  for (const prometheus::MetricFamily& family : impl_->registry.Collect()) {
    const Kind kind = family.type == prometheus::MetricType::Counter ? Kind::kCounter
                      : family.type == prometheus::MetricType::Gauge ? Kind::kGauge
                                                                     : Kind::kHistogram;
    OwnFamily& own = families.emplace_back(OwnFamily{family.name, family.help, kind, {}});
    for (const auto& metric : family.metric) own.samples.push_back(ToSample(metric, family.type));
  }
  return families;
}

void Counter::Add(double by) {
  if (series_ != nullptr) series_->Increment(by);
}
double Counter::Value() const {
  return series_ == nullptr ? 0.0 : series_->Value();
}
void Gauge::Set(double value) {
  if (series_ != nullptr) series_->Set(value);
}
double Gauge::Value() const {
  return series_ == nullptr ? 0.0 : series_->Value();
}
void Histogram::Observe(double value) {
  if (series_ != nullptr) series_->Observe(value);
}

}  // namespace ballast::metrics
