// io.prometheus.client.MetricFamily, one message after another, each behind its
// length (prometheus/client_model, metrics.proto; the numbers below are its
// field numbers). Histograms carry the classic buckets and a native histogram.
//
// The native histogram is of schema 0: bucket k holds (2^(k-1), 2^k] seconds.
// Our buckets are powers of two of a microsecond, and 2^20 us are 1.048576 s:
// their edges are taken as 2^-20 s, 4.6 % lower than they are, which is well
// inside the factor of two that a bucket spans. The classic buckets are exact.

#include <limits>

#include "collector/export/labels.h"
#include "collector/export/page.h"
#include "collector/export/sample_text.h"
#include "collector/export/wire.h"

namespace ballast::exposition {
namespace {

using namespace wire;

namespace family_field {
constexpr int kName = 1, kHelp = 2, kType = 3, kMetric = 4;
}
namespace metric_field {
constexpr int kGauge = 2, kCounter = 3, kHistogram = 7;
}
namespace histogram_field {
constexpr int kCount = 1, kSum = 2, kBucket = 3, kSchema = 5, kZeroThreshold = 6, kZeroCount = 7,
              kPositiveSpan = 12, kPositiveDelta = 13;
}
constexpr int kValue = 1;  // of Gauge and Counter

// io.prometheus.client.MetricType
std::uint64_t TypeOf(metrics::Kind kind) {
  return kind == metrics::Kind::kCounter ? 0 : kind == metrics::Kind::kGauge ? 1 : 4;
}

// 2^-20 s, about 1 us: what lies below is our bucket 0.
constexpr double kZeroThreshold = 1.0 / (1 << 20);
// Our bucket 1 is [1, 2) us: the native one that ends at 2^-19 s.
constexpr int kFirstNativeBucket = -19;

void AppendExemplar(std::string& bucket, const Exemplar& exemplar) {
  std::string message, label, timestamp;
  AppendBytes(label, 1, "span_id");
  AppendBytes(label, 2, std::to_string(exemplar.span_id));
  AppendBytes(message, 1, label);
  AppendDouble(message, 2, static_cast<double>(exemplar.duration_ns) / 1e9);
  const auto ended = static_cast<std::uint64_t>(exemplar.ended.count());
  AppendVarintField(timestamp, 1, ended / 1'000'000'000);
  AppendVarintField(timestamp, 2, ended % 1'000'000'000);
  AppendBytes(message, 3, timestamp);
  AppendBytes(bucket, 3, message);
}

void AppendClassicBuckets(std::string& out, const model::Histogram& histogram,
                          const Exemplar* exemplar) {
  std::uint64_t cumulative = 0;
  std::string bucket;
  bool is_pending = exemplar != nullptr && exemplar->span_id != 0;
  const auto append = [&](double edge, bool is_its) {
    bucket.clear();
    AppendVarintField(bucket, 1, cumulative);
    AppendDouble(bucket, 2, edge);
    if (is_its) AppendExemplar(bucket, *exemplar);
    AppendBytes(out, histogram_field::kBucket, bucket);
    is_pending = is_pending && !is_its;
  };
  for (int i = 0; i < model::Histogram::kBuckets; ++i) {
    cumulative += histogram.counts[static_cast<std::size_t>(i)];
    if (i < kFirstEdge || i > kLastEdge) continue;
    const std::uint64_t edge_ns = model::BucketUpperNs(i);
    append(static_cast<double>(edge_ns) / 1e9, is_pending && exemplar->duration_ns <= edge_ns);
  }
  append(std::numeric_limits<double>::infinity(), is_pending);
}

void AppendNativeBuckets(std::string& out, const model::Histogram& histogram) {
  AppendVarintField(out, histogram_field::kSchema, ZigZag(0));
  AppendDouble(out, histogram_field::kZeroThreshold, kZeroThreshold);
  AppendVarintField(out, histogram_field::kZeroCount, histogram.counts[0]);
  int first = 1, last = model::Histogram::kBuckets - 1;
  while (first <= last && histogram.counts[static_cast<std::size_t>(first)] == 0) ++first;
  while (last > first && histogram.counts[static_cast<std::size_t>(last)] == 0) --last;
  // An empty span says that this is a native histogram without observations.
  const bool is_empty = first > last;
  std::string span, deltas;
  AppendVarintField(span, 1, ZigZag(is_empty ? 0 : kFirstNativeBucket + first - 1));
  AppendVarintField(span, 2, is_empty ? 0 : static_cast<std::uint64_t>(last - first + 1));
  AppendBytes(out, histogram_field::kPositiveSpan, span);
  std::int64_t before = 0;
  for (int i = first; i <= last; ++i) {
    const auto count = static_cast<std::int64_t>(histogram.counts[static_cast<std::size_t>(i)]);
    AppendVarint(deltas, ZigZag(count - before));
    before = count;
  }
  if (!is_empty) AppendBytes(out, histogram_field::kPositiveDelta, deltas);  // packed
}

class ProtobufPage final : public Page {
 public:
  explicit ProtobufPage(std::shared_ptr<const Snapshot> snapshot)
      : snapshot_(std::move(snapshot)) {}

  bool Next(std::string& piece) override {
    const std::size_t end = piece.size() + kPieceBytes;
    for (; family_ < AllFamilies().size(); ++family_) {
      if (piece.size() >= end) return true;
      WriteFamily(AllFamilies()[family_], piece);
    }
    for (; own_ < snapshot_->own.size(); ++own_) {
      if (piece.size() >= end) return true;
      WriteOwn(snapshot_->own[own_], piece);
    }
    return false;
  }

 private:
  void Begin(std::string_view name, std::string_view help, metrics::Kind kind) {
    message_.clear();
    AppendBytes(message_, family_field::kName, name);
    AppendBytes(message_, family_field::kHelp, help);
    AppendVarintField(message_, family_field::kType, TypeOf(kind));
  }
  void End(std::string& piece) {
    AppendVarint(piece, message_.size());
    piece.append(message_);
  }
  // `labels` are fields of the metric already.
  void AppendMetric(std::string_view labels, std::string_view more, int field) {
    metric_.assign(labels).append(more);
    AppendBytes(metric_, field, value_);
    AppendBytes(message_, family_field::kMetric, metric_);
  }

  void WriteFamily(const Family& family, std::string& piece) {
    const Snapshot::Table& table = snapshot_->Of(family.group);
    bool is_begun = false;
    for (std::size_t i = 0; i < family.series_count; ++i) {
      std::string more;
      AppendStaticLabels(more, Format::kProtobuf, family.series[i].labels);
      const auto& cells = table.columns[family.first_column + i];
      for (std::size_t row = 0; row < cells.size(); ++row) {
        if (cells[row] == kAbsent) continue;
        if (!std::exchange(is_begun, true))
          Begin(family.spec.name, family.spec.help, family.spec.kind);
        WriteCell(family, family.series[i], row, cells[row], more);
      }
    }
    if (is_begun) End(piece);
  }

  void WriteCell(const Family& family, const Series& series, std::size_t row, std::uint64_t cell,
                 const std::string& more) {
    const Snapshot::Table& table = snapshot_->Of(family.group);
    value_.clear();
    if (CellOf(series) == Cell::kHistogram) {
      const model::Histogram& histogram = snapshot_->histograms[cell];
      AppendVarintField(value_, histogram_field::kCount, model::TotalCount(histogram));
      AppendDouble(value_, histogram_field::kSum, static_cast<double>(histogram.sum_ns) / 1e9);
      AppendClassicBuckets(value_, histogram,
                           family.has_exemplars ? &table.exemplars[row] : nullptr);
      AppendNativeBuckets(value_, histogram);
      return AppendMetric(table.labels[row], more, metric_field::kHistogram);
    }
    const Cell kind = CellOf(series);
    AppendDouble(value_, kValue,
                 kind == Cell::kWhole         ? static_cast<double>(cell)
                 : kind == Cell::kNanoseconds ? static_cast<double>(cell) / 1e9
                                              : std::bit_cast<double>(cell));
    AppendMetric(table.labels[row], family.has_info_labels ? table.info[row] : more,
                 family.spec.kind == metrics::Kind::kCounter ? metric_field::kCounter
                                                             : metric_field::kGauge);
  }

  void WriteOwn(const metrics::OwnFamily& family, std::string& piece) {
    Begin(family.name, family.help, family.kind);
    for (const metrics::OwnSample& sample : family.samples) {
      std::string labels;
      for (const auto& [name, value] : sample.labels)
        AppendLabel(labels, Format::kProtobuf, name, value);
      value_.clear();
      if (family.kind != metrics::Kind::kHistogram) {
        AppendDouble(value_, kValue, sample.value);
        AppendMetric(
            labels, "",
            family.kind == metrics::Kind::kCounter ? metric_field::kCounter : metric_field::kGauge);
        continue;
      }
      AppendVarintField(value_, histogram_field::kCount,
                        sample.buckets.empty() ? 0 : sample.buckets.back().second);
      AppendDouble(value_, histogram_field::kSum, sample.sum);
      for (const auto& [edge, count] : sample.buckets) {
        std::string bucket;
        AppendVarintField(bucket, 1, count);
        AppendDouble(bucket, 2, edge);
        AppendBytes(value_, histogram_field::kBucket, bucket);
      }
      AppendMetric(labels, "", metric_field::kHistogram);
    }
    End(piece);
  }

  std::shared_ptr<const Snapshot> snapshot_;
  std::size_t family_ = 0, own_ = 0;
  std::string message_, metric_, value_;
};

}  // namespace

std::unique_ptr<Page> MakeProtobufPage(std::shared_ptr<const Snapshot> snapshot) {
  return std::make_unique<ProtobufPage>(std::move(snapshot));
}

}  // namespace ballast::exposition
