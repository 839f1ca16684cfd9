// The verifier's work for each program: what a kernel with a slower or stricter
// verifier refuses first shows here as growth.

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "tests/kernel/kernel_fixture.h"

namespace ballast::source {
namespace {

constexpr double kGrowth = 1.10;

std::map<std::string, std::uint32_t> ReadBudget() {
  std::map<std::string, std::uint32_t> budget;
  std::ifstream in(BALLAST_VERIFIER_BUDGET);
  std::string line;
  while (std::getline(in, line)) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string program;
    std::uint32_t instructions = 0;
    words >> program >> instructions;
    budget[program] = instructions;
  }
  return budget;
}

using VerifierBudgetTest = test::KernelTest;

TEST_F(VerifierBudgetTest, NoProgramGrewByMoreThanATenth) {
  const auto budget = ReadBudget();

  for (const ProgramState& program : kernel_->programs()) {
    ASSERT_TRUE(budget.contains(program.name))
        << program.name << " has no line in verifier_budget.txt";
    if (!program.attached) continue;
    ASSERT_GT(program.verified_instructions, 0u) << "this kernel does not tell (before 5.16)";
    EXPECT_LE(program.verified_instructions, budget.at(program.name) * kGrowth) << program.name;
    RecordProperty(program.name, static_cast<int>(program.verified_instructions));
  }
}

}  // namespace
}  // namespace ballast::source
