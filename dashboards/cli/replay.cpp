#include "dashboards/cli/replay.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "collector/model/state.h"
#include "collector/record/frame_reader.h"
#include "dashboards/cli/exit_status.h"
#include "dashboards/cli/record_file.h"
#include "dashboards/cli/record_json.h"

namespace ballast::cli {
namespace {

using model::Field;

struct Options {
  std::string file;
  std::string format = "text";
};

std::string NameOf(const model::State& state, const std::optional<model::EntityRef>& ref) {
  const model::Entity* entity = ref ? state.Find(*ref) : nullptr;
  if (entity == nullptr) return "-";
  const std::string_view name = entity->fields.GetText(Field::kName);
  return std::string(name.empty() ? entity->fields.GetText(Field::kPath) : name);
}

// The sentence that the event carries where it has one; a limit as it changed;
// else every text. Numbers are for --format json.
std::string Details(const model::FieldSet& fields) {
  const auto text = [&](Field field) { return fields.GetText(field); };
  if (!text(Field::kText).empty()) return std::string(text(Field::kText));
  if (!text(Field::kFile).empty())
    return fmt::format("{}: {} -> {} {} ({}){}{}", text(Field::kFile), text(Field::kValueBefore),
                       text(Field::kValueAfter), text(Field::kOutcome), text(Field::kReason),
                       text(Field::kError).empty() ? "" : ": ", text(Field::kError));
  std::string line;
  for (const auto& [field, value] : fields.texts())
    line += fmt::format("{}={:?} ", model::InfoOf(field).name, value);
  return line;
}

class TextPrinter {
 public:
  void Print(const model::Record& record) {
    const auto* event = std::get_if<model::Event>(&record.body);
    // A death takes the name with it, so names are looked up before and after.
    std::string name = event == nullptr ? std::string() : NameOf(state_, event->subject);
    const auto applied = state_.Apply(record);
    if (applied == model::State::Applied::kReset) fmt::print("--- the collector began anew\n");
    if (applied == model::State::Applied::kGap) fmt::print("--- records are missing here\n");
    if (event == nullptr) return;
    if (name == "-") name = NameOf(state_, event->subject);
    fmt::print("{} {:<16} {:<24} {}\n", WallTimeOf(record.header.at + record.header.wall_offset),
               model::NameOf(event->kind), name, Details(event->fields));
  }

 private:
  model::State state_;
};

int Run(const Options& options) {
  record::FrameReader reader;
  TextPrinter text;
  const auto read = ForEachRecord(options.file, reader, [&](const model::Record& record) {
    if (options.format == "json") {
      fmt::print("{}\n", ToJsonLine(record));
    } else {
      text.Print(record);
    }
  });
  if (!read) {
    fmt::print(stderr, "ballast: replay: {}\n", read.error().ToString());
    return kBadInput;
  }
  const auto& seen = reader.counters();
  if (seen.records == 0) {
    fmt::print(stderr, "ballast: replay: {}: no record in it; is it a flight recorder's file?\n",
               options.file);
    return kBadInput;
  }
  if (seen.damaged_frames + seen.skipped_bytes + reader.pending_bytes() > 0)
    fmt::print(
        stderr,
        "ballast: replay: {}: passed over {} damaged frames, {} bytes; {} bytes cut at the end\n",
        options.file, seen.damaged_frames, seen.skipped_bytes, reader.pending_bytes());
  return kSolved;
}

}  // namespace

void AddReplay(CLI::App& app, int& exit_status) {
  auto options = std::make_shared<Options>();  // the second owner is the callback
  CLI::App* command = app.add_subcommand("replay", "What a flight recorder's file holds");
  command->add_option("file", options->file, "Records; - reads standard input")->required();
  command
      ->add_option("--format", options->format,
                   "text: what happened; json: every record, one a line")
      ->check(CLI::IsMember({"text", "json"}));
  command->callback([options, &exit_status] { exit_status = Run(*options); });
}

}  // namespace ballast::cli
