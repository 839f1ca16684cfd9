#include "dashboards/cli/explain.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/Option.hpp>
#include <CLI/Validators.hpp>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "dashboards/cli/collector_events.h"
#include "dashboards/cli/exit_status.h"
#include "dashboards/cli/explanation.h"
#include "dashboards/cli/record_file.h"

namespace ballast::cli {
namespace {

struct Options {
  std::string id = "last";
  std::string recording;  // empty: a running collector is asked
  std::string collector = "127.0.0.1:9435";
  std::string workload;
  std::string format = "text";
  bool all = false;
};

std::optional<std::uint64_t> ParseId(const std::string& text) {
  std::uint64_t id = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), id);
  return code == std::errc() && end == text.data() + text.size() ? std::optional(id) : std::nullopt;
}

int Complain(const std::string& what) {
  fmt::print(stderr, "ballast: explain: {}\n", what);
  return kBadInput;
}

// What the recorder has moved aside comes first.
std::vector<std::string> FilesOf(const std::string& recording) {
  struct stat status {};
  const std::string older = recording + ".1";
  if (recording != "-" && ::stat(older.c_str(), &status) == 0) return {older, recording};
  return {recording};
}

Result<> ReadRecording(const std::string& recording, Explainer& explainer) {
  std::uint64_t records = 0;
  for (const std::string& file : FilesOf(recording)) {
    record::FrameReader reader;
    BALLAST_TRY_DO(
        ForEachRecord(file, reader, [&](const model::Record& record) { explainer.Add(record); }),
        "recording");
    records += reader.counters().records;
  }
  if (records > 0) return Ok();
  return Error::Invalid(recording + ": no record in it; is it a flight recorder's file?");
}

Result<> ReadCollector(const std::string& address, Explainer& explainer) {
  const auto records = FetchDecisions(address);
  if (!records)
    return Error(records.error())
        .Context("no running collector; name its recording: --recording FILE");
  for (const model::Record& record : *records) explainer.Add(record);
  return Ok();
}

std::string NotFound(const Explainer& explainer, const Options& options) {
  const std::string& source = options.recording.empty() ? options.collector : options.recording;
  if (!explainer.last_id()) return source + ": no decision in it; does an autoscaler run here?";
  return fmt::format("{}: no decision {}{}; there are {} to {}", source, options.id,
                     options.workload.empty() ? "" : " about " + options.workload,
                     *explainer.first_id(), *explainer.last_id());
}

int Run(const Options& options) {
  const std::optional<std::uint64_t> id = ParseId(options.id);
  if (!id && options.id != "last")
    return Complain("'" + options.id + "' is no number of a decision; use one, or last");
  Explainer explainer({.id = id, .workload = options.workload});
  const auto read = options.recording.empty() ? ReadCollector(options.collector, explainer)
                                              : ReadRecording(options.recording, explainer);
  if (!read) return Complain(read.error().ToString());
  const std::vector<Explanation>& found = explainer.found();
  if (found.empty()) return Complain(NotFound(explainer, options));
  for (std::size_t i = options.all ? 0 : found.size() - 1; i < found.size(); ++i) {
    if (options.format == "json")
      fmt::print("{}\n", ToJson(found[i]));
    else
      fmt::print("{}", ToText(found[i]));
  }
  if (id && !options.all && found.size() > 1)
    fmt::print(
        stderr,
        "ballast: explain: {} decisions have this number, of several starts; the last one is "
        "shown, --all shows all\n",
        found.size());
  return kSolved;
}

}  // namespace

void AddExplain(CLI::App& app, int& exit_status) {
  auto options = std::make_shared<Options>();  // the second owner is the callback
  CLI::App* command = app.add_subcommand("explain", "Why the autoscaler decided what it did");
  command->add_option("id", options->id, "Number of the decision; last: the last one")->required();
  command->add_option("--recording", options->recording,
                      "A flight recorder's file (records.file of the collector); - reads standard "
                      "input; without it the running collector is asked");
  command->add_option("--collector", options->collector, "Address and port of its page");
  command->add_option("--workload", options->workload,
                      "Only decisions about this name or cgroup path");
  command->add_flag("--all", options->all, "Every decision that fits, not the last alone");
  command->add_option("--format", options->format, "text, or json: one decision a line")
      ->check(CLI::IsMember({"text", "json"}));
  command->callback([options, &exit_status] { exit_status = Run(*options); });
}

}  // namespace ballast::cli
