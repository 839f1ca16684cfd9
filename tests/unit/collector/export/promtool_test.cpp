// Prometheus' own lint, as the independent judge of the page.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "collector/export/exposition.h"
#include "collector/export/page.h"
#include "tests/support/full_state.h"

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

std::string FullPage() {
  Exposition exposition;
  return WholePage(exposition.Take(test::FullState(3), Format::kText));
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
