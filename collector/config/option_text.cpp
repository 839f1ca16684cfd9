// Texts made from the table, and values read from texts.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "collector/config/option_table.h"

namespace ballast::config {
namespace {

template <typename Number>
std::optional<Number> FindNumber(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

// "# " before every line, wrapped where a reader's terminal would wrap.
std::string Comment(std::string_view text, std::size_t width = 98) {
  std::string out;
  std::string line;
  const auto flush = [&] {
    if (!line.empty()) out.append("# ").append(line).append("\n");
    line.clear();
  };
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    if (!line.empty() && line.size() + 1 + word.size() > width) flush();
    if (!line.empty()) line += ' ';
    line += word;
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  flush();
  return out;
}

std::string SectionOf(const std::string& key) {
  const std::size_t dot = key.find_last_of('.');
  return dot == std::string::npos ? "" : key.substr(0, dot);
}

std::string NameIn(const std::string& key) {
  return key.substr(SectionOf(key).empty() ? 0 : SectionOf(key).size() + 1);
}

std::string CommentedOption(const Option& option) {
  std::string text = Comment(
      option.allowed.empty() ? option.help : option.help + " Allowed: " + option.allowed + ".");
  return fmt::format("{}#{} = {}\n", text, NameIn(option.key), option.initial);
}

std::string CommentedRows(const Option& option) {
  std::string text = fmt::format("{}#[[{}]]\n", Comment(option.help), option.key);
  const Option::Row sample = option.new_row();
  for (const Option& inner : sample.table->options()) text += CommentedOption(inner);
  return text;
}

}  // namespace

std::string_view NameOf(OptionType type) {
  switch (type) {
    case OptionType::kBool:
      return "boolean";
    case OptionType::kInteger:
      return "integer";
    case OptionType::kReal:
      return "number";
    case OptionType::kText:
      return "string";
    case OptionType::kChoice:
      return "name";
    case OptionType::kList:
      return "list";
    case OptionType::kBytes:
      return "size";
    case OptionType::kRows:
      return "tables";
  }
  return "value";
}

std::string Describe(const Value& value) {
  struct Describer {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return fmt::format("the integer {}", v); }
    std::string operator()(double v) const { return fmt::format("the number {}", v); }
    std::string operator()(const std::string& v) const {
      return "the string " + Quoted(v.substr(0, 80));
    }
    std::string operator()(const std::vector<std::string>& v) const {
      return fmt::format("a list of {}", v.size());
    }
  };
  return std::visit(Describer{}, value);
}

Value ValueFromText(OptionType type, std::string_view text) {
  switch (type) {
    case OptionType::kBool:
      if (text == "true" || text == "1") return true;
      if (text == "false" || text == "0") return false;
      break;
    case OptionType::kInteger:
      if (const auto number = FindNumber<std::int64_t>(text)) return *number;
      break;
    case OptionType::kReal:
      if (const auto number = FindNumber<double>(text)) return *number;
      break;
    case OptionType::kList:
      return SplitAtCommas(text);
    case OptionType::kText:
    case OptionType::kChoice:
    case OptionType::kBytes:
    case OptionType::kRows:
      break;
  }
  return std::string(text);
}

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string OptionTable::CommentedToml() const {
  std::string text = Comment(
      program_ +
      ": every option with its default. Remove the # in front of what you change; check with " +
      program_ + " --check-config.");
  // Keys without a section come first: in TOML whatever follows a header belongs to it.
  for (const Option& option : options_)
    if (option.type != OptionType::kRows && SectionOf(option.key).empty())
      text.append("\n").append(CommentedOption(option));
  std::vector<SectionInfo> sections = sections_;
  for (const Option& option : options_) {
    const std::string name = SectionOf(option.key);
    const bool known =
        std::ranges::any_of(sections, [&](const SectionInfo& s) { return s.name == name; });
    if (!name.empty() && !known) sections.push_back({name, ""});
  }
  for (const SectionInfo& section : sections) {
    text += fmt::format("\n{}[{}]\n", Comment(section.help), section.name);
    for (const Option& option : options_)
      if (option.type != OptionType::kRows && SectionOf(option.key) == section.name)
        text += CommentedOption(option);
  }
  for (const Option& option : options_)
    if (option.type == OptionType::kRows) text.append("\n").append(CommentedRows(option));
  return text;
}

}  // namespace ballast::config
