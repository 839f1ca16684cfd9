#include "collector/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>

namespace ballast {
namespace {

struct LevelName {
  LogLevel level;
  std::string_view name;
  spdlog::level::level_enum spd;
};
constexpr std::array kLevels = {
    LevelName{LogLevel::kDebug, "debug", spdlog::level::debug},
    LevelName{LogLevel::kInfo, "info", spdlog::level::info},
    LevelName{LogLevel::kWarn, "warn", spdlog::level::warn},
    LevelName{LogLevel::kError, "error", spdlog::level::err},
};

spdlog::logger& Logger() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("ballast",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z level=%l %v");
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

spdlog::level::level_enum ToSpd(LogLevel level) {
  return kLevels[static_cast<std::size_t>(level)].spd;
}

// A value with a space or a quote is quoted, so that a line splits on spaces;
// control characters could forge a second line.
void AppendValue(std::string& line, std::string_view value) {
  const bool plain =
      !value.empty() && value.find_first_of(" \"=\n\r\t\\") == std::string_view::npos;
  if (plain) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') line += '\\';
    line += (static_cast<unsigned char>(c) < 0x20) ? ' ' : c;
  }
  line += '"';
}

}  // namespace

void SetLogLevel(LogLevel lowest) {
  Logger().set_level(ToSpd(lowest));
}

Result<LogLevel> ParseLogLevel(std::string_view name) {
  for (const LevelName& known : kLevels)
    if (known.name == name) return known.level;
  return Error::Invalid(fmt::format("log level '{}': use debug, info, warn or error", name));
}

bool IsLogged(LogLevel level) {
  return Logger().should_log(ToSpd(level));
}

void WriteLog(LogLevel level, const char* message, std::initializer_list<LogField> fields) {
  std::string line = "msg=";
  AppendValue(line, message);
  for (const LogField& field : fields) {
    line.append(" ").append(field.key).append("=");
    AppendValue(line, field.value);
  }
  Logger().log(ToSpd(level), "{}", line);
}

}  // namespace ballast
