#pragma once

// What a tool call is called, and its command line without its secrets. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace ballast::source {

// Arguments as the kernel keeps them, each ended by 0; the last one may be cut.
std::vector<std::string_view> SplitArguments(std::string_view args);

// Program and, where known, subcommand: "npm install", "python -m pytest",
// "pytest", "bash -c". Only the names of programs, modules, scripts and
// subcommands: values and options, which may hold secrets, are not in it. At
// most 64 bytes. `file` is what was exec'ed, `comm` stands in where it is empty.
std::string ToolName(std::string_view file, const std::vector<std::string_view>& arguments,
                     std::string_view comm);

// The arguments with spaces between. What looks like a secret is "***": values
// of options and variables named like one, credentials in URLs and headers,
// tokens by their usual beginnings, and long random-looking words.
std::string RedactedLine(const std::vector<std::string_view>& arguments);

}  // namespace ballast::source
