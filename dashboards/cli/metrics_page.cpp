#include "dashboards/cli/metrics_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "collector/export/family.h"
#include "collector/metrics/catalogue.h"
#include "dashboards/cli/exit_status.h"

namespace ballast::cli {
namespace {

using exposition::Group;

std::string_view TypeOf(metrics::Kind kind) {
  switch (kind) {
    case metrics::Kind::kCounter:
      return "counter";
    case metrics::Kind::kGauge:
      return "gauge";
    case metrics::Kind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

// Fields that the family is made from: where the number comes from in a record.
std::string SourceOf(const exposition::Family& family) {
  std::string text;
  for (std::size_t i = 0; i < family.series_count; ++i) {
    const exposition::Series& series = family.series[i];
    if (series.show == exposition::Show::kDerived) return "derived";
    if (series.show == exposition::Show::kTally) return "events";
    if (!text.empty()) text += ", ";
    text += fmt::format("`{}`", model::InfoOf(series.field).name);
  }
  return text;
}

std::string LabelsOf(std::string_view labels) {
  if (labels.empty()) return "";
  std::string text = fmt::format("`{}`", labels);
  for (std::size_t at = text.find(','); at != std::string::npos; at = text.find(',', at + 4))
    text.replace(at, 1, "` `");
  return text;
}

struct Section {
  Group group;
  std::string_view title;
};
constexpr Section kSections[] = {
    {Group::kWorkload,
     "Per workload, and the host as `id=\"/\"`. Labels: `id` (cgroup path), `name`, `image`, "
     "`container`, `pod`, `namespace`"},
    {Group::kDevice, "Per block device of a workload"},
    {Group::kInterface, "Per network interface of a workload"},
    {Group::kTool, "Per program that a workload's tool calls run"},
    {Group::kBlame, "Per workload and who held the CPU that it waited for"},
    {Group::kVcpu, "Per vCPU of a VM"},
    {Group::kExit, "Per exit reason of a VM"},
    {Group::kDomain, "VMs under the names of libvirt's exporters"},
    {Group::kDomainVcpu, "Their vCPUs"},
    {Group::kDomainDevice, "Their block devices"},
    {Group::kDomainInterface, "Their network interfaces"},
    {Group::kHost, "The host"},
    {Group::kLoss, "Losses"},
};

std::string FamilyRows(Group group) {
  std::string rows;
  for (const exposition::Family& family : exposition::AllFamilies())
    if (family.group == group)
      rows +=
          fmt::format("| `{}` | {} | {} | {} | {} |\n", family.spec.name, TypeOf(family.spec.kind),
                      LabelsOf(family.spec.labels), SourceOf(family), family.spec.help);
  return rows;
}

}  // namespace

std::string MetricsPage() {
  std::string page =
      "# Metrics\n\nWritten by `ballast metrics` from the programs' catalogues; a test holds this "
      "file against them. Names that\n"
      "begin with `container_` and `machine_` are cAdvisor's, with its types, units and labels. A "
      "field that this kernel or\n"
      "cgroup does not have has no sample: absent is never zero. *Field* is the record's field "
      "(`collector/model/field.h`).\n";
  for (const Section& section : kSections) {
    const std::string rows = FamilyRows(section.group);
    if (rows.empty()) continue;
    page += fmt::format("\n## {}\n\n| name | type | labels | field | |\n|---|---|---|---|---|\n{}",
                        section.title, rows);
  }
  page += "\n## The programs themselves\n\n| name | type | labels | |\n|---|---|---|---|\n";
  for (const metrics::Spec& spec : metrics::kCatalogue)
    page += fmt::format("| `{}` | {} | {} | {} |\n", spec.name, TypeOf(spec.kind),
                        LabelsOf(spec.labels), spec.help);
  return page;
}

void AddMetrics(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("metrics", "Every metric with its type, labels and meaning, as Markdown");
  command->callback([&exit_status] {
    fmt::print("{}", MetricsPage());
    exit_status = kSolved;
  });
}

}  // namespace ballast::cli
