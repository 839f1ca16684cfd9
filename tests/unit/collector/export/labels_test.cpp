#include "collector/export/labels.h"

#include <gtest/gtest.h>

namespace ballast::exposition {
namespace {

struct LabelCase {
  const char* name;
  std::string value;
  std::string text;
};
void PrintTo(const LabelCase& c, std::ostream* out) {
  *out << c.name;
}
class LabelTest : public ::testing::TestWithParam<LabelCase> {};

TEST_P(LabelTest, ValueIsEscaped) {
  std::string labels;

  AppendLabel(labels, Format::kText, "id", GetParam().value);

  EXPECT_EQ(labels, "id=\"" + GetParam().text + "\"");
}

INSTANTIATE_TEST_SUITE_P(
    Table, LabelTest,
    ::testing::Values(LabelCase{"Plain", "/docker/a", "/docker/a"}, LabelCase{"Empty", "", ""},
                      LabelCase{"Quote", "a\"b", "a\\\"b"},
                      LabelCase{"Backslash", "machine-qemu\\x2d1", "machine-qemu\\\\x2d1"},
                      LabelCase{"Newline", "a\nb", "a\\nb"},
                      LabelCase{"Utf8", "\xc3\xa4", "\xc3\xa4"},
                      LabelCase{"LoneByte",
                                "a\xff"
                                "b",
                                "a\xef\xbf\xbd"
                                "b"},
                      LabelCase{"CutCharacter", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd"},
                      LabelCase{"Surrogate", "\xed\xa0\x80",
                                "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                      LabelCase{"Overlong", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"}),
    [](const auto& test) { return test.param.name; });

TEST(AppendLabelTest, LabelsAreSeparatedByCommas) {
  std::string labels;

  AppendLabel(labels, Format::kText, "a", "1");
  AppendLabel(labels, Format::kText, "b", "2");

  EXPECT_EQ(labels, "a=\"1\",b=\"2\"");
}

TEST(AppendLabelTest, ProtobufHasTheValueUnescaped) {
  std::string labels;

  AppendLabel(labels, Format::kProtobuf, "a", "x\"\n");

  EXPECT_EQ(labels, std::string("\x0a\x08\x0a\x01"
                                "a\x12\x03x\"\n"));
}

TEST(AppendLabelTest, ProtobufHasNoByteThatIsNoUtf8) {
  std::string labels;

  AppendLabel(labels, Format::kProtobuf, "a", "\xff");

  EXPECT_EQ(labels, std::string("\x0a\x08\x0a\x01"
                                "a\x12\x03\xef\xbf\xbd"));
}

TEST(AppendStaticLabelsTest, EachLabelIsTakenOver) {
  std::string text, wire, expected;

  AppendStaticLabels(text, Format::kText, "a=\"1\",b=\"2\"");
  AppendStaticLabels(wire, Format::kProtobuf, "a=\"1\",b=\"2\"");

  AppendLabel(expected, Format::kProtobuf, "a", "1");
  AppendLabel(expected, Format::kProtobuf, "b", "2");
  EXPECT_EQ(text, "a=\"1\",b=\"2\"");
  EXPECT_EQ(wire, expected);
}

}  // namespace
}  // namespace ballast::exposition
