// The file: TOML text to staged values. Every error is "file:line:column: key: what".

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

#include "collector/config/nearest_name.h"
#include "collector/config/option_table.h"

namespace ballast::config {
namespace {

std::string_view NodeType(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return node.is_array_of_tables() ? "an array of tables" : "an array";
    case toml::node_type::date:
      return "a date";
    case toml::node_type::time:
      return "a time";
    case toml::node_type::date_time:
      return "a date and time";
    default:
      return "a value";
  }
}

// TOML lets a quoted key hold a newline; an error is one line.
std::string OnOneLine(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
  return text;
}

std::optional<Value> ToValue(const toml::node& node) {
  if (const auto* boolean = node.as_boolean()) return Value(boolean->get());
  if (const auto* integer = node.as_integer()) return Value(integer->get());
  if (const auto* real = node.as_floating_point()) return Value(real->get());
  if (const auto* text = node.as_string()) return Value(text->get());
  const auto* array = node.as_array();
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> list;
  for (const toml::node& item : *array) {
    if (!item.is_string()) return std::nullopt;
    list.push_back(item.as_string()->get());
  }
  return Value(std::move(list));
}

}  // namespace

// One pass over the file for one table of options.
class TomlReader {
 public:
  TomlReader(const OptionTable& table, const std::string& file, std::string_view outer,
             std::vector<Apply>& staged)
      : table_(table), file_(file), outer_(outer), staged_(staged) {}

  Result<> Read(const toml::table& node, const std::string& prefix) {
    for (const auto& [key, child] : node) {
      const std::string name = prefix + std::string(key.str());
      const Option* option = table_.Find(name);
      if (option != nullptr && option->type == OptionType::kRows) {
        auto read = ReadRows(*option, child);
        if (!read) return read;
      } else if (option != nullptr) {
        BALLAST_TRY_DO(ReadOption(*option, child), At(child.source(), name));
      } else if (child.is_table() && IsSection(name)) {
        auto read = Read(*child.as_table(), name + ".");
        if (!read) return read;
      } else {
        return Error::Invalid(At(key.source(), name) + ": " + Unknown(name));
      }
    }
    return Ok();
  }

 private:
  std::string At(const toml::source_region& where, const std::string& key) const {
    // Rows name the array, so that "weight" alone is not a riddle.
    return fmt::format("{}:{}:{}: {}{}", file_, where.begin.line, where.begin.column, outer_,
                       OnOneLine(key));
  }

  bool IsSection(const std::string& name) const {
    return std::ranges::any_of(table_.options(),
                               [&](const Option& o) { return o.key.starts_with(name + "."); });
  }

  std::string Unknown(const std::string& name) const {
    std::vector<std::string_view> known;
    for (const Option& option : table_.options()) known.push_back(option.key);
    const auto nearest = FindNearest(name, known);
    return nearest ? fmt::format("unknown key; did you mean {}{}?", outer_, *nearest)
                   : "unknown key; --print-config lists them all";
  }

  Result<> ReadOption(const Option& option, const toml::node& node) {
    const auto value = ToValue(node);
    if (!value)
      return Error::Invalid(fmt::format(
          "expected {}, found {}{}", NameOf(option.type), NodeType(node),
          option.type == OptionType::kList && node.is_array() ? " of other things" : ""));
    auto accepted = option.accept(*value);
    if (!accepted) return std::move(accepted).error();
    staged_.push_back(*std::move(accepted));
    return Ok();
  }

  Result<> ReadRows(const Option& option, const toml::node& node) {
    const auto* array = node.as_array();
    if (array == nullptr || (!array->empty() && !array->is_array_of_tables()))
      return Error::Invalid(
          At(node.source(), option.key) +
          fmt::format(": expected [[{}]] tables, found {}", option.key, NodeType(node)));
    std::vector<std::shared_ptr<void>> rows;
    for (const toml::node& item : *array) {
      Option::Row row = option.new_row();
      std::vector<Apply> staged;
      auto read =
          TomlReader(*row.table, file_, option.key + ".", staged).Read(*item.as_table(), "");
      if (!read) return read;
      for (const Apply& apply : staged) apply();  // to the row, which nobody sees yet
      rows.push_back(std::move(row.row));
    }
    staged_.push_back(option.take(std::move(rows)));
    return Ok();
  }

  const OptionTable& table_;
  const std::string& file_;
  const std::string outer_;
  std::vector<Apply>& staged_;
};

Result<std::vector<Apply>> OptionTable::StageToml(std::string_view text,
                                                  const std::string& file_name) const {
  try {
    const toml::table root = toml::parse(text, file_name);
    std::vector<Apply> staged;
    auto read = TomlReader(*this, file_name, "", staged).Read(root, "");
    if (!read) return std::move(read).error();
    return staged;
  } catch (const toml::parse_error& error) {
    const std::string what = OnOneLine(std::string(error.description()));
    return Error::Invalid(fmt::format("{}:{}:{}: {}", file_name, error.source().begin.line,
                                      error.source().begin.column, what));
  }
}

}  // namespace ballast::config
