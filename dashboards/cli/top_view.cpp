#include "dashboards/cli/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace ballast::cli {

namespace {

constexpr std::size_t kNameWidth = 30, kShortNameWidth = 26;
constexpr std::size_t kTrendWidth = 20;
constexpr std::size_t kMeterWidth = 10;

struct KeyHelp {
  std::string_view keys, what;
};
constexpr std::array kHelp = {
    KeyHelp{"j k, arrows", "move; PgUp PgDn, g G"},
    KeyHelp{"Enter", "one workload in depth; on a slice: fold or unfold"},
    KeyHelp{"Esc", "back; clear the filter"},
    KeyHelp{"c m t w n", "sort by CPU, memory, throttled, wait, name"},
    KeyHelp{"r", "reverse the order"},
    KeyHelp{"T", "tree by host, slice and workload, or flat"},
    KeyHelp{"/", "filter by name or path"},
    KeyHelp{"?", "this help"},
    KeyHelp{"q", "quit"},
};

Style Grade(std::optional<double> value, double warn, double bad) {
  if (!value || *value == 0) return Style::kDim;
  return *value >= bad ? Style::kBad : *value >= warn ? Style::kWarn : Style::kPlain;
}

// "||||||    ", filled to the share of the limit; blank where there is none.
Piece Meter(std::optional<double> use, std::optional<double> limit) {
  if (!use || !limit || *limit <= 0) return {std::string(kMeterWidth, ' '), Style::kDim};
  const double share = std::clamp(*use / *limit, 0.0, 1.0);
  const auto filled = static_cast<std::size_t>(std::lround(share * kMeterWidth));
  return {fmt::format("{:|<{}}{:.<{}}", "", filled, "", kMeterWidth - filled),
          share > 0.95  ? Style::kBad
          : share > 0.8 ? Style::kWarn
                        : Style::kGood};
}

std::optional<double> ToReal(std::optional<std::uint64_t> value) {
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}

std::size_t Columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Cuts at a character's edge.
void Cut(Line& line, std::size_t width) {
  std::size_t used = 0;
  for (Piece& piece : line.pieces) {
    const std::size_t columns = Columns(piece.text);
    if (used + columns > width) {
      std::size_t bytes = 0;
      for (std::size_t left = width - used; bytes < piece.text.size(); ++bytes) {
        const bool begins = (static_cast<unsigned char>(piece.text[bytes]) & 0xC0) != 0x80;
        if (begins && left-- == 0) break;
      }
      piece.text.resize(bytes);
    }
    used = std::min(width, used + columns);
  }
}

std::string Fit(std::string_view text, std::size_t width) {
  if (text.size() <= width) return fmt::format("{:<{}}", text, width);
  return fmt::format("{}~", text.substr(0, width - 1));
}

}  // namespace

TopLayout LayoutOf(std::size_t width) {
  // Numbers go on where a terminal has 80 columns; the rest needs what it needs.
  return {.has_trend = width >= 158, .has_meters = width >= 122, .has_peaks = width >= 96};
}

Line HeadLine(const RowsWish& wish, TopLayout layout) {
  const std::size_t meter = layout.has_meters ? kMeterWidth + 1 : 0;
  const std::size_t name = layout.has_meters ? kNameWidth : kShortNameWidth;
  Line line;
  const auto add = [&](std::string text, SortBy sort) {
    const bool is_sorted = wish.sort == sort;
    line.pieces.push_back({std::move(text), is_sorted ? Style::kTitle : Style::kHead});
  };
  add(Fit("WORKLOAD", name), SortBy::kName);
  if (layout.has_trend) line.pieces.push_back({Fit(" LAST MINUTE", kTrendWidth + 1), Style::kHead});
  const auto use = [&](std::string_view head, std::size_t use_width, std::size_t limit_width) {
    const std::string peak = layout.has_peaks ? fmt::format(" {:>{}}", "PEAK", limit_width) : "";
    return fmt::format(" {:>{}}{} {:>{}}{:<{}}", head, use_width, peak, "LIMIT", limit_width, "",
                       meter);
  };
  add(use("CPU", 7, 6), SortBy::kCpu);
  add(use("MEM", 8, 8), SortBy::kMemory);
  add(fmt::format(" {:>6}", "THR"), SortBy::kThrottled);
  add(fmt::format(" {:>7}", "WAIT99"), SortBy::kWait);
  line.pieces.push_back({fmt::format(" {:>4}  DECISION", "OOM"), Style::kHead});
  return line;
}

