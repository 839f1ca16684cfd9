#include "collector/model/field.h"

#include <gtest/gtest.h>

#include <set>

namespace ballast::model {
namespace {

TEST(FieldTest, EveryFieldIsFoundByNumberAndByName) {
  for (const FieldInfo& info : AllFields()) {
    ASSERT_EQ(FindField(static_cast<std::uint32_t>(info.field)), &info) << info.name;
    ASSERT_EQ(FindFieldByName(info.name), info.field) << info.name;
  }
}

TEST(FieldTest, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const FieldInfo& info : AllFields())
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
}

TEST(FieldTest, NamesEndInTheirUnit) {
  for (const FieldInfo& info : AllFields()) {
    const bool timed = info.unit == FieldUnit::kNanoseconds && info.type != FieldType::kHistogram;
    EXPECT_EQ(timed, info.name.ends_with("_ns")) << info.name;
    if (info.name.ends_with("_bytes")) {
      EXPECT_EQ(info.unit, FieldUnit::kBytes) << info.name;
    }
    if (info.name.ends_with("_millicores")) {
      EXPECT_EQ(info.unit, FieldUnit::kMillicores) << info.name;
    }
  }
}

TEST(FieldTest, ANewerWritersNumberIsUnknown) {
  EXPECT_EQ(FindField(0), nullptr);
  EXPECT_EQ(FindField(kMaxFieldNumber), nullptr);
  EXPECT_EQ(FindField(1'000'000), nullptr);
}

}  // namespace
}  // namespace ballast::model
