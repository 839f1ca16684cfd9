#pragma once

// The kernel side as the pipeline sees it: every source of this kernel, opened
// once per test, with one workload in kSlot.

#include <gtest/gtest.h>

#include <optional>

#include "collector/source/bpf/bpf_sources.h"
#include "tests/kernel/test_cgroups.h"
#include "tests/support/map_sample.h"

namespace ballast::test {

inline constexpr source::Slot kSlot = 9;

class SourcesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto layout = model::ReadCgroupLayout();
    ASSERT_TRUE(layout) << layout.error().ToString();
    auto bpf = source::OpenBpfSources(source::ReadKernelFacts(), *layout,
                                      {.slots = 64, .max_cgroups = 4096});
    ASSERT_TRUE(bpf) << bpf.error().ToString();
    bpf_.emplace(*std::move(bpf));
  }
  void Track(const TestGroup& group) {
    for (auto& source : bpf_->sources) {
      auto tracked = source->Track({.slot = kSlot, .key = {}, .directories = group.directories()});
      ASSERT_TRUE(tracked) << tracked.error().ToString();
    }
  }
  MapSample CollectAll() {
    MapSample sample;
    for (auto& source : bpf_->sources) {
      auto collected = source->Collect(sample);
      EXPECT_TRUE(collected) << (collected ? "" : collected.error().ToString());
    }
    return sample;
  }
  model::FieldSet Collect() { return CollectAll().Of(kSlot); }

  std::optional<source::BpfSources> bpf_;
};

}  // namespace ballast::test