Line RowLine(const TopRow& row, TopLayout layout, const std::vector<double>& trend) {
  const bool is_sum = row.kind != TopRow::Kind::kWorkload;
  const Style base = is_sum ? Style::kSum : Style::kPlain;
  std::string name(static_cast<std::size_t>(row.depth) * 2, ' ');
  if (row.kind == TopRow::Kind::kSlice) name += row.is_folded ? "+ " : "- ";
  name += row.name;
  Line line{{{Fit(name, layout.has_meters ? kNameWidth : kShortNameWidth), base}}};
  const auto add_meter = [&](std::optional<double> use, std::optional<double> limit) {
    if (!layout.has_meters) return;
    line.pieces.push_back({" ", Style::kDim});
    line.pieces.push_back(Meter(use, limit));
  };
  if (layout.has_trend)
    line.pieces.push_back({fmt::format(" {}", TrendText(trend, kTrendWidth)), Style::kGood});
  line.pieces.push_back({fmt::format(" {:>7}", CoresText(row.cpu_cores)), base});
  if (layout.has_peaks)
    line.pieces.push_back({fmt::format(" {:>6}", CoresText(row.cpu_peak_cores)), base});
  line.pieces.push_back({fmt::format(" {:>6}", CoresText(row.cpu_limit_cores)), Style::kDim});
  add_meter(row.cpu_cores, row.cpu_limit_cores);
  line.pieces.push_back({fmt::format(" {:>8}", BytesText(row.memory_bytes)), base});
  if (layout.has_peaks)
    line.pieces.push_back({fmt::format(" {:>8}", BytesText(row.memory_peak_bytes)), base});
  line.pieces.push_back({fmt::format(" {:>8}", BytesText(row.memory_limit_bytes)), Style::kDim});
  add_meter(ToReal(row.memory_bytes), ToReal(row.memory_limit_bytes));
  line.pieces.push_back({fmt::format(" {:>6}", ShareText(row.throttled_share)),
                         Grade(row.throttled_share, 0.02, 0.2)});
  line.pieces.push_back(
      {fmt::format(" {:>7}", TimeText(row.wait_p99_ns)), Grade(row.wait_p99_ns, 5e6, 2e7)});
  line.pieces.push_back(
      {fmt::format(" {:>4}", row.oom_kills ? std::to_string(*row.oom_kills) : "-"),
       Grade(ToReal(row.oom_kills), 1, 1)});
  line.pieces.push_back({fmt::format("  {}", row.decision), Style::kDim});
  return line;
}

std::string PlainText(const Line& line) {
  std::string text;
  for (const Piece& piece : line.pieces) text += piece.text;
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

bool TopView::HandleFilter(Press press) {
  if (!is_typing_filter_) return false;
  if (press.key == TopKey::kText) {
    wish_.filter += press.letter;
  } else if (press.key == TopKey::kErase) {
    if (!wish_.filter.empty()) wish_.filter.pop_back();
  } else {
    if (press.key == TopKey::kEscape) wish_.filter.clear();
    is_typing_filter_ = false;
  }
  return true;
}

void TopView::Move(std::ptrdiff_t by, const std::vector<TopRow>& rows) {
  if (rows.empty()) return;
  const auto found = std::ranges::find(rows, selected_, &TopRow::key);
  const auto last = static_cast<std::ptrdiff_t>(rows.size()) - 1;
  const std::ptrdiff_t at = found == rows.end() ? (by > 0 ? -1 : 0) : found - rows.begin();
  selected_ = rows[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(at + by, 0, last))].key;
}

void TopView::HandleTable(Press press, const TopModel& model) {
  const auto rows = model.Rows(wish_);
  const auto page = static_cast<std::ptrdiff_t>(page_),
             all = static_cast<std::ptrdiff_t>(rows.size());
  switch (press.key) {
    case TopKey::kUp:
      return Move(-1, rows);
    case TopKey::kDown:
      return Move(1, rows);
    case TopKey::kPageUp:
      return Move(-page, rows);
    case TopKey::kPageDown:
      return Move(page, rows);
    case TopKey::kHome:
      return Move(-all, rows);
    case TopKey::kEnd:
      return Move(all, rows);
    case TopKey::kEscape:
      wish_.filter.clear();
      return;
    case TopKey::kEnter: {
      const auto row = std::ranges::find(rows, selected_, &TopRow::key);
      if (row == rows.end() || row->kind == TopRow::Kind::kHost) return;
      if (row->kind == TopRow::Kind::kSlice) {
        if (wish_.folded.erase(row->key) == 0) wish_.folded.insert(row->key);
        return;
      }
      mode_ = Mode::kOne;
      one_ = row->ref;
      one_first_ = 0;
      return;
    }
    case TopKey::kErase:
      return;
    case TopKey::kText:
      break;
  }
  const auto sort = [&](SortBy by) { wish_.sort = by; };
  switch (press.letter) {
    case 'j':
      return Move(1, rows);
    case 'k':
      return Move(-1, rows);
    case 'g':
      return Move(-all, rows);
    case 'G':
      return Move(all, rows);
    case 'c':
      return sort(SortBy::kCpu);
    case 'm':
      return sort(SortBy::kMemory);
    case 't':
      return sort(SortBy::kThrottled);
    case 'w':
      return sort(SortBy::kWait);
    case 'n':
      return sort(SortBy::kName);
    case 'r':
      wish_.is_reversed = !wish_.is_reversed;
      return;
    case 'T':
      wish_.is_tree = !wish_.is_tree;
      return;
    case '/':
      is_typing_filter_ = true;
      return;
    default:
      return;
  }
}

