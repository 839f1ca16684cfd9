// What needs neither privileges nor kernel support.

#include <gtest/gtest.h>

#include "bpf/ballast.skel.h"
#include "collector/source/bpf/kernel_side.h"
#include "collector/source/bpf/skeleton.h"

namespace ballast::source {
namespace {

TEST(KernelSideTest, MissingBtfIsOneSentenceThatSaysWhatToDo) {
  KernelFacts facts;
  facts.release = "5.4.0";
  facts.btf_problem = "No such file or directory";

  auto kernel = KernelSide::Start(facts, {});

  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().ToString(),
            "kernel 5.4.0 has no readable BTF (No such file or directory); boot one built with "
            "CONFIG_DEBUG_INFO_BTF=y, as distribution kernels are");
}

TEST(OpenSkeletonTest, DefaultsAreThoseOfThePrograms) {
  auto open = OpenSkeleton<ballast_bpf>::Open();

  ASSERT_TRUE(open) << open.error().ToString();
  EXPECT_EQ(open->rodata().cfg_throttle_gap_ns, 5'000'000u);
  EXPECT_EQ(open->rodata().cfg_memory_gap_ns, 2'000'000u);
  EXPECT_EQ(open->rodata().cfg_hierarchy_mask, ~0ULL);
}

TEST(OpenSkeletonTest, MapNamesFitTheKernelsFifteenCharacters) {
  auto open = OpenSkeleton<ballast_bpf>::Open();
  ASSERT_TRUE(open);

  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, open->object()) {
    if (bpf_map__is_internal(map)) continue;
    EXPECT_LE(std::string_view(bpf_map__name(map)).size(), 15u) << bpf_map__name(map);
  }
}

}  // namespace
}  // namespace ballast::source
