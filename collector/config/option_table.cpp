#include "collector/config/option_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "collector/base/check.h"
#include "collector/base/file.h"
#include "collector/config/byte_size.h"

namespace ballast::config {
namespace {

Error Wrong(const Value& found, std::string_view wanted) {
  return Error::Invalid(fmt::format("expected {}, found {}", wanted, Describe(found)));
}

std::string RangeText(std::int64_t min, std::int64_t max) {
  return max == std::numeric_limits<std::int64_t>::max() ? fmt::format("{} or more", min)
                                                         : fmt::format("{} to {}", min, max);
}

std::string RangeText(double min, double max) {
  return max == std::numeric_limits<double>::infinity() ? fmt::format("{} or more", min)
                                                        : fmt::format("{} to {}", min, max);
}

std::string ListText(const std::vector<std::string>& list) {
  std::string text = "[";
  for (const std::string& item : list)
    text.append(text.size() > 1 ? ", " : "").append(Quoted(item));
  return text + "]";
}

Option MakeOption(std::string key, OptionType type, std::string help, std::string allowed,
                  std::string initial) {
  return {.key = std::move(key),
          .type = type,
          .help = std::move(help),
          .allowed = std::move(allowed),
          .initial = std::move(initial),
          .accept = {},
          .new_row = {},
          .take = {}};
}

}  // namespace

OptionTable::OptionTable(std::string program, std::string summary)
    : program_(std::move(program)), summary_(std::move(summary)) {}

void OptionTable::Section(std::string name, std::string help) {
  sections_.push_back({std::move(name), std::move(help)});
}

void OptionTable::AddOption(Option option) {
  BALLAST_CHECK(Find(option.key) == nullptr, "an option is added once");
  options_.push_back(std::move(option));
}

const Option* OptionTable::Find(std::string_view key) const {
  const auto found = std::ranges::find(options_, key, &Option::key);
  return found == options_.end() ? nullptr : &*found;
}

void OptionTable::Add(std::string key, bool* place, std::string help) {
  Option option =
      MakeOption(std::move(key), OptionType::kBool, std::move(help), "", *place ? "true" : "false");
  option.accept = [place](const Value& value) -> Result<Apply> {
    const bool* found = std::get_if<bool>(&value);
    if (found == nullptr) return Wrong(value, "true or false");
    return Apply([place, set = *found] { *place = set; });
  };
  AddOption(std::move(option));
}

void OptionTable::Add(std::string key, std::string* place, std::string help) {
  Option option =
      MakeOption(std::move(key), OptionType::kText, std::move(help), "", Quoted(*place));
  option.accept = [place](const Value& value) -> Result<Apply> {
    const auto* found = std::get_if<std::string>(&value);
    if (found == nullptr) return Wrong(value, "a string");
    return Apply([place, set = *found] { *place = set; });
  };
  AddOption(std::move(option));
}

void OptionTable::Add(std::string key, std::vector<std::string>* place, std::string help) {
  Option option =
      MakeOption(std::move(key), OptionType::kList, std::move(help), "", ListText(*place));
  option.accept = [place](const Value& value) -> Result<Apply> {
    const auto* found = std::get_if<std::vector<std::string>>(&value);
    if (found == nullptr) return Wrong(value, "a list of strings");
    return Apply([place, set = *found] { *place = set; });
  };
  AddOption(std::move(option));
}

void OptionTable::Add(std::string key, double* place, RealBounds bounds, std::string help) {
  Option option = MakeOption(std::move(key), OptionType::kReal, std::move(help),
                             RangeText(bounds.min, bounds.max), fmt::format("{}", *place));
  option.accept = [place, bounds](const Value& value) -> Result<Apply> {
    const auto* real = std::get_if<double>(&value);
    const auto* whole = std::get_if<std::int64_t>(&value);
    if (real == nullptr && whole == nullptr) return Wrong(value, "a number");
    const double found = real != nullptr ? *real : static_cast<double>(*whole);
    // Not "found < min": a NaN must not pass.
    if (!(found >= bounds.min && found <= bounds.max))
      return Error::Invalid(
          fmt::format("{} is out of range; allowed: {}", found, RangeText(bounds.min, bounds.max)));
    return Apply([place, found] { *place = found; });
  };
  AddOption(std::move(option));
}

void OptionTable::AddInteger(std::string key, std::int64_t initial, IntegerBounds bounds,
                             std::string help, std::function<void(std::int64_t)> set) {
  const std::string allowed = RangeText(bounds.min, bounds.max);
  Option option = MakeOption(std::move(key), OptionType::kInteger, std::move(help), allowed,
                             std::to_string(initial));
  option.accept = [bounds, allowed, set = std::move(set)](const Value& value) -> Result<Apply> {
    const auto* found = std::get_if<std::int64_t>(&value);
    if (found == nullptr) return Wrong(value, "an integer");
    if (*found < bounds.min || *found > bounds.max)
      return Error::Invalid(fmt::format("{} is out of range; allowed: {}", *found, allowed));
    return Apply([set, number = *found] { set(number); });
  };
  AddOption(std::move(option));
}

void OptionTable::AddBytes(std::string key, std::uint64_t* place, ByteBounds bounds,
                           std::string help) {
  const std::string allowed = FormatByteSize(bounds.min) + " to " + FormatByteSize(bounds.max);
  Option option = MakeOption(std::move(key), OptionType::kBytes, std::move(help), allowed,
                             Quoted(FormatByteSize(*place)));
  option.accept = [place, bounds, allowed](const Value& value) -> Result<Apply> {
    const auto* number = std::get_if<std::int64_t>(&value);
    const auto* text = std::get_if<std::string>(&value);
    if ((number == nullptr && text == nullptr) || (number != nullptr && *number < 0))
      return Wrong(value, "a size like \"512MiB\" or a number of bytes");
    std::uint64_t bytes = number != nullptr ? static_cast<std::uint64_t>(*number) : 0;
    if (text != nullptr) {
      const auto parsed = ParseByteSize(*text);
      if (!parsed) return parsed.error();
      bytes = *parsed;
    }
    if (bytes < bounds.min || bytes > bounds.max)
      return Error::Invalid(
          fmt::format("{} is out of range; allowed: {}", FormatByteSize(bytes), allowed));
    return Apply([place, bytes] { *place = bytes; });
  };
  AddOption(std::move(option));
}

void OptionTable::AddChoice(std::string key, std::vector<std::string> names, std::size_t initial,
                            std::string help, std::function<void(std::size_t)> set) {
  std::string allowed;
  for (std::size_t i = 0; i < names.size(); ++i)
    allowed.append(i == 0 ? "" : i + 1 == names.size() ? " or " : ", ").append(names[i]);
  Option option = MakeOption(std::move(key), OptionType::kChoice, std::move(help), allowed,
                             Quoted(names[initial]));
  option.accept = [names = std::move(names), allowed,
                   set = std::move(set)](const Value& value) -> Result<Apply> {
    const auto* found = std::get_if<std::string>(&value);
    const auto at = found == nullptr ? names.end() : std::ranges::find(names, *found);
    if (at == names.end()) return Wrong(value, allowed);
    return Apply([set, index = static_cast<std::size_t>(at - names.begin())] { set(index); });
  };
  AddOption(std::move(option));
}

Result<> OptionTable::ReadToml(std::string_view text, const std::string& file_name) {
  auto staged = StageToml(text, file_name);
  if (!staged) return std::move(staged).error();
  for (const Apply& apply : *staged) apply();
  return Ok();
}

Result<> OptionTable::ReadFlags(const std::vector<std::string>& arguments) {
  auto flags = ParseFlags(arguments);
  if (!flags) return std::move(flags).error();
  auto staged = StageFlags(*flags);
  if (!staged) return std::move(staged).error();
  for (const Apply& apply : *staged) apply();
  return Ok();
}

Result<OptionTable::Loaded> OptionTable::Load(int argc, const char* const* argv,
                                              const std::string& default_file,
                                              const std::string& version) {
  auto flags = ParseFlags({argv + std::min(argc, 1), argv + argc});
  if (!flags) return std::move(flags).error();
  if (flags->help) return Loaded{Start::kAnswer, Help(), ""};
  if (flags->version) return Loaded{Start::kAnswer, program_ + " " + version + "\n", ""};
  if (flags->print) return Loaded{Start::kAnswer, CommentedToml(), ""};

  std::string file = flags->config_file.empty() ? default_file : flags->config_file;
  std::vector<Apply> staged;
  if (!file.empty()) {
    auto text = ReadSmallFile(file);
    // Only a file that was asked for must exist.
    if (!text && (!flags->config_file.empty() ||
                  text.error().code() != std::errc::no_such_file_or_directory))
      return std::move(text).error().Context("config file");
    if (text) {
      auto from_file = StageToml(*text, file);
      if (!from_file) return std::move(from_file).error();
      staged = *std::move(from_file);
    } else {
      file.clear();
    }
  }
  auto from_flags = StageFlags(*flags);
  if (!from_flags) return std::move(from_flags).error();
  for (const Apply& apply : staged) apply();
  for (const Apply& apply : *from_flags) apply();
  if (flags->check)
    return Loaded{Start::kAnswer,
                  (file.empty() ? program_ + ": no config file; flags" : file) + " ok\n", file};
  return Loaded{Start::kRun, "", file};
}

}  // namespace ballast::config