bool TopView::Handle(Press press, const TopModel& model) {
  if (HandleFilter(press)) return true;
  const bool is_text = press.key == TopKey::kText;
  if (mode_ == Mode::kHelp) {
    mode_ = Mode::kTable;
    return !(is_text && press.letter == 'q');
  }
  if (is_text && press.letter == 'q') return false;
  if (is_text && press.letter == '?') {
    mode_ = Mode::kHelp;
    return true;
  }
  if (mode_ == Mode::kTable) {
    HandleTable(press, model);
    return true;
  }
  const bool is_up = press.key == TopKey::kUp || (is_text && press.letter == 'k');
  const bool is_down = press.key == TopKey::kDown || (is_text && press.letter == 'j');
  if (press.key == TopKey::kEscape || press.key == TopKey::kEnter) mode_ = Mode::kTable;
  if (is_up && one_first_ > 0) --one_first_;
  if (is_down) ++one_first_;
  if (press.key == TopKey::kPageDown) one_first_ += page_;
  if (press.key == TopKey::kPageUp) one_first_ -= std::min(one_first_, page_);
  return true;
}

std::vector<Line> TopView::Table(const TopModel& model, std::size_t width, std::size_t height) {
  const TopLayout layout = LayoutOf(width);
  std::vector<Line> lines{HeadLine(wish_, layout)};
  const auto rows = model.Rows(wish_);
  page_ = std::max<std::size_t>(1, height - lines.size());
  const auto found = std::ranges::find(rows, selected_, &TopRow::key);
  const auto at = static_cast<std::size_t>(found == rows.end() ? 0 : found - rows.begin());
  if (at < first_) first_ = at;
  if (at >= first_ + page_) first_ = at - page_ + 1;
  if (first_ + page_ > rows.size()) first_ = rows.size() - std::min(rows.size(), page_);
  for (std::size_t i = first_; i < rows.size() && lines.size() < height; ++i) {
    const auto trend_of =
        rows[i].kind == TopRow::Kind::kSlice ? model::EntityRef{~0U} : rows[i].ref;
    lines.push_back(RowLine(rows[i], layout, model.TrendOf(trend_of)));
    lines.back().is_selected = found != rows.end() && i == at;
  }
  if (rows.empty())
    lines.push_back(
        {{{model.state().is_whole() ? "no workload matches" : "waiting for the first record",
           Style::kDim}}});
  return lines;
}

std::vector<Line> TopView::One(const TopModel& model, std::size_t width, std::size_t height) {
  auto lines = DescribeOne(model, one_, width);
  page_ = height;
  one_first_ = std::min(one_first_, lines.size() - std::min(lines.size(), height));
  lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(one_first_));
  return lines;
}

std::vector<Line> TopView::Draw(const TopModel& model, std::size_t width, std::size_t height,
                                const std::string& link) {
  std::vector<Line> lines;
  if (height < 3) return std::vector<Line>(height);
  const std::string host = model.state().is_whole() ? Printable(model.state().header().host) : "";
  lines.push_back({{{"ballast top ", Style::kTitle},
                    {fmt::format("{}  ", host), Style::kPlain},
                    {link.empty() ? "" : link, Style::kBad}}});
  std::vector<Line> body;
  if (mode_ == Mode::kHelp) {
    body.push_back({});
    for (const auto& [keys, what] : kHelp)
      body.push_back({{{fmt::format("  {:<14}", keys), Style::kTitle}, {std::string(what)}}});
  } else {
    body = mode_ == Mode::kOne ? One(model, width, height - 2) : Table(model, width, height - 2);
  }
  body.resize(height - 2);
  for (Line& line : body) lines.push_back(std::move(line));
  if (is_typing_filter_ || !wish_.filter.empty())
    lines.push_back({{{fmt::format("filter: {}{}", wish_.filter, is_typing_filter_ ? "_" : ""),
                       Style::kTitle}}});
  else
    lines.push_back({{{fmt::format("sort {}{}  {}  ? help  q quit", NameOf(wish_.sort),
                                   wish_.is_reversed ? ", reversed" : "",
                                   mode_ == Mode::kOne ? "Esc back" : "Enter opens"),
                       Style::kDim}}});
  for (Line& line : lines) Cut(line, width);
  return lines;
}

}  // namespace ballast::cli
