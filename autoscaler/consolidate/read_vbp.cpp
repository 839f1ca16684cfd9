#include <fmt/format.h>

#include <charconv>

#include "autoscaler/consolidate/read_problem.h"

namespace ballast::consolidate {
namespace {

constexpr std::int64_t kMaxVms = 2'000'000;
constexpr std::int64_t kMaxDimensions = 1000;
constexpr Amount kMaxWeight = Amount{1} << 50;

// Whole numbers of the text, one after the other, knowing their line.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  Result<std::int64_t> Next(const std::string& meaning, std::int64_t most) {
    SkipBlank();
    if (at_ == text_.size())
      return Error::Invalid(
          fmt::format("line {}: the file ends where {} should be", line_, meaning));
    const std::size_t end = std::min(text_.find_first_of(" \t\r\n", at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    std::int64_t value = 0;
    const auto [stop, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (failure != std::errc{} || stop != word.data() + word.size())
      return Error::Invalid(fmt::format("line {}: {} must be a whole number, is '{}'", line_,
                                        meaning, word.substr(0, 40)));
    if (value < 0) return Error::Invalid(fmt::format("line {}: {} is negative", line_, meaning));
    if (value > most)
      return Error::Invalid(fmt::format("line {}: {} is above {}", line_, meaning, most));
    at_ = end;
    return value;
  }

  Result<> ExpectEnd() {
    SkipBlank();
    if (at_ == text_.size()) return Ok();
    return Error::Invalid(fmt::format("line {}: something follows the last item type", line_));
  }

  int line() const { return line_; }

 private:
  void SkipBlank() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#' || text_.substr(at_, 2) == "//") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        line_ += c == '\n';
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

Result<std::vector<Amount>> ReadRow(Tokens& tokens, std::int64_t dimensions,
                                    const std::string& meaning) {
  std::vector<Amount> row;
  for (std::int64_t k = 1; k <= dimensions; ++k) {
    auto value = tokens.Next(fmt::format("{} {}", meaning, k), kMaxWeight);
    if (!value) return std::move(value).error();
    row.push_back(*value);
  }
  return row;
}

Result<> ReadItems(Tokens& tokens, std::int64_t types, Problem& problem) {
  const auto dimensions = static_cast<std::int64_t>(problem.resources.size());
  for (std::int64_t type = 1; type <= types; ++type) {
    auto weights = ReadRow(tokens, dimensions, fmt::format("item type {}, weight", type));
    if (!weights) return std::move(weights).error();
    auto demand = tokens.Next(fmt::format("item type {}, demand", type), kMaxVms);
    if (!demand) return std::move(demand).error();
    if (*demand + static_cast<std::int64_t>(problem.vms.size()) > kMaxVms)
      return Error::Invalid(fmt::format("line {}: more than {} items", tokens.line(), kMaxVms));
    Vm vm;
    vm.demand = *std::move(weights);
    for (std::int64_t copy = 1; copy <= *demand; ++copy) {
      vm.name = *demand == 1 ? fmt::format("item{}", type) : fmt::format("item{}-{}", type, copy);
      problem.vms.push_back(vm);
    }
  }
  return tokens.ExpectEnd();
}

}  // namespace

Result<Problem> ReadProblemVbp(std::string_view text) {
  Tokens tokens(text);
  auto dimensions = tokens.Next("the number of dimensions", kMaxDimensions);
  if (!dimensions) return std::move(dimensions).error();
  if (*dimensions == 0) return Error::Invalid("line 1: there must be at least one dimension");
  Problem problem;
  for (std::int64_t k = 1; k <= *dimensions; ++k)
    problem.resources.push_back(fmt::format("dimension {}", k));
  auto capacity = ReadRow(tokens, *dimensions, "capacity");
  if (!capacity) return std::move(capacity).error();
  auto types = tokens.Next("the number of item types", kMaxVms);
  if (!types) return std::move(types).error();
  if (auto read = ReadItems(tokens, *types, problem); !read) return std::move(read).error();
  // Unlimited identical hosts: one for each VM is never too few.
  Host host;
  host.capacity = *std::move(capacity);
  for (std::size_t j = 1; j <= problem.vms.size(); ++j) {
    host.name = fmt::format("bin-{}", j);
    problem.hosts.push_back(host);
  }
  if (auto checked = CheckProblem(problem); !checked) return std::move(checked).error();
  return problem;
}

}  // namespace ballast::consolidate
