#include "dashboards/cli/top_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "collector/serve/record_json.h"

namespace ballast::cli {

using model::Field;

namespace {

struct SortName {
  SortBy sort;
  std::string_view name;
};
constexpr std::array kSortNames = {
    SortName{SortBy::kCpu, "cpu"}, SortName{SortBy::kMemory, "memory"},
    SortName{SortBy::kThrottled, "throttled"}, SortName{SortBy::kWait, "wait"},
    SortName{SortBy::kName, "name"}};

bool ContainsIgnoringCase(std::string_view text, std::string_view part) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

template <typename Value>
void AddTo(std::optional<Value>& sum, const std::optional<Value>& part) {
  if (part) sum = sum.value_or(0) + *part;
}

// What everything is compared by: absent last.
double SortValue(const TopRow& row, SortBy sort) {
  constexpr double kAbsent = -1;
  switch (sort) {
    case SortBy::kCpu:
      return row.cpu_cores.value_or(kAbsent);
    case SortBy::kMemory:
      return row.memory_bytes ? static_cast<double>(*row.memory_bytes) : kAbsent;
    case SortBy::kThrottled:
      return row.throttled_share.value_or(kAbsent);
    case SortBy::kWait:
      return row.wait_p99_ns.value_or(kAbsent);
    case SortBy::kName:
      return 0;
  }
  return 0;
}

// Largest first, names A to Z; `is_reversed` turns both. Ties stand still.
void Sort(std::vector<TopRow>& rows, const RowsWish& wish) {
  std::ranges::stable_sort(rows, [&](const TopRow& a, const TopRow& b) {
    const double x = SortValue(a, wish.sort), y = SortValue(b, wish.sort);
    if (x != y) return wish.is_reversed ? x < y : x > y;
    if (wish.sort == SortBy::kName && a.name != b.name)
      return wish.is_reversed ? a.name > b.name : a.name < b.name;
    return a.ref < b.ref;
  });
}

std::string ParentOf(std::string_view path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string_view::npos || slash == 0 ? "/" : std::string(path.substr(0, slash));
}

void AddUp(TopRow& sum, const TopRow& part) {
  AddTo(sum.cpu_cores, part.cpu_cores);
  AddTo(sum.memory_bytes, part.memory_bytes);
  AddTo(sum.throttled_share, part.throttled_share);
  AddTo(sum.oom_kills, part.oom_kills);
  // A quantile has no sum: the worst of them.
  if (part.wait_p99_ns) sum.wait_p99_ns = std::max(sum.wait_p99_ns.value_or(0), *part.wait_p99_ns);
}

std::string DecisionText(const model::FieldSet& fields) {
  const std::string_view outcome = fields.GetText(Field::kOutcome);
  if (outcome.empty()) return {};
  const std::string_view reason = fields.GetText(Field::kReason);
  // "applied; applied" says no more than its last word.
  const auto last = outcome.find_last_of(' ');
  return Printable(
      fmt::format("{} {}", outcome.substr(last == std::string_view::npos ? 0 : last + 1), reason));
}

}  // namespace

std::string_view NameOf(SortBy sort) {
  return std::ranges::find(kSortNames, sort, &SortName::sort)->name;
}

std::optional<SortBy> FindSortBy(std::string_view name) {
  const auto found = std::ranges::find(kSortNames, name, &SortName::name);
  if (found == kSortNames.end()) return std::nullopt;
  return found->sort;
}

void TopModel::Apply(const model::Record& record) {
  peaks_.Observe(state_, record);
  state_.Apply(record);
  rates_.Observe(record, state_);
}

void TopModel::Beat() {
  if (!state_.is_whole()) return;
  std::erase_if(trends_, [&](const auto& trend) { return state_.Find(trend.first) == nullptr; });
  for (const auto& [ref, entity] : state_.entities()) {
    if (!model::IsWorkload(entity.kind) && ref != model::kHostRef) continue;
    std::vector<double>& trend = trends_[ref];
    trend.push_back(RatesOf(ref, entity).cpu_cores.value_or(0));
    if (trend.size() > kTrendPoints) trend.erase(trend.begin());
  }
}

const std::vector<double>& TopModel::TrendOf(model::EntityRef ref) const {
  static const std::vector<double> kNothing;
  const auto found = trends_.find(ref);
  return found == trends_.end() ? kNothing : found->second;
}

TopRow TopModel::RowOf(model::EntityRef ref, const model::Entity& entity) const {
  const model::FieldSet& fields = entity.fields;
  const auto rates = RatesOf(ref, entity);
  TopRow row;
  row.ref = ref;
  row.key = std::to_string(static_cast<std::uint32_t>(ref));
  row.name = Printable(serve::DisplayName(fields));
  row.type = model::NameOf(entity.kind);
  row.cpu_cores = rates.cpu_cores;
  row.throttled_share = rates.throttled_share;
  row.wait_p99_ns = rates.run_queue_wait_p99_ns;
  row.memory_bytes = fields.Get(Field::kMemoryUsageBytes);
  // What did not change stands in the state alone.
  const auto peak_of = [&](exposition::Peak peak, Field field) {
    return std::max(peaks_.FindPeak(ref, peak), fields.Get(field));
  };
  if (const auto ns = peak_of(exposition::Peak::kCpu100ms, Field::kCpuPeak100msNs))
    row.cpu_peak_cores = static_cast<double>(*ns) / 1e8;
  row.memory_peak_bytes = peak_of(exposition::Peak::kMemory, Field::kMemoryTickPeakBytes);
  row.oom_kills = fields.Get(Field::kOomKills);
  const auto quota = fields.Get(Field::kCpuQuotaNs), period = fields.Get(Field::kCpuPeriodNs);
  if (quota && period && *period > 0 && *quota != model::kUnlimited)
    row.cpu_limit_cores = static_cast<double>(*quota) / static_cast<double>(*period);
  // The limit that is hit first.
  for (const Field field : {Field::kMemoryMaxBytes, Field::kMemoryHighBytes})
    if (const auto limit = fields.Get(field); limit && *limit != model::kUnlimited)
      row.memory_limit_bytes = std::min(row.memory_limit_bytes.value_or(*limit), *limit);
  row.decision = DecisionText(fields);
  return row;
}

TopRow TopModel::HostRow() const {
  const model::FieldSet& fields = state_.host();
  TopRow row;
  row.kind = TopRow::Kind::kHost;
  row.key = "host";
  row.name = Printable(state_.header().host);
  row.cpu_cores = RatesOf(model::kHostRef, *state_.Find(model::kHostRef)).cpu_cores;
  if (const auto cpus = fields.Get(Field::kCpusOnline))
    row.cpu_limit_cores = static_cast<double>(*cpus);
  const auto total = fields.Get(Field::kMemoryTotalBytes);
  const auto available = fields.Get(Field::kMemoryAvailableBytes);
  row.memory_limit_bytes = total;
  if (total && available && *available <= *total) row.memory_bytes = *total - *available;
  return row;
}

std::vector<TopRow> TopModel::Rows(const RowsWish& wish) const {
  std::vector<TopRow> rows;
  if (!state_.is_whole()) return rows;
  std::map<std::string, std::vector<TopRow>> slices;
  for (const auto& [ref, entity] : state_.entities()) {
    if (!model::IsWorkload(entity.kind)) continue;
    const std::string_view path = entity.fields.GetText(Field::kPath);
    TopRow row = RowOf(ref, entity);
    if (!ContainsIgnoringCase(row.name, wish.filter) && !ContainsIgnoringCase(path, wish.filter))
      continue;
    slices[wish.is_tree ? ParentOf(path) : ""].push_back(std::move(row));
  }
  for (auto& [path, inside] : slices) Sort(inside, wish);
  if (!wish.is_tree) return slices.empty() ? rows : std::move(slices.begin()->second);
  std::vector<TopRow> heads;
  for (const auto& [path, inside] : slices) {
    TopRow head;
    head.kind = TopRow::Kind::kSlice;
    head.key = path;
    head.name = Printable(path);
    head.depth = 1;
    head.is_folded = wish.folded.contains(path);
    for (const TopRow& row : inside) AddUp(head, row);
    heads.push_back(std::move(head));
  }
  Sort(heads, wish);
  if (state_.Find(model::kHostRef) != nullptr) rows.push_back(HostRow());
  for (TopRow& head : heads) {
    auto& inside = slices[head.key];
    const bool is_folded = head.is_folded;
    rows.push_back(std::move(head));
    for (TopRow& row : inside) {
      if (is_folded) break;
      row.depth = 2;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::string Printable(std::string_view text) {
  std::string clean(text);
  for (char& c : clean)
    if (c < 0x20 || c > 0x7e) c = '?';
  return clean;
}

std::string CoresText(std::optional<double> cores) {
  return cores ? fmt::format("{:.2f}", *cores) : "-";
}

std::string BytesText(std::optional<std::uint64_t> bytes) {
  if (!bytes) return "-";
  constexpr std::string_view kUnits = "BKMGTP";
  auto value = static_cast<double>(*bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f}B", value) : fmt::format("{:.1f}{}", value, kUnits[unit]);
}

std::string TimeText(std::optional<double> nanoseconds) {
  if (!nanoseconds) return "-";
  const double ns = *nanoseconds;
  if (ns < 1e6) return fmt::format("{:.0f}us", ns / 1e3);
  if (ns < 1e9) return fmt::format("{:.{}f}ms", ns / 1e6, ns < 1e7 ? 1 : 0);
  return fmt::format("{:.1f}s", ns / 1e9);
}

std::string ShareText(std::optional<double> share) {
  return share ? fmt::format("{:.1f}%", *share * 100) : "-";
}

std::string TrendText(const std::vector<double>& values, std::size_t width) {
  static constexpr std::array kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::size_t count = std::min(width, values.size());
  std::string text(width - count, ' ');
  const auto begin = values.end() - static_cast<std::ptrdiff_t>(count);
  // Below a fifth of a core everything is quiet, however its noise moves.
  double top = 0.2;
  for (auto value = begin; value != values.end(); ++value) top = std::max(top, *value);
  for (auto value = begin; value != values.end(); ++value)
    text += kBlocks[static_cast<std::size_t>(std::clamp(*value / top * 7.0 + 0.5, 0.0, 7.0))];
  return text;
}

}  // namespace ballast::cli
