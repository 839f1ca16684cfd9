// Bytes of the protobuf exposition, taken apart by field number. That Prometheus itself reads them
// is shown by tests/integration/test_prometheus.py.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <map>

#include "collector/export/sample_text.h"
#include "tests/unit/collector/export/page_support.h"

namespace ballast::exposition {
namespace {

using model::EntityKind;
using model::Field;
using ::testing::ElementsAre;

std::uint64_t TakeVarint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.at(0));
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

// The fields of one message: numbers, doubles and bytes by field number, in order.
struct Message {
  std::multimap<int, std::uint64_t> numbers;
  std::multimap<int, double> reals;
  std::multimap<int, std::string_view> bytes;

  explicit Message(std::string_view text) {
    while (!text.empty()) {
      const std::uint64_t tag = TakeVarint(text);
      const int field = static_cast<int>(tag >> 3);
      if ((tag & 7) == 0) {
        numbers.emplace(field, TakeVarint(text));
      } else if ((tag & 7) == 1) {
        double value;
        std::memcpy(&value, text.data(), sizeof value);
        reals.emplace(field, value);
        text.remove_prefix(sizeof value);
      } else {
        const std::size_t size = TakeVarint(text);
        bytes.emplace(field, text.substr(0, size));
        text.remove_prefix(size);
      }
    }
  }
  Message Sub(int field) const { return Message(bytes.find(field)->second); }
  std::string Text(int field) const { return std::string(bytes.find(field)->second); }
};

// The family's message; none: empty.
Message FamilyOf(std::string_view page, std::string_view name) {
  while (!page.empty()) {
    const std::size_t size = TakeVarint(page);
    Message family(page.substr(0, size));
    if (family.Text(1) == name) return family;
    page.remove_prefix(size);
  }
  return Message("");
}

std::string PageWithWaits(const model::Histogram& histogram) {
  model::EntityRow row = test::ContainerRow(1, "/a\"b");
  row.fields.Set(Field::kCpuUsageNs, 1'500'000'000);
  row.fields.Set(Field::kMemoryUsageBytes, 4096);
  row.fields.SetHistogram(Field::kRunQueueWait, histogram);
  return test::StateOf({row}).Page(Format::kProtobuf);
}

TEST(ProtobufPageTest, CounterHasItsTypeLabelsAndValue) {
  const auto page = PageWithWaits({});
  const Message family = FamilyOf(page, "container_cpu_usage_seconds_total");

  const Message metric = family.Sub(4);

  EXPECT_EQ(family.numbers.find(3)->second, 0U);  // COUNTER
  EXPECT_EQ(metric.bytes.count(1), 7U);           // six of identity, and cpu
  EXPECT_EQ(metric.Sub(1).Text(1), "id");
  EXPECT_EQ(metric.Sub(1).Text(2), "/a\"b");
  EXPECT_EQ(metric.Sub(3).reals.find(1)->second, 1.5);
}

TEST(ProtobufPageTest, GaugeIsAGauge) {
  const auto page = PageWithWaits({});
  const Message family = FamilyOf(page, "container_memory_usage_bytes");

  EXPECT_EQ(family.numbers.find(3)->second, 1U);
  EXPECT_EQ(family.Sub(4).Sub(2).reals.find(1)->second, 4096.0);
}

TEST(ProtobufPageTest, HistogramIsNativeAndClassic) {
  model::Histogram waits;
  waits.counts[0] = 2;  // under 1 us
  waits.counts[2] = 5;  // [2, 4) us
  waits.counts[4] = 1;
  waits.sum_ns = 2'000'000'000;
  const auto page = PageWithWaits(waits);
  const Message family = FamilyOf(page, "ballast_run_queue_wait_seconds");

  const Message histogram = family.Sub(4).Sub(7);

  EXPECT_EQ(family.numbers.find(3)->second, 4U);  // HISTOGRAM
  EXPECT_EQ(histogram.numbers.find(1)->second, 8U);
  EXPECT_EQ(histogram.reals.find(2)->second, 2.0);
  EXPECT_EQ(histogram.bytes.count(3), static_cast<std::size_t>(kLastEdge - kFirstEdge + 2));
  EXPECT_EQ(histogram.numbers.find(5)->second, 0U);  // schema 0
  EXPECT_EQ(histogram.numbers.find(7)->second, 2U);  // the zero bucket
  const Message span = histogram.Sub(12);
  EXPECT_EQ(span.numbers.find(1)->second, 35U);  // zigzag of -18: (2^-19, 2^-18] s
  EXPECT_EQ(span.numbers.find(2)->second, 3U);
  auto deltas = histogram.bytes.find(13)->second;
  std::vector<std::uint64_t> values;
  while (!deltas.empty()) values.push_back(TakeVarint(deltas));
  EXPECT_THAT(values, ElementsAre(10, 9, 2));  // zigzag of +5, -5, +1
}

TEST(ProtobufPageTest, EmptyHistogramIsStillNative) {
  const auto page = PageWithWaits({});

  const Message histogram = FamilyOf(page, "ballast_run_queue_wait_seconds").Sub(4).Sub(7);

  EXPECT_EQ(histogram.Sub(12).numbers.find(2)->second, 0U);
  EXPECT_GT(histogram.reals.find(6)->second, 0.0);  // what Prometheus knows it by
}

}  // namespace
}  // namespace ballast::exposition
