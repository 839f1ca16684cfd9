#include "autoscaler/actuate/cgroup_files.h"

#include <fmt/format.h>

#include "autoscaler/actuate/limit_text.h"

namespace ballast::actuate {

std::string Writable(std::string_view file, const std::string& text) {
  if (file == kFreezerV1) return text == "FREEZING" ? "FROZEN" : text;
  if (file != kOomControl) return text;
  return text.find("oom_kill_disable 1") != std::string::npos || text == "1" ? "1" : "0";
}

Actuation Refused(const ControlDir* dir, const char* file, std::string why) {
  Actuation result;
  result.outcome = Outcome::kRefused;
  if (dir != nullptr) result.file = dir->path() + "/" + file;
  result.error = std::move(why);
  return result;
}

Actuation FailedBy(const ControlDir& dir, const char* file, const Error& error) {
  Actuation result = Refused(&dir, file, error.ToString());
  if (IsGone(error)) result.outcome = Outcome::kGone;
  return result;
}

Result<std::int64_t> ReadNumber(const ControlDir& dir, const char* file) {
  BALLAST_TRY(const std::string text, dir.Read(file), "read");
  const auto number = ParseNumber(text);
  if (!number)
    return Error::Invalid(fmt::format("{}/{}: '{}' is no number", dir.path(), file, text));
  return *number;
}

std::optional<std::int64_t> ReadLimit(const ControlDir& dir, const char* file) {
  const auto text = dir.Read(file);
  return text ? ParseMemoryLimit(*text).value_or(std::nullopt) : std::nullopt;
}

const std::string& Holds(const Actuation& done) {
  return done.after.empty() ? done.before : done.after;
}

bool IsDone(const Actuation& done) {
  return done.outcome == Outcome::kApplied || done.outcome == Outcome::kUnchanged;
}

}  // namespace ballast::actuate
