#pragma once

// What one option is, inside this folder. Users see option_table.h.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "collector/base/result.h"

namespace ballast::config {

class OptionTable;

enum class OptionType { kBool, kInteger, kReal, kText, kChoice, kList, kBytes, kRows };

// A value as the file or the command line gave it, before any option saw it.
using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;
// Writes an accepted value to its place. Runs only when every value was accepted.
using Apply = std::function<void()>;

struct Option {
  std::string key;  // "http.listen"
  OptionType type{};
  std::string help;
  std::string allowed;  // "10 to 10000"; what error texts and help say, may be empty
  std::string initial;  // default, as it stands in a TOML file
  // Checks type and bounds. The error says what was found and what is allowed, without the key.
  std::function<Result<Apply>(const Value&)> accept;

  // kRows only. `describe` fills a table for one row that NewRow() made; the
  // sample table, of a row with its defaults, is for texts.
  struct Row {
    std::shared_ptr<OptionTable> table;
    std::shared_ptr<void> row;  // shared with `take` until it is applied
  };
  std::function<Row()> new_row;
  std::function<Apply(std::vector<std::shared_ptr<void>>)> take;
};

// "boolean", "integer", ... as an error names it.
std::string_view NameOf(OptionType type);
// "the integer 5", "the string \"x\"".
std::string Describe(const Value& value);
// A flag's text as the value that `type` wants; what cannot be read so stays text, for accept() to
// refuse.
Value ValueFromText(OptionType type, std::string_view text);
// Text as a TOML basic string, quotes included.
std::string Quoted(std::string_view text);

}  // namespace ballast::config
