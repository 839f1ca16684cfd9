// Prometheus' own lint, as the independent judge of the page.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "collector/export/exposition.h"
#include "tests/support/synthetic_records.h"

namespace ballast::exposition {
namespace {

struct Verdict {
  int status = -1;
  std::string output;
};

Verdict CheckMetrics(const std::string& page) {
  char name[] = "/tmp/ballast-page-XXXXXX";
  ::close(::mkstemp(name));
  std::ofstream(name) << page;
  Verdict verdict;
  std::FILE* pipe =
      ::popen(("promtool check metrics < " + std::string(name) + " 2>&1").c_str(), "r");
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr) verdict.output += line;
  verdict.status = ::pclose(pipe);
  ::unlink(name);
  return verdict;
}

// Every field that the table has, on every kind of entity that pages show.
std::string FullPage() {
  test::SyntheticHost host({.workloads = 3});
  model::Key key = host.state().ToKey();
  for (const auto kind :
       {model::EntityKind::kDevice, model::EntityKind::kInterface, model::EntityKind::kLoss}) {
    model::EntityRow row{model::EntityRef{100U + static_cast<std::uint32_t>(kind)},
                         kind,
                         model::EntityRef{1},
                         {},
                         {}};
    row.fields.SetText(model::Field::kName, "child");
    key.entities.push_back(row);
  }
  for (model::EntityRow& row : key.entities) {
    for (const model::FieldInfo& info : model::AllFields()) {
      if (row.fields.Has(info.field) || info.type == model::FieldType::kText) continue;
      if (info.type == model::FieldType::kHistogram)
        row.fields.SetHistogram(info.field, {.counts = {1, 2, 3, 4, 5}, .sum_ns = 12345});
      else if (info.type == model::FieldType::kReal)
        row.fields.SetReal(info.field, 1.5);
      else
        row.fields.Set(info.field, 123'456'789);
    }
  }
  model::State state;
  state.Apply({host.state().header(), key});
  Exposition exposition;
  std::string page;
  exposition.Write(state, page);
  return page;
}

TEST(PromtoolTest, PageWithEveryFamilyIsClean) {
  const Verdict verdict = CheckMetrics(FullPage());

  EXPECT_EQ(verdict.status, 0) << verdict.output;
  EXPECT_EQ(verdict.output, "");
}

TEST(PromtoolTest, JudgeRefusesAPageThatIsWrong) {
  EXPECT_NE(CheckMetrics("# TYPE ballast_x counter\nballast_x 1\n").status, 0);
}

}  // namespace
}  // namespace ballast::exposition
