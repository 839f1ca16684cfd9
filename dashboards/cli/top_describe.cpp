// One workload in depth, as lines.

#include <fmt/format.h>

#include <array>

#include "collector/serve/record_json.h"
#include "dashboards/cli/top_view.h"

namespace ballast::cli {

using model::Field;
using model::FieldInfo;
using model::FieldUnit;

namespace {

std::string ValueText(const FieldInfo& info, std::uint64_t value) {
  if (info.type == model::FieldType::kReal)
    return fmt::format("{:.4g}", std::bit_cast<double>(value));
  if (value == model::kUnlimited && info.type != model::FieldType::kCounter) return "no limit";
  if (info.unit == FieldUnit::kBytes) return BytesText(value);
  if (info.unit == FieldUnit::kNanoseconds) return TimeText(static_cast<double>(value));
  if (info.unit == FieldUnit::kMillicores) return fmt::format("{}m", value);
  return std::to_string(value);
}

void Heading(std::vector<Line>& lines, std::string text) {
  lines.push_back({});
  lines.push_back({{{std::move(text), Style::kHead}}});
}

void Fact(std::vector<Line>& lines, std::string_view label, std::string value,
          Style style = Style::kPlain) {
  lines.push_back({{{fmt::format("  {:<30} ", label), Style::kDim}, {std::move(value), style}}});
}

bool IsOfDecision(Field field) {
  return field >= Field::kDecisionId && field <= Field::kOrigin;
}

// Fields of one entity; those of its decision, or the others.
void Fields(std::vector<Line>& lines, const model::FieldSet& fields, bool of_decision) {
  fields.ForEachNumber([&](Field field, std::uint64_t value) {
    const FieldInfo* info = model::FindField(static_cast<std::uint32_t>(field));
    if (info != nullptr && IsOfDecision(field) == of_decision)
      Fact(lines, info->name, ValueText(*info, value));
  });
  for (const auto& [field, histogram] : fields.histograms())
    if (IsOfDecision(field) == of_decision && model::TotalCount(histogram) > 0)
      Fact(lines, model::InfoOf(field).name,
           fmt::format("p50 {}  p99 {}  of {}", TimeText(model::QuantileNs(histogram, 0.5)),
                       TimeText(model::QuantileNs(histogram, 0.99)), model::TotalCount(histogram)));
  for (const auto& [field, text] : fields.texts())
    if (IsOfDecision(field) == of_decision) Fact(lines, model::InfoOf(field).name, Printable(text));
}

}  // namespace

std::vector<Line> DescribeOne(const TopModel& model, model::EntityRef ref, std::size_t width) {
  const model::Entity* entity = model.state().Find(ref);
  if (entity == nullptr) return {{{{"it has ended", Style::kWarn}}}};
  const model::FieldSet& fields = entity->fields;
  const auto rates = model.RatesOf(ref, *entity);
  std::vector<Line> lines;
  lines.push_back({{{Printable(serve::DisplayName(fields)), Style::kTitle},
                    {fmt::format("  {}  {}", model::NameOf(entity->kind),
                                 Printable(fields.GetText(Field::kPath))),
                     Style::kDim}}});
  lines.push_back(
      {{{"CPU, last minute ", Style::kDim},
        {TrendText(model.TrendOf(ref),
                   std::min<std::size_t>(width > 40 ? width - 30 : 10, TopModel::kTrendPoints)),
         Style::kGood},
        {fmt::format("  {} cores", CoresText(rates.cpu_cores))}}});
  Heading(lines, "Last second");
  Fact(lines, "throttled", ShareText(rates.throttled_share));
  Fact(lines, "periods throttled", ShareText(rates.throttled_periods_share));
  Fact(lines, "run-queue wait p50", TimeText(rates.run_queue_wait_p50_ns));
  Fact(lines, "run-queue wait p99", TimeText(rates.run_queue_wait_p99_ns));
  Heading(lines, "Last decision");
  const std::size_t before = lines.size();
  Fields(lines, fields, true);
  if (lines.size() == before) Fact(lines, "none yet", "");
  Heading(lines, "Every field");
  Fields(lines, fields, false);
  // Devices, vCPUs, whom it waited for: made after their parent.
  for (const auto& [child_ref, child] : model.state().entities()) {
    if (child.parent != ref || child_ref == ref || child_ref == model::kHostRef) continue;
    Heading(lines, std::string(model::NameOf(child.kind)));
    Fields(lines, child.fields, false);
  }
  return lines;
}

}  // namespace ballast::cli
