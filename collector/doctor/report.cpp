#include "collector/doctor/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "collector/serve/json_writer.h"

namespace ballast::doctor {
namespace {

std::string Line(std::string_view state, std::string_view what, std::string_view why,
                 std::string_view advice) {
  std::string line = fmt::format("  {:<8} {:<28} {}", state, what, why);
  line.erase(line.find_last_not_of(' ') + 1);
  line += '\n';
  if (!advice.empty()) line += fmt::format("  {:<8} {:<28} -> {}\n", "", "", advice);
  return line;
}

}  // namespace

std::string_view NameOf(source::Via via) {
  switch (via) {
    case source::Via::kBpf:
      return "bpf";
    case source::Via::kFile:
      return "file";
    case source::Via::kAbsent:
      return "absent";
  }
  return "absent";
}

std::string_view NameOf(Status status) {
  switch (status) {
    case Status::kOk:
      return "ok";
    case Status::kNote:
      return "note";
    case Status::kMissing:
      return "missing";
  }
  return "missing";
}

std::string ToText(const Report& report) {
  std::string text = report.host + "\n\nsignals, and where they come from\n";
  for (const Signal& signal : report.signals)
    text += Line(NameOf(signal.via), signal.what, signal.why, signal.advice);
  text += "\nchecks\n";
  for (const Finding& check : report.checks)
    text += Line(NameOf(check.status), check.what, check.why, check.advice);
  const auto absent = std::ranges::count_if(report.signals, [](const Signal& signal) {
    return signal.via == source::Via::kAbsent && !signal.is_moot;
  });
  const auto failed = std::ranges::count(report.checks, Status::kMissing, &Finding::status);
  text += report.anything_missing() ? fmt::format("\n{} of {} signals absent, {} checks failed\n",
                                                  absent, report.signals.size(), failed)
                                    : "\neverything is measured\n";
  return text;
}

std::string ToJson(const Report& report) {
  std::string out;
  serve::JsonWriter json(out);
  json.BeginObject().Key("host").Text(report.host);
  json.Key("missing").Bool(report.anything_missing());
  json.Key("signals").BeginArray();
  for (const Signal& signal : report.signals)
    json.BeginObject()
        .Key("what")
        .Text(signal.what)
        .Key("via")
        .Text(NameOf(signal.via))
        .Key("why")
        .Text(signal.why)
        .Key("advice")
        .Text(signal.advice)
        .Key("moot")
        .Bool(signal.is_moot)
        .EndObject();
  json.EndArray().Key("checks").BeginArray();
  for (const Finding& check : report.checks)
    json.BeginObject()
        .Key("what")
        .Text(check.what)
        .Key("status")
        .Text(NameOf(check.status))
        .Key("why")
        .Text(check.why)
        .Key("advice")
        .Text(check.advice)
        .EndObject();
  json.EndArray().EndObject();
  return out + "\n";
}

}  // namespace ballast::doctor
