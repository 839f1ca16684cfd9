#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "dashboards/cli/top_rows.h"

namespace ballast::cli {

// Colour and weight, by meaning; the screen has the colours.
enum class Style : std::uint8_t { kPlain, kDim, kTitle, kHead, kGood, kWarn, kBad, kSum };

struct Piece {
  std::string text;  // UTF-8; one column a character
  Style style = Style::kPlain;
};
struct Line {
  std::vector<Piece> pieces;
  bool is_selected = false;
};

// What people press, without a terminal's codes. Letters are themselves.
enum class TopKey : std::uint8_t {
  kUp,
  kDown,
  kPageUp,
  kPageDown,
  kHome,
  kEnd,
  kEnter,
  kEscape,
  kErase,
  kText
};
struct Press {
  TopKey key = TopKey::kText;
  char letter = 0;  // with kText
};

// Which part of the model is shown, and how keys change that: a table, one
// workload, the help. Pure: tests press keys and read lines.
class TopView {
 public:
  explicit TopView(RowsWish wish) : wish_(std::move(wish)) {}

  // False: the user wants to leave.
  bool Handle(Press press, const TopModel& model);
  // Exactly `height` lines of at most `width` columns. `link` is what to say of
  // the collector; empty: connected.
  std::vector<Line> Draw(const TopModel& model, std::size_t width, std::size_t height,
                         const std::string& link);

 private:
  enum class Mode : std::uint8_t { kTable, kOne, kHelp };
  bool HandleFilter(Press press);
  void HandleTable(Press press, const TopModel& model);
  void Move(std::ptrdiff_t by, const std::vector<TopRow>& rows);
  std::vector<Line> Table(const TopModel& model, std::size_t width, std::size_t height);
  std::vector<Line> One(const TopModel& model, std::size_t width, std::size_t height);

  RowsWish wish_;
  Mode mode_ = Mode::kTable;
  bool is_typing_filter_ = false;
  std::string selected_;   // a row's key
  std::size_t page_ = 10;  // rows that fitted last
  std::size_t first_ = 0;  // of the table, in sight
  model::EntityRef one_{};
  std::size_t one_first_ = 0;
};

// What a terminal is wide enough for.
struct TopLayout {
  bool has_trend = false;  // the last minute as small bars
  bool has_meters = true;  // use of the limit as a bar
  bool has_peaks = true;   // bursts that the columns of use are too slow for
};
TopLayout LayoutOf(std::size_t width);

// The table's head and one line for a row; --once prints them too.
Line HeadLine(const RowsWish& wish, TopLayout layout);
Line RowLine(const TopRow& row, TopLayout layout, const std::vector<double>& trend);
// Everything about one workload: identity, rates, limits, its decision, every field.
std::vector<Line> DescribeOne(const TopModel& model, model::EntityRef ref, std::size_t width);
std::string PlainText(const Line& line);

}  // namespace ballast::cli
