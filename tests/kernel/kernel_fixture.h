#pragma once

// The programs, loaded once per test; the reason of a failure is in the message.

#include <gtest/gtest.h>

#include <memory>

#include "collector/source/bpf/kernel_facts.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/bpf/slot_table.h"

namespace ballast::test {

class KernelTest : public ::testing::Test {
 protected:
  void SetUp() override { Start({.slots = 64, .max_cgroups = 4096}); }

  void Start(const source::KernelSideOptions& options) {
    kernel_.reset();
    auto kernel = source::KernelSide::Start(Facts(), options);
    ASSERT_TRUE(kernel) << kernel.error().ToString();
    kernel_ = *std::move(kernel);
    slots_ = std::make_unique<source::SlotTable>(*kernel_);
  }

  template <typename Group>
  void Track(source::Slot slot, const Group& group) {
    for (const auto& directory : group.directories()) {
      auto tracked = slots_->Track(slot, directory);
      ASSERT_TRUE(tracked) << tracked.error().ToString();
    }
  }

  static const source::KernelFacts& Facts() {
    static const source::KernelFacts facts = source::ReadKernelFacts();
    return facts;
  }

  std::unique_ptr<source::KernelSide> kernel_;
  std::unique_ptr<source::SlotTable> slots_;
};

}  // namespace ballast::test
