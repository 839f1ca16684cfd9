#include "autoscaler/simulate/csv.h"

#include <fmt/format.h>

namespace ballast::simulate {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
  }

  Result<std::vector<CsvRow>> Parse() {
    while (!text_.empty()) {
      CsvRow row;
      row.line = line_;
      BALLAST_TRY_DO(Row(row), fmt::format("line {}", row.line));
      if (row.fields.size() > 1 || !row.fields.front().empty()) rows_.push_back(std::move(row));
    }
    return std::move(rows_);
  }

 private:
  // Up to and with the line's end.
  Result<> Row(CsvRow& row) {
    while (true) {
      BALLAST_TRY(std::string field, text_.starts_with('"') ? Quoted() : Plain(), "field");
      row.fields.push_back(std::move(field));
      if (text_.starts_with('\r')) text_.remove_prefix(1);
      if (text_.empty()) return Ok();
      const char end = text_.front();
      text_.remove_prefix(1);
      if (end == ',') continue;
      if (end != '\n') return Error::Invalid("text behind a closing quote");
      ++line_;
      return Ok();
    }
  }

  Result<std::string> Plain() {
    const std::string_view field = text_.substr(0, text_.find_first_of(",\r\n"));
    text_.remove_prefix(field.size());
    return std::string(field);
  }

  Result<std::string> Quoted() {
    std::string field;
    text_.remove_prefix(1);
    while (!text_.empty()) {
      const char next = text_.front();
      text_.remove_prefix(1);
      if (next == '\n') ++line_;
      if (next != '"') {
        field += next;
      } else if (text_.starts_with('"')) {
        field += '"';
        text_.remove_prefix(1);
      } else {
        return field;
      }
    }
    return Error::Invalid("a quote that never closes");
  }

  std::string_view text_;
  std::size_t line_ = 1;
  std::vector<CsvRow> rows_;
};

}  // namespace

Result<std::vector<CsvRow>> ParseCsv(std::string_view text) {
  return Parser(text).Parse();
}

}  // namespace ballast::simulate
