#pragma once

// BALLAST_LOG(kWarn, "source degraded", {"source", "bpf"}, {"why", error.ToString()});
//
// Key=value lines on standard error. The message is a constant, so that a line
// can be searched for; what varies goes into the fields. Levels are a contract:
//   error  somebody must act        warn   we degraded, says to what
//   info   start-up, config, plans  debug  per tick
// Pure modules never log. Thread-safe.

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "collector/base/result.h"

namespace ballast {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

struct LogField {
  std::string_view key;
  std::string value;

  template <typename T>
  LogField(std::string_view k, const T& v) : key(k), value(fmt::format("{}", v)) {}
};

void SetLogLevel(LogLevel lowest);
// "debug", "info", "warn" or "error".
Result<LogLevel> ParseLogLevel(std::string_view name);
bool IsLogged(LogLevel level);
void WriteLog(LogLevel level, const char* message, std::initializer_list<LogField> fields);

}  // namespace ballast

// Variadic because a braced list of fields holds commas.
#define BALLAST_LOG(level, message, ...)                                         \
  (::ballast::IsLogged(::ballast::LogLevel::level)                               \
       ? ::ballast::WriteLog(::ballast::LogLevel::level, message, {__VA_ARGS__}) \
       : static_cast<void>(0))
